"""Forgets what nobody asks for any more: refused requests that anybody could make, and old Idempotency-Keys."""

from __future__ import annotations

import time

import structlog

from chainpoints.store import idempotency, relay
from chainpoints.store.session import Store
from chainpoints.types import DAY_SECONDS

log = structlog.get_logger()

REFUSED_KEPT_SECONDS = 30 * DAY_SECONDS
ANSWERS_KEPT_SECONDS = 7 * DAY_SECONDS

_AT_ONCE = 500
"""Rows in one transaction: nobody waits long for it."""
_NEXT_SECONDS, _REST_SECONDS = 0.2, 600.0


class Housekeeping:
    """One small delete of each kind a step."""

    name = "housekeeping"

    def __init__(self, store: Store) -> None:
        self._store = store

    def start(self) -> None:
        """Nothing is left over from before."""

    def step(self) -> float:
        now = int(time.time())
        with self._store.write() as connection:
            refused = relay.prune_refused(connection, now - REFUSED_KEPT_SECONDS, _AT_ONCE)
        with self._store.write() as connection:
            answers = idempotency.prune_answers(connection, now - ANSWERS_KEPT_SECONDS, _AT_ONCE)
        if refused or answers:
            log.info("pruned", refused_requests=refused, answers=answers)
        return _NEXT_SECONDS if _AT_ONCE in (refused, answers) else _REST_SECONDS

    def tell(self, trouble: str | None) -> None:
        """It holds nobody up: the log has it."""
