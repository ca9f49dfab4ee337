"""Orders and what their payers and merchants sign."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from chainpoints.api.schemas.base import (
    Address,
    Amount,
    AmountIn,
    Hash,
    NextCursor,
    NodeIdText,
    OrderId,
    PageQuery,
    Program,
    ReadAt,
    Reference,
    RequestId,
    Shape,
    Timestamp,
)
from chainpoints.api.schemas.chain import BooksShape, ScheduleStep, Solvency
from chainpoints.api.schemas.forms import text_of
from chainpoints.api.schemas.requests import RelayRequest

_TYPED_DATA = {
    "types": {"EIP712Domain": [{"name": "name", "type": "string"}], "Payment": [{"name": "amount", "type": "uint64"}]},
    "primaryType": "Payment",
    "domain": {"name": "chainpoints payments"},
    "message": {"amount": "120500000"},
}

OrderStatus = Literal[
    "open", "pending", "paid", "mispaid", "issued", "partially_refunded", "refunded", "refused", "expired"
]
Irregularity = Literal["late", "underpaid", "overpaid", "other-program", "other-payer", "double"]


class Money(Shape):
    amount: Annotated[
        str,
        text_of(
            r"^(0|[1-9][0-9]{0,13})(\.[0-9]{1,8})?$",
            'a decimal string, at most 8 decimals, such as "12.99"',
            description="decimal text",
            examples=["12.99"],
        ),
    ]
    currency: Annotated[
        str, text_of(r"^[A-Z]{3}$", "three capital letters, such as USD", description="ISO 4217", examples=["USD"])
    ]


class NewOrder(Shape):
    """A price in points (to be paid by the customer's signature), in money (paid at the till, then issued), or both.

    With both the customer chooses: what comes first, the payment or the issue, settles the order, and the other is
    refused from then on.
    """

    reference: Reference
    program: Program
    points: AmountIn | None = None
    money: Money | None = None
    customer: Address | None = None
    expires_at: int | None = Field(
        None,
        ge=1,
        lt=1 << 40,
        strict=True,
        description="chain time, unix seconds, inclusive: until then it can be paid in points; null: without an end",
        examples=[852163200],
    )


class _State(Shape):
    """`status` follows from the amounts and the requests, as of the block; it is stored nowhere."""

    id: OrderId
    merchant: int = Field(examples=[1])
    program: int = Field(examples=[1])
    points: Amount | None
    money: Money | None
    expires_at: int | None = Field(description="chain time, unix seconds", examples=[852163200])
    status: OrderStatus = Field(examples=["paid"])
    paid: Amount
    refunded: Amount
    issued: Amount = Field(description="points and node together")
    payer: Address | None
    paid_at: int | None = Field(description="chain time of the payment, unix seconds", examples=[852076800])
    irregular: list[Irregularity] = Field(
        description="what is not as ordered. late: paid after `expires_at`; underpaid, overpaid: another amount than "
        "`points`; other-program, other-payer: on other terms; double: paid in points, and issued for money as well",
        examples=[[]],
    )
    node: NodeIdText | None = Field(description="the node that the payment went into")
    refusal: dict[str, Any] | None = Field(
        description="why the last attempt was refused, while nothing better came", examples=[None]
    )


class Order(_State):
    reference: Reference
    order_hash: Hash = Field(
        description="the order on chain: keccak256 of the text `<id>:<reference>`, to be recomputed by the merchant"
    )
    customer: Address | None
    created_at: Timestamp = Field(description="wall clock, unix seconds")
    pending_request: RequestId | None = Field(description="the attempt that is on its way", examples=[None])


class Checkout(_State):
    read_at: ReadAt
    merchant_name: str | None = Field(
        description="null: the block that this is read at knows of no such merchant", examples=["Downtown Records"]
    )


class OrderAnswer(Order):
    read_at: ReadAt
    requests: list[RelayRequest]


class OrderPage(Shape):
    read_at: ReadAt
    items: list[Order]
    next: NextCursor


class OrdersQuery(PageQuery):
    reference: Reference | None = None
    customer: Address | None = None


class AuthorizationQuery(Shape):
    payer: Address
    valid_for: int = Field(86_400, ge=60, le=2_592_000, description="seconds from the head block's time")


class RefundAuthorizationQuery(Shape):
    amount: AmountIn
    valid_for: int = Field(86_400, ge=60, le=2_592_000, description="seconds from the head block's time")


class SplitShape(Shape):
    amount: Amount
    merchant_share: Amount
    diverted: Amount
    node_total: Amount


class Funding(Shape):
    """Who stands for what the node will release."""

    kind: Literal["EMISSION", "FUNDED"]
    books: BooksShape
    solvency: Solvency


class HalfReleased(Shape):
    period: int = Field(examples=[86])
    at: Timestamp
    amount: Amount


class Disclosure(Shape):
    """What a payer must see before consent. The dates are those of a payment carried out in the present period."""

    split: SplitShape
    node: NodeIdText
    refundable_until: Timestamp
    half_released: HalfReleased
    fully_released_at: Timestamp
    schedule: list[ScheduleStep]
    funding: Funding
    words: list[str] = Field(examples=[["Half of it is released after 86 of the 100 periods ..."]])


class Authorization(Shape):
    """`typed_data` is for eth_signTypedData_v4. It names all that is paid: it pays this order, once."""

    read_at: ReadAt
    order: OrderId
    merchant: int = Field(examples=[1])
    merchant_name: str = Field(examples=["Downtown Records"])
    reference: Reference
    valid_after: int
    valid_before: int
    typed_data: dict[str, Any] = Field(examples=[_TYPED_DATA])
    disclosure: Disclosure


class RefundAuthorization(Shape):
    """The payout address gives the merchant's share back; the diverted points come out of the node."""

    read_at: ReadAt
    order: OrderId
    payout: Address
    split: SplitShape
    refundable_until: Timestamp
    valid_after: int
    valid_before: int
    typed_data: dict[str, Any] = Field(examples=[_TYPED_DATA])
