"""What an x402 facilitator is sent and answers, named as the protocol's version 2 names it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from chainpoints.api.schemas.base import ReadAt

VERSION = 2
SCHEME = "exact"

_ALICE, _SHOP = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8", "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"
_REQUEST = "6f0f2c5e-8c0b-5a54-9d0c-0f6f3f9d8b1a"
_DOMAIN = {"name": "chainpoints", "version": "1"}
_PAYLOAD = {
    "signature": "0x" + "1b" * 65,
    "authorization": {
        "from": _ALICE,
        "to": _SHOP,
        "value": "2500000",
        "validAfter": "0",
        "validBefore": "852163200",
        "nonce": "0x" + "5e" * 32,
    },
}
_SETTLED: dict[str, Any] = {
    "success": True,
    "payer": _ALICE,
    "transaction": "0x" + "5e" * 32,
    "network": "eip155:31337",
    "amount": "2500000",
    "extra": {"request": _REQUEST},
}

Network = Field(description="CAIP-2", examples=["eip155:31337"])
Reason = Annotated[str | None, Field(description="of the protocol's own", examples=["settlement_pending"])]
Message = Annotated[str | None, Field(description="the reason in words", examples=["it is not known yet"])]
Payer = Annotated[str | None, Field(description="not told where what was sent does not tell it", examples=[_ALICE])]


class X402Shape(BaseModel):
    """Members that are not known here are left alone: the protocol grows by them."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


class X402Requirements(X402Shape):
    """What a seller asks for."""

    scheme: str = Field(examples=[SCHEME])
    network: str = Network
    asset: str = Field(description="PointsToken", examples=["0xe7f1725e7734ce288f8367e1bb143e90bb3f0512"])
    amount: str = Field(description="base units of points (6 decimals) as a decimal string", examples=["2500000"])
    pay_to: str = Field(examples=[_SHOP])
    max_timeout_seconds: int = Field(strict=True, examples=[300])
    extra: dict[str, Any] = Field(default_factory=dict, description="the token's EIP-712 domain", examples=[_DOMAIN])


class X402Payload(X402Shape):
    """What a buyer sends along: an EIP-3009 authorization and its signature."""

    x402_version: int = Field(strict=True, examples=[VERSION])
    payload: dict[str, Any] = Field(examples=[_PAYLOAD])
    accepted: X402Requirements


class X402Payment(X402Shape):
    x402_version: int = Field(strict=True, examples=[VERSION])
    payment_payload: X402Payload
    payment_requirements: X402Requirements


class X402Verified(X402Shape):
    """The reason and the message are there when it is not valid."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"isValid": True, "payer": _ALICE}]})

    is_valid: bool = Field(examples=[True])
    invalid_reason: Reason = None
    invalid_message: Message = None
    payer: Payer = None


class X402Settled(X402Shape):
    """`success`: the points have moved, in a block that was read. `settlement_pending`: not known yet, settle again.

    With any other reason nothing will be moved by this request. `extra.request` is the relay request of the payment.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_SETTLED]})

    success: bool = Field(examples=[True])
    error_reason: Reason = None
    error_message: Message = None
    payer: Payer = None
    transaction: str = Field(description="its hash; empty while there is none", examples=["0x" + "5e" * 32])
    network: str = Network
    amount: Annotated[str | None, Field(description="base units that were moved", examples=["2500000"])] = None
    extra: Annotated[dict[str, str] | None, Field(examples=[{"request": _REQUEST}])] = None


class X402Kind(X402Shape):
    x402_version: int = Field(examples=[VERSION])
    scheme: str = Field(examples=[SCHEME])
    network: str = Network
    extra: dict[str, Any] = Field(
        description="for a seller's requirements: the asset, and the domain that they name in their own `extra`",
        examples=[_DOMAIN | {"asset": "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512", "decimals": 6}],
    )


class X402Supported(X402Shape):
    kinds: list[X402Kind]
    extensions: list[str] = Field(examples=[[]])
    signers: dict[str, list[str]] = Field(examples=[{}])
    read_at: ReadAt = Field(alias="read_at")
