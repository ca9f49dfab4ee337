"""domain/payment: nothing is lost or created in a split or a refund (T01, T05, T07)."""

from hypothesis import given
from hypothesis import strategies as st

from chainpoints.domain.payment import period_at, refund, split

amounts = st.integers(0, 9 * 10**18)
shares = st.integers(1, 10_000)
multipliers = st.integers(1, 1000)


def test_the_published_split() -> None:
    parts = split(10_000_000_000, 1000, 10)
    assert (parts.merchant, parts.diverted, parts.total) == (9_000_000_000, 1_000_000_000, 10_000_000_000)


@given(amounts, shares, multipliers)
def test_a_split_loses_nothing(amount: int, bps: int, multiplier: int) -> None:
    parts = split(amount, bps, multiplier)
    assert parts.merchant + parts.diverted == amount
    assert parts.diverted * 10_000 <= amount * bps < (parts.diverted + 1) * 10_000
    assert parts.total == parts.diverted * multiplier


@given(amounts, st.lists(st.integers(1, 10**18), max_size=6), shares, multipliers)
def test_refunds_in_any_steps_undo_the_payment_exactly(paid: int, steps: list[int], bps: int, multiplier: int) -> None:
    refunded, back = 0, [0, 0, 0]
    for step in [*steps, paid]:
        amount = min(step, paid - refunded)
        parts = refund(paid, refunded, amount, bps, multiplier)
        assert parts.merchant >= 0
        assert parts.merchant + parts.diverted == amount
        back = [back[0] + parts.merchant, back[1] + parts.diverted, back[2] + parts.total]
        refunded += amount
    whole = split(paid, bps, multiplier)
    assert back == [whole.merchant, whole.diverted, whole.total]


def test_periods_begin_exactly_at_the_boundary() -> None:
    assert period_at(1000, 1000, 60) == 0
    assert period_at(1059, 1000, 60) == 0
    assert period_at(1060, 1000, 60) == 1
    assert period_at(999, 1000, 60) == -1
