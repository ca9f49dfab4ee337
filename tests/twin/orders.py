"""What is paid, issued and signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainpoints.types import Address


@dataclass(frozen=True)
class Payment:
    merchant: int
    program: int
    amount: int
    payer: Address
    order: bytes

    def struct(self) -> tuple[Any, ...]:
        """IPaymentProcessor.Payment."""
        return (self.merchant, self.program, self.amount, self.payer, self.order)


@dataclass(frozen=True)
class Authorization:
    """A signature of `signer` over exactly the terms that it comes with; valid after and before, unix seconds."""

    valid_after: int
    valid_before: int
    signer: Address


@dataclass(frozen=True)
class Issue:
    merchant: int
    program: int
    points: int
    total: int
    customer: Address
    order: bytes
    evidence: bytes

    @property
    def amount(self) -> int:
        return self.points + self.total

    def struct(self) -> tuple[Any, ...]:
        """IPaymentProcessor.Issue."""
        given = (self.merchant, self.program, self.points, self.total)
        return (*given, self.customer, self.order, self.evidence)


@dataclass(frozen=True)
class Reserve:
    """Points that are issued into a program's reserve."""

    merchant: int
    order: bytes
    program: int
    amount: int
    evidence: bytes

    def arguments(self) -> tuple[Any, ...]:
        """Of issueReserve and reserveHash."""
        return (self.merchant, self.order, self.program, self.amount, self.evidence)
