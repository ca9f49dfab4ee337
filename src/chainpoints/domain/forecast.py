"""What nodes release and when: claimable now, the next release, and every release ahead. Amounts in base units.

"Now" is always the timestamp of a block (unix seconds); nothing here asks a clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from chainpoints.domain.payment import period_at
from chainpoints.domain.schedule import TABLE_BITS, Schedule


@dataclass(frozen=True)
class Grid:
    """A program's periods: period 0 begins at `epoch`, each lasts `period_length` seconds."""

    epoch: int
    period_length: int
    schedule: Schedule

    @cached_property
    def shares(self) -> tuple[int, ...]:
        """`shares` of the schedule, at hand."""
        return shares(self.schedule)

    def elapsed(self, start: int, now: int) -> int:
        """Full periods since `start`, 0 (the node is locked) to N (all of it is released)."""
        passed = period_at(now, self.epoch, self.period_length) - start
        return min(passed, self.schedule.periods) if passed > 0 else 0

    def begins_at(self, period: int) -> int:
        """When a period begins. The k-th release of a node is at the beginning of period start + k."""
        return self.epoch + period * self.period_length

    def next_start(self, now: int) -> int:
        """The start of a node that a payment makes at `now`: the next boundary of the grid."""
        return period_at(now, self.epoch, self.period_length) + 1


class Holding(NamedTuple):
    """What a node holds: `total` is all that it will ever release, `claimed` what was paid out of it.

    A split may have paid a few units ahead of the schedule: the next releases are so much smaller.
    """

    program: int
    grid: Grid
    start: int
    total: int
    claimed: int

    def claimable(self, now: int) -> int:
        """Released and not yet paid out."""
        due = self.total * self.grid.shares[self.grid.elapsed(self.start, now)] >> TABLE_BITS
        return due - self.claimed if due > self.claimed else 0

    def is_locked(self, now: int) -> bool:
        """True until the first release: no claim and no transfer; a refund is possible exactly as long."""
        return self.grid.elapsed(self.start, now) == 0

    def unlocks_at(self) -> int:
        return self.grid.begins_at(self.start + 1)


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """`amount` becomes claimable at `at` (unix seconds), the beginning of the program's period `period`."""

    at: int
    program: int
    period: int
    amount: int


@lru_cache(maxsize=256)
def shares(schedule: Schedule) -> tuple[int, ...]:
    """q[0] ... q[N] of a schedule: `total * q[k] >> 192` is released(k), exactly (domain.schedule proves it)."""
    return (0, *schedule.table(), 1 << TABLE_BITS)


@lru_cache(maxsize=256)
def half_period(schedule: Schedule) -> int:
    """The first k at which at least half is released."""
    return schedule.half_period()


def released(schedule: Schedule, total: int, k: int) -> int:
    """Cumulative amount after k full periods, rounded down to the unit; k is 0 to N."""
    return total * shares(schedule)[k] >> TABLE_BITS


def forecast(holdings: Iterable[Holding], now: int) -> list[Release]:
    """Every release after `now`, summed over the nodes of a program, by date, without those of nothing."""
    due: dict[tuple[int, int, int], int] = defaultdict(int)
    for node in holdings:
        grid, table = node.grid, node.grid.shares
        elapsed = grid.elapsed(node.start, now)
        before = max(node.claimed, node.total * table[elapsed] >> TABLE_BITS)
        for k in range(elapsed + 1, len(table)):
            after = node.total * table[k] >> TABLE_BITS
            if after > before:
                period = node.start + k
                due[grid.begins_at(period), node.program, period] += after - before
                before = after
    return [Release(at, program, period, amount) for (at, program, period), amount in sorted(due.items())]


def next_release(holdings: Sequence[Holding], now: int) -> tuple[int, int] | None:
    """When something is released next, and how much then over all nodes: (unix seconds, base units)."""
    return standing(holdings, now)[1]


def standing(holdings: Sequence[Holding], now: int) -> tuple[int, tuple[int, int] | None]:
    """What can be claimed now of all the nodes (base units), and what `next_release` says."""
    claimable, soonest, amount = 0, 0, 0
    for _, grid, start, total, claimed in holdings:
        table, elapsed = grid.shares, grid.elapsed(start, now)
        before = total * table[elapsed] >> TABLE_BITS
        if before > claimed:
            claimable += before - claimed
        else:
            before = claimed
        for k in range(elapsed + 1, len(table)):
            released_then = (total * table[k] >> TABLE_BITS) - before
            if released_then > 0:  # a small node may release nothing for several periods
                at = grid.begins_at(start + k)
                if not amount or at < soonest:
                    soonest, amount = at, released_then
                elif at == soonest:
                    amount += released_then
                break
    return claimable, (soonest, amount) if amount else None
