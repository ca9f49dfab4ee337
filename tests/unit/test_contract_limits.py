"""What holds for every contract as it is compiled, and for what is asked of their tests."""

from __future__ import annotations

import re
import tomllib

import pytest

from benchmarks.gas import snapshot
from benchmarks.gas.comparison import over_bounds
from chainpoints.chain.compiler import Artifact, load_artifacts, project_root, standard_json

CODE_LIMIT, CREATION_LIMIT = 24_576, 49_152  # EIP-170, EIP-3860
MEASURED = {
    "pay_first",
    "pay_steady",
    "pay_topup",
    "pay_relayed_steady",
    "pay_batch100_one_payer",
    "pay_relayed_batch100",
    "issue_steady",
    "issue_batch100",
    "claim_first",
    "claim_second",
    "claim_batch10",
    "claim_batch100",
    "transfer_steady",
    "split",
    "merge",
    "refund_full",
}
DEPLOYED = [artifact for artifact in load_artifacts().values() if artifact.bytecode]
REPLACING = re.compile(r"\b(delegatecall|callcode|selfdestruct)\b")


@pytest.mark.parametrize("artifact", DEPLOYED, ids=lambda artifact: artifact.name)
def test_a_contract_is_within_the_size_limits(artifact: Artifact) -> None:
    assert len(artifact.deployed_bytecode) // 2 <= CODE_LIMIT
    assert len(artifact.bytecode) // 2 <= CREATION_LIMIT


def test_T20_no_contract_of_ours_can_run_other_code_or_vanish() -> None:
    for name, source in standard_json()["sources"].items():
        if name.startswith("contracts/"):
            assert not REPLACING.search(source["content"]), name


def test_T20_what_would_replace_code_is_found() -> None:
    assert REPLACING.search("assembly { let ok := delegatecall(gas(), to, 0, 0, 0, 0) }")


def test_the_committed_gas_is_within_every_bound() -> None:
    gas = snapshot.load()
    assert set(gas) >= MEASURED
    assert over_bounds(gas) == []


def test_a_campaign_is_as_deep_as_its_floors_ask() -> None:
    """Floors are asked of whole campaigns: with another depth none would be."""
    file = project_root() / "tests" / "forge" / "campaign" / "Invariants.t.sol"
    depth = re.search(r"DEPTH = (\d+);", file.read_text())
    settings = tomllib.loads((project_root() / "foundry.toml").read_text())["profile"]
    assert depth
    assert settings["default"]["invariant"]["depth"] == int(depth[1])
    assert 2 * settings["default"]["invariant"]["runs"] * int(depth[1]) == 100_000  # two contracts
    assert 2 * settings["long"]["invariant"]["runs"] * int(depth[1]) == 1_000_000
