"""A real HTTP endpoint in front of a real chain node, with a mempool of its own: it keeps transactions back, refuses
replacements that offer less than 10% more, as real nodes do, or goes silent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from lying_endpoint import LyingEndpoint

_SEND = "eth_sendRawTransaction"


class StubbornMempool(LyingEndpoint):
    """`holding` keeps transactions back and says that they were taken, `holding_of` those of some senders; `forget`
    loses what is held, as a node does that restarts; `deaf` drops the reply after taking them;
    `broken` answers every call with an error; `lacks` names methods that it does not know; `words` are what it says
    instead of geth's. It takes nothing that may cost more than an ether, and counts what was too dear."""

    def __init__(self, node_url: str) -> None:
        super().__init__(node_url)
        self.holding = self.deaf = self.broken = False
        self.lacks: set[str] = set()
        self.holding_of: set[str] = set()
        self.held: list[str] = []
        self.taken: list[dict[str, Any]] = []
        self.underpriced = self.too_dear = 0
        self.words: dict[str, str] = {}

    def answer(self, body: bytes) -> tuple[int, bytes]:
        if self.broken:
            return 200, json.dumps(_error(json.loads(body), "the database of this node is damaged")).encode()
        request = json.loads(body)
        if not isinstance(request, list) and request["method"] in self.lacks:
            return 200, json.dumps(_lacking(request)).encode()
        if isinstance(request, list) and any(one["method"] in self.lacks for one in request):
            return 200, json.dumps([self._one_of_several(one) for one in request]).encode()
        if isinstance(request, list) or request["method"] != _SEND:
            return super().answer(body)
        refusal = self._offer(request["params"][0])
        if refusal:
            return 200, json.dumps(_error(request, self.words.get(refusal, refusal))).encode()
        if self.holding or self.taken[-1]["sender"] in self.holding_of:
            self.held.append(request["params"][0])
            result = "0x" + keccak(hexstr=request["params"][0]).hex()
            return 200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode()
        status, content = super().answer(body)
        return (502, b"") if self.deaf else (status, content)

    def _one_of_several(self, request: dict[str, Any]) -> Any:
        if request["method"] in self.lacks:
            return _lacking(request)
        return json.loads(super().answer(json.dumps(request).encode())[1])

    def release(self, index: int) -> None:
        """Lets one of the held transactions through to the node."""
        body = {"jsonrpc": "2.0", "id": 1, "method": _SEND, "params": [self.held[index]]}
        super().answer(json.dumps(body).encode())

    def release_all(self) -> None:
        """Lets all held transactions through, and holds no more."""
        self.holding, self.holding_of = False, set()
        for index in range(len(self.held)):
            self.release(index)

    def forget(self) -> None:
        self.taken, self.held = [], []

    def _offer(self, raw: str) -> str | None:
        fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        if fields["gas"] * fields["maxFeePerGas"] > 10**18:
            self.too_dear += 1
            return "tx fee exceeds the configured cap (1.00 ether)"
        offer = {name: fields[name] for name in ("nonce", "maxFeePerGas", "maxPriorityFeePerGas", "data", "value")}
        offer |= {"sender": Account.recover_transaction(raw).lower(), "hash": "0x" + keccak(hexstr=raw).hex()}
        same = [other for other in self.taken if (other["sender"], other["nonce"]) == (offer["sender"], offer["nonce"])]
        if any(other["hash"] == offer["hash"] for other in same):
            return "already known"
        for fee in ("maxFeePerGas", "maxPriorityFeePerGas"):
            if same and offer[fee] * 10 < same[-1][fee] * 11:
                self.underpriced += 1
                return "replacement transaction underpriced"
        self.taken.append(offer)
        return None


def _error(request: Any, message: str, *, code: int = -32000) -> Any:
    if isinstance(request, list):
        return [_error(one, message) for one in request]
    return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message}}


def _lacking(request: Any) -> Any:
    return _error(request, "the method does not exist", code=-32601)


@contextmanager
def stubborn_mempool(node_url: str) -> Iterator[StubbornMempool]:
    endpoint = StubbornMempool(node_url)
    try:
        yield endpoint
    finally:
        endpoint.close()
