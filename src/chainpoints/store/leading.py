"""What only one process at a time does on a database: it leads, others wait to take over."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import structlog

from chainpoints.errors import Conflict, StoreUnavailable
from chainpoints.store.session import Store

log = structlog.get_logger()

_RETRY_SECONDS = 1.0


def lead(store: Store, role: str, stop: Event, work: Callable[[Event], None]) -> None:
    """Does `work` while this process holds the role's lock, and waits for it while another does, until `stop`.

    `work` is given an event and has to end when that is set: told to stop, or the lock is lost. What it raises ends
    this too, but for Conflict and StoreUnavailable, after which the lock is asked for again.
    """
    waiting = False
    while not stop.is_set():
        try:
            with store.leader(role, stop) as over:
                waiting = False
                log.info("leads", role=role)
                work(over)
                if not stop.is_set():
                    log.warning("the lock is lost; it is asked for again", role=role)
        except (Conflict, StoreUnavailable) as reason:
            if not waiting:
                log.info(f"waiting to {role}", reason=str(reason))
            waiting = True
            stop.wait(_RETRY_SECONDS)
