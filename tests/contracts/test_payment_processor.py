"""PaymentProcessor: payment_processor.tree is the specification."""

from dataclasses import replace
from typing import Any

import pytest
from brownie import reverts

from brownie_system import FEC, INSTALMENTS, MERCHANT, System, address, error
from builders import private_key
from chainpoints.types import ONE_POINT
from twin import PERSON_LIMIT, Authorization, Issue, Payment

DAY = 86_400


def authorization(system: System, *, after: int = 0, seconds: int = 1_000, signer: Any = None) -> Authorization:
    """Of the first person, unless somebody else signs."""
    return Authorization(after, system.chain[-1].timestamp + seconds, address(signer or system.people[0]))


def pay_signed(system: System, payment: Payment, signed: Authorization) -> None:
    given = (payment.struct(), system.signed(payment, signed, system.key(system.people[0])))
    twin_call = system.twin.pay_authorized
    system.do(system.processor.payWithAuthorization, given, system.stranger, twin_call, [(payment, signed)])


def pay_signed_is_refused(system: System, expected: str, payment: Payment, signed: Authorization) -> None:
    given = (payment.struct(), system.signed(payment, signed, system.key(system.people[0])))
    twin_call = system.twin.pay_authorized
    system.refused(
        expected, system.processor.payWithAuthorization, given, system.stranger, twin_call, [(payment, signed)]
    )


def pay_is_refused(system: System, expected: str, payment: Payment, sender: Any) -> None:
    twin_call = system.twin.pay
    system.refused(expected, system.processor.pay, (payment.struct(),), sender, twin_call, address(sender), [payment])


@pytest.mark.parametrize("amount", [ONE_POINT, ONE_POINT + 1, 1_234_567, 99_999_999, 100 * ONE_POINT])
def test_T01_pay_splits_to_the_unit(system: System, amount: int) -> None:
    payer = system.people[0]
    system.issue(payer, 200 * ONE_POINT, "till")
    _, start = system.pay(payer, amount, "tea")
    diverted = amount // 10
    assert system.token.balanceOf(system.payout) == amount - diverted
    assert system.nodes.nodeOf(system.node_id(payer, start))[3] == diverted * 10
    assert system.token.totalSupply() == 200 * ONE_POINT - diverted
    system.agree()


