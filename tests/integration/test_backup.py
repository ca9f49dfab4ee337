"""Backups: what comes back is what was there, to the row, from either kind of database into either; and a drill."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select
from typer.testing import CliRunner

from builders import Deployment
from chain_rows import FEC as PROGRAM
from chain_rows import ChainRows
from chainpoints.cli import app
from chainpoints.config import Secret
from chainpoints.errors import ConfigError, Conflict
from chainpoints.indexer.service import rebuild
from chainpoints.store import tables
from chainpoints.store.backup import backup, restore
from chainpoints.store.digest import table_digests
from chainpoints.store.migrate import migrate
from chainpoints.store.processes import heartbeat, processes_seen
from chainpoints.store.session import Store
from chainpoints.types import ONE_POINT
from gateway import FEC, running_gateway

pytestmark = pytest.mark.integration

ALICE = "0x" + "a1" * 20
REQUEST = {"kind": "claim", "lane": "relayer", "payload": "{}", "state": "accepted", "not_before": 0, "failures": 0}


def quiet(_done: int, _whole: int, _where: str) -> None:
    pass


def everything(store: Store) -> dict[str, str]:
    with store.read() as connection:
        return table_digests(connection, tables.metadata.sorted_tables)


def filled(store: Store, wallets: int = 50) -> Store:
    """A chain of 40 days with balances and nodes, and a request that waits."""
    with store.write() as connection:
        rows = ChainRows(connection)
        rows.blocks()
        rows.state()
        rows.program(PROGRAM)
        rows.merchant(1, ALICE)
        for number in range(1, wallets + 1):
            rows.balance(f"0x{number:040x}", number * ONE_POINT)
            rows.node(f"0x{number:040x}", 4, 10 * ONE_POINT)
        rows.minted()
        accept(connection, "first")
    return store


def accept(connection: Connection, name: str) -> None:
    connection.execute(insert(tables.relay_requests).values(REQUEST | {"id": name, "accepted_at": 1}))


def another(folder: Path, name: str = "another.db") -> Store:
    store = Store(Secret(f"sqlite:///{folder / name}"))
    migrate(store)
    return store


def test_every_row_comes_back_and_a_second_backup_is_the_same(store: Store, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    made = backup(filled(store), tmp_path / "first.db", lambda done, whole, _where: told.append((done, whole)))
    other = another(tmp_path)
    assert restore(tmp_path / "first.db", other, quiet) == made
    assert everything(other) == everything(store)
    assert told[-1] == (made.rows, made.rows)
    assert backup(other, tmp_path / "second.db", quiet).digest == made.digest
    other.close()


def test_who_ran_on_the_database_does_not_come_back(store: Store, tmp_path: Path) -> None:
    with heartbeat(filled(store), "relay"):
        while running(store) != ["relay"]:
            time.sleep(0.01)
        backup(store, tmp_path / "backup.db", quiet)
    other = another(tmp_path)
    restore(tmp_path / "backup.db", other, quiet)
    assert running(other) == []
    other.close()


def running(store: Store) -> list[str]:
    with store.read() as connection:
        return [each.role for each in processes_seen(connection)]


def test_it_is_restored_into_either_kind_of_database_which_goes_on_counting(database: Secret, tmp_path: Path) -> None:
    origin = filled(another(tmp_path))
    backup(origin, tmp_path / "backup.db", quiet)
    store = Store(database)
    migrate(store)
    restore(tmp_path / "backup.db", store, quiet)
    assert everything(store) == everything(origin)
    with store.write() as connection:
        accept(connection, "second")
    with store.read() as connection:
        sequence = tables.relay_requests.c.sequence
        assert connection.scalars(select(sequence).order_by(sequence)).all() == [1, 2]
    store.close()
    origin.close()


def test_the_file_is_its_owners_alone_and_nothing_is_left_beside_it(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    backup(filled(store), folder / "backup.db", quiet)
    assert stat.S_IMODE((folder / "backup.db").stat().st_mode) == 0o600
    assert [file.name for file in folder.iterdir()] == ["backup.db"]


def test_a_file_that_exists_is_not_written_over(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    file.write_text("something else")
    with pytest.raises(ConfigError, match="exists and was not touched"):
        backup(store, file, quiet)
    assert file.read_text() == "something else"


def test_of_two_backups_to_one_name_one_is_made_and_whole(store: Store, tmp_path: Path) -> None:
    filled(store)

    def another_begins(done: int, whole: int, _where: str) -> None:
        if done == whole:  # the first one's rows are copied, and it has no name yet
            backup(store, tmp_path / "backup.db", quiet)

    with pytest.raises(ConfigError, match="another backup"):
        backup(store, tmp_path / "backup.db", another_begins)
    restore(tmp_path / "backup.db", another(tmp_path), quiet)
    assert {path.name for path in tmp_path.glob(".*")} == set()


def test_what_a_killed_backup_left_goes_with_a_later_one(store: Store, tmp_path: Path) -> None:
    filled(store)
    old, young = (tmp_path / f".backup.db.{name}.partial" for name in ("killed", "running"))
    for left in (old, young):
        left.write_text("half of it")
    os.utime(old, (0, 0))
    backup(store, tmp_path / "backup.db", quiet)
    assert (old.exists(), young.exists()) == (False, True)


def test_one_changed_row_is_found_and_nothing_is_restored(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    backup(filled(store), file, quiet)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE balances SET amount = amount + 1 WHERE account = ?", (f"0x{7:040x}",))
    other, empty = another(tmp_path), another(tmp_path, "empty.db")
    with pytest.raises(ConfigError, match="changed or damaged"):
        restore(file, other, quiet)
    assert everything(other) == everything(empty)
    other.close()
    empty.close()


def test_what_is_no_backup_is_refused(store: Store, tmp_path: Path) -> None:
    another(tmp_path, "store.db").close()
    with pytest.raises(ConfigError, match="not a backup"):
        restore(tmp_path / "store.db", store, quiet)
    (tmp_path / "notes.txt").write_text("no database at all " * 100)
    with pytest.raises(ConfigError, match=r"notes.txt is not a backup"):
        restore(tmp_path / "notes.txt", store, quiet)
    with pytest.raises(ConfigError, match="cannot be read"):
        restore(tmp_path / "none.db", store, quiet)


def test_a_database_with_rows_is_not_touched(store: Store, tmp_path: Path) -> None:
    backup(filled(store), tmp_path / "backup.db", quiet)
    before = everything(store)
    with pytest.raises(ConfigError, match="not empty"):
        restore(tmp_path / "backup.db", store, quiet)
    assert everything(store) == before


def test_not_while_a_process_works_on_the_database(store: Store, tmp_path: Path) -> None:
    backup(filled(store), tmp_path / "backup.db", quiet)
    other = another(tmp_path)
    for role in ("index", "relay", "deliver"):
        with other.leader(role), pytest.raises(Conflict, match=f"`{role}`"):
            restore(tmp_path / "backup.db", other, quiet)
    other.close()


def test_the_backup_is_one_moment_while_rows_are_written(store: Store, tmp_path: Path) -> None:
    """Whoever writes meanwhile goes on: its rows are whole in the backup, or not in it at all."""
    filled(store)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with store.write() as connection:
                for half in ("a", "b"):
                    accept(connection, f"{number} {half}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        backup(store, tmp_path / "backup.db", quiet)
    finally:
        stop.set()
        writer.join()
    with sqlite3.connect(tmp_path / "backup.db") as connection:
        names = [name for (name,) in connection.execute("SELECT id FROM relay_requests WHERE id <> 'first'")]
    assert len(names) % 2 == 0


def test_t40_the_drill(deployment: Deployment, store: Store, tmp_path: Path) -> None:
    """The database is lost after a backup, with payments made since: restored, the gateway reads them from the chain,
    row for row as they were, and what was sent before is not carried out again."""
    with running_gateway(deployment, store) as world:
        number, merchant = world.merchant("shop")
        world.issue(merchant, "alice", "100", "till-1")
        before = world.pay(merchant, "alice", "10", "order-1")
        backup(store, tmp_path / "backup.db", quiet)
        world.pay(merchant, "alice", "20", "order-2")
        world.read_all()
        totals, key = world.public.get("/v1/totals"), merchant.key
    with store.read() as connection:
        lost = table_digests(connection)
    store.close()

    restored = another(tmp_path, "restored.db")
    restore(tmp_path / "backup.db", restored, quiet)
    with running_gateway(deployment, restored) as world:
        world.read_all()
        with restored.read() as connection:
            assert table_digests(connection) == lost
        now = world.public.get("/v1/totals")
        assert {name: now[name] for name in ("paid", "supply", "payments")} == {
            name: totals[name] for name in ("paid", "supply", "payments")
        }
        merchant = world.client(key)
        assert merchant.get(f"/v1/orders/{before['id']}")["paid"] == before["paid"]
        # what was paid after the backup is in the merchant's list, although its order's row is lost
        paid = merchant.get("/v1/payments", merchant=number)["items"]
        assert [each["amount"] for each in paid] == ["20.000000", "10.000000"]
        order = merchant.post("/v1/orders", {"reference": "order-3", "program": FEC, "points": "5"})
        world.mined(world.public.post("/v1/payments", world.payment(order, "alice")))
        assert number == order["merchant"]
    with restored.read() as connection:
        as_followed = table_digests(connection)
    settings = deployment.settings
    rebuild(settings, deployment.manifest, restored, quiet)
    with restored.read() as connection:
        rebuilt = table_digests(connection)
    assert rebuilt == as_followed
    restored.close()


def test_the_commands_tell_what_they_did(
    database: Secret, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(store)
    file = tmp_path / "backup.db"
    monkeypatch.setenv("CHAINPOINTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CHAINPOINTS_DATABASE", database.reveal())
    made = CliRunner().invoke(app, ["backup", str(file), "--json"])
    assert made.exit_code == 0, made.output
    monkeypatch.setenv("CHAINPOINTS_DATABASE", f"sqlite:///{tmp_path / 'restored.db'}")
    back = CliRunner().invoke(app, ["restore", str(file), "--json"])
    assert back.exit_code == 0, back.output
    told, again = json.loads(made.stdout), json.loads(back.stdout)
    assert (told["rows"], told["digest"]) == (again["rows"], again["digest"])
    twice = CliRunner().invoke(app, ["restore", str(file), "--json"])
    assert (twice.exit_code, "not empty" in json.loads(twice.stdout)["message"]) == (1, True)
