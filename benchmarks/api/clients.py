"""Clients that ask as fast as they are answered, each on a connection of its own.

They write HTTP/1.1 by hand: a client library would take more time than the server that is measured.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

import uvloop

_END_OF_HEADERS = b"\r\n\r\n"


@dataclass
class Asked:
    """What came of it: seconds that each answer took, how long all took, and answers that were not 200."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0
    failures: int = 0


class _Client(asyncio.Protocol):
    """One connection: sends the next path when the answer to the one before is complete."""

    def __init__(
        self, paths: Iterator[str], port: int, asked: Asked, told: Callable[[str, bytes], None] | None
    ) -> None:
        self._paths, self._asked, self._told = paths, asked, told
        self._end = f" HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: */*\r\n\r\n".encode()
        self._received, self._path = b"", ""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        headers, found, body = self._received.partition(_END_OF_HEADERS)
        if not found or len(body) < _content_length(headers):
            return
        self._asked.latencies.append(time.perf_counter() - self._sent)
        self._asked.failures += not headers.startswith(b"HTTP/1.1 200")
        if self._told:
            self._told(self._path, body)
        self._received = b""
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _ask(self) -> None:
        path = next(self._paths, None)
        if path is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._path, self._sent = path, time.perf_counter()
        self._transport.write(b"GET " + path.encode() + self._end)


def ask(port: int, paths: Iterator[str], *, clients: int, told: Callable[[str, bytes], None] | None = None) -> Asked:
    """Asks for the paths over `clients` connections at once, until there are none left."""
    asked = Asked()

    async def all_clients() -> None:
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: _Client(paths, port, asked, told), "127.0.0.1", port)
            for _ in range(clients)
        ]
        begun = time.perf_counter()
        await asyncio.gather(*(client.done for _, client in made))
        asked.seconds = time.perf_counter() - begun

    uvloop.run(all_clients())
    return asked


def _content_length(headers: bytes) -> int:
    place = headers.index(b"content-length: ") + 16
    return int(headers[place : headers.find(b"\r", place) if b"\r" in headers[place:] else None])
