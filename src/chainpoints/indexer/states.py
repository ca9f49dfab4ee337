"""The states that events change, as they stand after the newest block: in memory, read from the store when missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chainpoints.types import ZERO_ADDRESS, NodeId

_K = TypeVar("_K")
_V = TypeVar("_V")

_KEPT = 100_000
"""More states than this are not kept from one range of blocks to the next."""


@dataclass(slots=True)
class Books:
    """Of a program, base units; see IProgramBooks.Books."""

    funded: bool
    multiplier: int
    diverted: int = 0
    committed: int = 0
    released: int = 0
    reserve: int = 0


@dataclass(slots=True)
class Node:
    program: int
    start: int
    owner: str
    total: int = 0
    claimed: int = 0
    claimed_periods: int = 0
    beneficiary: str | None = None
    given_until: int | None = None

    @classmethod
    def new(cls, node: str) -> Node:
        """A node that nobody owns yet: what never changes of it stands in its id."""
        made_of = NodeId.from_token_id(int(node))
        return cls(made_of.program, made_of.start, ZERO_ADDRESS)


@dataclass(slots=True)
class Merchant:
    payout: str
    name: str
    active: bool = True
    paid_per_day: int = 0
    issued_per_day: int = 0
    quota: int = 0


class States(Generic[_K, _V]):
    """States of one kind by key, and which of them the current block has changed."""

    def __init__(self) -> None:
        self.now: dict[_K, _V] = {}
        self.touched: set[_K] = set()

    @property
    def are_few(self) -> bool:
        """Whether all of them are kept."""
        return len(self.now) <= _KEPT

    def load(self, keys: Iterable[_K], read: Callable[[set[_K]], Mapping[_K, Any]], make: Callable[[Any], _V]) -> None:
        """Reads the states of those keys that are not in memory."""
        wanted = set(keys)
        if len(self.now) + len(wanted) > _KEPT:
            self.now.clear()
        missing = wanted - self.now.keys()
        if missing:
            for key, state in read(missing).items():
                self.now[key] = make(state)

    def forget(self) -> None:
        """To be called when the store's states are, or may be, others: after a rollback or a failed write."""
        self.now.clear()
        self.touched.clear()
