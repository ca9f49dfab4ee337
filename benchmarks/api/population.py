"""The people of the benchmark's database, made by rule: the same number of wallets gives the same rows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from chainpoints.domain.schedule import Schedule
from chainpoints.domain.terms import Terms
from chainpoints.types import ONE_POINT, ZERO_ADDRESS, Address, NodeId

DAY, WEEK = 86_400, 7 * 86_400
EPOCH = 1_767_571_200
"""2026-01-05 00:00 UTC, a Monday."""

BLOCKS, BLOCKS_A_WEEK = 6_000, 100
NOW = EPOCH + 60 * WEEK
"""The chain time of the last block: 60 weeks of the FEC program are over."""

_SECONDS_A_BLOCK = WEEK // BLOCKS_A_WEEK
_WEEKS = BLOCKS // BLOCKS_A_WEEK
_INSTALMENTS_FROM = 7 * _WEEKS - 55
_ZERO_HASH = "0x" + "00" * 32
_TERMS = (ONE_POINT, 10_000 * ONE_POINT, 9 * 10**17, _ZERO_HASH)

PROGRAMS = (
    Terms(1, "EMISSION", 1_000, 10, 100, WEEK, EPOCH, 21, 20, *_TERMS, "FEC"),
    Terms(2, "FUNDED", 1_000, 2, 60, DAY, EPOCH, 1, 1, *_TERMS, "Instalments"),
)

Row = tuple[Any, ...]


def wallet(number: int) -> Address:
    return Address(f"0x{hashlib.sha256(number.to_bytes(8, 'big')).hexdigest()[:40]}")


def blocks() -> Iterator[Row]:
    for number in range(1, BLOCKS + 1):
        timestamp = EPOCH + number * _SECONDS_A_BLOCK
        yield number, f"0x{number:064x}", f"0x{number - 1:064x}", timestamp


def balances(addresses: list[Address]) -> Iterator[Row]:
    """In the order of the key. A third of the wallets were paid twice."""
    supply = 0
    for place, address in enumerate(sorted(addresses)):
        amount = (1 + place % 5_000) * ONE_POINT + place % 1_000_000
        supply += amount
        if place % 3 == 0:
            yield address, 1 + place % BLOCKS // 2, amount // 2
        yield address, BLOCKS - place % 3_000, amount
    yield ZERO_ADDRESS, BLOCKS, -supply


def nodes(addresses: list[Address]) -> Iterator[Row]:
    """None to ten nodes a wallet, five on average, in the order of the key. A tenth was claimed once since."""
    starting = defaultdict[tuple[int, int], list[tuple[Address, int]]](list)
    for number, address in enumerate(addresses):
        for j in range(number % 11):
            start = (number // 11 * 3 + 7 * j) % _WEEKS
            program = 2 if j % 5 == 4 else 1
            starting[program, start].append((address, number + j))
    released = {program.program: _released(program) for program in PROGRAMS}
    for (program, week), made in sorted(starting.items()):
        start = week if program == 1 else _INSTALMENTS_FROM + week
        elapsed = max(0, (_WEEKS - 1 if program == 1 else 7 * _WEEKS - 7) - start)
        for origin, luck in sorted(made):
            node = str(NodeId(program, start, 0, origin))
            total = (1 + luck % 3_000) * ONE_POINT + luck % 1_000
            block = 1 + week * BLOCKS_A_WEEK + luck % BLOCKS_A_WEEK
            yield node, block, program, start, origin, total, 0, 0, None, None
            if luck % 10 == 0 and elapsed:
                claimed = total * released[program][min(elapsed, len(released[program]) - 1)] // 2**192
                last = BLOCKS - luck % BLOCKS_A_WEEK
                yield node, last, program, start, origin, total, claimed, elapsed, None, None


def _released(terms: Terms) -> tuple[int, ...]:
    schedule = Schedule(terms.periods, terms.growth_numerator, terms.growth_denominator)
    return (0, *schedule.table(), 1 << 192)
