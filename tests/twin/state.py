"""What every part of the twin has: the time, the contracts' addresses, and calls that do all or nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from chainpoints.types import Address

DAY = 86_400

Kept = TypeVar("Kept", bound="Record")


class Refused(Exception):
    """The call must revert with the Solidity error `name` and these arguments."""

    def __init__(self, name: str, *values: Any) -> None:
        super().__init__(name, *values)
        self.name, self.values = name, values


def require(is_so: bool, error: str, *values: Any) -> None:
    if not is_so:
        raise Refused(error, *values)


class Record:
    """What calls change in place. All else that a state holds are values, and sets, counters and dicts; what one dict
    holds are all records, or all values.
    """

    def copied(self: Kept) -> Kept:
        """A copy that no call to the original changes: copy.deepcopy, without looking into values."""
        copy: Kept = object.__new__(type(self))
        kept = self.__dict__
        copy.__dict__ = {
            name: _copied(kept[name]) if isinstance(kept[name], _CHANGING) else kept[name] for name in kept
        }
        return copy


_CHANGING = (Record, dict, set)


def _copied(kept: Any) -> Any:
    if isinstance(kept, Record):
        return kept.copied()
    if isinstance(kept, dict) and isinstance(next(iter(kept.values()), None), Record):
        return {key: record.copied() for key, record in kept.items()}
    return kept.copy()


@dataclass(frozen=True)
class Contracts:
    """Addresses that mean something to the rules."""

    token: Address
    nodes: Address
    processor: Address


class State(Record):
    """`now` is the time of the block that the next call is in."""

    def __init__(self, contracts: Contracts, now: int) -> None:
        self.contracts = contracts
        self.now = now

    def refuse_stranger(self, caller: Address) -> None:
        """Any call that needs a role, by a caller without it: the roles themselves are not the twin's."""
        raise Refused("AccessManagedUnauthorized", caller)

    @property
    def today(self) -> int:
        """The UTC day since 1970."""
        return self.now // DAY


def all_or_nothing(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def guarded(state: State, *arguments: Any) -> Any:
        before = state.copied()
        try:
            return call(state, *arguments)
        except Refused:
            state.__dict__ = before.__dict__
            raise

    return guarded
