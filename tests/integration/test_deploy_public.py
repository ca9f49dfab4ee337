"""Deployments to public chains, rehearsed on anvil with such a chain's id; and Brownie's executor of the same plan."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import ROOT, Anvil, deploy_on, private_key, public_settings, settings_for, signer, silent, start_anvil
from chainpoints.chain.beginning import pending_file
from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.deployment import deploy_to
from chainpoints.chain.manifest import load_manifest
from chainpoints.chain.parameters import GRANTED, PUBLIC_EPOCH
from chainpoints.chain.signer import ROLES
from chainpoints.config import CHAINS, Settings

pytestmark = pytest.mark.integration

AUGUST_2026 = 1_785_542_400
DAY = 86_400


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture(params=["hoodi", "base-sepolia"])
def public(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Anvil, Settings]]:
    """A chain that has the id of a public one, and the settings of an operator of that chain."""
    chain = start_anvil(chain_id=CHAINS[request.param].chain_id, timestamp=AUGUST_2026)
    settings = public_settings(tmp_path, chain, request.param)
    chain.give_ether(signer("deployer").address, 10**18)
    yield chain, settings
    chain.stop()


def test_a_public_chain_is_configuration_only(public: tuple[Anvil, Settings], artifacts: dict[str, Artifact]) -> None:
    anvil, settings = public
    lines: list[str] = []
    manifest = deploy_to(settings, artifacts, lines.append)
    assert settings.manifest.name == f"{settings.chain.chain_id}.json"
    assert manifest == load_manifest(settings.manifest)
    assert manifest.deployer == signer("deployer").address
    assert {role: list(manifest.roles[role].members) for role in GRANTED} == {r: [signer(r).address] for r in GRANTED}
    assert manifest.roles["admin"].members == {signer("admin").address: 2 * DAY}
    assert manifest.roles["program_manager"].members == {signer("program_manager").address: DAY}
    calls = Calls(manifest, artifacts)
    to, data = calls.encode("Programs", "currentPeriod", [1])
    week = int(anvil.rpc.call("eth_call", {"to": to, "data": data}, "latest"), 16)
    assert week == (anvil.now() - PUBLIC_EPOCH) // (7 * DAY)
    head = anvil.head()
    assert deploy_to(settings, artifacts, silent) == manifest
    assert anvil.head() == head
    assert_no_key_is_told("\n".join(lines), settings)


def assert_no_key_is_told(output: str, settings: Settings) -> None:
    """Neither in what was printed nor in what was written: no key of a role, the deployer's too, and no password."""
    assert settings.keys_password_file
    written = [file for folder in (settings.deployments, settings.home) for file in folder.rglob("*") if file.is_file()]
    assert settings.manifest in written
    told = (output + "".join(file.read_text() for file in written)).lower()
    secrets = {role: private_key(role).hex() for role in ROLES}
    assert secrets.keys() >= {"deployer", *GRANTED}
    secrets["the keystores' password"] = settings.keys_password_file.read_text().strip()
    assert [name for name, secret in secrets.items() if secret in told] == []


def test_T17_the_admin_of_a_public_chain_waits_two_days(
    public: tuple[Anvil, Settings], artifacts: dict[str, Artifact]
) -> None:
    anvil, settings = public
    manifest = deploy_to(settings, artifacts, silent)
    calls, admin = Calls(manifest, artifacts), signer("admin").address
    _, grant = calls.encode("AccessManager", "grantRole", [1, signer("thief").address, 0])
    manager = manifest.address("AccessManager")
    at_once = {"from": admin, "to": manager, "data": grant}
    with pytest.raises(Exception, match="revert"):
        anvil.rpc.call("eth_call", at_once, "latest")
    _, schedule = calls.encode("AccessManager", "schedule", [manager, bytes.fromhex(grant[2:]), 0])
    anvil.give_ether(admin)
    anvil.rpc.call("anvil_impersonateAccount", admin)
    anvil.send("eth_sendTransaction", {"from": admin, "to": manager, "data": schedule})
    scheduled_at = anvil.now()
    anvil.move_to(scheduled_at + 2 * DAY - 1)
    with pytest.raises(Exception, match="revert"):
        anvil.rpc.call("eth_call", at_once, "latest")
    anvil.move_to(scheduled_at + 2 * DAY)
    anvil.rpc.call("eth_call", at_once, "latest")


def brownie(folder: Path, anvil: Anvil, settings: Settings, **environment: str) -> subprocess.CompletedProcess[str]:
    """`brownie run deploy` on the chain, as someone whose Brownie knows it by the name of `rehearsal`."""
    program = str(ROOT / ".venv" / "bin" / "brownie")
    home = folder / "brownie-home"
    home.mkdir()
    own = {"HOME": str(home), "CHAINPOINTS_DEPLOYMENTS": str(settings.deployments)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")}
    network = ["networks", "add", "Rehearsal", "rehearsal", f"host={anvil.url}", f"chainid={settings.chain.chain_id}"]
    subprocess.run([program, *network], env=kept | own, cwd=folder, check=True, capture_output=True)
    run = [program, "run", "deploy", "--network", "rehearsal"]
    return subprocess.run(run, env=kept | own | environment, cwd=ROOT, check=False, capture_output=True, text=True)


def test_brownie_makes_the_same_deployment_with_keystores(tmp_path: Path, artifacts: dict[str, Artifact]) -> None:
    chains = [start_anvil(chain_id=560048, timestamp=AUGUST_2026) for _ in range(2)]
    try:
        folders = [tmp_path / name for name in ("web3", "brownie")]
        for folder, chain in zip(folders, chains, strict=True):
            folder.mkdir()
            chain.give_ether(signer("deployer").address, 10**18)
        ours, theirs = (public_settings(f, c, "hoodi") for f, c in zip(folders, chains, strict=True))
        deploy_to(ours, artifacts, silent)
        keys = {"CHAINPOINTS_KEYS": str(theirs.keys), "CHAINPOINTS_KEYS_PASSWORD_FILE": str(theirs.keys_password_file)}
        done = brownie(folders[1], chains[1], theirs, **keys)
        assert done.returncode == 0, done.stdout + done.stderr
        assert theirs.manifest.exists(), done.stdout + done.stderr
        assert theirs.manifest.read_bytes() == ours.manifest.read_bytes()
        assert_no_key_is_told(done.stdout + done.stderr, theirs)
    finally:
        for chain in chains:
            chain.stop()


def test_brownie_goes_on_with_what_web3_began(anvil: Anvil, tmp_path: Path, artifacts: dict[str, Artifact]) -> None:
    settings = settings_for(tmp_path, anvil)

    def die(line: str) -> None:
        if line.startswith("[5/"):
            raise Killed

    with pytest.raises(Killed):
        deploy_to(settings, artifacts, die)
    assert pending_file(settings.manifest).exists()
    done = brownie(tmp_path, anvil, settings)
    assert "Going on with the deployment that was interrupted" in done.stdout, done.stdout + done.stderr
    undisturbed = start_anvil()
    try:
        assert load_manifest(settings.manifest) == deploy_on(undisturbed, tmp_path / "undisturbed", artifacts).manifest
    finally:
        undisturbed.stop()
