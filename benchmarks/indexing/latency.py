"""From a new block to its row: `chainpoints index` as a process, blocks mined one by one, the store watched."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.indexing.node import BenchmarkError, Node
from benchmarks.indexing.transfers import send_some
from chainpoints.chain.manifest import load_manifest
from chainpoints.config import Secret
from chainpoints.store.chain_rows import tip
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store

_BLOCKS = 100
_LONGEST_SECONDS = 60


def milliseconds(node: Node, database: str, *, web_socket: bool) -> tuple[float, float]:
    """Median and ninth decile, from before the block is mined until another process reads it in the store."""
    store = Store(Secret(database))
    migrate(store)
    manifest = load_manifest(node.settings.manifest)
    with _indexing(node, database, web_socket=web_socket):
        _wait_for(store, node.head())
        time.sleep(1)  # it subscribes
        waited = []
        for _ in range(_BLOCKS):
            send_some(node, manifest)
            next_block = node.head() + 1
            time.sleep(0.05)
            began = time.monotonic()
            node.rpc.call("evm_mine")
            _wait_for(store, next_block)
            waited.append(1000 * (time.monotonic() - began))
    store.close()
    return statistics.median(waited), statistics.quantiles(waited, n=10)[-1]


@contextmanager
def _indexing(node: Node, database: str, *, web_socket: bool) -> Iterator[None]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")} | {
        "CHAINPOINTS_HOME": str(node.settings.home),
        "CHAINPOINTS_DEPLOYMENTS": str(node.settings.deployments),
        "CHAINPOINTS_RPC_URL": node.url,
        "CHAINPOINTS_DATABASE": database,
    }
    if web_socket:
        environment["CHAINPOINTS_RPC_WS_URL"] = node.web_socket
    process = subprocess.Popen(
        [sys.executable, "-m", "chainpoints", "index"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_for(store: Store, number: int) -> None:
    end = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < end:
        with store.read() as connection:
            found = tip(connection)
        if found is not None and found[0] >= number:
            return
        time.sleep(0.001)
    raise BenchmarkError(f"block {number} is not in the store after {_LONGEST_SECONDS} seconds")
