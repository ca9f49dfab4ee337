"""What holders sign and the relayer carries out, and what their wallets send themselves, on a real chain."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from builders import ROOT, private_key, signer
from chainpoints.chain.calls import Calls
from chainpoints.chain.signatures import sign
from chainpoints.types import ZERO_ADDRESS, parse_points
from gateway import DAY, FEC, PATIENCE_SECONDS, WEEK, Client, World

pytestmark = pytest.mark.integration

ALICE, BOB, CAROL, LINK = (signer(name).address for name in ("alice", "bob", "carol", "a link"))


def read(world: World, contract: str, function: str, *arguments: Any) -> Any:
    calls = Calls(world.deployment.manifest, world.deployment.artifacts)
    to, data = calls.encode(contract, function, arguments)
    answer = world.deployment.anvil.rpc.call("eth_call", {"to": to, "data": data}, "latest")
    values = calls.decode(contract, function, answer)
    return values[0] if len(values) == 1 else values


def send(world: World, path: str, *, sender: str | None = None, **query: Any) -> int:
    """Sends a call that the API made ready, as a wallet does, with just its gas. Gives the gas that it used."""
    call = world.public.get(path, **query)
    anvil = world.deployment.anvil
    account = sender or call["sender"]
    anvil.give_ether(account)
    anvil.rpc.call("anvil_impersonateAccount", account)
    transaction = {"from": account, "to": call["to"], "data": call["data"], "gas": hex(call["gas"])}
    sent = anvil.rpc.call("eth_sendTransaction", transaction | {"value": call["value"]})
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (receipt := anvil.rpc.call("eth_getTransactionReceipt", sent)) is None:
        assert time.monotonic() < give_up_at, "it is not mined"
        time.sleep(0.01)
    used = int(receipt["gasUsed"], 16)
    assert receipt["status"] == "0x1", (path, call["gas"], used)
    assert 1.2 * used < call["gas"], (path, call["gas"], used)
    world.read_all()
    return used


def holder(world: World) -> tuple[Client, str]:
    """Alice holds 400 points and a node of 500, a week before its first release. Gives the shop and the node."""
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "900", "till-1")
    node = world.pay(shop, "alice", "500", "web-1")["node"]
    return shop, node


def test_the_pages_code_pays_an_order(world: World) -> None:
    """docs/api.md, as it stands there."""
    shop, _ = holder(world)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/api.md").read_text(), re.DOTALL)
    assert "http://127.0.0.1:8600" in code
    names: dict[str, Any] = {}
    exec(compile(code.replace("http://127.0.0.1:8600", world.url), "docs/api.md", "exec"), names)
    order = shop.post("/v1/orders", {"reference": "by-the-page", "program": FEC, "points": "20"})["id"]
    world.mined(names["pay"](order, private_key("alice").hex()))
    assert shop.get(f"/v1/orders/{order}")["status"] == "paid"


def test_points_are_sent_by_signature(world: World) -> None:
    holder(world)
    offer = world.public.get(f"/v1/wallets/{ALICE}/transfer-authorization", to=BOB, amount="150.5")
    signed = {
        "sender": ALICE,
        "to": BOB,
        "amount": "150.5",
        **{name: offer[name] for name in ("valid_after", "valid_before", "nonce")},
        "signature": sign(offer["typed_data"], private_key("alice")),
    }
    forged = signed | {"signature": sign(offer["typed_data"], private_key("bob"))}
    world.public.problem("wrong-signature", 422, world.public.try_post("/v1/transfers", forged))
    world.public.problem("wrong-signature", 422, world.public.try_post("/v1/transfers", signed | {"amount": "150.6"}))
    first = world.mined(world.public.post("/v1/transfers", signed))
    assert world.public.get(f"/v1/wallets/{ALICE}")["balance"] == "249.500000"
    assert world.public.get(f"/v1/wallets/{BOB}")["balance"] == "150.500000"
    assert world.public.post("/v1/transfers", signed) == first, "one message is one request"

    # given: more than she holds
    more = world.public.get(f"/v1/wallets/{ALICE}/transfer-authorization", to=BOB, amount="250")
    body = signed | {name: more[name] for name in ("valid_after", "valid_before", "nonce")} | {"amount": "250"}
    body["signature"] = sign(more["typed_data"], private_key("alice"))
    answer = world.public.problem("insufficient-points", 422, world.public.try_post("/v1/transfers", body))
    assert answer["balance"] == "249.500000"


def test_allowances_and_claim_approvals_are_given_by_signature(world: World) -> None:
    _, node = holder(world)
    deadline = world.deployment.anvil.now() + 10 * WEEK
    terms = {"spender": BOB, "amount": "12.5", "deadline": deadline, "nonce": 0}
    offer = world.public.get(f"/v1/wallets/{ALICE}/permit-authorization", **terms)
    signed = terms | {"owner": ALICE, "signature": sign(offer["typed_data"], private_key("alice"))}
    world.mined(world.public.post("/v1/permits", signed))
    assert read(world, "PointsToken", "allowance", ALICE, BOB) == 12_500_000
    terms["amount"] = "13"  # under the same nonce, which is used
    offer = world.public.get(f"/v1/wallets/{ALICE}/permit-authorization", **terms)
    late = terms | {"owner": ALICE, "signature": sign(offer["typed_data"], private_key("alice"))}
    assert world.ended(world.public.post("/v1/permits", late))["refusal"]["name"] == "PointsToken_InvalidSignature"

    approval = {"delegate": BOB, "to": CAROL, "cap": "100", "deadline": deadline, "nonce": 0}
    offer = world.public.get(f"/v1/wallets/{ALICE}/claim-approval-authorization", **approval)
    body = approval | {"owner": ALICE, "signature": sign(offer["typed_data"], private_key("alice"))}
    world.mined(world.public.post("/v1/claim-approvals", body))
    assert read(world, "ReleaseNode", "claimAllowance", ALICE, BOB, CAROL) == (100_000_000, deadline)
    late = body | {"deadline": 1}
    world.public.problem("authorization-not-valid-now", 422, world.public.try_post("/v1/claim-approvals", late))

    # when: the delegate claims, from its own wallet, to the only receiver that it may
    world.move_to(world.deployment.anvil.now() + 2 * WEEK)
    claimable = world.public.get(f"/v1/nodes/{node}")["claimable"]
    send(world, f"/v1/wallets/{BOB}/calls/claim-to", nodes=[node], to=CAROL)
    assert world.public.get(f"/v1/wallets/{CAROL}")["balance"] == claimable != "0.000000"


def test_a_gift_is_taken_by_the_key_of_its_link_or_taken_back(world: World) -> None:
    _, node = holder(world)
    path = f"/v1/nodes/{node}"
    expiry = world.deployment.anvil.now() + 3 * WEEK
    locked = world.public.send("GET", f"{path}/calls/give", params={"secret": LINK, "expiry": expiry})
    assert world.public.problem("node-locked", 422, locked)["unlocks_at"] > world.deployment.anvil.now()
    world.public.problem("node-not-given", 422, world.public.send("GET", f"{path}/gift-authorization?to={BOB}"))
    world.move_to(world.deployment.anvil.now() + 2 * WEEK)
    expiry = world.deployment.anvil.now() + DAY
    send(world, f"{path}/calls/give", secret=LINK, expiry=expiry)
    assert world.public.get(path)["given_until"] == expiry
    for call in (f"transfer?to={BOB}", "split?totals=1", f"beneficiary?beneficiary={BOB}"):
        world.public.problem("node-given", 422, world.public.send("GET", f"{path}/calls/{call}"))

    # given: nobody took it in time
    world.public.problem("gift-runs", 422, world.public.try_post(f"{path}/take-back", {}))
    world.move_to(expiry + 1)
    signature = sign(world.public.get(f"{path}/gift-authorization", to=BOB)["typed_data"], private_key("a link"))
    late = world.public.try_post(f"{path}/take", {"to": BOB, "signature": signature})
    world.public.problem("gift-is-over", 422, late)
    world.mined(world.public.post(f"{path}/take-back", {}))
    assert (world.public.get(path)["given_until"], world.public.get(path)["owner"]) == (None, ALICE)

    # given again, and taken: no other key, and no other receiver than the key said
    send(world, f"{path}/calls/give", secret=LINK, expiry=expiry + WEEK)
    typed_data = world.public.get(f"{path}/gift-authorization", to=BOB)["typed_data"]
    for to, key in ((BOB, "alice"), (CAROL, "a link")):
        body = {"to": to, "signature": sign(typed_data, private_key(key))}
        refused = world.ended(world.public.post(f"{path}/take", body))
        assert refused["refusal"]["name"] == "ReleaseNode_InvalidSignature"
    world.mined(world.public.post(f"{path}/take", {"to": BOB, "signature": sign(typed_data, private_key("a link"))}))
    assert world.public.get(path)["owner"] == BOB


def test_a_wallet_sends_the_rest_itself(world: World) -> None:
    _, node = holder(world)
    path = f"/v1/nodes/{node}"
    world.move_to(world.deployment.anvil.now() + 2 * WEEK)

    # split and merged again: nothing is lost
    too_large = world.public.send("GET", f"{path}/calls/split", params={"totals": ["400", "100"]})
    world.public.problem("pieces-too-large", 422, too_large)
    send(world, f"{path}/calls/split", totals=["120.5", "80"])
    held = world.public.get(f"/v1/wallets/{ALICE}/nodes")["items"]
    assert sorted(parse_points(each["total"]) for each in held) == [80_000_000, 120_500_000, 299_500_000]
    pieces = [each["id"] for each in held if each["id"] != node]
    world.public.problem("nodes-not-alike", 422, world.public.send("GET", f"{path}/calls/merge?nodes={node}"))
    send(world, f"{path}/calls/merge", nodes=pieces)
    assert world.public.get(path)["total"] == "500.000000"
    assert world.public.get(f"/v1/wallets/{ALICE}")["nodes"] == 1

    # custody begins and ends
    send(world, f"{path}/calls/beneficiary", beneficiary=CAROL)
    assert world.public.get(path)["beneficiary"] == CAROL
    send(world, f"{path}/calls/beneficiary", beneficiary=ZERO_ADDRESS)
    assert world.public.get(path)["beneficiary"] is None

    # a delegate, points, payments taken back, and the node itself
    deadline = world.deployment.anvil.now() + WEEK
    approval = {"delegate": BOB, "to": BOB, "cap": "1", "deadline": deadline}
    send(world, f"/v1/wallets/{ALICE}/calls/claim-approval", **approval)
    assert read(world, "ReleaseNode", "claimAllowance", ALICE, BOB, BOB) == (1_000_000, deadline)
    before = parse_points(world.public.get(f"/v1/wallets/{ALICE}")["balance"])
    send(world, f"/v1/wallets/{ALICE}/calls/transfer", to=BOB, amount="10")
    assert parse_points(world.public.get(f"/v1/wallets/{ALICE}")["balance"]) == before - 10_000_000
    send(world, f"/v1/wallets/{ALICE}/calls/cancel-payments")
    assert read(world, "PointsToken", "paymentsCancelledAt", ALICE) > 0
    send(world, f"{path}/calls/transfer", to=BOB)
    assert world.public.get(path)["owner"] == BOB
