"""The indexer's process: one leader for a database, which follows the chain until it is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from chainpoints.chain.client import ChainClient
from chainpoints.chain.events import EventDecoder
from chainpoints.chain.heads import HeadBell
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.rpc import Rpc
from chainpoints.config import Settings
from chainpoints.errors import ChainpointsError, ReorgBeyondFinality
from chainpoints.indexer.follow import Follower, Progress
from chainpoints.store import chain_rows
from chainpoints.store.leading import lead
from chainpoints.store.session import Store

log = structlog.get_logger()

_STOPS_WITHIN_SECONDS = 0.2
_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 0.05, 5.0


def run_indexer(settings: Settings, manifest: Manifest, store: Store, stop_event: threading.Event) -> None:
    """Follows the chain until `stop_event`. While another process does so on this database, waits to take over.

    Raises ReorgBeyondFinality, after recording it in chain_state.halted, and ConfigError when the endpoint, the
    deployment and the database do not belong together. What may pass is logged and tried again.
    """
    lead(store, "index", stop_event, lambda over: _follow(settings, manifest, store, over))


def rebuild(settings: Settings, manifest: Manifest, store: Store, progress: Progress) -> None:
    """Deletes everything that was read from the chain and reads it again, up to the node's head.

    Orders, keys, requests stay. Raises Conflict while an indexer runs on this database, else as `Follower.step` does.
    """
    never = threading.Event()
    with store.leader("index"), follower_of(settings, manifest, store, never) as follower:
        follower.require_chain()
        with store.write() as connection:
            chain_rows.drop_all(connection)
        while _step(follower, never, progress):
            pass


def _follow(settings: Settings, manifest: Manifest, store: Store, stop: threading.Event) -> None:
    with follower_of(settings, manifest, store, stop) as follower, _waiting(settings, stop) as wait:
        while not stop.is_set():
            try:
                moved = _step(follower, stop)
            except ReorgBeyondFinality as error:
                follower.halt(str(error))
                log.error("indexer halted", reason=str(error))
                raise
            if not moved:
                wait(settings.chain.poll_seconds)


def _step(follower: Follower, stop: threading.Event, progress: Progress | None = None) -> bool:
    """One step of the follower, tried again after what may pass. False when nothing was to be done, or told to stop."""
    backoff = _FIRST_BACKOFF_SECONDS
    while not stop.is_set():
        try:
            return follower.step(progress)
        except ChainpointsError as error:
            if not error.retryable:
                raise
            log.warning("indexer tries again", error=str(error), in_seconds=backoff)
            stop.wait(backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF_SECONDS)
    return False


@contextmanager
def _waiting(settings: Settings, stop: threading.Event) -> Iterator[Callable[[float], object]]:
    """What waits for the next look at the chain: so many seconds, or less when a new block is told of."""
    if settings.rpc_ws_url is None:
        yield stop.wait
        return
    bell = HeadBell(settings.rpc_ws_url)

    def wait(seconds: float) -> None:
        end = time.monotonic() + seconds
        while not stop.is_set() and (left := end - time.monotonic()) > 0:
            if bell.wait(min(left, _STOPS_WITHIN_SECONDS)):
                return

    try:
        yield wait
    finally:
        bell.close()


@contextmanager
def follower_of(
    settings: Settings, manifest: Manifest, store: Store, stop: threading.Event | None = None
) -> Iterator[Follower]:
    """A follower of the deployment, by the endpoints of the settings."""
    addresses = [contract.address for contract in manifest.contracts.values()]
    rpc, other = Rpc(settings.rpc_url), Rpc(settings.rpc_check_url) if settings.rpc_check_url else None
    client, second = ChainClient(rpc, addresses), ChainClient(other, addresses) if other else None
    follower = Follower(
        client, EventDecoder(manifest), store, settings.chain, manifest.first_block, stop or threading.Event(), second
    )
    try:
        yield follower
    finally:
        follower.close()
        rpc.close()
        if other:
            other.close()
