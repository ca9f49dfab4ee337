"""What was measured: benchmarks/indexing/result.json, and the table that is printed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.indexing.subject import Outcome

FILE = Path(__file__).with_name("result.json")


class Measured(msgspec.Struct):
    """Of one database: SQLite or PostgreSQL."""

    ratio_to_ponder: float | None
    ratio_to_ponder_cached: float | None
    ratio_to_floor: float
    transfers: Outcome
    own: Outcome
    polled_p50_ms: float
    polled_p90_ms: float
    told_p50_ms: float
    """By WebSocket."""
    told_p90_ms: float


class Result(msgspec.Struct):
    """The best of our two databases is the one that the first keys tell of. Ratios are of events a second."""

    database: str
    transfers: int
    own_events: int
    events_per_second: float
    ratio_to_ponder: float | None
    ratio_to_ponder_cached: float | None
    ratio_to_floor: float
    own_events_per_second: float
    peak_rss_mb: float
    head_latency_p50_ms: float
    floor_seconds: float
    ponder_seconds: float | None
    ponder_cached_seconds: float | None
    load_average: float
    """Of the last minute, at the end: on a machine with other work all that is measured is slower, not alike."""
    databases: dict[str, Measured]


def missed_targets(result: Result) -> list[str]:
    """What the better of the two databases does not reach."""
    targets = (
        (result.ratio_to_ponder, ">=", 15, "times Ponder"),
        (result.ratio_to_ponder_cached, ">=", 2.5, "times Ponder with its cache"),
        (result.ratio_to_floor, ">=", 0.2, "of the floor"),
        (result.own_events_per_second, ">=", 20_000, "of our own events a second"),
        (result.peak_rss_mb, "<=", 300, "MB"),
        (result.head_latency_p50_ms, "<=", 20, "ms from a block to its rows"),
    )
    return [
        f"{found:,.2f} {what} is not {wanted} {target:,}"
        for found, wanted, target, what in targets
        if found is not None and not (found >= target if wanted == ">=" else found <= target)
    ]


def save(result: Result) -> None:
    content = msgspec.json.encode(_rounded(msgspec.to_builtins(result)))
    FILE.write_bytes(msgspec.json.format(content, indent=2) + b"\n")


def table(result: Result) -> list[str]:
    rows: list[tuple[str, ...]] = [
        ("", "seconds", "events/s", "to floor", "to Ponder", "to its cache", "MB", "p50 ms polled/told")
    ]
    rows.append(_row(result, "floor", result.floor_seconds))
    for name, seconds in (("Ponder", result.ponder_seconds), ("Ponder, cached", result.ponder_cached_seconds)):
        if seconds is not None:
            rows.append(_row(result, name, seconds))
    for name, measured in result.databases.items():
        latency = f"{measured.polled_p50_ms:.1f}/{measured.told_p50_ms:.1f}"
        row = _row(result, f"ours, {name}", measured.transfers.seconds)
        rows.append((*row[:6], f"{measured.transfers.peak_rss_mb:.0f}", latency))
    for name, measured in result.databases.items():
        own = measured.own
        speed = f"{result.own_events / own.seconds:,.0f}"
        rows.append((f"our own events, {name}", f"{own.seconds:.2f}", speed, "", "", "", f"{own.peak_rss_mb:.0f}", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _row(result: Result, name: str, seconds: float) -> tuple[str, ...]:
    others = (result.floor_seconds, result.ponder_seconds, result.ponder_cached_seconds)
    ratios = ["" if other is None else f"{other / seconds:.2f}" for other in others]
    return (name, f"{seconds:.2f}", f"{result.transfers / seconds:,.0f}", *ratios, "", "")


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 2) if isinstance(value, float) else value
