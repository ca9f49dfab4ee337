"""Where all lives begin: programs of six shapes, people with points, and nodes that are locked, unlocked, split, given,
approved and in custody.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deployment import Act, Deployment

from chainpoints.chain.parameters import PUBLIC_EPOCH, Program, first_programs
from chainpoints.chain.plan import ROLES
from chainpoints.domain.schedule import Schedule
from chainpoints.types import DAY_SECONDS, ONE_POINT, Address, Points
from twin import Issue, Payment, Reserve

TEA_HOUSE, SYBIL, OF_WALLET, NO_MERCHANT = 1, 2, 3, 9
"""The payout of the second is a payer, that of the third a contract."""

FORTUNE = 10**18
MANY = 5 * FORTUNE

FEC, INSTALMENTS = first_programs(PUBLIC_EPOCH)


def program(of: Program, name: str, schedule: Schedule, **terms: Any) -> Program:
    return replace(of, name=name, schedule=schedule, **terms)


PROGRAMS = (
    FEC,
    INSTALMENTS,
    program(
        FEC,
        "Once",
        Schedule(1),
        divert_bps=10_000,
        multiplier=1,
        period_seconds=3_600,
        min_payment=Points(1),
        payer_period_cap=Points(12 * ONE_POINT),
        cap=Points(20 * ONE_POINT),
    ),
    program(
        INSTALMENTS,
        "Drops",
        Schedule(255, 101, 100),
        divert_bps=1,
        multiplier=65_535,
        min_payment=Points(10_000),
        payer_period_cap=Points(100_000 * ONE_POINT),
        cap=Points(1_000_000 * ONE_POINT),
    ),
    program(FEC, "Doubling", Schedule(3, 2, 1), divert_bps=3_333, multiplier=7, epoch=PUBLIC_EPOCH + 28 * DAY_SECONDS),
    program(
        FEC,
        "Vast",
        Schedule(12, 3, 2),
        divert_bps=10_000,
        multiplier=65_535,
        period_seconds=DAY_SECONDS,
        payer_period_cap=Points(4 * 10**18),
        cap=Points(4 * 10**18),
    ),
)


def begin() -> Deployment:
    system = Deployment(PUBLIC_EPOCH + 10 * DAY_SECONDS, PROGRAMS)
    system.payout = system.person("Tea house")
    ada, ben, cleo = (system.person(name) for name in ("Ada", "Ben", "Cleo"))
    system.people = [ada, ben, cleo, system.wallet(system.person("owner of the wallet"))]
    Prologue(system).play()
    system.agree()
    return system


class Prologue:
    """What has happened before."""

    def __init__(self, system: Deployment) -> None:
        self.system, self.orders = system, 0

    def play(self) -> None:
        """Ada has a fortune; all have 400 points and some nodes, which are unlocked after 15 days, and locked ones."""
        people = self.system.people
        for merchant, payout in ((TEA_HOUSE, self.system.payout), (SYBIL, people[2]), (OF_WALLET, people[3])):
            self.register(merchant, payout)
        self.grant_issuing(self.system.roles["approver"])
        self.set_limits_of_issues(MANY, MANY)
        self.issue(people[0], FORTUNE, 0)
        for number, points in ((2, 1_000), (4, 120)):
            self.issue_reserve(number, points * ONE_POINT)
        for person in people:
            self.issue(person, 400 * ONE_POINT, 60 * ONE_POINT)
            self.pay(person, (1, 4, 6), 3 * ONE_POINT)
        self.set_limits_of_issues(500 * ONE_POINT, 1_000 * ONE_POINT)
        self.system.world.now += 15 * DAY_SECONDS
        for owner, other in zip(people, people[1:] + people[:1], strict=True):
            self.deal(owner, other)
            self.pay(owner, (1, 2, 3), 3 * ONE_POINT)
        self.replace(3, program(PROGRAMS[2], "Once more", Schedule(1), epoch=self.system.world.now + 31 * DAY_SECONDS))

    def deal(self, owner: Address, other: Address) -> None:
        """What an owner does with nodes of one program each."""
        nodes, twin = (
            {n >> 224: n for n, node in self.system.twin.nodes.items() if node.owner == owner},
            self.system.twin,
        )
        self.system.must(Act("ReleaseNode", "claim", ([nodes[2]],), other, "claim", ([nodes[2]],)))
        for number in (1, 2):
            self.by(owner, "ReleaseNode", "split", (nodes[number], [60, ONE_POINT]), "split")
        self.by(owner, "ReleaseNode", "setBeneficiary", (nodes[6], other), "set_beneficiary")
        self.by(owner, "ReleaseNode", "give", (nodes[4], other, twin.now + 50 * DAY_SECONDS), "give")
        self.by(owner, "ReleaseNode", "approve", (other, nodes[2]), "approve_node")
        self.by(owner, "ReleaseNode", "approveClaim", (other, other, 20 * ONE_POINT, 2**40 - 1), "approve_claim")
        for spender in (other, twin.contracts.nodes):
            self.by(owner, "PointsToken", "approve", (spender, 50 * ONE_POINT), "approve")

    def register(self, merchant: int, payout: Address) -> None:
        registrar, quota = self.system.roles["registrar"], (merchant, 2 * FORTUNE, self.order())
        limits, name = (MANY, MANY), "Name"
        given, arguments = (merchant, payout, name, *limits), (merchant, payout, *limits)
        self.system.must(Act("PaymentProcessor", "register", given, registrar, "register", arguments))
        self.system.must(Act("PaymentProcessor", "addQuota", quota, registrar, "add_quota", quota))

    def replace(self, old: int, rules: Program) -> None:
        given = (old, tuple(rules.terms().values()), rules.name, rules.schedule.table_bytes())
        manager = self.system.roles["program_manager"]
        self.system.must(Act("Programs", "replace", given, manager, "replace", (old, rules)))

    def grant_issuing(self, account: Address) -> None:
        """The twin knows of no roles."""
        issuing = next(role.id for role in ROLES if role.name == "issuer")
        to, data = self.system.calls.encode("AccessManager", "grantRole", [issuing, account, 0])
        self.system.world.call(self.system.roles["admin"], to, bytes.fromhex(data[2:]))

    def set_limits_of_issues(self, threshold: int, of_person: int) -> None:
        admin = self.system.roles["admin"]
        name, twin_call = "setApprovalThreshold", "set_approval_threshold"
        self.system.must(Act("PaymentProcessor", name, (threshold,), admin, twin_call, (threshold,)))
        self.system.must(Act("PointsToken", "setPersonLimit", (of_person,), admin, "set_person_limit", (of_person,)))

    def issue(self, customer: Address, points: int, total: int) -> None:
        issuer = self.system.roles["issuer"]
        item = Issue(TEA_HOUSE, 2 if total else 0, points, total, customer, self.order(), self.order())
        self.system.must(Act("PaymentProcessor", "issue", (item.struct(),), issuer, "issue", (issuer, [item])))

    def issue_reserve(self, number: int, amount: int) -> None:
        issuer, reserve = self.system.roles["issuer"], Reserve(TEA_HOUSE, self.order(), number, amount, self.order())
        given, arguments = reserve.arguments(), (issuer, reserve)
        self.system.must(Act("PaymentProcessor", "issueReserve", given, issuer, "issue_reserve", arguments))

    def pay(self, payer: Address, numbers: tuple[int, ...], amount: int) -> None:
        payments = [Payment(TEA_HOUSE, number, amount, payer, self.order()) for number in numbers]
        given = ([payment.struct() for payment in payments],)
        self.system.must(Act("PaymentProcessor", "payBatch", given, payer, "pay", (payer, payments)))

    def by(self, who: Address, contract: str, function: str, given: tuple[Any, ...], twin_call: str) -> None:
        """A call whose arguments are the twin's, too."""
        self.system.must(Act(contract, function, given, who, twin_call, (who, *given)))

    def order(self) -> bytes:
        self.orders += 1
        return self.orders.to_bytes(32, "big")
