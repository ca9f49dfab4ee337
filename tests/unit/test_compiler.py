"""The compiler: one input, one bytecode, a cache that knows when it is stale, and solc's own words on errors."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from chainpoints.chain import compiler
from chainpoints.errors import CompilerError

pytestmark = pytest.mark.unit

ROOT = compiler.project_root()
HEADER = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\n"
COUNTER = HEADER + (
    'import {\n    Base\n} from "./base/Base.sol";\nimport {Math} from "@openzeppelin/contracts/utils/math/Math.sol";\n'
    "/// @notice Counts.\ncontract Counter is Base {\n    uint256 immutable STEP = 2;\n    uint256 public total;\n"
    "    function add(uint256 x) external { total += Math.max(x, STEP); }\n}\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of two contracts that shares this project's compiler and libraries."""
    for shared in ("scripts", "node_modules", ".chainpoints"):
        (tmp_path / shared).symlink_to(ROOT / shared)
    (tmp_path / "contracts" / "base").mkdir(parents=True)
    (tmp_path / "contracts" / "Counter.sol").write_text(COUNTER)
    (tmp_path / "contracts" / "base" / "Base.sol").write_text(HEADER + "abstract contract Base {}\n")
    return tmp_path


def test_compiles_every_contract_with_all_that_a_deployment_needs(project: Path) -> None:
    artifacts = compiler.compile_contracts(project)

    assert set(artifacts) == {"Counter", "Base", "AccessManager"}
    counter = artifacts["Counter"]
    assert counter.source == "contracts/Counter.sol"
    assert {entry["name"] for entry in counter.abi} == {"total", "add"}
    assert counter.deployed_bytecode in counter.bytecode
    assert counter.userdoc["notice"] == "Counts."
    assert [slot["label"] for slot in counter.storage_layout["storage"]] == ["total"]
    assert artifacts["Base"].bytecode == ""


def test_the_input_names_every_imported_file_and_nothing_of_this_machine(project: Path) -> None:
    standard_input = compiler.standard_json(project)

    assert "node_modules/@openzeppelin/contracts/utils/math/SafeCast.sol" in standard_input["sources"]
    assert "contracts/base/Base.sol" in standard_input["sources"]
    assert str(project) not in json.dumps(standard_input)


def test_loads_from_the_cache_until_a_source_changes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compiler.load_artifacts(project)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("compiled again")

    with monkeypatch.context() as patch:
        patch.setattr(compiler.solcx, "compile_standard", refuse)
        assert compiler.load_artifacts(project) == first
        (project / "contracts" / "Counter.sol").write_text(COUNTER.replace("STEP = 2", "STEP = 3"))
        with pytest.raises(AssertionError, match="compiled again"):
            compiler.load_artifacts(project)


def test_an_error_carries_the_words_of_solc(project: Path) -> None:
    (project / "contracts" / "Broken.sol").write_text(HEADER + "contract Broken { uint256 x = true; }\n")
    with pytest.raises(CompilerError, match=r"(?s)TypeError: .*contracts/Broken\.sol:3"):
        compiler.compile_contracts(project)


def test_two_contracts_of_one_name_are_refused(project: Path) -> None:
    (project / "contracts" / "Other.sol").write_text(HEADER + "contract Counter {}\n")
    with pytest.raises(CompilerError, match=r"two contracts are called Counter"):
        compiler.compile_contracts(project)


def test_without_a_native_solc_the_one_of_npm_takes_its_place(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".chainpoints").unlink()
    monkeypatch.setattr(compiler, "_install_native", lambda _: False)

    executable = compiler.solc_executable(project)

    assert executable.resolve() == ROOT / "scripts" / "solc-js"
    answer = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout
    assert f"Version: {compiler.SOLC_LONG_VERSION}." in answer


def test_brownie_and_forge_are_told_the_same_settings() -> None:
    brownie = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]
    forge = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]
    ours = compiler.SETTINGS

    assert brownie["solc"]["version"] == compiler.SOLC_VERSION
    assert forge["solc"].endswith(f"solc-v{compiler.SOLC_VERSION}")
    assert brownie["evm_version"] == forge["evm_version"] == ours["evmVersion"]
    assert brownie["solc"]["viaIR"] == forge["via_ir"] == ours["viaIR"]
    assert brownie["solc"]["remappings"] == forge["remappings"] == ours["remappings"]
    optimizer = {"enabled": forge["optimizer"], "runs": forge["optimizer_runs"]}
    assert brownie["solc"]["optimizer"] == optimizer == ours["optimizer"]
