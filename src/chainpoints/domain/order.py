"""An order's name on chain, and its status.

The status is derived from amounts and relay requests, never stored, so it cannot disagree with the money.
"""

from __future__ import annotations

from eth_utils.crypto import keccak

from chainpoints.types import Hash32


def order_hash(order_id: str, reference: str) -> Hash32:
    """The order on chain: keccak256 of the text `<order id>:<reference>`.

    The id is random, so nobody pays under the hash who was not shown it; the reference makes it the merchant's own.
    """
    return _hash(f"{order_id}:{reference}")


def reserve_hash(reference: str) -> Hash32:
    """The order of a reserve that is issued: by its reference alone, so that the chain refuses it a second time.

    Only the operator issues reserves, so nobody else can use up the hash. No order has it: their ids begin with `ord_`.
    """
    return _hash(f"reserve:{reference}")


def status(*, paid: int, refunded: int, as_ordered: bool, is_issued: bool, is_pending: bool, is_refused: bool) -> str:
    """The status of an order: amounts in base units (paid is 0 before the payment).

    `as_ordered`: the payment's amount, program and payer are the order's. Anyone can pay any amount under an order's
    hash on chain; such a payment is told as "mispaid" and never as "paid". `is_pending`: an accepted payment or issue
    of it is on its way. `is_refused`: its last attempt was refused; the order can still be paid by another one.
    """
    if paid and as_ordered:
        if refunded == 0:
            return "paid"
        return "refunded" if refunded == paid else "partially_refunded"
    if is_issued:
        return "issued"
    if paid:
        return "mispaid"
    if is_pending:
        return "pending"
    return "refused" if is_refused else "open"


def _hash(text: str) -> Hash32:
    return Hash32("0x" + keccak(text=text).hex())
