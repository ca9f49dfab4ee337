"""Orders of a merchant: made, read, listed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from chainpoints.api.auth import Caller, Token, authenticate
from chainpoints.api.deps import GatewayDep, View
from chainpoints.api.idempotency import ActionDep, Answer
from chainpoints.api.routes.programs import known_program
from chainpoints.api.routes.requests import request_shape
from chainpoints.api.schemas.base import NOT_A_CURSOR, AtQuery, OrderId, cursor_of, place_number, place_of
from chainpoints.api.schemas.orders import Checkout, Money, NewOrder, Order, OrderAnswer, OrderPage, OrdersQuery
from chainpoints.api.standing import Standing, standing, standings
from chainpoints.errors import Conflict, InvalidInput, NotFound, RequestRefused
from chainpoints.store import orders as store
from chainpoints.store.merchants import merchant
from chainpoints.store.orders import OrderPlace, OrderRow
from chainpoints.types import NodeId, format_points, parse_address, parse_points

router = APIRouter(tags=["orders"])


@router.post("/orders", status_code=201, response_model=OrderAnswer)
def create_order(action: ActionDep, body: NewOrder) -> Response:
    """An order, identified by the merchant's own reference. Needs the scope orders:write."""

    def effect(view: View, caller: Caller) -> Answer:
        seller = caller.own_merchant()
        points = _price(view, body)
        action.gateway.store.hold(view.connection, f"reference {seller} {body.reference}")
        try:
            row = store.add_order(
                view.connection,
                merchant=seller,
                reference=body.reference,
                program=body.program,
                points=points,
                money=body.money.amount if body.money else None,
                currency=body.money.currency if body.money else None,
                customer=parse_address(body.customer) if body.customer else None,
                expires_at=body.expires_at,
            )
        except Conflict as existing:
            detail = f"the order {body.reference} exists already"
            raise RequestRefused(409, "order-exists", detail, order=str(existing)) from None
        return Answer(201, _answer(view, row))

    return action.keyed("orders:write", body, effect)


@router.get("/orders")
def list_orders(gateway: GatewayDep, token: Token, query: Annotated[OrdersQuery, Query()]) -> OrderPage:
    """The merchant's orders, newest first. Needs the scope orders:read."""
    with gateway.reading(query.finality) as view:
        caller = authenticate(gateway, view, token, "orders:read")
        rows = store.orders(
            view.connection,
            merchant=caller.merchant,
            limit=query.limit + 1,
            after=_place(query.cursor),
            reference=query.reference,
            customer=parse_address(query.customer) if query.customer else None,
        )
        shown = rows[: query.limit]
        where = standings(view, shown)
        items = [_shape(row, where[row.id]) for row in shown]
        last = (shown[-1].created_at, shown[-1].id) if len(rows) > query.limit else None
        return OrderPage(read_at=view.read_at(), items=items, next=cursor_of(last))


@router.get("/orders/{order_id}")
def get_order(
    gateway: GatewayDep, token: Token, order_id: Annotated[OrderId, Path()], query: Annotated[AtQuery, Query()]
) -> OrderAnswer:
    """One order with its attempts. Needs the scope orders:read."""
    with gateway.reading(query.finality) as view:
        caller = authenticate(gateway, view, token, "orders:read")
        return _answer(view, known_order(view, order_id, caller.merchant))


@router.get("/orders/{order_id}/checkout")
def get_checkout(
    gateway: GatewayDep, order_id: Annotated[OrderId, Path()], query: Annotated[AtQuery, Query()]
) -> Checkout:
    """What a checkout shows to whoever has the order's id: who is to be paid what, until when, and where that stands.
    Public; the merchant's own reference and the customer that it names are not in it."""
    with gateway.reading(query.finality) as view:
        row = known_order(view, order_id)
        order = dict(_shape(row, standing(view, row)))
        shown = {name: order[name] for name in Checkout.model_fields if name in order}
        payee = view.read(merchant, row.merchant)
        return Checkout(**shown, read_at=view.read_at(), merchant_name=payee.name if payee else None)


def known_order(view: View, order_id: str, merchant: int | None = None) -> OrderRow:
    """The order, if it is the merchant's (None: whoever's). Raises NotFound."""
    row = store.order(view.connection, order_id, merchant=merchant)
    if row is None:
        raise no_order(order_id)
    return row


def no_order(order_id: str) -> NotFound:
    return NotFound(f"there is no order {order_id}")


def _price(view: View, body: NewOrder) -> int | None:
    """The price in points, base units. Raises RequestRefused when the order could never be paid."""
    terms = known_program(view, body.program)
    if body.points is None and body.money is None:
        raise InvalidInput("an order has a price: send `points`, `money`, or both")
    if body.money and not body.money.amount.strip("0."):
        detail = "the order costs 0.00: nothing is paid, so nothing can be issued for it"
        raise RequestRefused(422, "zero-amount", detail)
    if body.expires_at is not None and body.expires_at <= view.now:
        raise InvalidInput(f"expires_at: it is over already: it is {view.now} on the chain")
    if body.points is None:
        return None
    points = parse_points(body.points)
    if points == 0:
        raise RequestRefused(422, "zero-amount", "the order costs 0 points; there is nothing to pay")
    if points < terms.min_payment:
        minimum = format_points(terms.min_payment)
        raise RequestRefused(
            422, "below-minimum", f"program {terms.program} takes payments of {minimum} points or more", minimum=minimum
        )
    return points


def _answer(view: View, row: OrderRow) -> OrderAnswer:
    where = standing(view, row)
    requests = [request_shape(view, each) for each in where.requests]
    return OrderAnswer(**dict(_shape(row, where)), read_at=view.read_at(), requests=requests)


def _shape(row: OrderRow, where: Standing) -> Order:
    paid, issue, pending = where.payment, where.issue, where.pending
    refusal = where.refused.refusal if where.status() == "refused" and where.refused else None
    return Order.model_validate(
        {
            "id": row.id,
            "merchant": row.merchant,
            "reference": row.reference,
            "order_hash": row.order_hash,
            "program": row.program,
            "points": None if row.points is None else format_points(row.points),
            "money": Money(amount=row.money, currency=row.currency) if row.money and row.currency else None,
            "customer": row.customer,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "status": where.status(),
            "paid": format_points(where.paid),
            "refunded": format_points(where.refunded),
            "issued": format_points(issue["points"] + issue["total"] if issue else 0),
            "payer": paid["payer"] if paid else None,
            "paid_at": paid["timestamp"] if paid else None,
            "irregular": where.irregularities(),
            "node": str(NodeId.of_payment(paid["program"], paid["start"], paid["payer"])) if paid else None,
            "refusal": refusal,
            "pending_request": pending.id if pending else None,
        }
    )


def _place(cursor: str | None) -> OrderPlace | None:
    place = place_of(cursor)
    if place is None:
        return None
    if len(place) != 2 or "\0" in place[1]:
        raise InvalidInput(NOT_A_CURSOR)
    return place_number(place[0]), place[1]
