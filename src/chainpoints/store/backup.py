"""Backups: one SQLite file with every row of a store but `processes`, whichever database the store is in.

Such a file is a store itself: it can be looked at with any SQLite tool, restored into either kind of database, and a
newer chainpoints brings it to its own schema. It holds what nobody can make again (orders, keys, requests, secrets of
webhooks), and what was read from the chain, so that a restored gateway answers at once. It is written beside its name
and renamed when it is whole, readable by its owner alone.
"""

from __future__ import annotations

import glob
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Integer, MetaData, Table, func, select, text, update

from chainpoints.config import Secret
from chainpoints.errors import ConfigError, Conflict
from chainpoints.store import tables
from chainpoints.store.bulk import insert_rows
from chainpoints.store.digest import digest_of, table_digests
from chainpoints.store.migrate import migrate
from chainpoints.store.session import BESIDE_SQLITE, LEADERS, Store
from chainpoints.types import DAY_SECONDS

_ROWS_AT_ONCE = 10_000
_TABLES: Sequence[Table] = [table for table in tables.metadata.sorted_tables if table is not tables.processes]
"""All but who runs on the database just now: those do not run on the restored one."""
_NOT_COPIED = ("backup", "alembic_version", tables.processes.name)
_SQLITE_MAGIC = b"SQLite format 3\0"
_ABOUT = "CREATE TABLE backup (made_at INTEGER NOT NULL, row_count INTEGER NOT NULL, digest TEXT NOT NULL)"

Progress = Callable[[int, int, str], None]
"""Told how many rows are done, of how many, and of which table."""


class Backup(NamedTuple):
    """`made_at` in unix seconds; `digest`: SHA-256 over all rows, as hex."""

    made_at: int
    rows: int
    digest: str


def backup(store: Store, file: Path, progress: Progress) -> Backup:
    """Writes all rows of the store, as one snapshot of it, into a new file; whatever runs goes on meanwhile.

    Raises ConfigError when the file exists.
    """
    if file.exists():
        raise ConfigError(f"{file} exists and was not touched; give the name of a new file, or move it away")
    _forget_killed(file)
    handle, name = tempfile.mkstemp(".partial", f".{file.name}.", file.parent)  # its owner's alone, and this run's
    os.close(handle)
    partial = Path(name)
    try:
        with _opened(partial) as into:
            migrate(into)
            with store.read() as source, into.write() as target:
                rows = _copy(source, target, progress)
                target.execute(update(tables.chain_state).values(without_keys=False))  # the file has them all
                made = Backup(int(time.time()), rows, _digest(target))
                target.exec_driver_sql(_ABOUT)
                target.execute(text("INSERT INTO backup VALUES (:made_at, :rows, :digest)"), made._asdict())
        _leave_one_file(partial)
        _flush(partial)
        _name(partial, file)
        _flush(file)
    finally:
        _remove(partial)
    return made


def restore(file: Path, store: Store, progress: Progress) -> Backup:
    """Fills an empty store with the rows of a backup, all or none, and proves that they are those of the backup.

    Raises ConfigError when the file is no whole backup or the store is not empty, Conflict while something runs on it.
    """
    with tempfile.TemporaryDirectory(prefix="chainpoints-") as folder, ExitStack() as held:
        copy = Path(folder) / "backup.db"
        _copy_file(file, copy)
        for role in LEADERS:
            held.enter_context(store.leader(role))
        with _opened(copy) as origin:
            made = _require_whole(file, origin)
            migrate(origin)
            with origin.read() as source, store.write() as target:
                _require_empty(target)
                _copy(source, target, progress)
                _go_on_counting(target)
                if _digest(target) != _digest(source):
                    raise Conflict("the rows that the database gave back are not those of the backup; nothing was kept")
    return made


@contextmanager
def _opened(file: Path) -> Iterator[Store]:
    store = Store(Secret(f"sqlite:///{file}"))
    try:
        yield store
    finally:
        store.close()


