"""JSON-RPC 2.0 over HTTP: one call or a batch, on a connection that is kept open. Knows nothing of Ethereum's types."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import urllib3

from chainpoints.config import Secret
from chainpoints.errors import RpcError

_T = TypeVar("_T")

_SHORTEST_KEY = 8

_MOST_IN_A_BATCH = 100
"""Calls: public endpoints refuse larger batches."""

_TRIES, _AT_ONCE_SECONDS = 3, 1.0
"""Of what only reads, when the endpoint drops it or answers 5xx within so long: behind it may be another machine."""

_SERVER_ERROR = 500  # HTTP, and above


class _Error(msgspec.Struct):
    message: str = ""
    code: int = 0
    data: Any = None


class _Reply(msgspec.Struct):
    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | None = None


def without_address(words: str, url: Secret) -> str:
    """What an endpoint says, with stars for each part of its own address that it repeats and that may be a key."""
    parts = [part for part in re.split(r"[/?&=:@#]+", url.reveal()) if len(part) >= _SHORTEST_KEY]
    for part in sorted(parts, key=len, reverse=True):
        words = words.replace(part, "***")
    return words


class Rpc:
    """A node's endpoint. Safe to use from several threads. Raises RpcError for the node's errors and for silence."""

    def __init__(self, url: Secret, *, timeout_seconds: float = 15.0) -> None:
        self._url = url
        self._http = urllib3.PoolManager(maxsize=8, timeout=timeout_seconds, retries=False)
        self._ids = itertools.count(1)
        self._replies = msgspec.json.Decoder(list[_Reply])
        self._reply = msgspec.json.Decoder(_Reply)

    def call(self, method: str, *params: Any) -> Any:
        """The result as plain JSON values."""
        return msgspec.json.decode(self.raw(method, *params))

    def raw(self, method: str, *params: Any) -> msgspec.Raw:
        """The result as undecoded JSON, for callers with typed structs of their own."""
        reply = self._parse(method, self._reply, self._ask(method, self._request(method, params)))
        return self._result(method, reply)

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[msgspec.Raw]:
        """The undecoded results of several calls, in the order of the calls. Raises for the first that failed."""
        starts = range(0, len(calls), _MOST_IN_A_BATCH)
        return [result for at in starts for result in self._batch(calls[at : at + _MOST_IN_A_BATCH])]

    def close(self) -> None:
        self._http.clear()

    def _batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[msgspec.Raw]:
        requests = [self._request(method, params) for method, params in calls]
        replies = self._parse("batch", self._replies, self._ask(f"batch of {len(calls)}", requests))
        by_id = {reply.id: reply for reply in replies}
        results = []
        for (method, _), request in zip(calls, requests, strict=True):
            if request["id"] not in by_id:
                raise RpcError(method, "the endpoint left this call of a batch unanswered")
            results.append(self._result(method, by_id[request["id"]]))
        return results

    def _request(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}

    def _ask(self, what: str, body: Any) -> bytes:
        """Asks again at once when no answer came, if that changes nothing on the chain."""
        for _ in range(_TRIES - 1 if _only_reads(body) else 0):
            began = time.monotonic()
            try:
                return self._ask_once(what, body)
            except RpcError as error:
                may_pass = error.code == 0 or error.code >= _SERVER_ERROR
                if not may_pass or time.monotonic() - began > _AT_ONCE_SECONDS:
                    raise
        return self._ask_once(what, body)

    def _ask_once(self, what: str, body: Any) -> bytes:
        try:
            response = self._http.request(
                "POST", self._url.reveal(), body=msgspec.json.encode(body), headers={"content-type": "application/json"}
            )
        except urllib3.exceptions.HTTPError as error:
            # The URL may carry a key: only the kind of failure is told.
            raise RpcError(
                what,
                f"no answer from the RPC endpoint ({type(error).__name__}); see that it runs and CHAINPOINTS_RPC_URL",
            ) from None
        if response.status >= _SERVER_ERROR or response.status in (401, 403, 404, 413, 429):
            raise RpcError(what, f"the RPC endpoint answered HTTP {response.status}", code=response.status)
        return response.data

    def _parse(self, what: str, decoder: msgspec.json.Decoder[_T], content: bytes) -> _T:
        try:
            return decoder.decode(content)
        except msgspec.MsgspecError as error:
            raise RpcError(what, f"the endpoint's answer is not JSON-RPC ({error})") from None

    def _result(self, method: str, reply: _Reply) -> msgspec.Raw:
        if reply.error is not None:
            message = without_address(reply.error.message, self._url)
            raise RpcError(method, message, code=reply.error.code, data=reply.error.data)
        return reply.result


def _only_reads(body: Any) -> bool:
    """Whether it may be asked twice: what moves a local chain, or sends a transaction, may not."""
    methods = [request["method"] for request in (body if isinstance(body, list) else [body])]
    return all(method.startswith("eth_") and not method.startswith("eth_send") for method in methods)
