"""Transfers of tokens that the holder signs and another sends (EIP-3009): ours and the libraries' alike."""

from __future__ import annotations

from chainpoints.chain.signatures import sign
from chainpoints.config import CHAINS
from chainpoints.types import Address

_DOMAIN = {"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address"}
_MESSAGE = {"from": "address", "to": "address", "value": "uint256"}
_MESSAGE |= {"validAfter": "uint256", "validBefore": "uint256", "nonce": "bytes32"}

FUNCTION = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"

Transfer = tuple[Address, Address, int, int, int, bytes]
"""From, to, base units, valid after, valid before (unix seconds), nonce."""


def signed_transfer(name: str, token: Address, transfer: Transfer, private_key: bytes) -> tuple[object, ...]:
    """FUNCTION's arguments, signed by the holder for the token of this name and address on the local chain."""
    domain = (name, "1", CHAINS["local"].chain_id, token)
    typed_data = {
        "types": {"EIP712Domain": _fields(_DOMAIN), "TransferWithAuthorization": _fields(_MESSAGE)},
        "primaryType": "TransferWithAuthorization",
        "domain": dict(zip(_DOMAIN, domain, strict=True)),
        "message": dict(zip(_MESSAGE, (*transfer[:5], f"0x{transfer[5].hex()}"), strict=True)),
    }
    signature = bytes.fromhex(sign(typed_data, private_key)[2:])
    return *transfer, signature[64], signature[:32], signature[32:64]


def _fields(types: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in types.items()]
