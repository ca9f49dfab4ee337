"""`make bench-relay`: measures, prints the table, and writes result.json beside this file when it was a whole run."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak
from sqlalchemy import func, select

from benchmarks.postgres import new_database, running_postgres
from benchmarks.relay.floor import send_raw, sent_since
from benchmarks.relay.load import Outcome, percentile_ms, send_at
from benchmarks.relay.observe import Observed, observing
from benchmarks.relay.receiver import Receiver, receiving
from benchmarks.relay.shop import Shop, Signed
from benchmarks.relay.stack import Stack, running
from benchmarks.result import save
from chainpoints.errors import ChainpointsError
from chainpoints.store import tables

RESULT = Path(__file__).with_name("result.json")
_RATE, _SECONDS = 200, 600
_BURST_PER_SECOND, _BURST_SECONDS = 1_000, 10
_DRAIN_SECONDS = 120.0
_PAID = "Paid(uint32,bytes32,address,uint32,uint24,uint64,uint64)"
_LOGS_AT_ONCE = 500


def main() -> int:
    """Ends with 1 when a payment was lost or doubled, a 5xx was answered, or a target was missed."""
    arguments = _arguments()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="chainpoints-bench-relay-") as folder,
            _database(arguments.postgresql) as database,
            running(Path(folder), database) as stack,
        ):
            result = measure(stack, arguments.rate, arguments.seconds)
    except ChainpointsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if (arguments.rate, arguments.seconds) == (_RATE, _SECONDS):
        save(RESULT, result, arguments.postgresql)
    width = max(len(name) for name in result)
    sys.stdout.write("".join(f"{name:<{width}}  {value}\n" for name, value in result.items()))
    missed = missed_targets(result)
    sys.stdout.write("".join(f"missed: {each}\n" for each in missed))
    return 1 if missed else 0


@contextmanager
def _database(on_postgresql: bool) -> Iterator[str | None]:
    """The address of an empty one; None stands for SQLite in the run's own folder."""
    if not on_postgresql:
        yield None
        return
    with running_postgres() as server:
        yield new_database(server.address, "relay")


def measure(stack: Stack, rate: int, seconds: int) -> dict[str, Any]:
    with receiving() as receiver:
        return _measured(stack, receiver, rate, seconds)


def _measured(stack: Stack, receiver: Receiver, rate: int, seconds: int) -> dict[str, Any]:
    shop = Shop(stack)
    shop.open()
    shop.tell(receiver.url)
    steady = shop.sign_payments(rate * seconds)
    burst = shop.sign_payments(_BURST_PER_SECOND * _BURST_SECONDS)
    beginning, first = stack.rpc.call("evm_snapshot"), _newest_transaction(stack)
    address = stack.settings.host, stack.settings.port
    load_before, cpu_before = os.getloadavg()[0], stack.cpu_seconds()
    with observing(stack.settings.rpc_url, stack.settings.database) as observed:
        begun = time.monotonic()
        sent = send_at(*address, [each.http for each in steady], rate)
        shop.wait(_DRAIN_SECONDS)
        took = time.monotonic() - begun
    told = _told(receiver, sent.statuses[202])
    used = {name: round(seconds - cpu_before[name], 1) for name, seconds in stack.cpu_seconds().items()}
    batches = sent_since(stack, first)
    stormy = send_at(*address, [each.http for each in burst], _BURST_PER_SECOND)
    shop.wait(_DRAIN_SECONDS)
    paid = _paid(stack)
    wrong = _wrong([*steady, *burst], [*sent.sent, *stormy.sent], paid)
    result = {
        "measured": time.strftime("%Y-%m-%d"),
        "database": "sqlite" if stack.store.is_sqlite else "postgresql",
        "cpus": os.cpu_count(),
        "load_average_before": round(load_before, 1),
        "load_average_after": round(os.getloadavg()[0], 1),
        "rate_per_second": rate,
        "seconds": seconds,
        "cpu_seconds": used,
        **_steady(sent, steady, paid, observed, took),
        **_webhooks(sent, steady, paid, observed, told),
        "lost": wrong["lost"],
        "doubled": wrong["doubled"],
        "burst_offered": len(burst),
        "burst_answers": {str(status): count for status, count in sorted(stormy.statuses.items())},
        "burst_accepted_p99_ms": stormy.latency_ms(99),
    }
    return result | _floor(stack, batches, str(beginning), sent.statuses[202], took)


