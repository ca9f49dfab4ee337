"""What the relayer asks of a chain node: one look at everything it needs to know, a simulation, a broadcast."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from chainpoints.chain.rpc import Rpc
from chainpoints.config import Chain
from chainpoints.errors import RpcError
from chainpoints.relayer.kinds import Call

_METHOD_NOT_FOUND = (-32601, -32004)
_REVERTED = 3
_SUGGESTION = "eth_maxPriorityFeePerGas"
_HISTORY: tuple[str, Sequence[Any]] = ("eth_feeHistory", ["0xa", "latest", [50]])
"""For nodes without the former: what half of the gas of each of the last ten blocks paid at least."""

_KNOWN_ALREADY = ("alreadyknown", "alreadyimported", "knowntransaction", "alreadyexists", "noncetoolow", "oldnonce")
_OFFERS_TOO_LITTLE = ("underpriced", "feetoolow", "replacementnotallowed", "lessthanblockbasefee")
"""As nodes of several makes say it; without blanks, which some leave out."""

_VM_ERROR = -32015
"""Of a simulated call that ended for another reason than a revert."""

_T = TypeVar("_T")


class _Block(msgspec.Struct, rename="camel"):
    number: str
    hash: str
    timestamp: str
    base_fee_per_gas: str = "0x0"


class _FeeHistory(msgspec.Struct):
    reward: list[list[str]] | None = None


class _Receipt(msgspec.Struct, rename="camel"):
    transaction_hash: str
    block_number: str
    block_hash: str
    status: str
    gas_used: str = "0x0"
    effective_gas_price: str = "0x0"
    l1_fee: str | None = "0x0"


class _CallError(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: str | None = None


class _SimulatedCall(msgspec.Struct, rename="camel"):
    """Of a call that reverted some nodes (geth, reth) give the data in `error`, others (anvil) as what it returned."""

    status: str
    gas_used: str
    return_data: str = "0x"
    error: _CallError | None = None


class _SimulatedBlock(msgspec.Struct):
    calls: list[_SimulatedCall]


@dataclass(frozen=True, slots=True)
class Receipt:
    hash: str
    block: tuple[int, str]
    succeeded: bool
    cost_wei: int


@dataclass(frozen=True, slots=True)
class View:
    """The chain as one look saw it. `count`: how many transactions of the sender are in blocks. Fees in wei per gas."""

    number: int
    hash: str
    timestamp: int
    final: int
    base_fee: int
    priority_fee: int
    count: int
    balance: int
    receipts: dict[str, Receipt]
    stands: bool
    """Whether the block that was asked about is still in the chain."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A simulated call failed. `data` is the revert data (0x text); None when the gas was not enough."""

    data: str | None


