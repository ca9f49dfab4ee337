"""What the database checks and sorts row by row, left out while a long stretch of a chain is read: the secondary
indexes, those of the states' keys, and on PostgreSQL the references to blocks. Made afterwards, all rows at once, they
cost a small part of that.

Which of them are missing is seen in the database itself, so a process that was killed in between leaves nothing behind
that the next one does not find. While any is missing the rows are the same, but reading them is slow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKeyConstraint, Index, Inspector, inspect
from sqlalchemy.schema import AddConstraint, DropConstraint

from chainpoints.store.chain_rows import CHAIN_TABLES
from chainpoints.store.session import Store

Part = Index | ForeignKeyConstraint


class LeftOut(NamedTuple):
    """Whether anything is missing, and whether a key of states is among it."""

    anything: bool
    keys: bool


def leave_out(connection: Connection, *, keys: bool) -> None:
    """Drops them all. `keys`: also those of the states, without which none can be looked up in reasonable time."""
    missing = _missing(connection)
    for part in _parts(connection):
        if part not in missing and (keys or not _is_key(part)):
            _drop(connection, part)


def make_up(store: Store) -> None:
    """Makes those that are missing, each in a transaction of its own, so that nobody who writes waits for all."""
    _make_each(store, lambda _: True)


def make_up_keys(store: Store) -> None:
    """Makes those of the states' keys alone."""
    _make_each(store, _is_key)


def left_out(connection: Connection) -> LeftOut:
    missing = _missing(connection)
    return LeftOut(bool(missing), any(map(_is_key, missing)))


def _is_key(part: Part) -> bool:
    return isinstance(part, Index) and part.unique


def _make_each(store: Store, wanted: Callable[[Part], bool]) -> None:
    while True:
        with store.write() as connection:
            missing = list(filter(wanted, _missing(connection)))
            if not missing:
                return
            _make(connection, missing[0])


def _parts(connection: Connection) -> list[Part]:
    indexes: list[Part] = [index for table in CHAIN_TABLES for index in table.indexes]
    if connection.dialect.name == "sqlite":  # which can drop no reference, and checks one cheaply
        return indexes
    return indexes + [key for table in CHAIN_TABLES for key in table.foreign_key_constraints]


def _missing(connection: Connection) -> list[Part]:
    found = inspect(connection)
    there = {name for table in CHAIN_TABLES for name in _names(found, table.name)}
    return [part for part in _parts(connection) if part.name not in there]


def _names(found: Inspector, table: str) -> set[str | None]:
    return {one["name"] for one in (*found.get_indexes(table), *found.get_foreign_keys(table))}


def _drop(connection: Connection, part: Part) -> None:
    if isinstance(part, Index):
        part.drop(connection)
    else:
        connection.execute(DropConstraint(part))


def _make(connection: Connection, part: Part) -> None:
    if isinstance(part, Index):
        part.create(connection)
    else:
        connection.execute(AddConstraint(part, isolate_from_table=False))
