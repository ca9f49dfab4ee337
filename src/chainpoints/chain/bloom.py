"""Whether a block's logs are all there: its header's bloom filter (Yellow Paper, 4.3.1) against the logs that came.

A filter is an int of 2048 bits. Every address and topic of every log of the block sets three bits of it, so equal
filters say that no kind of log is missing, and indices that run from 0 that none was left out in between. What could
still be missing is a log at a block's end whose address and topics are all those of earlier logs of the same block.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Protocol

from eth_utils.crypto import keccak

_CACHED = 50_000  # filters are about 300 bytes each


class LogTopics(Protocol):
    """What of a log enters the filter."""

    @property
    def address(self) -> str: ...
    @property
    def topics(self) -> Sequence[str]: ...
    @property
    def log_index(self) -> int: ...


class _Masks(dict[str, int]):
    """The filter of each 0x text, kept: the same accounts and topics come again and again."""

    def __missing__(self, text: str) -> int:
        if len(self) >= _CACHED:
            self.clear()
        digest = keccak(bytes.fromhex(text[2:]))
        mask = 0
        for at in (0, 2, 4):
            mask |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
        self[text] = mask
        return mask


_masks = _Masks()


def mask_of(text: str) -> int:
    """The filter of one address or topic."""
    return _masks[text]


def may_hold(bloom: int, addresses: Iterable[str]) -> bool:
    """False when certainly none of the addresses logged anything in the block. True can be a coincidence."""
    return any(bloom & (mask := _masks[address]) == mask for address in addresses)


def is_whole(bloom: int, logs: Sequence[LogTopics]) -> bool:
    """True when these logs, in order, are all the logs of the block whose header has this filter."""
    texts: set[str] = set()
    for place, log in enumerate(logs):
        if log.log_index != place:
            return False
        texts.add(log.address)
        texts.update(log.topics)
    return reduce(or_, map(_masks.__getitem__, texts), 0) == bloom
