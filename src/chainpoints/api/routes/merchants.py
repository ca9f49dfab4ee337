"""Merchants: registered by the operator, public on chain."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from chainpoints.api.auth import Caller
from chainpoints.api.deps import GatewayDep, View
from chainpoints.api.idempotency import Action, ActionDep, Answer
from chainpoints.api.routes.authorizations import active_merchant, started_program, within_day, within_quota
from chainpoints.api.routes.issues import evidence_hash
from chainpoints.api.routes.requests import accepted, request_shape
from chainpoints.api.schemas.base import AtQuery, PageQuery, cursor_of, place_number, place_of
from chainpoints.api.schemas.merchants import (
    Merchant,
    MerchantAnswer,
    MerchantMade,
    MerchantPage,
    NewMerchant,
    NewQuota,
    NewReserve,
)
from chainpoints.api.schemas.requests import RelayRequestAnswer
from chainpoints.api.standing import attempt_pending
from chainpoints.domain.order import reserve_hash
from chainpoints.errors import InvalidInput, NotFound, RequestRefused
from chainpoints.store import merchants as store
from chainpoints.store.merchants import MerchantRow
from chainpoints.store.relay import add_request, requests_of_order
from chainpoints.types import SUPPLY_CAP, ZERO_ADDRESS, Points, format_points, parse_address, parse_points

router = APIRouter(tags=["merchants"])

MerchantPath = Annotated[int, Path(ge=1, lt=1 << 32)]


@router.post("/merchants", status_code=202, response_model=MerchantMade)
def register_merchant(action: ActionDep, body: NewMerchant) -> Response:
    """Registers a merchant under the next free id. For the operator: needs the scope merchants:write."""

    def effect(view: View, _: Caller) -> Answer:
        payout = parse_address(body.payout)
        if payout == ZERO_ADDRESS:
            raise InvalidInput("payout: points sent to the zero address would be lost")
        action.gateway.store.hold(view.connection, "register_merchant")
        merchant = store.next_free_id(view.connection)
        payload = {
            "merchant": merchant,
            "payout": payout,
            "name": body.name,
            "paid_per_day": parse_points(body.paid_per_day),
            "issued_per_day": parse_points(body.issued_per_day),
        }
        request = add_request(
            view.connection,
            kind="register_merchant",
            lane="registrar",
            payload=payload,
            not_before=view.now,
            merchant=merchant,
        )
        view.check_chain_is_reached()
        made = request_shape(view, request)
        return Answer(202, MerchantMade(read_at=view.read_at(), merchant=merchant, request=made))

    return action.keyed("merchants:write", body, effect)


@router.get("/merchants")
def list_merchants(gateway: GatewayDep, query: Annotated[PageQuery, Query()]) -> MerchantPage:
    """Every merchant, the highest id first."""
    place = place_of(query.cursor)
    after = place_number(place[0]) if place else None
    with gateway.reading(query.finality) as view:
        rows = store.merchants(view.connection, view.at, after=after, limit=query.limit + 1)
        shown = rows[: query.limit]
        last = (shown[-1].merchant,) if len(rows) > query.limit else None
        return MerchantPage(read_at=view.read_at(), items=[_shape(row) for row in shown], next=cursor_of(last))


@router.get("/merchants/{merchant}")
def get_merchant(gateway: GatewayDep, merchant: MerchantPath, query: Annotated[AtQuery, Query()]) -> MerchantAnswer:
    """One merchant."""
    with gateway.reading(query.finality) as view:
        return MerchantAnswer(read_at=view.read_at(), **dict(_shape(known(view, merchant))))


@router.post("/merchants/{merchant}/quota", status_code=202, response_model=RelayRequestAnswer)
def add_quota(action: ActionDep, merchant: MerchantPath, body: NewQuota) -> Response:
    """Credits quota that the merchant paid for. For the operator: needs the scope merchants:write."""

    def effect(view: View, _: Caller) -> Answer:
        amount = _some(body.amount)
        if known(view, merchant).quota + amount > SUPPLY_CAP:
            raise InvalidInput(f"with this the merchant's quota would pass the supply cap, {format_points(SUPPLY_CAP)}")
        payload = {"merchant": merchant, "amount": amount, "evidence": evidence_hash(body.evidence)}
        request = add_request(
            view.connection,
            kind="add_quota",
            lane="registrar",
            payload=payload,
            not_before=view.now,
            merchant=merchant,
        )
        return accepted(view, request)

    return action.keyed("merchants:write", body, effect)


@router.post("/merchants/{merchant}/reserve", status_code=202, response_model=RelayRequestAnswer)
def issue_reserve(action: ActionDep, merchant: MerchantPath, body: NewReserve) -> Response:
    """Issues points out of the merchant's quota into a FUNDED program's reserve. For the operator: merchants:write."""
    return action.keyed("merchants:write", body, lambda view, _: _reserve(action, view, merchant, body))


def known(view: View, merchant: int) -> MerchantRow:
    """Raises NotFound."""
    row = store.merchant(view.connection, merchant, view.at)
    if row is None:
        raise NotFound(f"there is no merchant {merchant}")
    return row


def _reserve(action: Action, view: View, merchant: int, body: NewReserve) -> Answer:
    known(view, merchant)
    row, amount = active_merchant(view, merchant), _some(body.amount)
    within_quota(row, amount)
    within_day(row, amount, row.issued_per_day, "issued")
    if not started_program(view, body.program).is_funded:
        detail = f"program {body.program} is funded by emission and has no reserve"
        raise RequestRefused(422, "program-not-funded", detail)
    order = reserve_hash(body.reference)
    action.gateway.store.hold(view.connection, f"reserve {merchant} {order}")
    for earlier in requests_of_order(view.connection, merchant, order):
        if earlier.state == "mined":
            raise RequestRefused(409, "order-already-issued", f"{body.reference} was used before", request=earlier.id)
        if earlier.state != "refused":
            raise attempt_pending(earlier)
    payload = {
        "merchant": merchant,
        "order": order,
        "program": body.program,
        "amount": amount,
        "evidence": evidence_hash(body.evidence),
    }
    request = add_request(
        view.connection,
        kind="issue_reserve",
        lane="issuer",
        payload=payload,
        not_before=view.now,
        merchant=merchant,
        order_hash=order,
    )
    return accepted(view, request)


def _some(text: str) -> Points:
    amount = parse_points(text)
    if amount == 0:
        raise RequestRefused(422, "zero-amount", "an amount of 0 points does nothing")
    return amount


def _shape(row: MerchantRow) -> Merchant:
    return Merchant(
        merchant=row.merchant,
        name=row.name,
        payout=row.payout,
        active=row.active,
        paid_per_day=format_points(row.paid_per_day),
        issued_per_day=format_points(row.issued_per_day),
        quota=format_points(row.quota),
    )
