"""An order's name on chain, and its status.

The status is derived from amounts and relay requests, never stored, so it cannot disagree with the money.
"""

from __future__ import annotations

from dataclasses import dataclass

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


def status(
    *,
    paid: int,
    refunded: int,
    as_ordered: bool,
    is_issued: bool,
    is_pending: bool,
    is_refused: bool,
    is_expired: bool = False,
) -> str:
    """The status of an order: amounts in base units (paid is 0 before the payment).

    `as_ordered`: the payment's amount, program and payer are the order's. Anyone can pay any amount under an order's
    hash on chain; such a payment is told as "mispaid" and never as "paid". `is_pending`: an accepted payment or issue
    of it is on its way. `is_refused`: its last attempt was refused; the order can still be paid by another one.
    `is_expired`: its price in points can be paid no more; whatever was paid before stands.
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
    if is_expired:
        return "expired"
    return "refused" if is_refused else "open"


@dataclass(frozen=True, slots=True)
class Asked:
    """What an order asks for. `points` None: nothing in points; `payer` None: anybody; `until` (unix seconds) None:
    no end."""

    points: int | None
    program: int
    payer: str | None
    until: int | None


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid under its hash, and when (unix seconds, of the block)."""

    amount: int
    program: int
    payer: str
    at: int


def irregularities(asked: Asked, paid: Paid | None, *, is_issued: bool) -> list[str]:
    """What is not as it was ordered: the merchant decides what to do, such as a refund.

    late: paid when the order was over. underpaid, overpaid: another amount. other-program, other-payer: on other terms.
    double: paid in points, and issued for a payment in money as well.
    """
    if paid is None:
        return []
    price = asked.points or 0
    found = {
        "late": asked.until is not None and paid.at > asked.until,
        "underpaid": paid.amount < price,
        "overpaid": paid.amount > price,
        "other-program": paid.program != asked.program,
        "other-payer": asked.payer not in (None, paid.payer),
        "double": is_issued,
    }
    return [name for name, holds in found.items() if holds]


def _hash(text: str) -> Hash32:
    return Hash32("0x" + keccak(text=text).hex())
