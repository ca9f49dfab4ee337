"""POST /v1/payments and /v1/refunds: signed authorizations, handed to the relayer."""

from __future__ import annotations

from fastapi import APIRouter, Response

from chainpoints.api.auth import Caller
from chainpoints.api.deps import View
from chainpoints.api.gas import promised
from chainpoints.api.idempotency import Action, ActionDep, Answer, PublicActionDep
from chainpoints.api.proofs import check_balance, check_not_frozen, check_signature, check_time
from chainpoints.api.routes.authorizations import active_merchant, payment_of, refund_of, started_program, within_day
from chainpoints.api.routes.orders import known_order
from chainpoints.api.routes.requests import accepted
from chainpoints.api.schemas.requests import NewPayment, NewRefund, RelayRequestAnswer
from chainpoints.api.standing import standing
from chainpoints.chain.signatures import payment_typed_data, refund_typed_data
from chainpoints.errors import RequestRefused
from chainpoints.store.relay import add_request
from chainpoints.store.wallets import hindrances
from chainpoints.types import parse_address, parse_points

router = APIRouter(tags=["payments"])


@router.post("/payments", status_code=202, response_model=RelayRequestAnswer)
def create_payment(action: PublicActionDep, body: NewPayment) -> Response:
    """Pays an order in points by the payer's signature. Public: the signature says who pays what for which order."""
    return action.public(body, lambda view: _pay(action, view, body))


@router.post("/refunds", status_code=202, response_model=RelayRequestAnswer)
def create_refund(action: ActionDep, body: NewRefund) -> Response:
    """Refunds a payment, in part or whole, by the payout address's signature. Needs the scope refunds:write."""
    return action.keyed("refunds:write", body, lambda view, caller: _refund(action, view, caller, body))


def _pay(action: Action, view: View, body: NewPayment) -> Answer:
    action.gateway.store.hold(view.connection, f"order {body.order}")
    order, payer = known_order(view, body.order), parse_address(body.payer)
    payment = payment_of(order, payer)
    standing(view, order).check_can_pay()
    merchant = active_merchant(view, order.merchant)
    within_day(merchant, payment.amount, merchant.paid_per_day, "paid")
    started_program(view, order.program)
    check_time(view, body.valid_after, body.valid_before)
    _check_not_hindered(view, payer, body.valid_after)
    if not body.contract_wallet:
        typed_data = payment_typed_data(action.gateway.manifest, payment, body.valid_after, body.valid_before)
        check_signature(typed_data, body.signature, payer)
    check_balance(view, payer, payment.amount)
    gwei = promised(action.gateway, view, "payment", order.merchant, by_code=body.contract_wallet)
    payload = {
        "merchant": payment.merchant,
        "program": payment.program,
        "amount": payment.amount,
        "payer": payer,
        "order": order.order_hash,
        "valid_after": body.valid_after,
        "valid_before": body.valid_before,
        "signature": body.signature,
        "contract_wallet": body.contract_wallet,
    }
    request = add_request(
        view.connection,
        kind="payment",
        lane="relayer",
        payload=payload,
        not_before=view.now,
        merchant=order.merchant,
        order_hash=order.order_hash,
        wallet=None if body.contract_wallet else payer,  # unproved, it must hold up nothing of theirs
        promised_gwei=gwei,
    )
    return accepted(view, request)


def _refund(action: Action, view: View, caller: Caller, body: NewRefund) -> Answer:
    action.gateway.store.hold(view.connection, f"order {body.order}")
    order = known_order(view, body.order, caller.merchant)
    refund, _ = refund_of(view, order, parse_points(body.amount))
    check_time(view, body.valid_after, body.valid_before)
    if not body.contract_wallet:
        typed_data = refund_typed_data(action.gateway.manifest, refund, body.valid_after, body.valid_before)
        check_signature(typed_data, body.signature, refund.payout)
    gwei = promised(action.gateway, view, "refund", order.merchant, by_code=body.contract_wallet)
    payment = refund.payment
    payload = {
        "merchant": payment.merchant,
        "program": payment.program,
        "amount": payment.amount,
        "payer": payment.payer,
        "payout": refund.payout,
        "order": payment.order_hash,
        "start": refund.start,
        "refund_amount": refund.amount,
        "valid_after": body.valid_after,
        "valid_before": body.valid_before,
        "signature": body.signature,
        "contract_wallet": body.contract_wallet,
    }
    request = add_request(
        view.connection,
        kind="refund",
        lane="relayer",
        payload=payload,
        not_before=view.now,
        merchant=order.merchant,
        order_hash=order.order_hash,
        wallet=payment.payer,
        promised_gwei=gwei,
    )
    return accepted(view, request)


def _check_not_hindered(view: View, payer: str, valid_after: int) -> None:
    found = hindrances(view.connection, payer, view.at)
    if found.frozen_until > view.now:
        check_not_frozen(view, payer)
    cancelled_at = found.cancelled_at
    if valid_after + 1 < cancelled_at:
        detail = (
            f"{payer} took back at {cancelled_at} what was signed to be valid before; sign the order's message anew"
        )
        raise RequestRefused(422, "authorization-cancelled", detail, cancelled_at=cancelled_at)
