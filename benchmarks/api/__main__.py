"""`make bench-api`: wallet reads out of a large database, beside a bare FastAPI route that answers from memory."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from benchmarks.api.clients import Asked, ask
from benchmarks.api.database import populated
from benchmarks.api.population import wallet
from benchmarks.api.servers import ANSWERS, Server, running
from benchmarks.result import save
from chainpoints.errors import ChainpointsError

RESULT = Path(__file__).with_name("result.json")
FULL_SIZE = 1_000_000
CLIENTS = 50
MOST_P99_MS, LEAST_RATIO = 25, 0.5

_SAMPLE = 5_000
_ROUNDS = 3


def main() -> int:
    """Ends with 1 when a target is missed, or nothing could be measured."""
    options = _options()
    try:
        with populated(options.wallets, on_postgresql=options.postgresql, say=_say) as database:
            paths = _sample(options.wallets)
            with running("gateway", database) as gateway:
                _warm_up(gateway, paths)
                with running("bare", database) as bare:
                    figures = _measure(gateway, bare, paths, options.seconds)
    except ChainpointsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    figures |= {"wallets": options.wallets, "clients": CLIENTS}
    _print(figures, "PostgreSQL" if options.postgresql else "SQLite")
    if options.wallets == FULL_SIZE:
        save(RESULT, figures, options.postgresql)
    return 0 if figures["wallet_p99_ms"] <= MOST_P99_MS and figures["ratio_to_bare"] >= LEAST_RATIO else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--wallets", type=int, default=FULL_SIZE, help="with five nodes each, on average")
    parser.add_argument("--postgresql", action="store_true", help="read from PostgreSQL instead of SQLite")
    parser.add_argument("--seconds", type=float, default=6, help="how long each of the rounds asks each server")
    return parser.parse_args()


def _sample(wallets: int) -> list[str]:
    chosen = random.Random(1).sample(range(wallets), min(wallets, _SAMPLE))
    return [f"/v1/wallets/{wallet(number)}" for number in chosen]


def _warm_up(gateway: Server, paths: list[str]) -> None:
    """Reads every wallet of the sample once; what was answered is what the bare route will answer."""
    answers: dict[str, Any] = {}

    def told(path: str, body: bytes) -> None:
        answers[path.rpartition("/")[2]] = msgspec.json.decode(body)

    asked = ask(gateway.port, iter(paths), clients=CLIENTS, told=told)
    held = sum(answer["nodes"] for answer in answers.values())
    if asked.failures or len(answers) != len(paths) or not held:
        raise ChainpointsError("the gateway did not answer for every wallet of the sample; see what it wrote above")
    ANSWERS.write_bytes(msgspec.json.encode(answers))


def _measure(gateway: Server, bare: Server, paths: list[str], seconds: float) -> dict[str, Any]:
    """Round by round one server after the other, so that what else the machine does falls on both."""
    ours, theirs = list[float](), list[float]()
    latencies, bare_latencies = list[float](), list[float]()
    for _ in range(_ROUNDS):
        for server, per_core, taken in ((gateway, ours, latencies), (bare, theirs, bare_latencies)):
            asked, figure = _round(server, paths, seconds)
            if asked.failures:
                raise ChainpointsError(f"{asked.failures} of {len(asked.latencies)} answers were no 200")
            per_core.append(figure)
            taken += asked.latencies
    ratios = [mine / bares for mine, bares in zip(ours, theirs, strict=True)]
    return {
        "wallet_p50_ms": _percentile(latencies, 50),
        "wallet_p99_ms": _percentile(latencies, 99),
        "bare_p99_ms": _percentile(bare_latencies, 99),
        "requests_per_second_per_core": round(median(ours)),
        "bare_requests_per_second_per_core": round(median(theirs)),
        "ratio_to_bare": round(median(ratios), 3),
    }


def _percentile(latencies: list[float], percent: int) -> float:
    """In milliseconds."""
    return round(1_000 * sorted(latencies)[len(latencies) * percent // 100], 2)


def _round(server: Server, paths: list[str], seconds: float) -> tuple[Asked, float]:
    """What was asked, and how many requests a second of the server's processor time answered."""
    until = time.monotonic() + seconds

    def endless() -> Iterator[str]:
        while time.monotonic() < until:
            yield random.choice(paths)

    before = server.cpu_seconds()
    asked = ask(server.port, endless(), clients=CLIENTS)
    return asked, len(asked.latencies) / (server.cpu_seconds() - before)


def _print(figures: dict[str, Any], database: str) -> None:
    rows = [
        ("wallet reads, p50", f"{figures['wallet_p50_ms']} ms", ""),
        ("wallet reads, p99", f"{figures['wallet_p99_ms']} ms", f"at most {MOST_P99_MS} ms"),
        ("the bare route's p99", f"{figures['bare_p99_ms']} ms", "what else the machine does shows here too"),
        ("requests a second of a core", f"{figures['requests_per_second_per_core']:,}", ""),
        ("the bare route's", f"{figures['bare_requests_per_second_per_core']:,}", ""),
        ("ratio to the bare route", f"{figures['ratio_to_bare']}", f"at least {LEAST_RATIO}"),
    ]
    _say(f"{figures['wallets']:,} wallets in {database}, {figures['clients']} clients")
    for name, value, target in rows:
        _say(f"  {name:<28} {value:>12}  {target}".rstrip())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
