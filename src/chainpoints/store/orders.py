"""Orders: what a merchant wants to be paid. Their status is not stored; it follows from events and relay requests."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, insert, or_, select

from chainpoints.domain.order import order_hash
from chainpoints.errors import Conflict
from chainpoints.store import tables


@dataclass(frozen=True, slots=True)
class OrderRow:
    """`points` in base units, None when it is to be paid in money; `money` is decimal text of `currency`.

    `expires_at` is chain time: until then it can be paid in points.
    """

    id: str
    merchant: int
    reference: str
    order_hash: str
    program: int
    points: int | None
    money: str | None
    currency: str | None
    customer: str | None
    created_at: int
    expires_at: int | None


OrderPlace = tuple[int, str]
"""Of an order in its list: when it was made and its id."""

_orders = tables.orders.c
_COLUMNS = [_orders[name] for name in OrderRow.__slots__]
_BY_ID = select(*_COLUMNS).where(_orders.id == bindparam("id"))
_BY_IDS = select(*_COLUMNS).where(_orders.id.in_(bindparam("ids", expanding=True)))
_BY_REFERENCE = select(_orders.id).where(
    _orders.merchant == bindparam("merchant"), _orders.reference == bindparam("reference")
)
_INSERT = insert(tables.orders)


def add_order(
    connection: Connection,
    *,
    merchant: int,
    reference: str,
    program: int,
    points: int | None,
    money: str | None,
    currency: str | None,
    customer: str | None,
    expires_at: int | None = None,
) -> OrderRow:
    """Raises Conflict, with the order's id, when the merchant has one of that reference already."""
    existing = connection.scalar(_BY_REFERENCE, {"merchant": merchant, "reference": reference})
    if existing is not None:
        raise Conflict(existing)
    order_id = f"ord_{secrets.token_hex(16)}"
    row = OrderRow(
        id=order_id,
        merchant=merchant,
        reference=reference,
        order_hash=order_hash(order_id, reference),
        program=program,
        points=points,
        money=money,
        currency=currency,
        customer=customer,
        created_at=int(time.time()),
        expires_at=expires_at,
    )
    connection.execute(_INSERT, {name: getattr(row, name) for name in OrderRow.__slots__})
    return row


def order(connection: Connection, order_id: str, *, merchant: int | None = None) -> OrderRow | None:
    """The order, if it is the merchant's (None: whoever's)."""
    row = connection.execute(_BY_ID, {"id": order_id}).one_or_none()
    return OrderRow(*row) if row and merchant in (None, row.merchant) else None


def orders_by_id(connection: Connection, ids: Collection[str]) -> dict[str, OrderRow]:
    """Those that there are; an order stays as it was made."""
    return {row.id: OrderRow(*row) for row in connection.execute(_BY_IDS, {"ids": list(ids)})}


def orders(
    connection: Connection,
    *,
    merchant: int | None,
    limit: int,
    after: OrderPlace | None = None,
    reference: str | None = None,
    customer: str | None = None,
) -> list[OrderRow]:
    """The newest first; those older than `after`; of every merchant when `merchant` is None."""
    t = tables.orders.c
    query = select(*_COLUMNS).order_by(t.created_at.desc(), t.id.desc()).limit(limit)
    for column, value in ((t.merchant, merchant), (t.reference, reference), (t.customer, customer)):
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        made, order_id = after
        query = query.where(or_(t.created_at < made, and_(t.created_at == made, t.id < order_id)))
    return [OrderRow(*row) for row in connection.execute(query)]
