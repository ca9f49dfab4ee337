"""A merchant's statement: every movement booked on two sides or more, so that all accounts together are always zero.

Accounts, in base units: `sales` is the merchant's share of payments, less refunds; `nodes` what payments diverted into
customers' nodes, less refunds; `quota` the prepaid points that may still be issued; `customers` what they were issued
less what they paid; `operator` the other side of quota: minus what it credited, less what it moved into reserves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

ACCOUNTS = ("customers", "sales", "nodes", "quota", "operator")

Kind = Literal["payment", "refund", "issue", "quota"]


class Postings(NamedTuple):
    """One amount for each account; they sum to zero. Also the balances of all accounts."""

    customers: int = 0
    sales: int = 0
    nodes: int = 0
    quota: int = 0
    operator: int = 0

    def plus(self, other: Postings) -> Postings:
        return Postings(*(ours + theirs for ours, theirs in zip(self, other, strict=True)))


def payment(amount: int, diverted: int) -> Postings:
    return Postings(customers=-amount, sales=amount - diverted, nodes=diverted)


def refund(amount: int, diverted: int) -> Postings:
    """`amount` given back, of which `diverted` came out of the node."""
    return Postings(customers=amount, sales=diverted - amount, nodes=-diverted)


def issue(points: int, total: int) -> Postings:
    return Postings(customers=points + total, quota=-points - total)


def quota(amount: int) -> Postings:
    """Quota that the operator credited; minus what it issued into a reserve."""
    return Postings(quota=amount, operator=-amount)


def opening(
    *, paid: int, paid_diverted: int, refunded: int, refunded_diverted: int, issued: int, left: int
) -> Postings:
    """The balances after all that happened before: sums of payments, refunds and issues, and the quota that is left."""
    events = (payment(paid, paid_diverted), refund(refunded, refunded_diverted), issue(issued, 0), quota(left + issued))
    return total(events)


def total(postings: Iterable[Postings]) -> Postings:
    found = Postings()
    for each in postings:
        found = found.plus(each)
    return found
