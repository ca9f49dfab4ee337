"""Fetching long stretches of a chain: ranges of a size that adapts, several in flight, handed over in order.

Threads only wait for the endpoint. All that computes is done by the one thread that asks for the ranges: threads that
compute would take turns anyway, and each turn costs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from chainpoints.chain.client import Answers, Block, ChainClient
from chainpoints.chain.events import EventDecoder
from chainpoints.errors import ChainError, RangeTooLarge
from chainpoints.indexer.project import BlockEvents

_EVENTS_WANTED = (
    10_000  # in a range: few enough for the processor's caches and the memory, many enough for the database
)
_MOST_BLOCKS = 2_000
_IN_FLIGHT = 6

_RANGES_UNTIL_LARGER = 100
"""After so many, a larger range than the one that was refused is tried: a cap may be on results, which vary."""


class Ranges:
    """Fetches blocks and their events. The size of a range follows what came, and is halved by each error.

    An endpoint that finds a range too large is asked again at once; other errors are the caller's to wait for.
    """

    def __init__(self, client: ChainClient, decoder: EventDecoder) -> None:
        self._client, self._decoder = client, decoder
        self._threads = ThreadPoolExecutor(_IN_FLIGHT + 1, thread_name_prefix="fetch")
        self.blocks = 64
        """How many blocks the next range has."""
        self._most = _MOST_BLOCKS
        self._since_refusal = 0

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def fetch(self, first: int, last: int) -> Iterator[list[BlockEvents]]:
        """The blocks from `first` to `last`, in order, a range at a time. Raises RpcError and InconsistentChain."""
        while first <= last:
            try:
                for blocks in self._with_their_ends(self._fetch_in_order(first, last)):
                    first = blocks[-1].header.number + 1
                    yield [BlockEvents(block.header, self._decoder.events(block.logs)) for block in blocks]
            except RangeTooLarge:
                if self.blocks == 1:
                    raise
                self._most = self.blocks = self.blocks // 2
                self._since_refusal = 0
            except ChainError:
                self.blocks = max(1, self.blocks // 2)
                raise

    def _fetch_in_order(self, first: int, last: int) -> Generator[list[Block]]:
        in_flight: deque[Future[Answers]] = deque()
        try:
            while first <= last or in_flight:
                while first <= last and len(in_flight) < _IN_FLIGHT:
                    end = min(first + self.blocks - 1, last)
                    in_flight.append(self._threads.submit(self._client.download, first, end))
                    first = end + 1
                blocks = self._client.read(in_flight.popleft().result())
                self._adapt(len(blocks), sum(len(block.logs) for block in blocks))
                yield blocks
        finally:
            for future in in_flight:
                future.cancel()

    def _with_their_ends(self, ranges: Generator[list[Block]]) -> Iterator[list[Block]]:
        """Asks for the end of each range while the next one is read. What came before an error is handed over first."""
        before: Future[list[Block]] | None = None
        try:
            with closing(ranges):
                for blocks in ranges:
                    asked = self._threads.submit(self._with_its_end, blocks)
                    if before is not None:
                        yield before.result()
                    before = asked
        except ChainError:
            if before is not None:
                yield before.result()
            raise
        if before is not None:
            yield before.result()

    def _with_its_end(self, blocks: list[Block]) -> list[Block]:
        """An answer is cut off at its end: in the last of the blocks that has logs."""
        last = next((place for place in reversed(range(len(blocks))) if blocks[place].logs), None)
        if last is not None:
            blocks[last] = self._client.with_its_end(blocks[last])
        return blocks

    def _adapt(self, blocks: int, events: int) -> None:
        """Towards the wanted number of events, at most doubling, and never by a range that was cut short."""
        if blocks < self.blocks and events < _EVENTS_WANTED:
            return
        self._since_refusal += 1
        if self._since_refusal % _RANGES_UNTIL_LARGER == 0:
            self._most = min(2 * self._most, _MOST_BLOCKS)
        fitting = blocks * _EVENTS_WANTED // max(events, 1)
        self.blocks = max(1, min(fitting, 2 * self.blocks, self._most))
