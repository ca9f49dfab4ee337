"""What holders sign, and what counts as their signature (T13, T15)."""

import pytest
from eth_account import Account

from builders import sample_manifest
from chainpoints.chain.signatures import Payment, payment_typed_data, recover, sign
from chainpoints.errors import InvalidInput
from chainpoints.types import ONE_POINT, Address, Hash32

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
