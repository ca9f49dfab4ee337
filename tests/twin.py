"""The contracts as plain Python, correct before fast: what every call must do, and with which error it must refuse.

Amounts are base units, times unix seconds. A call that is refused changes nothing. Names of errors are Solidity's.
"""

from __future__ import annotations

import copy
import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chainpoints.chain.parameters import Funding, Program
from chainpoints.domain.payment import period_at, refund, split
from chainpoints.types import ONE_POINT, SUPPLY_CAP, Address, NodeId

DAY = 86_400
PERSON_LIMIT = 1_000 * ONE_POINT


class Refused(Exception):
    """The call must revert with the Solidity error `name`."""

    @property
    def name(self) -> str:
        return str(self.args[0])


@dataclass
class Books:
    diverted: int = 0
    committed: int = 0
    released: int = 0
    reserve: int = 0


@dataclass
class Node:
    owner: Address
    total: int
    claimed_periods: int = 0


@dataclass
class Merchant:
    payout: Address
    paid_per_day: int
    issued_per_day: int
    quota: int = 0
    active: bool = True
    paid: Counter[int] = field(default_factory=Counter)
    issued: Counter[int] = field(default_factory=Counter)

    def as_struct(self, day: int) -> tuple[Any, ...]:
        """IMerchantRegistry.Merchant on a UTC day."""
        limits = (self.paid_per_day, self.issued_per_day, self.quota)
        return (self.payout, self.active, *limits, self.paid[day], self.issued[day])


@dataclass(frozen=True)
class Payment:
    merchant: int
    program: int
    amount: int
    payer: Address
    order: bytes


