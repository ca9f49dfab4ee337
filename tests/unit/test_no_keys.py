"""T39: no private key stands in the repository. Common scanners miss this form: 64 hex digits, with or without 0x."""

from __future__ import annotations

import re

import pytest

from builders import ROOT, git

pytestmark = pytest.mark.unit

LITERAL = re.compile(r"(?<![0-9a-fA-F])(?:0x)?([0-9a-fA-F]{64})(?![0-9a-fA-F])")
LOCKED = ("requirements/", "deployments/", "tests/contracts/code-hashes.json")
"""Hashes: of packages, of code that is on a chain, and of the code that the contracts make."""

KNOWN = {
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80": "anvil's first account: public, worthless",
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141": "the order of secp256k1",
    "f4c858f57b3e6c316238e1cf373d78a87ac83233a8da6e81c6c343d7bad4967d": "the EIP-712 type hash of a payment",
    "1ea7aefb50d9f20caa2b6c1e3419ba58bedef8bac0d27981496e652f85884d3d": "the hash of the FEC release table",
    "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0": "half of it: the largest s of a signature",
}


def literals(text: str) -> set[str]:
    return {found.lower() for found in LITERAL.findall(text)}


def test_a_key_would_be_found() -> None:
    key = "0123456789abcdef" * 4
    for text in (f"KEY=0x{key}", f'"{key.upper()}"', f"bytes.fromhex('{key}')\n"):
        assert literals(text) == {key}
    assert literals(f"0x{key}00") == set()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git repository: what belongs to it cannot be listed")
def test_no_file_holds_a_literal_that_could_be_a_key() -> None:
    listed = git("ls-files", "-z").decode()
    files = [name for name in listed.split("\0") if name and not name.startswith(LOCKED) and (ROOT / name).is_file()]
    assert len(files) > 100
    found = {(name, each) for name in files for each in literals((ROOT / name).read_text(errors="replace"))}
    assert {(name, each) for name, each in found if each not in KNOWN} == set()
    assert {each for _, each in found} == set(KNOWN)
