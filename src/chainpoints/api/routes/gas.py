"""A merchant's gas: what its relayed requests may cost a day, and what they cost so far."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from chainpoints.api.auth import Caller, Token, authenticate
from chainpoints.api.deps import Gateway, GatewayDep, View
from chainpoints.api.gas import day_of, ether
from chainpoints.api.idempotency import ActionDep, Answer
from chainpoints.api.routes.merchants import MerchantPath, known
from chainpoints.api.schemas.base import AtQuery
from chainpoints.api.schemas.merchants import GasDay, NewGasBudget
from chainpoints.config import parse_ether
from chainpoints.store.gas import set_budget

router = APIRouter(tags=["merchants"])


@router.get("/merchants/{merchant}/gas")
def get_gas(gateway: GatewayDep, token: Token, merchant: MerchantPath, query: Annotated[AtQuery, Query()]) -> GasDay:
    """What the merchant's payments, refunds and issues may cost in a day of chain time, and this day so far. Needs the
    scope orders:read, of the merchant or the operator."""
    with gateway.reading(query.finality) as view:
        authenticate(gateway, view, token, "orders:read").check_merchant(merchant)
        known(view, merchant)
        return _shape(gateway, view, merchant)


@router.post("/merchants/{merchant}/gas", status_code=200, response_model=GasDay)
def set_gas_budget(action: ActionDep, merchant: MerchantPath, body: NewGasBudget) -> Response:
    """Sets what the merchant may cost a day; null: the gateway's default. For the operator: needs merchants:write."""

    def effect(view: View, _: Caller) -> Answer:
        known(view, merchant)
        set_budget(view.connection, merchant, None if body.budget is None else parse_ether(body.budget))
        return Answer(200, _shape(action.gateway, view, merchant))

    return action.keyed("merchants:write", body, effect)


def _shape(gateway: Gateway, view: View, merchant: int) -> GasDay:
    day = day_of(gateway, view, merchant)
    return GasDay(
        read_at=view.read_at(),
        merchant=merchant,
        budget=None if day.budget is None else ether(day.budget),
        is_default=day.is_default,
        spent=ether(day.spent),
        promised=ether(day.promised),
        left=None if day.left is None else ether(day.left),
        free_at=day.ends_at,
    )
