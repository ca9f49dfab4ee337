"""A payer takes back on chain what it signed: nothing of it counts any more, and what it signs from then on does."""

from __future__ import annotations

import pytest

from builders import private_key, signer
from chainpoints.chain.signatures import Payment, payment_typed_data, sign
from chainpoints.store.relay import add_request
from chainpoints.types import ONE_POINT, Hash32, Points
from gateway import FEC, World

pytestmark = pytest.mark.integration

ALICE = signer("alice").address


def cancel(world: World) -> int:
    """Alice takes back what she signed; the time of that."""
    world.act(ALICE, "PointsToken", "cancelPayments")
    return world.deployment.anvil.now()


def test_what_was_signed_before_is_refused_and_what_is_signed_after_is_paid(world: World) -> None:
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    made = shop.post("/v1/orders", {"reference": "web-1", "program": FEC, "points": "60"})
    signed = world.payment(made, "alice")
    assert signed["valid_after"] == world.deployment.anvil.now() - 1

    # when: she takes it back
    at = cancel(world)

    # it should be refused by the gateway at once, at whatever time it is said to begin
    for valid_after in (0, signed["valid_after"]):
        answer = world.public.try_post("/v1/payments", signed | {"valid_after": valid_after})
        assert world.public.problem("authorization-cancelled", 422, answer)["cancelled_at"] == at

    # it should be taken when it is signed anew, at the very block of the cancelling
    anew = world.payment(made, "alice")
    assert anew["valid_after"] == at - 1
    world.mined(world.public.post("/v1/payments", anew))
    assert shop.get(f"/v1/orders/{made['id']}")["status"] == "paid"


def test_the_chain_refuses_what_the_gateway_had_accepted_before(world: World) -> None:
    """The cancelling overtakes a payment that waits: the chain says so, and others are not held up."""
    number, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    made = shop.post("/v1/orders", {"reference": "web-1", "program": FEC, "points": "60"})
    before = world.deployment.anvil.now()
    at = cancel(world)
    terms = Payment(number, FEC, Points(60 * ONE_POINT), ALICE, Hash32(made["order_hash"]))
    signed = payment_typed_data(world.deployment.manifest, terms, before - 1, at + 10**6)
    payload = {"merchant": number, "program": FEC, "amount": terms.amount, "payer": ALICE, "order": terms.order_hash}
    payload |= {"valid_after": before - 1, "valid_before": at + 10**6, "signature": sign(signed, private_key("alice"))}
    with world.store.write() as connection:
        request = add_request(
            connection,
            kind="payment",
            lane="relayer",
            payload=payload,
            not_before=before,
            merchant=number,
            order_hash=terms.order_hash,
            wallet=ALICE,
        )
    ended = world.ended({"id": request.id})
    assert ended["state"] == "refused"
    assert ended["refusal"]["name"] == "PointsToken_PaymentsCancelled"
    assert "sign it anew" in ended["refusal"]["sentence"]
    world.mined(world.public.post("/v1/payments", world.payment(made, "alice")))
