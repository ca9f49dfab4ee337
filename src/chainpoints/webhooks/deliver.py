"""Sends what is due: several at once, each endpoint and merchant within its share; an object's messages take turns."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog

from chainpoints.domain.webhooks import GONE, retry_seconds
from chainpoints.errors import ChainpointsError
from chainpoints.store import webhook_messages as messages
from chainpoints.store import webhooks as endpoints
from chainpoints.store.session import Store
from chainpoints.store.webhook_messages import AttemptRow, MessageRow
from chainpoints.store.webhooks import EndpointRow
from chainpoints.webhooks.send import Client, Outcome
from chainpoints.webhooks.signing import signed_headers
from chainpoints.webhooks.tell import OnStep

log = structlog.get_logger()

AT_ONCE = 128
AT_ONCE_TO_FAILING = 16
"""So many of them for endpoints that fail, all together: those that never answer leave room for those that do."""

SHARE_OF_MERCHANT = 3
"""So many times what stays free: 96 for one alone, 54 each for two, 38 for three, so that however many have something
to be sent, none has it all."""

AT_ONCE_TO_ONE = 32
AT_ONCE_TO_ONE_FAILING = 2

_MOMENT_SECONDS = 0.005

_DISABLED = f"it answered {GONE} (gone)"


class Deliverer:
    """The pool of deliveries. One thread calls `step`; the pool's threads only send, they know no store."""

    def __init__(self, store: Store, client: Client, on_step: OnStep) -> None:
        self._store, self._client, self._on_step = store, client, on_step
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="deliver")
        self._under_way: dict[Future[Outcome], tuple[EndpointRow, MessageRow]] = {}

    def close(self, grace_seconds: float) -> None:
        """Lets what is under way end, cuts the rest after a while, and records what came of it."""
        wait(self._under_way, grace_seconds)
        self._client.close()
        self._pool.shutdown()
        with contextlib.suppress(ChainpointsError):  # unrecorded, it is sent again under the same id
            self._record()

    def step(self) -> bool:
        """Records what has ended and starts what is due. True when something was started or has ended."""
        recorded = self._record()
        return self._start() or recorded

    def pause(self, stop: threading.Event, seconds: float) -> None:
        """Until an attempt ends or it is told to stop, at most so long."""
        if self._under_way:
            wait(self._under_way, seconds, FIRST_COMPLETED)
        else:
            stop.wait(seconds)

    def wait_for_all(self, stop: threading.Event, seconds: float) -> None:
        """Until all attempts have ended, at most so long; a moment when there are none, for others that write."""
        if self._under_way:
            wait(self._under_way, seconds)
        else:
            stop.wait(_MOMENT_SECONDS)

    def _start(self) -> bool:
        room = AT_ONCE - len(self._under_way)
        if room <= 0:
            return False
        started, now = 0, int(time.time())
        busy = Counter(endpoint.id for endpoint, _ in self._under_way.values())
        of_merchant = Counter(endpoint.merchant for endpoint, _ in self._under_way.values())
        failing = sum(endpoint.failing_since is not None for endpoint, _ in self._under_way.values())
        numbers = [message.number for _, message in self._under_way.values()]
        with self._store.read() as connection:
            waiting = endpoints.active_endpoints(connection, messages.endpoints_with_due(connection, now))
            random.shuffle(waiting)  # so that none is always the last
            merchants = len(of_merchant.keys() | {endpoint.merchant for endpoint in waiting})
            for endpoint in waiting:
                share = _share(merchants, room - started, of_merchant[endpoint.merchant])
                limit = min(share, AT_ONCE_TO_ONE - busy[endpoint.id])
                if endpoint.failing_since is not None:
                    limit = min(limit, AT_ONCE_TO_FAILING - failing, AT_ONCE_TO_ONE_FAILING - busy[endpoint.id])
                if limit <= 0:
                    continue
                due = messages.due(connection, endpoint.id, now, limit, numbers)
                for message in due:
                    future = self._pool.submit(self._send, endpoint, message)
                    self._under_way[future] = (endpoint, message)
                started += len(due)
                of_merchant[endpoint.merchant] += len(due)
                failing += len(due) if endpoint.failing_since is not None else 0
        return started > 0

    def _send(self, endpoint: EndpointRow, message: MessageRow) -> Outcome:
        now = int(time.time())
        headers = signed_headers(message.id, message.payload, now, endpoint.secrets_at(now))
        return self._client.post(endpoint.url, message.payload, headers)

    def _record(self) -> bool:
        """One transaction for all attempts that have ended. What cannot be recorded now is kept for the next time."""
        ended = [future for future in self._under_way if future.done()]
        if not ended:
            return False
        self._on_step("sent")
        results = [(*self._under_way[future], _outcome(future)) for future in ended]
        with self._store.write() as connection:
            endpoints.hold(connection, {endpoint.id for endpoint, _, _ in results})  # first, as all do who write of one
            there = messages.add_attempts(connection, [_attempt(message, outcome) for _, message, outcome in results])
            results = [each for each in results if each[1].number in there]
            good = [(endpoint, message) for endpoint, message, outcome in results if outcome.is_success]
            messages.delivered(connection, [message.number for _, message in good])
            endpoints.succeeded(connection, {endpoint.id for endpoint, _ in good})
            now = int(time.time())
            for endpoint, message, outcome in results:
                if not outcome.is_success:
                    delay = retry_seconds(message.tries + 1, outcome.retry_after, random.random())
                    messages.not_delivered(connection, message, None if delay is None else now + delay)
                    endpoints.failed(connection, endpoint, now)
                    if outcome.status == GONE:
                        endpoints.disable(connection, endpoint, _DISABLED)
        for future in ended:
            del self._under_way[future]
        for endpoint, message, outcome in results:
            _tell(endpoint, message, outcome)
        self._on_step("recorded")
        return True


def _share(merchants: int, free: int, has: int) -> int:
    """How many more of the free places a merchant may take that has some: never most of them, when others have more
    than their share still. Who has none gets one."""
    fair = SHARE_OF_MERCHANT * AT_ONCE // (SHARE_OF_MERCHANT * merchants + 1) - has
    of_free = (SHARE_OF_MERCHANT * free - has) // (SHARE_OF_MERCHANT + 1)
    share = min(fair, of_free)
    return share if has else min(max(share, 1), free)


def _outcome(future: Future[Outcome]) -> Outcome:
    """A failure of our own counts as one too: it must not hold up the others."""
    failure = future.exception()
    if failure is None:
        return future.result()
    log.error("sending failed", exc_info=failure)
    return Outcome(int(time.time()), 0, None, None, "the gateway could not send it")


def _attempt(message: MessageRow, outcome: Outcome) -> AttemptRow:
    return AttemptRow(
        message=message.number,
        started_at=outcome.started_at,
        duration_ms=outcome.duration_ms,
        status=outcome.status,
        answer=outcome.answer,
        error=outcome.error,
    )


def _tell(endpoint: EndpointRow, message: MessageRow, outcome: Outcome) -> None:
    """Neither the address, which may hold a key, nor the answer: both are the merchant's."""
    about = {"endpoint": endpoint.id, "message": message.id, "type": message.type, "ms": outcome.duration_ms}
    if outcome.is_success:
        log.debug("delivered", status=outcome.status, **about)
    elif outcome.status == GONE:
        log.info("endpoint disabled", reason=_DISABLED, **about)
    else:
        log.info("not delivered", status=outcome.status, error=outcome.error, tries=message.tries + 1, **about)
