"""What a statement is made of: a merchant's payments, refunds, issues and changes of quota, in a range of blocks."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select

from chainpoints.domain import statement as rules
from chainpoints.domain.statement import Kind, Postings
from chainpoints.store import tables

_blocks = tables.blocks.c


class Entry(NamedTuple):
    """`log_index` and `transaction` are None for a change of quota, which is told by block."""

    block: int
    log_index: int | None
    timestamp: int
    kind: Kind
    transaction: str | None
    order_hash: str | None
    reference: str | None
    postings: Postings


def last_block_before(connection: Connection, timestamp: int, at: int) -> int:
    """The highest block up to `at` that is earlier than `timestamp`; what is below the first stored one for none."""
    first = connection.scalar(select(func.min(_blocks.number))) or 0

    def time_of(number: int) -> int:
        return connection.scalar(select(_blocks.timestamp).where(_blocks.number == number)) or 0

    return bisect_left(range(first, at + 1), timestamp, key=time_of) + first - 1


def balances(connection: Connection, merchant: int, at: int) -> Postings:
    """Of all accounts after block `at`."""
    paid, paid_diverted = _sums(connection, tables.payments, ("amount", "diverted"), merchant, at)
    refunded, refunded_diverted = _sums(connection, tables.refunds, ("amount", "diverted"), merchant, at)
    points, node_totals = _sums(connection, tables.issues, ("points", "total"), merchant, at)
    return rules.opening(
        paid=paid,
        paid_diverted=paid_diverted,
        refunded=refunded,
        refunded_diverted=refunded_diverted,
        issued=points + node_totals,
        left=_quota(connection, merchant, at),
    )


def entries(connection: Connection, merchant: int, after: int, upto: int, limit: int) -> list[Entry]:
    """What happened in the blocks after `after` up to `upto`, in the chain's order; at most about `limit` of them.

    More than `limit` entries mean that there are more.
    """

    def rows(table: Table) -> list[Any]:
        return _rows(connection, table, merchant, after, upto, limit + 1)

    found = [_entry("payment", row, rules.payment(row.amount, row.diverted)) for row in rows(tables.payments)]
    found += [_entry("refund", row, rules.refund(row.amount, row.diverted)) for row in rows(tables.refunds)]
    issued: dict[int, int] = {}
    for row in rows(tables.issues):
        found.append(_entry("issue", row, rules.issue(row.points, row.total)))
        issued[row.block_number] = issued.get(row.block_number, 0) + row.points + row.total
    if len(found) <= limit:
        found += _changes_of_quota(connection, merchant, after, upto, issued, limit + 1)
    return sorted(found, key=lambda entry: (entry.block, -1 if entry.log_index is None else entry.log_index))


def _changes_of_quota(
    connection: Connection, merchant: int, after: int, upto: int, issued: dict[int, int], limit: int
) -> list[Entry]:
    """What changed a merchant's quota beside its issues, by block: credits, less what went into reserves."""
    t = tables.merchants.c
    query = (
        select(t.block_number, t.quota, _blocks.timestamp)
        .join(tables.blocks, _blocks.number == t.block_number)
        .where(t.merchant == merchant, t.block_number > after, t.block_number <= upto)
        .order_by(t.block_number)
        .limit(limit + len(issued))
    )
    before, found = _quota(connection, merchant, after), list[Entry]()
    for block, quota, timestamp in connection.execute(query):
        if amount := quota - before + issued.get(block, 0):
            found.append(Entry(block, None, timestamp, "quota", None, None, None, rules.quota(amount)))
        before = quota
    return found


def _quota(connection: Connection, merchant: int, at: int) -> int:
    t = tables.merchants.c
    newest = select(t.quota).where(t.merchant == merchant, t.block_number <= at).order_by(t.block_number.desc())
    return connection.scalar(newest.limit(1)) or 0


def _sums(connection: Connection, table: Table, names: tuple[str, str], merchant: int, at: int) -> tuple[int, int]:
    first, second = (func.sum(table.c[name]) for name in names)
    before = (table.c.merchant == merchant) & (table.c.block_number <= at)
    one, two = connection.execute(select(first, second).where(before)).one()
    return int(one or 0), int(two or 0)


def _rows(connection: Connection, table: Table, merchant: int, after: int, upto: int, limit: int) -> list[Any]:
    t, orders = table.c, tables.orders.c
    of_order = (orders.merchant == t.merchant) & (orders.order_hash == t.order_hash)
    query = (
        select(table, _blocks.timestamp, orders.reference)
        .join(tables.blocks, _blocks.number == t.block_number)
        .outerjoin(tables.orders, of_order)
        .where(t.merchant == merchant, t.block_number > after, t.block_number <= upto)
        .order_by(t.block_number, t.log_index)
        .limit(limit)
    )
    return list(connection.execute(query))


def _entry(kind: Kind, row: Any, postings: Postings) -> Entry:
    return Entry(
        block=row.block_number,
        log_index=row.log_index,
        timestamp=row.timestamp,
        kind=kind,
        transaction=row.transaction_hash,
        order_hash=row.order_hash,
        reference=row.reference,
        postings=postings,
    )
