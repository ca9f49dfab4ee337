"""replay/purchases: the example data is complete, and equal rows stay different orders."""

from pathlib import Path

import pytest

from chainpoints.errors import InvalidInput
from chainpoints.replay.purchases import by_day, read_purchases


def test_reads_every_purchase_of_the_sample() -> None:
    purchases = read_purchases()
    assert len(purchases) == 6_919
    assert len({purchase.customer for purchase in purchases}) == 2_357
    assert len({purchase.reference for purchase in purchases}) == 6_919
    assert sum(purchase.cents for purchase in purchases) == 24_409_194
    assert sum(purchase.cents == 0 for purchase in purchases) == 8
    assert max(purchase.cents for purchase in purchases) == 50_697


def test_goes_by_the_dates() -> None:
    days = [day for day, _ in by_day(read_purchases())]
    assert len(days) == 545
    assert days == sorted(days)
    assert (days[0].isoformat(), days[-1].isoformat()) == ("1997-01-01", "1998-06-30")


def test_names_the_line_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "purchases.txt"
    path.write_text(" 00004 0001 19970101  2   29.33\n 00004 0001 19971301  2   29.33\n")
    with pytest.raises(InvalidInput, match="line 2"):
        read_purchases(path)
