"""The EIP-712 messages that tests sign, of the twin's terms: the gateway's own, and that of a gift by link."""

from __future__ import annotations

from typing import Any

from chainpoints.chain import signatures
from chainpoints.chain.manifest import Manifest
from chainpoints.types import Address, Hash32, Points
from twin import Payment

Times = tuple[int, int]
"""Valid after and before, unix seconds."""

_GIFT = [{"name": "id", "type": "uint256"}, {"name": "to", "type": "address"}]


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


def _terms(paid: Payment) -> signatures.Payment:
    order = Hash32("0x" + paid.order.hex())
    return signatures.Payment(paid.merchant, paid.program, Points(paid.amount), paid.payer, order)
