"""The contracts on Brownie's chain, deployed by the plan and Brownie's executor as `brownie run deploy` does it.

The chain's time moves one second a block, or as it is told. Each test begins with a fresh deployment: nobody has
points, and merchant 1 is registered and has quota.
"""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from brownie_system import (
    ISSUED_PER_DAY,
    MERCHANT,
    MERCHANT_NAME,
    PAID_PER_DAY,
    PEOPLE,
    QUOTA,
    System,
    address,
)
from builders import ROOT, private_key, silent
from chainpoints.chain.calls import Calls
from chainpoints.chain.carry_out import carry_out
from chainpoints.chain.compiler import load_artifacts
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.parameters import GRANTED, Parameters, first_programs
from chainpoints.chain.plan import deployment_plan
from chainpoints.chain.rpc import Rpc
from chainpoints.config import Secret
from chainpoints.types import DAY_SECONDS, ONE_POINT
from twin import Contracts, Twin


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if ROOT / "tests" / "contracts" in item.path.parents:
            item.add_marker(pytest.mark.integration)


def _deploy_script() -> ModuleType:
    specification = importlib.util.spec_from_file_location("deploy_script", ROOT / "scripts" / "deploy.py")
    assert specification
    assert specification.loader
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    return script


@pytest.fixture(scope="module")
def deployed(
    module_isolation: None, accounts: Any, chain: Any, web3: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    # Not at the top: Brownie reads what a conftest imports as Python text, and itself it is compiled.
    from brownie.project import get_loaded_projects

    project = get_loaded_projects()[0]
    rpc = Rpc(Secret(web3.provider.endpoint_uri))
    rpc.call("anvil_setBlockTimestampInterval", 1)
    epoch = (chain[-1].timestamp // DAY_SECONDS + 1) * DAY_SECONDS
    # Not chain.mine: Brownie's way to ask for a time is not anvil's.
    rpc.call("evm_mine", epoch + DAY_SECONDS // 2)
    roles = dict(zip(GRANTED, accounts[1 : len(GRANTED) + 1], strict=True))
    programs = first_programs(epoch)
    members = {role: address(account) for role, account in roles.items()}
    plan = deployment_plan(Parameters(web3.chain_id, members, dict.fromkeys(GRANTED, 0), programs))
    path = tmp_path_factory.mktemp("deployment") / "manifest.json"
    executor = _deploy_script().BrownieExecutor(accounts[0], project)
    manifest = carry_out(plan, load_artifacts(ROOT), rpc, executor, path, silent)
    yield _system(project, accounts, chain, rpc, manifest, roles, programs)
    rpc.close()


def _system(
    project: Any, accounts: Any, chain: Any, rpc: Rpc, manifest: Manifest, roles: dict[str, Any], programs: Any
) -> System:
    from brownie import Contract

    at = manifest.address
    manager = Contract.from_abi("AccessManager", at("AccessManager"), load_artifacts(ROOT)["AccessManager"].abi)
    contracts = Contracts(at("PointsToken"), at("ReleaseNode"), at("PaymentProcessor"))
    signers = [accounts.add(private_key(name).hex()) for name in (*PEOPLE, MERCHANT_NAME)]
    for account in signers:
        rpc.call("anvil_setBalance", address(account), hex(10**21))
    system = System(
        token=project.PointsToken.at(at("PointsToken")),
        programs=project.Programs.at(at("Programs")),
        nodes=project.ReleaseNode.at(at("ReleaseNode")),
        processor=project.PaymentProcessor.at(at("PaymentProcessor")),
        anchors=project.AnchorRegistry.at(at("AnchorRegistry")),
        manager=manager,
        roles=roles,
        people=signers[:-1],
        payout=signers[-1],
        stranger=accounts[9],
        chain=chain,
        rpc=rpc,
        twin=Twin(contracts, chain[-1].timestamp, programs),
        manifest=manifest,
        calls=Calls(manifest, load_artifacts(ROOT)),
    )
    registrar, limits = roles["registrar"], (PAID_PER_DAY, ISSUED_PER_DAY)
    terms = (MERCHANT, system.payout, MERCHANT_NAME, *limits)
    system.do(
        system.processor.register, terms, registrar, system.twin.register, MERCHANT, address(system.payout), *limits
    )
    quota = (MERCHANT, QUOTA, system.order("receipt"))
    system.do(system.processor.addQuota, quota, registrar, system.twin.add_quota, *quota)
    return system


@pytest.fixture
def system(deployed: System, fn_isolation: None) -> System:
    """The deployment as it was made, whatever tests before have done."""
    fresh = replace(deployed, twin=copy.deepcopy(deployed.twin))
    fresh.sync()
    return fresh


@pytest.fixture
def node(system: System) -> int:
    """A node of 50 points of the first person in FEC, locked for more than a week."""
    system.issue(system.people[0], 100 * ONE_POINT, "till of the node's owner")
    _, start = system.pay(system.people[0], 50 * ONE_POINT, "what the node is of")
    return system.node_id(system.people[0], start)
