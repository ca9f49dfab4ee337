"""Brownie as a user types it: `compile` and `console`, in a copy of the project with a home folder of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from builders import ROOT, free_port
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.local import port_is_taken

pytestmark = pytest.mark.integration

BROWNIE = ROOT / ".venv" / "bin" / "brownie"
IMPORTED = ("node_modules/@openzeppelin/contracts", "node_modules/solady/src")


def network_settings(port: int) -> list[str]:
    """What scripts/setup.py tells Brownie of its network, with another port."""
    specification = importlib.util.spec_from_file_location("setup_script", ROOT / "scripts" / "setup.py")
    assert specification
    assert specification.loader
    setup = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(setup)
    settings = [each for each in setup.BROWNIE_NETWORK_SETTINGS if not each.startswith("port=")]
    return ["development", setup.BROWNIE_NETWORK, "host=http://127.0.0.1", "cmd=anvil", f"port={port}", *settings]


def copy_with_imports(source: Path, folder: Path) -> None:
    """A contract of this project and all others of it that it imports, at their places."""
    copied = folder / source.relative_to(ROOT)
    if copied.exists():
        return
    copied.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, copied)
    for imported in re.findall(r'from "(\.[^"]+)";', source.read_text()):
        copy_with_imports((source.parent / imported).resolve(), folder)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The points contract and all that it imports (the whole takes three times as long), and the configuration."""
    folder = tmp_path / "project"
    (folder / "build").mkdir(parents=True)  # `make` has made it before Brownie is there
    shutil.copy(ROOT / "brownie-config.yaml", folder)
    copy_with_imports(ROOT / "contracts" / "PointsToken.sol", folder)
    for name in IMPORTED:  # not linked: a native solc reads nothing outside of the project
        shutil.copytree(ROOT / name, folder / name)
    return folder


def brownie(project: Path, *arguments: str, typed: str = "") -> str:
    """What a command that went well says."""
    home = project.parent / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [str(BROWNIE), *arguments], cwd=project, env=os.environ | {"HOME": str(home)}, input=typed,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Traceback" not in said
    return said


@pytest.mark.skipif(not BROWNIE.exists(), reason="Brownie is not installed; `python3 scripts/setup.py test` does it")
def test_compile_makes_the_same_code_and_console_knows_it(project: Path, artifacts: dict[str, Artifact]) -> None:
    # when: it compiles
    brownie(project, "compile")

    # it should make the code that is deployed
    compiled = json.loads((project / "build/brownie/contracts/PointsToken.json").read_text())
    assert compiled["bytecode"] == artifacts["PointsToken"].bytecode
    assert compiled["abi"] == artifacts["PointsToken"].abi

    # when: the console is opened on the project's network
    port = free_port()
    brownie(project, "networks", "add", *network_settings(port))
    typed = "print('contracts:', len(PointsToken), network.show_active(), chain.id)\nquit()\n"
    said = brownie(project, "console", "--network", "chainpoints-test", typed=typed)

    # it should know the contract, be on that network, and leave no chain behind
    assert "\ncontracts: 0 chainpoints-test 313370\n" in said.replace("\r", "")
    assert not port_is_taken(port)
