"""domain/schedule: exact against rational arithmetic and published figures (T22)."""

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from chainpoints.cli import app
from chainpoints.domain.schedule import FEC, Schedule, floor_sum
from chainpoints.errors import InvalidInput

INSTALMENTS = Schedule(60)
SHAPES = [FEC, INSTALMENTS, Schedule(100), Schedule(120), Schedule(3, 2, 1), Schedule(1), Schedule(255, 21, 20)]
PUBLISHED = {
    1: 3_831_380,
    2: 7_854_330,
    10: 48_190_694,
    50: 802_091_869,
    55: 1_044_865_861,
    86: 5_012_754_068,
    99: 9_520_160_589,
    100: 10_000_000_000,
}


@pytest.mark.parametrize(("periods", "numerator", "denominator"), [(0, 1, 1), (256, 1, 1), (9, 1, 2), (9, 1 << 32, 1)])
def test_refuses_a_shape_that_no_program_can_have(periods: int, numerator: int, denominator: int) -> None:
    with pytest.raises(InvalidInput):
        Schedule(periods, numerator, denominator)


@pytest.mark.parametrize("total", [-1, 1 << 64])
def test_refuses_a_total_that_does_not_fit(total: int) -> None:
    with pytest.raises(InvalidInput):
        FEC.released(total, 1)


@pytest.mark.parametrize(("k", "released"), PUBLISHED.items())
def test_gives_the_published_figures_of_ten_thousand_points(k: int, released: int) -> None:
    assert FEC.released(10_000_000_000, k) == released
    assert FEC.released_by_table(10_000_000_000, k) == released


def test_passes_half_in_period_86() -> None:
    assert FEC.half_period() == 86


def test_weights_grow_by_the_ratio() -> None:
    weights = [FEC.share(k + 1) - FEC.share(k) for k in range(100)]
    assert all(later / earlier == Fraction(21, 20) for earlier, later in zip(weights, weights[1:], strict=False))
    assert sum(weights) == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_the_table_is_exact_for_every_total_below_2_64(shape: Schedule) -> None:
    assert shape.table_is_exact()


def test_a_table_of_128_bits_would_not_be_exact() -> None:
    assert not FEC.table_is_exact(bits=128)


@pytest.mark.parametrize("shape", SHAPES)
@given(total=st.integers(0, (1 << 64) - 1), k=st.integers(-1, 256))
def test_the_table_equals_rational_arithmetic(shape: Schedule, total: int, k: int) -> None:
    assert shape.released_by_table(total, k) == shape.released(total, k)


@given(total=st.integers(0, (1 << 64) - 1), shape=st.sampled_from(SHAPES))
def test_releases_grow_and_end_with_the_total(total: int, shape: Schedule) -> None:
    amounts = shape.amounts(total)
    assert amounts[0] == 0
    assert amounts[-1] == total
    assert amounts == sorted(amounts)


@given(st.integers(0, 300), st.integers(1, 50), st.integers(0, 120))
def test_floor_sum_is_the_sum(count: int, divisor: int, factor: int) -> None:
    assert floor_sum(count, divisor, factor) == sum(factor * i // divisor for i in range(count))


def test_the_command_prints_every_period_as_decimal_strings() -> None:
    result = CliRunner().invoke(app, ["schedule", "--total", "10000", "--json"])
    rows = json.loads(result.stdout)["released"]
    assert [row["period"] for row in rows] == list(range(101))
    assert rows[1]["released"] == "3.831380"
    assert rows[99]["released"] == "9520.160589"
    assert rows[100]["released"] == "10000.000000"


@pytest.mark.parametrize(
    "arguments", [["--total", "1e3"], ["--total", "7", "--growth", "x"], ["--total", "7", "--periods", "0"]]
)
def test_the_command_says_what_is_wrong(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["schedule", *arguments, "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == "InvalidInput"


def test_the_smallest_total_that_128_bits_get_wrong() -> None:
    total, k = 1_043_586_346_773_346_631, 22
    share = FEC.share(k)
    assert total * -(-(share.numerator << 128) // share.denominator) >> 128 == FEC.released(total, k) + 1
    assert FEC.released_by_table(total, k) == FEC.released(total, k)
