"""The repository's sources make the code whose hashes are committed, whichever build of the compiler is at hand.

After a change of the contracts or of the compiler's settings this writes them anew:
`WRITE_CODE_HASHES=1 .venv/bin/pytest -p no:pytest-brownie tests/unit/test_code_hashes.py`
"""

from __future__ import annotations

import os

import msgspec
import pytest
from eth_utils.crypto import keccak

from builders import ROOT, is_deployed
from chainpoints.chain.compiler import SOLC_LONG_VERSION, load_artifacts

pytestmark = pytest.mark.unit

FILE = ROOT / "tests" / "contracts" / "code-hashes.json"


def hashes() -> dict[str, str]:
    """Keccak256 of the code that creates each contract, with the hash of its metadata at the end."""
    deployed = [one for one in load_artifacts().values() if is_deployed(one)]
    made = {one.name: "0x" + keccak(hexstr=one.bytecode).hex() for one in deployed}
    return {"solc": SOLC_LONG_VERSION} | dict(sorted(made.items()))


def test_the_sources_make_the_code_of_the_committed_hashes() -> None:
    if os.environ.get("WRITE_CODE_HASHES"):
        FILE.write_bytes(msgspec.json.format(msgspec.json.encode(hashes()), indent=2) + b"\n")
    assert hashes() == msgspec.json.decode(FILE.read_bytes())
