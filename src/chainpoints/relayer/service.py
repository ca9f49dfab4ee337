"""The relayer's process: one thread for each key, so that none waits for another's node or nonce."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Protocol

import structlog

from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import load_artifacts
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.reverts import Reverts
from chainpoints.chain.rpc import Rpc
from chainpoints.chain.signer import load_signer, relayer_keys
from chainpoints.config import Settings
from chainpoints.errors import ChainpointsError
from chainpoints.relayer.fees import FeePolicy, policy_of
from chainpoints.relayer.housekeeping import Housekeeping
from chainpoints.relayer.lane import Common, Lane
from chainpoints.relayer.node import Node
from chainpoints.relayer.retired import Retired
from chainpoints.relayer.sender import Sender
from chainpoints.relayer.settle import OnStep
from chainpoints.store.leading import lead
from chainpoints.store.relay import LANES
from chainpoints.store.session import Store

log = structlog.get_logger()

_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 0.05, 5.0


def run_relayer(
    settings: Settings,
    manifest: Manifest,
    store: Store,
    stop_event: threading.Event,
    *,
    policy: FeePolicy | None = None,
    on_step: OnStep = lambda _step: None,
) -> None:
    """Relays until `stop_event`. While another process does so on this database, waits to take over.

    `on_step` is told of "recorded", "broadcast" and "mined" as they happen. Raises ConfigError when a key is missing;
    what may pass is logged, kept as the lane's trouble and tried again.
    """
    with ExitStack() as endpoints:
        artifacts = load_artifacts()
        calls, reverts = Calls(manifest, artifacts), Reverts(artifacts)
        common = Common(settings.chain, store, calls, reverts, policy or policy_of(settings), on_step)
        workers = _workers(settings, common, endpoints)
        lead(store, "relay", stop_event, lambda over: _run(workers, over))


class Worker(Protocol):
    """What a thread repeats."""

    name: str

    def start(self) -> None:
        """To be called before the first step, each time that this process begins to lead."""

    def step(self) -> float:
        """Does what can be done now; gives the seconds until it is worth while again."""

    def tell(self, trouble: str | None) -> None:
        """Keeps why it cannot go on."""


def _run(workers: Sequence[Worker], stop: threading.Event) -> None:
    threads = [threading.Thread(target=_work, args=(each, stop), name=f"relay {each.name}") for each in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _work(worker: Worker, stop: threading.Event) -> None:
    """One worker until told to stop. Nothing ends it: an error is told, and the step is tried again."""
    backoff, started = _FIRST_BACKOFF_SECONDS, False
    while not stop.is_set():
        try:
            if not started:
                worker.start()
                started = True
            stop.wait(worker.step())
            backoff = _FIRST_BACKOFF_SECONDS
            continue
        except ChainpointsError as error:
            log.warning("relaying interrupted", lane=worker.name, error=str(error), retry_seconds=backoff)
            with suppress(ChainpointsError):
                worker.tell(f"{error}; this is tried again until it goes well")
        except Exception:
            log.exception("relaying failed", lane=worker.name, retry_seconds=backoff)
        stop.wait(backoff)
        backoff = min(2 * backoff, _LONGEST_BACKOFF_SECONDS)


def _workers(settings: Settings, common: Common, endpoints: ExitStack) -> list[Worker]:
    """A lane for each key, and what follows the keys that were there before."""
    lanes: list[Lane] = []
    for name in LANES:
        turn = threading.Lock()
        for key in relayer_keys(settings) if name == "relayer" else [name]:
            sender = Sender(load_signer(settings, key), settings.chain.chain_id)
            node = Node(_rpc(settings, endpoints), settings.chain, sender.address)
            lanes.append(Lane(key, name, turn, node, sender, common))
    senders = {lane.name: lane.address for lane in lanes}
    retired = Retired(_rpc(settings, endpoints), common, senders)
    return [*lanes, retired, Housekeeping(common.store)]


def _rpc(settings: Settings, endpoints: ExitStack) -> Rpc:
    rpc = Rpc(settings.rpc_url)
    endpoints.callback(rpc.close)
    return rpc
