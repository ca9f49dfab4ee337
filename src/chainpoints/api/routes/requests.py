"""GET /v1/requests/{id}: what became of something that was accepted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from chainpoints.api.deps import GatewayDep, View
from chainpoints.api.idempotency import Answer
from chainpoints.api.schemas.base import AtQuery, RequestId
from chainpoints.api.schemas.requests import RelayRequest, RelayRequestAnswer
from chainpoints.api.standing import is_pending
from chainpoints.store import relay

router = APIRouter(tags=["requests"])


@router.get("/requests/{request_id}")
def get_request(
    gateway: GatewayDep, request_id: Annotated[RequestId, Path()], query: Annotated[AtQuery, Query()]
) -> RelayRequestAnswer:
    """A relay request: its state, the transaction and block that carry it, how final that is, or why it was refused."""
    with gateway.reading(query.finality) as view:
        return request_answer(view, relay.request(view.connection, request_id))


def request_shape(view: View, request: relay.Request) -> RelayRequest:
    """A request whose block is not read yet, or is gone, shows as sent: `mined` means every answer has its effect."""
    is_mined = request.state == "mined" and not is_pending(request, view.at)
    block = request.block_number if is_mined else None
    return RelayRequest.model_validate(
        {
            "id": request.id,
            "kind": request.kind,
            "state": "sent" if request.state == "mined" and not is_mined else request.state,
            "merchant": request.merchant,
            "order_hash": request.order_hash,
            "wallet": request.wallet or request.payload.get("payer"),
            "accepted_at": request.accepted_at,
            "not_before": request.not_before,
            "transaction": request.transaction_hash,
            "block": block,
            "block_hash": request.block_hash if is_mined else None,
            "finality": None if block is None else view.state.finality(block),
            "refusal": request.refusal,
        }
    )


def accepted(view: View, request: relay.Request) -> Answer:
    """The answer to whoever asked for something that the relayer now carries out.

    Raises RequestRefused (503), which undoes the acceptance, while the chain is out of reach.
    """
    view.check_chain_is_reached()
    return Answer(202, request_answer(view, request))


def request_answer(view: View, request: relay.Request) -> RelayRequestAnswer:
    return RelayRequestAnswer(read_at=view.read_at(), **dict(request_shape(view, request)))
