"""docs/runbook.md: PostgreSQL goes back to a moment, by the commands of the page, word for word."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from benchmarks.postgres import Postgres, new_database
from builders import ROOT
from chainpoints.config import Secret
from chainpoints.store.migrate import migrate
from chainpoints.store.orders import add_order
from chainpoints.store.session import Store
from faults.fleet import wait_until

pytestmark = pytest.mark.integration

PAGE = (ROOT / "docs/runbook.md").read_text()
COPY, GO_BACK = [block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "$BACKUPS" in block]
(ARCHIVE,) = re.findall(r"`archive_command='(.*?)'`", PAGE)


@pytest.fixture
def folder(postgres: str) -> Iterator[Path]:
    """One that the server's user may write to: PostgreSQL does not run as root."""
    assert postgres
    made = Path(tempfile.mkdtemp(prefix="chainpoints-moment-"))
    (made / "backups" / "wal").mkdir(parents=True)
    made.chmod(0o777)
    for each in ("backups", "backups/wal"):
        (made / each).chmod(0o777)
    yield made
    shutil.rmtree(made)


def as_written(server: Postgres, commands: str, **variables: str) -> None:
    programs = os.pathsep.join([str(server.programs), os.environ["PATH"]])
    environment = {"PATH": programs, "HOME": "/tmp", **variables}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        capture_output=True, text=True, check=False, cwd="/tmp", env=environment, **server.user,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def references(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(text("SELECT reference FROM orders ORDER BY reference")).scalars())


def order(store: Store, reference: str) -> str:
    """Makes an order; gives the server's clock after it."""
    with store.write() as connection:
        add_order(
            connection, merchant=1, reference=reference, program=1, points=5, money=None, currency=None,
            customer=None, expires_at=None,
        )  # fmt: skip
    with store.read() as connection:
        return str(connection.scalar(text("SELECT clock_timestamp()")))


def is_open(store: Store) -> bool:
    with store.read() as connection:
        return not connection.scalar(text("SELECT pg_is_in_recovery()"))


def test_orders_made_after_the_backup_are_there_up_to_the_moment(folder: Path) -> None:
    backups, new = folder / "backups", folder / "new"
    archive = f"archive_command={ARCHIVE.replace('/backups/', f'{backups}/')}"
    server = Postgres(folder / "old", "archive_mode=on", archive)
    server.start()
    try:
        address = new_database(server.address, "gateway")
        store = Store(Secret(address))
        migrate(store)
        order(store, "before the backup")
        as_written(server, COPY, BACKUPS=str(backups), CHAINPOINTS_DATABASE=address)
        moment = order(store, "since the backup")
        time.sleep(0.1)
        order(store, "by mistake")
        assert len(references(store)) == 3
        with store.write() as connection:
            last = str(connection.scalar(text("SELECT pg_walfile_name(pg_switch_wal())")))
        wait_until((backups / "wal" / last).exists, 20, "what changed is archived")
        store.close()
    finally:
        server.stop()
    new.mkdir(mode=0o777)
    new.chmod(0o777)
    as_written(server, GO_BACK, BACKUPS=str(backups), NEW_DATA=str(new / "data"), MOMENT=moment)
    again = Postgres(new)
    again.start()
    try:
        store = Store(Secret(f"{again.address}/gateway"))
        wait_until(lambda: is_open(store), 20, "it opens")
        migrate(store)
        assert references(store) == ["before the backup", "since the backup"]
        order(store, "afterwards")
        store.close()
    finally:
        again.stop()
