"""Merchants as the chain has them, as of a block."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select

from chainpoints.store import tables


@dataclass(frozen=True, slots=True)
class MerchantRow:
    """A merchant after the block it was read at; limits a day and quota in base units."""

    merchant: int
    payout: str
    name: str
    active: bool
    paid_per_day: int
    issued_per_day: int
    quota: int


_merchants = tables.merchants.c
_COLUMNS = [_merchants[name] for name in MerchantRow.__slots__]
_MERCHANT = (
    select(*_COLUMNS)
    .where(_merchants.merchant == bindparam("merchant"), _merchants.block_number <= bindparam("at"))
    .order_by(_merchants.block_number.desc())
    .limit(1)
)


def merchant(connection: Connection, merchant_id: int, at: int) -> MerchantRow | None:
    row = connection.execute(_MERCHANT, {"merchant": merchant_id, "at": at}).one_or_none()
    return MerchantRow(*row) if row else None


def merchants(connection: Connection, at: int, *, after: int | None, limit: int) -> list[MerchantRow]:
    """By id, the newest (highest) first; those below `after`."""
    t = tables.merchants
    newest = select(t.c.merchant, func.max(t.c.block_number).label("block")).where(t.c.block_number <= at)
    if after is not None:
        newest = newest.where(t.c.merchant < after)
    found = newest.group_by(t.c.merchant).order_by(t.c.merchant.desc()).limit(limit).subquery()
    joined = t.join(found, (t.c.merchant == found.c.merchant) & (t.c.block_number == found.c.block))
    query = select(*_COLUMNS).select_from(joined).order_by(t.c.merchant.desc())
    return [MerchantRow(*row) for row in connection.execute(query)]


def next_free_id(connection: Connection) -> int:
    """An id that no merchant has and no registration on its way asks for; 1 is the first."""
    registered = connection.scalar(select(func.max(tables.merchants.c.merchant))) or 0
    t = tables.relay_requests.c
    asked = connection.scalar(select(func.max(t.merchant)).where(t.kind == "register_merchant")) or 0
    return max(registered, asked) + 1
