"""Where an order stands as of a block: what was paid, refunded and issued, and which attempts are on their way."""

from __future__ import annotations

from dataclasses import dataclass

from chainpoints.api.deps import View
from chainpoints.domain.order import Asked, Paid, irregularities, status
from chainpoints.errors import RequestRefused
from chainpoints.store.history import Row, events_of_orders
from chainpoints.store.orders import OrderRow
from chainpoints.store.relay import OPEN, Request, requests_of_orders

_SETTLING = ("payment", "issue")
_MOST_REFUSED = 20
"""Refused attempts at an order, after which nothing unproved is taken for it: each is read with the order."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`refunded` in base units; `requests` in the order of acceptance; `at` is the block it is read at, `now` its
    time."""

    order: OrderRow
    payment: Row | None
    refunded: int
    issue: Row | None
    requests: list[Request]
    at: int
    now: int

    @property
    def paid(self) -> int:
        return self.payment["amount"] if self.payment else 0

    @property
    def as_ordered(self) -> bool:
        """The payment is the one that was ordered: amount, program, and payer where the order names a customer."""
        if self.payment is None:
            return False
        asked = (self.order.points, self.order.program, self.order.customer or self.payment["payer"])
        return asked == (self.payment["amount"], self.payment["program"], self.payment["payer"])

    @property
    def is_expired(self) -> bool:
        """Its price in points holds no more."""
        return self.order.expires_at is not None and self.now > self.order.expires_at

    @property
    def pending(self) -> Request | None:
        """The attempt that is on its way, or done in a block that was not read yet; one that proves nothing last."""
        pending = (each for each in self.requests if is_pending(each, self.at))
        return min(pending, key=lambda each: each.proves_nothing, default=None)

    @property
    def refused(self) -> Request | None:
        """The last attempt to settle the order, if it was refused."""
        attempts = [each for each in self.requests if each.kind in _SETTLING]
        return attempts[-1] if attempts and attempts[-1].state == "refused" else None

    def status(self) -> str:
        pending = self.pending
        return status(
            paid=self.paid,
            refunded=self.refunded,
            as_ordered=self.as_ordered,
            is_issued=self.issue is not None,
            is_pending=pending is not None and pending.kind in _SETTLING,
            is_refused=self.refused is not None,
            is_expired=self.is_expired,
        )

    def irregularities(self) -> list[str]:
        row, order = self.payment, self.order
        paid = Paid(row["amount"], row["program"], row["payer"], row["timestamp"]) if row else None
        asked = Asked(order.points, order.program, order.customer, order.expires_at)
        return irregularities(asked, paid, is_issued=self.issue is not None)

    def check_can_pay(self, *, proved: bool = True) -> None:
        """Raises RequestRefused (409) when the order is paid, issued, or about to be; 422 when it is over.

        What is not `proved` waits for anything, and is not taken after many of its kind were refused.
        """
        if self.payment and not self.as_ordered:
            detail = "somebody paid on other terms under this order's hash; make an order with a new reference"
            raise RequestRefused(409, "order-mispaid", detail)
        self._check_not_settled()
        self.check_nothing_pending(proved=proved)
        if not proved and len([each for each in self.requests if each.state == "refused"]) >= _MOST_REFUSED:
            detail = "too many payments of this order were refused; make an order with a new reference"
            raise RequestRefused(409, "order-tried-too-often", detail)
        if self.is_expired:
            until = self.order.expires_at
            detail = f"the order could be paid in points until {until}, and it is {self.now} on the chain"
            raise RequestRefused(422, "order-expired", detail, expires_at=until)

    def check_can_issue(self) -> None:
        """As `check_can_pay`, but a payment that is not as ordered is no hindrance, and one that may come is."""
        self._check_not_settled()
        self.check_nothing_pending(proved=False)

    def check_nothing_pending(self, *, proved: bool = True) -> None:
        """Raises RequestRefused (409) with the id of the attempt that is on its way.

        For what is `proved`, one that proves nothing is no hindrance: else anybody could keep an order from being paid.
        """
        pending = self.pending
        if pending and not (proved and pending.proves_nothing):
            raise attempt_pending(pending)

    def _check_not_settled(self) -> None:
        if self.payment and self.as_ordered:
            raise RequestRefused(409, "order-already-paid", "the order is paid in points")
        if self.issue:
            raise RequestRefused(409, "order-already-issued", "points were issued for the order")


def standing(view: View, order: OrderRow) -> Standing:
    return standings(view, [order])[order.id]


def standings(view: View, orders: list[OrderRow]) -> dict[str, Standing]:
    """By order id."""
    keys = [(order.merchant, order.order_hash) for order in orders]
    payments = {_key(row): row for row in events_of_orders(view.connection, "payments", keys, view.at)}
    issues = {_key(row): row for row in events_of_orders(view.connection, "issues", keys, view.at)}
    refunded: dict[tuple[int, str], int] = {}
    for row in events_of_orders(view.connection, "refunds", list(payments), view.at) if payments else ():
        refunded[_key(row)] = refunded.get(_key(row), 0) + row["amount"]
    requests = requests_of_orders(view.connection, keys)
    return {
        order.id: Standing(
            order=order,
            payment=payments.get(key),
            refunded=refunded.get(key, 0),
            issue=issues.get(key),
            requests=requests[key],
            at=view.at,
            now=view.now,
        )
        for order, key in zip(orders, keys, strict=True)
    }


def is_pending(request: Request, at: int) -> bool:
    """True while a request's end is not known as of block `at`: also when a reorg took the block it was mined in."""
    if request.state in OPEN:
        return True
    if request.state != "mined" or request.block_number is None:
        return False
    return request.block_number > at or not request.block_is_stored


def attempt_pending(request: Request) -> RequestRefused:
    detail = f"the {request.kind} {request.id} is {request.state}; wait for its end before another attempt"
    return RequestRefused(409, "attempt-pending", detail, retryable=True, request=request.id)


def _key(row: Row) -> tuple[int, str]:
    return row["merchant"], row["order_hash"]
