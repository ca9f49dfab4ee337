"""One day of the replay: its purchases become orders first, and are paid or issued only when all of them are on record.

So the choice how an order is paid (points or money) is made once, from what the customer held when the day began, and a
replay that was killed goes on with the choices that it made. Each write has its own Idempotency-Key: done again, it is
answered as before and has no second effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainpoints.chain.manifest import Manifest
from chainpoints.chain.signatures import Payment, payment_typed_data, sign
from chainpoints.replay.client import ApiClient, ApiProblem
from chainpoints.replay.customers import Customer
from chainpoints.replay.merchants import Till
from chainpoints.replay.purchases import Purchase, day_start
from chainpoints.types import DAY_SECONDS, Hash32, format_points, parse_points

_REFUSED_AT_THE_TILL = "zero-amount"
"""How a purchase of 0.00 is refused; the report counts them. Any other refusal of an order is a fault."""

_NOTHING_TO_CLAIM_NOW = frozenset({"nothing-claimable", "attempt-pending", "request-in-flight"})
"""How a claim is refused that is not needed, or is on its way."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A purchase whose order is on record."""

    purchase: Purchase
    till: Till
    customer: Customer
    order: dict[str, Any]

    @property
    def in_points(self) -> bool:
        return self.order["points"] is not None


class Day:
    """Carries out the purchases of one day. `known` are customers who were seen on an earlier day."""

    def __init__(self, manifest: Manifest, public: ApiClient, tills: list[Till], rate: int) -> None:
        self._manifest, self._public, self._tills, self._rate = manifest, public, tills, rate
        self._resuming = True

    def order(self, purchases: list[Purchase], known: set[int]) -> list[Plan]:
        """Puts the day's orders on record. Those that an earlier replay put there are taken as they are.

        They are looked for until a day has none.
        """
        held: dict[int, int] = {}
        plans, found = [], False
        for purchase in purchases:
            till, customer = self._till_of(purchase), Customer(purchase.customer)
            order = self._existing(till, purchase) if self._resuming else None
            found |= order is not None
            if order is not None and order["points"] is not None:
                held[purchase.customer] = self._held(customer, held) - parse_points(order["points"])
            if order is None:
                in_points = self._can_pay(purchase, customer, known, held)
                order = self._create(till, purchase, customer, in_points=in_points)
            if order is not None:
                plans.append(Plan(purchase, till, customer, order))
        self._resuming = found
        return plans

    def settle(self, plans: list[Plan]) -> None:
        """Claims for customers who pay in points, then pays or issues every order."""
        claimed: set[int] = set()
        for plan in plans:
            if not plan.in_points:
                self._issue(plan)
                continue
            if plan.customer.number not in claimed:
                claimed.add(plan.customer.number)
                self._claim(plan)
            self._pay(plan)

    def _till_of(self, purchase: Purchase) -> Till:
        return self._tills[purchase.customer % len(self._tills)]

    def _existing(self, till: Till, purchase: Purchase) -> dict[str, Any] | None:
        found = till.api.get("/v1/orders", reference=purchase.reference)["items"]
        return found[0] if found else None

    def _can_pay(self, purchase: Purchase, customer: Customer, known: set[int], held: dict[int, int]) -> bool:
        """True when a customer who came back holds, or may claim, enough; `held` is kept for the day's next one."""
        if purchase.customer not in known:
            return False
        price = purchase.points(self._rate)
        left = self._held(customer, held) - price
        if price == 0 or left < 0:
            return False
        held[purchase.customer] = left
        return True

    def _held(self, customer: Customer, held: dict[int, int]) -> int:
        """What a customer may spend: asked once a day, less what was ordered in points since."""
        if customer.number not in held:
            wallet = self._public.get(f"/v1/wallets/{customer.address}")
            held[customer.number] = parse_points(wallet["balance"]) + parse_points(wallet["claimable"])
        return held[customer.number]

    def _create(self, till: Till, purchase: Purchase, customer: Customer, *, in_points: bool) -> dict[str, Any] | None:
        body: dict[str, Any] = {
            "reference": purchase.reference,
            "program": till.merchant.program,
            "customer": customer.address,
        }
        if in_points:
            body["points"] = format_points(purchase.points(self._rate))
        else:
            body["money"] = {"amount": purchase.money, "currency": "USD"}
        try:
            return till.api.post("/v1/orders", f"order-{purchase.reference}", body)
        except ApiProblem as problem:
            if problem.kind != _REFUSED_AT_THE_TILL:
                raise
            return None

    def _issue(self, plan: Plan) -> None:
        points = plan.purchase.points(self._rate)
        node_total = points * plan.till.merchant.node_percent // 100
        body: dict[str, Any] = {
            "order": plan.order["id"],
            "customer": plan.customer.address,
            "points": format_points(points - node_total),
            "evidence": f"till receipt {plan.purchase.reference}: {plan.purchase.money} USD",
        }
        if node_total:
            body |= {"node_total": format_points(node_total), "program": plan.till.merchant.program}
        plan.till.api.post("/v1/issues", f"issue-{plan.purchase.reference}", body)

    def _claim(self, plan: Plan) -> None:
        try:
            self._public.post("/v1/claims", _claim_key(plan), {"wallet": plan.customer.address})
        except ApiProblem as problem:
            if problem.kind not in _NOTHING_TO_CLAIM_NOW:
                raise

    def _pay(self, plan: Plan) -> None:
        begin = day_start(plan.purchase.day)
        payment = Payment(
            merchant=plan.till.id,
            program=plan.till.merchant.program,
            amount=parse_points(plan.order["points"]),
            payer=plan.customer.address,
            order_hash=Hash32(plan.order["order_hash"]),
        )
        valid = {"valid_after": begin - 1, "valid_before": begin + DAY_SECONDS}
        typed_data = payment_typed_data(self._manifest, payment, **valid)
        body = {
            "order": plan.order["id"],
            "payer": plan.customer.address,
            **valid,
            "signature": sign(typed_data, plan.customer.key),
        }
        self._public.post("/v1/payments", f"payment-{plan.purchase.reference}", body)


def _claim_key(plan: Plan) -> str:
    return f"claim-{plan.customer.number}-{plan.purchase.day:%Y%m%d}"
