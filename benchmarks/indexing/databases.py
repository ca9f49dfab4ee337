"""A PostgreSQL server for the measurements, of Debian's packages, with its default settings."""

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

from benchmarks.indexing.node import BenchmarkError
from benchmarks.ports import free_port


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a server that ends with the block. It commits durably, as a server in use does."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
    if not found:
        raise BenchmarkError("no PostgreSQL in /usr/lib/postgresql; install Debian's postgresql")
    folder = Path(tempfile.mkdtemp(prefix="chainpoints-postgres-"))
    who = _unprivileged(folder)
    data, port = folder / "data", free_port()
    initdb = [str(found[-1] / "initdb"), "-D", str(data), "-U", "chainpoints", "-A", "trust", "-E", "UTF8"]
    subprocess.run([*initdb, "--locale=C"], check=True, capture_output=True, cwd=folder, **who)
    command = [str(found[-1] / "postgres"), "-D", str(data), "-p", str(port), "-c", f"unix_socket_directories={folder}"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **who)
    try:
        address = f"postgresql://chainpoints@127.0.0.1:{port}"
        _wait_until_it_answers(address)
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # ends it also while somebody is connected
        server.wait()
        shutil.rmtree(folder)


def fresh_database(server: str, name: str) -> str:
    """The address of an empty database of this name."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


def _unprivileged(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    group = pwd.getpwnam("postgres").pw_gid
    shutil.chown(folder, "postgres", group)
    return {"user": "postgres", "group": group, "extra_groups": ()}


def _wait_until_it_answers(address: str) -> None:
    for _ in range(400):
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(f"{address}/postgres"):
            return
        time.sleep(0.05)
    raise BenchmarkError("PostgreSQL does not start")
