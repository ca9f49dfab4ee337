"""What a payer (or, for a refund, the merchant's payout address) signs, and what it means, before it is signed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from chainpoints.api.auth import Token, authenticate
from chainpoints.api.deps import GatewayDep, View
from chainpoints.api.proofs import check_not_frozen
from chainpoints.api.routes.orders import known_order
from chainpoints.api.routes.programs import books_shape, known_program, solvency
from chainpoints.api.routes.wallets import schedule_steps
from chainpoints.api.schemas.base import OrderId
from chainpoints.api.schemas.orders import (
    Authorization,
    AuthorizationQuery,
    Disclosure,
    Funding,
    HalfReleased,
    RefundAuthorization,
    RefundAuthorizationQuery,
    SplitShape,
)
from chainpoints.api.standing import standing
from chainpoints.chain.signatures import Payment, Refund, for_wallets, payment_typed_data, refund_typed_data
from chainpoints.domain import payment as rules
from chainpoints.domain.forecast import half_period, released
from chainpoints.domain.terms import Terms, describe
from chainpoints.errors import RequestRefused
from chainpoints.store.merchants import MerchantRow, merchant
from chainpoints.store.orders import OrderRow
from chainpoints.store.programs import books, replacement_of
from chainpoints.store.wallets import supply
from chainpoints.types import Address, Hash32, NodeId, Points, format_points, parse_address, parse_points

router = APIRouter(tags=["orders"])


@router.get("/orders/{order_id}/authorization")
def get_authorization(
    gateway: GatewayDep, order_id: Annotated[OrderId, Path()], query: Annotated[AuthorizationQuery, Query()]
) -> Authorization:
    """The typed data to sign, and all that follows from signing it. Public: whoever pays needs no key."""
    with gateway.reading() as view:
        order = known_order(view, order_id)
        payment = payment_of(order, parse_address(query.payer))
        check_not_frozen(view, payment.payer)
        standing(view, order).check_can_pay()
        terms = started_program(view, order.program)
        shop = active_merchant(view, order.merchant)
        # Of the block before: what the payer signs now counts again after a cancelling in any block up to this one.
        valid_after, valid_before = view.now - 1, view.now + query.valid_for
        if order.expires_at is not None:
            valid_before = min(valid_before, order.expires_at + 1)
        return Authorization(
            read_at=view.read_at(),
            order=order.id,
            merchant=order.merchant,
            merchant_name=shop.name,
            reference=order.reference,
            valid_after=valid_after,
            valid_before=valid_before,
            typed_data=for_wallets(payment_typed_data(gateway.manifest, payment, valid_after, valid_before)),
            disclosure=_disclosure(view, terms, payment),
        )


@router.get("/orders/{order_id}/refund-authorization")
def get_refund_authorization(
    gateway: GatewayDep,
    token: Token,
    order_id: Annotated[OrderId, Path()],
    query: Annotated[RefundAuthorizationQuery, Query()],
) -> RefundAuthorization:
    """What the payout address signs to refund `amount`. Needs the scope refunds:write."""
    with gateway.reading() as view:
        caller = authenticate(gateway, view, token, "refunds:write")
        order = known_order(view, order_id, caller.merchant)
        refund, split = refund_of(view, order, parse_points(query.amount))
        terms = known_program(view, refund.payment.program)
        valid_before = view.now + query.valid_for
        return RefundAuthorization(
            read_at=view.read_at(),
            order=order.id,
            payout=refund.payout,
            split=_split_shape(refund.amount, split),
            refundable_until=terms.grid.begins_at(refund.start + 1),
            valid_after=0,
            valid_before=valid_before,
            typed_data=for_wallets(refund_typed_data(gateway.manifest, refund, 0, valid_before)),
        )


def payment_of(order: OrderRow, payer: Address) -> Payment:
    """The terms of paying the order. Raises RequestRefused when it has no price in points or is another customer's."""
    if order.points is None:
        raise RequestRefused(422, "not-priced-in-points", "the order is to be paid in money, at the merchant's till")
    if order.customer is not None and order.customer != payer:
        raise RequestRefused(422, "wrong-customer", "the order names another customer as its payer")
    return Payment(order.merchant, order.program, Points(order.points), payer, Hash32(order.order_hash))


