"""Programs and ProgramBooks: the rules, and what each program took in, owes, released and holds."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from chainpoints.chain.parameters import Funding, Program
from chainpoints.domain.forecast import Grid
from chainpoints.domain.payment import period_at
from chainpoints.domain.schedule import Schedule
from chainpoints.types import Address
from twin.points import Points
from twin.state import DAY, Contracts, Record, Refused, all_or_nothing, require

NOTICE = 30 * DAY
EMISSION_LIMIT = 128
UNITS = 2**64
"""Amounts are below it."""
OVERFLOW = 0x11
"""The code of Solidity's Panic."""


@cache
def share(schedule: Schedule, k: int) -> Fraction:
    """The part of a total that is released after k periods; kept, since powers of fractions take long."""
    return schedule.share(k)


@dataclass
class Books(Record):
    """total of all nodes ever made, less what refunds undid = released + committed."""

    diverted: int = 0
    committed: int = 0
    released: int = 0
    reserve: int = 0


@dataclass(frozen=True)
class Replacement:
    """Nodes that payments to the replaced program make start with `last_start` at the latest."""

    by: int
    last_start: int


class ProgramBooks(Points):
    def __init__(self, contracts: Contracts, now: int, programs: tuple[Program, ...]) -> None:
        super().__init__(contracts, now)
        self.programs: dict[int, Program] = {}
        self.books: dict[int, Books] = {}
        self.replacements: dict[int, Replacement] = {}
        for program in programs:
            self.open(program)

    # ------------------------------------------------------------------------------------------------ getters

    @property
    def unminted(self) -> int:
        """Of what is set apart: not released yet, or released in place of points that payments burned."""
        return sum(rules.cap - self.books[n].released + self.books[n].diverted for n, rules in self._emission())

    def grid(self, program: int) -> Grid:
        rules = self.programs[program]
        return Grid(rules.epoch, rules.period_seconds, rules.schedule)

    def period(self, program: int) -> int:
        rules = self.programs[program]
        return period_at(self.now, rules.epoch, rules.period_seconds)

    def closes_at(self, program: int) -> int:
        """Until when a replaced program takes payments."""
        return self.grid(program).begins_at(self.replacements[program].last_start)

    def start_now(self, program: int) -> int:
        """The start of a node that is made now."""
        require(program in self.programs, "Programs_Unknown", program)
        epoch = self.programs[program].epoch
        require(self.now >= epoch, "Programs_NotStarted", program, epoch)
        start = self.grid(program).next_start(self.now)
        if program in self.replacements:
            is_open = start <= self.replacements[program].last_start
            require(is_open, "Programs_Closed", program, self.closes_at(program))
        return start

    # ------------------------------------------------------------------------------------------------ rules

    @all_or_nothing
    def open(self, rules: Program) -> int:
        """The new program's id. Its terms are in range: chain.parameters and TermsCheck see to that."""
        return self._open(rules)

    @all_or_nothing
    def replace(self, old: int, rules: Program) -> int:
        """The new program's id. The old one goes on to the end of its period in which the new one opens."""
        require(old in self.programs, "Programs_Unknown", old)
        if old in self.replacements:
            raise Refused("Programs_Replaced", old, self.replacements[old].by)
        require(rules.epoch >= self.now + NOTICE, "Programs_NoticeTooShort", rules.epoch, self.now + NOTICE)
        last_moment = period_at(rules.epoch - 1, self.programs[old].epoch, self.programs[old].period_seconds)
        program = self._open(rules)
        self.replacements[old] = Replacement(program, max(0, last_moment + 1))
        return program

    def _open(self, rules: Program) -> int:
        program = len(self.programs) + 1
        self.programs[program], self.books[program] = rules, Books()
        if rules.funding == Funding.EMISSION:
            require(len(self._emission()) <= EMISSION_LIMIT, "Programs_TooMany", EMISSION_LIMIT)
            self._set_apart(rules.cap)
        return program

    def _emission(self) -> list[tuple[int, Program]]:
        return [(n, rules) for n, rules in self.programs.items() if rules.funding == Funding.EMISSION]

    # ------------------------------------------------------------------------------------------------ books

    @all_or_nothing
    def deposit(self, sponsor: Address, program: int, amount: int) -> None:
        """By the sponsor's allowance to the nodes' contract."""
        self._add_reserve(program, amount)
        self._spend(sponsor, self.contracts.nodes, amount)
        self._move(sponsor, self.contracts.nodes, amount)

    def _add_reserve(self, program: int, amount: int) -> None:
        self._require_funded(program)
        replacement, epoch = self.replacements.get(program), self.programs[program].epoch
        require(replacement is None or replacement.last_start > 0, "Programs_Closed", program, epoch)
        if self.now >= epoch:
            self.start_now(program)
        require(self.books[program].reserve + amount < UNITS, "Panic", OVERFLOW)
        self.books[program].reserve += amount

    def _commit(self, program: int, diverted: int, total: int) -> None:
        """Promises a node `total` more, for which `diverted` was taken in."""
        books, rules = self.books[program], self.programs[program]
        books.diverted += diverted
        books.committed += total
        promised = books.released + books.committed
        require(promised <= rules.cap, "Programs_CapExceeded", program, promised, rules.cap)
        if self.is_funded(program):
            books.reserve += diverted
            covered = books.reserve >= books.committed
            require(covered, "Programs_ReserveTooSmall", program, books.committed, books.reserve)

    def _uncommit(self, program: int, diverted: int, total: int) -> None:
        books = self.books[program]
        books.diverted -= diverted
        books.committed -= total
        if self.is_funded(program):
            books.reserve -= diverted

    def _book_release(self, program: int, amount: int) -> None:
        books = self.books[program]
        books.committed -= amount
        books.released += amount
        if self.is_funded(program):
            books.reserve -= amount

    def is_funded(self, program: int) -> bool:
        return self.programs[program].funding == Funding.FUNDED

    def _require_funded(self, program: int) -> None:
        require(program in self.programs, "Programs_Unknown", program)
        require(self.is_funded(program), "Programs_NotFunded", program)
