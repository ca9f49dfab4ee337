"""Connections and transactions: SQLite (WAL) by default, PostgreSQL by address. One schema, one code path for both.

A transaction is one request, one block (or a range while backfilling), or one task of the relayer. The only two things
that differ by database are here (how a write begins, the leader's lock) and in `bulk` (how many rows go in at once).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chainpoints.config import Secret
from chainpoints.errors import ConfigError, Conflict, StoreUnavailable

LEADERS = ("index", "relay", "deliver")
"""What only one process at a time does on a database."""

_TAKEN = "another process does `{}` on this database, as `chainpoints run` does too; only one can: end it first"
_TAKES_WRITES = text("SELECT current_setting('transaction_read_only') = 'off'")

_PASSING = ("25006", "25P03")
"""What PostgreSQL calls errors of another kind, and passes: it takes no writes (a standby, a full disk), or has ended a
transaction that did nothing."""

_CAUSES = {
    "connection refused": "nothing listens at its address",
    "could not translate host name": "its host is not known",
    "failed to resolve host": "its host is not known",
    "timeout expired": "its host does not answer",
    "password authentication failed": "its user or password is wrong",
    "no password supplied": "it wants a password",
    "no pg_hba.conf entry": "it does not let this user in from here",
    'role "': "it has no such user",
    "not currently accepting connections": "it takes no connections",
    'database "': "there is no such database on the server",
    "too many clients": "it has too many connections",
    "database is locked": "another program writes to it",
    "lock timeout": "another process holds for too long what is asked for",
    "unable to open database file": "its file cannot be opened",
    "readonly": "its file may only be read",
    "read-only": "it takes no writes",
    "disk is full": "its disk is full",
}
"""A part of the driver's words, and the cause in our own: the driver's may hold the database's address."""

_HOLD_SECONDS = 10
_GIVE_UP = text("SELECT set_config('lock_timeout', :after, true)")
_HOLD = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")

_LOCK = text("SELECT pg_try_advisory_lock(:key)")
_UNLOCK = text("SELECT pg_advisory_unlock(:key)")
_KEEPALIVES = ("tcp_keepalives_idle=5", "tcp_keepalives_interval=2", "tcp_keepalives_count=3")
"""Of the connection that holds a leader's lock: when its machine is gone, the server gives the lock to another."""
_NOTICES = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
"""The same the other way round, of every connection (the last in ms): a server that is gone is not waited for."""
_LOOK_SECONDS, _ASK_SECONDS = 0.05, 1.0

_TURN = ".turn.lock"
BESIDE_SQLITE = ("-wal", "-shm", _TURN)
"""What is kept beside a SQLite file that is written, by the ends of the names."""

_SQLITE_BUSY_SECONDS = 10
_SQLITE_PAUSE_SECONDS, _SQLITE_TURN_SECONDS = 0.001, 2.0
"""Between two tries to write, and how long others that wait are let go first at most: one of them may be stopped."""

_SQLITE_WAITS, _SQLITE_WAITS_NOT = f"PRAGMA busy_timeout={_SQLITE_BUSY_SECONDS * 1000}", "PRAGMA busy_timeout=0"
_SQLITE_PRAGMAS = (
    "page_size=16384",  # of a new file alone
    "synchronous=NORMAL",
    "foreign_keys=ON",
)


MAPPED_BYTES, MOST_MAPPED_BYTES = 32 * 1024**2, 2_147_418_112
"""How much of a SQLite file is mapped: its pages are read without a call, and count as memory of the process. The
second is the most that SQLite takes, for a process that reads a little here and there of all of it."""


