"""The deliverer's process: one leader for a database, which tells and sends until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from chainpoints.config import Settings
from chainpoints.errors import ChainpointsError
from chainpoints.store.leading import lead
from chainpoints.store.session import Store
from chainpoints.webhooks.deliver import Deliverer
from chainpoints.webhooks.send import Client
from chainpoints.webhooks.tell import OnStep, Teller

log = structlog.get_logger()

_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 0.05, 5.0
_PAUSE_SECONDS = 0.05
_TURN_SECONDS = 0.05
"""So long at most the answers to what is under way are waited for: a turn costs some milliseconds however little it
moves."""
_GRACE_SECONDS = 4.0


def run_deliverer(
    settings: Settings,
    store: Store,
    stop_event: threading.Event,
    *,
    client: Client | None = None,
    on_step: OnStep = lambda _step: None,
) -> None:
    """Delivers until `stop_event`. While another process does so on this database, waits to take over.

    What may pass is logged and tried again.
    """
    lead(store, "deliver", stop_event, lambda over: _deliver(settings, store, over, client, on_step))


def _deliver(settings: Settings, store: Store, stop: threading.Event, client: Client | None, on_step: OnStep) -> None:
    """Tells and sends in turns. Nothing ends it: an error is logged, and the step is tried again; the other goes on."""
    teller = Teller(store, may_lose_blocks=settings.chain.is_local, on_step=on_step)
    deliverer = Deliverer(store, client or Client(to_loopback=settings.webhooks_to_private), on_step)
    backoff = _FIRST_BACKOFF_SECONDS
    try:
        while not stop.is_set():
            done = [_tried(step, backoff) for step in (teller.step, deliverer.step)]
            if None in done:
                stop.wait(backoff)
                backoff = min(2 * backoff, _LONGEST_BACKOFF_SECONDS)
                continue
            backoff = _FIRST_BACKOFF_SECONDS
            if any(done):
                deliverer.wait_for_all(stop, _TURN_SECONDS)
            else:
                deliverer.pause(stop, _PAUSE_SECONDS)
    finally:
        deliverer.close(_GRACE_SECONDS)


def _tried(step: Callable[[], bool], backoff: float) -> bool | None:
    """Whether the step did something; None when it failed."""
    try:
        return step()
    except ChainpointsError as error:
        log.warning("delivering interrupted", error=str(error), retry_seconds=backoff)
    except Exception:
        log.exception("delivering failed", retry_seconds=backoff)
    return None
