"""What the webhooks' tests share: a real receiver, which verifies with the official library, and a real deliverer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

from chainpoints.config import Settings
from chainpoints.store.session import Store
from chainpoints.webhooks.send import Client as Sender
from chainpoints.webhooks.service import run_deliverer

PATIENCE_SECONDS = 30.0


@dataclass
class Received:
    """A delivery as it came; `at` is monotonic."""

    path: str
    headers: dict[str, str]
    body: str
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        return json.loads(self.body)  # type: ignore[no-any-return]

    @property
    def type(self) -> str:
        return str(self.message["type"])

    @property
    def data(self) -> dict[str, Any]:
        return self.message["data"]  # type: ignore[no-any-return]

    def verified_by(self, secret: str) -> dict[str, Any]:
        """Raises WebhookVerificationError unless it was signed with the secret."""
        return Webhook(secret).verify(self.body, self.headers)  # type: ignore[no-any-return]


Reply = Callable[[Received], tuple[int, dict[str, str], str]]


def well(_: Received) -> tuple[int, dict[str, str], str]:
    return 200, {}, "thank you"


@dataclass
class Receiver:
    """A merchant's server. `reply` says what it answers; it may take its time."""

    port: int
    reply: Reply = well
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def wait_for(self, *types: str) -> list[Received]:
        """Waits until as many came as there are types; asserts that just these did, in any order."""
        found = self.wait_until(lambda all_of_it: len(all_of_it) >= len(types), f"{types}")
        assert sorted(each.type for each in found) == sorted(types)
        return found

    def wait_until(self, holds: Callable[[list[Received]], bool], what: str = "it") -> list[Received]:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not holds(self.received):
            assert time.monotonic() < give_up_at, f"{what} did not come, but {[each.type for each in self.received]}"
            time.sleep(0.01)
        return list(self.received)

    def distinct(self) -> list[Received]:
        """Each message once, as a receiver that knows the ids that it has seen."""
        return list({each.id: each for each in self.received}.values())


@contextmanager
def receiving(reply: Reply = well) -> Iterator[Receiver]:
    receiver: Receiver

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            got = Received(self.path, headers, body, time.monotonic())
            receiver.received.append(got)
            status, extra, text = receiver.reply(got)
            try:
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())
            except OSError:
                pass  # whoever asked has gone

        def log_message(self, *_: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256  # with the usual 5, connections that come at once wait a second, or are reset

    server = Server(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_address[1], reply)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="receiver")
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def local(settings: Settings) -> Settings:
    """Settings that let webhooks go to this machine."""
    return replace(settings, webhooks_to_private=True)


@contextmanager
def delivering(settings: Settings, store: Store, *, sender: Sender | None = None) -> Iterator[None]:
    """The deliverer's process as a thread."""
    stop = threading.Event()
    thread = threading.Thread(
        target=run_deliverer, args=(local(settings), store, stop), kwargs={"client": sender}, name="deliver"
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=20)
    assert not thread.is_alive()
