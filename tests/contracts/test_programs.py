"""Programs: programs.tree is the specification."""

from dataclasses import replace
from typing import Any

import pytest
from brownie import reverts

from brownie_system import FEC, INSTALMENTS, System, address, error
from chainpoints.chain.parameters import Program
from chainpoints.domain.schedule import Schedule
from chainpoints.types import ONE_POINT, SUPPLY_CAP

NOTICE = 30 * 86_400

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
    system.programs.open(terms(system, schedule), "Another", schedule.table_bytes(), manager)
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
        ({"minPayment": 2**40}, "minPayment"),
        ({"cap": 0}, "cap"),
        ({"cap": 9 * 10**18 + 1}, "cap"),
        ({"payerPeriodCap": 0}, "payerPeriodCap"),
        ({"payerPeriodCap": 10_000_000 * ONE_POINT + 1}, "payerPeriodCap"),
        ({"termsHash": bytes(32)}, "termsHash"),
    ],
)
def test_open_names_the_term_that_is_out_of_range(system: System, changed: dict[str, Any], term: str) -> None:
    schedule = Schedule(2)
    with reverts(error("Programs_InvalidTerm", term)):
        manager = {"from": system.roles["program_manager"]}
        system.programs.open(terms(system, schedule, **changed), "Another", schedule.table_bytes(), manager)


@pytest.mark.parametrize("table", [b"", bytes(23), bytes(48), b"\2" + bytes(23) + b"\1" + bytes(23)])
def test_open_refuses_a_table_that_is_none(system: System, table: bytes) -> None:
    schedule = Schedule(3) if len(table) == 48 and table[0] else Schedule(2)
    with reverts(error("Programs_InvalidTerm", "table")):
        manager = {"from": system.roles["program_manager"]}
        system.programs.open(terms(system, schedule), "Another", table, manager)


@pytest.mark.parametrize("name", ["", "n" * 32])
def test_open_refuses_a_name_that_is_none_or_too_long(system: System, name: str) -> None:
    with reverts(error("Programs_InvalidTerm", "name")):
        manager = {"from": system.roles["program_manager"]}
        system.programs.open(terms(system, Schedule(2)), name, Schedule(2).table_bytes(), manager)


def test_a_period_begins_exactly_at_its_boundary(system: System) -> None:
    for program in (FEC, INSTALMENTS):
        after = system.twin.period(program) + 1
        system.wait_for_period(program, after, before=1)
        assert system.programs.currentPeriod(program) == system.twin.period(program) == after - 1
        system.wait_for_period(program, after)
        assert system.programs.currentPeriod(program) == system.twin.period(program) == after


def test_deposit_adds_to_the_reserve_of_a_funded_program_only(system: System) -> None:
    sponsor, twin_call = system.people[0], system.twin.deposit
    system.issue(sponsor, 100 * ONE_POINT, "till")
    allowance, twin_approve = (system.nodes, 100 * ONE_POINT), system.twin.approve
    system.do(
        system.token.approve, allowance, sponsor, twin_approve, address(sponsor), address(system.nodes), allowance[1]
    )
    for program, expected in ((FEC, "Programs_NotFunded"), (3, "Programs_Unknown")):
        arguments = (address(sponsor), program, ONE_POINT)
        system.refused(
            error(expected, program), system.nodes.deposit, (program, ONE_POINT), sponsor, twin_call, *arguments
        )
    given = (INSTALMENTS, 40 * ONE_POINT)
    system.do(system.nodes.deposit, given, sponsor, twin_call, address(sponsor), *given)
    assert system.nodes.books(INSTALMENTS)[3] == 40 * ONE_POINT == system.token.balanceOf(system.nodes)
    assert system.token.balanceOf(sponsor) == 60 * ONE_POINT
    system.agree()


def opened(rules: Program) -> tuple[Any, ...]:
    """The arguments of `open`."""
    return tuple(rules.terms().values()), rules.name, rules.schedule.table_bytes()


