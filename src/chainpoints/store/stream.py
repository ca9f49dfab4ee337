"""What a stream tells: events after a place in the chain's order, of a merchant or of a wallet, oldest first."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, or_, select

from chainpoints.store import tables
from chainpoints.store.chain_rows import block_hashes
from chainpoints.store.history import TABLES, WALLET_COLUMNS, Place, Row, place_of
from chainpoints.store.status import indexed_and_head

_MERCHANT_KINDS = ("payments", "refunds", "issues")


class Tip(NamedTuple):
    """The newest blocks: those that may still go, and the last one that may not."""

    head: int
    final: int
    hashes: dict[int, str]


class Of(NamedTuple):
    """Whose events: a merchant's or a wallet's."""

    merchant: int | None = None
    wallet: str | None = None


def tip(connection: Connection, known_final: int | None) -> Tip:
    """The blocks above the final one; above `known_final`, if that is lower. Raises StoreUnavailable without any."""
    state, block = indexed_and_head(connection)
    number, final = block.number, min(state.final, block.number)
    first = final if known_final is None else min(known_final, final)
    return Tip(number, final, dict(block_hashes(connection, first)))


def hash_of_block(connection: Connection, number: int) -> str | None:
    found: str | None = connection.scalar(select(tables.blocks.c.hash).where(tables.blocks.c.number == number))
    return found


def events_after(connection: Connection, of: Of, after: Place, upto: int, limit: int) -> list[tuple[str, Row]]:
    """At most `limit` events, with their kinds, behind the place and in blocks up to `upto`; each with its block's
    `timestamp` and `hash`."""
    found: dict[tuple[Place, str], Row] = {}
    for kind, table, where in _sources(of):
        for row in _rows(connection, table, where, after, upto, limit):
            found[place_of(row), kind] = row
    return [(kind, found[place, kind]) for place, kind in sorted(found)[:limit]]


def _sources(of: Of) -> list[tuple[str, Table, ColumnElement[bool]]]:
    """One for each column that may name whom it is about, so that each walks its own index in order."""
    if of.merchant is not None:
        return [(kind, TABLES[kind], TABLES[kind].c.merchant == of.merchant) for kind in _MERCHANT_KINDS]
    return [
        (kind, TABLES[kind], TABLES[kind].c[name] == of.wallet)
        for kind, names in WALLET_COLUMNS.items()
        for name in names
    ]


def _rows(
    connection: Connection, table: Table, where: ColumnElement[bool], after: Place, upto: int, limit: int
) -> list[dict[str, Any]]:
    t, blocks, (block, log) = table.c, tables.blocks.c, after
    query = (
        select(table, blocks.timestamp, blocks.hash)
        .join(tables.blocks, blocks.number == t.block_number)
        .where(where, t.block_number >= block, t.block_number <= upto)
        .where(or_(t.block_number > block, t.log_index > log))
        .order_by(t.block_number, t.log_index)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]