def missed_targets(result: dict[str, Any]) -> list[str]:
    """What is not as it should be, in words."""
    burst = result["burst_answers"]
    return [
        words
        for words, well in (
            ("a payment was lost", result["lost"] == 0),
            ("an order was paid twice", result["doubled"] == 0),
            ("not every payment was accepted", result["accepted"] == result["offered"]),
            ("API p99 above 250 ms", result["api_p99_ms"] <= 250),
            ("a payment was told by no webhook", result["not_told"] == 0),
            ("from confirmation to webhook p99 above 3 s", result["confirmation_to_webhook_p99_ms"] <= 3_000),
            ("the burst was answered with something else than 202 and 429", set(burst) <= {"202", "429"}),
        )
        if not well
    ]


def _steady(
    sent: Outcome, signed: list[Signed], paid: dict[str, list[int]], observed: Observed, took: float
) -> dict[str, Any]:
    times = observed.times
    to_mined, to_row = [], []
    for each, of in zip(sent.sent, signed, strict=True):
        for block in paid.get(of.order_hash, []):
            if block in times["mined"] and block in times["indexed"]:
                to_mined.append(times["mined"][block] - each.due)
                to_row.append(times["indexed"][block] - times["mined"][block])
    return {
        "offered": len(sent.sent),
        "accepted": sent.statuses[202],
        "api_p50_ms": sent.latency_ms(50),
        "api_p99_ms": sent.latency_ms(99),
        "sent_to_mined_p50_ms": percentile_ms(to_mined, 50),
        "sent_to_mined_p99_ms": percentile_ms(to_mined, 99),
        "confirmation_to_row_p50_ms": percentile_ms(to_row, 50),
        "confirmation_to_row_p99_ms": percentile_ms(to_row, 99),
        "payments_per_second": round(sent.statuses[202] / took, 1),
    }


def _told(receiver: Receiver, count: int) -> dict[str, float]:
    """When the merchant's server was told of each order, once it was told of so many, or in vain waited for."""
    give_up_at = time.monotonic() + _DRAIN_SECONDS
    while receiver.count() < count and time.monotonic() < give_up_at:
        time.sleep(0.1)
    return receiver.told()


def _webhooks(
    sent: Outcome, signed: list[Signed], paid: dict[str, list[int]], observed: Observed, told: dict[str, float]
) -> dict[str, Any]:
    mined, delays, not_told = observed.times["mined"], [], 0
    for each, of in zip(sent.sent, signed, strict=True):
        not_told += each.status == 202 and of.order_hash not in told
        for block in paid.get(of.order_hash, []):
            if block in mined and of.order_hash in told:
                delays.append(told[of.order_hash] - mined[block])
    return {
        "confirmation_to_webhook_p50_ms": percentile_ms(delays, 50),
        "confirmation_to_webhook_p99_ms": percentile_ms(delays, 99),
        "not_told": not_told,
    }


def _floor(stack: Stack, batches: list[str], beginning: str, payments: int, took: float) -> dict[str, Any]:
    stack.rpc.call("evm_revert", beginning)
    seconds = send_raw(stack, batches)
    return {
        "transactions": len(batches),
        "floor_payments_per_second": round(payments / seconds, 1),
        "ratio_to_floor": round(seconds / took, 3),
    }


def _paid(stack: Stack) -> dict[str, list[int]]:
    """The blocks in which each order was paid, straight from the chain."""
    head = int(stack.rpc.call("eth_blockNumber"), 16)
    topic, found = "0x" + keccak(text=_PAID).hex(), dict[str, list[int]]()
    for begin in range(0, head + 1, _LOGS_AT_ONCE):
        blocks = {"fromBlock": hex(begin), "toBlock": hex(min(head, begin + _LOGS_AT_ONCE - 1))}
        query = blocks | {"address": stack.manifest.address("PaymentProcessor"), "topics": [topic]}
        for log in stack.rpc.call("eth_getLogs", query):
            found.setdefault(log["topics"][2], []).append(int(log["blockNumber"], 16))
    return found


def _wrong(signed: list[Signed], sent: list[Any], paid: dict[str, list[int]]) -> Counter[str]:
    """Accepted and not paid, or paid twice, whatever was answered."""
    wrong: Counter[str] = Counter()
    for each, answer in zip(signed, sent, strict=True):
        times = len(paid.get(each.order_hash, ()))
        wrong["lost"] += answer.status == 202 and times == 0
        wrong["doubled"] += times > 1
    return wrong


def _newest_transaction(stack: Stack) -> int:
    with stack.store.read() as connection:
        return int(connection.scalar(select(func.max(tables.relay_transactions.c.id))) or 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.relay")
    parser.add_argument("--seconds", type=int, default=_SECONDS, help=f"how long to send them (default: {_SECONDS})")
    parser.add_argument("--rate", type=int, default=_RATE, help=f"how many a second (default: {_RATE})")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL, of its own, instead of SQLite")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
