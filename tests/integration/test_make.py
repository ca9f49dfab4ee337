"""`make` in a fresh clone: what it offers, what it installs and when, and that a second start has nothing to do.

Nothing is installed here: what would install only notes that it was called.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from builders import ROOT, git

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git repository: nothing to clone"),
]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a clone of the last commit holds."""
    folder = tmp_path / "clone"
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=git("archive", "HEAD"), check=True)
    return folder


@pytest.fixture
def called(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Sets the clone up for `run` or `test`; gives which steps it took."""
    specification = importlib.util.spec_from_file_location("setup_script", clone / "scripts" / "setup.py")
    assert specification
    assert specification.loader
    setup: ModuleType = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(setup)
    steps: list[str] = []
    for name in ("install", "install_node_modules", "add_brownie_network", "compile_all"):
        monkeypatch.setattr(setup, name, lambda *_, name=name: steps.append(name))
    every: list[str] = []
    monkeypatch.setattr(setup, "has_brownie_network", lambda: "add_brownie_network" in every)

    def set_up(kind: str) -> list[str]:
        steps.clear()
        setup.set_up(kind)
        every.extend(steps)
        return list(steps)

    return set_up


def make(clone: Path, *target: str) -> str:
    """What it prints; asked by nobody, not by the `make` that runs these tests either."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", *target], cwd=clone, env=alone, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_names_every_target_and_is_what_make_alone_does(clone: Path) -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (clone / "Makefile").read_text(), re.MULTILINE)
    assert phony
    said = make(clone, "help")
    for target in set(phony[1].split()) - {"help"}:
        assert f"make {target} " in said
    assert make(clone) == said


def test_a_fresh_clone_installs_everything_and_a_second_start_nothing(
    clone: Path, called: Callable[[str], list[str]]
) -> None:
    assert called("run") == ["install", "install_node_modules", "compile_all"]
    assert called("run") == []
    # given: what `make run` starts, here a word
    command = clone / ".venv" / "bin" / "chainpoints"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\necho started $1\n")
    command.chmod(0o755)
    # it should be started at once, after nothing else
    began = time.monotonic()
    assert make(clone, "run") == "started run\n"
    assert time.monotonic() - began < 5


def test_the_environment_of_test_is_enough_for_run(called: Callable[[str], list[str]]) -> None:
    assert called("run") == ["install", "install_node_modules", "compile_all"]
    assert called("test") == ["install", "add_brownie_network"]
    assert called("run") == []
    assert called("test") == []


@pytest.mark.parametrize(
    ("changed", "steps"),
    [
        ("requirements/run.txt", ["install"]),
        ("pyproject.toml", ["install"]),
        ("package-lock.json", ["install_node_modules", "compile_all"]),
        ("contracts/PointsToken.sol", ["compile_all"]),
        ("src/chainpoints/chain/compiler.py", ["compile_all"]),
        ("src/chainpoints/cli.py", []),
    ],
)
def test_a_change_brings_back_only_the_steps_that_depend_on_it(
    clone: Path, called: Callable[[str], list[str]], changed: str, steps: list[str]
) -> None:
    called("run")
    with (clone / changed).open("a") as file:
        file.write("\n")
    assert called("run") == steps
    assert called("run") == []


def test_a_step_that_did_not_come_to_its_end_is_taken_again(clone: Path, called: Callable[[str], list[str]]) -> None:
    called("run")
    (clone / "node_modules" / ".chainpoints-node").unlink()
    assert called("run") == ["install_node_modules"]
