"""Many rows at once, by the fastest way that each database has: statements of many rows on SQLite, COPY on PostgreSQL.

SQLite takes a statement without Python's lock: one of many rows lets another thread compute all the while.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Table

if TYPE_CHECKING:
    from psycopg import Cursor

_FEW = 8
"""Up to so many rows a plain INSERT is as fast as a COPY, which costs two round trips."""
_MOST_VALUES = 30_000
"""In a statement: SQLite takes 32,766."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Inserts rows whose values stand in the order of the table's columns, in the transaction of `connection`."""
    if not rows:
        return
    names = ", ".join(column.name for column in table.columns)
    if connection.dialect.name == "postgresql" and len(rows) > _FEW:
        with _cursor(connection) as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    insert = f"INSERT INTO {table.name} ({names}) VALUES "
    if connection.dialect.name == "postgresql":
        marks = ", ".join(["%s"] * len(table.columns))
        connection.exec_driver_sql(f"{insert}({marks})", list(rows))
        return
    marks = f"({', '.join('?' * len(table.columns))})"
    at_once = _MOST_VALUES // len(table.columns)
    for first in range(0, len(rows), at_once):
        part = rows[first : first + at_once]
        connection.exec_driver_sql(insert + ", ".join([marks] * len(part)), tuple(chain.from_iterable(part)))


def _cursor(connection: Connection) -> Cursor[Any]:
    """The driver's own cursor, inside SQLAlchemy's transaction."""
    return cast("Cursor[Any]", connection.connection.cursor())
