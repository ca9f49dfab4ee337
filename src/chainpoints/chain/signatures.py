"""EIP-712 messages that holders sign: payments, refunds, claim approvals, gifts, and the token's own two.

A message names everything that it is about, so a signature over 10 points for one order cannot be used for another, and
the wallet's window shows what is paid. Typed data is the JSON that a wallet's eth_signTypedData_v4 takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from hexbytes import HexBytes

from chainpoints.chain.manifest import Manifest
from chainpoints.errors import InvalidInput
from chainpoints.types import Address, Hash32, Points

# EIP-2: of the two signatures (s and order - s) only the one with the lower s counts.
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0

TOKEN_NAME, DOMAIN_VERSION = "chainpoints", "1"
"""What PointsToken's own domain says; the version is that of all our contracts."""

_DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]
_TIMES_TYPE = [
    {"name": "validAfter", "type": "uint40"},
    {"name": "validBefore", "type": "uint40"},
]
_PAYMENT_TYPE = [
    {"name": "merchant", "type": "uint32"},
    {"name": "program", "type": "uint32"},
    {"name": "amount", "type": "uint64"},
    {"name": "payer", "type": "address"},
    {"name": "order", "type": "bytes32"},
    *_TIMES_TYPE,
]
_REFUND_TYPE = [
    {"name": "merchant", "type": "uint32"},
    {"name": "program", "type": "uint32"},
    {"name": "paid", "type": "uint64"},
    {"name": "payer", "type": "address"},
    {"name": "order", "type": "bytes32"},
    {"name": "start", "type": "uint24"},
    {"name": "amount", "type": "uint64"},
    {"name": "refunded", "type": "uint64"},
    *_TIMES_TYPE,
]
_CLAIM_APPROVAL_TYPE = [
    {"name": "owner", "type": "address"},
    {"name": "delegate", "type": "address"},
    {"name": "to", "type": "address"},
    {"name": "cap", "type": "uint64"},
    {"name": "deadline", "type": "uint40"},
    {"name": "nonce", "type": "uint256"},
]

_GIFT_TYPE = [
    {"name": "id", "type": "uint256"},
    {"name": "to", "type": "address"},
]
_TRANSFER_TYPE = [
    {"name": "from", "type": "address"},
    {"name": "to", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "validAfter", "type": "uint256"},
    {"name": "validBefore", "type": "uint256"},
    {"name": "nonce", "type": "bytes32"},
]
_PERMIT_TYPE = [
    {"name": "owner", "type": "address"},
    {"name": "spender", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "nonce", "type": "uint256"},
    {"name": "deadline", "type": "uint256"},
]


@dataclass(frozen=True, slots=True)
class Payment:
    """The terms of a payment, as PaymentProcessor.Payment. `order_hash` names the merchant's order."""

    merchant: int
    program: int
    amount: Points
    payer: Address
    order_hash: Hash32

    def struct(self) -> tuple[int, int, int, str, bytes]:
        """As the contract's struct, for the ABI encoder."""
        return self.merchant, self.program, self.amount, self.payer, bytes.fromhex(self.order_hash[2:])


@dataclass(frozen=True, slots=True)
class Refund:
    """`amount` of `payment` given back, after `refunded` before it. `payout` pays the merchant's part and signs."""

    payment: Payment
    start: int
    amount: Points
    refunded: Points
    payout: Address


def payment_typed_data(manifest: Manifest, payment: Payment, valid_after: int, valid_before: int) -> dict[str, Any]:
    """What the payer signs. Valid while valid_after < block time < valid_before (unix seconds)."""
    message = {
        "merchant": payment.merchant,
        "program": payment.program,
        "amount": payment.amount,
        "payer": payment.payer,
        "order": payment.order_hash,
        "validAfter": valid_after,
        "validBefore": valid_before,
    }
    return _for_processor(manifest, {"Payment": _PAYMENT_TYPE}, message)


def refund_typed_data(manifest: Manifest, refund: Refund, valid_after: int, valid_before: int) -> dict[str, Any]:
    """What the merchant's payout address signs. It names what was refunded before, so it is used once."""
    payment = refund.payment
    message = {
        "merchant": payment.merchant,
        "program": payment.program,
        "paid": payment.amount,
        "payer": payment.payer,
        "order": payment.order_hash,
        "start": refund.start,
        "amount": refund.amount,
        "refunded": refund.refunded,
        "validAfter": valid_after,
        "validBefore": valid_before,
    }
    return _for_processor(manifest, {"Refund": _REFUND_TYPE}, message)


def claim_approval_typed_data(
    manifest: Manifest, owner: Address, delegate: Address, to: Address, cap: Points, deadline: int, nonce: int
) -> dict[str, Any]:
    """What an owner signs for ReleaseNode.permitClaim: `delegate` may claim `cap` to `to` until `deadline`."""
    message = {"owner": owner, "delegate": delegate, "to": to, "cap": cap, "deadline": deadline, "nonce": nonce}
    return _for_nodes(manifest, {"ClaimApproval": _CLAIM_APPROVAL_TYPE}, message)


def gift_typed_data(manifest: Manifest, node: int, to: Address) -> dict[str, Any]:
    """What the one-time key of a gift's link signs for ReleaseNode.take: the node goes to `to`."""
    return _for_nodes(manifest, {"Gift": _GIFT_TYPE}, {"id": node, "to": to})