def replacing(system: System, old: int, rules: Program) -> tuple[Any, ...]:
    """The arguments of `do` and `refused` for a replacement."""
    manager = system.roles["program_manager"]
    return system.programs.replace, (old, *opened(rules)), manager, system.twin.replace, old, rules


def successor(system: System, program: int, *, seconds: int) -> Program:
    """The same rules, beginning so many seconds after the next block."""
    return replace(system.twin.programs[program], name="Next", epoch=system.chain[-1].timestamp + 1 + seconds)


def test_replace_gives_notice_of_thirty_days_and_replaces_once(system: System) -> None:
    system.refused(error("Programs_Unknown", 3), *replacing(system, 3, successor(system, FEC, seconds=NOTICE)))
    short = successor(system, FEC, seconds=NOTICE - 1)
    too_short = error("Programs_NoticeTooShort", short.epoch, short.epoch + 1)
    system.refused(too_short, *replacing(system, FEC, short))
    assert system.do(*replacing(system, FEC, successor(system, FEC, seconds=NOTICE))) == 3
    system.agree()
    again = replacing(system, FEC, successor(system, FEC, seconds=NOTICE))
    system.refused(error("Programs_Replaced", FEC, 3), *again)


def test_a_replaced_program_takes_payments_to_the_end_of_its_period(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    system.do(*replacing(system, FEC, successor(system, FEC, seconds=NOTICE + 12_345)))
    epoch, closes = system.twin.programs[3].epoch, system.twin.closes_at(FEC)
    assert epoch <= closes < epoch + 7 * 86_400
    early = system.payment(payer, ONE_POINT, "too early", 3)
    pay = (system.processor.pay, (early.struct(),), payer, system.twin.pay, address(payer), [early])
    system.refused(error("Programs_NotStarted", 3, epoch), *pay)
    system.rpc.call("evm_mine", epoch - 1)
    system.do(*pay)
    assert system.chain[-1].timestamp == epoch
    system.rpc.call("evm_mine", closes - 2)
    _, start = system.pay(payer, 50 * ONE_POINT, "the last second", FEC)
    late = system.payment(payer, ONE_POINT, "the first second after", FEC)
    pay = (system.processor.pay, (late.struct(),), payer, system.twin.pay, address(payer), [late])
    system.refused(error("Programs_Closed", FEC, closes), *pay)
    assert system.chain[-1].timestamp == closes
    # Its nodes go on as they are.
    system.wait_for_period(FEC, start + 100)
    system.claim([system.node_id(payer, start)])
    system.agree()


def test_a_program_that_opens_later_is_replaced_before_it_begins(system: System) -> None:
    system.do(*replacing(system, FEC, successor(system, FEC, seconds=2 * NOTICE)))
    system.do(*replacing(system, 3, successor(system, FEC, seconds=NOTICE)))
    system.agree()
    system.rpc.call("evm_mine", system.twin.programs[3].epoch)
    payer = system.people[0]
    system.issue(payer, ONE_POINT, "till")
    never = system.payment(payer, ONE_POINT, "never", 3)
    pay = (system.processor.pay, (never.struct(),), payer, system.twin.pay, address(payer), [never])
    system.refused(error("Programs_Closed", 3, system.twin.programs[3].epoch), *pay)


def test_the_caps_of_emission_programs_are_set_apart_once(system: System) -> None:
    manager, twin = system.roles["program_manager"], system.twin
    left = SUPPLY_CAP - twin.set_apart
    over = replace(twin.programs[FEC], cap=left + 1)
    expected = error("PointsToken_SupplyCapExceeded", SUPPLY_CAP + 1, SUPPLY_CAP)
    system.refused(expected, system.programs.open, opened(over), manager, twin.open, over)
    exactly = replace(over, cap=left)
    system.do(system.programs.open, opened(exactly), manager, twin.open, exactly)
    system.agree()
