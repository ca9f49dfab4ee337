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
from chainpoints.store.backup import backup, restore
from chainpoints.store.chain_rows import CHAIN_TABLES, drop_all
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


class Restored(msgspec.Struct, frozen=True):
    """`rows` of the backup; `equal`: the same digest before, after the restore, and after it was indexed anew."""

    rows: int
    backup_seconds: float
    restore_seconds: float
    reindex_seconds: float
    equal: bool


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
    store = Store(Secret(database))
    migrate(store)
    seconds = _index(url, manifest, store)
    used, peak = time.process_time(), _peak_rss_mb()
    with store.read() as connection:
        return Outcome(seconds, used, peak, _events(connection), digest(connection)[:16])


def restored(url: str, manifest: Manifest, database: str, file: str, into: str) -> Restored:
    """Makes a backup of an indexed database, restores it `into` an empty one, and indexes that one anew."""
    store, other, began = Store(Secret(database)), Store(Secret(into)), time.monotonic()
    made = backup(store, Path(file), _silent)
    backed_up = time.monotonic()
    migrate(other)
    restore(Path(file), other, _silent)
    digests, done = [_digest(store), _digest(other)], time.monotonic()
    with other.write() as connection:
        drop_all(connection)
    reindexed = _index(url, manifest, other)
    digests.append(_digest(other))
    return Restored(made.rows, backed_up - began, done - backed_up, reindexed, len(set(digests)) == 1)


def _index(url: str, manifest: Manifest, store: Store) -> float:
    """Seconds from the first question to the node until the last row is committed."""
    client = ChainClient(Rpc(Secret(url)), [contract.address for contract in manifest.contracts.values()])
    follower = Follower(client, EventDecoder(manifest), store, CHAINS["local"], manifest.first_block, threading.Event())
    began = time.monotonic()
    while follower.step():
        pass
    seconds = time.monotonic() - began
    follower.close()
    return seconds


def _digest(store: Store) -> str:
    with store.read() as connection:
        return digest(connection)


def _silent(_done: int, _of: int, _what: str) -> None:
    """The progress is not what is asked here."""


def _events(connection: Connection) -> int:
    """Rows of tables that have one for each event."""
    tables = [table for table in CHAIN_TABLES if "log_index" in table.c]
    return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def _peak_rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    what, url, manifest, *arguments = sys.argv[1:]
    subjects: dict[str, Callable[..., Outcome | Restored]] = {"floor": floor, "ours": ours, "restored": restored}
    outcome = subjects[what](url, load_manifest(Path(manifest)), *arguments)
    sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
