"""Proves the properties of tests/halmos for every input, then that planted bugs refute them: `scripts/symbolic.py`.

Fails on a counterexample, on a question that no solver answers in time, on a loop that was not followed to its end, and
on any `check_` function that did not run. tests/halmos/planted.toml lists bugs; each is planted in a copy, where each
property that it names must have a counterexample: no other failure will do. `--no-planted` leaves them out.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import setup

ROOT = Path(__file__).resolve().parents[1]
PROPERTIES = ROOT / "tests" / "halmos"
PASSED, COUNTEREXAMPLE = 0, 1  # halmos' own exit codes of a property
SECONDS_A_QUESTION = 120
AT_ONCE = 2  # the proofs and a copy with a planted bug, or two such copies
# What a bug does does not depend on the pipeline; the old one takes seconds where the new one takes half a minute.
OLD_PIPELINE = {"FOUNDRY_VIA_IR": "false", "FOUNDRY_OPTIMIZER": "false"}


def halmos(root: Path, *arguments: str, settings: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Results by property, of what stands in `root`."""
    binaries = setup.tool_environment("halmos")
    report = root / "build" / "halmos" / "report.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    path = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]])
    fixed = ["--root", str(root), "--forge-build-out", "build/halmos/out", "--no-status"]
    fixed += ["--match-contract", "Properties$", "--json-output", str(report)]
    fixed += ["--solver-timeout-assertion", f"{SECONDS_A_QUESTION}s"]
    fixed += ["--solver-command", f"{binaries / 'python'} {ROOT / 'scripts' / 'solvers.py'}"]
    environment = os.environ | {"FOUNDRY_PROFILE": "halmos", "PATH": path} | (settings or {})
    subprocess.run([binaries / "halmos", *fixed, *arguments], cwd=root, env=environment, check=False)
    if not report.exists():
        return {}
    results = json.loads(report.read_text())["test_results"]
    return {result["name"].split("(")[0]: result for contract in results.values() for result in contract}


def written() -> set[str]:
    """Every property that tests/halmos has."""
    text = "".join(file.read_text() for file in PROPERTIES.glob("*.t.sol"))
    return set(re.findall(r"function (check_\w+)", text))


def unproved(results: dict[str, dict[str, Any]]) -> list[str]:
    missing = [f"{name}: did not run" for name in sorted(written() - set(results))]
    for name, result in results.items():
        if result["exitcode"] != PASSED:
            missing.append(f"{name}: exit code {result['exitcode']}")
        elif result["num_bounded_loops"]:
            missing.append(f"{name}: a loop was left before its end")
    return missing


def survived(bug: dict[str, Any]) -> list[str]:
    """What is wrong with the planted bug: the properties that it should refute, and does not."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("contracts", "scripts", "foundry.toml"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
        for name in ("node_modules", ".chainpoints"):
            (copy / name).symlink_to(ROOT / name)
        (copy / "tests" / "halmos").mkdir(parents=True)
        for name in ("Vm.sol", bug["properties"]):
            shutil.copy(PROPERTIES / name, copy / "tests" / "halmos")
        file = copy / bug["file"]
        text = file.read_text()
        if text.count(bug["old"]) != 1:
            return [f"{bug['file']} has {text.count(bug['old'])} times, not once: {bug['old']}"]
        file.write_text(text.replace(bug["old"], bug["new"]))
        arguments = ("--early-exit", "--match-test", f"^({'|'.join(bug['refutes'])})\\(")
        results = halmos(copy, *arguments, settings=OLD_PIPELINE)
    codes = {name: results.get(name, {}).get("exitcode") for name in bug["refutes"]}
    wrong = {name: code for name, code in codes.items() if code != COUNTEREXAMPLE}
    return [f"{name} was not refuted by {bug['new']}: {code}" for name, code in wrong.items()]


def main() -> int:
    bugs = [] if "--no-planted" in sys.argv else tomllib.loads((PROPERTIES / "planted.toml").read_text())["bug"]
    setup.tool_environment("halmos")  # once, before two ask for it
    with ThreadPoolExecutor(AT_ONCE) as pool:
        proofs = pool.submit(halmos, ROOT)
        refuted = pool.map(survived, reversed(bugs))  # the largest first
        failures = unproved(proofs.result()) + [failure for bug in refuted for failure in bug]
    for failure in failures:
        print(f"symbolic: {failure}", file=sys.stderr)
    print(f"symbolic: {len(written())} properties, {len(bugs)} planted bugs, {len(failures)} failures")
    return 1 if failures or not written() else 0


if __name__ == "__main__":
    sys.exit(main())
