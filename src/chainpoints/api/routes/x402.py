"""A facilitator of x402: sellers anywhere on the web ask for points, and the gateway verifies and settles.

One authorization is one relay request and is told as settled once, so that a seller who serves by it serves once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from chainpoints.api import exact
from chainpoints.api.deps import Gateway, GatewayDep, View
from chainpoints.api.exact import Transfer, Why
from chainpoints.api.gas import promised
from chainpoints.api.schemas.x402 import (
    SCHEME,
    VERSION,
    X402Kind,
    X402Payment,
    X402Settled,
    X402Supported,
    X402Verified,
)
from chainpoints.api.standing import is_pending
from chainpoints.chain.signatures import DOMAIN_VERSION, TOKEN_NAME
from chainpoints.errors import RequestRefused, StoreUnavailable
from chainpoints.store import relay
from chainpoints.store.idempotency import StoredAnswer, store_answers, stored_answer
from chainpoints.store.relay import add_request, known_request
from chainpoints.types import DECIMALS

router = APIRouter(prefix="/x402", tags=["x402"])

WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 0.2
_MOST_WAITING = 100
"""More are told at once that it is pending."""

_OWNER = "x402"
_JSON = "application/json"


@router.get("/supported", response_model_exclude_none=True)
def get_supported(gateway: GatewayDep) -> X402Supported:
    """What can be paid here: points of this chain, by the scheme exact. `extra` names the token for sellers."""
    manifest = gateway.manifest
    token = {"asset": manifest.address("PointsToken"), "decimals": DECIMALS}
    domain = {"name": TOKEN_NAME, "version": DOMAIN_VERSION}
    kind = X402Kind(x402_version=VERSION, scheme=SCHEME, network=exact.network(manifest), extra=domain | token)
    with gateway.reading() as view:
        return X402Supported(kinds=[kind], extensions=[], signers={}, read_at=view.read_at())


@router.post("/verify", response_model_exclude_none=True)
def verify(gateway: GatewayDep, body: X402Payment) -> X402Verified:
    """Whether a payment is what the seller asks for and the chain would carry it out. Nothing is moved."""
    transfer = exact.transfer_of(gateway.manifest, body)
    why = transfer if isinstance(transfer, Why) else _against(gateway, transfer)
    payer = exact.payer_of(body)
    if why is None:
        return X402Verified(is_valid=True, payer=payer)
    return X402Verified(is_valid=False, invalid_reason=why.reason, invalid_message=why.message, payer=payer)


@router.post("/settle", response_model=X402Settled, response_model_exclude_none=True)
async def settle(request: Request, gateway: GatewayDep, body: X402Payment) -> Response:
    """Carries a payment out and waits some seconds for its end. `settlement_pending`: settle again, or ask for
    `extra.request`. The same authorization is never carried out twice, and told as settled once."""
    accepted = await run_in_threadpool(_accept, gateway, body)
    if isinstance(accepted, X402Settled):
        return Response(_json(accepted), media_type=_JSON)
    # Its head is sent at once: who waits takes no place among the requests that are being worked on.
    return StreamingResponse(_end(request, gateway, accepted), media_type=_JSON)


def _against(gateway: Gateway, transfer: Transfer) -> Why | None:
    with gateway.reading() as view:
        request = known_request(view.connection, transfer.id)
        if request is None:
            return exact.against(view, transfer)
        if request.state == "refused":
            return exact.why_not_carried_out(request)
        return _told_before(view, request)


def _accept(gateway: Gateway, body: X402Payment) -> Transfer | X402Settled:
    """The payment, accepted now or before; or the answer that says why not."""
    transfer = exact.transfer_of(gateway.manifest, body)
    why = transfer if isinstance(transfer, Why) else _accept_once(gateway, transfer)
    if not isinstance(transfer, Why) and why is None:
        return transfer
    assert why is not None
    return X402Settled(
        success=False,
        error_reason=why.reason,
        error_message=why.message,
        payer=exact.payer_of(body),
        transaction="",
        network=exact.network(gateway.manifest),
    )


def _accept_once(gateway: Gateway, transfer: Transfer) -> Why | None:
    try:
        with gateway.writing() as view:
            gateway.store.hold(view.connection, f"signed {transfer.id}")
            if known_request(view.connection, transfer.id):
                return None
            if why := exact.against(view, transfer):
                return why
            view.check_chain_is_reached()
            add_request(
                view.connection,
                kind="transfer",
                lane="relayer",
                payload=transfer.payload(),
                not_before=view.now,
                wallet=transfer.sender,
                promised_gwei=promised(gateway, view, "transfer", None),
                request_id=transfer.id,
            )
            return None
    except RequestRefused as refused:
        return exact.why_of(refused)


async def _end(request: Request, gateway: Gateway, transfer: Transfer) -> AsyncIterator[bytes]:
    """Its end as soon as it is known, or that it is pending; holds neither a thread nor a connection meanwhile.

    Who has gone is not told: that somebody was told of a success is on record.
    """
    clock, told = asyncio.get_running_loop().time, _settled(gateway, transfer, exact.PENDING)
    give_up_at = clock() + (WAIT_SECONDS if gateway.settling < _MOST_WAITING else 0)
    gateway.settling += 1
    try:
        while not await request.is_disconnected():
            with contextlib.suppress(StoreUnavailable):
                told = await run_in_threadpool(_standing, gateway, transfer)
            if told.error_reason != exact.PENDING or clock() >= give_up_at:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        gateway.settling -= 1
    yield _json(told)


def _standing(gateway: Gateway, transfer: Transfer) -> X402Settled:
    with gateway.reading() as view:
        request = known_request(view.connection, transfer.id)
        if request is None or is_pending(request, view.at):
            message = "it is not known yet whether the points move: settle again, or ask GET /v1/requests/{id}"
            return _settled(gateway, transfer, exact.PENDING, message, request)
        if request.state == "refused":
            why = exact.why_not_carried_out(request)
            return _settled(gateway, transfer, why.reason, why.message, request)
    return _tell(gateway, transfer)


def _tell(gateway: Gateway, transfer: Transfer) -> X402Settled:
    """Success, to the first who is told of it."""
    with gateway.writing() as view:
        gateway.store.hold(view.connection, f"signed {transfer.id}")
        request = known_request(view.connection, transfer.id)
        if request is None or request.state == "refused" or is_pending(request, view.at):
            return _settled(gateway, transfer, exact.PENDING, "a reorg took its block", request)
        if why := _told_before(view, request):
            return _settled(gateway, transfer, why.reason, why.message, request)
        told = _settled(gateway, transfer, None, None, request)
        answer = StoredAnswer("", 200, _json(told).decode())
        store_answers(view.connection, {(_OWNER, transfer.id): answer}, for_good=True)  # as its request is kept
        return told


def _told_before(view: View, request: relay.Request) -> Why | None:
    if stored_answer(view.connection, _OWNER, request.id):
        return Why(exact.USED, f"the payment was made and told as settled before, as relay request {request.id}")
    return None


def _settled(
    gateway: Gateway,
    transfer: Transfer,
    reason: str | None,
    message: str | None = None,
    request: relay.Request | None = None,
) -> X402Settled:
    return X402Settled(
        success=reason is None,
        error_reason=reason,
        error_message=message,
        payer=transfer.sender,
        transaction=(request.transaction_hash if request else None) or "",
        network=exact.network(gateway.manifest),
        amount=str(transfer.amount) if reason is None else None,
        extra={"request": transfer.id},
    )


def _json(told: X402Settled) -> bytes:
    return told.model_dump_json(exclude_none=True).encode()
