"""Which blocks to drop and which to add, decided from the stored chain and what the node tells. Pure: no I/O.

A reorg is an ordinary event. The search for the last common block never goes below the last final one. A node whose
head is below ours and who agrees with us up to there only lags (a provider has many machines); only on the local chain,
which has one machine and can lose its last blocks in a crash, does it mean that our surplus blocks are gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from chainpoints.errors import ReorgBeyondFinality


class BlockId(NamedTuple):
    """A stored block."""

    number: int
    hash: str


class NodeBlock(Protocol):
    """What the node tells of a block."""

    @property
    def number(self) -> int: ...
    @property
    def hash(self) -> str: ...
    @property
    def parent_hash(self) -> str: ...


class Wait(NamedTuple):
    """Nothing is to be done."""


class Look(NamedTuple):
    """The node's blocks `first` to `last` are needed to decide."""

    first: int
    last: int


class Move(NamedTuple):
    """Drop what stands above `keep`, and add the node's blocks `keep + 1` to `last`."""

    keep: int
    last: int


Step = Wait | Look | Move


class LocalChain:
    """The stored blocks from the last final one to the tip, without gaps; older ones are never looked at again."""

    def __init__(self, first_block: int, stored: Sequence[BlockId], final: int, *, may_lose_blocks: bool) -> None:
        """`stored` is empty, or ends with the tip and begins no later than the last final block or `first_block`."""
        self._first_block = first_block
        self._hashes = {block.number: block.hash for block in stored}
        self._tip = stored[-1] if stored else None
        self._may_lose_blocks = may_lose_blocks
        self.final = final

    @property
    def tip(self) -> BlockId | None:
        return self._tip

    @property
    def height(self) -> int:
        """The tip's number, or the number before the first block's while nothing is stored."""
        return self._first_block - 1 if self._tip is None else self._tip.number

    def next_step(self, node: Mapping[int, NodeBlock]) -> Step:
        """What to do, given blocks of the node by number, the highest of which is its head.

        Raises ReorgBeyondFinality when the node's chain has no common block with ours above the final one.
        """
        head = max(node)
        if head <= self.height:
            return self._step_below(head, node)
        above = node.get(self.height + 1)
        if above is None:
            return Look(self.height + 1, self.height + 1)
        if self._tip is None or above.parent_hash == self._tip.hash:
            return Move(self.height, head)
        return self._step_to_common_block(self.height, head, node)

    def moved(self, keep: int, added: Sequence[BlockId]) -> None:
        """What stood above `keep` was dropped, and `added`, without gaps, put on top."""
        for number in range(keep + 1, self.height + 1):
            self._hashes.pop(number, None)
        self._hashes.update((block.number, block.hash) for block in added)
        highest = added[-1].number if added else keep
        self._tip = BlockId(highest, self._hashes[highest]) if highest in self._hashes else None

    def finalized(self, final: int) -> None:
        """Blocks up to `final` will not change. What was final stays so, whatever the node tells later."""
        self.final = max(self.final, final)
        anchor = min(self.final, self.height)
        for number in [number for number in self._hashes if number < anchor]:
            del self._hashes[number]

    def agrees(self, block: NodeBlock) -> bool:
        """False when another block is stored at this height. True where none is stored."""
        return self._hashes.get(block.number, block.hash) == block.hash

    def is_parent(self, number: int, parent_hash: str) -> bool:
        """Whether the stored block `number` has this hash. True below the first block, of which nothing is stored."""
        return number < self._first_block or self._hashes.get(number) == parent_hash

    def _step_below(self, head: int, node: Mapping[int, NodeBlock]) -> Step:
        if head < self._lowest():
            if self._tip is not None and self._may_lose_blocks:
                raise ReorgBeyondFinality(self._lowest(), self._hashes[self._lowest()], None)
            return Wait()
        if node[head].hash != self._hashes[head]:
            return self._step_to_common_block(head, head, node)
        return Move(head, head) if head < self.height and self._may_lose_blocks else Wait()

    def _step_to_common_block(self, start: int, head: int, node: Mapping[int, NodeBlock]) -> Step:
        """Looks down from `start` for the highest block that both have, in strides that double."""
        lowest = self._lowest()
        for number in range(start, lowest - 1, -1):
            child = node.get(number + 1)
            if child is not None and child.parent_hash == self._hashes[number]:
                return Move(number, head)
            if number not in node:
                return Look(max(lowest, number - 2 * (start - number)), number)
            if node[number].hash == self._hashes[number]:
                return Move(number, head)
        if lowest > self.final:
            return Move(lowest - 1, head)  # nothing stored is final yet: all of it may go
        raise ReorgBeyondFinality(lowest, self._hashes[lowest], node[lowest].hash)

    def _lowest(self) -> int:
        """The lowest block to compare: the last final one that is stored, else the first."""
        return max(min(self.final, self.height), self._first_block)
