"""Runs every check and test, or the named steps only: `scripts/test.py [STEP ...]`, of STEPS below.

The last line counts the steps: `N passed, N failed`. A step whose folder does not exist yet is left out.
"""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
NODE_BIN = ROOT / "node_modules" / ".bin"
BESIDE = {"brownie": ("slither", "prove")}
"""What keeps one core busy, and steps that do the same and are run beside it."""
STEPS = ["check", "forge", "coverage", "slither", "prove", "symbolic", "evm", "mutation", "brownie", "pytest", "e2e"]


def forge() -> str:
    """The native binary: the wrapper script of npm's @foundry-rs/forge exits 0 when tests fail."""
    return str(NODE_BIN / "forge") if (NODE_BIN / "forge").exists() else shutil.which("forge") or "forge"


def check() -> dict[str, list[str]]:
    python = existing("src", "scripts", "tests", "benchmarks")
    commands = {
        "ruff format": [str(BIN / "ruff"), "format", "--check", "--quiet", *python],
        "ruff check": [str(BIN / "ruff"), "check", "--quiet", *python],
        "mypy": [str(BIN / "mypy")],
        "import-linter": [str(BIN / "lint-imports")],
    }
    if any((ROOT / "contracts").rglob("*.sol")):
        quiet = ["--disc", "--noPoster", "--max-warnings", "0"]
        commands["solhint"] = [str(NODE_BIN / "solhint"), *quiet, "contracts/**/*.sol"]
        commands["forge fmt"] = [
            forge(),
            "fmt",
            "--check",
            *existing("contracts", "benchmarks", "tests/forge", "tests/halmos", "tests/smt", "tests/evm/harness"),
        ]
    return commands


def tests() -> dict[str, list[str]]:
    commands = {}
    if existing("tests/forge"):
        commands["forge"] = [forge(), "test"]
        commands["coverage"] = [str(BIN / "python"), "scripts/coverage.py"]
    if existing("tests/slither"):
        commands["slither"] = [str(BIN / "python"), "scripts/slither.py"]
    if existing("tests/smt"):
        commands["prove"] = [str(BIN / "python"), "scripts/prove.py"]
    if existing("tests/halmos"):
        commands["symbolic"] = [str(BIN / "python"), "scripts/symbolic.py"]
    if existing("tests/evm"):
        commands["evm"] = [str(BIN / "python"), "scripts/evm.py"]
    if existing("tests/mutation"):
        commands["mutation"] = [str(BIN / "python"), "scripts/mutation.py"]
    if existing("tests/contracts"):
        commands["brownie"] = [str(BIN / "brownie"), "test", "tests/contracts", "--network", "chainpoints-test"]
    pytest = [str(BIN / "pytest"), "-p", "no:pytest-brownie", "--durations=20", "--durations-min=5"]
    if folders := existing("tests/faults", "tests/integration", "tests/unit"):
        in_two = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]  # in this order: the longest file first
        commands["pytest"] = [*pytest, *in_two, *folders]
    if folders := existing("tests/e2e"):
        commands["e2e"] = [*pytest, *folders]  # one at a time: they measure how long things take
    return commands


def existing(*folders: str) -> list[str]:
    return [folder for folder in folders if (ROOT / folder).is_dir()]


def run(
    name: str, command: list[str], environment: dict[str, str], *, quietly: bool = False
) -> tuple[str, bool, float]:
    """The step's name, whether it passed, and its seconds. Quietly: what it prints comes when it has ended."""
    title = f"\n=== {name}: {' '.join(command).replace(f'{ROOT}/', '')}"
    began = time.monotonic()
    if quietly:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        print(f"{title}\n{done.stdout}", flush=True)
    else:
        print(title, flush=True)
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False, text=True)
    return name, done.returncode == 0, time.monotonic() - began


def main() -> int:
    asked = sys.argv[1:] or STEPS
    if unknown := set(asked) - set(STEPS):
        print(f"no such step: {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}", file=sys.stderr)
        return 2
    steps = (check() if "check" in asked else {}) | {name: each for name, each in tests().items() if name in asked}
    # Our own tools come first; node, when it is only in the virtual environment, is found too.
    environment = os.environ | {"PATH": os.pathsep.join([str(NODE_BIN), str(BIN), os.environ.get("PATH", "")])}
    results = []
    beside = {name: [each for each in others if each in steps] for name, others in BESIDE.items() if name in steps}
    waiting = {each for others in beside.values() for each in others}
    for name in [each for each in steps if each not in waiting]:
        with ThreadPoolExecutor(1) as pool:
            others = [pool.submit(run, each, steps[each], environment, quietly=True) for each in beside.get(name, ())]
            results.append(run(name, steps[name], environment))
            results += [other.result() for other in others]
    print("\n=== summary")
    for name, passed, seconds in results:
        print(f"{'ok    ' if passed else 'FAILED'}  {name}  ({seconds:.1f} s)")
    failed = sum(not passed for _, passed, _ in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
