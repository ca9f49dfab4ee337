"""The chains that are indexed: each is built once, saved in build/bench-indexing, and loaded by later runs."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.ports import free_port
from chainpoints.chain.compiler import Artifact, load_artifacts, project_root
from chainpoints.chain.deployment import deploy_to
from chainpoints.chain.local import GENESIS_TIMESTAMP, anvil_binary
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.rpc import Rpc
from chainpoints.config import CHAINS, Secret, Settings, load_settings
from chainpoints.errors import ChainpointsError, RpcError
from chainpoints.types import Address

HOME = project_root() / "build" / "bench-indexing"
CHAIN_ID = CHAINS["local"].chain_id
_BLOCK_GAS = 10**10
_AT_ONCE = 200
"""Transactions in one request."""


class BenchmarkError(ChainpointsError):
    """Something that was to be measured could not be."""


class Node:
    """An anvil with our deployment on it. `folder` holds its manifest and its saved state."""

    def __init__(self, port: int, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.web_socket = f"ws://127.0.0.1:{port}"
        self.rpc = Rpc(Secret(self.url), timeout_seconds=300)
        self.settings = _settings(port, folder)

    def head(self) -> int:
        return int(self.rpc.call("eth_blockNumber"), 16)

    def now(self) -> int:
        """The head's timestamp, unix seconds."""
        return int(self.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def give_ether(self, accounts: Sequence[Address]) -> None:
        self.rpc.batch([("anvil_setBalance", [account, hex(10**24)]) for account in accounts])

    def mine(self, calls: Sequence[tuple[Address, Address, str]], gas: int) -> None:
        """One block of calls (sender, to, data), with so much gas each. Raises BenchmarkError when one fails."""
        self.rpc.call("evm_setAutomine", False)
        sent: list[Any] = []
        for start in range(0, len(calls), _AT_ONCE):
            requests = [
                {"from": sender, "to": to, "data": data, "gas": hex(gas)}
                for sender, to, data in calls[start : start + _AT_ONCE]
            ]
            sent += self.rpc.batch([("eth_sendTransaction", [request]) for request in requests])
        self.rpc.call("evm_mine")
        receipts = self.rpc.call("eth_getBlockReceipts", "latest")
        if [receipt["status"] for receipt in receipts] != ["0x1"] * len(sent):
            raise BenchmarkError(f"of {len(sent)} transactions of block {self.head()} not each was mined and succeeded")


@contextmanager
def chain(name: str, build: Callable[[Node, Manifest, dict[str, Artifact]], None]) -> Iterator[Node]:
    """The chain of this name, built by `build` when there is none saved; it ends with the block."""
    folder = HOME / name
    with _anvil(folder) as node:
        if not (folder / "built").exists():
            artifacts = load_artifacts()
            node.rpc.call("anvil_autoImpersonateAccount", True)
            build(node, deploy_to(node.settings, artifacts, _silent), artifacts)
            node.rpc.call("evm_setAutomine", True)
        yield node


@contextmanager
def _anvil(folder: Path) -> Iterator[Node]:
    """A node with the saved chain of the folder, or a new one, which is saved when all went well."""
    port, state, built = free_port(), folder / "state.json", folder / "built"
    if not built.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    saving = ["--load-state", str(state)] if built.exists() else ["--dump-state", str(state)]
    command = [
        str(anvil_binary(project_root())),
        *("--port", str(port), "--chain-id", str(CHAIN_ID), "--timestamp", str(GENESIS_TIMESTAMP)),
        *("--cache-path", str(folder / "states")),
        *("--quiet", "--hardfork", "prague", "--no-request-size-limit", "--gas-limit", str(_BLOCK_GAS), *saving),
    ]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        node = Node(port, folder)
        _wait_until_it_answers(node, process)
        yield node
        process.send_signal(signal.SIGINT)
        if process.wait() == 0 and state.exists():
            built.touch()
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder / "states", ignore_errors=True)


def _wait_until_it_answers(node: Node, process: subprocess.Popen[bytes]) -> None:
    for _ in range(2400):
        try:
            node.rpc.call("anvil_setBlockTimestampInterval", 1)
            return
        except RpcError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    raise BenchmarkError("anvil does not start; remove build/bench-indexing and try again")


def _settings(port: int, folder: Path) -> Settings:
    return load_settings(
        {
            "CHAINPOINTS_HOME": str(folder / "home"),
            "CHAINPOINTS_DEPLOYMENTS": str(folder / "deployments"),
            "CHAINPOINTS_CHAIN_PORT": str(port),
        }
    )


def _silent(_line: str) -> None:
    """The deployment's progress is not what is asked here."""
