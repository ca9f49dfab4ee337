"""Runs slither over the contracts: every finding stands in tests/slither/accepted.toml, with the reason why it stays.

Fails on a finding that is not accepted, on an entry that nothing answers to any more, and if slither finds nothing at
all, which it never does where it ran.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import setup

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "slither"
ACCEPTED = ROOT / "tests" / "slither" / "accepted.toml"
Finding = tuple[str, str]
"""The detector and where."""


def main() -> int:
    accepted = {
        (entry["detector"], where)
        for entry in tomllib.loads(ACCEPTED.read_text())["accepted"]
        for where in entry["where"]
    }
    found = findings()
    new = sorted({finding for finding in found if not names(finding) & accepted})
    stale = sorted(accepted - {name for finding in found for name in names(finding)})
    for detector, where in new:
        print(f"not accepted: {detector} in {where}: {found[detector, where]}")
    for detector, where in stale:
        print(f"not found any more, so not to be accepted: {detector} in {where}")
    print(f"slither: {len(found)} findings, {len(new)} not accepted, {len(stale)} accepted without need")
    return 1 if new or stale or not found else 0


def names(finding: Finding) -> set[Finding]:
    return {finding, (finding[0], "*")}


def findings() -> dict[Finding, str]:
    """What slither says of each."""
    environment = os.environ | {"PATH": os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]])}
    # By the profile that has no optimizer: slither reads the syntax tree, so it may be any compilation.
    forge = ["forge", "build", "contracts", "--force", "--build-info", "--build-info-path", str(FOLDER / "info")]
    for file in (FOLDER / "info").glob("*.json"):
        file.unlink()
    compiled = environment | {"FOUNDRY_PROFILE": "coverage", "FOUNDRY_OUT": str(FOLDER / "out")}
    compiled["FOUNDRY_CACHE_PATH"] = str(FOLDER / "cache")
    subprocess.run([*forge, "--quiet"], cwd=ROOT, env=compiled, check=True)
    report = FOLDER / "report.json"
    report.unlink(missing_ok=True)
    slither = [str(setup.tool_environment("slither") / "slither"), str(ROOT), "--json", str(report)]
    slither += ["--compile-force-framework", "foundry", "--foundry-ignore-compile"]
    slither += ["--foundry-build-info-directory", str(FOLDER / "info"), "--foundry-out-directory", str(FOLDER / "out")]
    slither += ["--filter-paths", "node_modules"]
    ran = subprocess.run(slither, cwd=FOLDER, env=environment, capture_output=True, text=True, check=False)
    if not report.exists():
        raise SystemExit(f"slither did not run:\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}")
    results = json.loads(report.read_text())
    if not results["success"]:
        raise SystemExit(f"slither failed: {results['error']}")
    told = results["results"].get("detectors", [])
    return {(each["check"], place(each["elements"][0])): each["description"].strip() for each in told}


def place(element: dict[str, Any]) -> str:
    """Where an element stands, as accepted.toml names it; a statement by its function."""
    own = [] if element["type"] == "node" else [element["name"]]
    parent = element.get("type_specific_fields", {}).get("parent")
    while parent and parent["type"] in ("function", "contract", "struct"):
        own.insert(0, parent["name"])
        parent = parent.get("type_specific_fields", {}).get("parent")
    return ".".join(own)


if __name__ == "__main__":
    sys.exit(main())
