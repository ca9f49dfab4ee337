"""`make bench-indexing`: us, Ponder and the floor on the same chains, in turn; writes result.json, prints ratios."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from benchmarks.indexing import economy, latency, ponder, transfers
from benchmarks.indexing.node import chain
from benchmarks.indexing.result import Measured, Result, missed_targets, save, table
from benchmarks.indexing.runs import empty_sqlite, median, say, several
from benchmarks.postgres import Postgres, new_database, running_postgres
from chainpoints.errors import ChainpointsError

Databases = dict[str, Callable[[], str]]
"""The address of an empty database, by its kind."""


def main() -> int:
    """Ends with 1 when a target is missed, or nothing could be measured."""
    options = _options()
    try:
        with running_postgres() as server:
            databases: Databases = {
                "SQLite": lambda: empty_sqlite("ours"),
                "PostgreSQL": lambda: new_database(server.address, "ours"),
            }
            result = measure(options, server, databases)
    except ChainpointsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.transfers == transfers.USUAL and not options.without_ponder:
        save(result)
    missed = missed_targets(result)
    say(*table(result), *(f"missed: {each}" for each in missed))
    return 1 if missed else 0


def measure(options: argparse.Namespace, server: Postgres, databases: Databases) -> Result:
    count, weeks = options.transfers, options.weeks
    with chain(f"transfers-{count}", lambda node, manifest, _: transfers.build(node, manifest, count)) as node:
        floors = several("floor", node)
        runs = {name: several("ours", node, fresh) for name, fresh in databases.items()}
        fresh_seconds = cached_seconds = None
        if not options.without_ponder:
            ponder.install()
            database = new_database(server.address, "ponder")
            say("Ponder, for about two minutes …")
            fresh_seconds, cached_seconds = (ponder.seconds(node, database, run) for run in ("fresh", "cached"))
            # The machine's speed changes from one minute to the next: so before Ponder, and after it.
            floors += several("floor", node)
            runs = {name: [*runs[name], *several("ours", node, fresh)] for name, fresh in databases.items()}
        floor, ours = median(floors), {name: median(found) for name, found in runs.items()}
    with chain(
        f"economy-{weeks}", lambda node, manifest, artifacts: economy.build(node, manifest, artifacts, weeks)
    ) as node:
        own_runs = {name: several("ours", node, fresh) for name, fresh in databases.items()}
        own = {name: median(found) for name, found in own_runs.items()}
    with chain("live", lambda node, manifest, _: transfers.build(node, manifest, 1)) as node:
        polled = {name: latency.milliseconds(node, fresh(), web_socket=False) for name, fresh in databases.items()}
        told = {name: latency.milliseconds(node, fresh(), web_socket=True) for name, fresh in databases.items()}
    best = min(ours, key=lambda name: ours[name].seconds)

    def measured(name: str) -> Measured:
        seconds = ours[name].seconds
        return Measured(
            ratio_to_ponder=fresh_seconds and fresh_seconds / seconds,
            ratio_to_ponder_cached=cached_seconds and cached_seconds / seconds,
            ratio_to_floor=floor.seconds / seconds,
            transfers=ours[name],
            own=own[name],
            polled_p50_ms=polled[name][0],
            polled_p90_ms=polled[name][1],
            told_p50_ms=told[name][0],
            told_p90_ms=told[name][1],
        )

    found = {name: measured(name) for name in databases}
    return Result(
        database=best,
        transfers=count,
        own_events=own[best].events,
        events_per_second=count / ours[best].seconds,
        ratio_to_ponder=found[best].ratio_to_ponder,
        ratio_to_ponder_cached=found[best].ratio_to_ponder_cached,
        ratio_to_floor=found[best].ratio_to_floor,
        own_events_per_second=own[best].events / own[best].seconds,
        peak_rss_mb=max(run.peak_rss_mb for each in (*runs.values(), *own_runs.values()) for run in each),
        head_latency_p50_ms=told[best][0],
        floor_seconds=floor.seconds,
        ponder_seconds=fresh_seconds,
        ponder_cached_seconds=cached_seconds,
        load_average=os.getloadavg()[0],
        databases=found,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.indexing", description=__doc__)
    parser.add_argument("--without-ponder", action="store_true", help="only us and the floor; writes no result")
    parser.add_argument("--transfers", type=int, default=transfers.USUAL, help="writes no result unless %(default)s")
    parser.add_argument("--weeks", type=int, default=economy.USUAL_WEEKS, help="of our own events, 10,000 in each")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
