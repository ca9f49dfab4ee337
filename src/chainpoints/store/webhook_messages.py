"""Webhook messages and every attempt to deliver them. Three states: pending, delivered, failed.

The messages of an object (an order, a node) go one after the other: the next only when the one before has ended.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, exists, func, insert, select, tuple_, update
from sqlalchemy.sql import ColumnElement

from chainpoints.store import tables

MOST_ATTEMPTS = 20
"""Of a message are told; a round has ten, and redeliveries begin others."""

_IDS_IN_A_QUERY = 500
_NEXT_WINDOW = 100
"""How many are looked at, when the first look found too few that may be sent."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """`block_hash` and its fellows: where it happened, None for what happened on no block."""

    id: str
    endpoint: str
    type: str
    object: str
    sequence: int
    payload: str
    block_number: int | None
    block_hash: str | None
    log_index: int | None
    standing: bool


@dataclass(frozen=True, slots=True)
class MessageRow:
    number: int
    id: str
    endpoint: str
    type: str
    object: str
    sequence: int
    payload: str
    block_number: int | None
    block_hash: str | None
    log_index: int | None
    standing: bool
    state: str
    tries: int
    next_attempt_at: int
    created_at: int


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """`status` and `answer` are None when none came; `error` says why."""

    message: int
    started_at: int
    duration_ms: int
    status: int | None
    answer: str | None
    error: str | None


_m, _a = tables.webhook_messages.c, tables.webhook_attempts.c
_MESSAGES = select(*(_m[name] for name in MessageRow.__slots__))
_IS_DUE = (_m.state == "pending") & (_m.next_attempt_at <= bindparam("now"))
_DUE = (
    _MESSAGES.where(_m.endpoint == bindparam("endpoint"), _IS_DUE)
    .where(tuple_(_m.next_attempt_at, _m.number) > tuple_(bindparam("after_time"), bindparam("after_number")))
    .order_by(_m.next_attempt_at, _m.number)
    .limit(bindparam("window"))
)
_IS_PENDING = func.coalesce(_m.state, "") == "pending"
"""Written so that no index by state is taken where a few objects are asked for: it would read all that waits."""

_FIRST_PENDING = (
    select(_m.object, func.min(_m.sequence))
    .where(_m.endpoint == bindparam("endpoint"), _IS_PENDING)
    .where(_m.object.in_(bindparam("objects", expanding=True)))
    .group_by(_m.object)
)
_HIGHEST = (
    select(_m.object, func.max(_m.sequence))
    .where(_m.endpoint == bindparam("endpoint"), _m.object.in_(bindparam("objects", expanding=True)))
    .group_by(_m.object)
)
_PUT_OFF = (
    select(_m.object, func.max(_m.next_attempt_at))
    .where(_m.endpoint == bindparam("endpoint"), _IS_PENDING)
    .where(_m.object.in_(bindparam("objects", expanding=True)))
    .group_by(_m.object)
)
_KINDS = (
    select(_m.object, _m.type)
    .where(_m.endpoint == bindparam("endpoint"), _m.object.in_(bindparam("objects", expanding=True)))
    .distinct()
)
_ADD, _ADD_ATTEMPTS = insert(tables.webhook_messages), insert(tables.webhook_attempts)
_NUMBERS: BindParameter[Any] = bindparam("numbers", expanding=True)
_COUNT = update(tables.webhook_totals).values(attempts=tables.webhook_totals.c.attempts + bindparam("more"))
_THERE = select(_m.number).where(_m.number.in_(_NUMBERS)).with_for_update()
_NUMBERED_ATTEMPTS = (
    select(*(_a[name] for name in AttemptRow.__slots__), _a.id)
    .add_columns(func.row_number().over(partition_by=_a.message, order_by=_a.id.desc()).label("from_newest"))
    .where(_a.message.in_(_NUMBERS))
    .subquery()
)
_NEWEST_ATTEMPTS = (
    select(*(_NUMBERED_ATTEMPTS.c[name] for name in AttemptRow.__slots__))
    .where(_NUMBERED_ATTEMPTS.c.from_newest <= MOST_ATTEMPTS)
    .order_by(_NUMBERED_ATTEMPTS.c.id)
)
_DELIVERED = update(tables.webhook_messages).where(_m.number.in_(_NUMBERS)).values(state="delivered")
_e = tables.webhook_endpoints.c
_WITH_DUE = select(_e.id).where(_e.active, exists().where(_m.endpoint == _e.id, _IS_DUE)).order_by(_e.id)
_REPEATING = select(_e.id).where(exists().where(_m.endpoint == _e.id, _m.standing, _m.block_number > _e.block_number))


def next_sequences(connection: Connection, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The number of the next message of each (endpoint, object)."""
    found = dict.fromkeys(wanted, 1)
    for of in _of_endpoints(wanted):
        for name, sequence in connection.execute(_HIGHEST, of):
            found[of["endpoint"], name] = sequence + 1
    return found


