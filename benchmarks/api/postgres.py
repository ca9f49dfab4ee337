"""A PostgreSQL server over a data folder that stays; it runs while the benchmark does."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.ports import free_port
from chainpoints.errors import ConfigError


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """The server's address. Raises ConfigError where PostgreSQL is not installed or does not start."""
    options = _who()
    folder.mkdir(parents=True, exist_ok=True)
    if options:
        shutil.chown(folder, options["user"], options["group"])
    data, port = folder / "data", free_port()
    if not data.exists():
        made = [_binary("initdb"), "-D", str(data), "-U", "chainpoints", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder, **options)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [_binary("postgres"), "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1",
             "-c", f"unix_socket_directories={folder}", "-c", "fsync=off", "-c", "shared_buffers=512MB",
             "-c", "max_wal_size=8GB", "-c", "maintenance_work_mem=512MB"],
            stdout=log, stderr=log, cwd=folder, **options,
        )  # fmt: skip
    try:
        address = f"postgresql://chainpoints@127.0.0.1:{port}"
        _wait(address, server, folder / "log")
        yield address
    finally:
        server.terminate()
        server.wait()


def _binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    binary = str(found[-1]) if found else shutil.which(name)
    if not binary:
        raise ConfigError(f"{name} is neither in /usr/lib/postgresql/*/bin nor in PATH; install PostgreSQL")
    return binary


def _who() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise ConfigError("PostgreSQL does not run as root, and there is no user postgres") from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(400):
        if server.poll() is not None:
            break
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(f"{address}/postgres"):
            return
        time.sleep(0.05)
    raise ConfigError(f"PostgreSQL does not start: {log.read_text(errors='replace')[-500:]}")