def test_pay_in_a_funded_program_keeps_what_is_diverted(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    system.issue_reserve(10 * ONE_POINT, "sponsor")
    system.pay(payer, 100 * ONE_POINT, "tea", INSTALMENTS)
    assert tuple(system.nodes.books(INSTALMENTS)) == (10 * ONE_POINT, 20 * ONE_POINT, 0, 20 * ONE_POINT)
    assert system.token.totalSupply() == 110 * ONE_POINT
    system.agree()


def test_T03_a_reserve_that_is_a_unit_short_refuses_the_payment(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    system.issue_reserve(10 * ONE_POINT - 1, "sponsor")
    payment = system.payment(payer, 100 * ONE_POINT, "tea", INSTALMENTS)
    expected = error("Programs_ReserveTooSmall", INSTALMENTS, 20 * ONE_POINT, 20 * ONE_POINT - 1)
    pay_is_refused(system, expected, payment, payer)
    system.agree()


def test_payments_of_one_period_add_to_one_node(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    _, first = system.pay(payer, 10 * ONE_POINT, "tea")
    _, second = system.pay(payer, 20 * ONE_POINT, "cake")
    assert first == second
    assert system.nodes.balanceOf(payer) == 1
    system.wait(7 * DAY)
    _, third = system.pay(payer, 5 * ONE_POINT, "coffee")
    assert third == first + 1
    assert system.nodes.balanceOf(payer) == 2
    system.agree()


def test_pay_is_for_the_payer_and_not_below_the_minimum(system: System) -> None:
    payer, other = system.people[:2]
    system.issue(payer, 10 * ONE_POINT, "till")
    payment = system.payment(payer, ONE_POINT, "tea")
    pay_is_refused(system, error("PaymentProcessor_NotPayer", payment.order, payer, other), payment, other)
    below = replace(payment, amount=ONE_POINT - 1)
    expected = error("PaymentProcessor_BelowMinimum", payment.order, ONE_POINT - 1, ONE_POINT)
    pay_is_refused(system, expected, below, payer)
    system.pay(payer, ONE_POINT, "exactly the minimum")


def test_pay_of_no_program_or_more_than_there_is_is_refused(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 10 * ONE_POINT, "till")
    pay_is_refused(system, error("Programs_Unknown", 3), system.payment(payer, ONE_POINT, "tea", 3), payer)
    over = system.payment(payer, 10 * ONE_POINT + 1, "a unit too much")
    expected = error("ERC20InsufficientBalance", payer, 10 * ONE_POINT, 10 * ONE_POINT + 1)
    pay_is_refused(system, expected, over, payer)
    system.pay(payer, 10 * ONE_POINT, "all there is")


def test_T13_T14_anyone_sends_what_the_payer_signed_once_and_in_its_time(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    payment, signed = system.payment(payer, 30 * ONE_POINT, "tea"), authorization(system)
    invalid = error("PaymentProcessor_InvalidSignature", payment.order, payer)
    right = system.signed(payment, signed, system.key(payer))
    for changed in (replace(payment, amount=ONE_POINT), replace(payment, program=INSTALMENTS)):
        with reverts(invalid):
            system.processor.payWithAuthorization(changed.struct(), right, {"from": system.stranger})
    later = (right[0], right[1] + 1, right[2])
    with reverts(invalid):
        system.processor.payWithAuthorization(payment.struct(), later, {"from": system.stranger})
    pay_signed(system, payment, signed)
    assert system.token.balanceOf(payer) == 70 * ONE_POINT
    system.agree()
    again = error("PaymentProcessor_AlreadyPaid", MERCHANT, payment.order)
    pay_signed_is_refused(system, again, payment, signed)


def test_T14_an_authorization_has_a_beginning_and_an_end(system: System) -> None:
    payer, now = system.people[0], system.chain[-1].timestamp
    system.issue(payer, 100 * ONE_POINT, "till")
    payment = system.payment(payer, ONE_POINT, "tea")
    signed = Authorization(now + 100, now + 200, address(payer))
    not_now = error("PaymentProcessor_NotValidNow", payment.order, now + 100, now + 200)
    for second in (now + 100, now + 200):
        system.rpc.call("evm_mine", second - 1)
        pay_signed_is_refused(system, not_now, payment, signed)
    system.rpc.call("evm_mine", now + 300)
    last = Authorization(now + 301, now + 303, address(payer))
    system.wait(1)
    pay_signed(system, payment, last)
    assert system.chain[-1].timestamp == now + 302


def test_T14_cancelling_takes_back_what_was_signed_to_be_valid_before(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    payment, other = system.payment(payer, 30 * ONE_POINT, "tea"), system.payment(payer, 10 * ONE_POINT, "cake")
    system.do(system.token.cancelPayments, (), payer, system.twin.cancel_payments, address(payer))
    cancelled = system.chain[-1].timestamp
    refused = error("PointsToken_PaymentsCancelled", payer, cancelled)
    for after in (0, cancelled - 2):
        pay_signed_is_refused(system, refused, payment, authorization(system, after=after))
    # The first second in which this one counts is that of the cancelling.
    pay_signed(system, other, authorization(system, after=cancelled - 1))
    system.pay(payer, 30 * ONE_POINT, "tea")
    system.agree()


def test_T16_an_order_is_paid_once_and_orders_of_merchants_are_apart(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    payment, _ = system.pay(payer, 10 * ONE_POINT, "tea")
    for again in (payment, replace(payment, amount=ONE_POINT), replace(payment, program=INSTALMENTS)):
        pay_is_refused(system, error("PaymentProcessor_AlreadyPaid", MERCHANT, payment.order), again, payer)
    shop = (2, address(system.people[1]), 10 * ONE_POINT, 0)
    registered = (shop[0], shop[1], "Book shop", *shop[2:])
    system.do(system.processor.register, registered, system.roles["registrar"], system.twin.register, *shop)
    other = replace(payment, merchant=2)
    system.do(system.processor.pay, (other.struct(),), payer, system.twin.pay, address(payer), [other])
    system.agree()


def test_T04_a_payer_has_a_cap_in_each_period(system: System) -> None:
    payer, cap = system.people[0], 1_000 * ONE_POINT
    system.issue_reserve(2_000 * ONE_POINT, "sponsor")
    for day in range(6):
        system.issue(payer, PERSON_LIMIT, f"till {day}")
        system.wait(DAY)
    limits = (MERCHANT, 2**63, 0)
    system.do(system.processor.setLimits, limits, system.roles["registrar"], system.twin.set_limits, *limits)
    system.pay(payer, 4_000 * ONE_POINT, "four fifths", INSTALMENTS)
    over = system.payment(payer, 1_000 * ONE_POINT + 10, "ten units over", INSTALMENTS)
    expected = error("Programs_PayerPeriodCapExceeded", INSTALMENTS, payer, cap + 2, cap)
    pay_is_refused(system, expected, over, payer)
    system.pay(payer, 1_000 * ONE_POINT, "exactly at it", INSTALMENTS)
    system.wait(DAY)
    system.pay(payer, ONE_POINT, "the next period", INSTALMENTS)
    system.agree()


def test_a_batch_is_all_or_nothing(system: System) -> None:
    payer, call, twin_call = system.people[0], system.processor.payBatch, system.twin.pay
    system.issue(payer, 100 * ONE_POINT, "till")
    system.issue_reserve(50 * ONE_POINT, "sponsor")
    good = [system.payment(payer, 10 * ONE_POINT + i, f"order {i}", FEC if i < 3 else INSTALMENTS) for i in range(5)]
    bad = [*good, good[0]]
    again, sender = error("PaymentProcessor_AlreadyPaid", MERCHANT, good[0].order), address(payer)
    system.refused(again, call, ([p.struct() for p in bad],), payer, twin_call, sender, bad)
    system.agree()
    system.do(call, ([p.struct() for p in good],), payer, twin_call, sender, good)
    system.agree()
    for size in (0, 101):
        many = [system.payment(payer, ONE_POINT, f"of many {i}") for i in range(size)]
        expected = error("PaymentProcessor_BatchSize", size, 100)
        system.refused(expected, call, ([p.struct() for p in many],), payer, twin_call, sender, many)


def test_a_batch_of_several_payers_is_what_each_signed(system: System) -> None:
    call, twin_call = system.processor.payBatchWithAuthorization, system.twin.pay_authorized
    for person in system.people:
        system.issue(person, 100 * ONE_POINT, f"till of {person}")
    # One payer has two shares of the run: another's stands between them.
    payers = [system.people[i] for i in (0, 0, 1, 0, 2)]
    payments = [system.payment(payer, 7 * ONE_POINT + i, f"order {i}") for i, payer in enumerate(payers)]
    signed = [authorization(system, signer=payer) for payer in payers]
    structs, authorized = [p.struct() for p in payments], list(zip(payments, signed, strict=True))
    signatures = [system.signed(p, a, system.key(payer)) for (p, a), payer in zip(authorized, payers, strict=True)]
    with reverts(error("PaymentProcessor_InvalidSignature", payments[1].order, payers[1])):
        call(structs, [*signatures[:1], signatures[2], *signatures[2:]], {"from": system.stranger})
    with reverts(error("PaymentProcessor_BatchSize", 4, 5)):
        call(structs, signatures[:4], {"from": system.stranger})
    system.do(call, (structs, signatures), system.stranger, twin_call, authorized)
    assert [system.nodes.balanceOf(person) for person in system.people] == [1, 1, 1]
    system.agree()


@pytest.mark.parametrize("steps", [[99_999_999], [1, 99_999_998], [33_333_333, 33_333_333, 33_333_333], [9] * 3])
def test_T07_refunds_leave_what_a_payment_of_the_rest_makes(system: System, steps: list[int]) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    payment, start = system.pay(payer, 99_999_999, "tea")
    for amount in steps:
        refund(system, payment, start, amount)
        system.agree()
    left = 99_999_999 - sum(steps)
    if left:
        assert system.nodes.nodeOf(system.node_id(payer, start))[3] == left // 10 * 10
    else:
        assert system.token.balanceOf(payer) == 100 * ONE_POINT == system.token.totalSupply()
        with reverts(error("ReleaseNode_Unknown", system.node_id(payer, start))):
            system.nodes.nodeOf(system.node_id(payer, start))


def refund(system: System, payment: Payment, start: int, amount: int) -> None:
    given, sender = (payment.struct(), start, amount), address(system.payout)
    system.do(system.processor.refund, given, system.payout, system.twin.refund, sender, payment, start, amount)


def refund_is_refused(
    system: System, expected: str, payment: Payment, start: int, amount: int, sender: Any = None
) -> None:
    given, caller = (payment.struct(), start, amount), sender or system.payout
    arguments = (address(caller), payment, start, amount)
    system.refused(expected, system.processor.refund, given, caller, system.twin.refund, *arguments)


def test_T07_refunds_are_refused_beyond_the_payment_and_on_other_terms(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    payment, start = system.pay(payer, 50 * ONE_POINT, "tea")
    order, left = payment.order, 30 * ONE_POINT
    refund(system, payment, start, 20 * ONE_POINT)
    over = error("PaymentProcessor_RefundExceedsPaid", MERCHANT, order, left + 1, left)
    refund_is_refused(system, over, payment, start, left + 1)
    unknown = error("PaymentProcessor_UnknownPayment", MERCHANT, order)
    for other in (replace(payment, amount=60 * ONE_POINT), replace(payment, payer=address(system.people[1]))):
        refund_is_refused(system, unknown, other, start, ONE_POINT)
    refund_is_refused(system, unknown, payment, start + 1, ONE_POINT)
    not_payout = error("PaymentProcessor_NotPayout", MERCHANT, payer)
    refund_is_refused(system, not_payout, payment, start, ONE_POINT, payer)
    refund_is_refused(system, error("PaymentProcessor_NothingToDo", order), payment, start, 0)
    refund(system, payment, start, left)
    system.agree()


def test_T06_refunds_end_exactly_with_the_first_release(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    payment, start = system.pay(payer, 50 * ONE_POINT, "tea")
    # The next block is a second later: the last one in which the node is locked, then the first in which it is not.
    system.wait_for_period(FEC, start + 1, before=2)
    refund(system, payment, start, ONE_POINT)
    node_id, unlocked = system.node_id(payer, start), system.chain[-1].timestamp + 1
    refund_is_refused(system, error("ReleaseNode_Unlocked", node_id, unlocked), payment, start, ONE_POINT)
    assert system.chain[-1].timestamp == unlocked


def test_T15_a_signed_refund_is_carried_out_once(system: System) -> None:
    payer, key, until = system.people[0], private_key("Tea house"), system.chain[-1].timestamp + 1_000
    system.issue(payer, 100 * ONE_POINT, "till")
    payment, start = system.pay(payer, 50 * ONE_POINT, "tea")
    signed = system.signed_refund(payment, start, 10 * ONE_POINT, 0, (0, until), key)
    given = (payment.struct(), start, 10 * ONE_POINT, signed)
    arguments = (payment, start, 10 * ONE_POINT, 0, Authorization(0, until, address(system.payout)))
    call, twin_call = system.processor.refundWithAuthorization, system.twin.refund_authorized
    system.do(call, given, system.stranger, twin_call, *arguments)
    invalid = error("PaymentProcessor_InvalidSignature", payment.order, system.payout)
    system.refused(invalid, call, given, system.stranger, twin_call, *arguments)
    system.agree()


def test_issue_gives_points_a_node_or_both(system: System) -> None:
    customer = system.people[0]
    system.issue(customer, 10 * ONE_POINT, "points")
    system.issue(customer, 0, "a node", total=60 * ONE_POINT, program=INSTALMENTS)
    system.issue(customer, 3 * ONE_POINT, "both", total=60 * ONE_POINT, program=INSTALMENTS)
    system.issue_reserve(10 * ONE_POINT, "sponsor")
    _, start = system.pay(customer, 10 * ONE_POINT, "tea", INSTALMENTS)
    assert system.token.balanceOf(customer) == 3 * ONE_POINT
    # What is paid and what is issued are nodes of their own: a refund takes from the one, never from the other.
    assert system.nodes.nodeOf(system.issued_id(customer, start))[3] == 120 * ONE_POINT
    assert system.nodes.nodeOf(system.node_id(customer, start, INSTALMENTS))[3] == 2 * ONE_POINT
    assert system.nodes.issuedIdOf(INSTALMENTS, start, customer) == system.issued_id(customer, start)
    assert system.nodes.idOf(INSTALMENTS, start, customer) == system.node_id(customer, start, INSTALMENTS)
    system.agree()


def issue_is_refused(system: System, expected: str, item: Issue, issuer: Any = None) -> None:
    sender, twin_call = issuer or system.roles["issuer"], system.twin.issue
    system.refused(expected, system.processor.issue, (item.struct(),), sender, twin_call, address(sender), [item])


def test_issue_is_once_an_order_and_never_of_nothing_or_without_a_reserve(system: System) -> None:
    customer = system.people[0]
    system.issue(customer, ONE_POINT, "till")
    item = Issue(MERCHANT, 0, ONE_POINT, 0, address(customer), system.order("till"), system.order("evidence"))
    issue_is_refused(system, error("PaymentProcessor_AlreadyIssued", MERCHANT, item.order), item)
    nothing = replace(item, points=0, order=system.order("nothing"))
    issue_is_refused(system, error("PaymentProcessor_NothingToDo", nothing.order), nothing)
    node = replace(item, points=0, total=1, order=system.order("node"))
    issue_is_refused(system, error("Programs_NotFunded", FEC), replace(node, program=FEC))
    issue_is_refused(system, error("Programs_Unknown", 0), node)


def test_a_batch_of_issues_is_all_or_nothing(system: System) -> None:
    issuer, call, twin_call = system.roles["issuer"], system.processor.issueBatch, system.twin.issue
    evidence, sender = system.order("evidence"), address(system.roles["issuer"])
    items = [
        Issue(MERCHANT, INSTALMENTS, i, 400 * ONE_POINT, address(system.people[i % 2]), system.order(f"{i}"), evidence)
        for i in range(4)
    ]
    over = [*items, replace(items[0], order=system.order("too much"))]
    expected = error("PointsToken_PersonLimitExceeded", system.people[0], 400 * ONE_POINT, 200 * ONE_POINT - 2)
    system.refused(expected, call, ([item.struct() for item in over],), issuer, twin_call, sender, over)
    system.do(call, ([item.struct() for item in items],), issuer, twin_call, sender, items)
    system.agree()
    system.refused(error("PaymentProcessor_BatchSize", 0, 100), call, ([],), issuer, twin_call, sender, [])


def test_T18_a_person_has_a_limit_a_day_exact_at_midnight(system: System) -> None:
    customer = system.people[0]
    system.issue(customer, PERSON_LIMIT - 1, "nearly all")
    system.issue(customer, 1, "exactly at it")
    over = Issue(MERCHANT, 0, 1, 0, address(customer), system.order("a unit over"), system.order("evidence"))
    expected = error("PointsToken_PersonLimitExceeded", customer, 1, 0)
    issue_is_refused(system, expected, over)
    system.wait_for_period(INSTALMENTS, system.twin.period(INSTALMENTS) + 1, before=2)
    issue_is_refused(system, expected, over)
    system.issue(customer, 1, "the next day's first second")
    lower = 1
    system.do(system.token.setPersonLimit, (lower,), system.roles["admin"], system.twin.set_person_limit, lower)
    issue_is_refused(system, expected, over)
    system.agree()


def test_a_large_issue_needs_a_second_person(system: System) -> None:
    admin, approver, issuer = (system.roles[role] for role in ("admin", "approver", "issuer"))
    threshold, twin = 100 * ONE_POINT, system.twin
    call, twin_call = system.processor.setApprovalThreshold, twin.set_approval_threshold
    system.do(call, (threshold,), admin, twin_call, threshold)
    reserve, sender = system.reserve(threshold + 1, "sponsor"), address(issuer)
    issue = (system.processor.issueReserve, reserve.arguments(), issuer, twin.issue_reserve, sender, reserve)
    needed = error("PaymentProcessor_ApprovalNeeded", reserve.order, threshold + 1, threshold)
    system.refused(needed, *issue)
    name = system.processor.reserveHash(*reserve.arguments())
    system.do(system.processor.approveIssue, (name,), approver, twin.approve_issue, address(approver), reserve)
    system.agree()
    # given: who approved may issue as well
    system.manager.grantRole(2, approver, 0, {"from": admin})
    own = error("PaymentProcessor_OwnApproval", reserve.order, approver)
    alone = (approver, twin.issue_reserve, address(approver), reserve)
    system.refused(own, system.processor.issueReserve, reserve.arguments(), *alone)
    other = replace(reserve, amount=threshold + 2)
    needed = error("PaymentProcessor_ApprovalNeeded", other.order, threshold + 2, threshold)
    arguments = (issuer, twin.issue_reserve, sender, other)
    system.refused(needed, system.processor.issueReserve, other.arguments(), *arguments)
    system.do(*issue)
    system.issue_reserve(threshold, "exactly the threshold needs nobody")
    system.agree()


def test_an_approval_is_of_one_issue_alone(system: System) -> None:
    admin, approver, issuer = (system.roles[role] for role in ("admin", "approver", "issuer"))
    twin, sender = system.twin, address(system.roles["issuer"])
    system.do(system.processor.setApprovalThreshold, (0,), admin, twin.set_approval_threshold, 0)
    customer, order = address(system.people[0]), system.order("till")
    item = Issue(MERCHANT, INSTALMENTS, 5, 60 * ONE_POINT, customer, order, system.order("evidence"))
    name = system.processor.issueHash(item.struct())
    system.do(system.processor.approveIssue, (name,), approver, twin.approve_issue, address(approver), item)
    another = replace(item, points=6)
    issue_is_refused(system, error("PaymentProcessor_ApprovalNeeded", order, another.amount, 0), another)
    system.do(system.processor.issue, (item.struct(),), issuer, twin.issue, sender, [item])
    assert system.processor.approverOf(name) == "0x" + "00" * 20
    system.agree()
