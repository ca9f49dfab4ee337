"""x402's scheme `exact` for points: what a payment has to be, and the protocol's own words for what it is not.

A payment is an EIP-3009 authorization over just what the seller asks for. All that the chain would check of it is
checked here first, but for two things that only the chain knows: whether another message, or anybody past this gateway,
used the nonce, and what a contract says of a signature (so contract wallets are refused).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chainpoints.api.deps import View
from chainpoints.api.proofs import check_balance, check_not_frozen, check_signature, check_time, id_of, wallet_action_id
from chainpoints.api.schemas.x402 import SCHEME, VERSION, X402Payment, X402Requirements
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.signatures import DOMAIN_VERSION, TOKEN_NAME, transfer_typed_data
from chainpoints.errors import InvalidInput, RequestRefused
from chainpoints.store.relay import Request, known_request
from chainpoints.types import Address, Hash32, Points, parse_hash, parse_wallet

USED = "invalid_exact_evm_nonce_already_used"
PENDING = "settlement_pending"
FAILED = "transaction_failed"
_SIGNATURE = "invalid_exact_evm_payload_signature"
_BALANCE = "invalid_exact_evm_insufficient_balance"
_TOO_EARLY = "invalid_exact_evm_payload_authorization_valid_after"
_TOO_LATE = "invalid_exact_evm_payload_authorization_valid_before"

_OF_PROBLEM = {"wrong-signature": _SIGNATURE, "insufficient-points": _BALANCE, "wallet-frozen": FAILED}
_OF_REVERT = {
    "ERC3009UsedAuthorization": USED,
    "ERC3009InvalidSignature": _SIGNATURE,
    "PointsToken_InvalidSignature": _SIGNATURE,
    "ERC3009InvalidAuthorizationTime": _TOO_LATE,
    "ERC20InsufficientBalance": _BALANCE,
}
_Uint256 = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,77})$")]


class _Authorization(BaseModel):
    sender: str = Field(alias="from")
    to: str
    value: _Uint256
    valid_after: _Uint256 = Field(alias="validAfter")
    valid_before: _Uint256 = Field(alias="validBefore")
    nonce: str


class _Signed(BaseModel):
    model_config = ConfigDict(str_max_length=4_096)

    authorization: _Authorization
    signature: str


@dataclass(frozen=True, slots=True)
class Why:
    """Why a payment is none: the protocol's reason, and the same in words."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """A payment that is what the seller asks for, as far as it can be told without the chain.

    `id` is of the message that was signed: the same authorization is the same relay request, whoever brings it.
    """

    sender: Address
    to: Address
    amount: Points
    valid_after: int
    valid_before: int
    nonce: Hash32
    signature: str
    id: str

    def payload(self) -> dict[str, Any]:
        """As the relayer takes it."""
        return {
            "from": self.sender,
            "to": self.to,
            "amount": self.amount,
            "valid_after": self.valid_after,
            "valid_before": self.valid_before,
            "nonce": self.nonce,
            "signature": self.signature,
            "contract_wallet": False,
        }


def network(manifest: Manifest) -> str:
    return f"eip155:{manifest.chain_id}"


def payer_of(asked: X402Payment) -> Address | None:
    """Who is said to pay; None where what was sent does not tell."""
    try:
        return parse_wallet(_Signed.model_validate(asked.payment_payload.payload).authorization.sender)
    except (ValidationError, InvalidInput):
        return None


def transfer_of(manifest: Manifest, asked: X402Payment) -> Transfer | Why:
    """The payment, or why it is not one of what is asked for, or not signed by who pays."""
    if why := _against_terms(manifest, asked):
        return why
    try:
        signed = _Signed.model_validate(asked.payment_payload.payload)
        terms = signed.authorization
        sender, to, nonce = parse_wallet(terms.sender), parse_wallet(terms.to), parse_hash(terms.nonce)
    except (ValidationError, InvalidInput):
        return Why("invalid_payload", "the payload is no EIP-3009 authorization with its signature")
    wanted = asked.payment_requirements
    if to != wanted.pay_to.lower():
        return Why("invalid_exact_evm_payload_recipient_mismatch", "the authorization pays somebody else than payTo")
    if terms.value != wanted.amount or terms.value == "0":
        reason = "invalid_exact_evm_payload_authorization_value_mismatch"
        return Why(reason, "the authorization is over another amount than is asked for, or over nothing")
    amount, times = Points(int(terms.value)), (int(terms.valid_after), int(terms.valid_before))
    try:
        typed_data = transfer_typed_data(manifest, sender, to, amount, *times, nonce)
        check_signature(typed_data, signed.signature, sender)
    except InvalidInput:
        return Why("invalid_payload", "a number of the authorization is no uint256")
    except RequestRefused as refused:
        return why_of(refused)
    return Transfer(sender, to, amount, *times, nonce, signed.signature, id_of(typed_data))


def _against_terms(manifest: Manifest, asked: X402Payment) -> Why | None:
    wanted, taken = asked.payment_requirements, asked.payment_payload.accepted
    if {asked.x402_version, asked.payment_payload.x402_version} != {VERSION}:
        return Why("invalid_x402_version", f"this facilitator speaks version {VERSION}")
    if {wanted.scheme, taken.scheme} != {SCHEME} or wanted.extra.get("assetTransferMethod", "eip3009") != "eip3009":
        return Why("unsupported_scheme", "points are paid by the scheme exact, by EIP-3009 authorization")
    if {wanted.network, taken.network} != {network(manifest)}:
        return Why("network_mismatch", f"these points are on {network(manifest)}")
    token = manifest.address("PointsToken").lower()
    if wanted.asset.lower() != token or _terms(taken) != _terms(wanted):
        return Why("invalid_payment_requirements", f"the asset is not {token}, or the buyer took other terms")
    if not wanted.extra.keys() >= {"name", "version"}:
        return Why("missing_eip712_domain", f'extra has to name "{TOKEN_NAME}" and version "{DOMAIN_VERSION}"')
    if wanted.extra["name"] != TOKEN_NAME:
        return Why("invalid_exact_evm_token_name_mismatch", f'the name in extra has to be "{TOKEN_NAME}"')
    if wanted.extra["version"] != DOMAIN_VERSION:
        return Why("invalid_exact_evm_token_version_mismatch", f'the version in extra has to be "{DOMAIN_VERSION}"')
    return None


def _terms(requirements: X402Requirements) -> tuple[str, str, str]:
    return requirements.asset.lower(), requirements.pay_to.lower(), requirements.amount


def against(view: View, transfer: Transfer) -> Why | None:
    """Why the chain would not carry out a payment that was not accepted yet."""
    try:
        check_time(view, transfer.valid_after, transfer.valid_before)
    except RequestRefused as refused:
        return Why(_TOO_LATE if transfer.valid_before <= view.now else _TOO_EARLY, refused.detail)
    other = known_request(view.connection, wallet_action_id(transfer.id))
    if other is not None and other.state != "refused":
        return Why(USED, f"the relay request {other.id} has used the nonce")
    try:
        check_not_frozen(view, transfer.sender)
        check_balance(view, transfer.sender, transfer.amount)
    except RequestRefused as refused:
        return why_of(refused)
    return None


def why_of(refused: RequestRefused) -> Why:
    """What the API refuses, in the protocol's words where it has any."""
    return Why(_OF_PROBLEM.get(refused.kind, refused.kind), refused.detail)


def why_not_carried_out(request: Request) -> Why:
    """Of a refused request: what the chain said."""
    refusal = request.refusal or {}
    return Why(_OF_REVERT.get(str(refusal.get("name")), FAILED), str(refusal.get("sentence", "the chain refused it")))
