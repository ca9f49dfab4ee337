"""A native solc and the one of npm make the same of the contracts, to the byte.

Where the download server can be reached `make` has installed a native one; else one that is already on the machine is
taken. CHAINPOINTS_TEST_SOLC names one that stands elsewhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import solcx

from builders import ROOT
from chainpoints.chain import compiler

pytestmark = pytest.mark.integration

INSTALLED = (
    ROOT / f".chainpoints/solcx/solc-v{compiler.SOLC_VERSION}",
    Path.home() / f".solcx/solc-v{compiler.SOLC_VERSION}",
    Path.home() / f".local/share/svm/{compiler.SOLC_VERSION}/solc-{compiler.SOLC_VERSION}",
    Path.home() / f".svm/{compiler.SOLC_VERSION}/solc-{compiler.SOLC_VERSION}",
    Path(shutil.which("solc") or "solc"),
)


def is_native(solc: Path) -> bool:
    """True for an executable of the pinned version that is not the WebAssembly build."""
    try:
        said = subprocess.run([solc, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return False
    return f"Version: {compiler.SOLC_LONG_VERSION}." in said and "Emscripten" not in said


@pytest.fixture(scope="module")
def native() -> Path:
    if given := os.environ.get("CHAINPOINTS_TEST_SOLC"):
        assert is_native(Path(given)), f"CHAINPOINTS_TEST_SOLC={given} is no native solc {compiler.SOLC_LONG_VERSION}"
        return Path(given)
    found = next(filter(is_native, INSTALLED), None)
    if found is None:
        pytest.skip(f"no native solc {compiler.SOLC_VERSION} on this machine; put one in PATH or CHAINPOINTS_TEST_SOLC")
    return found


def compiled_by(solc: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Code, ABI and storage layout of every contract, by its file and name."""
    output = solcx.compile_standard(compiler.standard_json(ROOT), solc_binary=solc)
    return {(file, name): made for file, contracts in output["contracts"].items() for name, made in contracts.items()}


def test_native_solc_and_the_one_of_npm_make_the_same_bytecode(native: Path) -> None:
    theirs, ours = compiled_by(native), compiled_by(ROOT / "scripts" / "solc-js")
    assert theirs.keys() == ours.keys()
    assert ("contracts/PaymentProcessor.sol", "PaymentProcessor") in ours
    different = [name for file, name in ours if theirs[file, name] != ours[file, name]]
    assert different == []
