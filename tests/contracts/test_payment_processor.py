"""PaymentProcessor: payment_processor.tree is the specification."""

from dataclasses import replace
from typing import Any

import pytest
from brownie import accounts, reverts

from brownie_system import FEC, INSTALMENTS, MERCHANT, System, address, error
from builders import private_key
from chainpoints.chain import signatures
from chainpoints.types import ONE_POINT, Hash32, Points
from twin import PERSON_LIMIT, Payment, Refused


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
    assert tuple(system.programs.books(INSTALMENTS)) == (10 * ONE_POINT, 20 * ONE_POINT, 0, 20 * ONE_POINT)
    assert system.token.totalSupply() == 110 * ONE_POINT
    system.agree()


def test_T03_a_reserve_that_is_a_unit_short_refuses_the_payment(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    system.issue_reserve(10 * ONE_POINT - 1, "sponsor")
    payment = system.payment(payer, 100 * ONE_POINT, "tea", INSTALMENTS)
    with reverts(error("Programs_ReserveTooSmall", INSTALMENTS, 20 * ONE_POINT, 20 * ONE_POINT - 1)):
        system.processor.pay(system.terms(payment), {"from": payer})
    system.agree()


def test_payments_of_one_period_add_to_one_node(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    _, first = system.pay(payer, 10 * ONE_POINT, "tea")
    _, second = system.pay(payer, 20 * ONE_POINT, "cake")
    assert first == second
    assert system.nodes.balanceOf(payer) == 1
    system.wait(7 * 86_400)
    _, third = system.pay(payer, 5 * ONE_POINT, "coffee")
    assert third == first + 1
    assert system.nodes.balanceOf(payer) == 2
    system.agree()


def test_pay_is_for_the_payer_and_not_below_the_minimum(system: System) -> None:
    payer, other = system.people[:2]
    system.issue(payer, 10 * ONE_POINT, "till")
    payment = system.payment(payer, ONE_POINT, "tea")
    with reverts(error("PaymentProcessor_NotPayer", payer, other)):
        system.processor.pay(system.terms(payment), {"from": other})
    with reverts(error("Programs_BelowMinimum", FEC, ONE_POINT - 1, ONE_POINT)):
        system.processor.pay(system.terms(replace(payment, amount=ONE_POINT - 1)), {"from": payer})
    system.pay(payer, ONE_POINT, "exactly the minimum")


def signed(system: System, payment: Payment, valid_before: int) -> tuple[int, int, bytes]:
    """IPaymentProcessor.Authorization of the person called `signer`, as the gateway's typed data has it signed."""
    order = Hash32("0x" + payment.order.hex())
    terms = signatures.Payment(payment.merchant, payment.program, Points(payment.amount), payment.payer, order)
    typed_data = signatures.payment_typed_data(system.manifest, terms, 0, valid_before)
    return (0, valid_before, bytes.fromhex(signatures.sign(typed_data, private_key("signer"))[2:]))


@pytest.fixture
def signer(system: System) -> Any:
    """An account whose key is known, with 100 points and some ETH."""
    account = accounts.add(private_key("signer").hex())
    system.people[0].transfer(account, "1 ether")
    system.issue(account, 100 * ONE_POINT, "till of the signer")
    return account


def test_T13_T14_anyone_sends_what_the_payer_signed_once_and_in_its_time(system: System, signer: Any) -> None:
    payment, stranger = system.payment(signer, 30 * ONE_POINT, "tea"), {"from": system.people[1]}
    until = system.chain[-1].timestamp + 1_000
    authorization = signed(system, payment, until)
    for changed in (replace(payment, amount=ONE_POINT), replace(payment, program=INSTALMENTS)):
        with reverts(error("PaymentProcessor_InvalidSignature", signer)):
            system.processor.payWithAuthorization(system.terms(changed), authorization, stranger)
    system.processor.payWithAuthorization(system.terms(payment), authorization, stranger)
    system.sync()
    system.twin.pay_authorized(payment)
    system.agree()
    assert system.token.balanceOf(signer) == 70 * ONE_POINT == system.twin.balances[address(signer)]
    with reverts(error("PaymentProcessor_AlreadyPaid", MERCHANT, payment.order)):
        system.processor.payWithAuthorization(system.terms(payment), authorization, stranger)
    late = system.payment(signer, ONE_POINT, "too late")
    authorization = signed(system, late, until)
    system.wait(until - system.chain[-1].timestamp - 1)
    with reverts(error("PaymentProcessor_NotValidNow", 0, until)):
        system.processor.payWithAuthorization(system.terms(late), authorization, stranger)


def test_T14_a_cancelled_payment_is_carried_out_by_its_payer_alone(system: System, signer: Any) -> None:
    payment, other = system.payment(signer, 30 * ONE_POINT, "tea"), system.payment(signer, 10 * ONE_POINT, "cake")
    stranger, until = {"from": system.people[1]}, system.chain[-1].timestamp + 1_000
    with reverts(error("PaymentProcessor_NotPayer", signer, system.people[1])):
        system.processor.cancelPayment(system.terms(payment), stranger)
    system.processor.cancelPayment(system.terms(payment), {"from": signer})
    system.twin.cancel_payment(payment)
    with reverts(error("PaymentProcessor_Cancelled", MERCHANT, payment.order, signer)):
        system.processor.payWithAuthorization(system.terms(payment), signed(system, payment, until), stranger)
    with pytest.raises(Refused, match="PaymentProcessor_Cancelled"):
        system.twin.pay_authorized(payment)
    system.processor.payWithAuthorization(system.terms(other), signed(system, other, until), stranger)
    system.sync()
    system.twin.pay_authorized(other)
    system.pay(signer, 30 * ONE_POINT, "tea")
    system.agree()


def test_T16_an_order_is_paid_once_and_orders_of_merchants_are_apart(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    payment, _ = system.pay(payer, 10 * ONE_POINT, "tea")
    for again in (payment, replace(payment, amount=ONE_POINT), replace(payment, program=INSTALMENTS)):
        with reverts(error("PaymentProcessor_AlreadyPaid", MERCHANT, payment.order)):
            system.processor.pay(system.terms(again), {"from": payer})
    registrar = {"from": system.roles["registrar"]}
    system.registry.register(2, system.people[1], "Book shop", 10 * ONE_POINT, 0, registrar)
    system.processor.pay(system.terms(replace(payment, merchant=2)), {"from": payer})


def test_T04_a_payer_has_a_cap_in_each_period(system: System) -> None:
    payer, cap = system.people[0], 1_000 * ONE_POINT
    system.issue_reserve(2_000 * ONE_POINT, "sponsor")
    for day in range(6):
        system.issue(payer, PERSON_LIMIT, f"till {day}")
        system.wait(86_400)
    system.registry.setLimits(MERCHANT, 2**63, 0, {"from": system.roles["registrar"]})
    merchant = system.twin.merchants[MERCHANT]
    merchant.paid_per_day, merchant.issued_per_day = 2**63, 0
    system.pay(payer, 4_000 * ONE_POINT, "four fifths", INSTALMENTS)
    over = system.payment(payer, 1_000 * ONE_POINT + 10, "ten units over", INSTALMENTS)
    with reverts(error("Programs_PayerPeriodCapExceeded", INSTALMENTS, payer, cap + 2, cap)):
        system.processor.pay(system.terms(over), {"from": payer})
    system.pay(payer, 1_000 * ONE_POINT, "exactly at it", INSTALMENTS)
    system.wait(86_400)
    system.pay(payer, ONE_POINT, "the next period", INSTALMENTS)
    system.agree()


def test_a_batch_is_all_or_nothing(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    good = [system.payment(payer, 10 * ONE_POINT, f"order {i}") for i in range(3)]
    with reverts(error("PaymentProcessor_AlreadyPaid", MERCHANT, good[0].order)):
        system.processor.payBatch([system.terms(p) for p in (*good, good[0])], {"from": payer})
    assert system.token.balanceOf(payer) == 100 * ONE_POINT
    system.processor.payBatch([system.terms(payment) for payment in good], {"from": payer})
    system.sync()
    for payment in good:
        system.twin.pay(payment)
    system.agree()
    with reverts(error("PaymentProcessor_BatchSize", 0, 100)):
        system.processor.payBatch([], {"from": payer})


@pytest.mark.parametrize("steps", [[99_999_999], [1, 99_999_998], [33_333_333, 33_333_333, 33_333_333], [9] * 3])
def test_T07_refunds_leave_what_a_payment_of_the_rest_makes(system: System, steps: list[int]) -> None:
    payer, payout = system.people[0], {"from": system.payout}
    system.issue(payer, 100 * ONE_POINT, "till")
    payment, start = system.pay(payer, 99_999_999, "tea")
    for amount in steps:
        system.processor.refund(system.terms(payment), start, amount, payout)
        system.sync()
        system.twin.refund(payment, start, amount)
        system.agree()
    left = 99_999_999 - sum(steps)
    if left:
        assert system.nodes.nodeOf(system.node_id(payer, start))[3] == left // 10 * 10
    else:
        assert system.token.balanceOf(payer) == 100 * ONE_POINT == system.token.totalSupply()
        with reverts(error("ReleaseNode_Unknown", system.node_id(payer, start))):
            system.nodes.nodeOf(system.node_id(payer, start))


def test_T07_refunds_are_refused_beyond_the_payment_and_on_other_terms(system: System) -> None:
    payer, payout = system.people[0], {"from": system.payout}
    system.issue(payer, 100 * ONE_POINT, "till")
    payment, start = system.pay(payer, 50 * ONE_POINT, "tea")
    order = payment.order
    system.processor.refund(system.terms(payment), start, 20 * ONE_POINT, payout)
    over, left = 30 * ONE_POINT + 1, 30 * ONE_POINT
    with reverts(error("PaymentProcessor_RefundExceedsPaid", MERCHANT, order, over, left)):
        system.processor.refund(system.terms(payment), start, over, payout)
    for other in (replace(payment, amount=60 * ONE_POINT), replace(payment, payer=address(system.people[1]))):
        with reverts(error("PaymentProcessor_UnknownPayment", MERCHANT, order)):
            system.processor.refund(system.terms(other), start, ONE_POINT, payout)
    with reverts(error("PaymentProcessor_UnknownPayment", MERCHANT, order)):
        system.processor.refund(system.terms(payment), start + 1, ONE_POINT, payout)
    with reverts(error("PaymentProcessor_NotPayout", MERCHANT, payer)):
        system.processor.refund(system.terms(payment), start, ONE_POINT, {"from": payer})
    with reverts(error("PaymentProcessor_NothingToDo")):
        system.processor.refund(system.terms(payment), start, 0, payout)
    system.processor.refund(system.terms(payment), start, left, payout)


def test_T06_refunds_end_exactly_with_the_first_release(system: System) -> None:
    payer, payout = system.people[0], {"from": system.payout}
    system.issue(payer, 100 * ONE_POINT, "till")
    payment, start = system.pay(payer, 50 * ONE_POINT, "tea")
    # The next block is a second later: the last one in which the node is locked, then the first in which it is not.
    system.wait_for_period(FEC, start + 1, before=2)
    system.processor.refund(system.terms(payment), start, ONE_POINT, payout)
    node_id, unlocked = system.node_id(payer, start), system.chain[-1].timestamp + 1
    with reverts(error("ReleaseNode_Unlocked", node_id, unlocked)):
        system.processor.refund(system.terms(payment), start, ONE_POINT, payout)
    assert system.chain[-1].timestamp == unlocked


def test_issue_gives_points_a_node_or_both(system: System) -> None:
    customer = system.people[0]
    system.issue(customer, 10 * ONE_POINT, "points")
    system.issue(customer, 0, "a node", total=60 * ONE_POINT, program=INSTALMENTS)
    system.issue(customer, 3 * ONE_POINT, "both", total=60 * ONE_POINT, program=INSTALMENTS)
    start = system.twin.period(INSTALMENTS) + 1
    assert system.token.balanceOf(customer) == 13 * ONE_POINT
    assert system.nodes.nodeOf(system.node_id(customer, start, INSTALMENTS))[3] == 120 * ONE_POINT
    system.agree()


def test_issue_is_once_an_order_and_never_of_nothing_or_without_a_reserve(system: System) -> None:
    customer, issuer = system.people[0], {"from": system.roles["issuer"]}
    system.issue(customer, ONE_POINT, "till")
    item = [MERCHANT, 0, ONE_POINT, 0, customer, system.order("till"), system.order("evidence")]
    with reverts(error("PaymentProcessor_AlreadyIssued", MERCHANT, system.order("till"))):
        system.processor.issue(item, issuer)
    with reverts(error("PaymentProcessor_NothingToDo")):
        system.processor.issue([*item[:2], 0, *item[3:5], system.order("nothing"), item[6]], issuer)
    with reverts(error("Programs_NotFunded", FEC)):
        system.processor.issue([MERCHANT, FEC, 0, 1, customer, system.order("node"), item[6]], issuer)


def test_T18_a_person_has_a_limit_a_day_exact_at_midnight(system: System) -> None:
    customer = system.people[0]
    system.issue(customer, PERSON_LIMIT - 1, "nearly all")
    system.issue(customer, 1, "exactly at it")
    with reverts(error("MerchantRegistry_PersonLimitExceeded", customer, 1, 0)):
        system.issue(customer, 1, "a unit over")
    system.wait_for_period(INSTALMENTS, system.twin.period(INSTALMENTS) + 1, before=2)
    with reverts(error("MerchantRegistry_PersonLimitExceeded", customer, 1, 0)):
        system.issue(customer, 1, "the day's last second")
    system.issue(customer, 1, "the next day's first second")
    system.agree()
