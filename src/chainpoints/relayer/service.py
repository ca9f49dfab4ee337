"""The relayer's process: one thread for each lane, so that no lane waits for another's node or nonce."""

from __future__ import annotations

import threading
from contextlib import ExitStack, suppress

import structlog

from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import load_artifacts
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.reverts import Reverts
from chainpoints.chain.rpc import Rpc
from chainpoints.chain.signer import load_signer
from chainpoints.config import Settings
from chainpoints.errors import ChainpointsError, Conflict
from chainpoints.relayer.fees import FeePolicy, policy_of
from chainpoints.relayer.lane import Lane
from chainpoints.relayer.node import Node
from chainpoints.relayer.sender import Sender
from chainpoints.relayer.watch import OnStep
from chainpoints.store.relay import LANES
from chainpoints.store.session import Store

log = structlog.get_logger()

_LEADER_RETRY_SECONDS = 1.0
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
    waiting = False
    with ExitStack() as endpoints:
        lanes = _lanes(settings, manifest, store, policy or policy_of(settings.chain), on_step, endpoints)
        while not stop_event.is_set():
            with ExitStack() as leadership:
                try:
                    leadership.enter_context(store.leader("relay"))
                except Conflict as conflict:
                    if not waiting:
                        log.info("waiting to relay", reason=str(conflict))
                    waiting = True
                    stop_event.wait(_LEADER_RETRY_SECONDS)
                    continue
                _run(lanes, stop_event)


def _run(lanes: list[Lane], stop: threading.Event) -> None:
    threads = [threading.Thread(target=_relay, args=(lane, stop), name=f"relay {lane.name}") for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _relay(lane: Lane, stop: threading.Event) -> None:
    """One lane until told to stop. Nothing ends it: an error is told, and the step is tried again."""
    backoff, started = _FIRST_BACKOFF_SECONDS, False
    while not stop.is_set():
        try:
            if not started:
                lane.start()
                started = True
            stop.wait(lane.step())
            backoff = _FIRST_BACKOFF_SECONDS
            continue
        except ChainpointsError as error:
            log.warning("relaying interrupted", lane=lane.name, error=str(error), retry_seconds=backoff)
            with suppress(ChainpointsError):
                lane.tell(f"{error}; this is tried again until it goes well")
        except Exception:
            log.exception("relaying failed", lane=lane.name, retry_seconds=backoff)
        stop.wait(backoff)
        backoff = min(2 * backoff, _LONGEST_BACKOFF_SECONDS)


def _lanes(
    settings: Settings, manifest: Manifest, store: Store, policy: FeePolicy, on_step: OnStep, endpoints: ExitStack
) -> list[Lane]:
    artifacts = load_artifacts()
    calls, reverts = Calls(manifest, artifacts), Reverts(artifacts)
    lanes = []
    for name in LANES:
        sender = Sender(load_signer(settings, name), settings.chain.chain_id)
        rpc = Rpc(settings.rpc_url)
        endpoints.callback(rpc.close)
        node = Node(rpc, settings.chain, sender.address)
        lanes.append(Lane(name, settings.chain, store, node, sender, calls, reverts, policy, on_step))
    return lanes
