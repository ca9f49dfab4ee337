"""POST /v1/issues: points for an order that was paid in money at the merchant's till."""

from __future__ import annotations

import re

from eth_utils.crypto import keccak
from fastapi import APIRouter, Response

from chainpoints.api.auth import Caller
from chainpoints.api.deps import View
from chainpoints.api.gas import promised
from chainpoints.api.idempotency import Action, ActionDep, Answer
from chainpoints.api.routes.authorizations import active_merchant, started_program, within_day, within_quota
from chainpoints.api.routes.orders import known_order
from chainpoints.api.routes.requests import accepted
from chainpoints.api.schemas.requests import NewIssue, RelayRequestAnswer
from chainpoints.api.standing import standing
from chainpoints.errors import InvalidInput, RequestRefused
from chainpoints.store.relay import add_request
from chainpoints.types import Points, parse_points, parse_wallet

router = APIRouter(tags=["issues"])

_HASH = re.compile(r"0x[0-9a-fA-F]{64}")


@router.post("/issues", status_code=202, response_model=RelayRequestAnswer)
def create_issue(action: ActionDep, body: NewIssue) -> Response:
    """Issues points, a node, or both, out of the merchant's quota; an order once. Needs the scope issues:write."""
    return action.keyed("issues:write", body, lambda view, caller: _issue(action, view, caller, body))


def evidence_hash(evidence: str) -> str:
    """What goes on chain of a merchant's evidence."""
    return evidence.lower() if _HASH.fullmatch(evidence) else "0x" + keccak(text=evidence).hex()


def _issue(action: Action, view: View, caller: Caller, body: NewIssue) -> Answer:
    action.gateway.store.hold(view.connection, f"order {body.order}")
    order, customer = known_order(view, body.order, caller.own_merchant()), parse_wallet(body.customer)
    if order.money is None:
        raise RequestRefused(422, "not-priced-in-money", "the order is to be paid in points")
    if order.customer is not None and order.customer != customer:
        raise RequestRefused(422, "wrong-customer", "the order names another customer")
    standing(view, order).check_can_issue()
    merchant = active_merchant(view, order.merchant)
    points, total = parse_points(body.points), parse_points(body.node_total)
    amount = Points(points + total)
    if amount == 0:
        raise RequestRefused(422, "zero-amount", "an issue of 0 points and no node gives nothing")
    within_quota(merchant, amount)
    within_day(merchant, amount, merchant.issued_per_day, "issued")
    payload = {
        "merchant": order.merchant,
        "program": _node_program(view, body) if total else 0,
        "points": points,
        "total": total,
        "customer": customer,
        "order": order.order_hash,
        "evidence": evidence_hash(body.evidence),
    }
    request = add_request(
        view.connection,
        kind="issue",
        lane="issuer",
        payload=payload,
        not_before=view.now,
        merchant=order.merchant,
        order_hash=order.order_hash,
        wallet=customer,
        promised_gwei=promised(action.gateway, view, "issue", order.merchant),
    )
    return accepted(view, request)


def _node_program(view: View, body: NewIssue) -> int:
    if body.program is None:
        raise InvalidInput("program: needed with node_total, it says how the node releases")
    if not started_program(view, body.program).is_funded:
        detail = f"program {body.program} has no reserve to put the node's total in"
        raise RequestRefused(422, "program-not-funded", detail)
    return body.program
