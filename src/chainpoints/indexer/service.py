"""The indexer's process: one leader for a database, which follows the chain until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from chainpoints.chain.client import ChainClient
from chainpoints.chain.events import EventDecoder
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.rpc import Rpc
from chainpoints.config import Settings
from chainpoints.errors import ChainpointsError, Conflict, ReorgBeyondFinality
from chainpoints.indexer.follow import Follower, Progress
from chainpoints.store import chain_rows
from chainpoints.store.session import Store

log = structlog.get_logger()

_LEADER_RETRY_SECONDS = 1.0
_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 0.05, 5.0


def run_indexer(settings: Settings, manifest: Manifest, store: Store, stop_event: threading.Event) -> None:
    """Follows the chain until `stop_event`. While another process does so on this database, waits to take over.

    Raises ReorgBeyondFinality, after recording it in chain_state.halted, and ConfigError when the endpoint, the
    deployment and the database do not belong together. What may pass is logged and tried again.
    """
    waiting = False
    while not stop_event.is_set():
        try:
            with store.leader("index"):
                _follow(settings, manifest, store, stop_event)
                return
        except Conflict as conflict:
            if not waiting:
                log.info("waiting to index", reason=str(conflict))
            waiting = True
            stop_event.wait(_LEADER_RETRY_SECONDS)


def rebuild(settings: Settings, manifest: Manifest, store: Store, progress: Progress) -> None:
    """Deletes everything that was read from the chain and reads it again, up to the node's head.

    Orders, keys, requests stay. Raises Conflict while an indexer runs on this database, else as `Follower.step` does.
    """
    never = threading.Event()
    with store.leader("index"), _follower(settings, manifest, store, never) as follower:
        follower.require_chain()
        with store.write() as connection:
            chain_rows.drop_all(connection)
        while _step(follower, never, progress):
            pass


def _follow(settings: Settings, manifest: Manifest, store: Store, stop: threading.Event) -> None:
    with _follower(settings, manifest, store, stop) as follower:
        while not stop.is_set():
            try:
                moved = _step(follower, stop)
            except ReorgBeyondFinality as error:
                follower.halt(str(error))
                log.error("indexer halted", reason=str(error))
                raise
            if not moved:
                stop.wait(settings.chain.poll_seconds)


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
def _follower(settings: Settings, manifest: Manifest, store: Store, stop: threading.Event) -> Iterator[Follower]:
    rpc = Rpc(settings.rpc_url)
    client = ChainClient(rpc, [contract.address for contract in manifest.contracts.values()])
    follower = Follower(client, EventDecoder(manifest), store, settings.chain, manifest.first_block, stop)
    try:
        yield follower
    finally:
        follower.close()
        rpc.close()
