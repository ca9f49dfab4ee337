"""Random lives of three people and a merchant: after every call each getter equals the twin's, refusals the same error.

A run in which nothing succeeded would prove nothing, so what succeeded is counted.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from brownie_system import FEC, INSTALMENTS, MERCHANT, System, address
from builders import private_key, signer
from chainpoints.chain.parameters import first_programs
from chainpoints.types import ONE_POINT, SUPPLY_CAP, ZERO_ADDRESS
from twin import DAY, Authorization, Issue, Payment, Refused

EXAMPLES, STEPS = 24, 40

person = st.integers(0, 2)
program = st.sampled_from([FEC, INSTALMENTS, FEC, INSTALMENTS, 3])
a_few = st.integers(ONE_POINT, 9 * ONE_POINT)
few_points = a_few | st.integers(ONE_POINT, 30 * ONE_POINT) | st.sampled_from([0, ONE_POINT - 1, 900 * ONE_POINT])
which_one = st.integers(0, 99)
piece = st.integers(1, 9 * ONE_POINT) | st.sampled_from([1, 2, 999, 40 * ONE_POINT, 0])
secret = st.sampled_from(["a secret", "a secret", "a secret", "another secret"])


class Life(RuleBasedStateMachine):
    deployed: System
    done: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.deployed.chain.snapshot()
        self.system = replace(self.deployed, twin=copy.deepcopy(self.deployed.twin))
        self.system.sync()
        self.names = 0

    def teardown(self) -> None:
        self.deployed.chain.revert()

    # ------------------------------------------------------------------------------------------------ issues

    @rule(who=person, points=few_points, total=st.just(0) | few_points)
    def issue(self, who: int, points: int, total: int) -> None:
        system, customer = self.system, address(self.system.people[who])
        number = INSTALMENTS if total else 0
        item = Issue(MERCHANT, number, points, total, customer, self.name(), system.order("evidence"))
        issuer, twin_call = system.roles["issuer"], system.twin.issue
        self.both("issue", system.processor.issue, (item.struct(),), issuer, twin_call, address(issuer), [item])

    @rule(amount=few_points, is_approved=st.booleans())
    def issue_reserve(self, amount: int, is_approved: bool) -> None:
        system, reserve = self.system, self.system.reserve(amount, f"reserve {self.name().hex()}")
        issuer, approver, twin = system.roles["issuer"], system.roles["approver"], system.twin
        if is_approved:
            name = system.processor.reserveHash(*reserve.arguments())
            call, arguments = system.processor.approveIssue, (address(approver), reserve)
            self.both("approve", call, (name,), approver, twin.approve_issue, *arguments)
        call, given = system.processor.issueReserve, reserve.arguments()
        self.both("reserve", call, given, issuer, twin.issue_reserve, address(issuer), reserve)

    def set_approval_threshold(self, which: int) -> None:
        threshold = (100_000 * ONE_POINT, 5 * ONE_POINT)[which % 2]
        call, twin_call = self.system.processor.setApprovalThreshold, self.system.twin.set_approval_threshold
        self.both("threshold", call, (threshold,), self.system.roles["admin"], twin_call, threshold)

    def set_person_limit(self, which: int) -> None:
        limit = (1_000 * ONE_POINT, 500 * ONE_POINT, 0)[which % 3]
        call, twin_call = self.system.token.setPersonLimit, self.system.twin.set_person_limit
        self.both("person limit", call, (limit,), self.system.roles["admin"], twin_call, limit)

    def add_quota(self, which: int) -> None:
        amount, evidence = (ONE_POINT, ONE_POINT, SUPPLY_CAP, 2**64 - 1)[which % 4], which % 5
        system, given = self.system, (MERCHANT, amount, self.system.order(f"receipt {evidence}"))
        registrar, twin_call = system.roles["registrar"], system.twin.add_quota
        self.both("quota", system.processor.addQuota, given, registrar, twin_call, *given)

    def set_limits(self, which: int) -> None:
        paid = (5_000 * ONE_POINT, 5_000 * ONE_POINT, 50 * ONE_POINT)[which % 3]
        system, given = self.system, (MERCHANT, paid, 4_000 * ONE_POINT)
        registrar, twin_call = system.roles["registrar"], system.twin.set_limits
        self.both("limits", system.processor.setLimits, given, registrar, twin_call, *given)

    # ------------------------------------------------------------------------------------------------ payments

    @rule(who=person, number=program, amount=few_points, again=st.integers(0, 5))
    def pay(self, who: int, number: int, amount: int, again: int) -> None:
        system, payer = self.system, self.system.people[who]
        order = next(iter(system.twin.paid.values()))[0].order if again == 5 else self.name()
        payment = Payment(MERCHANT, number, amount, address(payer), order)
        call, twin_call = system.processor.pay, system.twin.pay
        self.both("pay", call, (payment.struct(),), payer, twin_call, address(payer), [payment])

    @rule(who=person, payments=st.lists(st.tuples(program, a_few), max_size=4))
    def pay_batch(self, who: int, payments: list[tuple[int, int]]) -> None:
        system, payer = self.system, self.system.people[who]
        batch = [Payment(MERCHANT, number, amount, address(payer), self.name()) for number, amount in payments]
        given, twin_call = ([payment.struct() for payment in batch],), system.twin.pay
        self.both("pay batch", system.processor.payBatch, given, payer, twin_call, address(payer), batch)

    @rule(
        payments=st.lists(st.tuples(person, program, a_few), min_size=1, max_size=5),
        is_long_since=st.booleans(),
        wrong=st.sampled_from(["", "", "", "", "time", "signer"]),
    )
    def pay_authorized(self, payments: list[tuple[int, int, int]], is_long_since: bool, wrong: str) -> None:
        """Sometimes the time is over, or somebody else than the payer of the first payment signed it."""
        system, now = self.system, self.system.chain[-1].timestamp
        times = (0 if is_long_since else now, now + (1 if wrong == "time" else 60))
        authorized, signed = [], []
        for i, (who, number, amount) in enumerate(payments):
            payment = Payment(MERCHANT, number, amount, address(system.people[who]), self.name())
            by = system.people[(who + 1) % 3 if wrong == "signer" and i == 0 else who]
            authorization = Authorization(*times, address(by))
            authorized.append((payment, authorization))
            signed.append(system.signed(payment, authorization, system.key(by)))
        structs, twin_call = [payment.struct() for payment, _ in authorized], system.twin.pay_authorized
        call, given = system.processor.payBatchWithAuthorization, (structs, signed)
        if len(payments) == 1:
            call, given = system.processor.payWithAuthorization, (structs[0], signed[0])
        self.both("pay authorized", call, given, system.stranger, twin_call, authorized)

    def cancel_payments(self, which: int) -> None:
        who = which % 3
        payer, twin_call = self.system.people[who], self.system.twin.cancel_payments
        self.both("cancel", self.system.token.cancelPayments, (), payer, twin_call, address(payer))

    @rule(which=which_one, amount=few_points, is_signed=st.booleans())
    def refund(self, which: int, amount: int, is_signed: bool) -> None:
        system, twin = self.system, self.system.twin
        locked = [each for each in twin.paid.values() if each[1] >= twin.period(each[0].program)]
        payment, start = self.one_of(locked or list(twin.paid.values()), which)
        given, arguments = (payment.struct(), start, amount), (payment, start, amount)
        if not is_signed:
            call, payout = system.processor.refund, system.payout
            self.both("refund", call, given, payout, twin.refund, address(payout), *arguments)
            return
        times, refunded = (0, 2**40 - 1), twin.refunded[payment.merchant, payment.order]
        signature = system.signed_refund(payment, start, amount, refunded, times, private_key("Tea house"))
        call, twin_call = system.processor.refundWithAuthorization, twin.refund_authorized
        by_payout = Authorization(*times, address(system.payout))
        self.both("refund", call, (*given, signature), system.stranger, twin_call, *arguments, refunded, by_payout)

    # ------------------------------------------------------------------------------------------------ nodes

    @rule(which=which_one, with_unknown=st.integers(0, 5), days=st.sampled_from([0, 2, 15]), last_first=st.booleans())
    def claim(self, which: int, with_unknown: int, days: int, last_first: bool) -> None:
        if days:
            self.wait(days)
        twin = self.system.twin
        ready = [
            n
            for n in twin.nodes
            if which % 5 == 4 or twin.claimable(n) and twin.frozen_until[twin.nodes[n].owner] < twin.now
        ]
        nodes = sorted(ready, reverse=last_first)[:5] + ([5] if with_unknown == 5 else [])
        self.both("claim", self.system.nodes.claim, (nodes,), self.system.stranger, self.system.twin.claim, nodes)

    @rule(which=which_one, to=person, caller=st.sampled_from([None, None, 0, 1, 2]))
    def claim_to(self, which: int, to: int, caller: int | None) -> None:
        node, owner = self.node(which)
        claimer = owner if caller is None else self.system.people[caller]
        given, receiver = ([node], self.system.people[to]), address(self.system.people[to])
        twin_call = self.system.twin.claim_to
        self.both("claim to", self.system.nodes.claimTo, given, claimer, twin_call, address(claimer), [node], receiver)

    def approve_claim(self, which: int) -> None:
        who, delegate, to, cap = which % 3, which // 3 % 3, which // 9 % 3, (ONE_POINT, 1, 0)[which // 27 % 3]
        people, deadline = self.system.people, self.system.chain[-1].timestamp + 30 * DAY
        given = (people[delegate], people[to], cap, deadline)
        names = [address(people[i]) for i in (who, delegate, to)]
        twin_call = self.system.twin.approve_claim
        self.both("approve claim", self.system.nodes.approveClaim, given, people[who], twin_call, *names, cap, deadline)

    @rule(which=which_one, to=person, by=st.sampled_from([None, None, 0, 1, 2]))
    def transfer_node(self, which: int, to: int, by: int | None) -> None:
        node, owner = self.node(which)
        operator = owner if by is None else self.system.people[by]
        given, receiver = (owner, self.system.people[to], node), address(self.system.people[to])
        arguments = (address(operator), address(owner), receiver, node)
        call, twin_call = self.system.nodes.transferFrom, self.system.twin.transfer_node
        self.both("transfer node", call, given, operator, twin_call, *arguments)

    def approve_node(self, which: int) -> None:
        to = which % 3
        node, owner = self.node(which)
        arguments = (address(owner), address(self.system.people[to]), node)
        given, twin_call = (self.system.people[to], node), self.system.twin.approve_node
        self.both("approve node", self.system.nodes.approve, given, owner, twin_call, *arguments)

    @rule(which=which_one, totals=st.lists(piece, max_size=4))
    def split(self, which: int, totals: list[int]) -> None:
        node, owner = self.node(which, [n for n in self.system.twin.nodes if self.system.twin.elapsed(n) and which % 4])
        twin_call = self.system.twin.split
        self.both("split", self.system.nodes.split, (node, totals), owner, twin_call, address(owner), node, totals)

    @rule(which=which_one, other=which_one, count=st.integers(1, 4), is_any=st.integers(0, 5))
    def merge(self, which: int, other: int, count: int, is_any: int) -> None:
        """Mostly of nodes that can be merged."""
        kept = self.system.twin.nodes
        kinds = {n: (n >> 200, node.owner, node.receiver, node.gift) for n, node in kept.items()}
        several = Counter(kinds.values())
        into, owner = self.node(which, [n for n in kept if several[kinds[n]] > 1])
        nodes = [n for n in sorted(kept) if is_any == 5 or (kinds[n] == kinds[into] and n != into)]
        chosen = [nodes[(other + i) % len(nodes)] for i in range(min(count, len(nodes)))]
        arguments = (address(owner), into, chosen)
        self.both("merge", self.system.nodes.merge, (into, chosen), owner, self.system.twin.merge, *arguments)

    @rule(which=which_one, secret=secret, days=st.sampled_from([1, 30, 0]))
    def give(self, which: int, secret: str, days: int) -> None:
        node, owner = self.node(which)
        key, expiry = signer(secret).address, self.system.chain[-1].timestamp + 1 + days * DAY
        given, twin_call = (node, key, expiry), self.system.twin.give
        self.both("give", self.system.nodes.give, given, owner, twin_call, address(owner), node, key, expiry)

    @rule(which=which_one, secret=secret, to=person)
    def take(self, which: int, secret: str, to: int) -> None:
        node, receiver = self.given_node(which), self.system.people[to]
        given = (node, receiver, self.system.signed_gift(node, receiver, private_key(secret)))
        arguments = (node, address(receiver), signer(secret).address)
        self.both("take", self.system.nodes.take, given, self.system.stranger, self.system.twin.take, *arguments)

    @rule(which=which_one)
    def take_back(self, which: int) -> None:
        node, twin_call = self.given_node(which), self.system.twin.take_back
        self.both("take back", self.system.nodes.takeBack, (node,), self.system.stranger, twin_call, node)

    @rule(which=which_one, beneficiary=st.integers(0, 3))
    def set_beneficiary(self, which: int, beneficiary: int) -> None:
        node, owner = self.node(which)
        named = address(self.system.people[beneficiary]) if beneficiary < 3 else ZERO_ADDRESS
        given, twin_call = (node, named), self.system.twin.set_beneficiary
        self.both("beneficiary", self.system.nodes.setBeneficiary, given, owner, twin_call, address(owner), node, named)

    # ------------------------------------------------------------------------------------------------ the rest

    @rule(
        what=st.sampled_from(
            [
                "set_approval_threshold",
                "set_person_limit",
                "add_quota",
                "set_limits",
                "cancel_payments",
                "approve_claim",
                "approve_node",
                "burn",
                "freeze",
                "replace_program",
            ]
        ),
        which=which_one,
    )
    def rarely(self, what: str, which: int) -> None:
        getattr(self, what)(which)

    @rule(sender=person, receiver=person, amount=few_points)
    def transfer(self, sender: int, receiver: int, amount: int) -> None:
        system, people = self.system, self.system.people
        arguments = (address(people[sender]), address(people[receiver]), amount)
        given = (people[receiver], amount)
        self.both("transfer", system.token.transfer, given, people[sender], system.twin.transfer, *arguments)

    def burn(self, which: int) -> None:
        who, amount = which % 3, which * ONE_POINT // 10
        holder, twin_call = self.system.people[who], self.system.twin.burn
        self.both("burn", self.system.token.burn, (amount,), holder, twin_call, address(holder), amount)

    def freeze(self, which: int) -> None:
        """Mostly it is lifted at once."""
        system, account, guardian = self.system, self.system.people[which % 3], self.system.roles["guardian"]
        twin, arguments = system.twin, address(account)
        self.both("freeze", system.token.freeze, (account, "a reason"), guardian, twin.freeze, arguments)
        if which % 4:
            self.both("unfreeze", system.token.unfreeze, (account,), guardian, twin.unfreeze, arguments)

    def replace_program(self, which: int) -> None:
        number = (FEC, INSTALMENTS)[which % 2]
        system, epoch = self.system, self.system.chain[-1].timestamp + 31 * DAY
        rules = replace(first_programs(epoch)[number - 1], name="Next")
        given = (number, tuple(rules.terms().values()), rules.name, rules.schedule.table_bytes())
        manager, twin_call = system.roles["program_manager"], system.twin.replace
        self.both("replace", system.programs.replace, given, manager, twin_call, number, rules)

    @rule(days=st.sampled_from([1, 2, 7, 8, 30, 100]))
    def wait(self, days: int) -> None:
        self.system.wait(days * DAY)

    @invariant()
    def getters_agree(self) -> None:
        self.system.agree()

    # ------------------------------------------------------------------------------------------------ how

    def name(self) -> bytes:
        """An order's that no other has."""
        self.names += 1
        return self.system.order(f"order {self.names}")

    @staticmethod
    def one_of(several: list[Any], which: int) -> Any:
        return several[which % len(several)]

    def node(self, which: int, preferred: list[int] | None = None) -> tuple[int, Any]:
        """A node, of those preferred if there are any, and its owner's account."""
        twin = self.system.twin
        node = self.one_of(sorted(preferred or twin.nodes), which)
        return node, next(each for each in self.system.people if address(each) == twin.nodes[node].owner)

    def given_node(self, which: int) -> int:
        """A node that waits to be taken, if there is one."""
        nodes = self.system.twin.nodes
        return int(self.one_of(sorted(n for n in nodes if nodes[n].gift) or sorted(nodes), which))

    def both(
        self, name: str, call: Any, given: tuple[Any, ...], sender: Any, twin_call: Callable[..., Any], *arguments: Any
    ) -> None:
        """Does it in the twin, then on the chain, in the block that the twin was told of."""
        from brownie.exceptions import VirtualMachineError

        self.system.twin.now = self.system.chain[-1].timestamp + 1
        try:
            twin_call(*arguments)
        except Refused as refused:
            expected = refused.name
        else:
            call(*given, {"from": sender})
            self.done[name] += 1
            return
        with pytest.raises(VirtualMachineError) as found:
            call(*given, {"from": sender})
        assert str(found.value.revert_msg).split(":")[0] == expected
        self.done[f"{name} refused"] += 1


def test_the_chain_lives_as_the_twin_does(deployed: System) -> None:
    deployed.issue_reserve(200 * ONE_POINT, "sponsor")
    for who in deployed.people:
        deployed.issue(who, 300 * ONE_POINT, f"welcome {who}", 60 * ONE_POINT, INSTALMENTS)
        deployed.pay(who, 40 * ONE_POINT, f"first {who}", FEC)
    deployed.wait(15 * DAY)
    for who in deployed.people:
        deployed.split(who, next(n for n in deployed.twin.nodes if deployed.twin.nodes[n].owner == address(who)), 999)
        deployed.pay(who, 40 * ONE_POINT, f"second {who}", INSTALMENTS)
    Life.deployed, Life.done = deployed, Counter()
    health = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=health,
        ),
    )
    often = ("issue", "pay", "pay authorized", "claim", "refund", "split", "transfer node", "beneficiary", "give")
    sometimes = ("merge", "take", "take back", "pay batch", "transfer", "pay refused", "merge refused")
    enough = dict.fromkeys(often, 5) | dict.fromkeys(sometimes, 2)
    assert {name: Life.done[name] for name, times in enough.items() if Life.done[name] < times} == {}, dict(Life.done)
