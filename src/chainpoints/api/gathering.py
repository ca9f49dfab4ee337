"""Questions that come at once are answered by one read: many wallets cost one statement more than one wallet.

One read is on its way at a time; what is asked meanwhile waits for it and goes together into the next. Who asks alone
is read for at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

_Q = TypeVar("_Q", bound=Hashable)
_A = TypeVar("_A")

Read = Callable[[Sequence[_Q]], Mapping[_Q, _A]]
"""Answers several questions, each."""

MOST_AT_ONCE = 100


class Gathering(Generic[_Q, _A]):
    """Answers by question, for one event loop.

    The reads run in its threads where they wait for a server. A database in a file answers sooner than a thread would
    take over: such reads run in the loop itself, `MOST_AT_ONCE` at most between two looks at everything else.
    """

    def __init__(self, *, in_threads: bool) -> None:
        self._in_threads = in_threads
        self._waiting: dict[_Q, list[asyncio.Future[_A]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def ask(self, question: _Q, read: Read[_Q, _A]) -> _A:
        """The answer to `question`, out of a read that began after it was asked. What the read raises, all get."""
        future: asyncio.Future[_A] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(question, []).append(future)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_all(read))
        return await future

    async def _read_all(self, read: Read[_Q, _A]) -> None:
        try:
            while self._waiting:
                await self._all_have_asked()
                asked = {question: self._waiting.pop(question) for question in list(self._waiting)[:MOST_AT_ONCE]}
                try:
                    answers = await run_in_threadpool(read, list(asked)) if self._in_threads else read(list(asked))
                except Exception as error:
                    for future in _still_waited_for(asked.values()):
                        future.set_exception(error)
                else:
                    for question, futures in asked.items():
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
