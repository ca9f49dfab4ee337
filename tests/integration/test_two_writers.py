"""Two processes write to one database: neither waits long, however busy the other one is."""

from __future__ import annotations

import fcntl
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from chainpoints.config import Secret
from chainpoints.store.session import Store

pytestmark = pytest.mark.integration

BUSY = """
import sys, time
from chainpoints.config import Secret
from chainpoints.store.session import Store
store = Store(Secret(sys.argv[1]))
print("begun", flush=True)
while True:  # as the API does under load: one short transaction after the other
    with store.write():
        time.sleep(0.004)
"""


def test_where_no_turn_can_be_had_it_writes_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "gateway.db.turn.lock").mkdir()
    store = Store(Secret(f"sqlite:///{tmp_path / 'gateway.db'}"))
    with store.write() as connection:
        connection.execute(text("CREATE TABLE kept (number INTEGER)"))
    store.close()


def test_a_process_that_is_stopped_in_its_turn_costs_others_little(tmp_path: Path) -> None:
    store = Store(Secret(f"sqlite:///{tmp_path / 'gateway.db'}"))
    with (tmp_path / "gateway.db.turn.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        begun = time.monotonic()
        with store.write() as connection:
            connection.execute(text("CREATE TABLE kept (number INTEGER)"))
        assert time.monotonic() - begun < 4
    store.close()


def test_a_busy_writer_leaves_room_for_another(store: Store, database: Secret) -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY, database.reveal()], stdout=subprocess.PIPE) as busy:
        try:
            assert busy.stdout is not None
            assert busy.stdout.readline() == b"begun\n"
            waited = []
            for _ in range(30):
                begun = time.monotonic()
                with store.write() as connection:
                    waited.append(time.monotonic() - begun)
                    connection.execute(text("UPDATE chain_state SET trouble = NULL"))
                time.sleep(0.01)
        finally:
            busy.kill()
    assert statistics.median(waited) < 0.1, waited
    assert sorted(waited)[-2] < 1, waited
