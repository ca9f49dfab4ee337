"""Answers kept under their Idempotency-Key, in the same transaction as the effect that they tell of."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_

from chainpoints.store import tables


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """`request_hash` is the sha256 over method, path and body of the request that was answered so."""

    request_hash: str
    status: int
    body: str


_NEVER_OLD = 2**62
"""No clock gets there."""

Place = tuple[str, str]
"""Of a stored answer: owner and key."""

_answers = tables.idempotency.c
_STORED = select(_answers.owner, _answers.key, _answers.request_hash, _answers.status, _answers.body).where(
    _answers.owner.in_(bindparam("owners", expanding=True)), _answers.key.in_(bindparam("keys", expanding=True))
)
_INSERT = insert(tables.idempotency)


def stored_answer(connection: Connection, owner: str, key: str) -> StoredAnswer | None:
    return stored_answers(connection, [(owner, key)]).get((owner, key))


def stored_answers(connection: Connection, places: Collection[Place]) -> dict[Place, StoredAnswer]:
    """Those that there are, by owner and key."""
    chosen = {"owners": list({owner for owner, _ in places}), "keys": list({key for _, key in places})}
    found = {(row.owner, row.key): StoredAnswer(*row[2:]) for row in connection.execute(_STORED, chosen)}
    return {place: found[place] for place in places if place in found}


def store_answers(connection: Connection, answers: Mapping[Place, StoredAnswer], *, for_good: bool = False) -> None:
    """`for_good`: they are never forgotten."""
    rows = [
        {
            "owner": owner,
            "key": key,
            "request_hash": answer.request_hash,
            "status": answer.status,
            "body": answer.body,
            "created_at": _NEVER_OLD if for_good else int(time.time()),
        }
        for (owner, key), answer in answers.items()
    ]
    if rows:
        connection.execute(_INSERT, rows)


def prune_answers(connection: Connection, stored_before: int, limit: int) -> int:
    """Forgets answers: their keys count as new ones. Gives how many: at most `limit`."""
    t = tables.idempotency.c
    old = select(t.owner, t.key).where(t.created_at < stored_before).limit(limit)
    these = tuple_(t.owner, t.key).in_(old)
    return connection.execute(delete(tables.idempotency).where(these)).rowcount
