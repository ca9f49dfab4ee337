"""What is measured of every peer that pays out over time: the recipes of operations.py in a peer's words.

"First" means that the receiver holds none of what it gets, "steady" that it holds one. Before each recipe the contract
has worked for somebody else, so none pays for waking it up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from benchmarks.gas.chain import Chain
from benchmarks.gas.snapshot import Gas

WEEK = 7 * 86_400


class Streams(Protocol):
    """A peer. People are named; a stream that is created runs from that moment on, for 100 weeks or longer."""

    chain: Chain
    largest_batch: int

    def create(self, receiver: str, count: int) -> int:
        """The gas of one transaction that creates so many streams, each for the receiver."""

    def newest(self, count: int) -> list[int]:
        """The ids of the streams that were created last."""

    def claim(self, receiver: str, streams: list[int]) -> int:
        """The gas of one transaction that claims all that can be claimed of the streams."""

    def transfer(self, giver: str, receiver: str, stream: int) -> int: ...


def measure_streams(streams: Streams) -> Gas:
    """Gas by operation; of batches per item, rounded up."""
    streams.create("bob", 1)
    streams.chain.move_to(2 * WEEK)
    streams.claim("bob", streams.newest(1))
    gas: Gas = {}
    for name, count, recipe in _RECIPES:
        if count <= streams.largest_batch:
            with streams.chain.undone():
                gas[name] = -(-recipe(streams, count) // count)
    return gas


def _create_first(streams: Streams, count: int) -> int:
    return streams.create("alice", count)


def _create_steady(streams: Streams, count: int) -> int:
    streams.create("alice", 1)
    return streams.create("alice", count)


def _claim_first(streams: Streams, count: int) -> int:
    streams.create("alice", count)
    streams.chain.move_to(4 * WEEK)
    return streams.claim("alice", streams.newest(count))


def _claim_second(streams: Streams, count: int) -> int:
    streams.create("alice", count)
    created = streams.newest(count)
    streams.chain.move_to(4 * WEEK)
    streams.claim("alice", created)
    streams.chain.move_to(5 * WEEK)
    return streams.claim("alice", created)


def _transfer_first(streams: Streams, count: int) -> int:
    """The giver keeps another; to give the last would be cheaper by a refund."""
    streams.create("alice", count + 1)
    return streams.transfer("alice", "carol", streams.newest(1)[0])


def _transfer_steady(streams: Streams, count: int) -> int:
    streams.create("alice", count + 1)
    return streams.transfer("alice", "bob", streams.newest(1)[0])


_Recipe = tuple[str, int, Callable[[Streams, int], int]]

_RECIPES: tuple[_Recipe, ...] = (
    ("create_first", 1, _create_first),
    ("create_steady", 1, _create_steady),
    ("create_batch10", 10, _create_steady),
    ("create_batch100", 100, _create_steady),
    ("claim_first", 1, _claim_first),
    ("claim_second", 1, _claim_second),
    ("claim_batch10", 10, _claim_second),
    ("claim_batch100", 100, _claim_second),
    ("transfer_first", 1, _transfer_first),
    ("transfer_steady", 1, _transfer_steady),
)
