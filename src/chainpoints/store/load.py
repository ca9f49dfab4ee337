"""How much is under way and what went wrong, for whoever watches the gateway. Each query looks at open work alone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, exists, func, select

from chainpoints.store import tables
from chainpoints.store.relay import OPEN

_requests, _transactions, _reorgs = tables.relay_requests.c, tables.relay_transactions.c, tables.reorgs.c


@dataclass(frozen=True, slots=True)
class Queue:
    """Requests of a lane in a state, and when the oldest of them was accepted (wall clock, unix seconds)."""

    lane: str
    state: str
    count: int
    oldest: int


@dataclass(frozen=True, slots=True)
class Reorgs:
    count: int
    blocks: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Webhook messages to active endpoints, since when the one that is due longest could have been sent (wall clock,
    unix seconds; 0: none is due), endpoints that fail, and how often it was tried to deliver any message so far."""

    count: int
    due_since: int
    failing: int
    attempts: int


def queues(connection: Connection) -> list[Queue]:
    """The requests that wait for their end."""
    columns = (_requests.lane, _requests.state, func.count(), func.min(_requests.accepted_at))
    rows = connection.execute(
        select(*columns).where(_requests.state.in_(OPEN)).group_by(_requests.lane, _requests.state)
    )
    return [Queue(*row) for row in rows]


def unmined(connection: Connection) -> dict[str, int]:
    """How many transactions of each sender wait to be mined."""
    rows = (
        select(_transactions.sender, func.count()).where(_transactions.state == "sent").group_by(_transactions.sender)
    )
    return {sender: count for sender, count in connection.execute(rows)}


def reorgs(connection: Connection) -> Reorgs:
    """Those that this database has followed, and how many blocks they replaced."""
    count, blocks = connection.execute(select(func.count(), func.sum(_reorgs.depth))).one()
    return Reorgs(count, int(blocks or 0))


def undelivered(connection: Connection, now: int) -> Undelivered:
    """The webhook messages that wait for their end. Due are those to endpoints that do not fail whose time has come,
    but for one that waits for an earlier one of its object. `now`: wall clock, unix seconds."""
    table, earlier = tables.webhook_messages, tables.webhook_messages.alias()
    messages, endpoints = table.c, tables.webhook_endpoints.c
    waiting = tables.webhook_endpoints.join(table, messages.endpoint == endpoints.id)
    pending = endpoints.active & (messages.state == "pending")
    count = connection.scalar(select(func.count()).select_from(waiting).where(pending))
    before = (earlier.c.endpoint == messages.endpoint) & (earlier.c.object == messages.object)
    before &= (earlier.c.sequence < messages.sequence) & (earlier.c.state == "pending")
    is_due = pending & endpoints.failing_since.is_(None) & (messages.next_attempt_at <= now) & ~exists().where(before)
    due_since = connection.scalar(select(func.min(messages.next_attempt_at)).select_from(waiting).where(is_due))
    failing = connection.scalar(select(func.count()).where(endpoints.active, endpoints.failing_since.is_not(None)))
    attempts = connection.scalar(select(tables.webhook_totals.c.attempts))
    return Undelivered(count or 0, due_since or 0, failing or 0, attempts or 0)
