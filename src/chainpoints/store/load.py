"""How much is under way and what went wrong, for whoever watches the gateway. Each query looks at open work alone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

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
    deepest: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Webhook messages to active endpoints, when the oldest was made (0: there is none), endpoints that fail, and how
    often it was tried to deliver any message so far."""

    count: int
    oldest: int
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
    """Those that this database has followed."""
    count, deepest = connection.execute(select(func.count(), func.max(_reorgs.depth))).one()
    return Reorgs(count, deepest or 0)


def undelivered(connection: Connection) -> Undelivered:
    """The webhook messages that wait for their end."""
    messages, endpoints = tables.webhook_messages.c, tables.webhook_endpoints.c
    joined = tables.webhook_endpoints.join(tables.webhook_messages, messages.endpoint == endpoints.id)
    waiting = select(func.count(), func.min(messages.created_at)).select_from(joined)
    count, oldest = connection.execute(waiting.where(endpoints.active, messages.state == "pending")).one()
    failing = connection.scalar(select(func.count()).where(endpoints.active, endpoints.failing_since.is_not(None)))
    attempts = connection.scalar(select(func.max(tables.webhook_attempts.c.id)))  # they are numbered
    return Undelivered(count, oldest or 0, failing or 0, attempts or 0)
