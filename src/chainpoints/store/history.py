"""What happened, newest first, in pages. A cursor is a place in the chain's total order (block, log index).

It stays valid across a reorg: what is older than the place is neither skipped nor told twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, or_, select

from chainpoints.store import tables

Place = tuple[int, int]
"""Block number and log index."""

END_OF_BLOCK = 2**31 - 1
"""A log index behind every log of a block; the place, too, of a change that is known as a state after the block."""

Row = Mapping[str, Any]

TABLES: dict[str, Table] = {
    name: getattr(tables, name) for name in ("payments", "refunds", "issues", "claims", "transfers", "node_transfers")
}

WALLET_COLUMNS = {
    "payments": ("payer",),
    "refunds": ("payer",),
    "issues": ("customer",),
    "claims": ("owner",),
    "transfers": ("sender", "receiver"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a page, each with its block's `timestamp`, and where the next page goes on (None at the end)."""

    rows: list[Row]
    next: Place | None


def page(
    connection: Connection,
    kind: str,
    at: int,
    *,
    limit: int,
    after: Place | None = None,
    wallet: str | None = None,
    **filters: Any,
) -> Page:
    """At most `limit` events of a kind up to block `at`, older than `after`, of one wallet and as the filters say.

    A filter of None is no filter.
    """
    table = TABLES[kind]
    where = [table.c[name] == value for name, value in filters.items() if value is not None]
    if wallet is None:
        return _cut(_rows(connection, table, at, after, limit + 1, where), limit)
    # One query for each column that may name the wallet, so that each walks its own index in order.
    found: dict[Place, Row] = {}
    for name in WALLET_COLUMNS[kind]:
        for row in _rows(connection, table, at, after, limit + 1, [*where, table.c[name] == wallet]):
            found[place_of(row)] = row
    return _cut([found[place] for place in sorted(found, reverse=True)], limit)


def place_of(row: Row) -> Place:
    return row["block_number"], row["log_index"]


def events_of_orders(connection: Connection, kind: str, orders: list[tuple[int, str]], at: int) -> list[Row]:
    """The payments, refunds or issues up to block `at` of orders, given by merchant and order hash; oldest first."""
    chosen = {
        "merchants": list({merchant for merchant, _ in orders}),
        "hashes": list({order_hash for _, order_hash in orders}),
    }
    found = [dict(row) for row in connection.execute(_OF_ORDERS[kind], chosen).mappings()]
    return sorted((row for row in found if row["block_number"] <= at), key=place_of)


def _of_orders(table: Table) -> Select[Any]:
    """Without the block and the order, for which SQLite would walk through all that the merchant ever had."""
    t, blocks = table.c, tables.blocks
    return (
        select(table, blocks.c.timestamp)
        .join(blocks, blocks.c.number == t.block_number)
        .where(
            t.merchant.in_(bindparam("merchants", expanding=True)),
            t.order_hash.in_(bindparam("hashes", expanding=True)),
        )
    )


_OF_ORDERS = {kind: _of_orders(TABLES[kind]) for kind in ("payments", "refunds", "issues")}


def _rows(
    connection: Connection, table: Table, at: int, after: Place | None, limit: int, where: list[ColumnElement[bool]]
) -> list[Row]:
    t, blocks = table.c, tables.blocks
    query = (
        select(table, blocks.c.timestamp)
        .join(blocks, blocks.c.number == t.block_number)
        .where(t.block_number <= at, *where)
        .order_by(t.block_number.desc(), t.log_index.desc())
        .limit(limit)
    )
    if after is not None:
        block, log = after
        query = query.where(t.block_number <= block, or_(t.block_number < block, t.log_index < log))
    return [dict(row) for row in connection.execute(query).mappings()]


def _cut(rows: list[Row], limit: int) -> Page:
    return Page(rows[:limit], place_of(rows[limit - 1]) if len(rows) > limit else None)
