"""GET /metrics: what Prometheus asks for, read from the store at that moment. For an operator's key.

Amounts are whole points as floats, which Prometheus has no others of: to be watched, not to be booked.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeVar

from fastapi import APIRouter, Request, Response
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chainpoints import __version__
from chainpoints.api.auth import Token, authorized
from chainpoints.api.deps import GatewayDep
from chainpoints.errors import StoreUnavailable
from chainpoints.store import Connection
from chainpoints.store.load import Reorgs, queues, reorgs, undelivered, unmined
from chainpoints.store.processes import ROLES, processes_seen
from chainpoints.store.programs import books, programs
from chainpoints.store.relay_transactions import all_lanes
from chainpoints.store.session import Store
from chainpoints.store.status import Head, Indexed, indexed_and_head

router = APIRouter(include_in_schema=False)  # it is no JSON, and for Prometheus, which knows the form

_Labels = TypeVar("_Labels", bound=tuple[str, ...])

_BOOKS = ("diverted", "committed", "released", "reserve")


@router.get("/metrics")
def get_metrics(request: Request, gateway: GatewayDep, token: Token) -> Response:
    """Everything that is measured, in Prometheus' text form."""
    with gateway.store.read() as connection:
        authorized(gateway, connection, token, "metrics:read")
    text = generate_latest(request.app.state.answered) + generate_latest(
        _OfStore(gateway.store, gateway.settings.chain.caip2)
    )
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


class _OfStore(Collector):
    """Reads the store when it is asked. What cannot be read yet is left out."""

    def __init__(self, store: Store, chain: str) -> None:
        self._store, self._chain = store, chain

    def collect(self) -> Iterator[Metric]:
        yield _gauge("info", "Version and chain.", {(__version__, self._chain): 1}, "version", "chain")
        with self._store.read() as connection:
            yield from _relaying(connection)
            yield from _telling(connection)
            yield from _running(connection)
            try:
                state, at = indexed_and_head(connection)
            except StoreUnavailable:
                return
            yield from _indexing(state, at, reorgs(connection))
            yield from _points(connection, at.number)


def _indexing(state: Indexed, at: Head, seen: Reorgs) -> Iterator[Metric]:
    yield _gauge("index_block", "The highest block that was read.", {(): at.number})
    yield _gauge("index_node_block", "The highest block that the RPC endpoint told of.", {(): state.node_head})
    yield _gauge("index_final_block", "Blocks up to this one do not change any more.", {(): state.final})
    yield _gauge("index_lag_blocks", "Blocks not read yet.", {(): max(0, state.node_head - at.number)})
    silence = max(0.0, time.time() - state.checked_at)
    yield _gauge("index_silence_seconds", "Since the indexer last reached the chain.", {(): silence})
    yield _gauge("index_halted", "1 when indexing has stopped for good.", {(): int(state.halted is not None)})
    yield CounterMetricFamily("chainpoints_index_reorgs", "Reorgs that were followed.", value=seen.count)
    yield CounterMetricFamily("chainpoints_index_reorged_blocks", "Blocks that they replaced.", value=seen.blocks)


def _relaying(connection: Connection) -> Iterator[Metric]:
    waiting, lanes, now = queues(connection), all_lanes(connection), time.time()
    counts = {(queue.lane, queue.state): queue.count for queue in waiting}
    yield _gauge("relay_requests", "Requests that wait for their end.", counts, "lane", "state")
    ages = {(queue.lane, queue.state): max(0.0, now - queue.oldest) for queue in waiting}
    yield _gauge("relay_oldest_seconds", "How long the oldest of them waits.", ages, "lane", "state")
    troubles = {(lane.lane, lane.sender): int(lane.trouble is not None) for lane in lanes}
    yield _gauge("relay_trouble", "1 while a lane sends nothing; `doctor` says why.", troubles, "lane", "sender")
    by_sender = {(sender,): count for sender, count in unmined(connection).items()}
    yield _gauge("relay_unmined_transactions", "Sent, and in no block yet.", by_sender, "sender")


def _telling(connection: Connection) -> Iterator[Metric]:
    now = int(time.time())
    waiting = undelivered(connection, now)
    yield _gauge("webhook_messages", "Messages that wait to be delivered.", {(): waiting.count})
    overdue = max(0, now - waiting.due_since) if waiting.due_since else 0
    yield _gauge("webhook_overdue_seconds", "For how long one of them could have been sent.", {(): overdue})
    yield _gauge("webhook_failing", "Webhooks whose last attempt failed.", {(): waiting.failing})
    yield CounterMetricFamily("chainpoints_webhook_attempts", "Tries to deliver a message.", value=waiting.attempts)


def _running(connection: Connection) -> Iterator[Metric]:
    now, found = time.time(), processes_seen(connection)
    running = Counter(each.role for each in found if not each.is_silent(now))
    counts = {(role,): running[role] for role in ROLES}
    yield _gauge("processes", "Processes of a role that have lately said that they run.", counts, "role")
    seen = {(each.role, each.host, str(each.pid)): max(0.0, now - each.seen_at) for each in found}
    yield _gauge("process_silence_seconds", "Since a process last said that it runs.", seen, "role", "host", "pid")


def _points(connection: Connection, at: int) -> Iterator[Metric]:
    sums: dict[tuple[str, ...], float] = {}
    for number in programs(connection, at):
        found = books(connection, number, at)
        sums |= {(str(number), name): getattr(found, name) / 1e6 for name in _BOOKS}
    yield _gauge("program_points", "Points in a program's books.", sums, "program", "book")


def _gauge(name: str, about: str, values: Mapping[_Labels, float], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"chainpoints_{name}", about, labels=labels)
    for label_values, value in values.items():
        family.add_metric(label_values, value)
    return family
