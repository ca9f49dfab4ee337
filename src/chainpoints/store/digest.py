"""One checksum over everything that was read from the chain: it differs unless two stores are equal, row for row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Table, collate, select

from chainpoints.store.chain_rows import CHAIN_TABLES

_ROWS_AT_ONCE = 10_000


def digest(connection: Connection) -> str:
    """SHA-256, as hex, of the rows of all chain-derived tables in order of their keys; the same on both databases."""
    return digest_of(table_digests(connection))


def digest_of(digests: Mapping[str, str]) -> str:
    """One digest from those of tables."""
    whole = hashlib.sha256()
    for name, table_digest in digests.items():
        whole.update(f"{name} {table_digest}\n".encode())
    return whole.hexdigest()


def table_digests(connection: Connection, tables: Iterable[Table] = CHAIN_TABLES) -> dict[str, str]:
    """The digest of each table by its name, to see where two stores differ."""
    return {table.name: _digest(connection, table) for table in tables}


def _key(table: Table) -> Iterable[Column[Any]]:
    """What no two rows have alike: the primary key, or the unique index that a table of states has instead."""
    unique = (index.columns for index in table.indexes if index.unique)
    return table.primary_key.columns or next(unique)


def _digest(connection: Connection, table: Table) -> str:
    by_bytes = "BINARY" if connection.dialect.name == "sqlite" else "C"
    keys = [collate(key, by_bytes) if key.type.python_type is str else key for key in _key(table)]
    query = select(table).order_by(*keys)
    rows = connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
    found = hashlib.sha256()
    encoder = msgspec.json.Encoder()
    for row in rows:
        found.update(encoder.encode(tuple(row)))
    return found.hexdigest()
