"""The release schedule: how much of a node's total is released after k full periods.

    released(k) = floor(total * (g**k - 1) / (g**N - 1)),  g = growth ratio, N = periods;  g = 1: floor(total * k / N)

`share` and `released` are the specification, in exact rational arithmetic. `table` is what a program stores on chain:
q[k] = ceil(2**192 * share(k)), so that `total * q[k] >> 192` is `released` in one multiplication. Rounded up, because
rounded down it loses a unit wherever the quotient is whole. 192 bits, because at 128 bits the FEC program is wrong for
some total at 19 of its 100 periods; `table_is_exact` proves it right for every total below 2**64 (docs/decisions).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from chainpoints.errors import InvalidInput

TABLE_BITS = 192
ENTRY_BYTES = TABLE_BITS // 8
TOTAL_BITS = 64
MAX_PERIODS = 255


@dataclass(frozen=True, slots=True)
class Schedule:
    """The shape of a release: `periods` (1 to 255) and the growth ratio g = `numerator / denominator` (at least 1)."""

    periods: int
    numerator: int = 1
    denominator: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.periods <= MAX_PERIODS:
            raise InvalidInput(f"{self.periods} periods; a program has 1 to {MAX_PERIODS}")
        if not 1 <= self.denominator <= self.numerator < 1 << 32:
            raise InvalidInput(f"growth {self.numerator}/{self.denominator}; it is at least 1, of two 32-bit numbers")

    def share(self, k: int) -> Fraction:
        """The part of the total released after k full periods, exactly. k below 0 counts as 0, above N as N."""
        k = max(0, min(k, self.periods))
        if self.numerator == self.denominator:
            return Fraction(k, self.periods)
        ratio = Fraction(self.numerator, self.denominator)
        return (ratio**k - 1) / (ratio**self.periods - 1)

    def released(self, total: int, k: int) -> int:
        """Base units released after k full periods, rounded down to the unit; total itself at k = N."""
        if not 0 <= total < 1 << TOTAL_BITS:
            raise InvalidInput(f"total {total}; a node's total is 0 to 2**64 - 1 base units")
        share = self.share(k)
        return total * share.numerator // share.denominator

    def amounts(self, total: int) -> list[int]:
        """Cumulative base units at k = 0 ... N."""
        return [self.released(total, k) for k in range(self.periods + 1)]

    def half_period(self) -> int:
        """The first k at which at least half is released (FEC: 86)."""
        return next(k for k in range(self.periods + 1) if self.share(k) * 2 >= 1)

    def table(self) -> tuple[int, ...]:
        """q[1] ... q[N - 1]; q[0] = 0 and q[N] = 2**192 are understood."""
        return tuple(self._entry(k) for k in range(1, self.periods))

    def table_bytes(self) -> bytes:
        """The table as the contract stores it: N - 1 big-endian entries of 24 bytes."""
        return b"".join(entry.to_bytes(ENTRY_BYTES, "big") for entry in self.table())

    def released_by_table(self, total: int, k: int) -> int:
        """What the contract computes."""
        if k <= 0:
            return 0
        return total if k >= self.periods else total * self._entry(k) >> TABLE_BITS

    def _entry(self, k: int) -> int:
        share = self.share(k)
        return -((-share.numerator << TABLE_BITS) // share.denominator)

    def table_is_exact(self, bits: int = TABLE_BITS) -> bool:
        """True when the table of `bits` bits equals `released` for every total below 2**64 at every period.

        Rounded-up entries give at least the exact floor for each total, so both agree everywhere exactly when their
        sums over all totals agree; the sums take O(log) steps each.
        """
        totals = 1 << TOTAL_BITS
        for k in range(1, self.periods):
            share = self.share(k)
            entry = -((-share.numerator << bits) // share.denominator)
            if floor_sum(totals, 1 << bits, entry) != floor_sum(totals, share.denominator, share.numerator):
                return False
        return True


def floor_sum(count: int, divisor: int, factor: int) -> int:
    """The sum of floor(factor * i / divisor) over 0 <= i < count, by the Euclid-like reduction (Knuth, TAOCP 1.2.4)."""
    total, offset = 0, 0
    while True:
        total += (count - 1) * count // 2 * (factor // divisor) + count * (offset // divisor)
        factor, offset = factor % divisor, offset % divisor
        top = factor * count + offset
        if top < divisor:
            return total
        count, offset = divmod(top, divisor)
        divisor, factor = factor, divisor


FEC = Schedule(periods=100, numerator=21, denominator=20)
"""The published programme: 100 weekly periods, each 5% larger than the one before."""
