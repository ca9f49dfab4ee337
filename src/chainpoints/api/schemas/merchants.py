"""Merchants and their API keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chainpoints.api.auth import SCOPES
from chainpoints.api.schemas.base import (
    Address,
    Amount,
    AmountIn,
    Evidence,
    MerchantId,
    Name,
    NextCursor,
    Program,
    ReadAt,
    Reference,
    Shape,
    Timestamp,
)
from chainpoints.api.schemas.forms import text_of
from chainpoints.api.schemas.requests import RelayRequest


class NewMerchant(Shape):
    name: Name
    payout: Address = Field(description="gets the merchant's share of payments, and signs its refunds")
    paid_per_day: AmountIn = Field(description="the most that it may be paid in points in a UTC day of chain time")
    issued_per_day: AmountIn = Field(description="the most that may be issued for it in such a day")


class MerchantMade(Shape):
    """A repeated Idempotency-Key gets the first answer again, with its `read_at`."""

    read_at: ReadAt
    merchant: MerchantId
    request: RelayRequest


class Merchant(Shape):
    merchant: MerchantId
    name: str = Field(examples=["Downtown Records"])
    payout: Address
    active: bool
    paid_per_day: Amount
    issued_per_day: Amount
    quota: Amount = Field(description="prepaid points that may still be issued")


class MerchantAnswer(Merchant):
    read_at: ReadAt


class MerchantPage(Shape):
    read_at: ReadAt
    items: list[Merchant]
    next: NextCursor


class NewQuota(Shape):
    amount: AmountIn
    evidence: Evidence


EtherIn = Annotated[
    str,
    text_of(
        r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?$",
        'a decimal string of ETH, at most 9 decimals, such as "0.05"',
        description="ETH as decimal text, at most 9 decimals",
        examples=["0.05"],
    ),
]
Ether = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{9}$", description="ETH, 9 decimals", examples=["0.050000000"])]


class NewGasBudget(Shape):
    budget: EtherIn | None = Field(description="what the merchant may cost a day; null: the gateway's default")


class GasDay(Shape):
    """A UTC day of chain time. A request counts on the day in which it was accepted."""

    read_at: ReadAt
    merchant: MerchantId
    budget: Ether | None = Field(description="what the merchant may cost a day; null: no limit")
    is_default: bool = Field(description="nothing was set for this merchant")
    spent: Ether = Field(description="what its mined transactions cost; a batch is shared alike among its requests")
    promised: Ether = Field(description="what its open requests are expected to cost")
    left: Ether | None
    free_at: Timestamp = Field(description="chain time at which the next day begins")


class NewReserve(Shape):
    """Out of the merchant's quota into the reserve of a FUNDED program.

    On chain its order is keccak256 of the text `reserve:<reference>`: a reference is used once for each merchant.
    """

    program: Program
    amount: AmountIn
    reference: Reference
    evidence: Evidence


Scope = Annotated[str, text_of(r"^[a-z]{1,16}:(read|write)$", f"one of {', '.join(SCOPES)}", examples=["orders:write"])]

KeyId = Annotated[
    str,
    text_of(
        r"^key_[0-9a-f]{32}$",
        "key_ and 32 hex digits, as the list of keys has it",
        examples=["key_0123456789abcdef0123456789abcdef"],
    ),
]


class NewKey(Shape):
    name: Name
    scopes: list[Scope] = Field(min_length=1, max_length=16)


class Key(Shape):
    id: KeyId
    merchant: int | None = Field(examples=[1])
    name: str = Field(examples=["till 7"])
    scopes: list[str] = Field(examples=[["orders:read", "orders:write"]])
    created_at: Timestamp
    revoked_at: Timestamp | None


class KeyMade(Key):
    """`secret` is shown once: a repetition with the same Idempotency-Key has null there."""

    secret: str | None = Field(examples=["cp_Zk0..."])


class KeyList(Shape):
    items: list[Key]
