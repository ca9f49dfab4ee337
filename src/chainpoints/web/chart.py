"""The release chart: what a wallet's nodes release and when, as bars over time: geometry that a template draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainpoints.domain.forecast import Release
from chainpoints.types import DAY_SECONDS, format_points

WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 8, 12, 28
_MOST_BARS = 104


@dataclass(frozen=True, slots=True)
class Bar:
    """`begin` and `end`: the time that it stands for, unix seconds, end excluded."""

    x: float
    y: float
    width: float
    height: float
    begin: int
    end: int
    amount: str


@dataclass(frozen=True, slots=True)
class Line:
    """A horizontal line at `y` that marks an amount."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """In the units of an SVG of WIDTH x HEIGHT."""

    bars: list[Bar]
    lines: list[Line]
    begin: int
    end: int
    total: str
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def release_chart(releases: Sequence[Release], now: int) -> Chart | None:
    """Releases ahead of `now`, gathered into bars of whole days; None when nothing is to be released."""
    if not releases:
        return None
    days = (releases[-1].at - now) // DAY_SECONDS + 1
    span = -(-days // _MOST_BARS) * DAY_SECONDS
    sums: dict[int, int] = {}
    for release in releases:
        slot = (release.at - now) // span
        sums[slot] = sums.get(slot, 0) + release.amount
    slots, tallest = max(sums) + 1, max(sums.values())
    step = (WIDTH - _LEFT - _RIGHT) / slots
    room = HEIGHT - _TOP - _BOTTOM
    bars = []
    for slot, amount in sorted(sums.items()):
        height = round(room * amount / tallest, 2)
        bars.append(
            Bar(
                x=round(_LEFT + slot * step, 2),
                y=round(HEIGHT - _BOTTOM - height, 2),
                width=round(max(step * 0.8, 1), 2),
                height=height,
                begin=now + slot * span,
                end=now + (slot + 1) * span,
                amount=format_points(amount),
            )
        )
    lines = [Line(HEIGHT - _BOTTOM - room * part // 2, format_points(tallest * part // 2)) for part in (1, 2)]
    return Chart(bars, lines, now, releases[-1].at, format_points(sum(sums.values())))
