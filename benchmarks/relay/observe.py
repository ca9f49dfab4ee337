"""When each block was mined and when its rows were there, seen from outside by a process of its own.

Each stage after a block is mined is a function that says up to which block it has come. When the merchant's server was
told is what its own process says (receiver).
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

from sqlalchemy import text

from chainpoints.chain.rpc import Rpc
from chainpoints.config import Secret
from chainpoints.errors import ChainpointsError
from chainpoints.store.session import Store

_POLL_SECONDS = 0.03
"""How exact the times are."""

Times = dict[str, dict[int, float]]
"""By stage: monotonic times by block number."""


@dataclass
class Observed:
    times: Times = field(default_factory=dict)


@contextmanager
def observing(rpc_url: Secret, database: Secret) -> Iterator[Observed]:
    """What is observed during the block, afterwards."""
    observed = Observed()
    context = multiprocessing.get_context("spawn")
    stop, (here, there) = context.Event(), context.Pipe()
    arguments = (rpc_url.reveal(), database.reveal(), stop, there)
    observer = context.Process(target=_observe, args=arguments)
    observer.start()
    here.recv()  # it has begun
    try:
        yield observed
    finally:
        stop.set()
        observed.times = here.recv()
        observer.join()


def _observe(rpc_url: str, database: str, stop: Event, result: Connection) -> None:
    rpc, store = Rpc(Secret(rpc_url)), Store(Secret(database))
    stages: dict[str, Callable[[], int]] = {
        "mined": lambda: int(rpc.call("eth_blockNumber"), 16),
        "indexed": lambda: _newest_block(store),
    }
    times: Times = {name: {} for name in stages}
    reached = {name: height() for name, height in stages.items()}
    result.send(None)
    while not stop.is_set():
        for name, height in stages.items():
            try:
                now_at = height()
            except ChainpointsError:
                continue
            at = time.monotonic()
            times[name].update({number: at for number in range(reached[name] + 1, now_at + 1)})
            reached[name] = max(reached[name], now_at)
        time.sleep(_POLL_SECONDS)
    result.send(times)
    rpc.close()
    store.close()


def _newest_block(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(text("SELECT max(number) FROM blocks")).scalar_one() or 0)
