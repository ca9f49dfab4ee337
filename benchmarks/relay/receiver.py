"""The merchant's server: takes webhooks, and keeps when it was first told of each order. A process of its own."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from benchmarks.relay.stack import BenchmarkError

_SECONDS = 30.0


class Receiver:
    """`url` is where it takes webhooks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.url = f"http://127.0.0.1:{self._asked('port')}/"

    def count(self) -> int:
        """How many orders it was told of."""
        return int(self._asked("count"))

    def told(self) -> dict[str, float]:
        """Monotonic times by order hash."""
        self._connection.send("told")
        return dict(self._connection.recv())

    def _asked(self, what: str) -> int:
        self._connection.send(what)
        if not self._connection.poll(_SECONDS):
            raise BenchmarkError("the receiver of webhooks does not answer")
        return int(self._connection.recv())


@contextmanager
def receiving() -> Iterator[Receiver]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_receive, args=(there,))
    process.start()
    try:
        yield Receiver(here)
    finally:
        process.terminate()
        process.join()


def _receive(connection: Connection) -> None:
    asyncio.run(_serve(connection))


async def _serve(connection: Connection) -> None:
    told: dict[str, float] = {}

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
        message = json.loads(await reader.readexactly(length))
        told.setdefault(message["data"]["order_hash"], time.monotonic())
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, backlog=256)
    answers: dict[str, Callable[[], object]] = {
        "port": lambda: server.sockets[0].getsockname()[1],
        "count": lambda: len(told),
        "told": lambda: list(told.items()),
    }
    while True:
        while connection.poll():
            connection.send(answers[connection.recv()]())
        await asyncio.sleep(0.01)
