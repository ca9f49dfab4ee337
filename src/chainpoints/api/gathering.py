"""What is asked at once is answered at once: many wallets cost one statement more than one wallet, many payments one
transaction.

One answering is on its way at a time; what is asked meanwhile waits for it and goes together into the next. Who asks
alone is answered at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool
from structlog.contextvars import unbind_contextvars

_Q = TypeVar("_Q", bound=Hashable)
_A = TypeVar("_A")

Read = Callable[[Sequence[_Q]], Mapping[_Q, _A]]
"""Answers several questions. Those that it leaves out are asked again, with what was asked meanwhile; never all."""

MOST_AT_ONCE = 100


class Gathering(Generic[_Q, _A]):
    """Answers by question, for one event loop; all that ask the same one give the same `read`.

    It runs in a thread where it waits for a server or for its turn to write. A database in a file answers sooner than a
    thread would take over: such reads run in the loop itself, `MOST_AT_ONCE` at most between two looks at everything
    else.
    """

    def __init__(self, *, in_threads: bool, pace_seconds: float = 0.0) -> None:
        """`pace_seconds`: so long after an answering of several begins the next at least; after one that was asked
        alone it waits for nothing."""
        self._in_threads, self._pace_seconds = in_threads, pace_seconds
        self._next_at = 0.0
        self._waiting: dict[_Q, list[asyncio.Future[_A]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def ask(self, question: _Q, read: Read[_Q, _A]) -> _A:
        """The answer to `question`, by a `read` that began after it was asked. What that raises, all of it get."""
        future: asyncio.Future[_A] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(question, []).append(future)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_all(read))
        return await future

    async def _read_all(self, read: Read[_Q, _A]) -> None:
        unbind_contextvars("request_id")  # it works for all, not for the one whose context it has
        try:
            while self._waiting:
                await self._all_have_asked()
                if (pause := self._next_at - time.monotonic()) > 0:
                    await asyncio.sleep(pause)
                begun = time.monotonic()
                asked = {question: self._waiting.pop(question) for question in list(self._waiting)[:MOST_AT_ONCE]}
                self._next_at = begun + self._pace_seconds if len(asked) > 1 else begun
                try:
                    answers = await run_in_threadpool(read, list(asked)) if self._in_threads else read(list(asked))
                except Exception as error:
                    for future in _still_waited_for(asked.values()):
                        future.set_exception(error)
                else:
                    for question, futures in asked.items():
                        if question not in answers:
                            self._waiting.setdefault(question, []).extend(futures)
                            continue
                        for future in _still_waited_for([futures]):
                            future.set_result(answers[question])
        finally:
            self._reading = None

    async def _all_have_asked(self) -> None:
        """Waits while each turn of the event loop brings more: a few microseconds where nobody else asks."""
        before = 0
        while before < len(self._waiting) < MOST_AT_ONCE:
            before = len(self._waiting)
            await asyncio.sleep(0)


def _still_waited_for(asked: Iterable[list[asyncio.Future[_A]]]) -> Iterator[asyncio.Future[_A]]:
    return (future for futures in asked for future in futures if not future.done())