def refund_of(view: View, order: OrderRow, amount: Points) -> tuple[Refund, rules.Split]:
    """The refund, and what it takes from whom. Raises RequestRefused when the payment cannot be refunded so."""
    where = standing(view, order)
    paid = where.payment
    if paid is None:
        raise RequestRefused(422, "order-not-paid", "the order was not paid in points")
    if amount == 0:
        raise RequestRefused(422, "zero-amount", "a refund of 0 points gives nothing back")
    left = paid["amount"] - where.refunded
    if amount > left:
        shown = format_points(left)
        raise RequestRefused(422, "refund-too-large", f"of this payment {shown} points can be refunded", left=shown)
    terms = known_program(view, paid["program"])
    if terms.grid.elapsed(paid["start"], view.now) > 0:
        ended = terms.grid.begins_at(paid["start"] + 1)
        raise RequestRefused(
            422, "refund-window-closed", "the node of this payment has begun to release", ended_at=ended
        )
    where.check_nothing_pending()
    payment = Payment(
        paid["merchant"], paid["program"], Points(paid["amount"]), Address(paid["payer"]), Hash32(paid["order_hash"])
    )
    split = rules.refund(paid["amount"], where.refunded, amount, terms.divert_bps, terms.multiplier)
    payout = Address(known_merchant(view, order.merchant).payout)
    check_not_frozen(view, payout)
    return Refund(payment, paid["start"], amount, Points(where.refunded), payout), split


def started_program(view: View, program: int) -> Terms:
    """Raises RequestRefused (422) for a program that does not exist, has not begun, or takes no more payments."""
    terms = known_program(view, program)
    if view.now < terms.epoch:
        raise RequestRefused(422, "program-not-started", f"program {program} has not begun", begins_at=terms.epoch)
    replacement = view.read(replacement_of, program)
    if replacement and view.now >= replacement.closes_at:
        detail = f"program {program} takes no payments any more; program {replacement.replaced_by} replaces it"
        raise RequestRefused(422, "program-closed", detail, replaced_by=replacement.replaced_by)
    return terms


def active_merchant(view: View, merchant_id: int) -> MerchantRow:
    """Raises RequestRefused (422) for a merchant that was switched off."""
    row = known_merchant(view, merchant_id)
    if not row.active:
        raise RequestRefused(422, "merchant-inactive", f"merchant {merchant_id} is switched off")
    return row


def within_day(row: MerchantRow, amount: Points, per_day: int, what: str) -> None:
    """Raises RequestRefused (422) for an amount that alone passes a merchant's limit a day: no day would take it."""
    if amount > per_day:
        detail = f"merchant {row.merchant} may be {what} {format_points(per_day)} points a day; the operator sets that"
        raise RequestRefused(422, "merchant-over-limit", detail, limit=format_points(per_day))


def within_quota(row: MerchantRow, amount: Points) -> None:
    """Raises RequestRefused (422) for more than is left of what the merchant may issue."""
    if amount > row.quota:
        detail = f"merchant {row.merchant} has {format_points(row.quota)} points of quota left; the operator adds quota"
        raise RequestRefused(422, "merchant-over-limit", detail, left=format_points(row.quota))


def known_merchant(view: View, merchant_id: int) -> MerchantRow:
    """Raises RequestRefused (422) for one that the chain does not have (any more)."""
    row = view.read(merchant, merchant_id)
    if row is None:
        raise RequestRefused(422, "merchant-inactive", f"merchant {merchant_id} is not on the chain yet")
    return row


def _disclosure(view: View, terms: Terms, payment: Payment) -> Disclosure:
    split = rules.split(payment.amount, terms.divert_bps, terms.multiplier)
    grid, start = terms.grid, terms.grid.next_start(view.now)
    half = half_period(grid.schedule)
    owed = books(view.connection, terms.program, view.at)
    return Disclosure(
        split=_split_shape(payment.amount, split),
        node=str(NodeId.of_payment(terms.program, start, payment.payer)),
        refundable_until=grid.begins_at(start + 1),
        half_released=HalfReleased(
            period=half,
            at=grid.begins_at(start + half),
            amount=format_points(released(grid.schedule, split.total, half)),
        ),
        fully_released_at=grid.begins_at(start + terms.periods),
        schedule=schedule_steps(grid, start, split.total),
        funding=Funding(
            kind="FUNDED" if terms.is_funded else "EMISSION",
            books=books_shape(owed),
            solvency=solvency(terms, owed, supply(view.connection, view.at)),
        ),
        words=describe(terms),
    )


def _split_shape(amount: int, split: rules.Split) -> SplitShape:
    return SplitShape(
        amount=format_points(amount),
        merchant_share=format_points(split.merchant),
        diverted=format_points(split.diverted),
        node_total=format_points(split.total),
    )
