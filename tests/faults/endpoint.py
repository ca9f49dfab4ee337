"""An RPC endpoint in front of a real node that fails in each way that providers are known for, drawn from a seed.

What it never does is to lie consistently: no gateway with one provider could tell that from the truth.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

from lying_endpoint import LyingEndpoint, reply

Request = dict[str, Any]

# Of the connection: any request can meet them.
CONNECTION = ("delay", "drop", "lost answer", "truncated", "half open", "HTTP 429", "HTTP 503", "HTML", "node error")
# Of batches.
BATCH = ("part of a batch", "batch in another order")
# Of one method's answer, by method.
ANSWER = {
    "eth_getLogs": ("no logs", "a log missing", "a log twice", "a log of another block"),
    "eth_getBlockByNumber": ("lagging head", "head ahead", "no block"),
    "eth_getTransactionReceipt": ("no receipt",),
    "eth_getTransactionCount": ("lagging count",),
    "eth_chainId": ("wrong chain",),
    "eth_sendRawTransaction": ("underpriced", "nonce too low", "sent twice"),
}
KINDS = (*CONNECTION, *BATCH, *(kind for kinds in ANSWER.values() for kind in kinds))

_HALF_OPEN_SECONDS = 1.0
_REFUSALS = {"underpriced": "replacement transaction underpriced", "nonce too low": "nonce too low"}


class FaultyEndpoint(LyingEndpoint):
    """`share` of the requests go wrong, in one of `kinds`; both may be changed. `seen` counts the faults that changed
    what came: each kind that fits gets its turn, so that the rare ones are met too."""

    def __init__(self, node_url: str, seed: int, kinds: tuple[str, ...] = KINDS) -> None:
        super().__init__(node_url)
        self._random = random.Random(seed)
        self.kinds, self.share = kinds, 0.0
        self.seen: Counter[str] = Counter()
        self._drawn: Counter[str] = Counter()

    def serve(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        with suppress(BrokenPipeError, ConnectionResetError, json.JSONDecodeError):  # whoever asked was killed
            kind = self._draw(json.loads(body))
            if kind in CONNECTION:
                self.seen[kind] += 1
                self._break(handler, body, kind)
            else:
                reply(handler, *self._wrong(body, kind))

    def _draw(self, asked: Request | list[Request]) -> str | None:
        if self._random.random() >= self.share:
            return None
        requests = asked if isinstance(asked, list) else [asked]
        fitting = [*CONNECTION, *(BATCH if len(requests) > 1 else ())]
        fitting += [kind for request in requests for kind in ANSWER.get(request["method"], ())]
        fitting = [kind for kind in fitting if kind in self.kinds]
        if not fitting:
            return None
        kind = min(fitting, key=lambda kind: (self._drawn[kind], self._random.random()))
        self._drawn[kind] += 1
        return kind

    def _break(self, handler: BaseHTTPRequestHandler, body: bytes, kind: str | None) -> None:
        match kind:
            case "delay":
                time.sleep(self._random.uniform(0.02, 0.4))
                reply(handler, *self.answer(body))
            case "drop":
                handler.close_connection = True
            case "lost answer":
                self.answer(body)
                handler.close_connection = True
            case "truncated":
                _, content = self.answer(body)
                handler.send_response(200)
                handler.send_header("content-length", str(len(content)))
                handler.end_headers()
                handler.wfile.write(content[: len(content) // 2])
                handler.close_connection = True
            case "half open":
                handler.send_response(200)
                handler.send_header("content-length", "100000")
                handler.end_headers()
                handler.wfile.flush()
                time.sleep(_HALF_OPEN_SECONDS)
                handler.close_connection = True
            case "HTTP 429":
                reply(handler, 429, b'{"error": "slow down"}')
            case "HTTP 503":
                reply(handler, 503, b"")
            case "HTML":
                reply(handler, 200, b"<html><body>Bad gateway</body></html>")
            case "node error":
                asked = json.loads(body)
                errors = [_error(each, "the node is busy") for each in (asked if isinstance(asked, list) else [asked])]
                reply(handler, 200, json.dumps(errors if isinstance(asked, list) else errors[0]).encode())

    def _wrong(self, body: bytes, kind: str | None) -> tuple[int, bytes]:
        asked = json.loads(body)
        if kind in _REFUSALS:
            self.seen[kind] += 1
            return 200, json.dumps(_error(asked, _REFUSALS[kind])).encode()
        if kind == "sent twice":
            self.seen[kind] += 1
            self.answer(body)
            return self.answer(body)
        status, content = self.answer(body)
        if kind is None or status != 200:
            return status, content
        answers = json.loads(content)
        if kind == "part of a batch":
            answers = answers[:-1]
        elif kind == "batch in another order":
            answers = answers[::-1]
        else:
            pairs = zip(asked, answers, strict=True) if isinstance(asked, list) else [(asked, answers)]
            for request, answer in pairs:
                if kind in ANSWER.get(request["method"], ()) and answer.get("result") is not None:
                    answer["result"] = self._falsified(kind, request, answer["result"])
        self.seen[kind] += answers != json.loads(content)
        return 200, json.dumps(answers).encode()

    def _falsified(self, kind: str, request: Request, result: Any) -> Any:
        match kind:
            case "no logs":
                return []
            case "a log missing":
                return result[:-1]
            case "a log twice":
                return [*result, result[-1]] if result else result
            case "a log of another block":
                return [{**log, "blockHash": "0x" + "ab" * 32} for log in result]
            case "lagging head":
                return self._block(request, int(result["number"], 16) - self._random.randint(1, 4), result)
            case "head ahead":
                ahead = hex(int(result["number"], 16) + 2)
                latest = request["params"][0] == "latest"
                return {**result, "number": ahead, "hash": "0x" + "cd" * 32} if latest else result
            case "no block" | "no receipt":
                return None
            case "lagging count":
                return hex(max(0, int(result, 16) - 1))
            case "wrong chain":
                return "0x1"
        raise AssertionError(kind)

    def _block(self, request: Request, number: int, result: Any) -> Any:
        """An older block where the newest was asked for."""
        if request["params"][0] != "latest" or number < 0:
            return result
        older = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": [hex(number), False]}
        _, content = self.answer(json.dumps(older).encode())
        return json.loads(content).get("result") or result


def _error(request: Request, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32000, "message": message}}


@contextmanager
def faulty_endpoint(node_url: str, seed: int, kinds: tuple[str, ...] = KINDS) -> Iterator[FaultyEndpoint]:
    endpoint = FaultyEndpoint(node_url, seed, kinds)
    try:
        yield endpoint
    finally:
        endpoint.close()
