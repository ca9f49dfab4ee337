"""Random short lives of one deployment: every call on the chain and in the twin, whatever its values.

A life is made of its seed alone, so one that fails can be lived again. All begin as `beginning` says.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from beginning import FEC, INSTALMENTS, begin, program
from deployment import Act, Deployment, Disagreement, Snapshot
from holders import Holders
from signed import SignedPoints
from till import Till

from chainpoints.chain.parameters import WEEK_SECONDS, Program
from chainpoints.chain.plan import ROLES
from chainpoints.domain.schedule import Schedule
from chainpoints.types import DAY_SECONDS, ONE_POINT, SUPPLY_CAP, Points

CALLS = range(8, 21)
"""How many a life has."""
COMPARED_THROUGHOUT = 32
"""Of so many lives one is compared after every call, the others at their end."""
RESTRICTED = {function for role in ROLES for functions in role.functions.values() for function in functions}

ACTS = (
    dict.fromkeys(["pay", "pay_batch", "pay_authorized", "pay_batch_authorized", "refund", "claim", "wait"], 6)
    | dict.fromkeys(["issue", "claim_to", "transfer_node", "split", "merge", "give", "take", "set_beneficiary"], 4)
    | dict.fromkeys(["issue_reserve", "approve_issue", "approve_claim", "permit_claim"], 2)
    | dict.fromkeys(["approve_node", "approve_all", "take_back", "transfer", "approve", "transfer_from"], 2)
    | dict.fromkeys(["freeze", "unfreeze", "issue_batch"], 3)
    | dict.fromkeys(["burn", "burn_from", "deposit", "cancel", "replace", "set_active"], 1)
    | dict.fromkeys(["confirm_freeze", "set_limits", "add_quota", "set_payout", "register", "open"], 1)
    | dict.fromkeys(["set_threshold", "set_person_limit"], 1)
    | dict.fromkeys(["permit", "transfer_authorized", "receive_authorized", "cancel_authorization", "send_again"], 2)
)
"""What people do, and how often. Each is a method of Life."""


class Life(Till, Holders, SignedPoints):
    def live(self) -> None:
        throughout = self.seed % COMPARED_THROUGHOUT == 0
        kinds = self.chance.choices(list(ACTS), list(ACTS.values()), k=self.chance.choice(CALLS))
        try:
            for kind in kinds:
                act = self.by_somebody(getattr(self, kind)())
                if act is None:
                    continue
                self.told.append(f"{self.system.world.now}: {act}")
                self.told.append(f"  {self.system.act(act)}")
                if throughout:
                    self.system.agree()
            self.system.agree()
        except Disagreement as found:
            again = f"scripts/evm.py tests/evm/test_lives.py --scenarios 1 --seed {self.seed}"
            raise Disagreement("\n".join([f"Again: {again}", *self.told, str(found)])) from None

    def by_somebody(self, act: Act | None) -> Act | None:
        """Seldom what needs a role is tried by somebody without one."""
        if act is None or act.function not in RESTRICTED or not self.seldom():
            return act
        stranger = self.person()
        return act._replace(sender=stranger, twin_call="refuse_stranger", arguments=(stranger,))

    # ------------------------------------------------------------------------------------------------ time

    def wait(self) -> None:
        """Some seconds, to or just before the beginning of a period, some days or months."""
        now = self.system.world.now
        number = self.chance.randint(1, len(self.twin.programs))
        grid = self.twin.grid(number)
        boundary = grid.begins_at(max(0, grid.next_start(now))) - now
        days = DAY_SECONDS * self.chance.randint(1, 10)
        months = DAY_SECONDS * self.chance.randint(30, 200)
        seconds = self.one_of(1, self.chance.randint(1, 3_600), boundary, boundary - 1, days, days, months)
        self.system.world.now = self.twin.now = now + max(0, seconds)
        self.told.append(f"  it is {self.system.world.now}")

    # ------------------------------------------------------------------------------------------------ programs

    def deposit(self) -> Act:
        sponsor, given = self.person(), (self.one_of(2, 4, self.program()), self.amount())
        return Act("ReleaseNode", "deposit", given, sponsor, "deposit", (sponsor, *given))

    def terms(self) -> Program:
        """Of a new program; its epoch is seldom too near."""
        days = self.one_of(29, 30, 31, 31, 45, 100)
        cap = self.one_of(ONE_POINT, 10**12, SUPPLY_CAP)
        shape = self.one_of(Schedule(1), Schedule(5, 3, 2), Schedule(255), FEC.schedule)
        return program(
            self.one_of(FEC, INSTALMENTS),
            "Next",
            shape,
            epoch=self.twin.now + days * DAY_SECONDS + self.one_of(0, 1),
            period_seconds=self.one_of(3_600, DAY_SECONDS, WEEK_SECONDS),
            cap=Points(cap),
            payer_period_cap=Points(ONE_POINT),
        )

    def open(self) -> Act:
        rules = self.terms()
        return Act("Programs", "open", _opened(rules), self.system.roles["program_manager"], "open", (rules,))

    def replace(self) -> Act:
        old, rules = self.program(), self.terms()
        given = (old, *_opened(rules))
        return Act("Programs", "replace", given, self.system.roles["program_manager"], "replace", (old, rules))


def _opened(rules: Program) -> tuple[Any, ...]:
    return tuple(rules.terms().values()), rules.name, rules.schedule.table_bytes()


@dataclass
class Tally:
    """What lives came to: calls that succeeded, by function, refusals by error, and getters that were compared."""

    lives: int = 0
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    asked: int = 0

    @property
    def met(self) -> Counter[str]:
        """Functions and errors, by their names alone."""
        met = Counter(self.refused)
        for function, times in self.done.items():
            met[function.split("(")[0]] += times
        return met

    def add(self, other: Tally) -> None:
        self.lives += other.lives
        self.done += other.done
        self.refused += other.refused
        self.asked += other.asked


def live(seeds: range) -> Tally:
    """Raises Disagreement at the first life in which the contracts and the twin do not agree."""
    system, start = _begun()
    system.done, system.refused, system.asked = Counter(), Counter(), 0
    for seed in seeds:
        start.restore()
        Life(system, seed).live()
    return Tally(len(seeds), system.done, system.refused, system.asked)


@cache
def _begun() -> tuple[Deployment, Snapshot]:
    system = begin()
    return system, Snapshot(system)
