"""What every part of the twin has: the time, the contracts' addresses, and calls that do all or nothing."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainpoints.types import Address

DAY = 86_400


class Refused(Exception):
    """The call must revert with the Solidity error `name`."""

    @property
    def name(self) -> str:
        return str(self.args[0])


def require(is_so: bool, error: str) -> None:
    if not is_so:
        raise Refused(error)


@dataclass(frozen=True)
class Contracts:
    """Addresses that mean something to the rules."""

    token: Address
    nodes: Address
    processor: Address


class State:
    """`now` is the time of the block that the next call is in."""

    def __init__(self, contracts: Contracts, now: int) -> None:
        self.contracts = contracts
        self.now = now

    @property
    def today(self) -> int:
        """The UTC day since 1970."""
        return self.now // DAY


def all_or_nothing(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def guarded(state: State, *arguments: Any) -> Any:
        before = copy.deepcopy(state.__dict__)
        try:
            return call(state, *arguments)
        except Refused:
            state.__dict__ = before
            raise

    return guarded
