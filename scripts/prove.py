"""Proves the assertions of tests/smt for any number of calls, by the model checker that is in solc: `scripts/prove.py`.

Each assertion is asked about alone and must be proved; with a bug planted it must be refuted, so that a checker that
proves everything, or an assertion that says nothing, is noticed.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NODE = ["--stack-size=4000", str(ROOT / "scripts" / "prove.js")]
FILE = "tests/smt/Books.sol"
LIMIT_SECONDS = 300
# Each assertion, and a change of contracts/libraries/BooksMath.sol after which it does not hold.
ASSERTIONS = [
    ("FundedBooks", 0, "ledger.left - total", "ledger.left"),  # promised without end
    ("FundedBooks", 1, "require(reserve >= committed,", "require(reserve >= total,"),  # two nodes of one reserve
    ("FundedBooks", 2, "ledger.reserve - amount", "ledger.reserve"),  # paid, and still there
    ("EmissionBooks", 0, "ledger.committed - total, ledger.left", "ledger.committed, ledger.left"),  # undone, and owed
    ("EmissionBooks", 1, "funded ? ledger.reserve + diverted : ledger.reserve", "ledger.reserve + diverted"),
]


def ask(contract: str, nth: int, *planted: str) -> str:
    """safe, refuted or unknown; unknown too when solc did not come to an end."""
    node = shutil.which("node") or str(ROOT / ".venv" / "bin" / "node")
    command = [node, *NODE, FILE, contract, str(nth), *planted]
    began = time.monotonic()
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=True)
        verdict = done.stdout.strip()
    except subprocess.TimeoutExpired:
        verdict = "unknown"
    except subprocess.CalledProcessError as error:
        sys.exit(f"prove: {contract} {nth}: solc failed{os.linesep}{error.stderr}")
    what = "with a planted bug, " if planted else ""
    print(f"prove: {contract}, assertion {nth}: {what}{verdict} ({time.monotonic() - began:.0f} s)", flush=True)
    return verdict


def main() -> int:
    proved = [ask(contract, nth) == "safe" for contract, nth, _, _ in ASSERTIONS]
    refuted = [ask(*each) == "refuted" for each in ASSERTIONS]
    print(f"prove: {sum(proved)} of {len(proved)} proved; of {len(refuted)} planted bugs {sum(refuted)} refuted")
    return 0 if all(proved) and all(refuted) else 1


if __name__ == "__main__":
    sys.exit(main())
