"""What node and point holders sign or send themselves."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from chainpoints.api.schemas.base import (
    Address,
    Amount,
    AmountIn,
    Hash,
    NodeIdText,
    ReadAt,
    Shape,
    Signature,
    ValidAfter,
    ValidBefore,
)

_TYPED_DATA_EXAMPLE = {
    "types": {"EIP712Domain": [{"name": "name", "type": "string"}], "Gift": [{"name": "id", "type": "uint256"}]},
    "primaryType": "Gift",
    "domain": {"name": "chainpoints release node"},
    "message": {"id": "26959946667150639794667015087019630673637144422540572481103610249216"},
}

TypedData = Field(description="for eth_signTypedData_v4; integers are decimal text", examples=[_TYPED_DATA_EXAMPLE])
Deadline = Field(ge=0, lt=1 << 40, description="unix seconds, inclusive", examples=[852163200])
Nonce = Field(ge=0, lt=1 << 63, description="the contract's `nonces(owner)`: 0 for the first", examples=[0])
ContractWallet = Field(False, strict=True, description="the signer is a contract (ERC-1271)")


class WalletCallAnswer(Shape):
    """A transaction for the wallet to send itself: eth_sendTransaction takes it as it is."""

    read_at: ReadAt
    sender: Address = Field(description="who has to send it; the transaction's `from`")
    to: Address
    data: str = Field(pattern=r"^0x[0-9a-f]*$", examples=["0x62355638"])
    gas: int = Field(description="a limit with room to spare", examples=[160000])
    value: str = Field(examples=["0x0"])


class SignatureAsked(Shape):
    """What to sign, and (for POST) what to send along with the signature."""

    read_at: ReadAt
    signer: Address | None = Field(description="null: the one-time key of the gift's link")
    typed_data: dict[str, Any] = TypedData


class TransferQuery(Shape):
    to: Address
    amount: AmountIn
    valid_for: int = Field(86_400, ge=60, le=2_592_000, description="seconds from the head block's time")


class TransferAsked(SignatureAsked):
    to: Address
    amount: Amount
    valid_after: ValidAfter
    valid_before: ValidBefore
    nonce: Hash = Field(description="random; the token takes it once")


class NewTransfer(Shape):
    """The typed data of GET /v1/wallets/{address}/transfer-authorization (EIP-3009), signed by `sender`."""

    sender: Address
    to: Address
    amount: AmountIn
    valid_after: ValidAfter
    valid_before: ValidBefore
    nonce: Hash
    signature: Signature
    contract_wallet: bool = ContractWallet


class PermitQuery(Shape):
    spender: Address
    amount: AmountIn
    deadline: int = Deadline
    nonce: int = Nonce


class NewPermit(PermitQuery):
    """The typed data of GET /v1/wallets/{address}/permit-authorization (EIP-2612), signed by `owner`."""

    owner: Address
    signature: Signature
    contract_wallet: bool = ContractWallet


class ClaimApprovalTerms(Shape):
    """`delegate` may claim `cap` points in all of the owner's nodes, to `to` alone. A cap of 0 ends the approval."""

    delegate: Address
    to: Address
    cap: AmountIn
    deadline: int = Deadline


class ClaimApprovalQuery(ClaimApprovalTerms):
    nonce: int = Nonce


class NewClaimApproval(ClaimApprovalQuery):
    """The typed data of GET /v1/wallets/{address}/claim-approval-authorization, signed by `owner`."""

    owner: Address
    signature: Signature
    contract_wallet: bool = ContractWallet


class GiftQuery(Shape):
    to: Address = Field(description="who gets the node")


class NewTake(Shape):
    """The typed data of GET /v1/nodes/{id}/gift-authorization, signed by the one-time key that came with the link."""

    to: Address = Field(description="who gets the node")
    signature: Signature


class NewTakeBack(Shape):
    """A gift whose time is over goes back to its giver, whoever asks."""


class SplitQuery(Shape):
    totals: list[AmountIn] = Field(min_length=1, max_length=100, description="what each piece holds, in points")


class MergeQuery(Shape):
    nodes: list[NodeIdText] = Field(min_length=1, max_length=100, description="end, and become part of this node")


class GiveQuery(Shape):
    secret: Address = Field(description="the address of a one-time key that was made for the link")
    expiry: int = Deadline


class BeneficiaryQuery(Shape):
    beneficiary: Address = Field(description="who is paid from now on; the owner or the zero address ends it")


class ReceiverQuery(Shape):
    to: Address


class ClaimToQuery(Shape):
    nodes: list[NodeIdText] = Field(min_length=1, max_length=500)
    to: Address


class PointsQuery(Shape):
    to: Address
    amount: AmountIn
