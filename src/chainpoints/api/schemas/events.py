"""What happened on chain, as items of pages."""

from __future__ import annotations

from pydantic import Field

from chainpoints.api.schemas.base import (
    Address,
    Amount,
    Hash,
    NextCursor,
    NodeIdText,
    PageQuery,
    ReadAt,
    Shape,
    Timestamp,
)
from chainpoints.store.status import Finality


class Event(Shape):
    """Where it stands on the chain, and how final that is."""

    block: int = Field(examples=[812])
    log_index: int = Field(examples=[3])
    transaction: Hash
    timestamp: Timestamp
    finality: Finality


class PaymentEvent(Event):
    """A payment, or what a refund gave back. `merchant_share` + `diverted` = `amount`."""

    merchant: int = Field(examples=[1])
    order_hash: Hash
    payer: Address
    program: int = Field(examples=[1])
    node: NodeIdText
    amount: Amount
    merchant_share: Amount
    diverted: Amount
    node_total: Amount


class IssueEvent(Event):
    merchant: int = Field(examples=[1])
    order_hash: Hash
    customer: Address
    points: Amount
    node_total: Amount
    program: int | None = Field(description="null without a node", examples=[2])
    node: NodeIdText | None
    evidence: Hash


class ClaimEvent(Event):
    node: NodeIdText
    owner: Address
    receiver: Address
    amount: Amount
    claimed_periods: int = Field(examples=[4])


class TransferEvent(Event):
    """Points moved. The zero address as sender is a mint, as receiver a burn."""

    sender: Address
    receiver: Address
    amount: Amount


class NodeTransferEvent(Event):
    """A node changed hands. The zero address as sender is its making, as receiver its end."""

    node: NodeIdText
    sender: Address
    receiver: Address


class _Page(Shape):
    """Newest first. `next` is the cursor of the next page, null at the end; it stays valid across a reorg."""

    read_at: ReadAt
    next: NextCursor


class PaymentPage(_Page):
    items: list[PaymentEvent]


class IssuePage(_Page):
    items: list[IssueEvent]


class ClaimPage(_Page):
    items: list[ClaimEvent]


class TransferPage(_Page):
    items: list[TransferEvent]


class NodeTransferPage(_Page):
    items: list[NodeTransferEvent]


class OrderEventsQuery(PageQuery):
    merchant: int | None = Field(None, ge=1, lt=1 << 32)
    order_hash: Hash | None = None
    program: int | None = Field(None, ge=1, lt=1 << 32)


class ClaimsQuery(PageQuery):
    node: NodeIdText | None = None
    owner: Address | None = None


class TransfersQuery(PageQuery):
    sender: Address | None = None
    receiver: Address | None = None
