"""Where the index stands: the block that an answer is read at, its finality, and the totals as of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, bindparam, func, literal, select

from chainpoints.errors import StoreUnavailable
from chainpoints.store import tables
from chainpoints.store.wallets import supply
from chainpoints.types import ZERO_ADDRESS

Finality = Literal["head", "safe", "final"]

_blocks, _state, _requests = tables.blocks.c, tables.chain_state.c, tables.relay_requests.c
_STATE = select(
    _state.chain_id,
    _state.first_block,
    _state.node_head,
    _state.safe,
    _state.final,
    _state.checked_at,
    _state.halted,
    _state.trouble,
    _state.without_keys,
)
_HEAD = select(_blocks.number, _blocks.hash, _blocks.timestamp).order_by(_blocks.number.desc()).limit(1)
# The highest by its key: an ORDER BY over the join would read and sort every block.
_STATE_AND_HEAD = _STATE.add_columns(_blocks.number, _blocks.hash, _blocks.timestamp).join_from(
    tables.chain_state,
    tables.blocks,
    _blocks.number == select(func.max(_blocks.number)).correlate(None).scalar_subquery(),
    isouter=True,
)
_NOT_READ = "the chain has not been read yet; see that `chainpoints index` runs, and try again"
_HIGHEST = _HEAD.where(_blocks.number <= bindparam("up_to"))
_REFUSALS = select(_requests.refusal).where(_requests.state == "refused")
_REQUESTS_BY_STATE = select(_requests.state, func.count()).group_by(_requests.state)


@dataclass(frozen=True, slots=True)
class Head:
    """A stored block; `timestamp` (unix seconds) is the present of whatever is read at it."""

    number: int
    hash: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the indexer knows of the chain; see the columns of chain_state."""

    chain_id: int
    first_block: int
    node_head: int
    safe: int
    final: int
    checked_at: int
    halted: str | None
    trouble: str | None
    without_keys: bool

    def out_of_sight(self, head: Head) -> str | None:
        """Why balances, nodes and the like cannot be looked up at all, or None: see store/backfill."""
        if not self.without_keys:
            return None
        why = self.halted or self.trouble
        return (
            f"the chain is being read from its beginning, and is read up to block {head.number} of {self.node_head}; "
            "try again when that is done (GET /v1/status says how far it is)"
            + (f"; it stands still: {why}" if why else "")
        )

    def finality(self, block: int) -> Finality:
        """Of a block number: final, safe or head."""
        if block <= self.final:
            return "final"
        return "safe" if block <= self.safe else "head"


