"""`chainpoints deploy --json` as it is typed, on a real chain: what it prints the first time, and the second."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from builders import Anvil, settings_for
from chainpoints.chain.chain_state import ChainState
from chainpoints.chain.manifest import load_manifest
from chainpoints.cli import app

pytestmark = pytest.mark.integration


@pytest.fixture
def manifest_file(anvil: Anvil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the manifest will stand, with the environment of somebody who deploys on `anvil`."""
    settings = settings_for(tmp_path, anvil)
    monkeypatch.setenv("CHAINPOINTS_HOME", str(settings.home))
    monkeypatch.setenv("CHAINPOINTS_DEPLOYMENTS", str(settings.deployments))
    monkeypatch.setenv("CHAINPOINTS_RPC_URL", anvil.url)
    return settings.manifest


def deploy() -> Result:
    return CliRunner().invoke(app, ["deploy", "--json"])


def test_the_first_call_deploys_and_the_second_recognises_it(anvil: Anvil, manifest_file: Path) -> None:
    first = deploy()
    assert first.exit_code == 0, first.output
    told = json.loads(first.stdout)
    assert (told["chain"], told["manifest"]) == ("eip155:31337", str(manifest_file))
    manifest, chain = load_manifest(manifest_file), ChainState(anvil.rpc)
    assert told["contracts"] == {name: contract.address for name, contract in manifest.contracts.items()}
    assert told["contracts"].keys() >= {"PointsToken", "PaymentProcessor", "ReleaseNode", "Programs"}
    for name, contract in manifest.contracts.items():
        assert chain.code_hash(contract.address) == contract.code_hash, name
    head, written = anvil.head(), manifest_file.read_bytes()
    second = deploy()
    assert second.exit_code == 0, second.output
    assert second.stdout == first.stdout
    assert (anvil.head(), manifest_file.read_bytes()) == (head, written)
    steps = [line for line in first.stderr.splitlines() if line.startswith("[")]
    assert len(steps) == int(steps[-1].partition("/")[2].partition("]")[0])
    assert second.stderr == f"Already deployed, as {manifest_file} says; nothing was sent\n"


def test_a_chain_that_is_not_there_is_told_as_json(anvil: Anvil, manifest_file: Path) -> None:
    anvil.process.kill()
    anvil.process.wait()
    result = deploy()
    assert result.exit_code == 1
    error = json.loads(result.stdout)
    assert (error["error"], error["retryable"]) == ("RpcError", True)
    assert "CHAINPOINTS_RPC_URL" in error["message"]
    assert not manifest_file.exists()
