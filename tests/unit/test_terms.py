"""Terms in words, ratios without floats, and an order's status."""

from __future__ import annotations

import dataclasses
import re

import pytest

from chainpoints.domain.order import status
from chainpoints.domain.terms import Terms, describe, duration, percent, ratio

pytestmark = pytest.mark.unit

FEC = Terms(1, "EMISSION", 1_000, 10, 100, 604_800, 851_990_400, 21, 20, 10**6, 10**10, 10**14, "0x" + "00" * 32, "FEC")
FUNDED = dataclasses.replace(
    FEC,
    program=2,
    name="Instalments",
    funding="FUNDED",
    multiplier=2,
    periods=60,
    period_length=86_400,
    growth_numerator=1,
    growth_denominator=1,
)

PROMISES = re.compile(r"profit|yield|invest|guarante|earn|return|interest|reward|income", re.IGNORECASE)


@pytest.mark.parametrize("terms", [FEC, FUNDED])
def test_the_words_promise_nothing(terms: Terms) -> None:
    assert not [sentence for sentence in describe(terms) if PROMISES.search(sentence)]


def test_the_words_of_fec_say_share_schedule_half_and_dilution() -> None:
    words = " ".join(describe(FEC))
    for phrase in (
        "10% of a payment",
        "100 periods of 1 week",
        "5% more",
        "86 of the 100 periods",
        "86 weeks",
        "dilutes",
    ):
        assert phrase in words


def test_the_words_of_a_funded_program_say_that_the_reserve_holds_what_is_owed() -> None:
    words = " ".join(describe(FUNDED))
    for phrase in ("60 periods of 1 day", "the same amount", "30 of the 60 periods", "reserve beforehand"):
        assert phrase in words
    assert "dilutes" not in words


@pytest.mark.parametrize(("bps", "text"), [(0, "0%"), (1, "0.01%"), (50, "0.5%"), (1_250, "12.5%"), (10_000, "100%")])
def test_percent(bps: int, text: str) -> None:
    assert percent(bps) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 second"), (60, "1 minute"), (7_200, "2 hours"), (604_800, "1 week"), (691_200, "8 days")],
)
def test_duration(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_ratio_is_exact_and_rounded_down() -> None:
    assert ratio(2, 3) == "0.666666"
    assert ratio(9 * 10**18, 1) == "9000000000000000000.000000"
    assert ratio(0, 5) == "0.000000"
    assert ratio(5, 0) is None


@pytest.mark.parametrize(
    ("paid", "refunded", "is_issued", "is_pending", "is_refused", "expected"),
    [
        (0, 0, False, False, False, "open"),
        (0, 0, False, True, False, "pending"),
        (0, 0, False, True, True, "pending"),
        (0, 0, False, False, True, "refused"),
        (0, 0, True, False, True, "issued"),
        (10, 0, False, False, False, "paid"),
        (10, 0, False, True, True, "paid"),
        (10, 9, False, False, False, "partially_refunded"),
        (10, 10, False, False, False, "refunded"),
    ],
)
def test_status_follows_from_amounts_and_requests(
    paid: int, refunded: int, is_issued: bool, is_pending: bool, is_refused: bool, expected: str
) -> None:
    found = status(
        paid=paid,
        refunded=refunded,
        as_ordered=True,
        is_issued=is_issued,
        is_pending=is_pending,
        is_refused=is_refused,
    )
    assert found == expected


@pytest.mark.parametrize(("is_issued", "expected"), [(False, "mispaid"), (True, "issued")])
def test_a_payment_that_is_not_as_ordered_never_makes_an_order_paid(is_issued: bool, expected: str) -> None:
    found = status(paid=1, refunded=0, as_ordered=False, is_issued=is_issued, is_pending=False, is_refused=False)
    assert found == expected
