"""The way of points through the API, on a real chain, indexer and relayer: issue, pay, refund, claim, refusals."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from eth_utils.crypto import keccak

from builders import private_key, signer
from chainpoints.chain.signatures import recover, sign
from chainpoints.types import parse_points
from gateway import DAY, FEC, INSTALMENTS, WEEK, Client, World
from log_sums import log_sums

pytestmark = pytest.mark.integration

ALICE, BOB, SHOP = (signer(name).address for name in ("alice", "bob", "shop"))


def order(shop: Client, reference: str, points: str, **more: Any) -> dict[str, Any]:
    return shop.post("/v1/orders", {"reference": reference, "program": FEC, "points": points} | more)


def test_points_are_issued_paid_released_claimed_and_refunded(world: World) -> None:
    """One long story, told in order: each step starts from where the one before left the books."""
    number, shop = world.merchant("shop")
    issued_by_the_till(world, shop)
    paid = paid_by_signature(world, shop, number)
    refunded_in_two_steps(world, shop)
    released_and_claimed(world, paid)
    totals_agree(world)


def issued_by_the_till(world: World, shop: Client) -> None:
    request = world.issue(shop, "alice", "900", "till-1")
    assert request["finality"] == "head"
    assert world.public.get(f"/v1/wallets/{ALICE}")["balance"] == "900.000000"
    (event,) = world.public.get(f"/v1/wallets/{ALICE}/issues")["items"]
    assert (event["points"], event["node"], event["transaction"]) == ("900.000000", None, request["transaction"])
    assert event["evidence"] == "0x" + keccak(text="till till-1").hex()
    (made,) = shop.get("/v1/orders", reference="till-1")["items"]
    assert (made["status"], made["issued"]) == ("issued", "900.000000")
    body = {"order": made["id"], "customer": ALICE, "points": "1", "evidence": "again"}
    shop.problem("order-already-issued", 409, shop.try_post("/v1/issues", body))


def paid_by_signature(world: World, shop: Client, number: int) -> dict[str, Any]:
    """What is disclosed before consent is what the chain does."""
    made = order(shop, "web-1", "200.5")
    offer = world.public.get(f"/v1/orders/{made['id']}/authorization", payer=ALICE)
    disclosure = offer["disclosure"]
    assert disclosure["split"] == {
        "amount": "200.500000",
        "merchant_share": "180.450000",
        "diverted": "20.050000",
        "node_total": "200.500000",
    }
    assert len(disclosure["schedule"]) == 100
    assert disclosure["schedule"][-1]["released"] == "200.500000"
    assert disclosure["half_released"]["period"] == 86
    assert disclosure["funding"]["kind"] == "EMISSION"
    assert offer["typed_data"]["message"]["amount"] == "200500000"
    signature = sign(offer["typed_data"], private_key("alice"))
    assert recover(offer["typed_data"], signature) == ALICE
    world.mined(world.public.post("/v1/payments", world.payment(made, "alice")))
    paid = shop.get(f"/v1/orders/{made['id']}")
    assert (paid["status"], paid["paid"], paid["payer"]) == ("paid", "200.500000", ALICE)
    assert paid["node"] == disclosure["node"]
    node = world.public.get(f"/v1/nodes/{paid['node']}")
    assert (node["total"], node["locked"], node["owner"]) == ("200.500000", True, ALICE)
    assert node["schedule"] == disclosure["schedule"]
    assert world.public.get(f"/v1/wallets/{SHOP}")["balance"] == "180.450000"
    assert world.public.get("/v1/payments", merchant=number)["items"][0]["node_total"] == "200.500000"
    other = world.payment(order(shop, "web-2", "1"), "alice")
    again = world.public.try_post("/v1/payments", other | {"order": made["id"]})
    world.public.problem("order-already-paid", 409, again)
    return paid


def refunded_in_two_steps(world: World, shop: Client) -> None:
    """T07: a part, then the rest of another payment, not a unit more; the shop signs what its payout address pays."""
    paid = world.pay(shop, "alice", "100.000001", "web-3")
    for amount, status in (("33.333333", "partially_refunded"), ("66.666668", "refunded")):
        offer = shop.get(f"/v1/orders/{paid['id']}/refund-authorization", amount=amount)
        assert offer["payout"] == SHOP
        body = {name: offer[name] for name in ("order", "valid_after", "valid_before")} | {"amount": amount}
        forged = body | {"signature": sign(offer["typed_data"], private_key("alice"))}
        shop.problem("wrong-signature", 422, shop.try_post("/v1/refunds", forged))
        signed = body | {"signature": sign(offer["typed_data"], private_key("shop"))}
        world.mined(shop.post("/v1/refunds", signed))
        assert shop.get(f"/v1/orders/{paid['id']}")["status"] == status
    answer = shop.send("GET", f"/v1/orders/{paid['id']}/refund-authorization?amount=0.000001")
    assert shop.problem("refund-too-large", 422, answer)["left"] == "0.000000"
    assert world.public.get(f"/v1/wallets/{ALICE}")["balance"] == "699.500000"
    assert len(world.public.get("/v1/refunds")["items"]) == 2


def released_and_claimed(world: World, paid: dict[str, Any]) -> None:
    early = world.public.try_post("/v1/claims", {"wallet": ALICE})
    coming = world.public.problem("nothing-claimable", 422, early)["next_release"]
    assert coming == world.public.get(f"/v1/wallets/{ALICE}")["next_release"]
    world.move_to(coming["at"])
    wallet = world.public.get(f"/v1/wallets/{ALICE}")
    assert wallet["claimable"] == coming["amount"] != "0.000000"
    request = world.mined(world.public.post("/v1/claims", {"nodes": [paid["node"]]}))
    after = world.public.get(f"/v1/wallets/{ALICE}")
    assert parse_points(after["balance"]) == parse_points(wallet["balance"]) + parse_points(coming["amount"])
    assert after["claimable"] == "0.000000"
    (claim,) = world.public.get(f"/v1/wallets/{ALICE}/claims")["items"]
    assert (claim["amount"], claim["transaction"]) == (coming["amount"], request["transaction"])
    nothing = world.public.try_post("/v1/claims", {"nodes": [paid["node"]]})
    assert world.public.problem("nothing-claimable", 422, nothing)["nodes"] == [paid["node"]]


def totals_agree(world: World) -> None:
    totals = world.public.get("/v1/totals")
    counts = {name: totals[name] for name in ("payments", "refunds", "issues", "claims", "nodes")}
    assert counts == {"payments": 2, "refunds": 2, "issues": 1, "claims": 1, "nodes": 1}
    contracts = {name: contract.address for name, contract in world.deployment.manifest.contracts.items()}
    sums = log_sums(world.deployment.anvil.url, contracts)
    for name in ("supply", "paid", "refunded", "issued", "diverted", "claimed", "committed"):
        assert parse_points(totals[name]) == sums[name] > 0, name
    assert (totals["paid"], totals["refunded"]) == ("300.500001", "100.000001")
    assert (totals["issued"], totals["diverted"]) == ("900.000000", "20.050000")
    balances = sum(parse_points(world.public.get(f"/v1/wallets/{each}")["balance"]) for each in (ALICE, SHOP))
    assert parse_points(totals["supply"]) == balances
    assert parse_points(totals["claimed"]) + parse_points(totals["committed"]) == parse_points("200.5")


def test_payments_that_the_rules_refuse(world: World) -> None:
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    made = order(shop, "web-1", "60")
    good = world.payment(made, "alice")
    now = world.public.get("/v1/status")["read_at"]["timestamp"]

    def refused(kind: str, status: int = 422, **changed: Any) -> dict[str, Any]:
        return world.public.problem(kind, status, world.public.try_post("/v1/payments", good | changed))

    refused("not-found", 404, order="ord_" + "0" * 32)
    refused("wrong-signature", signature="0x" + "11" * 65)
    refused("wrong-signature", signature=world.payment(made, "alice", signed_by="bob")["signature"])
    refused("wrong-signature", payer=BOB)
    refused("wrong-signature", valid_before=good["valid_before"] + 1)
    assert refused("authorization-not-valid-now", valid_before=now)["chain_time"] == now
    refused("authorization-not-valid-now", valid_after=now)
    too_much = order(shop, "web-2", "100.000001")
    answer = world.public.try_post("/v1/payments", world.payment(too_much, "alice"))
    assert world.public.problem("insufficient-points", 422, answer)["balance"] == "100.000000"
    for_bob = order(shop, "web-3", "1", customer=BOB)
    answer = world.public.try_post("/v1/payments", good | {"order": for_bob["id"]})
    world.public.problem("wrong-customer", 422, answer)
    in_money = shop.post("/v1/orders", {"reference": "m", "program": FEC, "money": {"amount": "1", "currency": "USD"}})
    answer = world.public.try_post("/v1/payments", good | {"order": in_money["id"]})
    world.public.problem("not-priced-in-points", 422, answer)
    assert shop.get(f"/v1/orders/{made['id']}")["status"] == "open"
    assert world.public.get("/v1/status")["open_requests"] == 0


def test_what_the_chain_refuses_is_told_with_its_reason_and_may_be_tried_again(world: World) -> None:
    """A contract's signature cannot be checked by the API; the relayer's simulation finds that nobody signed."""
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    made = order(shop, "web-1", "10")
    body = world.payment(made, "alice") | {"signature": "0x" + "11" * 65, "contract_wallet": True}
    ended = world.ended(world.public.post("/v1/payments", body))
    assert ended["state"] == "refused"
    assert ended["refusal"]["name"] == "PaymentProcessor_InvalidSignature"
    assert len(ended["refusal"]["sentence"]) > 20
    refused = shop.get(f"/v1/orders/{made['id']}")
    assert (refused["status"], refused["refusal"]) == ("refused", ended["refusal"])
    world.mined(world.public.post("/v1/payments", world.payment(made, "alice")))
    paid = shop.get(f"/v1/orders/{made['id']}")
    assert (paid["status"], paid["refusal"]) == ("paid", None)
    assert [request["state"] for request in paid["requests"]] == ["refused", "mined"]


def test_an_issue_over_the_persons_limit_is_refused_by_the_chain(world: World) -> None:
    """T18: exactly 1,000 points a day, and not one unit more."""
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "999.999999", "till-1")
    money = {"amount": "1", "currency": "USD"}
    made = shop.post("/v1/orders", {"reference": "till-2", "program": FEC, "money": money})
    body = {"order": made["id"], "customer": ALICE, "points": "0.000002", "evidence": "e"}
    ended = world.ended(shop.post("/v1/issues", body))
    assert ended["refusal"]["name"] == "PointsToken_PersonLimitExceeded"
    assert world.public.get("/v1/totals")["refusals"] == {"PointsToken_PersonLimitExceeded": 1}
    assert shop.get(f"/v1/orders/{made['id']}")["status"] == "refused"
    world.mined(shop.post("/v1/issues", body | {"points": "0.000001"}))
    assert world.public.get(f"/v1/wallets/{ALICE}")["balance"] == "1000.000000"


def test_nobody_can_take_the_key_that_another_payer_is_going_to_use(world: World) -> None:
    """Payers have no API key and cannot be told apart: equal Idempotency-Keys of two of them do not meet."""
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "10", "till-1")
    world.issue(shop, "bob", "10", "till-2")
    for payer in ("bob", "alice"):
        body = world.payment(order(shop, f"web-{payer}", "5"), payer)
        first = world.public.try_post("/v1/payments", body, idempotency_key="pay-1")
        world.mined(world.public.good(first))
        assert world.public.try_post("/v1/payments", body, idempotency_key="pay-1").content == first.content
    assert world.public.get("/v1/totals")["payments"] == 2


def test_what_is_over_a_merchants_limit_is_refused_with_the_limit_and_what_to_do(world: World) -> None:
    """T18, through the API: exactly at each limit goes; one unit past it is refused and says what is left.

    What can never pass is refused at once; what today's sum stands against, by the chain.
    """
    number, shop = world.merchant("shop", quota="120", paid_per_day="50", issued_per_day="150")
    world.issue(shop, "alice", "100", "till-1")
    assert left(world, issue(shop, "20.000001", "till-2")) == "20.000000"
    assert shop.get(f"/v1/orders/{known_order(shop, 'till-2')['id']}")["status"] == "open"
    world.mined(shop.good(issue(shop, "20", "till-2")))
    more = {"amount": "1000", "evidence": "another receipt"}
    world.mined(world.operator.post(f"/v1/merchants/{number}/quota", more))
    assert day_limit(world, issue(shop, "150.000001", "till-3")) == "150.000000"
    over = world.ended(shop.good(issue(shop, "30.000001", "till-3")))
    over_limit(over, "MerchantRegistry_IssuedPerDayExceeded", "30.000000", "tomorrow")
    world.mined(shop.good(issue(shop, "30", "till-3")))
    too_much = world.payment(order(shop, "web-0", "50.000001"), "alice")
    assert day_limit(world, world.public.try_post("/v1/payments", too_much)) == "50.000000"
    assert world.pay(shop, "alice", "20", "web-1")["status"] == "paid"
    made = order(shop, "web-2", "30.000001")
    over = world.ended(world.public.post("/v1/payments", world.payment(made, "alice")))
    over_limit(over, "MerchantRegistry_PaidPerDayExceeded", "30.000000", "tomorrow")
    assert shop.get(f"/v1/orders/{made['id']}")["refusal"] == over["refusal"]
    assert world.pay(shop, "alice", "30", "web-3")["status"] == "paid"
    world.move_to(world.deployment.anvil.now() + DAY)
    assert world.pay(shop, "alice", "50", "web-4")["status"] == "paid"


def issue(shop: Client, points: str, reference: str) -> httpx.Response:
    """Tries to issue points to Bob for the order of that reference."""
    body = {"order": known_order(shop, reference)["id"], "customer": BOB, "points": points, "evidence": reference}
    return shop.try_post("/v1/issues", body)


def known_order(shop: Client, reference: str) -> dict[str, Any]:
    """The order of that reference, made when it is asked for first."""
    new = {"reference": reference, "program": FEC, "money": {"amount": "1", "currency": "USD"}}
    found = shop.get("/v1/orders", reference=reference)["items"] or [shop.post("/v1/orders", new)]
    made: dict[str, Any] = found[0]
    return made


def left(world: World, answer: httpx.Response) -> str:
    """What a refusal at once says is left of the quota."""
    amount: str = world.public.problem("merchant-over-limit", 422, answer)["left"]
    return amount


def day_limit(world: World, answer: httpx.Response) -> str:
    """What a refusal at once says that a day allows."""
    amount: str = world.public.problem("merchant-over-limit", 422, answer)["limit"]
    return amount


def over_limit(ended: dict[str, Any], error: str, left: str, advice: str) -> None:
    refusal = ended["refusal"]
    assert (ended["state"], refusal["name"]) == ("refused", error)
    assert f": {left} points" in refusal["sentence"]
    assert advice in refusal["sentence"]
    assert "ask the operator" in refusal["sentence"]


def test_a_wallet_that_was_never_seen_can_neither_pay_nor_claim(world: World) -> None:
    _, shop = world.merchant("shop")
    assert world.public.get(f"/v1/wallets/{BOB}")["balance"] == "0.000000"
    payment = world.public.try_post("/v1/payments", world.payment(order(shop, "web-1", "1"), "bob"))
    assert world.public.problem("insufficient-points", 422, payment)["balance"] == "0.000000"
    claim = world.public.try_post("/v1/claims", {"wallet": BOB})
    assert world.public.problem("nothing-claimable", 422, claim)["detail"] == "the wallet has no nodes"


def test_while_the_node_is_down_nothing_is_accepted_and_reading_goes_on(world: World) -> None:
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    payment = world.payment(order(shop, "web-1", "10"), "alice")
    world.deployment.anvil.process.kill()
    give_up_at = time.monotonic() + 60
    while world.public.get("/v1/status")["index"]["checked_at"] >= time.time() - 17:
        assert time.monotonic() < give_up_at
        time.sleep(0.5)
    answer = world.public.try_post("/v1/payments", payment, idempotency_key="k")
    detail = world.public.problem("chain-out-of-reach", 503, answer)["detail"]
    assert "seconds ago" in detail
    assert answer.headers["retry-after"] == "1"
    register = {"name": "n", "payout": BOB, "paid_per_day": "1", "issued_per_day": "1"}
    world.operator.problem("chain-out-of-reach", 503, world.operator.try_post("/v1/merchants", register))
    assert world.public.get(f"/v1/wallets/{ALICE}")["balance"] == "100.000000"
    assert world.public.get("/v1/status")["open_requests"] == 0


def test_a_node_is_issued_from_a_funded_program(world: World) -> None:
    number, shop = world.merchant("shop")
    reserve = {"program": INSTALMENTS, "amount": "500", "reference": "reserve-1", "evidence": "paid in"}
    path = f"/v1/merchants/{number}/reserve"
    world.mined(world.operator.post(path, reserve))
    world.operator.problem("order-already-issued", 409, world.operator.try_post(path, reserve))
    unfunded = world.operator.try_post(path, reserve | {"program": FEC, "reference": "r-2"})
    world.operator.problem("program-not-funded", 422, unfunded)
    assert world.public.get("/v1/programs/2")["books"]["reserve"] == "500.000000"
    money = {"amount": "1", "currency": "USD"}
    made = shop.post("/v1/orders", {"reference": "till-1", "program": FEC, "money": money})
    body = {"order": made["id"], "customer": ALICE, "points": "10", "node_total": "60", "evidence": "e"}
    shop.problem("invalid-request", 422, shop.try_post("/v1/issues", body))
    shop.problem("program-not-funded", 422, shop.try_post("/v1/issues", body | {"program": FEC}))
    shop.problem("zero-amount", 422, shop.try_post("/v1/issues", body | {"points": "0", "node_total": "0"}))
    world.mined(shop.post("/v1/issues", body | {"program": INSTALMENTS}))
    (event,) = world.public.get(f"/v1/wallets/{ALICE}/issues")["items"]
    assert (event["points"], event["node_total"], event["program"]) == ("10.000000", "60.000000", INSTALMENTS)
    world.move_to(world.deployment.anvil.now() + 3 * DAY)
    wallet = world.public.get(f"/v1/wallets/{ALICE}")
    assert wallet["claimable"] in ("2.000000", "3.000000")  # one point a day since the next midnight
    world.mined(world.public.post("/v1/claims", {"wallet": ALICE}))
    assert world.public.get(f"/v1/wallets/{ALICE}")["claimable"] == "0.000000"


def test_refunds_end_with_the_first_release(world: World) -> None:
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    paid = world.pay(shop, "alice", "50", "web-1")
    path = f"/v1/orders/{paid['id']}/refund-authorization?amount=1"
    until = shop.send("GET", path).json()["refundable_until"]
    world.move_to(until - 1)
    assert shop.send("GET", path).status_code == 200
    world.move_to(until)
    assert shop.problem("refund-window-closed", 422, shop.send("GET", path))["ended_at"] == until
    unpaid = order(shop, "web-2", "5")
    answer = shop.send("GET", f"/v1/orders/{unpaid['id']}/refund-authorization?amount=1")
    shop.problem("order-not-paid", 422, answer)


def test_claims_wait_for_the_one_before_and_take_nodes_of_one_owner(world: World) -> None:
    _, shop = world.merchant("shop")
    nodes = {}
    for name in ("alice", "bob"):
        world.issue(shop, name, "500", f"till-{name}")
        nodes[name] = world.pay(shop, name, "400", f"web-{name}")["node"]
    world.move_to(world.deployment.anvil.now() + 3 * WEEK)
    both = world.public.try_post("/v1/claims", {"nodes": list(nodes.values())})
    world.public.problem("several-owners", 422, both)
    neither = world.public.try_post("/v1/claims", {})
    world.public.problem("invalid-request", 422, neither)
    unknown = world.public.try_post("/v1/claims", {"nodes": ["1"]})
    world.public.problem("not-found", 404, unknown)
    first = world.public.post("/v1/claims", {"wallet": ALICE})
    second = world.public.try_post("/v1/claims", {"wallet": ALICE})
    if second.json().get("request"):  # else the first was mined and read before the second came
        assert world.public.problem("attempt-pending", 409, second)["request"] == first["id"]
    else:
        world.public.problem("nothing-claimable", 422, second)
    world.mined(first)
    assert len(world.public.get(f"/v1/wallets/{ALICE}/claims")["items"]) == 1


def test_an_order_read_at_its_finality_is_paid_only_when_the_block_is_final(world: World) -> None:
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    world.deployment.anvil.mine(70)
    paid = world.pay(shop, "alice", "50", "web-1")
    assert paid["status"] == "paid"
    earlier = shop.get(f"/v1/orders/{paid['id']}", finality="final")
    assert (earlier["status"], earlier["paid"]) == ("pending", "0.000000")
    world.deployment.anvil.mine(70)
    world.read_all()
    final = shop.get(f"/v1/orders/{paid['id']}", finality="final")
    assert (final["status"], final["requests"][0]["finality"]) == ("paid", "final")
