"""Fetching long stretches of a chain: ranges of a size that adapts, several in flight, handed over in order.

Threads only wait for the endpoint. All that computes is done by the one thread that asks for the ranges: threads that
compute would take turns anyway, and each turn costs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from chainpoints.chain.client import Answers, ChainClient
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
        self._threads = ThreadPoolExecutor(_IN_FLIGHT, thread_name_prefix="fetch")
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
                for found in self._fetch_in_order(first, last):
                    first = found[-1].header.number + 1
                    yield found
            except RangeTooLarge:
                if self.blocks == 1:
                    raise
                self._most = self.blocks = self.blocks // 2
                self._since_refusal = 0
            except ChainError:
                self.blocks = max(1, self.blocks // 2)
                raise

    def _fetch_in_order(self, first: int, last: int) -> Iterator[list[BlockEvents]]:
        in_flight: deque[Future[Answers]] = deque()
        try:
            while first <= last or in_flight:
                while first <= last and len(in_flight) < _IN_FLIGHT:
                    end = min(first + self.blocks - 1, last)
                    in_flight.append(self._threads.submit(self._client.download, first, end))
                    first = end + 1
                found = self._read(in_flight.popleft().result())
                self._adapt(len(found), sum(len(block.events) for block in found))
                yield found
        finally:
            for future in in_flight:
                future.cancel()

    def _read(self, answers: Answers) -> list[BlockEvents]:
        events = self._decoder.events
        return [BlockEvents(block.header, events(block.logs)) for block in self._client.read(answers)]

    def _adapt(self, blocks: int, events: int) -> None:
        """Towards the wanted number of events, at most doubling, and never by a range that was cut short."""
        if blocks < self.blocks and events < _EVENTS_WANTED:
            return
        self._since_refusal += 1
        if self._since_refusal % _RANGES_UNTIL_LARGER == 0:
            self._most = min(2 * self._most, _MOST_BLOCKS)
        fitting = blocks * _EVENTS_WANTED // max(events, 1)
        self.blocks = max(1, min(fitting, 2 * self.blocks, self._most))
