"""The purchases that the replay sends: the CDNOW sample, in the order of their dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

from chainpoints.errors import InvalidInput
from chainpoints.types import ONE_POINT, Points

SAMPLE = Path(__file__).parent / "data" / "cdnow_sample.txt"


@dataclass(frozen=True, slots=True)
class Purchase:
    """One row: `row` counts from 1 in the file, `cents` is what was paid, in US cents."""

    row: int
    customer: int
    day: date
    cents: int

    @property
    def reference(self) -> str:
        """The merchant's order reference: the row's number, since equal rows are different purchases."""
        return f"cdnow-{self.row:05d}"

    @property
    def money(self) -> str:
        return f"{self.cents // 100}.{self.cents % 100:02d}"

    def points(self, points_per_dollar: int) -> Points:
        """What the purchase is worth in base units of points, exactly: a cent is 10,000 for each point a dollar."""
        return Points(self.cents * points_per_dollar * ONE_POINT // 100)


def read_purchases(path: Path = SAMPLE) -> list[Purchase]:
    """All rows, by date and then by row. Raises InvalidInput naming the line that is not of the form."""
    purchases = []
    for row, line in enumerate(path.read_text(encoding="ascii").splitlines(), start=1):
        try:
            _, customer, day, _, value = line.split()
            dollars, cents = value.split(".")
            amount = int(dollars) * 100 + int(cents.ljust(2, "0"))
            purchases.append(Purchase(row, int(customer), datetime.strptime(day, "%Y%m%d").date(), amount))
        except ValueError as error:
            raise InvalidInput(f"{path.name}, line {row}: {line!r} is not a purchase ({error})") from None
    return sorted(purchases, key=lambda purchase: (purchase.day, purchase.row))


def by_day(purchases: list[Purchase]) -> Iterator[tuple[date, list[Purchase]]]:
    for day, group in groupby(purchases, key=lambda purchase: purchase.day):
        yield day, list(group)


def day_start(day: date) -> int:
    """Midnight UTC, in unix seconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
