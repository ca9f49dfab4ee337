"""Open streams: who has how many, and one look at the chain's newest blocks for all of them.

While nobody listens nothing is read; while nothing happens one small read a turn serves every stream, and none holds a
thread or a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from starlette.concurrency import run_in_threadpool

from chainpoints.errors import RequestRefused, StoreUnavailable
from chainpoints.store.session import Store
from chainpoints.store.stream import Tip, tip

log = structlog.get_logger()

MOST_STREAMS, MOST_OF_A_CALLER = 1_000, 10
_SECONDS_A_TURN = 0.1
_REORGS_KEPT = 1_000


class Streams:
    """Of one process and event loop. `turn` counts the looks at the chain that found something new."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: Counter[str] = Counter()
        self._watching: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._reorgs: deque[tuple[int, int]] = deque(maxlen=_REORGS_KEPT)
        self.turn = 0
        self.tip: Tip | None = None

    def check_room(self, caller: str) -> None:
        """Raises RequestRefused (429) when the caller has as many streams open as it may, or all together have."""
        if self._open[caller] >= MOST_OF_A_CALLER or self._open.total() >= MOST_STREAMS:
            detail = f"at most {MOST_OF_A_CALLER} streams of a caller and {MOST_STREAMS} in all are open at a time"
            raise RequestRefused(429, "too-many-streams", detail, retryable=True)

    @contextmanager
    def opened(self, caller: str) -> Iterator[None]:
        """Counts a stream while it is open, and watches the chain while there is any."""
        self._open[caller] += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._open[caller] -= 1
            self._open += Counter()  # forgets callers without any
            if not self._open and self._watching:
                self._watching.cancel()
                self._watching, self.tip = None, None

    async def after(self, turn: int, seconds: float) -> bool:
        """Waits until there was another turn than that; False when there was none for so long."""
        if self.turn != turn:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
        return self.turn != turn

    def first_gone_since(self, turn: int) -> int | None:
        """The lowest block that a reorg took since that turn. Any thread may ask."""
        return min((block for when, block in tuple(self._reorgs) if when > turn), default=None)

    async def _watch(self) -> None:
        while True:
            try:
                self._seen(await run_in_threadpool(self._read))
            except StoreUnavailable:
                pass
            except Exception:
                log.exception("the newest blocks cannot be read")  # else all streams would fall silent for good
            await asyncio.sleep(_SECONDS_A_TURN)

    def _read(self) -> Tip:
        with self._store.read() as connection:
            return tip(connection, self.tip.final if self.tip else None)

    def _seen(self, found: Tip) -> None:
        before, self.tip = self.tip, found
        if before and before.head == found.head and before.hashes.get(found.head) == found.hashes.get(found.head):
            return
        self.turn += 1
        if before and (gone := _first_gone(before, found)) is not None:
            self._reorgs.append((self.turn, gone))
        self._changed.set()
        self._changed = asyncio.Event()


def _first_gone(before: Tip, now: Tip) -> int | None:
    return next(
        (
            number
            for number in range(before.final, before.head + 1)
            if before.hashes.get(number) != now.hashes.get(number)
        ),
        None,
    )
