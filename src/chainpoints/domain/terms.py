"""A program's terms and books as values, what they mean in words, and how far it is covered. Amounts in base units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from chainpoints.domain.forecast import Grid, half_period
from chainpoints.domain.payment import BASIS_POINTS
from chainpoints.domain.schedule import Schedule
from chainpoints.types import DAY_SECONDS, format_points

_UNITS = ((7 * DAY_SECONDS, "week"), (DAY_SECONDS, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True)
class Terms:
    """The rules of a program, as on chain: nothing of them ever changes."""

    program: int
    funding: str
    divert_bps: int
    multiplier: int
    periods: int
    period_length: int
    epoch: int
    growth_numerator: int
    growth_denominator: int
    min_payment: int
    payer_period_cap: int
    cap: int
    terms_hash: str
    name: str

    @property
    def grid(self) -> Grid:
        return _grid(self.epoch, self.period_length, self.periods, self.growth_numerator, self.growth_denominator)

    @property
    def is_funded(self) -> bool:
        return self.funding == "FUNDED"


@lru_cache(maxsize=256)
def _grid(epoch: int, period_length: int, periods: int, growth_numerator: int, growth_denominator: int) -> Grid:
    return Grid(epoch, period_length, Schedule(periods, growth_numerator, growth_denominator))


@dataclass(frozen=True, slots=True)
class Replacement:
    """What replaces a program, which takes payments until `closes_at` (unix seconds) and whose nodes go on."""

    replaced_by: int
    closes_at: int


@dataclass(frozen=True, slots=True)
class Books:
    """The books of a program: diverted into nodes, owed to nodes, claimed so far, and (FUNDED) held in reserve."""

    diverted: int = 0
    committed: int = 0
    released: int = 0
    reserve: int = 0


def ratio(part: int, whole: int) -> str | None:
    """part / whole as decimal text of 6 decimals, rounded down; None when there is no whole."""
    return format_points(part * 10**6 // whole) if whole else None


def describe(terms: Terms) -> list[str]:
    """The terms in sentences, for whoever is about to agree to them."""
    schedule = terms.grid.schedule
    half = half_period(schedule)
    length = duration(terms.period_length)
    if schedule.numerator == schedule.denominator:
        pace = "each period releases the same amount"
    else:
        growth = percent((schedule.numerator - schedule.denominator) * BASIS_POINTS // schedule.denominator)
        pace = f"each period releases {growth} more than the one before"
    sentences = [
        f"{percent(terms.divert_bps)} of a payment goes into a release node of the payer; the merchant gets the rest.",
        f"A node releases {terms.multiplier} points for each point that went into it, in {terms.periods} periods of "
        f"{length}; {pace}.",
        f"Half of it is released after {half} of the {terms.periods} periods ({duration(half * terms.period_length)} "
        "after the node starts).",
        "Until its first release a node is locked: so long the merchant can refund the payment, and not after.",
    ]
    return [*sentences, *funding_in_words(terms)]


def funding_in_words(terms: Terms) -> list[str]:
    """Where the released points come from, and what points are not."""
    if terms.is_funded:
        source = (
            "Every point that this program owes to nodes is held in its reserve beforehand; a payment that the reserve "
            "would not cover is refused."
        )
    else:
        source = (
            "Points that go into nodes are burned and released points are newly minted, so each release dilutes: all "
            "points become a smaller share of the supply. The program can never release more than "
            f"{format_points(terms.cap)} points in all."
        )
    return [source, "Points are not money: they are spent or given away, and the operator does not buy them back."]


def percent(bps: int) -> str:
    """Basis points as a percentage: 1000 is "10%", 1250 "12.5%"."""
    whole, rest = divmod(bps, 100)
    fraction = f".{rest:02d}".rstrip("0") if rest else ""
    return f"{whole}{fraction}%"


def duration(seconds: int) -> str:
    """Seconds in the largest unit that says them exactly: 604800 is "1 week"."""
    for size, name in _UNITS:
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {name}" + ("" if count == 1 else "s")
    raise AssertionError("a second divides every whole number of seconds")