def transfer_typed_data(
    manifest: Manifest, sender: Address, to: Address, value: Points, valid_after: int, valid_before: int, nonce: Hash32
) -> dict[str, Any]:
    """What a holder signs for EIP-3009's transferWithAuthorization; `nonce` is any that it did not use yet."""
    message = {"from": sender, "to": to, "value": value, "validAfter": valid_after, "validBefore": valid_before}
    return _for_token(manifest, {"TransferWithAuthorization": _TRANSFER_TYPE}, {**message, "nonce": nonce})


def permit_typed_data(
    manifest: Manifest, owner: Address, spender: Address, value: Points, nonce: int, deadline: int
) -> dict[str, Any]:
    """What a holder signs for EIP-2612's permit; `nonce` is the token's `nonces(owner)`."""
    message = {"owner": owner, "spender": spender, "value": value, "nonce": nonce, "deadline": deadline}
    return _for_token(manifest, {"Permit": _PERMIT_TYPE}, message)


def for_wallets(typed_data: dict[str, Any]) -> dict[str, Any]:
    """With the message's integers as decimal text: a JSON number above 2^53 would lose digits in a browser."""
    message = {name: str(value) if isinstance(value, int) else value for name, value in typed_data["message"].items()}
    return {**typed_data, "message": message}


def sign(typed_data: dict[str, Any], private_key: bytes) -> str:
    """The 65-byte signature (r, s, v) as 0x text."""
    return f"0x{Account.sign_message(signable(typed_data), private_key).signature.hex()}"


def recover(typed_data: dict[str, Any], signature: str) -> Address:
    """The account that signed. Raises InvalidInput for what the contracts would refuse as well.

    That is any other length than 65 bytes, a v other than 27 or 28, or an s in the upper half of the curve's order.
    """
    try:
        raw = bytes.fromhex(signature.removeprefix("0x"))
    except ValueError:
        raise InvalidInput("the signature is not 0x text of hex digits") from None
    if len(raw) != 65 or raw[64] not in (27, 28) or int.from_bytes(raw[32:64], "big") > HALF_ORDER:
        raise InvalidInput("a signature is 65 bytes (r, s, v) with v 27 or 28 and the lower of the two possible s")
    try:
        signed = Signature(raw[:64] + bytes([raw[64] - 27]))
        return Address(signed.recover_public_key_from_msg_hash(digest(typed_data)).to_address())
    except (ValueError, BadSignature, ValidationError):
        raise InvalidInput("no account can have made this signature") from None


def digest(typed_data: dict[str, Any]) -> bytes:
    """The 32 bytes that are signed: they name the contract, the chain and every term."""
    return keccak(b"\x19" + b"".join(signable(typed_data)))


def signable(typed_data: dict[str, Any]) -> SignableMessage:
    """What is hashed and signed (EIP-712), of a message without strings or structs in it, as ours are.

    As the library's `encode_typed_data`, which takes ten times as long: the API does this for each payment.
    """
    kind = typed_data["primaryType"]
    fields = tuple((field["type"], field["name"]) for field in typed_data["types"][kind])
    words = [_word(name_of, typed_data["message"][name]) for name_of, name in fields]
    domain = [typed_data["domain"][field["name"]] for field in _DOMAIN_TYPE]
    return SignableMessage(
        HexBytes(b"\x01"),
        HexBytes(_domain_separator(*domain)),
        HexBytes(keccak(b"".join((_type_hash(kind, fields), *words)))),
    )


@cache
def _type_hash(kind: str, fields: tuple[tuple[str, str], ...]) -> bytes:
    return keccak(text=f"{kind}({','.join(f'{name_of} {name}' for name_of, name in fields)})")


@cache
def _domain_separator(name: str, version: str, chain_id: int, contract: str) -> bytes:
    fields = tuple((field["type"], field["name"]) for field in _DOMAIN_TYPE)
    words = (keccak(text=name), keccak(text=version), _word("uint256", chain_id), _word("address", contract))
    return keccak(b"".join((_type_hash("EIP712Domain", fields), *words)))


def _word(name_of: str, value: int | str) -> bytes:
    """A number (or its decimal text, as wallets get it), an address or 32 bytes as the 32 bytes that are hashed."""
    if name_of.startswith("uint"):
        number = int(value)
        if not 0 <= number < 1 << int(name_of.removeprefix("uint")):
            raise InvalidInput(f"{number} is no {name_of}")
        return number.to_bytes(32, "big")
    return bytes.fromhex(str(value).removeprefix("0x")).rjust(32, b"\0")


def _for_processor(manifest: Manifest, types: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    return _typed_data(manifest.chain_id, "chainpoints payments", manifest.address("PaymentProcessor"), types, message)


def _for_nodes(manifest: Manifest, types: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    return _typed_data(manifest.chain_id, "chainpoints release node", manifest.address("ReleaseNode"), types, message)


def _for_token(manifest: Manifest, types: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    return _typed_data(manifest.chain_id, TOKEN_NAME, manifest.address("PointsToken"), types, message)


def _typed_data(
    chain_id: int, name: str, contract: Address, types: dict[str, Any], message: dict[str, Any]
) -> dict[str, Any]:
    return {
        "types": {"EIP712Domain": _DOMAIN_TYPE, **types},
        "primaryType": next(iter(types)),
        "domain": {"name": name, "version": DOMAIN_VERSION, "chainId": chain_id, "verifyingContract": contract},
        "message": message,
    }
