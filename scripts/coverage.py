"""Measures how much of the contracts the forge tests run: `scripts/coverage.py`.

Compiled by the profile "coverage": the old pipeline, whose map from code to source is exact. Prints what is not run,
with the lines. Fails below LEAST per cent of lines or of branches, if a test fails, and if a contract with code is
missing in the report: forge leaves out what it takes for a test.
"""

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from test import forge

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "build" / "coverage" / "lcov.info"
LEAST = 98.0
BODY = re.compile(r"function [^;{]*\{")

Hits = dict[str, list[tuple[int, bool]]]
"""By file: each line or branch, and whether a test ran it."""


def main() -> int:
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.unlink(missing_ok=True)
    # The campaigns of random calls are left out: what only chance runs is not tested.
    command = [forge(), "coverage", "--no-match-contract", "InvariantsTest$", "--report", "lcov"]
    environment = os.environ | {"FOUNDRY_PROFILE": "coverage"}
    ran = subprocess.run(
        [*command, "--report-file", str(REPORT)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if not REPORT.exists() or "[FAIL" in ran.stdout:
        print(ran.stdout[-4000:], ran.stderr[-4000:], sep="\n")
        return 1
    lines, branches = read(REPORT.read_text())
    missing = sorted(with_code() - set(lines))
    for file in missing:
        print(f"{file}: not in forge's report")
    for kind, hits in (("line", lines), ("branch", branches)):
        for file, each in sorted(hits.items()):
            if left := [str(line) for line, ran_ in each if not ran_]:
                print(f"{file}: {kind} not covered: {', '.join(left)}")
    of_lines, of_branches = share(lines), share(branches)
    print(f"coverage of {len(lines)} files: {of_lines:.2f}% of lines, {of_branches:.2f}% of branches")
    return 1 if missing or min(of_lines, of_branches) < LEAST else 0


def read(lcov: str) -> tuple[Hits, Hits]:
    """Lines and branches of what stands in contracts/."""
    lines, branches = defaultdict(list), defaultdict(list)
    file = ""
    for record in lcov.splitlines():
        kind, _, value = record.partition(":")
        fields = value.split(",")
        if kind == "SF":
            file = value
        elif kind == "DA" and file.startswith("contracts/"):
            lines[file].append((int(fields[0]), fields[1] != "0"))
        elif kind == "BRDA" and file.startswith("contracts/"):
            branches[file].append((int(fields[0]), fields[3] not in ("0", "-")))
    return lines, branches


def with_code() -> set[str]:
    files = (ROOT / "contracts").rglob("*.sol")
    return {file.relative_to(ROOT).as_posix() for file in files if BODY.search(file.read_text())}


def share(hits: Hits) -> float:
    each = [ran for file in hits.values() for _, ran in file]
    return 100 * sum(each) / len(each) if each else 0.0


if __name__ == "__main__":
    sys.exit(main())
