"""Those who use the gateway while it is in trouble: each repeats a call, with its Idempotency-Key, until it is answered
for good."""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from builders import private_key, signer
from chainpoints.chain.signatures import sign
from gateway import DAY, FEC, INSTALMENTS, Client, World

PAYERS, SAVERS = 4, 5
PATIENCE_SECONDS = 120.0
"""While processes are killed every second, and start in several."""

PAID, REFUNDED, ISSUED = "5", "2", "3"
"""Points of each order, of each refund of a part of one, and of each issue for an order that was paid in money."""

_FOR_GOOD = ("/problems/authorization-not-valid-now", "/problems/order-not-paid")
"""The chain's time has stepped back since the message was made: a wallet asks for it, and signs, again. Or the payment
has not been read from the chain, or a reorg has taken it back."""
_AGAIN = (409, 429, 502, 503)


@dataclass
class People:
    """A shop, those who pay it, and savers whose nodes have released something. The lists are what they did: ids of
    orders by what became of them, names of savers who claimed."""

    http: httpx.Client
    shop: Client
    paid: list[str] = field(default_factory=list)
    refunded: list[str] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)

    @classmethod
    def beginning(cls, world: World) -> tuple[People, int]:
        """What is there before the trouble: points to pay with, nodes to claim from. Gives the shop's number too."""
        number, shop = world.merchant("shop", quota="100000")
        for payer in range(PAYERS):
            world.issue(shop, f"payer {payer}", "900", f"gift-{payer}")
        reserve = {"program": INSTALMENTS, "amount": "1000", "reference": "reserve", "evidence": "paid in"}
        world.mined(world.operator.post(f"/v1/merchants/{number}/reserve", reserve))
        people = cls(world.public.http, shop)
        for saver in range(SAVERS):
            order = shop.post("/v1/orders", _in_money(f"saving-{saver}"))
            body = _issue(order["id"], f"saver {saver}", "0") | {"node_total": "60", "program": INSTALMENTS}
            world.mined(shop.post("/v1/issues", body))
        soon_after_a_midnight = (world.deployment.anvil.now() // DAY + 3) * DAY + 60  # so that no release is near
        world.move_to(soon_after_a_midnight)
        return people, number

    def go_on(self) -> None:
        """One more payment; now and then an issue, a refund of an earlier payment, a claim."""
        index = len(self.paid)
        self.paid.append(self._pay(index))
        if index % 5 == 1:
            self.issued.append(self._issue(index))
        if index % 5 == 3:
            self._refund(self.paid[len(self.refunded)])
        if index % 8 == 5 and len(self.claimed) < SAVERS:
            self.claimed.append(self._claim(len(self.claimed)))

    def _pay(self, index: int) -> str:
        payer = f"payer {index % PAYERS}"
        order = self._insist("POST", "/v1/orders", {"reference": f"order-{index}", "program": FEC, "points": PAID})
        while True:
            offer = self._insist("GET", f"/v1/orders/{order['id']}/authorization?payer={signer(payer).address}")
            if "type" not in self._insist("POST", "/v1/payments", World.signed(order["id"], payer, offer)):
                return str(order["id"])

    def _issue(self, index: int) -> str:
        order = self._insist("POST", "/v1/orders", _in_money(f"till-{index}"))
        self._insist("POST", "/v1/issues", _issue(order["id"], f"payer {index % PAYERS}", ISSUED))
        return str(order["id"])

    def _refund(self, order: str) -> None:
        """Unless it is not paid yet, or not any more: then it is tried at another time. The first is waited for."""
        path, give_up_at = (
            f"/v1/orders/{order}/refund-authorization?amount={REFUNDED}",
            time.monotonic() + PATIENCE_SECONDS,
        )
        while "type" in (offer := self._insist("GET", path)):
            if self.refunded or time.monotonic() > give_up_at:
                return
            time.sleep(0.1)
        body = {name: offer[name] for name in ("order", "valid_after", "valid_before")} | {"amount": REFUNDED}
        signature = sign(offer["typed_data"], private_key("shop"))
        if "type" not in self._insist("POST", "/v1/refunds", body | {"signature": signature}):
            self.refunded.append(order)

    def _claim(self, saver: int) -> str:
        self._insist("POST", "/v1/claims", {"wallet": signer(f"saver {saver}").address})
        return f"saver {saver}"

    def _insist(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer; it has a type when it is one of those refusals that are to be expected."""
        headers = {"idempotency-key": str(uuid.uuid4()), "authorization": f"Bearer {self.shop.key}"}
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            with suppress(httpx.TransportError):
                answer = self.http.request(method, path, json=body, headers=headers)
                found: dict[str, Any] = answer.json()
                if answer.status_code < 400 or found["type"] in _FOR_GOOD:
                    return found
                assert answer.status_code in _AGAIN, f"{method} {path}: {answer.text}"
            assert time.monotonic() < give_up_at, f"{method} {path} was not answered for {PATIENCE_SECONDS:.0f} s"
            time.sleep(0.1)


def _in_money(reference: str) -> dict[str, Any]:
    return {"reference": reference, "program": FEC, "money": {"amount": "10.00", "currency": "USD"}}


def _issue(order: str, customer: str, points: str) -> dict[str, Any]:
    return {"order": order, "customer": signer(customer).address, "points": points, "evidence": f"receipt of {order}"}
