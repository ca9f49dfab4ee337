"""`make bench-indexing`: us, Ponder and the floor on the same chains, in turn; writes result.json, prints ratios."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from benchmarks.indexing import economy, latency, ponder, transfers
from benchmarks.indexing.node import chain
from benchmarks.indexing.result import Measured, Result, save, table
from benchmarks.indexing.runs import empty_sqlite, median, say, several
from benchmarks.postgres import Postgres, new_database, running_postgres
from chainpoints.errors import ChainpointsError

Databases = dict[str, Callable[[], str]]
"""The address of an empty database, by its kind."""


def main() -> int:
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
    say(*table(result))
    return 0


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
        own = {name: median(several("ours", node, fresh)) for name, fresh in databases.items()}
    with chain("live", lambda node, manifest, _: transfers.build(node, manifest, 1)) as node:
        polled = {name: latency.milliseconds(node, fresh(), web_socket=False) for name, fresh in databases.items()}
        told = {name: latency.milliseconds(node, fresh(), web_socket=True) for name, fresh in databases.items()}
    best = min(ours, key=lambda name: ours[name].seconds)
    seconds = ours[best].seconds
    return Result(
        database=best,
        transfers=count,
        own_events=own[best].events,
        events_per_second=count / seconds,
        ratio_to_ponder=fresh_seconds and fresh_seconds / seconds,
        ratio_to_ponder_cached=cached_seconds and cached_seconds / seconds,
        ratio_to_floor=floor.seconds / seconds,
        own_events_per_second=own[best].events / own[best].seconds,
        peak_rss_mb=max(outcome.peak_rss_mb for outcome in (*ours.values(), *own.values())),
        head_latency_p50_ms=told[best][0],
        floor_seconds=floor.seconds,
        ponder_seconds=fresh_seconds,
        ponder_cached_seconds=cached_seconds,
        load_average=os.getloadavg()[0],
        databases={name: Measured(ours[name], own[name], *polled[name], *told[name]) for name in databases},
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.indexing", description=__doc__)
    parser.add_argument("--without-ponder", action="store_true", help="only us and the floor; writes no result")
    parser.add_argument("--transfers", type=int, default=transfers.USUAL, help="writes no result unless %(default)s")
    parser.add_argument("--weeks", type=int, default=economy.USUAL_WEEKS, help="of our own events, 10,000 in each")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
