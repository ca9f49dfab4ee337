"""Calls by name into calldata, and answers into values."""

import pytest
from eth_utils.crypto import keccak

from builders import sample_manifest
from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import load_artifacts
from chainpoints.errors import InconsistentChain, InvalidInput

pytestmark = pytest.mark.unit

CALLS = Calls(sample_manifest(), load_artifacts())
SOMEBODY = "0x" + "ab" * 20


def test_a_call_begins_with_its_selector_and_goes_to_its_contract() -> None:
    to, data = CALLS.encode("ReleaseNode", "claim", [[1, 2]])
    assert to == sample_manifest().address("ReleaseNode")
    assert data.startswith("0x" + keccak(text="claim(uint256[])")[:4].hex())
    assert len(data) == 2 + 8 + 4 * 64


def test_structs_are_tuples() -> None:
    payment = (1, 2, 3, SOMEBODY, b"\x01" * 32)
    _, data = CALLS.encode("PaymentProcessor", "pay", [payment])
    signature = "pay((uint32,uint32,uint64,address,bytes32))"
    assert data.startswith("0x" + keccak(text=signature)[:4].hex())


def test_an_overloaded_function_must_be_named_by_its_signature() -> None:
    with pytest.raises(InvalidInput, match="name one by its signature"):
        CALLS.encode("PointsToken", "receiveWithAuthorization", [])
    signature = "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"
    _, data = CALLS.encode("PointsToken", signature, [SOMEBODY, SOMEBODY, 1, 0, 1, b"\x00" * 32, b""])
    assert data.startswith("0x" + keccak(text=signature)[:4].hex())


@pytest.mark.parametrize(
    ("contract", "function", "arguments"),
    [
        ("Nothing", "claim", [[1]]),
        ("ReleaseNode", "nothing", [[1]]),
        ("ReleaseNode", "claim", [[-1]]),
        ("ReleaseNode", "claim", [["1"]]),
        ("ReleaseNode", "claim", []),
        ("PaymentProcessor", "pay", [(2**32, 2, 3, SOMEBODY, b"\x01" * 32)]),
        ("PaymentProcessor", "pay", [(1, 2, 3, "nobody", b"\x01" * 32)]),
    ],
)
def test_what_does_not_fit_is_invalid_input(contract: str, function: str, arguments: list[object]) -> None:
    with pytest.raises(InvalidInput):
        CALLS.encode(contract, function, arguments)


def test_answers_become_values_and_nonsense_is_told() -> None:
    word = (7).to_bytes(32, "big").hex()
    assert CALLS.decode("PointsToken", "balanceOf", "0x" + word) == (7,)
    for nonsense in ("0x", "0x12", "zz"):
        with pytest.raises(InconsistentChain):
            CALLS.decode("PointsToken", "balanceOf", nonsense)
