"""`make bench-size`: what chains of 300,000 to 3,000,000 transfers cost, and a restore of 1,000,000 of them.

Writes size.json and size.svg beside this file, and prints the table. The first run builds the chains, for half an hour.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.indexing import transfers
from benchmarks.indexing.node import HOME, BenchmarkError, chain
from benchmarks.indexing.runs import empty_sqlite, median, restored, say, several
from benchmarks.indexing.subject import Outcome, Restored
from benchmarks.postgres import Postgres, new_database, running_postgres
from chainpoints.errors import ChainpointsError

FILE = Path(__file__).with_name("size.json")
_SIZES = [transfers.USUAL, 1_000_000, 3_000_000]
_RESTORED = 1_000_000
_WIDTH, _HEIGHT, _MARGIN = 640, 400, 60


class Size(msgspec.Struct):
    """One chain, indexed from its beginning into each kind of database; `restored` by kind, where that was done."""

    transfers: int
    indexed: dict[str, Outcome]
    restored: dict[str, Restored]


class Sizes(msgspec.Struct):
    sizes: list[Size]
    load_average: float
    """Of the last minute, at the end."""


def main() -> int:
    """Ends with 1 when a digest differs after a restore."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.indexing.size", description=__doc__)
    parser.add_argument("--transfers", type=int, nargs="+", default=_SIZES, help="writes no result unless %(default)s")
    parser.add_argument("--restored", type=int, default=_RESTORED, help="of which of them a backup is restored")
    options = parser.parse_args()
    try:
        with running_postgres() as server:
            sizes = [_measured(count, server, restore=count == options.restored) for count in options.transfers]
    except ChainpointsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    result = Sizes(sizes, os.getloadavg()[0])
    say(*_table(result))
    if options.transfers == _SIZES:
        FILE.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
        FILE.with_suffix(".svg").write_text(_chart(result))
    return 0


def _measured(count: int, server: Postgres, *, restore: bool) -> Size:
    ours, back = {}, {}
    with chain(f"transfers-{count}", lambda node, manifest, _: transfers.build(node, manifest, count)) as node:
        for kind in ("SQLite", "PostgreSQL"):
            empty = empty_sqlite if kind == "SQLite" else partial(new_database, server.address)
            database = empty("ours")
            ours[kind] = median(several("ours", node, partial(empty, "ours")))
            if restore:
                file = HOME / "backup.db"
                file.unlink(missing_ok=True)
                back[kind] = restored(node, database, str(file), empty("restored"))
                file.unlink()
                if not back[kind].equal:
                    raise BenchmarkError(f"{kind}: the restored store, or the one indexed anew, has other rows")
    return Size(count, ours, back)


def _table(result: Sizes) -> list[str]:
    lines = [f"{'transfers':>10}  {'database':<10}  {'seconds':>8}  {'a second':>9}  {'MB':>5}"]
    for size in result.sizes:
        for kind, one in size.indexed.items():
            speed = f"{size.transfers / one.seconds:,.0f}"
            lines.append(f"{size.transfers:>10,}  {kind:<10}  {one.seconds:>8.1f}  {speed:>9}  {one.peak_rss_mb:>5.0f}")
    for size in result.sizes:
        for kind, back in size.restored.items():
            took = f"backup {back.backup_seconds:.1f} s, restore {back.restore_seconds:.1f} s"
            lines.append(
                f"{back.rows:,} rows, {kind}: {took}, indexed anew {back.reindex_seconds:.1f} s, digests equal"
            )
    return lines


def _chart(result: Sizes) -> str:
    """Seconds by transfers, a line for each database."""
    most = max(size.transfers for size in result.sizes)
    longest = max(one.seconds for size in result.sizes for one in size.indexed.values())

    def place(count: float, seconds: float) -> tuple[float, float]:
        across, up = count / most, seconds / longest
        return _MARGIN + across * (_WIDTH - 2 * _MARGIN), _HEIGHT - _MARGIN - up * (_HEIGHT - 2 * _MARGIN)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_WIDTH / 2}" y="24" text-anchor="middle">seconds to index a chain, by its transfers</text>',
    ]
    left, bottom = place(0, 0)
    right, top = place(most, longest)
    parts.append(f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="black"/>')
    for count in [0, *(size.transfers for size in result.sizes)]:
        x, y = place(count, 0)
        parts.append(f'<text x="{x:.1f}" y="{y + 20:.1f}" text-anchor="middle">{count:,}</text>')
    for seconds in (0, longest / 2, longest):
        x, y = place(0, seconds)
        parts.append(f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{seconds:.0f}</text>')
    for kind, colour in (("SQLite", "#1b6ca8"), ("PostgreSQL", "#b8461b")):
        points = [(0.0, 0.0), *((size.transfers, size.indexed[kind].seconds) for size in result.sizes)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for point in points[1:]:
            x, y = place(*point)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
        y = 50 if kind == "SQLite" else 70
        parts.append(f'<text x="{left + 20}" y="{y}" fill="{colour}">{kind}</text>')
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    sys.exit(main())
