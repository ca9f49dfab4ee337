"""An order's hash on chain cannot be guessed from its reference, and whoever has the order can compute it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from eth_utils.crypto import keccak

from builders import signer
from chainpoints.chain.calls import Calls
from chainpoints.types import ONE_POINT, Address
from gateway import FEC, INSTALMENTS, Api, World

pytestmark = pytest.mark.integration


def hash_of(text: str) -> str:
    return "0x" + keccak(text=text).hex()


def pay_on_chain(world: World, payer: Address, merchant: int, order: str) -> None:
    """One point, straight to the contract, without the gateway."""
    rpc, calls = world.deployment.anvil.rpc, Calls(world.deployment.manifest, world.deployment.artifacts)
    rpc.call("anvil_impersonateAccount", payer)
    rpc.call("anvil_setBalance", payer, hex(10**20))
    terms = (merchant, FEC, ONE_POINT, payer, bytes.fromhex(order[2:]))
    to, data = calls.encode("PaymentProcessor", "pay", [terms])
    transaction = rpc.call("eth_sendTransaction", {"from": payer, "to": to, "data": data, "gas": hex(1_000_000)})
    world.deployment.anvil.mine()
    assert rpc.call("eth_getTransactionReceipt", transaction)["status"] == "0x1"
    world.read_all()


def test_a_guessed_reference_does_not_spoil_an_order(world: World) -> None:
    number, shop = world.merchant("shop")
    for person in ("alice", "squatter"):
        world.issue(shop, person, "100", f"till-{person}")
    squatter = signer("squatter").address
    order = shop.post("/v1/orders", {"reference": "1001", "program": FEC, "points": "50"})
    assert order["order_hash"] == hash_of(f"{order['id']}:1001")
    for guess in ("1001", "1002", ":1001"):
        pay_on_chain(world, squatter, number, hash_of(guess))
    assert shop.get(f"/v1/orders/{order['id']}")["status"] == "open"
    assert shop.get(f"/v1/orders/{world.pay(shop, 'alice', '1', '1002')['id']}")["status"] == "paid"
    world.mined(world.public.post("/v1/payments", world.payment(order, "alice")))
    assert shop.get(f"/v1/orders/{order['id']}")["status"] == "paid"


def test_who_was_shown_the_hash_can_still_pay_on_other_terms(world: World) -> None:
    number, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-alice")
    order = shop.post("/v1/orders", {"reference": "1001", "program": FEC, "points": "50"})
    signed = world.payment(order, "alice")
    pay_on_chain(world, signer("alice").address, number, order["order_hash"])
    assert shop.get(f"/v1/orders/{order['id']}")["status"] == "mispaid"
    world.public.problem("order-mispaid", 409, world.public.try_post("/v1/payments", signed))


def test_a_reference_is_one_order_and_one_reserve_of_a_merchant(world: World) -> None:
    number, shop = world.merchant("shop")
    order = shop.post("/v1/orders", {"reference": "r", "program": FEC, "points": "5"})
    again = shop.try_post("/v1/orders", {"reference": "r", "program": FEC, "points": "6"})
    assert shop.problem("order-exists", 409, again)["order"] == order["id"]
    reserve = {"program": INSTALMENTS, "amount": "5", "reference": "r", "evidence": "paid in"}
    path = f"/v1/merchants/{number}/reserve"
    made = world.mined(world.operator.post(path, reserve))
    assert made["order_hash"] == hash_of("reserve:r")
    world.operator.problem("order-already-issued", 409, world.operator.try_post(path, reserve))
    assert shop.get(f"/v1/orders/{order['id']}")["status"] == "open"


def test_many_at_once_make_one_order_of_a_reference(api: Api) -> None:
    shop = api.merchant(1)
    body = {"reference": "r", "program": FEC, "points": "5"}
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: shop.try_post("/v1/orders", body), range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    (order,) = shop.get("/v1/orders", reference="r")["items"]
    others = [answer.json()["order"] for answer in answers if answer.status_code == 409]
    assert set(others) == {order["id"]}
