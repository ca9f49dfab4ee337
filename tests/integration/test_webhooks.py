"""Webhooks over a real chain: signed, in order, at the finality asked for, taken back after a reorg (T33, T35)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from builders import Deployment, signer
from chainpoints.chain.signer import role_address
from chainpoints.store.session import Store
from chainpoints.types import ONE_POINT
from gateway import FEC, WEEK, Client, World, running_gateway
from webhook_receiver import Receiver, delivering, local, receiving

pytestmark = pytest.mark.integration


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def world(deployment: Deployment, store: Store) -> Iterator[World]:
    """A gateway with its deliverer."""
    near = replace(deployment, settings=local(deployment.settings))
    with running_gateway(near, store) as running, delivering(near.settings, store):
        yield running


def hook(shop: Client, merchant: int, receiver: Receiver, **wanted: Any) -> dict[str, Any]:
    """A webhook at the receiver, with its secret."""
    body = {"url": receiver.url, "finality": "head"} | wanted
    return shop.post(f"/v1/merchants/{merchant}/webhooks", body)


def messages_of(shop: Client, made: dict[str, Any]) -> list[dict[str, Any]]:
    """Oldest first."""
    path = f"/v1/merchants/{made['merchant']}/webhooks/{made['id']}/messages"
    items: list[dict[str, Any]] = shop.get(path)["items"]
    return items[::-1]


def test_what_happens_to_an_order_arrives_signed_and_numbered(world: World, receiver: Receiver) -> None:
    merchant, shop = world.merchant("shop")
    made = hook(shop, merchant, receiver, events=["payment.created", "issue.created", "request.refused"])
    world.issue(shop, "alice", "100", "till-1")
    order = world.pay(shop, "alice", "60", "web-1")
    issue, payment = receiver.wait_for("issue.created", "payment.created")
    assert issue.verified_by(made["secret"]) == issue.message
    assert issue.headers["content-type"] == "application/json"
    assert (issue.data["reference"], issue.data["points"], issue.data["sequence"]) == ("till-1", "100.000000", 1)
    told = payment.verified_by(made["secret"])["data"]
    assert told["order"] == order["id"]
    assert told["reference"] == "web-1"
    assert (told["amount"], told["merchant_share"], told["diverted"]) == ("60.000000", "54.000000", "6.000000")
    assert told["payer"] == signer("alice").address
    block = world.deployment.rpc.call("eth_getBlockByNumber", hex(told["block"]), False)
    assert (told["block_hash"], told["finality"], told["sequence"]) == (block["hash"], "head", 1)
    with pytest.raises(WebhookVerificationError):
        payment.verified_by("whsec_" + "00" * 32)
    sent = messages_of(shop, made)
    assert [each["id"] for each in sent] == [issue.id, payment.id]
    receiver.wait_until(lambda _: {each["state"] for each in messages_of(shop, made)} == {"delivered"})
    (attempt,) = messages_of(shop, made)[1]["attempts"]
    assert (attempt["status"], attempt["answer"], attempt["error"]) == (200, "thank you", None)


def test_a_refused_request_is_told_with_its_reason(world: World, receiver: Receiver) -> None:
    merchant, shop = world.merchant("shop")
    made = hook(shop, merchant, receiver, events=["request.refused"])
    world.issue(shop, "alice", "100", "till-1")
    order = shop.post("/v1/orders", {"reference": "web-1", "program": FEC, "points": "10"})
    forged = world.payment(order, "alice") | {"signature": "0x" + "11" * 65, "contract_wallet": True}
    ended = world.ended(world.public.post("/v1/payments", forged))
    (told,) = receiver.wait_for("request.refused")
    assert told.verified_by(made["secret"])
    assert (told.data["request"], told.data["kind"], told.data["order"]) == (ended["id"], "payment", order["id"])
    assert told.data["refusal"] == ended["refusal"]
    assert told.data["sequence"] == 1


def test_nodes_and_claims_are_told_to_the_merchant_that_made_them(world: World, receiver: Receiver) -> None:
    merchant, shop = world.merchant("shop")
    other, elsewhere = world.merchant("other shop")
    with receiving() as another:
        hook(shop, merchant, receiver)
        hook(elsewhere, other, another)
        world.issue(shop, "alice", "100", "till-1")
        paid = world.pay(shop, "alice", "60", "web-1")
        world.move_to(world.deployment.anvil.now() + 3 * WEEK)
        world.mined(world.public.post("/v1/claims", {"nodes": [paid["node"]]}))
        found = receiver.wait_for("issue.created", "payment.created", "node.created", "claim.created")
        node = [each.data for each in found if each.type.startswith(("node", "claim"))]
        assert [each["node"] for each in node] == [paid["node"]] * 2
        assert [each["sequence"] for each in node] == [1, 2]
        world.pay(elsewhere, "alice", "10", "web-2")
        another.wait_for("payment.created", "node.created")
        assert {each.data["merchant"] for each in another.received} == {other}


def test_a_reorg_takes_back_what_was_told_and_tells_it_again_when_it_is_mined_again(
    world: World, receiver: Receiver
) -> None:
    merchant, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    made = hook(shop, merchant, receiver, events=["payment.created"])
    world.pay(shop, "alice", "60", "web-1")
    (first,) = receiver.wait_for("payment.created")
    world.deployment.anvil.reorg(1)  # the relayer sends the payment again
    _, back, again = receiver.wait_for("payment.created", "payment.reversed", "payment.created")
    assert (back.type, again.type) == ("payment.reversed", "payment.created")
    assert (back.data["reverses"], back.data["reverses_type"]) == (first.id, "payment.created")
    assert back.data["block_hash"] == first.data["block_hash"]
    assert again.data["block_hash"] != first.data["block_hash"]
    assert again.id != first.id
    assert [each.data["sequence"] for each in (first, back, again)] == [1, 2, 3]
    assert all(each.verified_by(made["secret"]) for each in receiver.received)


def test_a_reorg_takes_back_every_kind_of_event(world: World, receiver: Receiver) -> None:
    """Those of nodes and of the merchant itself too, which no relayer would send again."""
    merchant, shop = world.merchant("shop")
    hook(shop, merchant, receiver)
    before = world.deployment.anvil.head()
    world.issue(shop, "alice", "100", "till-1")
    paid = world.pay(shop, "alice", "60", "web-1")
    world.mined(shop.post("/v1/refunds", world.refund(shop, paid["id"], "10", payout="shop")))
    world.move_to(world.deployment.anvil.now() + 3 * WEEK)
    world.mined(world.public.post("/v1/claims", {"nodes": [paid["node"]]}))
    alice, bob, node = signer("alice").address, signer("bob").address, int(paid["node"])
    world.act(alice, "ReleaseNode", "split", node, [20 * ONE_POINT])
    nodes = world.public.get(f"/v1/wallets/{alice}/nodes")["items"]
    (piece,) = (int(each["id"]) for each in nodes if each["id"] != paid["node"])
    world.act(alice, "ReleaseNode", "merge", node, [piece])
    world.act(alice, "ReleaseNode", "transferFrom", alice, bob, node)
    limits_set(world, merchant)
    told = receiver.wait_for(
        "issue.created", "payment.created", "node.created", "refund.created", "claim.created", "node.created",
        "node.ended", "node.transferred", "merchant.limits_changed",
    )  # fmt: skip
    world.deployment.anvil.reorg(world.deployment.anvil.head() - before)
    got = receiver.wait_until(lambda got: {each.id for each in told} <= {each.data.get("reverses") for each in got})
    back = {each.data["reverses"]: each for each in got if "reverses" in each.data}
    for each in told:
        taken = back[each.id]
        assert taken.type == f"{each.type.partition('.')[0]}.reversed"
        assert taken.data["reverses_type"] == each.type
        same = each.data.keys() - {"sequence"}
        assert {name: taken.data[name] for name in same} == {name: each.data[name] for name in same}
    of_the_node = [each.data for each in got if each.data.get("node") == paid["node"] and "order" not in each.data]
    assert [each["sequence"] for each in of_the_node[:6]] == [1, 2, 3, 4, 5, 6]
    created, claimed, transferred = (each.id for each in got if each.data in of_the_node[:3])
    assert [each["reverses"] for each in of_the_node[3:6]] == [transferred, claimed, created], "the newest goes first"


def test_at_safe_and_final_nothing_is_told_before(world: World, receiver: Receiver) -> None:
    merchant, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    with receiving() as patient:
        hook(shop, merchant, receiver, finality="safe", events=["payment.created"])
        hook(shop, merchant, patient, finality="final", events=["payment.created"])
        world.pay(shop, "alice", "60", "web-1")
        world.deployment.anvil.mine(31)
        world.read_all()
        assert (receiver.received, patient.received) == ([], [])
        world.deployment.anvil.mine(1)
        (told,) = receiver.wait_for("payment.created")
        assert told.data["finality"] == "safe"
        world.deployment.anvil.mine(31)
        world.read_all()
        assert patient.received == []
        world.deployment.anvil.mine(1)
        (told,) = patient.wait_for("payment.created")
        assert told.data["finality"] == "final"


def test_another_finality_tells_nothing_twice_and_leaves_nothing_out(world: World, receiver: Receiver) -> None:
    merchant, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    made = hook(shop, merchant, receiver, events=["payment.created"])
    path = f"/v1/merchants/{merchant}/webhooks/{made['id']}"
    world.pay(shop, "alice", "10", "web-1")
    receiver.wait_for("payment.created")
    shop.patch(path, {"finality": "final"})
    world.pay(shop, "alice", "11", "web-2")
    world.deployment.anvil.reorg(2)  # both are mined again: the first is taken back, and told when it is final
    world.read_all()
    receiver.wait_until(lambda got: [each.type for each in got] == ["payment.created", "payment.reversed"])
    while len(world.public.get("/v1/payments")["items"]) < 2:
        time.sleep(0.02)
    world.deployment.anvil.mine(70)
    got = receiver.wait_until(lambda got: len(got) >= 4)
    assert sorted(each.data["reference"] for each in got[2:]) == ["web-1", "web-2"]
    shop.patch(path, {"finality": "head"})
    world.pay(shop, "alice", "12", "web-3")
    receiver.wait_until(lambda got: got[-1].data["reference"] == "web-3")
    assert len(receiver.received) == 5


def test_what_happened_while_it_was_switched_off_is_told_afterwards(world: World, receiver: Receiver) -> None:
    merchant, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    made = hook(shop, merchant, receiver, events=["payment.created"])
    path = f"/v1/merchants/{merchant}/webhooks/{made['id']}"
    assert shop.patch(path, {"active": False})["active"] is False
    world.pay(shop, "alice", "10", "web-1")
    answer = shop.try_post(f"{path}/test", {})
    shop.problem("webhook-inactive", 409, answer)
    assert receiver.received == []
    assert shop.patch(path, {"active": True})["active"] is True
    receiver.wait_for("payment.created")


def test_new_limits_are_told(world: World, receiver: Receiver) -> None:
    merchant, shop = world.merchant("shop")
    made = hook(shop, merchant, receiver, events=["merchant.limits_changed"])
    world.mined(world.operator.post(f"/v1/merchants/{merchant}/quota", {"amount": "7", "evidence": "another receipt"}))
    limits_set(world, merchant)
    (told,) = receiver.wait_for("merchant.limits_changed")
    assert told.verified_by(made["secret"])
    assert (told.data["paid_per_day"], told.data["issued_per_day"]) == ("1000.000000", "2000.000000")


def limits_set(world: World, merchant: int) -> None:
    """By the registrar's own transaction: the API has no route for it."""
    registrar = role_address(world.deployment.settings, "registrar")
    world.act(registrar, "PaymentProcessor", "setLimits", merchant, 1_000 * ONE_POINT, 2_000 * ONE_POINT)
