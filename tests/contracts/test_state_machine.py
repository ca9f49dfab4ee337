"""Random lives of three people and a merchant: after every call each getter equals the twin's, refusals the same error.

A first form: payments, refunds, issues, quotas, reserves, claims, node and point transfers, time. A run in which
nothing succeeded would prove nothing, so what succeeded is counted.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from brownie_system import FEC, INSTALMENTS, MERCHANT, System, address
from chainpoints.types import ONE_POINT, SUPPLY_CAP
from twin import DAY, Payment, Refused

EXAMPLES, STEPS = 20, 30

person = st.integers(0, 2)
program = st.sampled_from([FEC, INSTALMENTS])
few_points = st.integers(ONE_POINT, 30 * ONE_POINT) | st.sampled_from([ONE_POINT, 0, ONE_POINT - 1, 900 * ONE_POINT])


class Life(RuleBasedStateMachine):
    deployed: System
    done: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.deployed.chain.snapshot()
        self.system = replace(self.deployed, twin=copy.deepcopy(self.deployed.twin))
        self.system.sync()
        self.orders = 0
        self.payments = list(self.system.twin.paid.values())

    def teardown(self) -> None:
        self.deployed.chain.revert()

    @rule(who=person, points=few_points, total=st.just(0) | few_points)
    def issue(self, who: int, points: int, total: int) -> None:
        system, order = self.system, self.order()
        number = INSTALMENTS if total else 0
        item = (MERCHANT, number, points, total, system.people[who], order, system.order("evidence"))
        arguments = (MERCHANT, number, points, total, address(system.people[who]), order)
        self.both("issue", system.processor.issue, (item,), system.roles["issuer"], system.twin.issue, arguments)

    @rule(amount=few_points)
    def issue_reserve(self, amount: int) -> None:
        system, order = self.system, self.order()
        given = (MERCHANT, order, INSTALMENTS, amount, system.order("evidence"))
        issuer, twin = system.roles["issuer"], system.twin
        arguments = (MERCHANT, INSTALMENTS, amount, order)
        self.both("reserve", system.processor.issueReserve, given, issuer, twin.issue_reserve, arguments)

    @rule(amount=few_points | st.sampled_from([SUPPLY_CAP, 2**64 - 1]))
    def add_quota(self, amount: int) -> None:
        system, twin = self.system, self.system.twin
        given = (MERCHANT, amount, system.order("receipt"))
        self.both("quota", system.registry.addQuota, given, system.roles["registrar"], twin.add_quota, given[:2])

    @rule(who=person, number=program, amount=few_points, again=st.integers(0, 5))
    def pay(self, who: int, number: int, amount: int, again: int) -> None:
        system, payer = self.system, self.system.people[who]
        order = self.payments[-1][0].order if again == 5 else self.order()
        payment = Payment(MERCHANT, number, amount, address(payer), order)
        start = system.twin.period(number) + 1
        if self.both("pay", system.processor.pay, (system.terms(payment),), payer, system.twin.pay, (payment,)):
            self.payments.append((payment, start))

    @rule(which=st.integers(0, 9), amount=few_points)
    def refund(self, which: int, amount: int) -> None:
        system, (payment, start) = self.system, self.payments[which % len(self.payments)]
        given, arguments = (system.terms(payment), start, amount), (payment, start, amount)
        self.both("refund", system.processor.refund, given, system.payout, system.twin.refund, arguments)

    @rule(which=st.integers(0, 9), with_unknown=st.integers(0, 5), days=st.sampled_from([0, 2, 15]))
    def claim(self, which: int, with_unknown: int, days: int) -> None:
        if days:
            self.wait(days)
        nodes = sorted(self.system.twin.nodes)[which:] + ([5] if with_unknown == 0 else [])
        if nodes:
            caller, twin = self.system.roles["anchorer"], self.system.twin
            self.both("claim", self.system.nodes.claim, (nodes,), caller, twin.claim, (nodes,))

    @rule(which=st.integers(0, 9), to=person)
    def give_node(self, which: int, to: int) -> None:
        if not self.system.twin.nodes:
            return
        system, nodes = self.system, sorted(self.system.twin.nodes)
        node = nodes[which % len(nodes)]
        owner = next(p for p in system.people if address(p) == system.twin.nodes[node].owner)
        given = (owner, system.people[to], node)
        arguments = (node, address(owner), address(system.people[to]))
        self.both("give node", system.nodes.transferFrom, given, owner, system.twin.give_node, arguments)

    @rule(sender=person, receiver=person, amount=few_points)
    def transfer(self, sender: int, receiver: int, amount: int) -> None:
        system, people = self.system, self.system.people
        arguments = (address(people[sender]), address(people[receiver]), amount)
        given = (people[receiver], amount)
        self.both("transfer", system.token.transfer, given, people[sender], system.twin.transfer, arguments)

    @rule(days=st.sampled_from([1, 2, 7, 8, 30, 100]))
    def wait(self, days: int) -> None:
        self.system.wait(days * DAY)

    @invariant()
    def getters_agree(self) -> None:
        self.system.agree()

    def order(self) -> bytes:
        self.orders += 1
        return self.system.order(f"order {self.orders}")

    def both(self, name: str, call: Any, given: tuple, sender: Any, twin_call: Any, arguments: tuple) -> bool:
        """Does it in the twin, then on the chain, in the block that the twin was told of; whether it was done."""
        from brownie.exceptions import VirtualMachineError

        self.system.twin.now = self.system.chain[-1].timestamp + 1
        try:
            twin_call(*arguments)
        except Refused as refused:
            expected = refused.name
        else:
            call(*given, {"from": sender})
            self.done[name] += 1
            return True
        with pytest.raises(VirtualMachineError) as found:
            call(*given, {"from": sender})
        assert str(found.value.revert_msg).split(":")[0] == expected
        self.done[f"{name} refused"] += 1
        return False


def test_the_chain_lives_as_the_twin_does(deployed: System) -> None:
    deployed.issue_reserve(30 * ONE_POINT, "sponsor")
    for who in deployed.people:
        deployed.issue(who, 300 * ONE_POINT, f"welcome {who}")
        deployed.pay(who, 40 * ONE_POINT, f"first {who}", FEC)
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
    enough = {"issue": 3, "pay": 5, "pay refused": 3, "claim": 3, "refund": 3, "transfer": 3, "give node": 3}
    enough |= {"quota": 3, "quota refused": 3}
    assert {name: Life.done[name] for name, times in enough.items() if Life.done[name] < times} == {}, Life.done
