"""The words of the project as types. Points are always integers of base units; only this module makes text of them.

One point is 1,000,000 base units (6 decimals). Every amount and every sum of amounts is at most `SUPPLY_CAP`
(9 * 10**18), so it fits a signed 64-bit column. Addresses and hashes are lower-case 0x text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

from eth_utils.address import to_checksum_address

from chainpoints.errors import InvalidInput

Points = NewType("Points", int)
"""An amount in base units: 1 point = 1,000,000."""

Address = NewType("Address", str)
"""A lower-case 0x address of 20 bytes."""

Hash32 = NewType("Hash32", str)
"""A lower-case 0x string of 32 bytes."""

DECIMALS = 6
ONE_POINT = Points(10**DECIMALS)
SUPPLY_CAP = Points(9 * 10**18)
ZERO_ADDRESS = Address("0x" + "00" * 20)
DAY_SECONDS = 86_400

_POINTS_TEXT = re.compile(r"(?:0|[1-9][0-9]{0,12})(?:\.[0-9]{1,6})?")
_ADDRESS_TEXT = re.compile(r"0x[0-9a-fA-F]{40}")
_HASH_TEXT = re.compile(r"0x[0-9a-fA-F]{64}")


def parse_points(text: str) -> Points:
    """Base units of a decimal text of points: "12.5" gives 12,500,000.

    Raises InvalidInput for signs, exponents, spaces, leading zeros, more than 6 decimals or more than the supply cap.
    """
    if not isinstance(text, str) or not _POINTS_TEXT.fullmatch(text):
        raise InvalidInput(f"not an amount of points: {str(text)[:40]!r}; write digits with at most 6 decimals")
    whole, _, fraction = text.partition(".")
    units = int(whole) * ONE_POINT + int(fraction.ljust(DECIMALS, "0") or "0")
    if units > SUPPLY_CAP:
        raise InvalidInput(f"{text} points are more than can ever exist ({format_points(SUPPLY_CAP)})")
    return Points(units)


def format_points(units: int) -> str:
    """Decimal text of base units, always with 6 decimals and never an exponent: 12500000 gives "12.500000"."""
    sign, units = ("-", -units) if units < 0 else ("", units)
    whole, fraction = divmod(units, ONE_POINT)
    return f"{sign}{whole}.{fraction:0{DECIMALS}d}"


def parse_address(text: str) -> Address:
    """The lower-case form of a 0x address. Raises InvalidInput when it is not one.

    One in mixed case carries a checksum (EIP-55), which must be right; all lower or all upper case has none.
    """
    if not isinstance(text, str) or not _ADDRESS_TEXT.fullmatch(text):
        raise InvalidInput(f"not an address: {str(text)[:50]!r}; write 0x and 40 hex digits")
    address = Address(text.lower())
    if text[2:] not in (address[2:], address[2:].upper()) and text[2:] != to_checksum_address(address)[2:]:
        raise InvalidInput(
            "not an address: its capital letters do not fit the rest (EIP-55), so a character is wrong; copy it again"
        )
    return address


def parse_wallet(text: str) -> Address:
    """As `parse_address`, of somebody: raises InvalidInput for the zero address too."""
    address = parse_address(text)
    if address == ZERO_ADDRESS:
        raise InvalidInput(
            "the zero address is no wallet: nobody has its key; points are minted from it and burned to it"
        )
    return address


def parse_hash(text: str) -> Hash32:
    """The lower-case form of a 0x string of 32 bytes. Raises InvalidInput when it is not one."""
    if not isinstance(text, str) or not _HASH_TEXT.fullmatch(text):
        raise InvalidInput(f"not a 32-byte hash: {str(text)[:70]!r}; write 0x and 64 hex digits")
    return Hash32(text.lower())


@dataclass(frozen=True, slots=True, order=True)
class NodeId:
    """What a node's ERC-721 token id says: `program << 224 | start << 200 | serial << 160 | origin`.

    program: uint32. start: uint24, the period at whose beginning the node starts. serial: uint40, 0 for the node that
    payments make, 1 for the one that issues make, others for split pieces. origin: the payer (or customer) that it was
    made for.
    """

    program: int
    start: int
    serial: int
    origin: Address

    @classmethod
    def of_payment(cls, program: int, start: int, payer: Address) -> NodeId:
        return cls(program, start, 0, payer)

    @classmethod
    def of_issue(cls, program: int, start: int, customer: Address) -> NodeId:
        return cls(program, start, 1, customer)

    @classmethod
    def from_token_id(cls, token_id: int) -> NodeId:
        if not 0 <= token_id < 1 << 256:
            raise InvalidInput(f"not a node id: {token_id}; it is an integer below 2**256")
        origin = Address(f"0x{token_id & ((1 << 160) - 1):040x}")
        return cls(token_id >> 224, (token_id >> 200) & 0xFFFFFF, (token_id >> 160) & 0xFFFFFFFFFF, origin)

    @property
    def token_id(self) -> int:
        return self.program << 224 | self.start << 200 | self.serial << 160 | int(self.origin, 16)

    def __str__(self) -> str:
        return str(self.token_id)
