"""doctor: each part that is not well is a finding that says what to do, on both kinds of database."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Connection
from typer.testing import CliRunner

from builders import Deployment, free_port, signer
from chainpoints.api.app import Application, create_app
from chainpoints.api.deps import Gateway
from chainpoints.cli import app as command
from chainpoints.config import CHAINS, Secret, Settings
from chainpoints.doctor import Finding, examine
from chainpoints.indexer.service import rebuild
from chainpoints.store import tables
from chainpoints.store.relay_transactions import set_trouble
from chainpoints.store.session import Store
from chainpoints.store.status import head
from chainpoints.types import ONE_POINT, ZERO_ADDRESS
from gateway import serving

pytestmark = pytest.mark.integration

RELAYER, ISSUER = signer("relayer").address, signer("issuer").address
NO_ETHER = f"the issuer account {ISSUER} has 0.00000000 ETH; send it ETH, the requests wait until then"


@pytest.fixture(scope="module")
def server(module_deployment: Deployment) -> Iterator[tuple[Application, int]]:
    """One gateway for all tests, which answers for the store of each; and its port."""
    settings, manifest = module_deployment.settings, module_deployment.manifest
    unused = Store(settings.database)
    app = create_app(settings, manifest, unused)
    # It shares its output with the commands that are looked at here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with serving(app) as url:
        yield app, int(url.rsplit(":", 1)[1])
    structlog.reset_defaults()
    unused.close()


@pytest.fixture
def settings(
    module_deployment: Deployment, store: Store, database: Secret, server: tuple[Application, int]
) -> Settings:
    """Of an installation that has read the whole chain, whose processes run, and whose relayer has two lanes."""
    app, port = server
    settings = replace(module_deployment.settings, database=database, port=port)
    rebuild(settings, module_deployment.manifest, store, lambda *_: None)
    with store.write() as connection:
        set_trouble(connection, "relayer", RELAYER, None)
        set_trouble(connection, "issuer", ISSUER, None)
        for role in ("deliver", "index", "relay", "serve"):
            seen(connection, role)
    app.state.gateway = Gateway(settings, module_deployment.manifest, store, set())
    return settings


def seen(connection: Connection, role: str, *, seconds_ago: int = 0, pid: int = 1) -> None:
    """A process has said so long ago that it runs."""
    row = {"role": role, "host": "till", "pid": pid, "version": "1", "started_at": 0}
    row |= {"id": f"{role} {pid}", "seen_at": int(time.time()) - seconds_ago}
    connection.execute(tables.processes.insert().values(row))


def wrong(settings: Settings) -> list[Finding]:
    return [finding for finding in examine(settings) if not finding.ok]


def test_when_all_is_well_each_part_says_so(settings: Settings) -> None:
    findings = examine(settings)
    parts = ["chain", "deployment", "database", "index", "books", "relay", "disk", "processes", "gateway"]
    assert [finding.what for finding in findings] == parts
    assert all(finding.ok for finding in findings), findings
    told = {finding.what: finding.detail for finding in findings}
    assert f"issuer {ISSUER}, relayer {RELAYER}" in told["relay"]
    assert told["processes"] == "deliver till:1, index till:1, relay till:1, serve till:1"


def test_a_lane_in_trouble_is_told_with_its_account_and_what_to_do(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        set_trouble(connection, "issuer", ISSUER, NO_ETHER)
    assert wrong(settings) == [Finding("relay", False, f"issuer {ISSUER}: {NO_ETHER}")]


def test_the_command_ends_with_1_and_tells_it_as_json(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.write() as connection:
        set_trouble(connection, "issuer", ISSUER, NO_ETHER)
    monkeypatch.setenv("CHAINPOINTS_DATABASE", settings.database.reveal())
    monkeypatch.setenv("CHAINPOINTS_RPC_URL", settings.rpc_url.reveal())
    monkeypatch.setenv("CHAINPOINTS_DEPLOYMENTS", str(settings.deployments))
    monkeypatch.setenv("CHAINPOINTS_PORT", str(settings.port))
    result = CliRunner().invoke(command, ["doctor", "--json"])
    assert (result.exit_code, result.stderr) == (1, "")
    found = {finding["what"]: finding for finding in json.loads(result.stdout)}
    assert found["relay"] == {"what": "relay", "ok": False, "detail": f"issuer {ISSUER}: {NO_ETHER}"}
    assert found["index"]["ok"] is True


def test_no_relayer_has_ever_run(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        connection.execute(tables.relay_lanes.delete())
    (finding,) = wrong(settings)
    assert finding.what == "relay"
    assert "`chainpoints relay`" in finding.detail


def test_the_index_was_halted(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        connection.execute(tables.chain_state.update().values(halted="a reorg below finality"))
    assert wrong(settings) == [Finding("index", False, "a reorg below finality")]


def test_the_index_is_far_behind(settings: Settings, module_deployment: Deployment) -> None:
    module_deployment.anvil.mine(5)
    assert wrong(settings) == []
    module_deployment.anvil.mine()
    (finding,) = wrong(settings)
    assert (finding.what, "6 blocks behind" in finding.detail) == ("index", True)


def test_the_books_are_not_those_of_the_chain(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        row = {"account": ZERO_ADDRESS, "block_number": head(connection).number, "amount": -5 * ONE_POINT}
        connection.execute(tables.balances.insert().values(row))
    (finding,) = wrong(settings)
    assert (finding.what, "supply 5.000000 in the store, 0.000000 on chain" in finding.detail) == ("books", True)
    assert "`chainpoints rebuild`" in finding.detail


def test_a_process_that_is_silent_and_one_that_never_ran(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        connection.execute(tables.processes.delete())
        seen(connection, "index", seconds_ago=300, pid=7)
        seen(connection, "serve")
        seen(connection, "deliver")
    (finding,) = wrong(settings)
    assert finding.what == "processes"
    assert "`chainpoints index` on till (pid 7) was last seen 30" in finding.detail
    assert "`chainpoints relay` does not run" in finding.detail


def test_one_that_ended_badly_is_no_trouble_while_another_runs(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        seen(connection, "index", seconds_ago=300, pid=7)
    assert wrong(settings) == []


def test_nothing_or_something_else_listens_where_the_gateway_should(settings: Settings) -> None:
    (finding,) = wrong(replace(settings, port=free_port()))
    assert (finding.what, "nothing answers" in finding.detail) == ("gateway", True)
    (finding,) = wrong(replace(settings, port=int(settings.rpc_url.reveal().rsplit(":", 1)[1])))
    assert (finding.what, "is no gateway of ours" in finding.detail) == ("gateway", True)


def test_the_disk_is_full(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainpoints.doctor._LEAST_FREE_BYTES", 1 << 60)
    (finding,) = wrong(settings)
    assert (finding.what, "make room" in finding.detail) == ("disk", True)


def test_the_endpoint_serves_another_chain(settings: Settings) -> None:
    (first, *_) = wrong(replace(settings, chain=CHAINS["hoodi"]))
    assert first.what == "chain"
    assert "CHAINPOINTS_RPC_URL" in first.detail


def test_no_part_hides_another(settings: Settings) -> None:
    """Nothing listens on port 9: what needs no chain is still told, and what needs it is not told to be wrong."""
    findings = {finding.what: finding for finding in examine(replace(settings, rpc_url=Secret("http://127.0.0.1:9")))}
    assert [what for what, finding in findings.items() if not finding.ok] == ["chain"]
    well = ["database", "index", "relay", "disk", "processes", "gateway"]
    assert [what for what, finding in findings.items() if finding.ok] == well
    assert "CHAINPOINTS_RPC_URL" in findings["chain"].detail


def test_while_nothing_runs_that_is_told_once_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINPOINTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CHAINPOINTS_DEPLOYMENTS", str(tmp_path))
    monkeypatch.setenv("CHAINPOINTS_CHAIN_PORT", str(free_port()))
    result = CliRunner().invoke(command, ["doctor"])
    assert (result.exit_code, result.stderr) == (1, "")
    (line,) = result.stdout.splitlines()
    assert line.startswith("wrong chain: the local chain is not running")
    assert "`make run`" in line
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_nothing_made_is_told_and_not_made(settings: Settings, tmp_path: Path) -> None:
    (finding,) = wrong(replace(settings, database=Secret(f"sqlite:///{tmp_path}/none/none.db")))
    assert (finding.what, "there is none yet" in finding.detail) == ("database", True)
    assert not (tmp_path / "none").exists()


def test_a_file_that_is_no_database(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Read me\n" * 100)
    (finding,) = wrong(replace(settings, database=Secret(f"sqlite:///{tmp_path}/README.md")))
    assert (finding.what, "README.md is not a SQLite database" in finding.detail) == ("database", True)
