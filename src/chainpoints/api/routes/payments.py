"""POST /v1/payments and /v1/refunds: signed authorizations, handed to the relayer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, Response

from chainpoints.api.auth import Caller
from chainpoints.api.deps import Gateway, View
from chainpoints.api.gas import hold_budgets, promised
from chainpoints.api.idempotency import Action, ActionDep, Answer, PublicActionDep
from chainpoints.api.proofs import (
    check_balance,
    check_room_for_unproved,
    check_signature,
    check_time,
    refuse_frozen,
)
from chainpoints.api.routes.authorizations import active_merchant, payment_of, refund_of, started_program, within_day
from chainpoints.api.routes.orders import known_order, no_order
from chainpoints.api.routes.requests import accepted, request_answer
from chainpoints.api.schemas.requests import NewPayment, NewRefund, RelayRequestAnswer
from chainpoints.api.standing import Standing, standings
from chainpoints.chain.signatures import Payment, payment_typed_data, refund_typed_data
from chainpoints.errors import InvalidInput, RequestRefused
from chainpoints.store.orders import orders_by_id
from chainpoints.store.relay import Request, add_request
from chainpoints.store.wallets import Freeze, balance, balances, cancelled_at, freezes
from chainpoints.types import parse_address, parse_points

router = APIRouter(tags=["payments"])


@router.post("/payments", status_code=202, response_model=RelayRequestAnswer)
async def create_payment(action: PublicActionDep, body: NewPayment) -> Response:
    """Pays an order in points by the payer's signature. Public: the signature says who pays what for which order."""
    gateway = action.gateway
    return await action.public_together(gateway.payments, body, body.order, partial(_Payments, gateway))


@router.post("/refunds", status_code=202, response_model=RelayRequestAnswer)
def create_refund(action: ActionDep, body: NewRefund) -> Response:
    """Refunds a payment, in part or whole, by the payout address's signature. Needs the scope refunds:write."""
    return action.keyed("refunds:write", body, lambda view, caller: _refund(action, view, caller, body))


class _Payments:
    """Payments that came at once. What is to be known of them is read of all together; each is checked by itself."""

    def __init__(self, gateway: Gateway, bodies: Sequence[NewPayment]) -> None:
        self._gateway = gateway
        with gateway.store.read() as connection:
            self._orders = orders_by_id(connection, {body.order for body in bodies})
        self._wrong = {id(body): self._wrong_signature(body) for body in bodies}
        self._standings: dict[str, Standing] = {}
        self._cancelled_at: dict[str, int] = {}
        self._frozen: dict[str, Freeze] = {}

    def begin(self, view: View, bodies: Sequence[NewPayment]) -> None:
        self._gateway.store.hold(view.connection, *(f"order {body.order}" for body in bodies))
        payers = list({body.payer.lower() for body in bodies})
        orders = [self._orders[body.order] for body in bodies if body.order in self._orders]
        hold_budgets(self._gateway, view, {order.merchant for order in orders})
        self._standings = standings(view, orders)
        self._cancelled_at = cancelled_at(view.connection, payers, view.at)
        self._frozen = freezes(view.connection, payers, view.at, view.now)
        view.learn(balance, dict.fromkeys(payers, 0) | balances(view.connection, payers, view.at))

    def carry_out(self, view: View, body: NewPayment) -> Answer:
        if body.order not in self._orders:
            raise no_order(body.order)
        order, payer = self._orders[body.order], parse_address(body.payer)
        payment = payment_of(order, payer)
        self._standings[order.id].check_can_pay(proved=not body.contract_wallet)
        merchant = active_merchant(view, order.merchant)
        within_day(merchant, payment.amount, merchant.paid_per_day, "paid")
        started_program(view, order.program)
        check_time(view, body.valid_after, body.valid_before)
        refuse_frozen(payer, self._frozen.get(payer))
        self._check_not_taken_back(payer, body.valid_after)
        if wrong := self._wrong[id(body)]:
            raise wrong
        check_balance(view, payer, payment.amount)
        gwei = promised(self._gateway, view, "payment", order.merchant, by_code=body.contract_wallet)
        view.check_chain_is_reached()
        if body.contract_wallet:
            check_room_for_unproved(view, "payment")
        request = _add_signed(view, "payment", payment, body, {}, gwei=gwei)
        return Answer(202, request_answer(view, request))

    def _wrong_signature(self, body: NewPayment) -> RequestRefused | InvalidInput | None:
        """What is wrong with it, if it is one that can be checked here."""
        if body.contract_wallet or body.order not in self._orders:
            return None
        try:
            payer = parse_address(body.payer)
            payment = payment_of(self._orders[body.order], payer)
            typed_data = payment_typed_data(self._gateway.manifest, payment, body.valid_after, body.valid_before)
            check_signature(typed_data, body.signature, payer)
        except (RequestRefused, InvalidInput) as wrong:
            return wrong
        return None

    def _check_not_taken_back(self, payer: str, valid_after: int) -> None:
        at = self._cancelled_at.get(payer, 0)
        if valid_after + 1 < at:
            detail = f"{payer} took back at {at} what was signed to be valid before; sign the order's message anew"
            raise RequestRefused(422, "authorization-cancelled", detail, cancelled_at=at)


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
    more = {"payout": refund.payout, "start": refund.start, "refund_amount": refund.amount}
    return accepted(view, _add_signed(view, "refund", payment, body, more, gwei=gwei))


def _add_signed(
    view: View,
    kind: str,
    payment: Payment,
    body: NewPayment | NewRefund,
    more: dict[str, Any],
    *,
    gwei: int,
) -> Request:
    """Accepts what was signed about a payment; `more` are the terms that only its kind has."""
    payload = {
        "merchant": payment.merchant,
        "program": payment.program,
        "amount": payment.amount,
        "payer": payment.payer,
        "order": payment.order_hash,
        "valid_after": body.valid_after,
        "valid_before": body.valid_before,
        "signature": body.signature,
        "contract_wallet": body.contract_wallet,
    }
    return add_request(
        view.connection,
        kind=kind,
        lane="relayer",
        payload=payload | more,
        not_before=view.now,
        merchant=payment.merchant,
        order_hash=payment.order_hash,
        wallet=None if body.contract_wallet else payment.payer,  # unproved, it must hold up nothing of theirs
        promised_gwei=gwei,
    )
