"""The formulas in the EVM against their twins in Python, for thousands of random and extreme values each."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from solc import compiled
from world import Contract, Reverted, World, account

from chainpoints.domain.payment import BASIS_POINTS, period_at, refund, split
from chainpoints.domain.schedule import FEC, Schedule
from chainpoints.types import Address, NodeId

pytestmark = pytest.mark.integration

VALUES = 3_000


@pytest.fixture(scope="module")
def formulas() -> Iterator[Contract]:
    world = World(now=0)
    yield world.deploy(*compiled("tests/evm/harness/Formulas.sol", "Formulas"))
    world.require_done(["split", "refund", "released", "periodAt", "elapsed", "nodeId"], floor=VALUES)


@pytest.fixture
def chance() -> random.Random:
    return random.Random(2026)


def amount(chance: random.Random, limit: int) -> int:
    """0 to `limit`: of any length in bits, and often next to an end."""
    return min(
        limit,
        chance.choice([chance.getrandbits(chance.randint(0, limit.bit_length())), max(limit - 1, 0), limit, 0, 1]),
    )


def test_T01_splits(formulas: Contract, chance: random.Random) -> None:
    for _ in range(VALUES):
        terms = amount(chance, 2**64 - 1), amount(chance, BASIS_POINTS), amount(chance, 2**16 - 1)
        expected = split(*terms)
        assert formulas.split(*terms) == (expected.merchant, expected.diverted, expected.total)


def test_T01_a_share_above_the_whole_is_refused(formulas: Contract) -> None:
    with pytest.raises(Reverted) as refused:
        formulas.split(10_000, BASIS_POINTS + 1, 1)
    assert (refused.value.name, refused.value.values) == ("Panic", (0x11,))


def test_T07_refunds(formulas: Contract, chance: random.Random) -> None:
    for _ in range(VALUES):
        paid = amount(chance, 2**64 - 1)
        refunded = amount(chance, paid)
        terms = amount(chance, paid - refunded), amount(chance, BASIS_POINTS), amount(chance, 2**16 - 1)
        expected = refund(paid, refunded, *terms)
        assert formulas.refund(paid, refunded, *terms) == (expected.merchant, expected.diverted, expected.total)


def test_T22_releases(formulas: Contract, chance: random.Random) -> None:
    shapes = [FEC, Schedule(3, 2, 1), Schedule(1), Schedule(255), Schedule(60, 3, 2), Schedule(12, 101, 100)]
    tables = {shape: shape.table_bytes() for shape in shapes}
    for _ in range(VALUES):
        shape, total = chance.choice(shapes), amount(chance, 2**64 - 1)
        k = amount(chance, shape.periods)
        assert formulas.released(tables[shape], total, k, shape.periods) == shape.released(total, k)


def test_T22_times(formulas: Contract, chance: random.Random) -> None:
    for _ in range(VALUES):
        epoch, length, start = amount(chance, 2**40 - 1), 1 + amount(chance, 2**32 - 2), amount(chance, 2**24 - 1)
        periods, near = amount(chance, 255), epoch + length * (start + chance.randint(-2, 257))
        time = max(epoch, near + chance.choice([-1, 0, 1, chance.randint(0, length)]))
        period = period_at(time, epoch, length)
        assert formulas.periodAt(time, epoch, length) == period
        assert formulas.elapsed(time, epoch, length, start, periods) == max(0, min(period - start, periods))


def test_T16_node_ids(formulas: Contract, chance: random.Random) -> None:
    for number in range(VALUES):
        program, start, payer = amount(chance, 2**32 - 1), amount(chance, 2**24 - 1), Address(account(number))
        assert formulas.nodeId(program, start, payer) == NodeId.of_payment(program, start, payer).token_id
