"""A small external signer with web3signer's HTTP API, over real HTTP and with real signatures."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from builders import free_port

_SIGN = "/api/v1/eth1/sign/"


class Web3Signer:
    """Holds `keys`. `up`: whether it answers at all; `slow_seconds`: how long it takes; `impostor`: a key that it signs
    with instead; `garbled`: it answers no signature. `signed` counts its signatures."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = {PrivateKey(key).public_key.to_hex(): PrivateKey(key) for key in keys}
        self.up, self.slow_seconds, self.impostor, self.garbled = True, 0.0, b"", False
        self.signed = 0
        signer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._answer(*signer.get(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self._answer(*signer.post(self.path, json.loads(body)))

            def _answer(self, status: int, content: str) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content.encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def get(self, path: str) -> tuple[int, str]:
        if not self.up:
            return 503, "down"
        if path == "/upcheck":
            return 200, "OK"
        return (200, json.dumps(list(self.keys))) if path == "/api/v1/eth1/publicKeys" else (404, "")

    def post(self, path: str, body: dict[str, str]) -> tuple[int, str]:
        time.sleep(self.slow_seconds)
        if not self.up:
            return 503, "down"
        key = self.keys.get(path.removeprefix(_SIGN))
        if key is None:
            return 404, "Public Key not found"
        if self.garbled:
            return 200, "0x1234"
        signature = (PrivateKey(self.impostor) if self.impostor else key).sign_msg_hash(keccak(hexstr=body["data"]))
        self.signed += 1
        return 200, f"0x{signature.r:064x}{signature.s:064x}{signature.v + 27:02x}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def web3signer(keys: Sequence[bytes]) -> Iterator[Web3Signer]:
    signer = Web3Signer(keys)
    try:
        yield signer
    finally:
        signer.close()
