"""A chain of its own to measure on. Time, accounts and order are given, so a receipt says the same gas at every run.

Transactions are real ones, each alone in its block; only their signatures are left out (anvil impersonates the sender),
which no contract can see and which costs no gas.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eth_utils.crypto import keccak

from benchmarks.ports import free_port
from chainpoints.chain.compiler import project_root
from chainpoints.chain.local import GENESIS_TIMESTAMP, LocalChain
from chainpoints.chain.rpc import Rpc
from chainpoints.chain.signer import Signer
from chainpoints.config import CHAINS
from chainpoints.errors import ChainpointsError, RpcError
from chainpoints.types import Address

BEGINNING = GENESIS_TIMESTAMP
"""The chain's first second, unix."""

_BLOCK_GAS = hex(30_000_000)
_ETHER = hex(10**24)


class MeasurementError(ChainpointsError):
    """A transaction that was to be measured did not succeed."""


def private_key(name: str) -> bytes:
    """The key of a person in a measurement: public and worthless, the same at every run."""
    return keccak(text=f"chainpoints gas {name}")


def address_of(name: str) -> Address:
    return Signer(private_key(name)).address


class Chain:
    """Sends, and says what it cost."""

    def __init__(self, rpc: Rpc, port: int) -> None:
        self.rpc, self.port = rpc, port
        rpc.call("anvil_autoImpersonateAccount", True)

    def send(self, sender: Address, to: Address, data: str) -> int:
        """The gas that the whole transaction used. Raises MeasurementError when it reverts."""
        return int(self._receipt(sender, {"to": to, "data": data})["gasUsed"], 16)

    def create(self, sender: Address, code: str) -> Address:
        """Creates a contract."""
        return Address(self._receipt(sender, {"data": code})["contractAddress"])

    def read(self, to: Address, data: str) -> str:
        result: str = self.rpc.call("eth_call", {"to": to, "data": data}, "latest")
        return result

    def move_to(self, seconds: int) -> None:
        """Mines a block so many seconds after the chain's beginning."""
        self.rpc.call("evm_mine", BEGINNING + seconds)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What is sent in the block is as if it had never been, after it."""
        beginning = self.rpc.call("evm_snapshot")
        yield
        self.rpc.call("evm_revert", beginning)

    def _receipt(self, sender: Address, fields: dict[str, str]) -> dict[str, str]:
        self.rpc.call("anvil_setBalance", sender, _ETHER)
        sent = self.rpc.call("eth_sendTransaction", {"from": sender, "gas": _BLOCK_GAS, **fields})
        while (receipt := self.rpc.call("eth_getTransactionReceipt", sent)) is None:
            time.sleep(0.001)
        if receipt["status"] != "0x1":
            raise MeasurementError(f"transaction {sent} reverted: {self._reason({'from': sender, **fields})}")
        found: dict[str, str] = receipt
        return found

    def _reason(self, call: dict[str, str]) -> str:
        try:
            self.rpc.call("eth_call", call, "latest")
        except RpcError as error:
            return str(error)
        return "as a call it succeeds"


@contextmanager
def fresh_chain() -> Iterator[Chain]:
    """A new chain with the project's own anvil, hardfork and block times; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="chainpoints-gas-") as folder:
        port = free_port()
        node = LocalChain(project_root(), Path(folder), CHAINS["local"], port)
        node.start()
        try:
            yield Chain(node.rpc, port)
        finally:
            node.stop()
