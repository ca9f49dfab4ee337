"""`chainpoints rebuild` on one machine: it starts the local chain where none runs, and leaves one that does alone."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from builders import ROOT, Deployment, free_port, silent
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.deployment import deploy_local
from chainpoints.chain.local import LocalChain, port_is_taken
from chainpoints.cli import app
from chainpoints.config import load_settings
from chainpoints.store import tables
from chainpoints.store.session import Store
from chainpoints.types import ZERO_ADDRESS

pytestmark = pytest.mark.integration


def rebuild(folder: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, Any]]:
    for name, value in environment(folder, port).items():
        monkeypatch.setenv(name, value)
    on_sigterm = signal.getsignal(signal.SIGTERM)  # which the command takes over
    result = CliRunner().invoke(app, ["rebuild", "--json"])
    signal.signal(signal.SIGTERM, on_sigterm)
    return result.exit_code, json.loads(result.stdout)


def environment(folder: Path, port: int) -> dict[str, str]:
    return {
        "CHAINPOINTS_HOME": str(folder / "home"),
        "CHAINPOINTS_DEPLOYMENTS": str(folder / "deployments"),
        "CHAINPOINTS_CHAIN_PORT": str(port),
    }


def test_the_local_chain_is_started_for_as_long_as_it_is_needed(
    tmp_path: Path, artifacts: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: a deployment on a local chain that was stopped
    port = free_port()
    settings = load_settings(environment(tmp_path, port))
    chain = LocalChain(ROOT, settings.home / "chain", settings.chain, port)
    chain.start()
    try:
        deploy_local(settings, artifacts, progress=silent)
    finally:
        chain.stop()

    code, first = rebuild(tmp_path, port, monkeypatch)
    assert (code, port_is_taken(port)) == (0, False)
    code, again = rebuild(tmp_path, port, monkeypatch)
    assert (code, port_is_taken(port)) == (0, False)
    assert (again["equal"], again["note"]) == (True, None)
    assert again["block_before"] == again["block_after"] == first["block_after"]
    assert (first["equal"], first["block_before"]) == (False, None)
    assert again["digest_before"] == first["digest_after"] != first["digest_before"]


def test_the_digest_is_that_of_a_rebuild(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = deployment.settings.home.parent
    deployment.anvil.mine(3)
    _, first = rebuild(folder, deployment.anvil.port, monkeypatch)
    told = json.loads(CliRunner().invoke(app, ["digest", "--json", "--tables"]).stdout)
    assert told["digest"] == first["digest_after"]
    assert told["block"] == deployment.anvil.head()
    assert told["block_hash"] == deployment.rpc.call("eth_getBlockByNumber", "latest", False)["hash"]
    assert {"blocks", "transfers", "balances", "payments"} <= told["tables"].keys()
    _, again = rebuild(folder, deployment.anvil.port, monkeypatch)
    assert again["equal"]
    assert json.loads(CliRunner().invoke(app, ["digest", "--json"]).stdout)["digest"] == told["digest"]


def test_a_chain_that_runs_is_left_alone(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = deployment.settings.home.parent
    code, _ = rebuild(folder, deployment.anvil.port, monkeypatch)
    assert code == 0
    assert deployment.anvil.head() > 0


def test_a_chain_that_went_on_gives_other_rows_and_that_is_no_error(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, head = deployment.settings.home.parent, deployment.anvil.head()
    rebuild(folder, deployment.anvil.port, monkeypatch)
    deployment.anvil.mine(2)
    code, told = rebuild(folder, deployment.anvil.port, monkeypatch)
    assert (code, told["equal"], told["block_before"], told["block_after"]) == (0, False, head, head + 2)
    assert "a later block" in told["note"]


def test_other_rows_at_the_same_block_are_an_error(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = deployment.settings.home.parent
    rebuild(folder, deployment.anvil.port, monkeypatch)
    store = Store(deployment.settings.database)
    with store.write() as connection:
        row = {"account": ZERO_ADDRESS, "block_number": deployment.anvil.head(), "amount": 5}
        connection.execute(tables.balances.insert().values(row))
    store.close()
    code, told = rebuild(folder, deployment.anvil.port, monkeypatch)
    assert (code, told["equal"], told["block_before"]) == (1, False, told["block_after"])
    assert "the same block gave other rows" in told["note"]
    assert rebuild(folder, deployment.anvil.port, monkeypatch)[0] == 0


def test_while_another_process_indexes_nothing_is_deleted(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = deployment.settings.home.parent
    _, before = rebuild(folder, deployment.anvil.port, monkeypatch)
    store = Store(deployment.settings.database)
    with store.leader("index"):
        code, error = rebuild(folder, deployment.anvil.port, monkeypatch)
    store.close()
    assert (code, error["error"]) == (1, "Conflict")
    assert "end it first" in error["message"]
    _, after = rebuild(folder, deployment.anvil.port, monkeypatch)
    assert after["digest_before"] == before["digest_after"]
