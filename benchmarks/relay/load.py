"""Requests sent at a given rate whatever the answers: each has its time, and its latency counts from then."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

_MOST_CONNECTIONS = 1_000
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Sent:
    """`due`: monotonic time; `seconds` from then to the answer; `status` 0: there was none."""

    due: float
    seconds: float
    status: int


@dataclass
class Outcome:
    """`sent` in the order of the requests."""

    sent: list[Sent] = field(default_factory=list)

    @property
    def statuses(self) -> Counter[int]:
        return Counter(each.status for each in self.sent)

    def latency_ms(self, percent: float) -> float:
        """Of what was accepted."""
        return percentile_ms([each.seconds for each in self.sent if each.status == 202], percent)


def percentile_ms(seconds: Sequence[float], percent: float) -> float:
    ordered = sorted(seconds)
    return round(1_000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))], 1) if ordered else 0.0


def send_at(host: str, port: int, requests: Sequence[bytes], per_second: float) -> Outcome:
    """Sends them all, and waits for the answers."""
    return asyncio.run(_Load(host, port, requests, per_second).run())


class _Load:
    def __init__(self, host: str, port: int, requests: Sequence[bytes], per_second: float) -> None:
        self._host, self._port, self._requests, self._per_second = host, port, requests, per_second
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[int] = deque()
        self._open = 0
        self._due = [0.0] * len(requests)
        self._answers: list[tuple[float, int] | None] = [None] * len(requests)
        self._left = len(requests)
        self._done = asyncio.Event()

    async def run(self) -> Outcome:
        begun = time.monotonic() + 0.1
        openings: set[asyncio.Task[None]] = set()
        for number in range(len(self._requests)):
            self._due[number] = begun + number / self._per_second
            while (pause := self._due[number] - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            self._waiting.append(number)
            if self._idle:
                self.next(self._idle.popleft())
            elif self._open < _MOST_CONNECTIONS:
                self._open += 1
                opening = asyncio.ensure_future(self._connect())
                openings.add(opening)
                opening.add_done_callback(openings.discard)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), _PATIENCE_SECONDS)
        unanswered = (time.monotonic(), 0)
        answers = [answer or unanswered for answer in self._answers]
        return Outcome([Sent(due, at - due, status) for due, (at, status) in zip(self._due, answers, strict=True)])

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(lambda: _Connection(self), self._host, self._port)
        except OSError:
            self._open -= 1
            return
        self.next(connection)

    def next(self, connection: _Connection) -> None:
        """Gives a free connection the request that waits longest."""
        if self._waiting:
            number = self._waiting.popleft()
            connection.send(number, self._requests[number])
        else:
            self._idle.append(connection)

    def answered(self, number: int, status: int) -> None:
        self._answers[number] = (time.monotonic(), status)
        self._left -= 1
        if not self._left:
            self._done.set()

    def lost(self, connection: _Connection, number: int | None) -> None:
        self._open -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        if number is not None:
            self.answered(number, 0)


class _Connection(asyncio.Protocol):
    """One kept-alive HTTP/1.1 connection with one request at a time."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._number: int | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, number: int, request: bytes) -> None:
        self._number, self._buffer = number, b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or self._number is None or len(body) < _length(head):
            return
        number, self._number = self._number, None
        self._load.answered(number, int(head[9:12]))
        self._load.next(self)

    def connection_lost(self, _reason: Exception | None) -> None:
        number, self._number = self._number, None
        self._load.lost(self, number)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
