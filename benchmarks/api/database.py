"""A database with the benchmark's population, kept in build/bench-api for the next run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Table, event, insert

from benchmarks.api import population
from benchmarks.postgres import Postgres
from chainpoints.chain.compiler import project_root
from chainpoints.config import Secret
from chainpoints.store import Connection, tables
from chainpoints.store.bulk import insert_rows
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store

FOLDER = project_root() / "build" / "bench-api"

_ROWS_AT_ONCE = 50_000
_LARGE = ("fsync=off", "shared_buffers=512MB", "max_wal_size=8GB", "maintenance_work_mem=512MB")
"""PostgreSQL for a database that is made in one go."""

Say = Callable[[str], None]


@contextmanager
def populated(wallets: int, *, on_postgresql: bool, say: Say) -> Iterator[Secret]:
    """The address of the database, made now unless an earlier run left it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if on_postgresql:
        server = Postgres(FOLDER / "postgresql", *_LARGE)
        try:
            server.start()
            yield _in_postgresql(server.address, wallets, say)
        finally:
            server.stop()
        return
    yield _in_sqlite(FOLDER / f"wallets-{wallets}.db", wallets, say)


def _in_sqlite(file: Path, wallets: int, say: Say) -> Secret:
    if not file.exists():
        partial = file.with_suffix(".part")
        for left in FOLDER.glob(f"{partial.name}*"):
            left.unlink()
        _fill(Secret(f"sqlite:///{partial}"), wallets, say)
        partial.rename(file)
    return Secret(f"sqlite:///{file}")


def _in_postgresql(server: str, wallets: int, say: Say) -> Secret:
    name, partial = f"wallets_{wallets}", f"wallets_{wallets}_part"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        known = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        if name not in known:
            connection.execute(f'DROP DATABASE IF EXISTS "{partial}"'.encode())
            connection.execute(f'CREATE DATABASE "{partial}"'.encode())
            _fill(Secret(f"{server}/{partial}"), wallets, say)
            connection.execute(f'ALTER DATABASE "{partial}" RENAME TO "{name}"'.encode())
    return Secret(f"{server}/{name}")


def _fill(database: Secret, wallets: int, say: Say) -> None:
    begun = time.monotonic()
    store = Store(database)
    if store.is_sqlite:
        _without_safety(store)
    migrate(store)
    addresses = [population.wallet(number) for number in range(wallets)]
    with store.write() as connection:
        indexed = [tables.balances, tables.nodes]
        indexes = [index for table in indexed for index in table.indexes]
        for index in indexes:
            index.drop(connection)
        _load(connection, tables.blocks, population.blocks())
        _standing(connection)
        for table, rows in ((tables.balances, population.balances), (tables.nodes, population.nodes)):
            count = _load(connection, table, rows(addresses))
            say(f"  {count:,} rows of {table.name} after {time.monotonic() - begun:.0f} s")
        for index in indexes:
            index.create(connection)
    if not store.is_sqlite:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    say(f"  indexed after {time.monotonic() - begun:.0f} s")
    store.close()


def _load(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> int:
    remaining, count = iter(rows), 0
    while chunk := list(islice(remaining, _ROWS_AT_ONCE)):
        insert_rows(connection, table, chunk)
        count += len(chunk)
    return count


def _standing(connection: Connection) -> None:
    """Where the indexer stands, and two programs."""
    head = population.BLOCKS
    state = {"chain_id": 31337, "genesis_hash": "0x" + "00" * 32, "first_block": 1, "node_head": head}
    state |= {"safe": head - 32, "final": head - 64, "checked_at": int(time.time())}
    connection.execute(insert(tables.chain_state).values(state))
    for terms in population.PROGRAMS:
        row = {name: getattr(terms, name) for name in terms.__slots__}
        connection.execute(insert(tables.programs).values(row | {"block_number": 1}))


def _without_safety(store: Store) -> None:
    """A file that is thrown away when its making is cut short needs no journal on disk and no check of its keys."""

    @event.listens_for(store.engine, "connect")
    def connected(dbapi_connection: Any, _record: Any) -> None:
        for pragma in ("foreign_keys=OFF", "synchronous=OFF", "cache_size=-2000000"):
            dbapi_connection.execute(f"PRAGMA {pragma}")
