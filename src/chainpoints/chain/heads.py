"""New blocks as a node tells of them by itself: a WebSocket subscription (eth_subscribe, newHeads).

It says only that something is new. What is new is asked for as ever, so nothing that comes here needs to be believed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import structlog
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from chainpoints.config import Secret

log = structlog.get_logger()

_SUBSCRIBE = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
_CONNECT_SECONDS = 10.0
_LONGEST_SILENCE_SECONDS = 60.0
_RECONNECT_SECONDS = 2.0


@contextmanager
def subscribed(url: Secret, seconds: float) -> Iterator[Connection]:
    """A connection, made within `seconds`, on which new blocks were asked for: its first message is the answer to that.

    Raises OSError, WebSocketException, or ValueError for an address that is none.
    """
    with connect(url.reveal(), open_timeout=seconds, close_timeout=1, max_size=None) as connection:
        connection.send(_SUBSCRIBE, text=True)
        yield connection


class HeadBell:
    """Rings at each new block. While the subscription is broken or silent it does not ring, and is made anew."""

    def __init__(self, url: Secret) -> None:
        self._url = url
        self._rung, self._closed = threading.Event(), threading.Event()
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._listen, name="heads", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Until it rings, or has rung since the last time; at most so long. Whether it has."""
        rung = self._rung.wait(seconds)
        self._rung.clear()
        return rung

    def close(self) -> None:
        self._closed.set()
        if self._connection is not None:
            self._connection.close()
        self._thread.join(timeout=_CONNECT_SECONDS)

    def _listen(self) -> None:
        told = ""
        while not self._closed.is_set():
            try:
                self._subscribe()
                told = ""
            except (OSError, WebSocketException, ValueError) as error:
                # The address may carry a key: only the kind of failure is told, once.
                if not self._closed.is_set() and told != (told := type(error).__name__):
                    log.warning("no news of blocks by WebSocket: polling alone", error=told)
            self._closed.wait(_RECONNECT_SECONDS)

    def _subscribe(self) -> None:
        with subscribed(self._url, _CONNECT_SECONDS) as connection:
            self._connection = connection
            while not self._closed.is_set():
                connection.recv(timeout=_LONGEST_SILENCE_SECONDS)
                self._rung.set()
