"""Webhooks: endpoints, and the messages that they were sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from chainpoints.api.schemas.base import NextCursor, Shape, Timestamp
from chainpoints.api.schemas.forms import text_of
from chainpoints.domain.web_address import LONGEST_URL
from chainpoints.domain.webhooks import EventType
from chainpoints.store.status import Finality

_PAYLOAD = {
    "type": "payment.created",
    "timestamp": "1997-01-01T00:00:00Z",
    "data": {"order": "ord_0123456789abcdef0123456789abcdef", "amount": "120.500000", "sequence": 1},
}

WebhookId = Annotated[
    str,
    text_of(
        r"^whk_[0-9a-f]{32}$",
        "whk_ and 32 hex digits, as the list of webhooks has it",
        examples=["whk_0123456789abcdef0123456789abcdef"],
    ),
]
MessageId = Annotated[
    str,
    text_of(
        r"^msg_[0-9a-f]{32}$",
        "msg_ and 32 hex digits, as the header webhook-id has it",
        examples=["msg_0123456789abcdef0123456789abcdef"],
    ),
]
Url = Annotated[str, Field(min_length=1, max_length=LONGEST_URL, examples=["https://shop.example.com/chainpoints"])]
Events = Annotated[
    list[EventType], Field(min_length=1, max_length=32, examples=[["payment.created", "refund.created"]])
]
_ToldAt = Field(description="how final a block must be before what happened in it is told", examples=["safe"])


class NewWebhook(Shape):
    url: Url
    events: Events | None = Field(None, description="what is told; null: all that there is, later kinds too")
    finality: Finality = _ToldAt


class WebhookChange(Shape):
    """What is left out stays as it is."""

    url: Url | None = None
    events: Events | None = Field(None, description="null: all that there is, later kinds too")
    finality: Finality | None = Field(None, examples=["final"])
    active: bool | None = Field(None, strict=True, description="true goes on where it stood", examples=[True])


class Rotation(Shape):
    keep_previous_hours: int = Field(
        24,
        ge=0,
        le=168,
        strict=True,
        description="so long messages are signed by both secrets; 0 when the old one is known to others",
        examples=[24],
    )


class Webhook(Shape):
    id: WebhookId
    merchant: int = Field(examples=[1])
    url: Url
    events: Events | None = Field(description="null: all")
    finality: Finality = _ToldAt
    active: bool = Field(examples=[True])
    disabled_reason: str | None = Field(
        description="why it is not active; null when the merchant switched it off", examples=["it answered 410 (gone)"]
    )
    failing_since: Timestamp | None = Field(description="wall clock of the first failure since the last success")
    previous_secret_until: Timestamp | None = Field(description="until then the secret before signs too")
    created_at: Timestamp


class WebhookMade(Webhook):
    """`secret` is shown once: a repetition with the same Idempotency-Key has null there."""

    secret: str | None = Field(examples=["whsec_Zk0..."])


class WebhookList(Shape):
    items: list[Webhook]


class Attempt(Shape):
    started_at: Timestamp = Field(description="wall clock, unix seconds")
    duration_ms: int = Field(examples=[87])
    status: int | None = Field(description="HTTP status; null when no answer came", examples=[200])
    answer: str | None = Field(description="the answer's first 1,024 bytes", examples=["thank you"])
    error: str | None = Field(description="why no answer came", examples=["no answer within 10 seconds"])


class Message(Shape):
    """pending: is sent again at `next_attempt_at`. delivered: an attempt was answered with 2xx.

    failed: three days of attempts failed; redeliver it when the receiver is well.
    """

    id: MessageId
    type: str = Field(examples=["payment.created"])
    object: str = Field(
        description="the order, node or other thing that it is about", examples=["order 0x" + "5e" * 32]
    )
    sequence: int = Field(description="of the object: 1, 2, 3, ...", examples=[1])
    state: Literal["pending", "delivered", "failed"] = Field(examples=["delivered"])
    created_at: Timestamp
    next_attempt_at: Timestamp | None
    payload: dict[str, Any] = Field(examples=[_PAYLOAD])
    attempts: list[Attempt] = Field(description="the newest 20, the first of them first")


class MessagePage(Shape):
    items: list[Message]
    next: NextCursor


class MessagesQuery(Shape):
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=120, description="`next` of the page before")
