"""API keys. Only the sha256 of a secret is kept: 32 random bytes need no salt and no slow hash."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from chainpoints.store import tables


@dataclass(frozen=True, slots=True)
class KeyRow:
    """`merchant` is None for the operator's own keys."""

    id: str
    merchant: int | None
    name: str
    scopes: frozenset[str]
    created_at: int
    revoked_at: int | None


_keys = tables.api_keys.c
_KEYS = select(*(_keys[name] for name in KeyRow.__slots__))
_KEY_OF_SECRET = _KEYS.where(_keys.secret_hash == bindparam("secret_hash"), _keys.revoked_at.is_(None))


def add_key(connection: Connection, *, merchant: int | None, name: str, scopes: Iterable[str]) -> tuple[KeyRow, str]:
    """The key and its secret, which is nowhere else."""
    secret = f"cp_{secrets.token_urlsafe(32)}"
    row = KeyRow(f"key_{secrets.token_hex(16)}", merchant, name, frozenset(scopes), int(time.time()), None)
    connection.execute(
        insert(tables.api_keys).values(
            id=row.id,
            merchant=merchant,
            name=name,
            secret_hash=hash_of(secret),
            scopes=" ".join(sorted(row.scopes)),
            created_at=row.created_at,
        )
    )
    return row, secret


def key_of_secret(connection: Connection, secret: str) -> KeyRow | None:
    """The key, unless it was revoked."""
    row = connection.execute(_KEY_OF_SECRET, {"secret_hash": hash_of(secret)}).one_or_none()
    return _key(row) if row else None


def keys_of(connection: Connection, merchant: int) -> list[KeyRow]:
    """A merchant's keys, revoked ones too, in the order of their making."""
    t = tables.api_keys.c
    return [_key(row) for row in connection.execute(_KEYS.where(t.merchant == merchant).order_by(t.created_at, t.id))]


def revoke(connection: Connection, merchant: int, key_id: str) -> KeyRow | None:
    """The revoked key; None when the merchant has no such key. Revoking again changes nothing."""
    t = tables.api_keys
    is_it = (t.c.id == key_id) & (t.c.merchant == merchant)
    connection.execute(update(t).where(is_it, t.c.revoked_at.is_(None)).values(revoked_at=int(time.time())))
    row = connection.execute(_KEYS.where(is_it)).one_or_none()
    return _key(row) if row else None


def revoke_operators(connection: Connection) -> int:
    """Revokes every key of the operator; how many there were."""
    t = tables.api_keys
    theirs = update(t).where(t.c.merchant.is_(None), t.c.revoked_at.is_(None))
    return connection.execute(theirs.values(revoked_at=int(time.time()))).rowcount


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: Row[Any]) -> KeyRow:
    return KeyRow(row.id, row.merchant, row.name, frozenset(row.scopes.split()), row.created_at, row.revoked_at)
