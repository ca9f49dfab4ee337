"""A PostgreSQL server of Debian's packages, for benchmarks and tests: in a folder, for as long as it is wanted."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.ports import free_port
from chainpoints.errors import ChainpointsError

_START_SECONDS = 30.0


class PostgresUnavailable(ChainpointsError):
    """There is no server to be had here; the message says why."""


class Postgres:
    """One server. What is in `folder` stays when it ends, and is found again by the next one.

    `user`: what makes a subprocess run as the server's user. `programs`: the folder of PostgreSQL's own.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder, self.user, self._port = folder, _who(), free_port()
        self.programs = Path(_binary("postgres")).parent
        self._command = [_binary("postgres"), "-D", str(folder / "data"), "-p", str(self._port)]
        for option in ("listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", *options):
            self._command += ["-c", option]
        self._server: subprocess.Popen[bytes] | None = None
        self.address = f"postgresql://chainpoints@127.0.0.1:{self._port}"

    def start(self) -> None:
        """Returns when it answers. Raises PostgresUnavailable with the end of its log."""
        if not (self._folder / "data").exists():
            self._make()
        give_up_at = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up_at:
            with (self._folder / "log").open("ab") as log:
                self._server = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._folder, **self.user)
            while self._server.poll() is None and time.monotonic() < give_up_at:
                with contextlib.suppress(psycopg.OperationalError), psycopg.connect(f"{self.address}/postgres"):
                    return
                time.sleep(0.05)
            time.sleep(0.2)  # what is left of a server that was killed may still hold its memory
        raise PostgresUnavailable(f"PostgreSQL does not start: {self._log()}")

    def kill(self) -> None:
        """kill -9. `start` begins again with what was committed."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()

    def stop(self) -> None:
        """Ends it, also while somebody is connected."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait()

    def _make(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self.user:
            shutil.chown(self._folder, self.user["user"], self.user["group"])
        command = [_binary("initdb"), "-D", str(self._folder / "data"), "-U", "chainpoints", "-A", "trust", "--no-sync"]
        made = subprocess.run(
            [*command, "-E", "UTF8", "--locale=C"],
            capture_output=True, text=True, check=False, cwd=self._folder, **self.user,
        )  # fmt: skip
        if made.returncode:
            raise PostgresUnavailable(f"initdb failed: {made.stderr[-500:]}")

    def _log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-500:]


@contextmanager
def running_postgres(*options: str) -> Iterator[Postgres]:
    """A server in a folder of its own, which is deleted when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="chainpoints-postgres-"))
    try:
        server = Postgres(folder, *options)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def new_database(server: str, name: str) -> str:
    """The address of an empty database of this name on the server; what had the name before is dropped."""
    drop_database(server, name)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


def drop_database(server: str, name: str) -> None:
    """Whoever is connected, and also when there is none."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    # Debian's wrapper scripts in PATH lack most of them.
    binary = str(found[-1]) if found else shutil.which(name)
    if not binary:
        raise PostgresUnavailable(f"{name} is neither in PATH nor in /usr/lib/postgresql/*/bin; install PostgreSQL")
    return binary


def _who() -> dict[str, Any]:
    """Whom to run it as: it refuses root."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise PostgresUnavailable("PostgreSQL does not run as root, and there is no user postgres") from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
