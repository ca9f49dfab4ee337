"""MerchantRegistry: merchants, their payout addresses, quotas and limits a UTC day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chainpoints.types import SUPPLY_CAP, ZERO_ADDRESS, Address
from twin.state import Record, State, all_or_nothing, require


@dataclass
class Merchant(Record):
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


class Merchants(State):
    merchants: dict[int, Merchant]
    evidence: set[tuple[int, bytes]]

    @all_or_nothing
    def register(self, merchant: int, payout: Address, paid_per_day: int, issued_per_day: int) -> None:
        require(merchant not in self.merchants, "MerchantRegistry_AlreadyRegistered", merchant)
        require(payout != ZERO_ADDRESS, "MerchantRegistry_ZeroPayout")
        require(payout != self.contracts.token, "PointsToken_SentToToken")
        self.merchants[merchant] = Merchant(payout, paid_per_day, issued_per_day)

    @all_or_nothing
    def set_payout(self, caller: Address, merchant: int, payout: Address) -> None:
        record = self._merchant(merchant)
        require(caller == record.payout, "MerchantRegistry_NotPayout", merchant, caller)
        require(payout != ZERO_ADDRESS, "MerchantRegistry_ZeroPayout")
        require(payout != self.contracts.token, "PointsToken_SentToToken")
        record.payout = payout

    @all_or_nothing
    def set_active(self, merchant: int, active: bool) -> None:
        self._merchant(merchant).active = active

    @all_or_nothing
    def set_limits(self, merchant: int, paid_per_day: int, issued_per_day: int) -> None:
        record = self._merchant(merchant)
        record.paid_per_day, record.issued_per_day = paid_per_day, issued_per_day

    @all_or_nothing
    def add_quota(self, merchant: int, amount: int, evidence: bytes) -> None:
        record = self._merchant(merchant)
        require((merchant, evidence) not in self.evidence, "MerchantRegistry_EvidenceUsed", merchant, evidence)
        left = SUPPLY_CAP - record.quota
        require(amount <= left, "MerchantRegistry_QuotaCapExceeded", merchant, amount, left)
        self.evidence.add((merchant, evidence))
        record.quota += amount

    def _book_paid(self, merchant: int, order: bytes, amount: int) -> Address:
        """Where the merchant's share goes."""
        record = self._active(merchant)
        left = max(0, record.paid_per_day - record.paid[self.today])
        require(amount <= left, "MerchantRegistry_PaidPerDayExceeded", merchant, order, amount, left)
        record.paid[self.today] += amount
        return record.payout

    def _book_issued(self, merchant: int, order: bytes, amount: int) -> None:
        record = self._active(merchant)
        left = max(0, record.issued_per_day - record.issued[self.today])
        require(amount <= left, "MerchantRegistry_IssuedPerDayExceeded", merchant, order, amount, left)
        require(amount <= record.quota, "MerchantRegistry_QuotaExceeded", merchant, order, amount, record.quota)
        record.quota -= amount
        record.issued[self.today] += amount

    def _active(self, merchant: int) -> Merchant:
        record = self._merchant(merchant)
        require(record.active, "MerchantRegistry_Inactive", merchant)
        return record

    def _merchant(self, merchant: int) -> Merchant:
        require(merchant in self.merchants, "MerchantRegistry_Unknown", merchant)
        return self.merchants[merchant]
