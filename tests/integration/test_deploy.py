"""`chainpoints deploy`: one plan, carried out once however often it is asked for, and whatever interrupts it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import solcx
from eth_utils.crypto import keccak

from builders import ANVIL_KEY, Anvil, Deployment, deploy_on, settings_for, signer, silent, start_anvil
from chainpoints.chain import deployment as deployment_module
from chainpoints.chain.beginning import pending_file
from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import Artifact, load_artifacts, solc_executable
from chainpoints.chain.deployment import deploy, deploy_to
from chainpoints.chain.local import GENESIS_TIMESTAMP
from chainpoints.chain.manifest import load_manifest, sources_file
from chainpoints.chain.parameters import first_programs, local_parameters
from chainpoints.chain.plan import deployment_plan
from chainpoints.chain.signer import Signer, load_signer
from chainpoints.config import Settings
from chainpoints.errors import CompilerError, ConfigError, DeploymentError
from chainpoints.types import ONE_POINT, Address

pytestmark = pytest.mark.integration

STEPS = 10


class Killed(BaseException):
    """Stands for the end of the process."""


def die_at(step: int) -> Callable[[str], None]:
    """Progress that ends the run when it is told that step `step` begins."""

    def progress(line: str) -> None:
        if line.startswith(f"[{step}/{STEPS}]"):
            raise Killed

    return progress


def transactions_of(anvil: Anvil, account: str) -> int:
    return int(anvil.rpc.call("eth_getTransactionCount", account, "latest"), 16)


def reader(deployed: Deployment) -> Callable[..., tuple]:
    calls = Calls(deployed.manifest, deployed.artifacts)

    def read(contract: str, function: str, *arguments: object) -> tuple:
        to, data = calls.encode(contract, function, arguments)
        return calls.decode(contract, function, deployed.rpc.call("eth_call", {"to": to, "data": data}, "latest"))

    return read


def test_the_manifest_says_what_is_on_chain(deployment: Deployment) -> None:
    manifest = load_manifest(deployment.settings.manifest)
    assert manifest == deployment.manifest
    assert (manifest.chain_id, manifest.first_block, manifest.programs) == (31337, 1, [1, 2])
    assert len(manifest.contracts) == 7
    for contract in manifest.contracts.values():
        code = bytes.fromhex(deployment.rpc.call("eth_getCode", contract.address, "latest")[2:])
        assert contract.code_hash == "0x" + keccak(code).hex()
        before = deployment.rpc.call("eth_getCode", contract.address, hex(contract.block - 1))
        assert before == "0x" != deployment.rpc.call("eth_getCode", contract.address, hex(contract.block))
    text = deployment.settings.manifest.read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"


def test_from_the_sources_beside_the_manifest_anybody_compiles_the_code_on_chain(deployment: Deployment) -> None:
    """To the last byte: the hash of the metadata at its end is of the sources and the settings."""
    written = json.loads(sources_file(deployment.settings.manifest).read_bytes())
    name = "AnchorRegistry"  # the one without immutables, whose places the chain has filled in
    written["settings"]["outputSelection"] = {f"contracts/{name}.sol": {name: ["evm.deployedBytecode.object"]}}
    output = solcx.compile_standard(written, solc_binary=solc_executable())
    code = output["contracts"][f"contracts/{name}.sol"][name]["evm"]["deployedBytecode"]["object"]
    assert deployment.rpc.call("eth_getCode", deployment.manifest.address(name), "latest") == f"0x{code}"


def test_sources_that_are_lost_are_written_again(deployment: Deployment) -> None:
    file = sources_file(deployment.settings.manifest)
    before = file.read_bytes()
    file.unlink()
    deploy_to(deployment.settings, deployment.artifacts, silent)
    assert file.read_bytes() == before


def test_contracts_that_changed_since_they_were_compiled_are_not_deployed(anvil: Anvil, tmp_path: Path) -> None:
    stale = {name: msgspec.structs.replace(each, input_sha256="0" * 64) for name, each in load_artifacts().items()}
    settings = settings_for(tmp_path, anvil)
    with pytest.raises(CompilerError, match="has changed since"):
        deploy_to(settings, stale, silent)
    assert not settings.manifest.exists()


def test_the_contracts_know_each_other_by_the_foretold_addresses(deployment: Deployment) -> None:
    read, address = reader(deployment), deployment.manifest.address
    wiring = {
        "PointsToken": {"PROCESSOR": "PaymentProcessor", "NODES": "ReleaseNode"},
        "Programs": {"TOKEN": "PointsToken", "BOOKS": "ReleaseNode"},
        "ReleaseNode": {
            "TOKEN": "PointsToken",
            "PROGRAMS": "Programs",
            "PROCESSOR": "PaymentProcessor",
            "RENDERER": "NodeRenderer",
        },
        "PaymentProcessor": {"TOKEN": "PointsToken", "RELEASE_NODE": "ReleaseNode"},
    }
    for contract, others in wiring.items():
        for getter, other in others.items():
            assert read(contract, getter) == (address(other),), f"{contract}.{getter}"
    for contract in ("PointsToken", "Programs", "PaymentProcessor", "AnchorRegistry"):
        assert read(contract, "authority") == (address("AccessManager"),)


def test_T17_the_roles_on_chain_are_those_of_the_manifest_and_the_deployer_has_none(deployment: Deployment) -> None:
    read, manifest = reader(deployment), deployment.manifest
    for role in manifest.roles.values():
        for contract, signatures in role.functions.items():
            for signature in signatures:
                target = (manifest.address(contract), keccak(text=signature)[:4])
                assert read("AccessManager", "getTargetFunctionRole", *target) == (role.id,), signature
        for account, delay in role.members.items():
            assert read("AccessManager", "hasRole", role.id, account) == (True, delay)
        assert read("AccessManager", "hasRole", role.id, manifest.deployer) == (False, 0)


def test_T17_who_ever_got_a_role_is_in_the_manifest(deployment: Deployment) -> None:
    granted, revoked = (
        "0x" + keccak(text=event).hex()
        for event in ("RoleGranted(uint64,address,uint32,uint48,bool)", "RoleRevoked(uint64,address)")
    )
    manifest = deployment.manifest
    where = {"address": manifest.address("AccessManager"), "fromBlock": "0x0", "topics": [[granted, revoked]]}
    held: set[tuple[int, str]] = set()
    for log in deployment.rpc.call("eth_getLogs", where):
        member = (int(log["topics"][1], 16), "0x" + log["topics"][2][-40:])
        held = held | {member} if log["topics"][0] == granted else held - {member}
    assert held == {(role.id, account) for role in manifest.roles.values() for account in role.members}


def test_a_second_call_sends_nothing(deployment: Deployment) -> None:
    head, written, lines = deployment.anvil.head(), deployment.settings.manifest.read_bytes(), []
    again = deploy_to(deployment.settings, deployment.artifacts, lines.append)
    assert again == deployment.manifest
    assert deployment.anvil.head() == head
    assert deployment.settings.manifest.read_bytes() == written
    assert lines == [f"Already deployed, as {deployment.settings.manifest} says; nothing was sent"]


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_an_interrupted_deployment_goes_on_where_it_stopped(
    anvil: Anvil, tmp_path: Path, module_deployment: Deployment, step: int
) -> None:
    settings, artifacts = settings_for(tmp_path, anvil), module_deployment.artifacts
    with pytest.raises(Killed):
        deploy_to(settings, artifacts, die_at(step))
    assert not settings.manifest.exists()
    lines: list[str] = []
    manifest = deploy_to(settings, artifacts, lines.append)
    assert transactions_of(anvil, manifest.deployer) == STEPS
    assert sum(line.endswith("there already") for line in lines) == step - 1
    assert not pending_file(settings.manifest).exists()
    assert manifest == module_deployment.manifest, "as if nothing had happened"


@pytest.mark.parametrize("mined_before", [0, 3, 8])
def test_a_run_that_died_between_sending_and_mining_is_not_repeated(
    anvil: Anvil,
    tmp_path: Path,
    artifacts: dict[str, Artifact],
    monkeypatch: pytest.MonkeyPatch,
    mined_before: int,
) -> None:
    settings = settings_for(tmp_path, anvil)

    def stop_mining(line: str) -> None:
        if line.startswith(f"[{mined_before + 1}/"):
            anvil.rpc.call("evm_setAutomine", False)

    monkeypatch.setattr(deployment_module, "RECEIPT_SECONDS", 0.2)
    with pytest.raises(DeploymentError, match="was sent and is not mined after"):
        deploy_to(settings, artifacts, stop_mining)
    anvil.rpc.call("evm_setAutomine", True)
    anvil.mine()
    manifest = deploy_to(settings, artifacts, silent)
    assert transactions_of(anvil, manifest.deployer) == STEPS
    for contract in manifest.contracts.values():
        receipts = anvil.rpc.call("eth_getBlockReceipts", hex(contract.block))
        assert [receipt["contractAddress"] for receipt in receipts] == [contract.address]


def test_a_manifest_of_another_chain_is_replaced(tmp_path: Path, artifacts: dict[str, Artifact]) -> None:
    first, second, lines = start_anvil(), start_anvil(), []
    try:
        before = deploy_on(first, tmp_path, artifacts)
        settings = replace(before.settings, rpc_url=settings_for(tmp_path, second).rpc_url)
        assert deploy_to(settings, artifacts, lines.append) == before.manifest
        assert lines[0] == "31337.json is of another chain: nothing of it is here; deploying anew"
        assert transactions_of(second, before.manifest.deployer) == STEPS
    finally:
        first.stop()
        second.stop()


@pytest.mark.parametrize("lost", [1, 2, 5, 9])
def test_what_a_reorg_took_is_deployed_again_at_the_same_addresses(deployment: Deployment, lost: int) -> None:
    deployment.anvil.reorg(lost)
    lines: list[str] = []
    again = deploy_to(deployment.settings, deployment.artifacts, lines.append)
    assert lines[0] == "This chain has lost the end of the deployment; carrying it out again"
    assert {n: c.address for n, c in again.contracts.items()} == {
        n: c.address for n, c in deployment.manifest.contracts.items()
    }
    assert reader(replace(deployment, manifest=again))("Programs", "programCount") == (2,)


def local_plan(settings: Settings):
    return deployment_plan(local_parameters(GENESIS_TIMESTAMP)), load_signer(settings, "deployer")


def interrupted(anvil: Anvil, folder: Path, artifacts: dict[str, Artifact], step: int) -> Settings:
    settings = settings_for(folder, anvil)
    with pytest.raises(Killed):
        deploy_to(settings, artifacts, die_at(step))
    return settings


def test_refuses_a_chain_that_the_plan_is_not_for(tmp_path: Path, artifacts: dict[str, Artifact]) -> None:
    other = start_anvil(chain_id=84532)
    try:
        settings = settings_for(tmp_path, other)
        plan, deployer = local_plan(settings)
        with pytest.raises(DeploymentError, match="is for chain 31337 and the RPC endpoint serves chain 84532"):
            deploy(settings, deployer, plan, settings.manifest, artifacts, silent)
        assert other.head() == 0
    finally:
        other.stop()


def test_refuses_to_go_on_with_another_plan(anvil: Anvil, tmp_path: Path, artifacts: dict[str, Artifact]) -> None:
    settings = interrupted(anvil, tmp_path, artifacts, 4)
    plan = deployment_plan(local_parameters(GENESIS_TIMESTAMP + 86_400))
    with pytest.raises(DeploymentError, match="other accounts, delays or programs: nothing was sent; finish it"):
        deploy(settings, load_signer(settings, "deployer"), plan, settings.manifest, artifacts, silent)


def test_refuses_to_go_on_with_another_key(anvil: Anvil, tmp_path: Path, artifacts: dict[str, Artifact]) -> None:
    settings = interrupted(anvil, tmp_path, artifacts, 4)
    plan, _ = local_plan(settings)
    with pytest.raises(DeploymentError, match="use that key, or delete the file"):
        deploy(settings, Signer(ANVIL_KEY), plan, settings.manifest, artifacts, silent)


def test_refuses_when_the_deployer_sent_something_else(
    anvil: Anvil, tmp_path: Path, artifacts: dict[str, Artifact]
) -> None:
    settings = interrupted(anvil, tmp_path, artifacts, 4)
    deployer = load_signer(settings, "deployer")
    fields = {"chainId": 31337, "nonce": 3, "to": deployer.address, "value": 0, "data": "0x", "gas": 21_000}
    raw, _ = deployer.sign_transaction(fields | {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1})
    anvil.send("eth_sendRawTransaction", raw)
    with pytest.raises(DeploymentError, match="NodeRenderer must be created with nonce 3 .* which is at 4"):
        deploy_to(settings, artifacts, silent)
    pending_file(settings.manifest).unlink()
    assert deploy_to(settings, artifacts, silent).first_nonce == 4, "what the error advises helps"


def test_refuses_a_manifest_that_was_changed(deployment: Deployment) -> None:
    path = deployment.settings.manifest
    hashes = [contract.code_hash for contract in deployment.manifest.contracts.values()]
    path.write_text(path.read_text().replace(hashes[0], "0x" + "00" * 32))
    with pytest.raises(DeploymentError, match="the manifest is not of this chain; move it away"):
        deploy_to(deployment.settings, deployment.artifacts, silent)
    path.write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        deploy_to(deployment.settings, deployment.artifacts, silent)


def test_T20_refuses_code_that_is_not_compiled_here(deployment: Deployment) -> None:
    artifacts, registry = deployment.artifacts, deployment.artifacts["AnchorRegistry"]
    changed = bytearray.fromhex(registry.deployed_bytecode)
    changed[len(changed) // 2] ^= 1
    other = artifacts | {"AnchorRegistry": msgspec.structs.replace(registry, deployed_bytecode=changed.hex())}
    with pytest.raises(DeploymentError, match="is not the AnchorRegistry compiled here"):
        deploy_to(deployment.settings, other, silent)


def test_refuses_other_programs_than_those_that_are_open(deployment: Deployment) -> None:
    plan = deployment_plan(local_parameters(GENESIS_TIMESTAMP + 86_400))
    deployer, path = load_signer(deployment.settings, "deployer"), deployment.settings.manifest
    with pytest.raises(DeploymentError, match=r"program 1 \(FEC\) is open with another epoch than planned"):
        deploy(deployment.settings, deployer, plan, path, deployment.artifacts, silent)


def test_refuses_a_deployer_that_would_keep_a_role(
    anvil: Anvil, tmp_path: Path, artifacts: dict[str, Artifact]
) -> None:
    settings = settings_for(tmp_path, anvil)
    plan, _ = local_plan(settings)
    with pytest.raises(DeploymentError, match="is also the guardian, but keeps no role; use two keys"):
        deploy(settings, load_signer(settings, "guardian"), plan, settings.manifest, artifacts, silent)


def test_refuses_without_ETH_and_goes_on_with_it(anvil: Anvil, tmp_path: Path, artifacts: dict[str, Artifact]) -> None:
    settings, deployer = settings_for(tmp_path, anvil), signer("poor")
    plan, _ = local_plan(settings)
    anvil.give_ether(deployer.address, 10**16)
    with pytest.raises(DeploymentError, match="Send ETH of this chain to the account"):
        deploy(settings, deployer, plan, settings.manifest, artifacts, silent)
    assert 0 < transactions_of(anvil, deployer.address) < STEPS
    anvil.give_ether(deployer.address)
    deploy(settings, deployer, plan, settings.manifest, artifacts, silent)
    assert transactions_of(anvil, deployer.address) == STEPS


def test_waits_for_a_calmer_hour_when_gas_is_dear(anvil: Anvil, tmp_path: Path, artifacts: dict[str, Artifact]) -> None:
    settings = settings_for(tmp_path, anvil)
    anvil.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(200 * 10**9))
    anvil.mine()
    with pytest.raises(DeploymentError, match="more than the cap of 100000000000"):
        deploy_to(settings, artifacts, silent)
    assert anvil.head() == 1


@pytest.mark.parametrize("total", [1, 7, 10_000 * ONE_POINT, 3_333_333_333, 2**63 - 25, 2**64 - 1])
def test_T22_the_chain_releases_what_the_twin_does_at_every_period(module_deployment: Deployment, total: int) -> None:
    deployed = module_deployment
    calls = Calls(deployed.manifest, deployed.artifacts)
    for number, program in enumerate(first_programs(GENESIS_TIMESTAMP), start=1):
        periods = range(program.schedule.periods + 1)
        asked = [calls.encode("Programs", "released", [number, total, k]) for k in periods]
        answers = deployed.rpc.batch([("eth_call", ({"to": to, "data": data}, "latest")) for to, data in asked])
        assert [int(bytes(answer)[1:-1], 16) for answer in answers] == program.schedule.amounts(total), program.name


def test_the_chain_releases_the_published_amounts(module_deployment: Deployment) -> None:
    read = reader(module_deployment)
    published = {1: 3_831_380, 2: 7_854_330, 10: 48_190_694, 50: 802_091_869, 86: 5_012_754_068, 100: 10_000_000_000}
    for k, amount in published.items():
        assert read("Programs", "released", 1, 10_000 * ONE_POINT, k) == (amount,)


def test_an_account_without_a_role_opens_no_program(module_deployment: Deployment) -> None:
    deployed, stranger = module_deployment, Address("0x" + "12" * 20)
    calls = Calls(deployed.manifest, deployed.artifacts)
    program = first_programs(GENESIS_TIMESTAMP)[0]
    arguments = [tuple(program.terms().values()), program.name, program.schedule.table_bytes()]
    to, data = calls.encode("Programs", "open", arguments)
    refused = "AccessManagedUnauthorized"
    for account in (stranger, deployed.manifest.deployer):
        with pytest.raises(Exception, match="revert") as caught:
            deployed.rpc.call("eth_call", {"from": account, "to": to, "data": data}, "latest")
        assert caught.value.data.startswith("0x" + keccak(text=f"{refused}(address)")[:4].hex())
    manager = next(iter(deployed.manifest.roles["program_manager"].members))
    assert int(deployed.rpc.call("eth_call", {"from": manager, "to": to, "data": data}, "latest"), 16) == 3
