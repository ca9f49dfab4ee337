"""Which processes run on this database: each says so every few seconds, so that its silence is seen elsewhere."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, delete, insert, select, update

from chainpoints import __version__
from chainpoints.errors import StoreError
from chainpoints.store.session import LEADERS, Store
from chainpoints.store.tables import processes

log = structlog.get_logger()

ROLES = (*LEADERS, "serve")
"""What a gateway needs one of each of."""

BEAT_SECONDS = 5
SILENT_AFTER_SECONDS = 20
_FORGOTTEN_AFTER_SECONDS = 86_400

_COLUMNS = [processes.c[name] for name in ("role", "host", "pid", "version", "started_at", "seen_at")]


@dataclass(frozen=True, slots=True)
class Process:
    """The columns of `processes`."""

    role: str
    host: str
    pid: int
    version: str
    started_at: int
    seen_at: int

    def is_silent(self, now: float) -> bool:
        """Whether it has said nothing for so long that it must have ended or hang. `now`: wall clock."""
        return now - self.seen_at > SILENT_AFTER_SECONDS


@contextmanager
def heartbeat(store: Store, role: str) -> Iterator[None]:
    """Says that this process runs in the role, until the block ends. A beat that fails is left out."""
    me = Process(role, socket.gethostname(), os.getpid(), __version__, int(time.time()), int(time.time()))
    ended = threading.Event()

    def beat() -> None:
        while True:
            try:
                _beat(store, me)
            except StoreError:
                pass
            except Exception:
                log.exception("this process cannot say that it runs")  # and tries again
            if ended.wait(BEAT_SECONDS):
                return

    thread = threading.Thread(target=beat, name=f"heartbeat of {role}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with suppress(StoreError), store.write() as connection:
            connection.execute(delete(processes).where(processes.c.id == _id(me)))


def processes_seen(connection: Connection) -> list[Process]:
    """Those of the last day that have not ended as they should, silent ones too; by role."""
    rows = connection.execute(select(*_COLUMNS).order_by(processes.c.role, processes.c.id))
    return [Process(*row) for row in rows]


def _beat(store: Store, me: Process) -> None:
    now = int(time.time())
    with store.write() as connection:
        seen = update(processes).where(processes.c.id == _id(me)).values(seen_at=now)
        if connection.execute(seen).rowcount == 0:
            row = {name: getattr(me, name) for name in Process.__slots__}
            connection.execute(insert(processes).values(row | {"id": _id(me), "seen_at": now}))
        connection.execute(delete(processes).where(processes.c.seen_at < now - _FORGOTTEN_AFTER_SECONDS))


def _id(process: Process) -> str:
    return f"{process.role} {process.host[:60]} {process.pid}"
