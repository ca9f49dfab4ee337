"""What the indexer writes and reads back: blocks, the rows that hang from them, and where it stands."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    column,
    delete,
    func,
    insert,
    select,
    update,
    values,
)

from chainpoints.errors import Conflict
from chainpoints.store import tables
from chainpoints.store.bulk import insert_rows

CHAIN_TABLES: tuple[Table, ...] = (
    tables.blocks,
    *(
        table
        for table in tables.metadata.sorted_tables
        if "block_number" in table.c and table.c.block_number.foreign_keys
    ),
)
"""The tables of chain-derived rows, blocks first."""

Rows = Mapping[str, Sequence[tuple[Any, ...]]]
"""Rows by table name, values in the order of the table's columns."""

_FEW_KEYS, _MANY_KEYS = 8, 500
"""How many are asked for in one query: those of a block, or of a long range."""

_PLACES = [f"key_{place}" for place in range(_MANY_KEYS)]


class ChainState(NamedTuple):
    """Where the indexer stands; see the columns of chain_state."""

    chain_id: int
    genesis_hash: str
    first_block: int
    node_head: int
    safe: int
    final: int
    halted: str | None
    trouble: str | None = None
    without_keys: bool = False


def chain_state(connection: Connection, chain_id: int) -> ChainState | None:
    t = tables.chain_state
    row = connection.execute(select(t).where(t.c.chain_id == chain_id)).mappings().one_or_none()
    return None if row is None else ChainState(**{name: row[name] for name in ChainState._fields})


def save_chain_state(connection: Connection, state: ChainState) -> None:
    """Writes the state, with the wall clock as the time at which the chain was last reached."""
    t, row = tables.chain_state, {**state._asdict(), "checked_at": int(time.time())}
    if connection.execute(update(t).where(t.c.chain_id == state.chain_id).values(row)).rowcount == 0:
        connection.execute(insert(t).values(row))


def tip(connection: Connection) -> tuple[int, str] | None:
    """Number and hash of the highest stored block."""
    t = tables.blocks
    row = connection.execute(select(t.c.number, t.c.hash).order_by(t.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else (row.number, row.hash)


def block_hashes(connection: Connection, first: int) -> list[tuple[int, str]]:
    """Number and hash of the stored blocks from `first` on, in order."""
    t = tables.blocks
    rows = connection.execute(select(t.c.number, t.c.hash).where(t.c.number >= first).order_by(t.c.number))
    return [(row.number, row.hash) for row in rows]


def require_tip(connection: Connection, expected: tuple[int, str] | None) -> None:
    """Raises Conflict when another process wrote blocks meanwhile."""
    if (found := tip(connection)) != expected:
        raise Conflict(f"the store's newest block is {found}, not {expected}: another indexer writes to this database")


def drop_above(connection: Connection, number: int) -> None:
    """Deletes the blocks above `number`, and with each all that was read in it; keeps that there was a reorg."""
    depth = connection.execute(delete(tables.blocks).where(tables.blocks.c.number > number)).rowcount
    row = {"seen_at": int(time.time()), "first_block": number + 1, "depth": depth}
    connection.execute(insert(tables.reorgs).values(row))


def drop_all(connection: Connection) -> None:
    """Deletes everything that was read from the chain. What the gateway itself keeps stays."""
    for table in reversed(CHAIN_TABLES):
        connection.execute(delete(table))
    connection.execute(delete(tables.chain_state))


def append(connection: Connection, rows: Rows) -> None:
    """Inserts blocks and the rows that hang from them."""
    for table in CHAIN_TABLES:
        insert_rows(connection, table, rows.get(table.name, ()))


class LatestStates:
    """The newest stored state of what changes over time, for many keys at once. Keys without any are left out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def balances(self, accounts: Iterable[str]) -> dict[str, int]:
        """Base units by account."""
        t = tables.balances
        return {account: amount for account, amount in _latest(self._connection, t.c.account, accounts, (t.c.amount,))}

    def nodes(self, nodes: Iterable[str]) -> dict[str, tuple[Any, ...]]:
        """(program, start, owner, total, claimed, claimed_periods, beneficiary, given_until) by node."""
        t = tables.nodes
        amounts = (t.c.total, t.c.claimed, t.c.claimed_periods)
        wanted = (t.c.program, t.c.start, t.c.owner, *amounts, t.c.beneficiary, t.c.given_until)
        return {row[0]: row[1:] for row in _latest(self._connection, t.c.node, nodes, wanted)}

    def merchants(self, merchants: Iterable[int]) -> dict[int, tuple[Any, ...]]:
        """(payout, name, active, paid_per_day, issued_per_day, quota) by merchant."""
        t = tables.merchants
        wanted = (t.c.payout, t.c.name, t.c.active, t.c.paid_per_day, t.c.issued_per_day, t.c.quota)
        return {row[0]: row[1:] for row in _latest(self._connection, t.c.merchant, merchants, wanted)}

    def books(self, programs: Iterable[int]) -> dict[int, tuple[Any, ...]]:
        """(is FUNDED, multiplier, diverted, committed, released, reserve) by program."""
        t, p = tables.books, tables.programs
        wanted = (t.c.diverted, t.c.committed, t.c.released, t.c.reserve)
        found = {row[0]: row[1:] for row in _latest(self._connection, t.c.program, programs, wanted)}
        terms = select(p.c.program, p.c.funding, p.c.multiplier).where(p.c.program.in_(found))
        return {
            program: (funding == "FUNDED", multiplier, *found[program])
            for program, funding, multiplier in self._connection.execute(terms)
        }


def _latest(
    connection: Connection, key: Column[Any], keys: Iterable[Any], wanted: tuple[Column[Any], ...]
) -> list[tuple[Any, ...]]:
    """(key, *wanted) of the newest row of each key that has one."""
    sought = list(keys)
    size = _FEW_KEYS if len(sought) <= _FEW_KEYS else _MANY_KEYS
    statement = _latest_statement(key, wanted, size)
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(sought), size):
        chunk = sought[start : start + size]
        chunk += chunk[-1:] * (size - len(chunk))  # one again and again changes nothing
        found += [tuple(row) for row in connection.execute(statement, dict(zip(_PLACES, chunk, strict=False)))]
    return found


@cache
def _latest_statement(key: Column[Any], wanted: tuple[Column[Any], ...], size: int) -> Select[Any]:
    """For so many keys. Made once: putting it together costs more than carrying it out."""
    table = key.table
    newest = table.alias("newest")
    places = [(bindparam(place, type_=key.type),) for place in _PLACES[:size]]
    given = values(column("key", key.type), name="given").data(places).cte()
    highest = select(func.max(newest.c.block_number)).where(newest.c[key.name] == given.c.key).scalar_subquery()
    joined = given.join(table, and_(key == given.c.key, table.c.block_number == highest))
    return select(key, *wanted).select_from(joined)
