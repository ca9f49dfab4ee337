"""Requests of one kind as one contract call. Payments, issues and claims of many wallets are merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chainpoints.chain.calls import Calls
from chainpoints.errors import InvalidInput
from chainpoints.store.relay import Request
from chainpoints.types import Address

BATCH_ITEMS = 100
"""How many payments, issues or claims one transaction takes; the contracts take no more."""

BATCH_NODES = 500
"""How many nodes ReleaseNode.claim takes."""

MERGED = ("payment", "issue", "claim")


@dataclass(frozen=True, slots=True)
class Call:
    """What a transaction calls: `data` is 0x text."""

    to: Address
    data: str


def encode(calls: Calls, requests: Sequence[Request]) -> Call:
    """One call that carries out all of the requests, which are of one kind.

    Raises InvalidInput when a payload does not fit its kind.
    """
    contract, function, arguments_of = _KINDS[requests[0].kind]
    try:
        arguments = arguments_of([request.payload for request in requests])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"the payload of this request is not of its form: {error!r}") from None
    return Call(*calls.encode(contract, function, arguments))


def _payments(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    return [[_payment(payload) for payload in payloads], [_authorization(payload) for payload in payloads]]


def _refund(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    (payload,) = payloads
    return [_payment(payload), payload["start"], payload["refund_amount"], _authorization(payload)]


def _issues(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    return [[_issue(payload) for payload in payloads]]


def _issue_reserve(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    (payload,) = payloads
    terms = [payload["merchant"], _bytes(payload["order"]), payload["program"]]
    return [*terms, payload["amount"], _bytes(payload["evidence"])]


def _claims(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    return [[int(node) for payload in payloads for node in payload["nodes"]]]


def _register_merchant(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    (payload,) = payloads
    return [payload[name] for name in ("merchant", "payout", "name", "paid_per_day", "issued_per_day")]


def _add_quota(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    (payload,) = payloads
    return [payload["merchant"], payload["amount"], _bytes(payload["evidence"])]


def _transfer(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    (payload,) = payloads
    terms = [payload[name] for name in ("from", "to", "amount", "valid_after", "valid_before")]
    return [*terms, _bytes(payload["nonce"]), _bytes(payload["signature"])]


def _permit(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    (payload,) = payloads
    terms = [payload[name] for name in ("owner", "spender", "amount", "deadline")]
    return [*terms, _bytes(payload["signature"])]


def _permit_claim(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    (payload,) = payloads
    terms = [payload[name] for name in ("owner", "delegate", "to", "cap", "deadline")]
    return [*terms, _bytes(payload["signature"])]


def _take(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    (payload,) = payloads
    return [int(payload["node"]), payload["to"], _bytes(payload["signature"])]


def _take_back(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    (payload,) = payloads
    return [int(payload["node"])]


def _payment(payload: dict[str, Any]) -> tuple[Any, ...]:
    terms = (payload["merchant"], payload["program"], payload["amount"], payload["payer"])
    return *terms, _bytes(payload["order"])


def _authorization(payload: dict[str, Any]) -> tuple[Any, ...]:
    return payload["valid_after"], payload["valid_before"], _bytes(payload["signature"])


def _issue(payload: dict[str, Any]) -> tuple[Any, ...]:
    terms = tuple(payload[name] for name in ("merchant", "program", "points", "total", "customer"))
    return *terms, _bytes(payload["order"]), _bytes(payload["evidence"])


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


_KINDS: dict[str, tuple[str, str, Callable[[Sequence[dict[str, Any]]], list[Any]]]] = {
    "payment": ("PaymentProcessor", "payBatchWithAuthorization", _payments),
    "refund": ("PaymentProcessor", "refundWithAuthorization", _refund),
    "issue": ("PaymentProcessor", "issueBatch", _issues),
    "issue_reserve": ("PaymentProcessor", "issueReserve", _issue_reserve),
    "claim": ("ReleaseNode", "claim", _claims),
    "transfer": (
        "PointsToken",
        "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
        _transfer,
    ),
    "permit": ("PointsToken", "permit(address,address,uint256,uint256,bytes)", _permit),
    "permit_claim": ("ReleaseNode", "permitClaim", _permit_claim),
    "take": ("ReleaseNode", "take", _take),
    "take_back": ("ReleaseNode", "takeBack", _take_back),
    "register_merchant": ("PaymentProcessor", "register", _register_merchant),
    "add_quota": ("PaymentProcessor", "addQuota", _add_quota),
}
