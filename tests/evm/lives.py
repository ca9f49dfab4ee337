"""Random short lives of one deployment: every call on the chain and in the twin, whatever its values.

A life is made of its seed alone, so one that fails can be lived again. All begin as `beginning` says.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar

from beginning import FEC, INSTALMENTS, NO_MERCHANT, OF_WALLET, SYBIL, TEA_HOUSE, begin, program
from deployment import Act, Deployment, Disagreement, Snapshot

import messages
from agreement import approval_hash
from chainpoints.chain.parameters import DAY_SECONDS, WEEK_SECONDS, Program
from chainpoints.chain.plan import ROLES
from chainpoints.chain.signatures import claim_approval_typed_data
from chainpoints.domain.schedule import Schedule
from chainpoints.types import ONE_POINT, SUPPLY_CAP, ZERO_ADDRESS, Address, NodeId, Points
from twin import Authorization, Issue, Payment, Reserve, Twin

Choice = TypeVar("Choice")

LARGEST = 2**64 - 1
FOREVER = 2**40 - 1
CALLS = range(8, 21)
"""How many a life has."""
COMPARED_THROUGHOUT = 32
"""Of so many lives one is compared after every call, the others at their end."""
RESTRICTED = {function for role in ROLES for functions in role.functions.values() for function in functions}
SAFE_TRANSFER = "safeTransferFrom(address,address,uint256)"

ACTS = (
    dict.fromkeys(["pay", "pay_batch", "pay_authorized", "pay_batch_authorized", "refund", "claim", "wait"], 6)
    | dict.fromkeys(["issue", "claim_to", "transfer_node", "split", "merge", "give", "take", "set_beneficiary"], 4)
    | dict.fromkeys(["issue_reserve", "approve_issue", "approve_claim", "permit_claim"], 2)
    | dict.fromkeys(["approve_node", "approve_all", "take_back", "transfer", "approve", "transfer_from"], 2)
    | dict.fromkeys(["freeze", "unfreeze", "issue_batch"], 3)
    | dict.fromkeys(["burn", "burn_from", "deposit", "cancel", "replace", "set_active"], 1)
    | dict.fromkeys(["confirm_freeze", "set_limits", "add_quota", "set_payout", "register", "open"], 1)
    | dict.fromkeys(["set_threshold", "set_person_limit"], 1)
)
"""What people do, and how often. Each is a method of Life."""


class Life:
    """`told` says what happened."""

    def __init__(self, system: Deployment, seed: int) -> None:
        self.system, self.seed, self.chance = system, seed, random.Random(seed)
        self.people = system.people
        self.told: list[str] = []

    @property
    def twin(self) -> Twin:
        return self.system.twin

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

    # ------------------------------------------------------------------------------------------------ choices

    def one_of(self, *several: Choice) -> Choice:
        return self.chance.choice(several)

    def seldom(self) -> bool:
        return self.chance.random() < 0.1

    def amount(self, *near: int) -> int:
        """Mostly a few points; else an extreme, or something around one of `near`."""
        if self.chance.random() < 0.7:
            return self.chance.randint(1, 30 * ONE_POINT)
        extremes = [0, 1, LARGEST, SUPPLY_CAP, self.chance.getrandbits(self.chance.randint(1, 64)), *near * 4]
        return min(LARGEST, max(0, self.chance.choice(extremes) + self.one_of(0, 0, 0, 1, -1)))

    def person(self) -> Address:
        return self.chance.choice(self.people)

    def anybody(self) -> Address:
        """Seldom an address that nobody can have."""
        if not self.seldom():
            return self.person()
        return self.one_of(ZERO_ADDRESS, self.twin.contracts.token, self.twin.contracts.nodes, self.stranger)

    @property
    def stranger(self) -> Address:
        return self.system.roles["anchorer"]

    def merchant(self) -> int:
        return NO_MERCHANT if self.seldom() else self.one_of(TEA_HOUSE, TEA_HOUSE, SYBIL, OF_WALLET)

    def program(self) -> int:
        known = len(self.twin.programs)
        return self.one_of(0, known + 1) if self.chance.random() < 0.03 else self.chance.randint(1, known)

    def node(self, preferred: Callable[[int], bool] = lambda node: True) -> int:
        """Mostly of those that are preferred; seldom one that is not there."""
        if self.seldom():
            return self.chance.choice([0, *self.twin.ended, NodeId(1, 2, 0, self.person()).token_id])
        nodes = list(self.twin.nodes)
        return self.chance.choice([node for node in nodes if preferred(node)] or nodes or [0])

    def owner(self, node: int) -> Address:
        """Of the node, or seldom somebody else."""
        return self.who_can(self.twin.nodes[node].owner if node in self.twin.nodes else self.person())

    def payout(self, merchant: int) -> Address:
        """Of the merchant, or seldom somebody else."""
        return self.who_can(self.twin.merchants[merchant].payout if merchant in self.twin.merchants else self.person())

    def who_can(self, wanted: Address) -> Address:
        """Call and sign: somebody else for whoever cannot, and seldom anyway."""
        return wanted if wanted in self.system.keys and not self.seldom() else self.person()

    def is_unlocked(self, node: int) -> bool:
        return self.twin.elapsed(node) > 0

    def is_given(self, node: int) -> bool:
        return self.twin.nodes[node].gift is not None

    def moment(self) -> int:
        """Mostly later than now."""
        now = self.twin.now
        return self.one_of(now + 1, now + 3_600, now + 40 * DAY_SECONDS, FOREVER, now, now - 1, 0)

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

    # ------------------------------------------------------------------------------------------------ payments

    def payment(self, payer: Address) -> Payment:
        merchant, program = self.merchant(), self.program()
        order = self.chance.randbytes(32)
        if self.twin.paid and self.chance.random() < 0.03:
            merchant, order = self.chance.choice(list(self.twin.paid))
        near = [self.twin.balances[payer]]
        if program in self.twin.programs:
            near.append(self.twin.programs[program].min_payment)
        return Payment(merchant, program, self.amount(*near), payer, order)

    def payments(self, payer: Callable[[], Address]) -> list[Payment]:
        """Often of one merchant and program; seldom none, or one too many."""
        if self.seldom():
            return [self.payment(payer())] * self.one_of(0, 1, 2, 101)
        made = [self.payment(payer()) for _ in range(self.chance.randint(1, 5))]
        if self.chance.random() < 0.7:
            kind = made[0]
            made = [replace(p, merchant=kind.merchant, program=kind.program) for p in made]
        few = (self.chance.randint(ONE_POINT, 3 * ONE_POINT) for _ in made)
        return [p if self.seldom() else replace(p, amount=amount) for p, amount in zip(made, few, strict=True)]

    def pay(self) -> Act:
        payer = self.person()
        payment, sender = self.payment(payer), self.person() if self.seldom() else payer
        return Act("PaymentProcessor", "pay", (payment.struct(),), sender, "pay", (sender, [payment]))

    def pay_batch(self) -> Act:
        payer = self.person()
        payments = self.payments(lambda: self.person() if self.chance.random() < 0.02 else payer)
        given = ([payment.struct() for payment in payments],)
        return Act("PaymentProcessor", "payBatch", given, payer, "pay", (payer, payments))

    def pay_authorized(self) -> Act:
        payment = self.payment(self.person())
        authorization, signed = self.authorized(payment)
        given = (payment.struct(), signed)
        arguments = ([(payment, authorization)],)
        name = "payWithAuthorization"
        return Act("PaymentProcessor", name, given, self.stranger, "pay_authorized", arguments)

    def pay_batch_authorized(self) -> Act:
        payments = self.payments(self.person)
        authorized = [(payment, *self.authorized(payment)) for payment in payments]
        given = ([payment.struct() for payment in payments], [signed for _, _, signed in authorized])
        arguments = ([(payment, authorization) for payment, authorization, _ in authorized],)
        name = "payBatchWithAuthorization"
        return Act("PaymentProcessor", name, given, self.stranger, "pay_authorized", arguments)

    def authorized(self, payment: Payment) -> tuple[Authorization, tuple[int, int, bytes]]:
        signer = self.person() if self.chance.random() < 0.02 else payment.payer
        times = self.times()
        signature = self.system.sign(signer, messages.payment(self.system.manifest, payment, times))
        return Authorization(*times, signer), (*times, signature)

    def times(self) -> tuple[int, int]:
        now = self.twin.now
        if self.chance.random() < 0.05:
            return self.one_of((now, FOREVER), (0, now), (now - 1, now + 1), (FOREVER, 0))
        return self.one_of(0, now - 1, now - 60), now + 60

    def cancel(self) -> Act:
        payer = self.person()
        return Act("PointsToken", "cancelPayments", (), payer, "cancel_payments", (payer,))

    def refund(self) -> Act | None:
        """Mostly of a payment whose node is locked."""
        twin = self.twin
        paid = [each for each in twin.paid.values() if self.chance.random() < 0.1 or self.is_refundable(*each)]
        if not paid:
            return None
        payment, start = self.chance.choice(paid)
        left = payment.amount - twin.refunded[payment.merchant, payment.order]
        amount = self.one_of(left, left, left // 2, left // 3, 1, self.amount(left))
        if self.seldom():
            other = self.one_of(replace(payment, amount=payment.amount + 1), replace(payment, merchant=NO_MERCHANT))
            payment, start = self.one_of((payment, start + 1), (other, start))
        given, arguments = (payment.struct(), start, amount), (payment, start, amount)
        if self.chance.random() < 0.6:
            sender = self.payout(payment.merchant)
            return Act("PaymentProcessor", "refund", given, sender, "refund", (sender, *arguments))
        return self.refund_authorized(given, arguments)

    def is_refundable(self, payment: Payment, start: int) -> bool:
        is_left = self.twin.refunded[payment.merchant, payment.order] < payment.amount
        return is_left and self.twin.period(payment.program) <= start

    def refund_authorized(self, given: tuple[Any, ...], refund: tuple[Payment, int, int]) -> Act:
        times, signer = self.times(), self.payout(refund[0].merchant)
        refunded = self.twin.refunded[refund[0].merchant, refund[0].order] + self.seldom()
        message = messages.refund(self.system.manifest, *refund, refunded, signer, times)
        signed = (*times, self.system.sign(signer, message))
        arguments = (*refund, refunded, Authorization(*times, signer))
        name = "refundWithAuthorization"
        return Act("PaymentProcessor", name, (*given, signed), self.stranger, "refund_authorized", arguments)

    # ------------------------------------------------------------------------------------------------ issues

    def issuer(self) -> Address:
        """The approver is one, too."""
        return self.system.roles[self.one_of("approver", "issuer", "issuer", "issuer")]

    def an_issue(self) -> Issue:
        approved = [item for item in self.twin.approvers if isinstance(item, Issue)]
        if approved and self.chance.random() < 0.5:
            return self.chance.choice(approved)
        merchant, customer, program = self.merchant(), self.anybody(), self.one_of(2, 2, 4, self.program())
        limit = self.twin.person_limit - self.twin.persons[customer, self.twin.today]
        quota = self.twin.merchants[merchant].quota if merchant in self.twin.merchants else 0
        points, total = (self.one_of(0, self.amount(limit, quota)) for _ in range(2))
        return Issue(merchant, program, points, total, customer, self.issued_order(), self.chance.randbytes(32))

    def issued_order(self) -> bytes:
        known = [order for _, order in self.twin.issued]
        return self.chance.choice(known) if known and self.seldom() else self.chance.randbytes(32)

    def issue(self) -> Act:
        issuer, item = self.issuer(), self.an_issue()
        return Act("PaymentProcessor", "issue", (item.struct(),), issuer, "issue", (issuer, [item]))

    def issue_batch(self) -> Act:
        issuer, items = self.issuer(), [self.an_issue() for _ in range(self.chance.randint(1, 4))]
        if self.seldom():
            items = items * self.one_of(0, 2, 101)
        given = ([item.struct() for item in items],)
        return Act("PaymentProcessor", "issueBatch", given, issuer, "issue", (issuer, items))

    def a_reserve(self) -> Reserve:
        approved = [item for item in self.twin.approvers if isinstance(item, Reserve)]
        if approved and self.chance.random() < 0.5:
            return self.chance.choice(approved)
        program = self.one_of(2, 4, self.program())
        return Reserve(self.merchant(), self.issued_order(), program, self.amount(), self.chance.randbytes(32))

    def issue_reserve(self) -> Act:
        issuer, reserve = self.issuer(), self.a_reserve()
        given = reserve.arguments()
        return Act("PaymentProcessor", "issueReserve", given, issuer, "issue_reserve", (issuer, reserve))

    def approve_issue(self) -> Act:
        """Mostly of an issue that needs it."""
        approver, item = self.system.roles["approver"], self.issue_or_reserve()
        enough = min(LARGEST, self.twin.approval_threshold + self.chance.randint(1, 30 * ONE_POINT))
        if self.chance.random() < 0.7:
            item = replace(item, points=enough) if isinstance(item, Issue) else replace(item, amount=enough)
        given = (approval_hash(item),)
        return Act("PaymentProcessor", "approveIssue", given, approver, "approve_issue", (approver, item))

    def issue_or_reserve(self) -> Issue | Reserve:
        return self.an_issue() if self.chance.random() < 0.5 else self.a_reserve()

    def set_threshold(self) -> Act:
        given = (self.one_of(0, 10 * ONE_POINT, 100 * ONE_POINT, LARGEST),)
        name, admin = "setApprovalThreshold", self.system.roles["admin"]
        return Act("PaymentProcessor", name, given, admin, "set_approval_threshold", given)

    def set_person_limit(self) -> Act:
        given = (self.one_of(0, 100 * ONE_POINT, 1_000 * ONE_POINT, LARGEST),)
        return Act("PointsToken", "setPersonLimit", given, self.system.roles["admin"], "set_person_limit", given)

    # ------------------------------------------------------------------------------------------------ merchants

    def register(self) -> Act:
        merchant, payout = self.one_of(NO_MERCHANT, TEA_HOUSE), self.anybody()
        paid, issued = self.amount(), self.amount()
        registrar = self.system.roles["registrar"]
        given, arguments = (merchant, payout, "Name", paid, issued), (merchant, payout, paid, issued)
        return Act("PaymentProcessor", "register", given, registrar, "register", arguments)

    def set_payout(self) -> Act:
        merchant = self.merchant()
        sender, given = self.payout(merchant), (merchant, self.anybody())
        return Act("PaymentProcessor", "setPayout", given, sender, "set_payout", (sender, *given))

    def set_active(self) -> Act:
        given = (self.merchant(), self.chance.random() < 0.7)
        return Act("PaymentProcessor", "setActive", given, self.system.roles["registrar"], "set_active", given)

    def set_limits(self) -> Act:
        limits = (self.one_of(self.amount(), 5_000 * ONE_POINT, LARGEST) for _ in range(2))
        given = (self.merchant(), *limits)
        return Act("PaymentProcessor", "setLimits", given, self.system.roles["registrar"], "set_limits", given)

    def add_quota(self) -> Act:
        merchant, evidence = self.merchant(), self.chance.randbytes(32)
        if self.seldom():
            merchant, evidence = min(self.twin.evidence)
        given = (merchant, self.amount(), evidence)
        return Act("PaymentProcessor", "addQuota", given, self.system.roles["registrar"], "add_quota", given)

    # ------------------------------------------------------------------------------------------------ claims

    def claimable(self, owner: Address | None = None) -> list[int]:
        """Nodes in random order, mostly of those that have something to claim; seldom one twice, none, or a bad one."""
        nodes = [n for n in self.twin.nodes if self.twin.claimable(n) and owner in (None, self.twin.nodes[n].owner)]
        self.chance.shuffle(nodes)
        nodes = nodes[: self.chance.randint(1, 8)]
        if self.chance.random() < 0.5:
            nodes.sort(key=lambda n: (self.twin.nodes[n].owner, n))
        if self.seldom():
            nodes = self.one_of([], nodes + nodes[:1], [*nodes, self.node()], [self.node()] * 501)
        return nodes

    def claim(self) -> Act:
        nodes = self.claimable()
        return Act("ReleaseNode", "claim", (nodes,), self.stranger, "claim", (nodes,))

    def claim_to(self) -> Act:
        """By the owner, or by somebody who may perhaps."""
        known = list(self.twin.allowances)
        owner, delegate, to = self.chance.choice(known) if known else (self.person(),) * 3
        if self.chance.random() < 0.5:
            owner, to = self.person(), self.anybody()
            delegate = owner
        if self.seldom():
            delegate = self.person()
        nodes = self.claimable(owner) or [self.node()]
        return Act("ReleaseNode", "claimTo", (nodes, to), delegate, "claim_to", (delegate, nodes, to))

    def allowance(self) -> tuple[Any, ...]:
        """Owner, delegate, receiver, cap, deadline."""
        return (self.person(), self.person(), self.anybody(), self.one_of(LARGEST, self.amount()), self.moment())

    def approve_claim(self) -> Act:
        owner, *given = self.allowance()
        return Act("ReleaseNode", "approveClaim", tuple(given), owner, "approve_claim", (owner, *given))

    def permit_claim(self) -> Act:
        owner, delegate, to, cap, deadline = self.allowance()
        nonce, signer = self.twin.claim_nonces[owner] + self.seldom(), self.person() if self.seldom() else owner
        message = claim_approval_typed_data(self.system.manifest, owner, delegate, to, cap, deadline, nonce)
        given = (owner, delegate, to, cap, deadline, self.system.sign(signer, message))
        arguments = (owner, delegate, to, cap, deadline, nonce, signer)
        return Act("ReleaseNode", "permitClaim", given, self.stranger, "permit_claim", arguments)

    # ------------------------------------------------------------------------------------------------ nodes

    def transfer_node(self) -> Act:
        node = self.node(self.is_unlocked)
        owner, to = self.owner(node), self.anybody()
        operators = [self.twin.nodes[node].approved] if node in self.twin.nodes else []
        operator = self.chance.choice([owner, owner, self.person(), *(each for each in operators if each)])
        name = "transferFrom" if to not in self.people else self.one_of("transferFrom", SAFE_TRANSFER)
        arguments = (operator, owner, to, node)
        return Act("ReleaseNode", name, (owner, to, node), operator, "transfer_node", arguments)

    def approve_node(self) -> Act:
        node = self.node()
        owner, given = self.owner(node), (self.one_of(ZERO_ADDRESS, self.person(), self.person()), node)
        return Act("ReleaseNode", "approve", given, owner, "approve_node", (owner, *given))

    def approve_all(self) -> Act:
        owner, given = self.person(), (self.anybody(), self.chance.random() < 0.7)
        return Act("ReleaseNode", "setApprovalForAll", given, owner, "approve_all", (owner, *given))

    def split(self) -> Act:
        node = self.node(self.is_unlocked)
        total = self.twin.nodes[node].total if node in self.twin.nodes else ONE_POINT
        parts = self.chance.randint(1, 4)
        totals = [self.one_of(1, 60, total // 2, self.chance.randint(1, total // parts + 1)) for _ in range(parts)]
        if total <= 100 and self.chance.random() < 0.5:
            totals = [1] * (total - 1)
        elif self.seldom():
            totals = self.one_of([], [0], [total], [total - 1], [LARGEST], [1] * 100, [1] * 101)
        owner = self.owner(node)
        return Act("ReleaseNode", "split", (node, totals), owner, "split", (owner, node, totals))

    def merge(self) -> Act:
        """Mostly of nodes that can be merged."""
        kinds = {n: (n >> 200, node.owner, node.receiver, node.gift) for n, node in self.twin.nodes.items()}
        several = Counter(kinds.values())
        into = self.node(lambda n: several[kinds[n]] > 1 and self.is_unlocked(n))
        alike = [n for n in kinds if n != into and (self.seldom() or kinds[n] == kinds.get(into))]
        self.chance.shuffle(alike)
        nodes = alike[: self.chance.randint(1, 4)]
        if self.seldom():
            nodes = self.one_of([], nodes * 2, [*nodes, into], [into] * 101)
        owner = self.owner(into)
        return Act("ReleaseNode", "merge", (into, nodes), owner, "merge", (owner, into, nodes))

    def give(self) -> Act:
        node = self.node(self.is_unlocked)
        owner, secret = self.owner(node), ZERO_ADDRESS if self.seldom() else self.person()
        given = (node, secret, self.moment())
        return Act("ReleaseNode", "give", given, owner, "give", (owner, *given))

    def take(self) -> Act:
        node = self.node(self.is_given)
        gift = self.twin.nodes[node].gift if node in self.twin.nodes else None
        signer = self.person() if gift is None or self.seldom() else gift.secret
        to = self.anybody()
        signature = self.system.sign(signer, messages.gift(self.system.manifest, node, to))
        return Act("ReleaseNode", "take", (node, to, signature), self.stranger, "take", (node, to, signer))

    def take_back(self) -> Act:
        given = (self.node(self.is_given),)
        return Act("ReleaseNode", "takeBack", given, self.stranger, "take_back", given)

    def set_beneficiary(self) -> Act:
        node = self.node()
        owner, given = self.owner(node), (node, self.anybody())
        return Act("ReleaseNode", "setBeneficiary", given, owner, "set_beneficiary", (owner, *given))

    # ------------------------------------------------------------------------------------------------ points

    def transfer(self) -> Act:
        sender = self.person()
        given = (self.anybody(), self.amount(self.twin.balances[sender]))
        return Act("PointsToken", "transfer", given, sender, "transfer", (sender, *given))

    def approve(self) -> Act:
        holder, spender = self.person(), self.one_of(self.anybody(), self.twin.contracts.nodes)
        given = (spender, self.one_of(self.amount(), 2**256 - 1))
        return Act("PointsToken", "approve", given, holder, "approve", (holder, *given))

    def allowed(self) -> tuple[Address, Address, int]:
        """Holder, spender and an amount."""
        known = [parties for parties in self.twin.spending if parties[1] in self.people]
        holder, spender = self.chance.choice([*known, (self.person(), self.person())])
        return (
            holder,
            spender,
            self.amount(self.twin.balances[holder], min(LARGEST, self.twin.spending[holder, spender])),
        )

    def transfer_from(self) -> Act:
        (holder, spender, amount), to = self.allowed(), self.anybody()
        arguments = (spender, holder, to, amount)
        return Act("PointsToken", "transferFrom", (holder, to, amount), spender, "transfer_from", arguments)

    def burn(self) -> Act:
        holder = self.person()
        given = (self.amount(self.twin.balances[holder]),)
        return Act("PointsToken", "burn", given, holder, "burn", (holder, *given))

    def burn_from(self) -> Act:
        holder, spender, amount = self.allowed()
        return Act("PointsToken", "burnFrom", (holder, amount), spender, "burn_from", (spender, holder, amount))

    def freeze(self) -> Act:
        account, guardian = self.frozen(), self.system.roles["guardian"]
        return Act("PointsToken", "freeze", (account, "a reason"), guardian, "freeze", (account,))

    def confirm_freeze(self) -> Act:
        account, admin = self.frozen(), self.system.roles["admin"]
        return Act("PointsToken", "confirmFreeze", (account, "a reason"), admin, "confirm_freeze", (account,))

    def unfreeze(self) -> Act:
        frozen = [person for person in self.people if self.twin.frozen_until[person] > self.twin.now]
        given = (self.chance.choice([*frozen * 3, self.person()]),)
        return Act("PointsToken", "unfreeze", given, self.system.roles["guardian"], "unfreeze", given)

    def frozen(self) -> Address:
        return self.one_of(*self.people, self.system.payout, self.twin.contracts.nodes, self.anybody())

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
