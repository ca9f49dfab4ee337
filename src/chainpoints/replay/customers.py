"""The customers' own keys. Derived from their numbers: public, worthless, for the local chain only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from chainpoints.chain.signer import Signer, local_key
from chainpoints.types import Address


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer's wallet. The key is public (see `local_key`), yet kept out of the repr like any other."""

    number: int

    @property
    def key(self) -> bytes:
        return local_key(f"customer {self.number}")

    @property
    def address(self) -> Address:
        return _address(self.number)


@cache
def _address(number: int) -> Address:
    return Signer(local_key(f"customer {number}")).address
