"""Every error of the contracts has a sentence that says what happened, why and what to do."""

import re

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from chainpoints.chain.calls import canonical
from chainpoints.chain.compiler import load_artifacts
from chainpoints.chain.reverts import Reverts, decode_revert
from chainpoints.chain.sentences import SENTENCES
from chainpoints.types import ONE_POINT

pytestmark = pytest.mark.unit

ARTIFACTS = load_artifacts()
ERRORS = {
    canonical(entry): entry for artifact in ARTIFACTS.values() for entry in artifact.abi if entry["type"] == "error"
}
SAMPLES = {"address": "0x" + "ab" * 20, "string": "why", "bool": True, "bytes32": b"\x01" * 32, "bytes4": b"\x02" * 4}
PERSON = "0x" + "cd" * 20


def data_of(signature: str, *values: object) -> str:
    kinds = [kind for kind in signature[signature.index("(") + 1 : -1].split(",") if kind]
    return "0x" + (keccak(text=signature)[:4] + encode(kinds, values)).hex()


@pytest.mark.parametrize("signature", sorted(ERRORS))
def test_each_error_of_the_contracts_has_a_sentence(signature: str) -> None:
    entry = ERRORS[signature]
    assert entry["name"] in SENTENCES, f"chain/sentences.py says nothing of {signature}"
    values = [SAMPLES.get(parameter["type"], 7) for parameter in entry["inputs"]]
    reverted = decode_revert(data_of(signature, *values), ARTIFACTS)
    assert reverted.name == entry["name"]
    assert list(reverted.arguments) == [parameter["name"] for parameter in entry["inputs"]]
    sentence = str(reverted)
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert not re.search(r"\b(profit|yield|invest)", sentence)


def test_no_sentence_is_of_an_error_that_is_gone() -> None:
    assert set(SENTENCES) - {entry["name"] for entry in ERRORS.values()} == {"Error", "Panic"}


def test_amounts_are_told_in_points_and_the_numbers_are_named() -> None:
    signature = "PointsToken_PersonLimitExceeded(address,uint256,uint64)"
    reverted = decode_revert(data_of(signature, PERSON, 1_000 * ONE_POINT, 250_500_000), ARTIFACTS)
    assert reverted.arguments == {"person": PERSON, "tried": 1_000_000_000, "left": 250_500_000}
    assert "1000.000000 points" in str(reverted)
    assert "250.500000 points" in str(reverted)
    assert PERSON in str(reverted)


def test_times_are_told_in_utc_and_an_endless_freeze_has_no_date() -> None:
    locked = decode_revert(data_of("ReleaseNode_Locked(uint256,uint256)", 1 << 224, 852_076_800), ARTIFACTS)
    assert "1997-01-01 00:00:00 UTC" in str(locked)
    assert locked.arguments["id"] == str(1 << 224)
    frozen = decode_revert(data_of("PointsToken_AccountFrozen(address,uint40)", PERSON, (1 << 40) - 1), ARTIFACTS)
    assert "the end of time" in str(frozen)


def test_errors_of_the_language_are_decoded() -> None:
    reverts = Reverts(ARTIFACTS)
    assert "no such thing" in str(reverts.decode(data_of("Error(string)", "no such thing.")))
    assert reverts.decode(data_of("Panic(uint256)", 0x11)).arguments == {"code": 0x11}


@pytest.mark.parametrize("data", [None, "", "0x", "0x12", "0xdeadbeef", "nonsense"])
def test_data_that_says_nothing_still_gets_a_sentence(data: str | None) -> None:
    reverted = Reverts(ARTIFACTS).decode(data)
    assert reverted.name == ""
    assert "tell the operator" in str(reverted).lower()


def test_an_error_cut_short_is_named() -> None:
    cut = data_of("ERC20InsufficientBalance(address,uint256,uint256)", PERSON, 1, 2)[:40]
    assert decode_revert(cut, ARTIFACTS).name == "ERC20InsufficientBalance"
