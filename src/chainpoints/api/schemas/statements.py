"""A merchant's statement."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chainpoints.api.schemas.base import Amount, AtQuery, Hash, MerchantId, ReadAt, Reference, Shape, Timestamp


class StatementQuery(AtQuery):
    """Of a time on the chain: `from` is part of it, `to` is not."""

    since: int = Field(0, alias="from", ge=0, lt=1 << 40, description="unix seconds", examples=[852076800])
    until: int = Field((1 << 40) - 1, alias="to", ge=0, lt=1 << 40, description="unix seconds", examples=[854668800])
    format: Literal["json", "csv"] = Field("json", description="csv: the same as a table, opening and closing as lines")


class AccountAmounts(Shape):
    """One amount for each account; they always sum to zero.

    sales: the merchant's share of payments, less refunds. nodes: what payments diverted into customers' nodes, less
    refunds. quota: prepaid points that may still be issued. customers: what they were issued, less what they paid.
    operator: the other side of quota.
    """

    customers: Amount
    sales: Amount
    nodes: Amount
    quota: Amount
    operator: Amount


class StatementEntry(Shape):
    """A change of quota beside issues (credits, less reserves) is told by block, without transaction and order."""

    block: int = Field(examples=[812])
    log_index: int | None = Field(examples=[3])
    timestamp: Timestamp
    kind: Literal["payment", "refund", "issue", "quota"]
    transaction: Hash | None
    order_hash: Hash | None
    reference: Reference | None = Field(description="null for an order that was not made here")
    amounts: AccountAmounts


class Statement(Shape):
    """`opening` + all of `entries` = `closing`, account by account. Times are chain time, unix seconds."""

    read_at: ReadAt
    merchant: MerchantId
    since: Timestamp
    until: Timestamp
    opening: AccountAmounts
    entries: list[StatementEntry]
    closing: AccountAmounts
