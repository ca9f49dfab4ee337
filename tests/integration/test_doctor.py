"""doctor: each part that is not well is a finding that says what to do, on both kinds of database."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from builders import Deployment, free_port, signer
from chainpoints.cli import app
from chainpoints.config import CHAINS, Secret, Settings
from chainpoints.doctor import Finding, examine
from chainpoints.indexer.service import rebuild
from chainpoints.store import tables
from chainpoints.store.relay_transactions import set_trouble
from chainpoints.store.session import Store
from chainpoints.store.status import head
from chainpoints.types import ONE_POINT, ZERO_ADDRESS

pytestmark = pytest.mark.integration

RELAYER, ISSUER = signer("relayer").address, signer("issuer").address
NO_ETHER = f"the issuer account {ISSUER} has 0.00000000 ETH; send it ETH, the requests wait until then"


@pytest.fixture
def settings(module_deployment: Deployment, store: Store, database: Secret) -> Settings:
    """Of an installation that has read the whole chain, and whose relayer ran with two lanes."""
    settings = replace(module_deployment.settings, database=database)
    rebuild(settings, module_deployment.manifest, store, lambda *_: None)
    with store.write() as connection:
        set_trouble(connection, "relayer", RELAYER, None)
        set_trouble(connection, "issuer", ISSUER, None)
    return settings


def wrong(settings: Settings) -> list[Finding]:
    return [finding for finding in examine(settings) if not finding.ok]


def test_when_all_is_well_each_part_says_so(settings: Settings) -> None:
    findings = examine(settings)
    assert [finding.what for finding in findings] == ["chain", "deployment", "database", "index", "books", "relay"]
    assert all(finding.ok for finding in findings), findings
    assert f"issuer {ISSUER}, relayer {RELAYER}" in findings[-1].detail


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
    result = CliRunner().invoke(app, ["doctor", "--json"])
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


def test_the_endpoint_serves_another_chain(settings: Settings) -> None:
    (first, *_) = wrong(replace(settings, chain=CHAINS["hoodi"]))
    assert first.what == "chain"
    assert "CHAINPOINTS_RPC_URL" in first.detail


def test_no_part_hides_another(settings: Settings) -> None:
    """Nothing listens on port 9: what needs no chain is still told, and what needs it is not told to be wrong."""
    findings = {finding.what: finding for finding in examine(replace(settings, rpc_url=Secret("http://127.0.0.1:9")))}
    assert [what for what, finding in findings.items() if not finding.ok] == ["chain"]
    assert [what for what, finding in findings.items() if finding.ok] == ["database", "index", "relay"]
    assert "CHAINPOINTS_RPC_URL" in findings["chain"].detail


def test_while_nothing_runs_that_is_told_once_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINPOINTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CHAINPOINTS_DEPLOYMENTS", str(tmp_path))
    monkeypatch.setenv("CHAINPOINTS_CHAIN_PORT", str(free_port()))
    result = CliRunner().invoke(app, ["doctor"])
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
