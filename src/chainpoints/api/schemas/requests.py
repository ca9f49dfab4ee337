"""Relay requests, and how payments, refunds, issues and claims are asked for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from chainpoints.api.schemas.base import (
    Address,
    AmountIn,
    Evidence,
    Hash,
    NodeIdText,
    OrderId,
    Program,
    ReadAt,
    RequestId,
    Shape,
    Signature,
    Timestamp,
    ValidAfter,
    ValidBefore,
)
from chainpoints.store.status import Finality

_REFUSAL = {
    "name": "Programs_PayerPeriodCapExceeded",
    "arguments": {"program": 1, "total": 10001000000, "cap": 10000000000},
    "sentence": "the payer's node of this period would exceed the program's limit",
}


class RelayRequest(Shape):
    """accepted: waits to be sent. sent: a transaction carries it. mined: done and read, as final as its block.

    refused: the chain would not have it, `refusal` says why, and nothing was done.
    """

    id: RequestId
    kind: str = Field(examples=["payment"])
    state: Literal["accepted", "sent", "mined", "refused"] = Field(examples=["mined"])
    merchant: int | None = Field(examples=[1])
    order_hash: Hash | None
    wallet: Address | None
    accepted_at: Timestamp = Field(description="wall clock, unix seconds")
    not_before: Timestamp = Field(description="chain time at acceptance, unix seconds: never carried out earlier")
    transaction: Hash | None
    block: int | None = Field(examples=[813])
    block_hash: Hash | None
    finality: Finality | None = Field(description="of the block; null while it is not mined", examples=["head"])
    refusal: dict[str, Any] | None = Field(description="the decoded revert", examples=[None, _REFUSAL])


class RelayRequestAnswer(RelayRequest):
    """`read_at`: when it was accepted, in the answer to its POST. A repeated Idempotency-Key gets that answer again."""

    read_at: ReadAt


class NewPayment(Shape):
    """The typed data of GET /v1/orders/{id}/authorization, signed by the payer."""

    order: OrderId
    payer: Address
    valid_after: ValidAfter
    valid_before: ValidBefore
    signature: Signature
    contract_wallet: bool = Field(
        False, strict=True, description="the payer is a contract (ERC-1271): only the chain can check its signature"
    )


class NewRefund(Shape):
    """The typed data of GET /v1/orders/{id}/refund-authorization, signed by the merchant's payout address."""

    order: OrderId
    amount: AmountIn
    valid_after: ValidAfter
    valid_before: ValidBefore
    signature: Signature
    contract_wallet: bool = Field(False, strict=True, description="the payout address is a contract (ERC-1271)")


class NewIssue(Shape):
    """Points for an order that was paid in money: at once, as a node of a FUNDED program, or both."""

    order: OrderId
    customer: Address
    points: AmountIn = Field("0", examples=["65"])
    node_total: AmountIn = Field("0", description="released over time by the program's node", examples=["65"])
    program: Program | None = Field(None, description="needed with node_total", examples=[2])
    evidence: Evidence


class NewClaim(Shape):
    """Either `wallet` (all of its nodes that have something) or `nodes` (of one owner). Always paid to the owner."""

    wallet: Address | None = None
    nodes: list[NodeIdText] | None = Field(None, min_length=1, max_length=500)