class Store:
    """A database. `read()` gives one consistent snapshot; `write()` commits on leaving, rolls back on an exception."""

    def __init__(self, database: Secret, *, mapped_bytes: int = MAPPED_BYTES) -> None:
        try:
            url = make_url(database.reveal())
        except (ArgumentError, ValueError):  # whose words may hold a password
            raise ConfigError(
                "CHAINPOINTS_DATABASE is not a database address: sqlite:///file or postgresql://user@host/name"
            ) from None
        backend = url.get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise ConfigError(f"database {backend}: chainpoints keeps its books in sqlite or postgresql")
        self.is_sqlite = backend == "sqlite"
        self._writer = Lock()
        self._moves = 0
        if self.is_sqlite:
            if not url.database:
                raise ConfigError("an in-memory database cannot be shared by the gateway's processes; give a file")
            self._file = Path(url.database)
            self.engine = create_engine(url, hide_parameters=True, connect_args={"check_same_thread": False})
            self._turn = _Turn(Path(f"{self._file}{_TURN}"))
            _set_up_sqlite(self.engine, self._file, self._turn, mapped_bytes)
        else:
            self.engine = create_engine(
                url.set(drivername="postgresql+psycopg"),
                hide_parameters=True,
                pool_pre_ping=True,
                connect_args=_NOTICES,
            )

    @property
    def file(self) -> Path | None:
        """Where a SQLite database stands; None for PostgreSQL."""
        return self._file if self.is_sqlite else None

    @property
    def is_there(self) -> bool:
        """False for a SQLite file that nothing has made yet; the first transaction makes it."""
        return not self.is_sqlite or self._file.exists()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot: every query inside sees the same state."""
        with self._transaction({} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        # SQLite has one writer at a time: in this process they queue.
        queue = self._writer if self.is_sqlite else nullcontext()
        with queue, self._transaction({"chainpoints_write": True}) as connection:
            yield connection

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[Connection]:
        try:
            with _reaching(), self.engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection
        except StoreUnavailable as error:
            if isinstance(error.__cause__, InternalError):
                self._moves += 1  # its address may lead to another server by now
                self.engine.dispose()
            raise
        except DatabaseError as error:
            if type(error) is not DatabaseError or not self.is_sqlite:
                raise
            raise ConfigError(
                f"{self._file} is not a SQLite database, or is damaged; correct CHAINPOINTS_DATABASE"
            ) from None

    def hold(self, connection: Connection, *names: str, seconds: int = _HOLD_SECONDS) -> None:
        """Makes the write transactions that hold the same name go one after the other, each until its end.

        Several are held in an order of their own, so that of two transactions none waits for the other in a circle.
        What cannot be had within `seconds` makes the transaction StoreUnavailable; 0: it waits as long as it takes.
        """
        if names and not self.is_sqlite:  # SQLite has one writer at a time anyway
            connection.execute(_GIVE_UP, {"after": f"{seconds}s"})
            connection.execute(_HOLD, {"keys": sorted({_lock_key(f"hold {name}") for name in names})})

    @contextmanager
    def leader(self, role: str, stop: Event | None = None) -> Iterator[Event]:
        """Holds the lock of a role that only one process may have at a time (index, relay, deliver).

        Gives an event that is set when `stop` is, or when the lock is lost: PostgreSQL gives it to another process when
        the connection that holds it ends, and a server that takes no writes any more gives it to nobody who matters.
        Raises Conflict when another process holds it, StoreUnavailable when the database cannot be asked or takes no
        writes. It is released when the process ends, however it ends.
        """
        if self.is_sqlite:
            with Path(f"{self._file}.{role}.lock").open("w") as handle:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise Conflict(_TAKEN.format(role)) from None
                yield stop or Event()
            return
        over, ended, moves = Event(), Event(), self._moves
        with ExitStack() as held:
            key = {"key": _lock_key(role)}
            with _reaching():
                connection = held.enter_context(self._asked())
                if not connection.scalar(_TAKES_WRITES):
                    connection.invalidate()
                    raise StoreUnavailable("the database takes no writes now; try again, or check CHAINPOINTS_DATABASE")
                is_ours = connection.scalar(_LOCK, key)
            if not is_ours:
                raise Conflict(_TAKEN.format(role))
            held.callback(self._give_back, connection, key, moves)
            watched = connection, moves, stop, over, ended
            watcher = Thread(target=self._watch_lock, args=watched, name=f"lock of {role}")
            watcher.start()
            held.callback(watcher.join)
            held.callback(ended.set)
            yield over

    def _give_back(self, connection: Connection, key: dict[str, int], moves: int) -> None:
        with suppress(SQLAlchemyError):  # a lost connection holds no lock
            connection.execute(_UNLOCK, key)
        if self._moves != moves:
            connection.invalidate()

    def _watch_lock(self, connection: Connection, moves: int, stop: Event | None, over: Event, ended: Event) -> None:
        """Sets `over` when `stop` is set, or the connection that holds the lock is lost, or others of this store have
        gone to another server since; until `ended`."""
        asked_at = time.monotonic()
        while not ended.wait(_LOOK_SECONDS):
            if (stop is not None and stop.is_set()) or self._moves != moves:
                over.set()
                return
            if time.monotonic() - asked_at < _ASK_SECONDS:
                continue
            asked_at = time.monotonic()
            try:
                connection.exec_driver_sql("SELECT 1")
            except SQLAlchemyError:
                over.set()
                return

    @contextmanager
    def _asked(self) -> Iterator[Connection]:
        """A connection that holds a lock: the server ends it soon after the machine at its other end is gone."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for setting in _KEEPALIVES:
                connection.exec_driver_sql(f"SET {setting}")
            yield connection

    def close(self) -> None:
        self.engine.dispose()
        if self.is_sqlite:
            self._turn.close()