class Node:
    """An RPC endpoint as one sender needs it. Every method raises RpcError when the node does not answer."""

    def __init__(self, rpc: Rpc, chain: Chain, sender: str) -> None:
        self._rpc, self._chain, self._sender = rpc, chain, sender
        self._simulates = self._suggests = True
        self._head = "latest"

    def look(self, known: tuple[int, str] | None, hashes: Sequence[str]) -> View:
        """One round trip. `known`: a block (number, hash) to look for; `hashes`: of transactions to look for."""
        try:
            return self._look(known, hashes)
        except RpcError as error:
            if error.method != _SUGGESTION or error.code not in _METHOD_NOT_FOUND:
                raise
            self._suggests = False
            return self._look(known, hashes)

    def _look(self, known: tuple[int, str] | None, hashes: Sequence[str]) -> View:
        asked: list[tuple[str, Sequence[Any]]] = [
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_getTransactionCount", [self._sender, "latest"]),
            ("eth_getBalance", [self._sender, "latest"]),
            (_SUGGESTION, []) if self._suggests else _HISTORY,
            ("eth_getBlockByNumber", [hex(known[0]) if known else "latest", False]),
        ]
        depth = self._chain.finality_depth
        if depth is None:
            asked.append(("eth_getBlockByNumber", ["finalized", False]))
        answers = self._rpc.batch([*asked, *(("eth_getTransactionReceipt", [item]) for item in hashes)])
        head = _decode(answers[0], _Block)
        self._head = head.number
        count, balance = (int(_decode(answer, str), 16) for answer in answers[1:3])
        priority_fee = int(_decode(answers[3], str), 16) if self._suggests else _median_reward(answers[3])
        there = _decode(answers[4], _Block | None)
        final = int(_decode(answers[5], _Block).number, 16) if depth is None else int(head.number, 16) - depth
        return View(
            number=int(head.number, 16),
            hash=head.hash,
            timestamp=int(head.timestamp, 16),
            final=final,
            base_fee=int(head.base_fee_per_gas, 16),
            priority_fee=priority_fee,
            count=count,
            balance=balance,
            receipts=_receipts(answers[len(asked) :]),
            stands=known is None or (there is not None and there.hash == known[1]),
        )

    def receipts(self, hashes: Sequence[str]) -> dict[str, Receipt]:
        """Receipts by transaction hash; what is in no block is left out."""
        return _receipts(self._rpc.batch([("eth_getTransactionReceipt", [item]) for item in hashes]))

    def has_blocks(self, blocks: Sequence[tuple[int, str]]) -> bool:
        """Whether all of these (number, hash) are in the chain."""
        answers = self._rpc.batch([("eth_getBlockByNumber", [hex(number), False]) for number, _ in blocks])
        found = [_decode(answer, _Block | None) for answer in answers]
        return all(block and block.hash == wanted for block, (_, wanted) in zip(found, blocks, strict=True))

    def with_code(self, accounts: Collection[str]) -> set[str]:
        """Those that have code: contracts, and key holders that delegated to one (EIP-7702)."""
        asked = sorted(set(accounts))
        answers = self._rpc.batch([("eth_getCode", [account, "latest"]) for account in asked])
        return {account for account, code in zip(asked, answers, strict=True) if _decode(code, str) != "0x"}

    def simulate(self, call: Call, timestamp: int, gas: int | None = None) -> int | Failed:
        """The gas that the call would take in a block at `timestamp`, right after the head of the last look: with one
        that came since, the time might not be after it. `gas`: all it is given.

        eth_simulateV1 runs it once; eth_estimateGas, for nodes without the former, some twenty times.
        """
        if self._simulates:
            try:
                return self._simulate(call, timestamp, gas)
            except RpcError as error:
                if error.code not in _METHOD_NOT_FOUND:
                    raise
                self._simulates = False
        return self._estimate(call, gas)

    def broadcast(self, raw: str) -> None:
        """Hands over signed bytes. A node that has them already, or their nonce in a block, is content."""
        try:
            self._rpc.call("eth_sendRawTransaction", raw)
        except RpcError as error:
            if not _says(error, _KNOWN_ALREADY):
                raise

    def _simulate(self, call: Call, timestamp: int, gas: int | None) -> int | Failed:
        blocks = [{"blockOverrides": {"time": hex(timestamp)}, "calls": [self._transaction(call, gas)]}]
        answer = self._rpc.raw("eth_simulateV1", {"blockStateCalls": blocks}, self._head)
        done = _decode(answer, list[_SimulatedBlock])[0].calls[0]
        if int(done.status, 16):
            return int(done.gas_used, 16)
        error = done.error or _CallError()
        if error.code == _VM_ERROR and "out of gas" in error.message.lower():
            return Failed(None)
        return Failed(done.return_data if error.data in (None, "0x") else error.data)

    def _estimate(self, call: Call, gas: int | None) -> int | Failed:
        try:
            return int(self._rpc.call("eth_estimateGas", self._transaction(call, gas), "pending"), 16)
        except RpcError as error:
            if isinstance(error.data, str) and error.data.startswith("0x"):
                return Failed(error.data)
            if error.code == _REVERTED:
                return Failed("0x")
            if "gas required exceeds" in str(error).lower() or "out of gas" in str(error).lower():
                return Failed(None)
            raise

    def _transaction(self, call: Call, gas: int | None) -> dict[str, str]:
        limit = {} if gas is None else {"gas": hex(gas)}
        return {"from": self._sender, "to": call.to, "data": call.data} | limit


def offers_too_little(error: RpcError) -> bool:
    """Whether the node refuses a transaction for its fees, its own or those of the one that it would replace."""
    return _says(error, _OFFERS_TOO_LITTLE)


def _says(error: RpcError, words: Sequence[str]) -> bool:
    said = str(error).lower().replace(" ", "")
    return any(word in said for word in words)


def _receipts(answers: Sequence[msgspec.Raw]) -> dict[str, Receipt]:
    found = [_decode(answer, _Receipt | None) for answer in answers]
    return {
        receipt.transaction_hash: Receipt(
            hash=receipt.transaction_hash,
            block=(int(receipt.block_number, 16), receipt.block_hash),
            succeeded=bool(int(receipt.status, 16)),
            cost_wei=_cost(receipt),
        )
        for receipt in found
        if receipt is not None
    }


def _median_reward(answer: msgspec.Raw) -> int:
    """0 for blocks that tell of none: the policy has a floor."""
    rewards = sorted(int(block[0], 16) for block in _decode(answer, _FeeHistory).reward or () if block)
    return rewards[len(rewards) // 2] if rewards else 0


def _cost(receipt: _Receipt) -> int:
    """Rollups add what their data costs on the chain below."""
    return int(receipt.gas_used, 16) * int(receipt.effective_gas_price, 16) + int(receipt.l1_fee or "0x0", 16)


def _decode(answer: msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.MsgspecError as error:
        raise RpcError("look", f"the endpoint's answer is not of the expected form ({error})") from None
