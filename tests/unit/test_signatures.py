"""What holders sign, and what counts as their signature (T13, T15)."""

from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from builders import sample_manifest
from chainpoints.chain.signatures import (
    Payment,
    Refund,
    claim_approval_typed_data,
    payment_typed_data,
    recover,
    refund_typed_data,
    sign,
    signable,
)
from chainpoints.errors import InvalidInput
from chainpoints.types import ONE_POINT, ZERO_ADDRESS, Address, Hash32, Points

pytestmark = pytest.mark.unit

KEY = b"\x07" * 32
PAYER = Address(Account.from_key(KEY).address.lower())
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def payment(amount: int = ONE_POINT, order: str = "11") -> Payment:
    return Payment(1, 2, amount, PAYER, Hash32("0x" + order * 32))


def test_the_holder_is_recovered_from_the_signature() -> None:
    typed_data = payment_typed_data(sample_manifest(), payment(), 0, 2**40 - 1)
    signature = sign(typed_data, KEY)
    assert len(signature) == 2 + 130
    assert recover(typed_data, signature) == PAYER


def test_t13_a_signature_is_bound_to_amount_order_and_chain() -> None:
    signature = sign(payment_typed_data(sample_manifest(), payment(), 0, 2**40 - 1), KEY)
    for other in (
        payment_typed_data(sample_manifest(), payment(amount=ONE_POINT + 1), 0, 2**40 - 1),
        payment_typed_data(sample_manifest(), payment(order="12"), 0, 2**40 - 1),
        payment_typed_data(sample_manifest(), payment(), 0, 2**39),
        payment_typed_data(sample_manifest(1), payment(), 0, 2**40 - 1),
    ):
        assert recover(other, signature) != PAYER


REFUND = Refund(payment(), 7, Points(3), Points(2), PAYER)


@pytest.mark.parametrize(
    "typed_data",
    [
        payment_typed_data(sample_manifest(), payment(), 5, 2**40 - 1),
        refund_typed_data(sample_manifest(), REFUND, 0, 9),
        claim_approval_typed_data(
            sample_manifest(), PAYER, ZERO_ADDRESS, PAYER, Points(2**64 - 1), 2**40 - 1, 2**256 - 1
        ),
    ],
)
def test_what_is_hashed_is_what_the_library_hashes(typed_data: dict[str, Any]) -> None:
    assert signable(typed_data) == encode_typed_data(full_message=typed_data)
    message = {name: str(value) if isinstance(value, int) else value for name, value in typed_data["message"].items()}
    assert signable(typed_data | {"message": message}) == signable(typed_data), "numbers as text, as wallets get them"


def test_a_number_that_its_field_cannot_hold_is_refused() -> None:
    for amount in (-1, 2**64):
        with pytest.raises(InvalidInput, match="uint64"):
            signable(payment_typed_data(sample_manifest(), payment(amount), 0, 1))


def test_t15_signatures_that_the_contracts_refuse_are_refused() -> None:
    typed_data = payment_typed_data(sample_manifest(), payment(), 0, 2**40 - 1)
    good = bytes.fromhex(sign(typed_data, KEY)[2:])
    high_s = ORDER - int.from_bytes(good[32:64], "big")
    malleable = good[:32] + high_s.to_bytes(32, "big") + bytes([55 - good[64]])
    old_v = good[:64] + bytes([good[64] - 27])
    odd_v = good[:64] + b"\x1d"
    for bad in (
        malleable,
        old_v,
        odd_v,
        good[:64],
        good + b"\x00",
        b"",
        b"\x00" * 64 + b"\x1b",
        b"\xff" * 32 + good[32:],
    ):
        with pytest.raises(InvalidInput, match="signature"):
            recover(typed_data, "0x" + bad.hex())
    for text in ("", "0x", "no hex at all", "0x" + "zz" * 65):
        with pytest.raises(InvalidInput, match="signature"):
            recover(typed_data, text)
