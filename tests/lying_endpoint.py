"""A real HTTP endpoint in front of a real chain node, which tells a lie of the test's choice."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Lie = Callable[[str, list[Any], Any], Any]
"""From method, parameters and the node's true result to the result that is told. May raise Refuse or Fail."""


class Refuse(Exception):
    """The endpoint answers with this HTTP status instead."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Fail(Exception):
    """The endpoint answers this call with a JSON-RPC error instead."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def truth(_method: str, _parameters: list[Any], result: Any) -> Any:
    return result


def reply(handler: BaseHTTPRequestHandler, status: int, content: bytes) -> None:
    handler.send_response(status)
    handler.send_header("content-length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


class LyingEndpoint:
    """`lie` may be changed at any time; `told` counts the answers that were not the truth; `largest`: calls at once."""

    def __init__(self, node_url: str) -> None:
        self.lie: Lie = truth
        self.told = self.largest = 0
        self._node = httpx.Client(base_url=node_url, timeout=60)
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                endpoint.serve(self, body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256  # with the usual 5, connections that come at once wait a second, or are reset

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def serve(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answers one request over HTTP."""
        reply(handler, *self.answer(body))

    def answer(self, body: bytes) -> tuple[int, bytes]:
        replies = json.loads(self._node.post("/", content=body, headers={"content-type": "application/json"}).content)
        requests = json.loads(body)
        self.largest = max(self.largest, len(requests) if isinstance(requests, list) else 1)
        pairs = zip(requests, replies, strict=True) if isinstance(requests, list) else [(requests, replies)]
        try:
            for request, reply in pairs:
                if "result" in reply:
                    self._tell(request, reply)
        except Refuse as refuse:
            self.told += 1
            return refuse.status, b"{}"
        return 200, json.dumps(replies).encode()

    def _tell(self, request: dict[str, Any], reply: dict[str, Any]) -> None:
        try:
            told = self.lie(request["method"], request["params"], reply["result"])
        except Fail as fail:
            self.told += 1
            del reply["result"]
            reply["error"] = {"code": fail.code, "message": fail.message}
            return
        self.told += told != reply["result"]
        reply["result"] = told

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._node.close()


@contextmanager
def lying_endpoint(node_url: str) -> Iterator[LyingEndpoint]:
    endpoint = LyingEndpoint(node_url)
    try:
        yield endpoint
    finally:
        endpoint.close()
