"""PaymentProcessor: payments, refunds and issues."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from chainpoints.chain.parameters import Program
from chainpoints.domain.payment import refund, split
from chainpoints.types import ONE_POINT, ZERO_ADDRESS, Address
from twin.books import UNITS
from twin.merchants import Merchants
from twin.nodes import OF_ISSUES, OF_PAYMENTS
from twin.orders import Authorization, Issue, Payment, Reserve
from twin.pieces import Pieces
from twin.state import Contracts, Refused, all_or_nothing, require

BATCH_LIMIT = 100
APPROVAL_THRESHOLD = 100_000 * ONE_POINT
DIRECT = 2**40 - 1
"""`valid_after` of what a payer sends itself: no cancelling takes it back."""


@dataclass
class Share:
    """What one payer brings into payments that are settled together."""

    payer: Address
    merchant_share: int = 0
    diverted: int = 0
    valid_after: int = DIRECT


@dataclass
class Run:
    """Payments of one merchant and program that stand one after another and are settled together."""

    merchant: int
    program: int
    start: int
    payout: Address = Address("")
    shares: list[Share] = field(default_factory=list)


class Twin(Pieces, Merchants):
    """All contracts of one deployment."""

    def __init__(self, contracts: Contracts, now: int, programs: tuple[Program, ...]) -> None:
        super().__init__(contracts, now, programs)
        self.merchants = {}
        self.evidence = set()
        self.paid: dict[tuple[int, bytes], tuple[Payment, int]] = {}
        self.refunded: Counter[tuple[int, bytes]] = Counter()
        self.issued: set[tuple[int, bytes]] = set()
        self.approval_threshold = APPROVAL_THRESHOLD
        self.approvers: dict[Issue | Reserve, Address] = {}

    # ------------------------------------------------------------------------------------------------ payments

    @all_or_nothing
    def pay(self, sender: Address, payments: list[Payment]) -> None:
        """`pay` of one payment, `payBatch` of several."""
        require(1 <= len(payments) <= BATCH_LIMIT, "PaymentProcessor_BatchSize", len(payments), BATCH_LIMIT)
        run = None
        for payment in payments:
            is_payer = sender == payment.payer
            require(is_payer, "PaymentProcessor_NotPayer", payment.order, payment.payer, sender)
            run = self._join(run, payment, DIRECT)
        self._settle_run(run)

    @all_or_nothing
    def pay_authorized(self, authorized: list[tuple[Payment, Authorization]]) -> None:
        """`payWithAuthorization` of one payment, `payBatchWithAuthorization` of several, whoever sends."""
        require(1 <= len(authorized) <= BATCH_LIMIT, "PaymentProcessor_BatchSize", len(authorized), BATCH_LIMIT)
        run = None
        for payment, authorization in authorized:
            self._require_signed(payment.order, authorization, payment.payer)
            run = self._join(run, payment, authorization.valid_after)
        self._settle_run(run)

    def _join(self, run: Run | None, payment: Payment, valid_after: int) -> Run:
        """The run that the payment is of now; the one before is settled where it is another."""
        if run is None or (run.merchant, run.program) != (payment.merchant, payment.program):
            self._settle_run(run)
            run = Run(payment.merchant, payment.program, self.start_now(payment.program))
        rules, key = self.programs[payment.program], (payment.merchant, payment.order)
        least = rules.min_payment
        require(payment.amount >= least, "PaymentProcessor_BelowMinimum", payment.order, payment.amount, least)
        require(key not in self.paid, "PaymentProcessor_AlreadyPaid", *key)
        self.paid[key] = (payment, run.start)
        run.payout = self._book_paid(*key, payment.amount)
        if not run.shares or run.shares[-1].payer != payment.payer:
            run.shares.append(Share(payment.payer))
        share, parts = run.shares[-1], split(payment.amount, rules.divert_bps, rules.multiplier)
        share.merchant_share += parts.merchant
        share.diverted += parts.diverted
        share.valid_after = min(share.valid_after, valid_after)
        return run

    def _settle_run(self, run: Run | None) -> None:
        """The nodes and the books first, then the points."""
        if run is None:
            return
        rules, diverted = self.programs[run.program], sum(share.diverted for share in run.shares)
        for share in run.shares:
            total = share.diverted * rules.multiplier
            self._grow(run.program, run.start, OF_PAYMENTS, share.payer, total, rules.payer_period_cap)
        self._commit(run.program, diverted, diverted * rules.multiplier)
        for share in run.shares:
            self._require_not_cancelled(share.payer, share.valid_after)
            self._take(share.payer, share.merchant_share + share.diverted)
        self._put(run.payout, sum(share.merchant_share for share in run.shares))
        if self.is_funded(run.program):
            self._put(self.contracts.nodes, diverted)

    # ------------------------------------------------------------------------------------------------ refunds

    @all_or_nothing
    def refund(self, sender: Address, payment: Payment, start: int, amount: int) -> None:
        payout = self._merchant(payment.merchant).payout
        require(sender == payout, "PaymentProcessor_NotPayout", payment.merchant, sender)
        self._refund(payment, start, amount, payout)

    @all_or_nothing
    def refund_authorized(
        self, payment: Payment, start: int, amount: int, refunded: int, authorization: Authorization
    ) -> None:
        """The message names what was refunded before it, so it is used once."""
        payout = self._merchant(payment.merchant).payout
        self._require_signed(payment.order, authorization, payout)
        is_next = refunded == self.refunded[payment.merchant, payment.order]
        require(is_next, "PaymentProcessor_InvalidSignature", payment.order, payout)
        self._refund(payment, start, amount, payout)

    def _refund(self, payment: Payment, start: int, amount: int, payout: Address) -> None:
        key, rules = (payment.merchant, payment.order), self.programs.get(payment.program)
        require(amount > 0, "PaymentProcessor_NothingToDo", payment.order)
        if rules is None or self.paid.get(key) != (payment, start):
            raise Refused("PaymentProcessor_UnknownPayment", *key)
        left = payment.amount - self.refunded[key]
        require(amount <= left, "PaymentProcessor_RefundExceedsPaid", *key, amount, left)
        parts = refund(payment.amount, self.refunded[key], amount, rules.divert_bps, rules.multiplier)
        self.refunded[key] += amount
        self._undo(payment.program, start, payment.payer, parts.diverted, parts.total)
        self._take(payout, parts.merchant)
        self._put(payment.payer, parts.merchant)
        self._release(payment.payer, parts.diverted, self.is_funded(payment.program))

    # ------------------------------------------------------------------------------------------------ issues

    @all_or_nothing
    def issue(self, issuer: Address, items: list[Issue]) -> None:
        """`issue` of one item, `issueBatch` of several."""
        require(1 <= len(items) <= BATCH_LIMIT, "PaymentProcessor_BatchSize", len(items), BATCH_LIMIT)
        for item in items:
            names_no_node = item.amount > 0 and item.total == 0 and item.program != 0
            require(not names_no_node, "PaymentProcessor_NoNode", item.order, item.program)
            self._record_issue(issuer, item)
            if item.total:
                could_claim = item.customer not in (ZERO_ADDRESS, self.contracts.token)
                require(could_claim, "ERC721InvalidReceiver", item.customer)
                self._require_funded(item.program)
                start = self.start_now(item.program)
                self.books[item.program].reserve += item.total
                self._commit(item.program, 0, item.total)
                self._grow(item.program, start, OF_ISSUES, item.customer, item.total, None)
            self._issue_to(item.customer, item.points, item.total)

    @all_or_nothing
    def issue_reserve(self, issuer: Address, reserve: Reserve) -> None:
        self._record_issue(issuer, reserve)
        self._add_reserve(reserve.program, reserve.amount)
        self._issue(reserve.amount)
        self._put(self.contracts.nodes, reserve.amount)

    @all_or_nothing
    def approve_issue(self, approver: Address, item: Issue | Reserve) -> None:
        self.approvers[item] = approver

    @all_or_nothing
    def set_approval_threshold(self, threshold: int) -> None:
        self.approval_threshold = threshold

    def _record_issue(self, issuer: Address, item: Issue | Reserve) -> None:
        amount, order, threshold = item.amount, item.order, self.approval_threshold
        require(amount < UNITS, "SafeCastOverflowedUintDowncast", 64, amount)
        require(amount > 0, "PaymentProcessor_NothingToDo", order)
        if amount > threshold:
            require(item in self.approvers, "PaymentProcessor_ApprovalNeeded", order, amount, threshold)
            approver = self.approvers.pop(item)
            require(approver != issuer, "PaymentProcessor_OwnApproval", order, approver)
        key = (item.merchant, order)
        require(key not in self.issued, "PaymentProcessor_AlreadyIssued", *key)
        self.issued.add(key)
        self._book_issued(*key, amount)

    def _require_signed(self, order: bytes, authorization: Authorization, signer: Address) -> None:
        after, before = authorization.valid_after, authorization.valid_before
        require(after < self.now < before, "PaymentProcessor_NotValidNow", order, after, before)
        require(authorization.signer == signer, "PaymentProcessor_InvalidSignature", order, signer)
