"""The long form of what `make test` does to the contracts: `make contracts-long [STEP ...]`.

Three quarters of an hour on two cores; two or three hours when no mutant was tried before.

What each step told last stands afterwards in docs/security.md, between its marks, with the date and how long it took. A
step that fails is told there too, and the exit code is 1. Mutation testing goes on where it was stopped.
"""

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from test import BIN, NODE_BIN, forge

ROOT = Path(__file__).resolve().parents[1]
SECURITY = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- contracts-long: written by `make contracts-long` -->", "<!-- end of contracts-long -->"
PYTHON = str(BIN / "python")
STEPS: dict[str, tuple[list[str], str]] = {
    "campaigns": ([forge(), "test", "--match-contract", "Invariants"], r"invariant_\w+\(\) \(.*\)|Ran .* tests?.*"),
    "lives": (
        [PYTHON, "scripts/evm.py", "--scenarios=100000", "--processes=2", "-s"],
        r"seeds from \d+: 100,000 lives.*",
    ),
    "mutation": ([PYTHON, "scripts/mutation.py", "--all"], r"mutation: (?:in all: |no test notices).*"),
    "symbolic": ([PYTHON, "scripts/symbolic.py"], r"symbolic: .*"),
    "prove": ([PYTHON, "scripts/prove.py"], r"prove: \d+ of .*"),
    "coverage": ([PYTHON, "scripts/coverage.py"], r"coverage of .*"),
    "slither": ([PYTHON, "scripts/slither.py"], r"slither: .*"),
}
"""By name: the command, and which of its lines say what it found."""


def main() -> int:
    asked = sys.argv[1:] or list(STEPS)
    if unknown := set(asked) - set(STEPS):
        print(f"no such step: {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}", file=sys.stderr)
        return 2
    passed = [run(name) for name in asked]
    return 0 if all(passed) else 1


def run(name: str) -> bool:
    command, telling = STEPS[name]
    print(f"\n=== {name}: {' '.join(command).replace(f'{ROOT}/', '')}", flush=True)
    path = os.pathsep.join([str(NODE_BIN), str(BIN), os.environ.get("PATH", "")])
    environment = os.environ | {"PATH": path, "FOUNDRY_PROFILE": "long", "PYTHONUNBUFFERED": "1"}
    began, told = time.monotonic(), []
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipe) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if found := re.search(telling, line):
                told.append(found[0].strip())
    passed = process.returncode == 0
    minutes = (time.monotonic() - began) / 60
    write(name, f"{datetime.now(UTC):%Y-%m-%d} | {'passed' if passed else '**failed**'}, {minutes:.0f} min", told)
    return passed


def write(name: str, how: str, told: list[str]) -> None:
    """Puts a step's row into the table, in place of the one before."""
    text = SECURITY.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN), text.index(END)
    rows = {row.split("|")[1].strip(): row for row in text[begin:end].splitlines()[3:] if row.startswith("|")}
    rows[name] = f"| {name} | {how} | {'; '.join(told).replace('|', '/')} |"
    ordered = [rows[step] for step in STEPS if step in rows]
    table = "\n".join([BEGIN, "| step | when | took | told |", "|---|---|---|---|", *ordered])
    SECURITY.write_text(f"{text[:begin]}{table}\n{text[end:]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
