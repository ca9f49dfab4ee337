"""Many rows at once, by each database's fastest way: statements of some rows each on SQLite, COPY on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Table

if TYPE_CHECKING:
    from psycopg import Cursor

_FEW = 8
"""Up to so many rows a plain INSERT is as fast as a COPY, which costs two round trips."""
_ROWS_IN_A_STATEMENT = 50
"""Of SQLite, prepared once: more make it no faster, and longer to read in an error."""


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
    is_sqlite = connection.dialect.name == "sqlite"
    marks = f"({', '.join(['?' if is_sqlite else '%s'] * len(table.columns))})"
    insert = f"INSERT INTO {table.name} ({names}) VALUES "
    if is_sqlite and len(rows) >= _ROWS_IN_A_STATEMENT:
        whole = len(rows) - len(rows) % _ROWS_IN_A_STATEMENT
        parts = [_flat(rows[first : first + _ROWS_IN_A_STATEMENT]) for first in range(0, whole, _ROWS_IN_A_STATEMENT)]
        connection.exec_driver_sql(insert + ", ".join([marks] * _ROWS_IN_A_STATEMENT), parts)
        rows = rows[whole:]
    if rows:
        connection.exec_driver_sql(insert + marks, list(rows))


def _flat(rows: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(chain.from_iterable(rows))


def _cursor(connection: Connection) -> Cursor[Any]:
    """The driver's own cursor, inside SQLAlchemy's transaction."""
    return cast("Cursor[Any]", connection.connection.cursor())
