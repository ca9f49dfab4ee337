"""POST /v1/payments and /v1/refunds: signed authorizations, handed to the relayer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from chainpoints.api.auth import Caller
from chainpoints.api.deps import View
from chainpoints.api.gas import promised
from chainpoints.api.idempotency import Action, ActionDep, Answer, PublicActionDep
from chainpoints.api.routes.authorizations import active_merchant, payment_of, refund_of, started_program, within_day
from chainpoints.api.routes.orders import known_order
from chainpoints.api.routes.requests import accepted
from chainpoints.api.schemas.requests import NewPayment, NewRefund, RelayRequestAnswer
from chainpoints.api.standing import is_pending, standing
from chainpoints.chain.signatures import payment_typed_data, recover, refund_typed_data
from chainpoints.errors import InvalidInput, RequestRefused
from chainpoints.store.relay import add_request, requests_of_wallet
from chainpoints.store.wallets import balance, payments_cancelled_at
from chainpoints.types import format_points, parse_address, parse_points

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
    _check_time(view, body.valid_after, body.valid_before)
    _check_not_cancelled(view, payer, body.valid_after)
    if not body.contract_wallet:
        typed_data = payment_typed_data(action.gateway.manifest, payment, body.valid_after, body.valid_before)
        _check_signature(typed_data, body.signature, payer)
    _check_balance(view, payer, payment.amount)
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
    _check_time(view, body.valid_after, body.valid_before)
    if not body.contract_wallet:
        typed_data = refund_typed_data(action.gateway.manifest, refund, body.valid_after, body.valid_before)
        _check_signature(typed_data, body.signature, refund.payout)
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


def _check_time(view: View, valid_after: int, valid_before: int) -> None:
    if not valid_after < view.now < valid_before:
        when = "is over" if valid_before <= view.now else "has not begun"
        raise RequestRefused(
            422,
            "authorization-not-valid-now",
            f"the time of the authorization {when}: it is {view.now} on the chain",
            chain_time=view.now,
        )


def _check_not_cancelled(view: View, payer: str, valid_after: int) -> None:
    cancelled_at = payments_cancelled_at(view.connection, payer, view.at)
    if valid_after + 1 < cancelled_at:
        detail = (
            f"{payer} took back at {cancelled_at} what was signed to be valid before; sign the order's message anew"
        )
        raise RequestRefused(422, "authorization-cancelled", detail, cancelled_at=cancelled_at)


def _check_signature(typed_data: dict[str, Any], signature: str, holder: str) -> None:
    try:
        signer = recover(typed_data, signature)
    except InvalidInput as error:
        raise RequestRefused(422, "wrong-signature", str(error)) from None
    if signer != holder:
        raise RequestRefused(
            422,
            "wrong-signature",
            f"the signature over these terms is not of {holder}; if that is a contract, send contract_wallet: true",
        )


def _check_balance(view: View, payer: str, amount: int) -> None:
    """Refuses early what the chain would refuse; not while something that may fill the wallet is on its way."""
    held = balance(view.connection, payer, view.at)
    if held >= amount or any(is_pending(each, view.at) for each in requests_of_wallet(view.connection, payer)):
        return
    raise RequestRefused(
        422,
        "insufficient-points",
        f"{payer} holds {format_points(held)} points and the order costs {format_points(amount)}",
        balance=format_points(held),
    )
