"""Random payments, refunds, issues and what is done with merchants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from beginning import NO_MERCHANT, TEA_HOUSE
from choices import LARGEST, Choices
from deployment import Act

import messages
from agreement import approval_hash
from chainpoints.types import ONE_POINT, Address
from twin import Authorization, Issue, Payment, Reserve


class Till(Choices):
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
        if total == 0 and self.chance.random() < 0.8:
            program = 0
        return Issue(merchant, program, points, total, customer, self.issued_order(), self.chance.randbytes(32))

    def issued_order(self) -> bytes:
        known = [order for _, order in sorted(self.twin.issued)]
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
