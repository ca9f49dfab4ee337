"""What all shapes share: amounts as decimal text, addresses, times, the block that an answer was read at, and pages."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chainpoints.api.schemas.forms import text_of
from chainpoints.errors import InvalidInput
from chainpoints.store.history import END_OF_BLOCK
from chainpoints.store.status import Finality

NOT_A_CURSOR = "cursor: not a cursor of this list; begin again without one"

AmountIn = Annotated[
    str,
    text_of(
        r"^(0|[1-9][0-9]{0,12})(\.[0-9]{1,6})?$",
        'a decimal string of points, at most 6 decimals, such as "12.5"',
        description="points as decimal text, at most 6 decimals",
        examples=["120.5"],
    ),
]
Amount = Annotated[
    str,
    Field(pattern=r"^-?(0|[1-9][0-9]*)\.[0-9]{6}$", description="points, always 6 decimals", examples=["120.500000"]),
]
Ratio = Annotated[str | None, Field(description="decimal text of 6 decimals; null where there is nothing to divide by")]
Address = Annotated[
    str,
    text_of(r"^0x[0-9a-fA-F]{40}$", "0x and 40 hex digits", examples=["0x70997970c51812dc3a010c7d01b50e0d17dc79c8"]),
]
Hash = Annotated[str, text_of(r"^0x[0-9a-fA-F]{64}$", "0x and 64 hex digits", examples=["0x" + "5e" * 32])]
NodeIdText = Annotated[
    str,
    text_of(
        r"^(0|[1-9][0-9]{0,77})$",
        "the node's token id, a whole number as a decimal string",
        description="the ERC-721 token id as decimal text",
        examples=["26959946667150639794667015087019630673637144422540572481103610249216"],
    ),
]
Timestamp = Annotated[int, Field(description="unix seconds", examples=[852076800])]
Program = Annotated[int, Field(ge=1, lt=1 << 32, strict=True, examples=[1])]
MerchantId = Annotated[int, Field(ge=1, lt=1 << 32, strict=True, examples=[1])]
Name = Annotated[
    str,
    text_of(
        r"^[^\x00-\x1f\x7f]{1,64}$",
        "1 to 64 characters, none of them a control character",
        examples=["Downtown Records"],
    ),
]
Reference = Annotated[
    str,
    text_of(
        r"^[\x21-\x7e]{1,64}$",
        "1 to 64 printable ASCII characters without spaces",
        description="the merchant's own of the order",
        examples=["till-7/1042"],
    ),
]
Evidence = Annotated[
    str,
    text_of(
        r"^[^\x00-\x1f\x7f]{1,200}$",
        "1 to 200 characters, none of them a control character",
        description="proof of the payment in money; its keccak256 goes on chain (0x and 64 hex digits go as they are)",
        examples=["till receipt 1042: 12.99 USD"],
    ),
]
Signature = Annotated[
    str,
    text_of(
        r"^0x([0-9a-fA-F]{2}){1,1024}$",
        "0x and 1 to 1,024 bytes as hex digits",
        description="65 bytes r, s, v; for contract wallets whatever ERC-1271 accepts, at most 1,024 bytes",
        examples=["0x" + "1b" * 65],
    ),
]
ValidAfter = Annotated[
    int, Field(ge=0, lt=1 << 40, strict=True, description="unix seconds; not valid yet at that time", examples=[0])
]
ValidBefore = Annotated[
    int,
    Field(ge=0, lt=1 << 40, strict=True, description="unix seconds; not valid any more then", examples=[852163200]),
]
NextCursor = Annotated[str | None, Field(description="cursor of the next page", examples=["ODEyOjM"])]
OrderId = Annotated[
    str,
    text_of(
        r"^ord_[0-9a-f]{32}$",
        "ord_ and 32 hex digits, as the order's answer has it",
        examples=["ord_0123456789abcdef0123456789abcdef"],
    ),
]
RequestId = Annotated[
    str,
    text_of(
        r"^[0-9a-f-]{36}$", "a UUID, as the request's answer has it", examples=["6f0f2c5e-8c0b-4a54-9d0c-0f6f3f9d8b1a"]
    ),
]


class Shape(BaseModel):
    """Refuses unknown fields."""

    model_config = ConfigDict(extra="forbid")


class ReadAt(Shape):
    """The block that an answer was read at; all of the answer is as of it. `finality`: how final that block is."""

    block: int = Field(examples=[812])
    hash: Hash
    timestamp: Timestamp
    finality: Finality = Field(examples=["head"])
    chain: str = Field(description="CAIP-2", examples=["eip155:31337"])


class AtQuery(Shape):
    finality: Finality = Field("head", description="read as of the highest block that is at least so final")


class PageQuery(AtQuery):
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=120, description="`next` of the page before")


class Health(BaseModel):
    """`why` says what is missing; null while nothing is."""

    status: Literal["ok", "unavailable"] = Field(examples=["ok"])
    why: str | None = Field(examples=[None])


class Problem(BaseModel):
    """An error, as RFC 9457 has it. Some kinds have members of their own: missing_scope, errors, request ...

    What was refused for what the chain says has `read_at`, the block that says so.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/missing-scope",
                    "title": "The key may not do this",
                    "status": 403,
                    "detail": "this key lacks the scope refunds:write",
                    "instance": "/v1/refunds",
                    "missing_scope": "refunds:write",
                }
            ]
        },
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str


def cursor_of(place: tuple[Any, ...] | None) -> str | None:
    """An opaque cursor for a place in a list."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(":".join(str(part) for part in place).encode()).decode().rstrip("=")


def place_of(cursor: str | None) -> tuple[str, ...] | None:
    """What `cursor_of` was given, as texts. Raises InvalidInput for anything else."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError, ValueError):
        raise InvalidInput(NOT_A_CURSOR) from None
    return tuple(text.split(":"))


def log_place(cursor: str | None) -> tuple[int, int] | None:
    """A place in the chain's total order: block number and log index. Raises InvalidInput."""
    place = place_of(cursor)
    if place is None:
        return None
    if len(place) != 2:
        raise InvalidInput(NOT_A_CURSOR)
    return place_number(place[0]), log_number(place[1])


def log_number(text: str) -> int:
    """A log's index, or what stands for the end of a block. Raises InvalidInput for a larger one."""
    if (number := place_number(text)) > END_OF_BLOCK:
        raise InvalidInput(NOT_A_CURSOR)
    return number


def place_number(text: str) -> int:
    """Raises InvalidInput for anything but a number of a size that the store takes."""
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise InvalidInput(NOT_A_CURSOR)
    return int(text)
