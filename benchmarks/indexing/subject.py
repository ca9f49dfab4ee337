"""What is measured, each in a process of its own: `python -m benchmarks.indexing.subject <what> <chain folder> …`.

The last line of its output is what came of it, as JSON.
"""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from sqlalchemy import Connection, func, select

from chainpoints.chain.client import ChainClient, _header, _logs
from chainpoints.chain.events import EventDecoder
from chainpoints.chain.manifest import Manifest, load_manifest
from chainpoints.chain.rpc import Rpc
from chainpoints.config import CHAINS, Secret
from chainpoints.indexer.follow import Follower
from chainpoints.store.chain_rows import CHAIN_TABLES
from chainpoints.store.digest import digest
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store

_FLOOR_BLOCKS, _FLOOR_IN_FLIGHT = 100, 4


class Outcome(msgspec.Struct, frozen=True):
    """`seconds` from the first question to the node until the last row is committed."""

    seconds: float
    cpu_seconds: float
    """Of this process alone, also before and after."""
    peak_rss_mb: float
    events: int
    digest: str = ""


def floor(url: str, manifest: Manifest) -> Outcome:
    """Download and parse: headers and logs as typed structs, unchecked, and nothing done with them."""
    rpc = Rpc(Secret(url))
    addresses = [contract.address for contract in manifest.contracts.values()]
    began = time.monotonic()
    head = int(rpc.call("eth_blockNumber"), 16)

    def fetch(first: int) -> int:
        last = min(first + _FLOOR_BLOCKS - 1, head)
        for header in rpc.batch([("eth_getBlockByNumber", (hex(number), False)) for number in range(first, last + 1)]):
            _header.decode(header)
        query = {"fromBlock": hex(first), "toBlock": hex(last), "address": addresses}
        return len(_logs.decode(rpc.raw("eth_getLogs", query)))

    with ThreadPoolExecutor(_FLOOR_IN_FLIGHT) as threads:
        found = sum(threads.map(fetch, range(manifest.first_block, head + 1, _FLOOR_BLOCKS)))
    return Outcome(time.monotonic() - began, time.process_time(), _peak_rss_mb(), found)


def ours(url: str, manifest: Manifest, database: str) -> Outcome:
    """As `chainpoints index` reads a chain that it has never seen, from its beginning to its head."""
    store, rpc = Store(Secret(database)), Rpc(Secret(url))
    migrate(store)
    client = ChainClient(rpc, [contract.address for contract in manifest.contracts.values()])
    follower = Follower(client, EventDecoder(manifest), store, CHAINS["local"], manifest.first_block, threading.Event())
    began = time.monotonic()
    while follower.step():
        pass
    seconds = time.monotonic() - began
    follower.close()
    used, peak = time.process_time(), _peak_rss_mb()
    with store.read() as connection:
        return Outcome(seconds, used, peak, _events(connection), digest(connection)[:16])


def _events(connection: Connection) -> int:
    """Rows of tables that have one for each event."""
    tables = [table for table in CHAIN_TABLES if "log_index" in table.c]
    return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def _peak_rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    what, url, manifest, *arguments = sys.argv[1:]
    subjects: dict[str, Callable[..., Outcome]] = {"floor": floor, "ours": ours}
    outcome = subjects[what](url, load_manifest(Path(manifest)), *arguments)
    sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