def all_or_nothing(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def guarded(twin: Twin, *arguments: Any) -> Any:
        before = copy.deepcopy(twin.__dict__)
        try:
            return call(twin, *arguments)
        except Refused:
            twin.__dict__ = before
            raise

    return guarded


class Twin:
    """The books of one deployment; `now` is the time of the block that the next call is in."""

    def __init__(self, programs: tuple[Program, ...], holder_of_reserves: Address, now: int) -> None:
        self.programs = dict(enumerate(programs, start=1))
        self.holder_of_reserves = holder_of_reserves
        self.now = now
        self.balances: Counter[Address] = Counter()
        self.books = {number: Books() for number in self.programs}
        self.nodes: dict[int, Node] = {}
        self.merchants: dict[int, Merchant] = {}
        self.paid: dict[tuple[int, bytes], tuple[Payment, int]] = {}
        self.cancelled: set[Payment] = set()
        self.refunded: Counter[tuple[int, bytes]] = Counter()
        self.issued: set[tuple[int, bytes]] = set()
        self.issued_in_all = 0
        self.persons: Counter[tuple[Address, int]] = Counter()

    def __deepcopy__(self, memo: dict[int, Any]) -> Twin:
        other = object.__new__(Twin)
        other.__dict__ = copy.deepcopy(self.__dict__, memo)
        return other

    # ------------------------------------------------------------------------------------------------ getters

    @property
    def supply(self) -> int:
        return sum(self.balances.values())

    @property
    def set_apart(self) -> int:
        """Of the supply cap, for EMISSION programs."""
        return sum(rules.cap for rules in self.programs.values() if rules.funding == Funding.EMISSION)

    def period(self, program: int) -> int:
        rules = self.programs[program]
        return period_at(self.now, rules.epoch, rules.period_seconds)

    def elapsed(self, program: int, start: int) -> int:
        """Full periods since `start`, 0 to N."""
        return max(0, min(self.period(program) - start, self.programs[program].schedule.periods))

    def claimed(self, node_id: int) -> int:
        node, program = self.nodes[node_id], NodeId.from_token_id(node_id).program
        return self.programs[program].schedule.released(node.total, node.claimed_periods)

    def claimable(self, node_id: int) -> int:
        name = NodeId.from_token_id(node_id)
        elapsed = self.elapsed(name.program, name.start)
        return self.programs[name.program].schedule.released(self.nodes[node_id].total, elapsed) - self.claimed(node_id)

    def node_struct(self, node_id: int) -> tuple[Any, ...]:
        """IReleaseNode.Node."""
        name, node = NodeId.from_token_id(node_id), self.nodes[node_id]
        amounts = (node.total, self.claimed(node_id), self.claimable(node_id))
        return (node.owner, name.program, name.start, *amounts, node.claimed_periods)

    # ------------------------------------------------------------------------------------------------ points

    @all_or_nothing
    def transfer(self, sender: Address, receiver: Address, amount: int) -> None:
        self._move(sender, receiver, amount)

    def _move(self, sender: Address, receiver: Address, amount: int) -> None:
        if self.balances[sender] < amount:
            raise Refused("ERC20InsufficientBalance")
        self.balances[sender] -= amount
        self.balances[receiver] += amount

    def _burn(self, holder: Address, amount: int) -> None:
        if self.balances[holder] < amount:
            raise Refused("ERC20InsufficientBalance")
        self.balances[holder] -= amount

    def _mint_issued(self, receiver: Address, amount: int) -> None:
        self.issued_in_all += amount
        if self.issued_in_all + self.set_apart > SUPPLY_CAP:
            raise Refused("PointsToken_SupplyCapExceeded")
        self.balances[receiver] += amount

    # ------------------------------------------------------------------------------------------------ payments

    @all_or_nothing
    def pay(self, payment: Payment) -> int:
        """The id of the node that the payment made or added to."""
        key, rules = (payment.merchant, payment.order), self.programs[payment.program]
        if key in self.paid:
            raise Refused("PaymentProcessor_AlreadyPaid")
        if payment.amount < rules.min_payment:
            raise Refused("Programs_BelowMinimum")
        parts = split(payment.amount, rules.divert_bps, rules.multiplier)
        start = self.period(payment.program) + 1
        self._commit(payment.program, parts.diverted, parts.total)
        self.paid[key] = (payment, start)
        payout = self._book_paid(payment.merchant, payment.amount)
        self._move(payment.payer, payout, parts.merchant)
        if rules.funding == Funding.FUNDED:
            self._move(payment.payer, self.holder_of_reserves, parts.diverted)
        else:
            self._burn(payment.payer, parts.diverted)
        return self._top_up(payment.program, start, payment.payer, parts.total, rules.payer_period_cap)

    @all_or_nothing
    def pay_authorized(self, payment: Payment) -> int:
        """As `pay`, whoever sends the payer's right and timely signature."""
        if payment in self.cancelled:
            raise Refused("PaymentProcessor_Cancelled")
        return int(self.pay(payment))

    @all_or_nothing
    def cancel_payment(self, payment: Payment) -> None:
        self.cancelled.add(payment)

    @all_or_nothing
    def refund(self, payment: Payment, start: int, amount: int) -> None:
        if amount == 0:
            raise Refused("PaymentProcessor_NothingToDo")
        key = (payment.merchant, payment.order)
        if self.paid.get(key) != (payment, start):
            raise Refused("PaymentProcessor_UnknownPayment")
        if amount > payment.amount - self.refunded[key]:
            raise Refused("PaymentProcessor_RefundExceedsPaid")
        rules, books = self.programs[payment.program], self.books[payment.program]
        parts = refund(payment.amount, self.refunded[key], amount, rules.divert_bps, rules.multiplier)
        self.refunded[key] += amount
        if self.elapsed(payment.program, start) != 0:
            raise Refused("ReleaseNode_Unlocked")
        node_id = NodeId.of_payment(payment.program, start, payment.payer).token_id
        if parts.total:
            self.nodes[node_id].total -= parts.total
            if self.nodes[node_id].total == 0:
                del self.nodes[node_id]
        books.diverted -= parts.diverted
        books.committed -= parts.total
        if rules.funding == Funding.FUNDED:
            books.reserve -= parts.diverted
            self._move(self.holder_of_reserves, payment.payer, parts.diverted)
        else:
            self.balances[payment.payer] += parts.diverted
        self._move(self.merchants[payment.merchant].payout, payment.payer, parts.merchant)

    # ------------------------------------------------------------------------------------------------ issues

    @all_or_nothing
    def issue(self, merchant: int, program: int, points: int, total: int, customer: Address, order: bytes) -> None:
        if points + total == 0:
            raise Refused("PaymentProcessor_NothingToDo")
        if (merchant, order) in self.issued:
            raise Refused("PaymentProcessor_AlreadyIssued")
        self.issued.add((merchant, order))
        self._book_issued(merchant, customer, points + total)
        if points:
            self._mint_issued(customer, points)
        if total:
            start = self.period(program) + 1
            self._deposit_minted(program, total)
            self._commit(program, 0, total)
            self._top_up(program, start, customer, total, 0)

    @all_or_nothing
    def issue_reserve(self, merchant: int, program: int, amount: int, order: bytes) -> None:
        if amount == 0:
            raise Refused("PaymentProcessor_NothingToDo")
        if (merchant, order) in self.issued:
            raise Refused("PaymentProcessor_AlreadyIssued")
        self.issued.add((merchant, order))
        self._book_issued(merchant, None, amount)
        self._deposit_minted(program, amount)

    def _deposit_minted(self, program: int, amount: int) -> None:
        self._mint_issued(self.holder_of_reserves, amount)
        if self.programs[program].funding != Funding.FUNDED:
            raise Refused("Programs_NotFunded")
        self.books[program].reserve += amount

    # ------------------------------------------------------------------------------------------------ nodes

    @all_or_nothing
    def claim(self, node_ids: list[int]) -> int:
        """Points paid, base units."""
        return sum(self._claim(node_id) for node_id in node_ids)

    def _claim(self, node_id: int) -> int:
        if node_id not in self.nodes:
            raise Refused("ReleaseNode_Unknown")
        name = NodeId.from_token_id(node_id)
        if self.elapsed(name.program, name.start) == 0:
            raise Refused("ReleaseNode_Locked")
        if self.claimable(node_id) == 0:
            raise Refused("ReleaseNode_NothingToClaim")
        return self._settle(node_id, self.nodes[node_id].owner)

    @all_or_nothing
    def give_node(self, node_id: int, sender: Address, receiver: Address) -> None:
        if node_id not in self.nodes:
            raise Refused("ReleaseNode_Unknown")
        name = NodeId.from_token_id(node_id)
        if self.elapsed(name.program, name.start) == 0:
            raise Refused("ReleaseNode_Locked")
        if self.nodes[node_id].owner != sender:
            raise Refused("TransferFromIncorrectOwner")
        self.nodes[node_id].owner = receiver
        self._settle(node_id, sender)

    def _settle(self, node_id: int, receiver: Address) -> int:
        amount, name = self.claimable(node_id), NodeId.from_token_id(node_id)
        self.nodes[node_id].claimed_periods = self.elapsed(name.program, name.start)
        books = self.books[name.program]
        books.committed -= amount
        books.released += amount
        if self.programs[name.program].funding == Funding.FUNDED:
            books.reserve -= amount
            self._move(self.holder_of_reserves, receiver, amount)
        else:
            self.balances[receiver] += amount
        return amount

    def _top_up(self, program: int, start: int, payer: Address, total: int, cap: int) -> int:
        node_id = NodeId.of_payment(program, start, payer).token_id
        node = self.nodes.setdefault(node_id, Node(payer, 0))
        if cap and node.total + total > cap:
            raise Refused("Programs_PayerPeriodCapExceeded")
        node.total += total
        return node_id

    def _commit(self, program: int, diverted: int, total: int) -> None:
        rules, books = self.programs[program], self.books[program]
        books.diverted += diverted
        books.committed += total
        if books.released + books.committed > rules.cap:
            raise Refused("Programs_CapExceeded")
        if rules.funding == Funding.FUNDED:
            books.reserve += diverted
            if books.reserve < books.committed:
                raise Refused("Programs_ReserveTooSmall")

    # ------------------------------------------------------------------------------------------------ merchants

    @all_or_nothing
    def add_quota(self, merchant: int, amount: int) -> None:
        if merchant not in self.merchants:
            raise Refused("MerchantRegistry_Unknown")
        record = self.merchants[merchant]
        if record.quota + amount > SUPPLY_CAP:
            raise Refused("MerchantRegistry_QuotaCapExceeded")
        record.quota += amount

    def _active(self, merchant: int) -> Merchant:
        if merchant not in self.merchants:
            raise Refused("MerchantRegistry_Unknown")
        if not self.merchants[merchant].active:
            raise Refused("MerchantRegistry_Inactive")
        return self.merchants[merchant]

    def _book_paid(self, merchant: int, amount: int) -> Address:
        record, today = self._active(merchant), self.now // DAY
        if record.paid[today] + amount > record.paid_per_day:
            raise Refused("MerchantRegistry_PaidPerDayExceeded")
        record.paid[today] += amount
        return record.payout

    def _book_issued(self, merchant: int, person: Address | None, amount: int) -> None:
        record, today = self._active(merchant), self.now // DAY
        if record.issued[today] + amount > record.issued_per_day:
            raise Refused("MerchantRegistry_IssuedPerDayExceeded")
        if amount > record.quota:
            raise Refused("MerchantRegistry_QuotaExceeded")
        record.quota -= amount
        record.issued[today] += amount
        if person is not None:
            if self.persons[person, today] + amount > PERSON_LIMIT:
                raise Refused("MerchantRegistry_PersonLimitExceeded")
            self.persons[person, today] += amount