def ever_told(connection: Connection, wanted: Collection[tuple[str, str]]) -> set[tuple[str, str, str]]:
    """(endpoint, object, type) of all messages of these (endpoint, object), also of those that were taken back."""
    return {
        (of["endpoint"], name, kind) for of in _of_endpoints(wanted) for name, kind in connection.execute(_KINDS, of)
    }


def _of_endpoints(wanted: Collection[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """(endpoint, object) as the parameters of queries that are of one endpoint and some of its objects."""
    by_endpoint: defaultdict[str, list[str]] = defaultdict(list)
    for endpoint, name in wanted:
        by_endpoint[endpoint].append(name)
    for endpoint, names in by_endpoint.items():
        for some in _parts(names):
            yield {"endpoint": endpoint, "objects": some}


def add_messages(connection: Connection, messages: Sequence[NewMessage]) -> None:
    """Adds messages that are due at once, in this order, or with the one of their object that is put off."""
    now = int(time.time())
    common = {"state": "pending", "tries": 0, "created_at": now}
    put_off: dict[tuple[str, str], int] = {}
    for of in _of_endpoints({(each.endpoint, each.object) for each in messages if each.sequence > 1}):
        put_off |= {(of["endpoint"], name): until for name, until in connection.execute(_PUT_OFF, of)}
    rows = [
        {name: getattr(each, name) for name in NewMessage.__slots__}
        | common
        | {"next_attempt_at": max(now, put_off.get((each.endpoint, each.object), now))}
        for each in messages
    ]
    if rows:
        connection.execute(_ADD, rows)


def standing_above(connection: Connection, endpoint: str, block: int) -> list[MessageRow]:
    """What was told of blocks above that one and not taken back, newest first."""
    query = _MESSAGES.where(_m.endpoint == endpoint, _m.standing, _m.block_number > block).order_by(_m.number.desc())
    return [MessageRow(*row) for row in connection.execute(query)]


def told_ahead(connection: Connection) -> set[str]:
    """The endpoints that were told of something above the block that they stand at."""
    return set(connection.scalars(_REPEATING))


def take_back(connection: Connection, message_ids: Iterable[str]) -> None:
    """Marks messages whose block is gone."""
    for some in _parts(list(message_ids)):
        connection.execute(update(tables.webhook_messages).where(_m.id.in_(some)).values(standing=False))


def endpoints_with_due(connection: Connection, now: int) -> list[str]:
    """The active endpoints that have something to be sent."""
    return list(connection.scalars(_WITH_DUE, {"now": now}))


def due(connection: Connection, endpoint: str, now: int, limit: int, without: Collection[int]) -> list[MessageRow]:
    """What may be sent to an endpoint now, but for the messages of these numbers.

    In windows rather than by one query over all that is due: a database that has no statistics of a table that has just
    been filled plans such a query badly.
    """
    found: list[MessageRow] = []
    place, window = (-1, -1), limit + len(without)
    while len(found) < limit:
        after = {"after_time": place[0], "after_number": place[1]}
        values = {"endpoint": endpoint, "now": now, "window": window, **after}
        rows = [MessageRow(*row) for row in connection.execute(_DUE, values)]
        if not rows:
            break
        objects = {"endpoint": endpoint, "objects": list({row.object for row in rows})}
        first = {name: sequence for name, sequence in connection.execute(_FIRST_PENDING, objects)}
        found += [row for row in rows if row.sequence == first[row.object] and row.number not in without]
        place, window = (rows[-1].next_attempt_at, rows[-1].number), _NEXT_WINDOW
    return found[:limit]


def add_attempts(connection: Connection, attempts: Sequence[AttemptRow]) -> set[int]:
    """Counts and keeps attempts. Gives the numbers of the messages that are still there; those of deleted endpoints
    are not."""
    if connection.execute(_COUNT, {"more": len(attempts)}).rowcount == 0:
        connection.execute(insert(tables.webhook_totals).values(id=1, attempts=len(attempts)))
    numbers = [each.message for each in attempts]
    there = set(connection.scalars(_THERE, {"numbers": numbers}))
    rows = [{name: getattr(each, name) for name in AttemptRow.__slots__} for each in attempts if each.message in there]
    if rows:
        connection.execute(_ADD_ATTEMPTS, rows)
    return there


def delivered(connection: Connection, numbers: Iterable[int]) -> None:
    for some in _parts(list(numbers)):
        connection.execute(_DELIVERED, {"numbers": some})


def not_delivered(connection: Connection, message: MessageRow, next_attempt_at: int | None) -> None:
    """Counts a failed attempt; None ends the message. A redelivery that was asked for meanwhile stays as it is."""
    values: dict[str, Any] = {"tries": message.tries + 1}
    values |= {"state": "failed"} if next_attempt_at is None else {"next_attempt_at": next_attempt_at}
    unchanged = (_m.number == message.number) & (_m.tries == message.tries) & (_m.state == "pending")
    unchanged &= _m.next_attempt_at == message.next_attempt_at
    changed = connection.execute(update(tables.webhook_messages).where(unchanged).values(values)).rowcount
    if changed and next_attempt_at is not None:
        _put_off_later(connection, message, next_attempt_at)


def message(connection: Connection, endpoint: str, message_id: str) -> MessageRow | None:
    row = connection.execute(_MESSAGES.where(_m.endpoint == endpoint, _m.id == message_id)).one_or_none()
    return MessageRow(*row) if row else None


def messages(connection: Connection, endpoint: str, *, after: int | None, limit: int) -> list[MessageRow]:
    """The newest first; those made before the message of number `after`."""
    query = _MESSAGES.where(_m.endpoint == endpoint).order_by(_m.number.desc()).limit(limit)
    if after is not None:
        query = query.where(_m.number < after)
    return [MessageRow(*row) for row in connection.execute(query)]


def attempts_of(connection: Connection, numbers: Collection[int]) -> dict[int, list[AttemptRow]]:
    """By message, the newest `MOST_ATTEMPTS`, the first of them first."""
    found: defaultdict[int, list[AttemptRow]] = defaultdict(list)
    for row in connection.execute(_NEWEST_ATTEMPTS, {"numbers": list(numbers)}):
        found[row.message].append(AttemptRow(*row))
    return found


def redeliver(connection: Connection, message: MessageRow) -> None:
    """A new round of attempts, from now on, or from when an earlier one of its object is tried again; what waits behind
    it waits no longer than it does."""
    earlier = _of_its_object(message) & (_m.sequence < message.sequence)
    begins = max(int(time.time()), connection.scalar(select(func.max(_m.next_attempt_at)).where(earlier)) or 0)
    values = {"state": "pending", "tries": 0, "next_attempt_at": begins}
    connection.execute(update(tables.webhook_messages).where(_m.number == message.number).values(values))
    _put_off_later(connection, message, begins)


def _put_off_later(connection: Connection, message: MessageRow, until: int) -> None:
    """The later messages of its object wait for it in any case: until then nobody looks at them. Those that were tried
    themselves keep their own time, and what is later than they waits for them too."""
    later = _of_its_object(message) & (_m.sequence > message.sequence)
    tried = select(func.min(_m.sequence), func.max(_m.next_attempt_at)).where(later, _m.tries > 0)
    first, its_time = connection.execute(tried).one()
    waiting = update(tables.webhook_messages).where(later, _m.tries == 0).values(next_attempt_at=until)
    connection.execute(waiting if first is None else waiting.where(_m.sequence < first))
    if first is not None:
        behind = waiting.where(_m.sequence > first).values(next_attempt_at=max(until, its_time))
        connection.execute(behind)


def _of_its_object(message: MessageRow) -> ColumnElement[bool]:
    """What is pending of the message's object."""
    return (_m.endpoint == message.endpoint) & (_m.object == message.object) & _IS_PENDING


def _parts(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[first : first + _IDS_IN_A_QUERY] for first in range(0, len(items), _IDS_IN_A_QUERY)]
