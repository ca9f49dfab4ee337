"""A frozen wallet: its holder reads why, nothing is signed in vain, and once it is lifted all goes on."""

from __future__ import annotations

import pytest

from builders import private_key, signer
from chainpoints.chain.signatures import sign
from chainpoints.chain.signer import role_address
from gateway import FEC, WEEK, World

pytestmark = pytest.mark.integration

ALICE, BOB = signer("alice").address, signer("bob").address
WHY = "stolen key, reported <b>by its holder</b>"


def by_guardian(world: World, function: str, *arguments: object) -> None:
    world.act(role_address(world.deployment.settings, "guardian"), "PointsToken", function, *arguments)


def test_a_frozen_wallet_is_told_why_and_signs_nothing_in_vain(world: World) -> None:
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    order = shop.post("/v1/orders", {"reference": "web-1", "program": FEC, "points": "60"})
    payment = world.payment(order, "alice")
    offer = world.public.get(f"/v1/wallets/{ALICE}/transfer-authorization", to=BOB, amount="1")
    transfer = {"sender": ALICE, "to": BOB, "amount": "1", "signature": sign(offer["typed_data"], private_key("alice"))}
    transfer |= {name: offer[name] for name in ("valid_after", "valid_before", "nonce")}
    assert world.public.get(f"/v1/wallets/{ALICE}")["frozen"] is None

    # when: a guardian freezes it
    by_guardian(world, "freeze", ALICE, WHY)
    now = world.deployment.anvil.now()

    # it should say so, until when, by whom and why; of nobody else
    frozen = world.public.get(f"/v1/wallets/{ALICE}")["frozen"]
    guardian = role_address(world.deployment.settings, "guardian")
    assert frozen == {"until": now + WEEK, "reason": WHY, "by": guardian}
    assert world.public.get(f"/v1/wallets/{BOB}")["frozen"] is None

    # it should be refused before anything is signed, and whatever was signed before
    asked = world.public.send("GET", f"/v1/orders/{order['id']}/authorization", params={"payer": ALICE})
    paid, sent = world.public.try_post("/v1/payments", payment), world.public.try_post("/v1/transfers", transfer)
    for answer in (asked, paid, sent):
        problem = world.public.problem("wallet-frozen", 422, answer)
        assert problem["frozen_until"] == frozen["until"]
        assert problem["reason"] == WHY

    # when: it is lifted
    by_guardian(world, "unfreeze", ALICE)
    assert world.public.get(f"/v1/wallets/{ALICE}")["frozen"] is None
    world.mined(world.public.post("/v1/payments", world.payment(order, "alice")))
    assert shop.get(f"/v1/orders/{order['id']}")["status"] == "paid"


def test_a_frozen_payout_address_refunds_nothing_and_signs_nothing_in_vain(world: World) -> None:
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    order = world.pay(shop, "alice", "60", "web-1")
    path, payout = f"/v1/orders/{order['id']}/refund-authorization", signer("shop").address
    offer = shop.get(path, amount="10")
    refund = {name: offer[name] for name in ("order", "valid_after", "valid_before")} | {"amount": "10"}
    refund["signature"] = sign(offer["typed_data"], private_key("shop"))

    # when: a guardian freezes the payout address
    by_guardian(world, "freeze", payout, WHY)

    # it should be refused before anything is signed, and what was signed before
    for answer in (shop.send("GET", path, params={"amount": "10"}), shop.try_post("/v1/refunds", refund)):
        assert world.public.problem("wallet-frozen", 422, answer)["reason"] == WHY

    # when: it is lifted
    by_guardian(world, "unfreeze", payout)
    world.mined(shop.post("/v1/refunds", refund))
    assert shop.get(f"/v1/orders/{order['id']}")["status"] == "partially_refunded"


def test_a_gift_of_a_frozen_giver_is_not_taken(world: World) -> None:
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "900", "till-1")
    node = world.pay(shop, "alice", "500", "web-1")["node"]
    world.move_to(world.deployment.anvil.now() + 2 * WEEK)
    secret, expiry = signer("a link").address, world.deployment.anvil.now() + WEEK
    world.act(ALICE, "ReleaseNode", "give", int(node), secret, expiry)
    path = f"/v1/nodes/{node}"
    signature = sign(world.public.get(f"{path}/gift-authorization", to=BOB)["typed_data"], private_key("a link"))

    # when: its giver is frozen
    by_guardian(world, "freeze", ALICE, WHY)
    asked = world.public.send("GET", f"{path}/gift-authorization", params={"to": BOB})
    taken = world.public.try_post(f"{path}/take", {"to": BOB, "signature": signature})
    for answer in (asked, taken):
        assert world.public.problem("wallet-frozen", 422, answer)["reason"] == WHY

    # when: it is lifted
    by_guardian(world, "unfreeze", ALICE)
    world.mined(world.public.post(f"{path}/take", {"to": BOB, "signature": signature}))
    assert world.public.get(path)["owner"] == BOB


def test_a_freeze_ends_by_itself(world: World) -> None:
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    by_guardian(world, "freeze", ALICE, WHY)
    ends = world.public.get(f"/v1/wallets/{ALICE}")["frozen"]["until"]
    world.move_to(ends - 1)
    assert world.public.get(f"/v1/wallets/{ALICE}")["frozen"]["until"] == ends
    world.move_to(ends)
    assert world.public.get(f"/v1/wallets/{ALICE}")["frozen"] is None
    world.pay(shop, "alice", "60", "web-1")


def test_what_a_frozen_owner_lets_another_be_paid_holds_up_nothing_else(world: World) -> None:
    """Bob is paid by two nodes, Alice's and his own; the chain pays nothing of a frozen owner to others."""
    _, shop = world.merchant("shop")
    nodes = {}
    for name in ("alice", "bob"):
        world.issue(shop, name, "900", f"till-{name}")
        nodes[name] = world.pay(shop, name, "500", f"web-{name}")["node"]
    world.act(ALICE, "ReleaseNode", "setBeneficiary", int(nodes["alice"]), BOB)
    world.move_to(world.deployment.anvil.now() + 2 * WEEK)

    # when: Alice is frozen
    by_guardian(world, "freeze", ALICE, WHY)

    # it should refuse her node by its name, and pay Bob what is his own
    answer = world.public.try_post("/v1/claims", {"nodes": list(nodes.values())})
    assert world.public.problem("wallet-frozen", 422, answer)["reason"] == WHY
    world.mined(world.public.post("/v1/claims", {"wallet": BOB}))
    assert world.public.get(f"/v1/nodes/{nodes['bob']}")["claimable"] == "0.000000"
    assert world.public.get(f"/v1/nodes/{nodes['alice']}")["claimed"] == "0.000000"
