"""The forecast against the schedule's own specification: what is released, when, and that nothing is left over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpoints.domain.forecast import Grid, Holding, forecast, half_period, next_release, released
from chainpoints.domain.schedule import FEC, Schedule

pytestmark = pytest.mark.unit

DAY, WEEK = 86_400, 7 * 86_400
EPOCH = 851_990_400
WEEKLY = Grid(EPOCH, WEEK, FEC)
DAILY = Grid(EPOCH, DAY, Schedule(60))

grids = st.builds(
    Grid,
    st.integers(0, 2**40),
    st.integers(3_600, 2**32),
    st.sampled_from([FEC, Schedule(60), Schedule(120), Schedule(3, 2), Schedule(1), Schedule(255, 3, 2)]),
)


@st.composite
def holdings(draw: st.DrawFn) -> tuple[Holding, int]:
    """A node that may have been claimed, and a time from before its start to after its end."""
    grid, start = draw(grids), draw(st.integers(0, 5_000))
    total = draw(st.integers(0, 2**63 - 1))
    k = draw(st.integers(-2, grid.schedule.periods + 2))
    now = grid.begins_at(start + k) + draw(st.integers(0, grid.period_length - 1))
    claimed_k = draw(st.integers(0, max(0, min(k, grid.schedule.periods))))
    return Holding(1, grid, start, total, grid.schedule.released(total, claimed_k)), now


@pytest.mark.parametrize(("k", "units"), [(1, 3_831_380), (10, 48_190_694), (86, 5_012_754_068), (99, 9_520_160_589)])
def test_released_as_published(k: int, units: int) -> None:
    assert released(FEC, 10_000_000_000, k) == units


@given(st.sampled_from([FEC, Schedule(60), Schedule(3, 2)]), st.integers(0, 2**64 - 1))
def test_released_is_the_specification_at_every_period(schedule: Schedule, total: int) -> None:
    assert [released(schedule, total, k) for k in range(schedule.periods + 1)] == schedule.amounts(total)


@given(holdings())
def test_claimable_and_everything_ahead_are_all_that_is_left(case: tuple[Holding, int]) -> None:
    node, now = case
    ahead = forecast([node], now)
    assert node.claimable(now) >= 0
    assert node.claimed + node.claimable(now) + sum(step.amount for step in ahead) == node.total
    assert all(step.at > now and step.amount > 0 for step in ahead)
    assert [step.at for step in ahead] == sorted({step.at for step in ahead})


@given(holdings())
def test_next_release_is_the_first_of_the_forecast(case: tuple[Holding, int]) -> None:
    node, now = case
    ahead = forecast([node], now)
    assert next_release([node], now) == ((ahead[0].at, ahead[0].amount) if ahead else None)


@given(st.lists(holdings(), min_size=1, max_size=6), st.integers(0, 2**42))
def test_next_release_of_many_sums_those_of_the_first_date(cases: list[tuple[Holding, int]], now: int) -> None:
    nodes = [node for node, _ in cases]
    ahead = forecast(nodes, now)
    first = [step for step in ahead if step.at == ahead[0].at]
    assert next_release(nodes, now) == ((first[0].at, sum(step.amount for step in first)) if ahead else None)


def test_a_node_unlocks_exactly_one_period_after_its_start() -> None:
    node = Holding(1, WEEKLY, 3, 10_000_000_000, 0)
    unlock = EPOCH + 4 * WEEK
    assert node.unlocks_at() == unlock
    assert node.is_locked(unlock - 1)
    assert node.claimable(unlock - 1) == 0
    assert not node.is_locked(unlock)
    assert node.claimable(unlock) == 3_831_380


def test_nothing_is_ahead_after_the_last_period() -> None:
    node = Holding(1, DAILY, 0, 77, 0)
    end = EPOCH + 60 * DAY
    assert forecast([node], end - 1)[-1].at == end
    assert forecast([node], end) == []
    assert node.claimable(end) == 77


def test_a_tiny_node_skips_the_periods_that_release_nothing() -> None:
    node = Holding(1, DAILY, 0, 1, 0)
    assert next_release([node], EPOCH) == (EPOCH + 60 * DAY, 1)


def test_what_a_split_paid_ahead_of_the_schedule_is_taken_from_the_next_releases() -> None:
    # given: 60 units a day of 60, of which one more was paid than five days release
    node = Holding(1, DAILY, 0, 3_600, 301)
    assert node.claimable(EPOCH + 5 * DAY) == 0
    assert [step.amount for step in forecast([node], EPOCH + 5 * DAY)] == [59] + [60] * 54
    assert next_release([node], EPOCH + 5 * DAY) == (EPOCH + 6 * DAY, 59)
    tiny = Holding(1, DAILY, 0, 60, 7)
    assert next_release([tiny], EPOCH + 5 * DAY) == (EPOCH + 8 * DAY, 1)


def test_releases_of_one_date_in_two_programs_are_told_apart_in_the_forecast_and_summed_as_the_next() -> None:
    nodes = [Holding(1, WEEKLY, 0, 10_000_000_000, 0), Holding(2, DAILY, 6, 60_000_000, 0)]
    now = EPOCH + 7 * DAY - 1
    ahead = forecast(nodes, now)
    assert [(step.program, step.period, step.amount) for step in ahead[:2]] == [(1, 1, 3_831_380), (2, 7, 1_000_000)]
    assert next_release(nodes, now) == (EPOCH + WEEK, 4_831_380)


def test_a_payment_makes_a_node_of_the_next_period() -> None:
    assert WEEKLY.next_start(EPOCH) == 1
    assert WEEKLY.next_start(EPOCH + WEEK - 1) == 1
    assert WEEKLY.next_start(EPOCH + WEEK) == 2


def test_half_of_fec_takes_86_periods() -> None:
    assert half_period(FEC) == 86
