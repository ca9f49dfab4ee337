"""The EIP-712 messages that tests sign, of the twin's terms: the gateway's own, a gift by link, and all of EIP-3009."""

from __future__ import annotations

from typing import Any

from chainpoints.chain import signatures
from chainpoints.chain.manifest import Manifest
from chainpoints.types import Address, Hash32, Points
from twin import Payment

Times = tuple[int, int]
"""Valid after and before, unix seconds."""

_GIFT = [{"name": "id", "type": "uint256"}, {"name": "to", "type": "address"}]
_CANCEL = [{"name": "authorizer", "type": "address"}, {"name": "nonce", "type": "bytes32"}]


def payment(manifest: Manifest, paid: Payment, times: Times) -> dict[str, Any]:
    """What the payer signs."""
    return signatures.payment_typed_data(manifest, _terms(paid), *times)


def refund(
    manifest: Manifest, paid: Payment, start: int, amount: int, refunded: int, payout: Address, times: Times
) -> dict[str, Any]:
    """What the merchant's payout address signs; `refunded` was refunded before."""
    terms = signatures.Refund(_terms(paid), start, Points(amount), Points(refunded), payout)
    return signatures.refund_typed_data(manifest, terms, *times)


def gift(manifest: Manifest, node_id: int, to: Address) -> dict[str, Any]:
    """What the secret of a gift signs for whoever shall get the node."""
    of_nodes = signatures.claim_approval_typed_data(manifest, to, to, to, Points(0), 0, 0)
    types = {"EIP712Domain": of_nodes["types"]["EIP712Domain"], "Gift": _GIFT}
    return of_nodes | {"types": types, "primaryType": "Gift", "message": {"id": node_id, "to": to}}


def transfer(
    manifest: Manifest, kind: str, holder: Address, to: Address, value: int, times: Times, nonce: bytes
) -> dict[str, Any]:
    """EIP-3009's, of this `kind`: transfer, which anybody may send, or receive, which only the receiver may."""
    made = signatures.transfer_typed_data(manifest, holder, to, Points(value), *times, _hash(nonce))
    name, fields = f"{kind.capitalize()}WithAuthorization", made["types"][made["primaryType"]]
    return made | {"types": {"EIP712Domain": made["types"]["EIP712Domain"], name: fields}, "primaryType": name}


def cancelling(manifest: Manifest, authorizer: Address, nonce: bytes) -> dict[str, Any]:
    """EIP-3009's CancelAuthorization."""
    of_token = signatures.permit_typed_data(manifest, authorizer, authorizer, Points(0), 0, 0)
    types = {"EIP712Domain": of_token["types"]["EIP712Domain"], "CancelAuthorization": _CANCEL}
    message = {"authorizer": authorizer, "nonce": _hash(nonce)}
    return of_token | {"types": types, "primaryType": "CancelAuthorization", "message": message}


def _terms(paid: Payment) -> signatures.Payment:
    return signatures.Payment(paid.merchant, paid.program, Points(paid.amount), paid.payer, _hash(paid.order))


def _hash(value: bytes) -> Hash32:
    return Hash32("0x" + value.hex())
