"""Answers kept under their Idempotency-Key, in the same transaction as the effect that they tell of."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_

from chainpoints.store import tables


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """`request_hash` is the sha256 over method, path and body of the request that was answered so."""

    request_hash: str
    status: int
    body: str


_answers = tables.idempotency.c
_STORED = select(_answers.request_hash, _answers.status, _answers.body).where(
    _answers.owner == bindparam("owner"), _answers.key == bindparam("key")
)
_INSERT = insert(tables.idempotency)


def stored_answer(connection: Connection, owner: str, key: str) -> StoredAnswer | None:
    row = connection.execute(_STORED, {"owner": owner, "key": key}).one_or_none()
    return StoredAnswer(*row) if row else None


def store_answer(connection: Connection, owner: str, key: str, answer: StoredAnswer) -> None:
    row = {
        "owner": owner,
        "key": key,
        "request_hash": answer.request_hash,
        "status": answer.status,
        "body": answer.body,
        "created_at": int(time.time()),
    }
    connection.execute(_INSERT, row)


def prune_answers(connection: Connection, stored_before: int, limit: int) -> int:
    """Forgets answers: their keys count as new ones. Gives how many: at most `limit`."""
    t = tables.idempotency.c
    old = select(t.owner, t.key).where(t.created_at < stored_before).limit(limit)
    these = tuple_(t.owner, t.key).in_(old)
    return connection.execute(delete(tables.idempotency).where(these)).rowcount
