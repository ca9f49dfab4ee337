"""Programs: programs.tree is the specification."""

from typing import Any

import pytest
from brownie import reverts

from brownie_system import FEC, INSTALMENTS, System, error
from chainpoints.domain.schedule import Schedule
from chainpoints.types import ONE_POINT

TOTALS = (1, 7, 9_999, 10_000 * ONE_POINT, 3_333_333_333, 2**53 + 1, 2**63 - 25, 2**64 - 1)


def terms(system: System, schedule: Schedule, **changed: Any) -> tuple[Any, ...]:
    """The terms of Instalments with another schedule, and whatever else is changed."""
    given = system.twin.programs[INSTALMENTS].terms()
    shape = {
        "periods": schedule.periods,
        "growthNumerator": schedule.numerator,
        "growthDenominator": schedule.denominator,
    }
    return tuple((given | shape | changed).values())


def on_chain(system: System, program: int, schedule: Schedule, total: int) -> list[int]:
    asked = [("Programs", "released", [program, total, k]) for k in range(schedule.periods + 1)]
    return [amount for (amount,) in system.read(asked)]


@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("program", [FEC, INSTALMENTS])
def test_T22_released_equals_the_twin_at_every_period(system: System, program: int, total: int) -> None:
    schedule = system.twin.programs[program].schedule
    assert on_chain(system, program, schedule, total) == schedule.amounts(total)


def test_released_gives_the_published_amounts(system: System) -> None:
    published = {1: 3_831_380, 2: 7_854_330, 10: 48_190_694, 50: 802_091_869, 55: 1_044_865_861}
    published |= {86: 5_012_754_068, 99: 9_520_160_589, 100: 10_000_000_000}
    assert {k: system.programs.released(FEC, 10_000 * ONE_POINT, k) for k in published} == published


def test_released_of_no_program_reverts(system: System) -> None:
    with reverts(error("Programs_Unknown", 3)):
        system.programs.released(3, 1, 1)


@pytest.mark.parametrize(
    ("schedule", "totals"),
    [
        (Schedule(120), TOTALS),
        (Schedule(3, 2, 1), (7, 8, 2**64 - 1)),
        (Schedule(1), (1,)),
        (Schedule(255, 3, 2), TOTALS),
    ],
    ids=["120 instalments", "g = 2, N = 3", "at once", "255 periods, g = 3/2"],
)
def test_other_shapes_work_as_well(system: System, schedule: Schedule, totals: tuple[int, ...]) -> None:
    manager = {"from": system.roles["program_manager"]}
    system.programs.open(terms(system, schedule), schedule.table_bytes(), manager)
    assert system.programs.programCount() == 3
    for total in totals:
        assert on_chain(system, 3, schedule, total) == schedule.amounts(total)


@pytest.mark.parametrize(
    ("changed", "term"),
    [
        ({"divertBps": 0}, "divertBps"),
        ({"divertBps": 10_001}, "divertBps"),
        ({"multiplier": 0}, "multiplier"),
        ({"periodLength": 3_599}, "periodLength"),
        ({"epoch": 0}, "epoch"),
        ({"growthDenominator": 0}, "growthDenominator"),
        ({"growthNumerator": 1, "growthDenominator": 2}, "growthNumerator"),
        ({"minPayment": 9}, "minPayment"),
        ({"cap": 0}, "cap"),
        ({"cap": 9 * 10**18 + 1}, "cap"),
        ({"payerPeriodCap": 0}, "payerPeriodCap"),
        ({"termsHash": bytes(32)}, "termsHash"),
    ],
)
def test_open_names_the_term_that_is_out_of_range(system: System, changed: dict[str, Any], term: str) -> None:
    schedule = Schedule(2)
    with reverts(error("Programs_InvalidTerm", term)):
        manager = {"from": system.roles["program_manager"]}
        system.programs.open(terms(system, schedule, **changed), schedule.table_bytes(), manager)


@pytest.mark.parametrize("table", [b"", bytes(23), bytes(48), b"\2" + bytes(23) + b"\1" + bytes(23)])
def test_open_refuses_a_table_that_is_none(system: System, table: bytes) -> None:
    schedule = Schedule(3) if len(table) == 48 and table[0] else Schedule(2)
    with reverts(error("Programs_InvalidTerm", "table")):
        system.programs.open(terms(system, schedule), table, {"from": system.roles["program_manager"]})


def test_a_period_begins_exactly_at_its_boundary(system: System) -> None:
    for program in (FEC, INSTALMENTS):
        after = system.twin.period(program) + 1
        system.wait_for_period(program, after, before=1)
        assert system.programs.currentPeriod(program) == system.twin.period(program) == after - 1
        system.wait_for_period(program, after)
        assert system.programs.currentPeriod(program) == system.twin.period(program) == after


def test_deposit_adds_to_the_reserve_of_a_funded_program_only(system: System) -> None:
    sponsor = system.people[0]
    system.issue(sponsor, 100 * ONE_POINT, "till")
    system.token.approve(system.programs, 100 * ONE_POINT, {"from": sponsor})
    with reverts(error("Programs_NotFunded", FEC)):
        system.programs.deposit(FEC, ONE_POINT, {"from": sponsor})
    system.programs.deposit(INSTALMENTS, 40 * ONE_POINT, {"from": sponsor})
    assert system.programs.books(INSTALMENTS)[3] == 40 * ONE_POINT == system.token.balanceOf(system.programs)
    assert system.token.balanceOf(sponsor) == 60 * ONE_POINT
