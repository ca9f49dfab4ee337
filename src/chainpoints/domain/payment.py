"""What a payment, a refund and a node are worth: the twin of PaymentProcessor's arithmetic, in base units."""

from __future__ import annotations

from dataclasses import dataclass

BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Split:
    """A payment taken apart: `merchant + diverted` is the amount; the node's `total` is `diverted * multiplier`."""

    merchant: int
    diverted: int
    total: int


def split(amount: int, divert_bps: int, multiplier: int) -> Split:
    """Diverted is rounded down (in the merchant's favour), to the unit."""
    diverted = amount * divert_bps // BASIS_POINTS
    return Split(amount - diverted, diverted, diverted * multiplier)


def refund(paid: int, refunded: int, amount: int, divert_bps: int, multiplier: int) -> Split:
    """What a refund of `amount` takes back from the merchant, the diverted points and the node.

    It leaves what a payment of the remaining amount would have made, so refunds in any steps telescope exactly and the
    last one leaves nothing.
    """
    before = split(paid - refunded, divert_bps, multiplier)
    after = split(paid - refunded - amount, divert_bps, multiplier)
    diverted = before.diverted - after.diverted
    return Split(amount - diverted, diverted, before.total - after.total)


def period_at(timestamp: int, epoch: int, period_length: int) -> int:
    """The 0-based index of the period that `timestamp` falls in; times in seconds. Negative before the epoch."""
    return (timestamp - epoch) // period_length