def _copy_file(file: Path, to: Path) -> None:
    try:
        shutil.copyfile(file, to)
    except OSError as error:
        raise ConfigError(f"the backup {file} cannot be read ({error.strerror}); give the path of a backup") from None
    with to.open("rb") as copy:
        if copy.read(len(_SQLITE_MAGIC)) != _SQLITE_MAGIC:
            raise _no_backup(file)


def _no_backup(file: Path) -> ConfigError:
    return ConfigError(f"{file} is not a backup that `chainpoints backup` has made; nothing was restored")


def _require_whole(file: Path, origin: Store) -> Backup:
    """Raises ConfigError for a file that is no backup, or not as it was written."""
    with origin.read() as connection:
        found = MetaData()  # as it stands in the file: an older version's tables and columns
        found.reflect(connection)
        if "backup" not in found.tables:
            raise _no_backup(file)
        made = Backup(*connection.execute(text("SELECT made_at, row_count, digest FROM backup")).one())
        if (
            _digest(connection, [table for name, table in found.tables.items() if name not in _NOT_COPIED])
            != made.digest
        ):
            raise ConfigError(f"{file} was changed or damaged since it was made; restore from another backup")
    return made


def _require_empty(connection: Connection) -> None:
    filled = [
        table.name
        for table in tables.metadata.tables.values()
        if connection.scalar(select(func.count()).select_from(table))
    ]
    if filled:
        raise ConfigError(
            f"this database is not empty (rows in {', '.join(sorted(filled)[:3])}) and was not touched; set "
            "CHAINPOINTS_DATABASE to an empty one, or move this one away"
        )


def _copy(source: Connection, target: Connection, progress: Progress) -> int:
    counts = {table: source.scalar(select(func.count()).select_from(table)) or 0 for table in _TABLES}
    whole, done = sum(counts.values()), 0
    for table in counts:
        found = source.execute(select(table), execution_options={"yield_per": _ROWS_AT_ONCE})
        for rows in found.partitions():
            insert_rows(target, table, [tuple(row) for row in rows])
            done += len(rows)
            progress(done, whole, table.name)
    return whole


def _go_on_counting(connection: Connection) -> None:
    """PostgreSQL counts ids by sequences, which rows that bring their ids do not move; SQLite looks at the rows."""
    if connection.dialect.name != "postgresql":
        return
    for table in _TABLES:
        key = table.autoincrement_column
        if key is not None and len(table.primary_key.columns) == 1 and isinstance(key.type, Integer):
            named = f"pg_get_serial_sequence('{table.name}', '{key.name}')"
            highest = f"(SELECT max({key.name}) FROM {table.name})"
            connection.execute(text(f"SELECT setval({named}, {highest}) WHERE {highest} IS NOT NULL"))


def _digest(connection: Connection, among: Iterable[Table] = _TABLES) -> str:
    return digest_of(table_digests(connection, sorted(among, key=lambda table: table.name)))


def _leave_one_file(file: Path) -> None:
    """Puts what SQLite keeps beside its file into it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def _forget_killed(file: Path) -> None:
    """Removes what backups to this name have left that were killed: nothing has been written to it for a day."""
    for partial in file.parent.glob(f".{glob.escape(file.name)}.*.partial"):
        with suppress(FileNotFoundError):  # another one has just ended
            if time.time() - partial.stat().st_mtime > DAY_SECONDS:
                _remove(partial)


def _name(partial: Path, file: Path) -> None:
    """Raises ConfigError when another backup has taken the name meanwhile."""
    try:
        try:
            os.link(partial, file)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            partial.replace(file)
    except FileExistsError:
        raise ConfigError(f"{file} was made by another backup meanwhile, and was not touched") from None


def _flush(file: Path) -> None:
    for path in (file, file.parent):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(file: Path) -> None:
    for suffix in ("", *BESIDE_SQLITE):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