def _lock_key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


@contextmanager
def _reaching() -> Iterator[None]:
    """What fails inside for want of the database is StoreUnavailable."""
    try:
        yield
    except (OperationalError, PoolTimeout, InternalError) as error:
        if isinstance(error, InternalError) and getattr(error.orig, "sqlstate", None) not in _PASSING:
            raise
        raise StoreUnavailable(
            f"the database cannot be used now ({_cause(error)}); try again, or check CHAINPOINTS_DATABASE"
        ) from error


def _cause(error: Exception) -> str:
    words = str(error.__cause__ or error).lower()
    return next((cause for part, cause in _CAUSES.items() if part in words), type(error).__name__)


def _set_up_sqlite(engine: Engine, file: Path, turn: _Turn, mapped_bytes: int) -> None:
    @event.listens_for(engine, "do_connect")
    def connecting(*_: Any) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "connect")
    def connected(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # SQLAlchemy, not the driver, begins transactions
        dbapi_connection.execute(_SQLITE_WAITS)
        for pragma in (*_SQLITE_PRAGMAS, f"mmap_size={mapped_bytes}"):
            dbapi_connection.execute(f"PRAGMA {pragma}")
        _set_wal(dbapi_connection)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        if connection.get_execution_options().get("chainpoints_write", False):
            _begin_to_write(connection, turn)
        else:
            connection.exec_driver_sql("BEGIN")


class _Turn:
    """Held by the process that writes next, until it does: meanwhile no other one begins, however busy it is.

    SQLite alone lets whoever comes at the right moment write. Beside a writer that leaves but 0.1 ms between two
    transactions, others wait for seconds, or until they give up.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """One thread of a process at a time. Where no turn can be had, or none comes, it goes on without."""
        file = self._take()
        try:
            yield
        finally:
            if file is not None:
                fcntl.flock(file, fcntl.LOCK_UN)

    def _take(self) -> int | None:
        give_up_at = time.monotonic() + _SQLITE_TURN_SECONDS
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_CREAT | os.O_RDONLY, 0o666)
            file = self._file
            while time.monotonic() < give_up_at:
                with suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return file
                time.sleep(_SQLITE_PAUSE_SECONDS)
        except OSError:  # the folder is another user's, or its file system has no locks
            return None
        return None


def _begin_to_write(connection: Connection, turn: _Turn) -> None:
    """Once no other process writes. SQLite's own wait would sleep up to 0.1 s too long."""
    ours: Any = connection.connection.dbapi_connection
    give_up_at = time.monotonic() + _SQLITE_BUSY_SECONDS
    with turn.held():
        ours.execute(_SQLITE_WAITS_NOT)
        try:
            while time.monotonic() < give_up_at:
                try:
                    ours.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.DatabaseError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                        break
                    time.sleep(_SQLITE_PAUSE_SECONDS)
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more, so that its error is told as any other
        finally:
            ours.execute(_SQLITE_WAITS)


def _set_wal(connection: sqlite3.Connection) -> None:
    """Of two processes that do this at once on a new file SQLite refuses one, without waiting its busy_timeout."""
    give_up_at = time.monotonic() + _SQLITE_BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