class Counts(NamedTuple):
    """How many events there were in some blocks, nodes made less ended, and sums in base units. They add up."""

    payments: int = 0
    refunds: int = 0
    issues: int = 0
    claims: int = 0
    transfers: int = 0
    nodes: int = 0
    paid: int = 0
    refunded: int = 0
    issued: int = 0

    def plus(self, other: Counts) -> Counts:
        return Counts(*(ours + theirs for ours, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of events, and sums in base units, as of a block; see the API's shape of the same name."""

    payments: int
    refunds: int
    issues: int
    claims: int
    transfers: int
    nodes: int
    supply: int
    paid: int
    refunded: int
    issued: int
    diverted: int
    claimed: int
    committed: int


def head(connection: Connection) -> Head:
    """The highest stored block. Raises StoreUnavailable while there is none."""
    return _head_of(connection.execute(_HEAD).one_or_none(), "")


def indexed(connection: Connection) -> Indexed:
    """Raises StoreUnavailable while the indexer has not begun."""
    row = connection.execute(_STATE).one_or_none()
    if row is None:
        raise StoreUnavailable(_NOT_READ)
    return Indexed(*row)


def indexed_and_head(connection: Connection) -> tuple[Indexed, Head]:
    """Both at once, as each request needs them. Raises StoreUnavailable as they do."""
    row = connection.execute(_STATE_AND_HEAD).one_or_none()
    if row is None:
        raise StoreUnavailable(_NOT_READ)
    *state, number, block_hash, timestamp = row
    return Indexed(*state), _head_of(None if number is None else (number, block_hash, timestamp), "")


def state_and_block(connection: Connection, finality: Finality, *, states: bool = True) -> tuple[Indexed, Head]:
    """And the highest stored block of that finality. Raises StoreUnavailable while the chain has none.

    `states`: balances and the like will be looked up; also raised while that cannot be done.
    """
    state, highest = indexed_and_head(connection)
    if states and (why := state.out_of_sight(highest)):
        raise StoreUnavailable(why)
    if finality == "head":
        return state, highest
    up_to = state.safe if finality == "safe" else state.final
    return state, _head_of(connection.execute(_HIGHEST, {"up_to": up_to}).one_or_none(), " of that finality")


def _head_of(row: Sequence[Any] | None, what: str) -> Head:
    if row is None:
        raise StoreUnavailable(f"no block{what} has been read yet; try again, or read at ?finality=head")
    return Head(*row)


def counted(connection: Connection, after: int, upto: int) -> Counts:
    """What happened in the blocks after `after` up to `upto`: costs as much as there are events in them."""

    def events(table: Table, amount: ColumnElement[int] | None = None) -> tuple[int, int]:
        query = select(func.count(), literal(0) if amount is None else func.sum(amount)).select_from(table)
        count, total = connection.execute(_in_blocks(query, table, after, upto)).one()
        return count, int(total or 0)

    payments, paid = events(tables.payments, tables.payments.c.amount)
    refunds, refunded = events(tables.refunds, tables.refunds.c.amount)
    issues, issued = events(tables.issues, tables.issues.c.points + tables.issues.c.total)
    return Counts(
        payments=payments,
        refunds=refunds,
        issues=issues,
        claims=events(tables.claims)[0],
        transfers=events(tables.transfers)[0],
        nodes=_made_less_ended(connection, after, upto),
        paid=paid,
        refunded=refunded,
        issued=issued,
    )


def totals(connection: Connection, at: int, counts: Counts | None = None) -> Totals:
    """As of block `at`, up to which `counts` counts; without them all is counted now."""
    counts = counts or counted(connection, -1, at)
    diverted, claimed, committed = _books(connection, at)
    supplied = supply(connection, at)
    return Totals(**counts._asdict(), supply=supplied, diverted=diverted, claimed=claimed, committed=committed)


def _in_blocks(query: Any, table: Table, after: int, upto: int) -> Any:
    return query.where(table.c.block_number > after, table.c.block_number <= upto)


def _made_less_ended(connection: Connection, after: int, upto: int) -> int:
    """Each making and each end of a node is one transfer from or to the zero address."""
    t = tables.node_transfers.c
    made, ended = (
        connection.scalar(
            _in_blocks(select(func.count()).where(of == ZERO_ADDRESS), tables.node_transfers, after, upto)
        )
        for of in (t.sender, t.receiver)
    )
    return (made or 0) - (ended or 0)


def _books(connection: Connection, at: int) -> tuple[int, int, int]:
    """Diverted, released and committed, summed over the programs."""
    t = tables.books
    newest = (
        select(t.c.program, func.max(t.c.block_number).label("block"))
        .where(t.c.block_number <= at)
        .group_by(t.c.program)
        .subquery()
    )
    joined = t.join(newest, (t.c.program == newest.c.program) & (t.c.block_number == newest.c.block))
    rows = connection.execute(select(t.c.diverted, t.c.released, t.c.committed).select_from(joined)).all()
    diverted, released, committed = (sum(column) for column in zip(*rows, strict=True)) if rows else (0, 0, 0)
    return diverted, released, committed


def requests_by_state(connection: Connection) -> dict[str, int]:
    """How many relay requests are in each state."""
    return {state: count for state, count in connection.execute(_REQUESTS_BY_STATE)}


def refusals(connection: Connection) -> dict[str, int]:
    """How many relay requests were refused with each of the contracts' errors, the most frequent first."""
    names = (json.loads(refusal)["name"] for refusal in connection.scalars(_REFUSALS) if refusal)
    return dict(Counter(names).most_common())
