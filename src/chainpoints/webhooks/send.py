"""One delivery over HTTP: to an address that was checked, within ten seconds, without redirects.

A name is resolved once, every address that it leads to is checked, and the connection is made to one of these very
addresses: a name that leads elsewhere a moment later changes nothing. No proxy is used, no cookie kept.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chainpoints.domain.web_address import WebAddress, may_be_sent_to, parse
from chainpoints.domain.webhooks import parse_retry_after
from chainpoints.errors import InvalidInput

SECONDS = 10.0
"""From the name's resolution to the answer's end."""

MOST_ANSWER_BYTES = 1024

_WATCH_SECONDS = 0.05

Resolve = Callable[..., list[Any]]
"""As socket.getaddrinfo."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status` and `answer` are None when none came; `error` says why. `retry_after`: seconds that were asked for."""

    started_at: int
    duration_ms: int
    status: int | None
    answer: str | None
    error: str | None
    retry_after: int | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Client:
    """Sends POSTs, from several threads at once. `close` cuts what is under way."""

    def __init__(
        self,
        *,
        to_loopback: bool = False,
        resolve: Resolve = socket.getaddrinfo,
        seconds: float = SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._to_loopback, self._resolve, self._seconds = to_loopback, resolve, seconds
        self._tls = tls or ssl.create_default_context()
        self._lines: set[_Line] = set()
        self._watch: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False

    def close(self) -> None:
        self._closed = True
        for line in list(self._lines):
            line.cut()

    def post(self, url: str, body: str, headers: Mapping[str, str]) -> Outcome:
        """Never raises for what the other side does."""
        started_at, begun = int(time.time()), time.monotonic()
        status = answer = retry_after = None
        error: str | None = None
        try:
            address = parse(url, to_loopback=self._to_loopback)
            with self._line(address, begun + self._seconds) as line:
                status, answer, retry_after = line.exchange(address, body.encode(), headers)
        except InvalidInput as refused:
            error = f"nothing was sent: {refused}"
        except TimeoutError:
            error = self._no_answer()
        except ssl.SSLCertVerificationError as bad:
            error = f"its certificate is not good: {bad.verify_message}"
        except ssl.SSLError:
            error = "no TLS connection could be made with it"
        except http.client.HTTPException:
            error = "the connection ended without an HTTP answer"
        except OSError as failed:
            error = f"no connection: {failed.strerror or type(failed).__name__}"
        duration = round((time.monotonic() - begun) * 1000)
        return Outcome(started_at, duration, status, answer, error, retry_after)

    def _no_answer(self) -> str:
        return "it was interrupted" if self._closed else f"no answer within {self._seconds:g} seconds"

    @contextmanager
    def _line(self, address: WebAddress, end: float) -> Iterator[_Line]:
        line = _connect(self._checked(address), end)
        self._lines.add(line)
        try:
            self._watching()
            if self._closed:
                line.cut()
            if address.scheme == "https":
                line.secure(self._tls, address.host.rstrip("."))
            yield line
        except (OSError, http.client.HTTPException):
            if line.is_cut:
                raise TimeoutError from None
            raise
        finally:
            self._lines.discard(line)
            line.close()

    def _watching(self) -> None:
        """Starts, with the first line, the thread that cuts those whose time is over."""
        with self._starting:
            if self._watch is None:
                self._watch = threading.Thread(target=self._cut_late_ones, name="watch deliveries", daemon=True)
                self._watch.start()

    def _cut_late_ones(self) -> None:
        while not self._closed:
            now = time.monotonic()
            for line in list(self._lines):
                if line.end <= now:
                    line.cut()
            time.sleep(_WATCH_SECONDS)

    def _checked(self, address: WebAddress) -> list[tuple[Any, ...]]:
        """What the host leads to. Raises InvalidInput unless all of it may be sent to."""
        try:
            found = self._resolve(address.host, address.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        except (socket.gaierror, UnicodeError):
            raise InvalidInput("its host cannot be resolved") from None
        for _, _, _, _, where in found:
            ip = ipaddress.ip_address(str(where[0]).partition("%")[0])
            if not may_be_sent_to(ip, to_loopback=self._to_loopback):
                raise InvalidInput("its host leads to an address that is not public")
        return [(family, where) for family, _, _, _, where in found]


class _Line:
    """A connection that another thread may cut: from `end` (monotonic seconds) on it does."""

    def __init__(self, line: socket.socket, end: float) -> None:
        self._socket, self.end = line, end
        self.is_cut = False

    def cut(self) -> None:
        self.is_cut = True
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # not SSLSocket's own, which is not for two threads

    def close(self) -> None:
        self._socket.close()

    def secure(self, context: ssl.SSLContext, name: str) -> None:
        line = context.wrap_socket(self._socket, server_hostname=name, do_handshake_on_connect=False)
        self._socket = line
        line.do_handshake()

    def exchange(self, address: WebAddress, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, int | None]:
        """Status, the answer's first bytes, and the seconds of its Retry-After."""
        connection = http.client.HTTPConnection(address.host, address.port)
        connection.auto_open = False
        connection.sock = self._socket
        everything = {"host": address.host_header, "connection": "close", **headers}
        connection.request("POST", address.target, body, everything)
        with connection.getresponse() as response:
            if self.is_cut:
                raise TimeoutError
            retry_after = parse_retry_after(response.getheader("retry-after"), int(time.time()))
            answer = b""
            with contextlib.suppress(OSError, http.client.HTTPException):  # the status is there, and counts
                answer = response.read(MOST_ANSWER_BYTES)
        return response.status, answer.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}"), retry_after


def _connect(addresses: list[tuple[Any, ...]], end: float) -> _Line:
    """A connection to the first address that takes one. Raises OSError."""
    problem: OSError = OSError("its host has no address")
    for family, where in addresses:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        line = socket.socket(family, socket.SOCK_STREAM)
        try:
            line.settimeout(left)
            line.connect(where)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Line(line, end)
        except OSError as error:
            line.close()
            problem = error
    raise problem
