"""Runs tests/evm in its own environment, which has pyrevm and not Brownie: `scripts/evm.py [pytest's arguments]`.

`scripts/evm.py --scenarios=100000 --processes=2` is the long run of random lives.
"""

import os
import subprocess
import sys
from pathlib import Path

import setup

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    pytest = [
        str(setup.tool_environment("evm") / "pytest"),
        *("--confcutdir", "tests/evm", "--override-ini", "testpaths=tests/evm"),
        *sys.argv[1:],
    ]
    # The conftest.py of tests is cut off: it imports what this environment has not.
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("src", "tests", "tests/evm"))
    return subprocess.run(pytest, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
