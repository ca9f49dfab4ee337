"""types: decimal text and base units, node ids (T37)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpoints.errors import InvalidInput
from chainpoints.types import SUPPLY_CAP, Address, NodeId, format_points, parse_address, parse_hash, parse_points


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "+1", "-1", "1e3", "1E3", "0x1", "1.", ".5", "01", "1.0000001", "NaN", "Infinity", "1,5", "1\x00",
     "１", "9000000000000.000001", "9" * 400],
)  # fmt: skip
def test_refuses_what_is_no_amount(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_points(text)


@pytest.mark.parametrize(("text", "units"), [("0", 0), ("1", 10**6), ("12.5", 12_500_000), ("0.000001", 1)])
def test_reads_decimal_text(text: str, units: int) -> None:
    assert parse_points(text) == units


@given(st.integers(0, SUPPLY_CAP))
def test_text_and_units_are_the_same_thing(units: int) -> None:
    assert parse_points(format_points(units)) == units


def test_the_cap_is_the_largest_amount() -> None:
    assert parse_points("9000000000000") == SUPPLY_CAP


def test_negative_balances_are_shown_with_their_sign() -> None:
    assert format_points(-1_500_000) == "-1.500000"


@given(st.integers(0, (1 << 256) - 1))
def test_a_node_id_says_program_start_serial_and_origin(token_id: int) -> None:
    node = NodeId.from_token_id(token_id)
    assert node.token_id == token_id
    assert str(node) == str(token_id)


def test_a_payment_makes_the_node_of_its_program_start_and_payer() -> None:
    payer = Address("0x" + "ab" * 20)
    node = NodeId.of_payment(3, 7, payer)
    assert NodeId.from_token_id(node.token_id) == node
    assert node.token_id == 3 << 224 | 7 << 200 | int("ab" * 20, 16)


@pytest.mark.parametrize("number", [-1, 1 << 256])
def test_refuses_what_is_no_node_id(number: int) -> None:
    with pytest.raises(InvalidInput):
        NodeId.from_token_id(number)


def test_addresses_and_hashes_are_lower_case() -> None:
    assert parse_address("0x" + "AB" * 20) == "0x" + "ab" * 20
    assert parse_hash("0x" + "AB" * 32) == "0x" + "ab" * 32


@pytest.mark.parametrize("text", ["", "0x", "ab" * 20, "0x" + "ab" * 19, "0x" + "zz" * 20, "0x" + "ab" * 20 + "\n"])
def test_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_address(text)


EIP_55 = [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
"""The examples of the EIP."""


@pytest.mark.parametrize("text", EIP_55)
def test_an_address_with_the_right_checksum_or_with_none_is_read(text: str) -> None:
    for written in (text, text.lower(), "0x" + text[2:].upper()):
        assert parse_address(written) == text.lower()


@pytest.mark.parametrize("text", EIP_55)
def test_a_wrong_checksum_is_refused_with_words(text: str) -> None:
    """One letter in the other case, and one digit that is another."""
    place = next(index for index in range(2, 42) if text[index].isalpha())
    last = "0" if text[-1] != "0" else "1"
    for wrong in (
        text[:place] + text[place].swapcase() + text[place + 1 :],
        text[:-1] + last,
        text[:2] + text[2:].swapcase(),
    ):
        with pytest.raises(InvalidInput, match=r"EIP-55.*copy it again"):
            parse_address(wrong)
