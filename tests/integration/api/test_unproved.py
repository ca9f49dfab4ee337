"""What anybody may send in another's name, as if signed by a contract wallet, holds up nobody and nothing of theirs."""

from __future__ import annotations

from typing import Any

import pytest

from builders import private_key, signer
from chainpoints.api import proofs
from chainpoints.api import standing as standings
from chainpoints.chain.signatures import sign
from chainpoints.store import relay
from gateway import FEC, Api, Client

pytestmark = pytest.mark.integration

NO_SIGNATURE = "0x00"
"""No contract takes this for a signature."""


def new_order(shop: Client, reference: str) -> str:
    return str(shop.post("/v1/orders", {"reference": reference, "program": FEC, "points": "10"})["id"])


def signed(api: Api, order: str) -> dict[str, Any]:
    """Alice's payment of the order."""
    offer = api.public.get(f"/v1/orders/{order}/authorization", payer=api.alice)
    body = {"payer": api.alice, "valid_after": offer["valid_after"], "valid_before": offer["valid_before"]}
    return body | {"order": order, "signature": sign(offer["typed_data"], private_key("alice"))}


def forged(api: Api, order: str) -> dict[str, Any]:
    return signed(api, order) | {"signature": NO_SIGNATURE, "contract_wallet": True}


def test_a_payment_that_proves_nothing_does_not_make_the_payers_requests_wait(api: Api) -> None:
    first, second = (new_order(api.merchant(1), name) for name in ("first", "second"))
    sent = [api.public.post("/v1/payments", payment) for payment in (forged(api, first), signed(api, second))]
    assert [request["wallet"] for request in sent] == [api.alice, api.alice]
    assert ready(api) == [sent[1]["id"], sent[0]["id"]], "what is proved goes first"


def test_a_payment_that_proves_nothing_keeps_nobody_from_paying_the_order(api: Api) -> None:
    order = new_order(api.merchant(1), "wanted")
    good = signed(api, order)
    bad = forged(api, order)
    first = api.public.post("/v1/payments", bad)
    again = api.public.try_post("/v1/payments", bad)
    assert api.public.problem("attempt-pending", 409, again)["request"] == first["id"]
    assert signed(api, order)["order"] == order, "its message is still given to be signed"
    second = api.public.post("/v1/payments", good)
    assert api.merchant(1).get(f"/v1/orders/{order}")["pending_request"] == second["id"]
    assert ready(api) == [second["id"]], "the first waits for it, not the other way round"
    late = api.public.try_post("/v1/payments", good)
    assert api.public.problem("attempt-pending", 409, late)["request"] == second["id"]


def test_after_many_refused_ones_an_order_takes_only_what_is_proved(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standings, "_MOST_REFUSED", 2)
    order = new_order(api.merchant(1), "hated")
    bad = forged(api, order)
    for _ in range(2):
        request = api.public.post("/v1/payments", bad)
        with api.store.write() as connection:
            relay.refuse(connection, request["id"], {"name": "InvalidSignature", "arguments": {}, "sentence": "no"})
    api.public.problem("order-tried-too-often", 409, api.public.try_post("/v1/payments", bad))
    assert api.public.post("/v1/payments", signed(api, order))["state"] == "accepted"


def test_only_so_many_of_a_kind_that_prove_nothing_wait_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "MOST_UNPROVED", 2)
    orders = [new_order(api.merchant(1), f"order-{n}") for n in range(3)]
    permit = {"owner": api.alice, "spender": api.alice, "amount": "1", "nonce": 0, "deadline": 2**40 - 1}
    permit |= {"signature": NO_SIGNATURE, "contract_wallet": True}
    first = [api.public.post("/v1/permits", permit) for _ in range(2)][0]
    refused = api.public.try_post("/v1/permits", permit)
    api.public.problem("too-much-unproved", 429, refused)
    assert refused.headers["retry-after"] == "1"
    for order in orders[:2]:
        api.public.post("/v1/payments", forged(api, order))
    api.public.problem("too-much-unproved", 429, api.public.try_post("/v1/payments", forged(api, orders[2])))
    assert api.public.post("/v1/payments", signed(api, orders[2]))["state"] == "accepted"
    with api.store.write() as connection:
        relay.refuse(connection, first["id"], {"name": "InvalidSignature", "arguments": {}, "sentence": "no"})
    assert api.public.post("/v1/permits", permit)["state"] == "accepted"


def test_a_permit_whose_nonce_only_the_chain_knows_brings_nobody_points(api: Api) -> None:
    """Anybody can sign one with a key just made: it goes after what is proved, and lets nothing else through."""
    nobody = signer("nobody")
    query = {"spender": api.alice, "amount": "1", "nonce": 7, "deadline": 2**40 - 1}
    asked = api.public.get(f"/v1/wallets/{nobody.address}/permit-authorization", **query)
    permit = query | {"owner": nobody.address, "signature": sign(asked["typed_data"], private_key("nobody"))}
    made = api.public.post("/v1/permits", permit)
    order = new_order(api.merchant(1), "order")
    paid = api.public.post("/v1/payments", signed(api, order))
    assert ready(api) == [paid["id"], made["id"]]
    to = {"to": api.alice, "amount": "1"}
    asked = api.public.get(f"/v1/wallets/{nobody.address}/transfer-authorization", **to)
    transfer = to | {name: asked[name] for name in ("valid_after", "valid_before", "nonce")}
    transfer |= {"sender": nobody.address, "signature": sign(asked["typed_data"], private_key("nobody"))}
    api.public.problem("insufficient-points", 422, api.public.try_post("/v1/transfers", transfer))


def transfer(api: Api) -> tuple[str, dict[str, Any]]:
    to = {"to": signer("bob").address, "amount": "1"}
    asked = api.public.get(f"/v1/wallets/{api.alice}/transfer-authorization", **to)
    body = to | {name: asked[name] for name in ("valid_after", "valid_before", "nonce")} | {"sender": api.alice}
    return "/v1/transfers", body | {"signature": sign(asked["typed_data"], private_key("alice"))}


def permit(api: Api) -> tuple[str, dict[str, Any]]:
    body = {"spender": signer("bob").address, "amount": "1", "nonce": 0, "deadline": 2**40 - 1}
    asked = api.public.get(f"/v1/wallets/{api.alice}/permit-authorization", **body)
    return "/v1/permits", body | {"owner": api.alice, "signature": sign(asked["typed_data"], private_key("alice"))}


def claim_approval(api: Api) -> tuple[str, dict[str, Any]]:
    bob = signer("bob").address
    body = {"delegate": bob, "to": bob, "cap": "1", "nonce": 0, "deadline": 2**40 - 1}
    asked = api.public.get(f"/v1/wallets/{api.alice}/claim-approval-authorization", **body)
    signature = sign(asked["typed_data"], private_key("alice"))
    return "/v1/claim-approvals", body | {"owner": api.alice, "signature": signature}


@pytest.mark.parametrize("message", [transfer, permit, claim_approval])
def test_a_signed_message_is_one_request_whoever_brings_it(api: Api, message: Any) -> None:
    """What was mined can be read and sent again by anybody, for as long as its time lasts."""
    path, body = message(api)
    first = api.public.post(path, body)
    assert api.public.post(path, body) == first
    with api.store.write() as connection:
        relay.refuse(connection, first["id"], {"name": "X", "arguments": {}, "sentence": "no"})
    again = api.public.post(path, body)
    assert (again["id"], again["state"]) == (first["id"], "refused")
    assert ready(api) == []


def test_a_message_of_a_contract_wallet_takes_no_signed_ones_place(api: Api) -> None:
    path, body = transfer(api)
    forged = api.public.post(path, body | {"signature": NO_SIGNATURE, "contract_wallet": True})
    assert api.public.post(path, body)["id"] != forged["id"]


def test_nothing_proved_waits_for_permits_of_the_same_wallet(api: Api) -> None:
    """Each may be one that was used already."""
    waiting = api.public.post(*permit(api))
    paid = api.public.post("/v1/payments", signed(api, new_order(api.merchant(1), "order")))
    assert ready(api) == [paid["id"], waiting["id"]]


def test_issues_to_one_customer_do_not_wait_for_each_other_and_a_payment_waits_for_all(api: Api) -> None:
    shop = api.merchant(1)
    issued = []
    for number in range(3):
        money = {"reference": f"till-{number}", "program": FEC, "money": {"amount": "1.00", "currency": "USD"}}
        order = shop.post("/v1/orders", money)["id"]
        issue = {"order": order, "customer": api.alice, "points": "1", "evidence": "receipt"}
        issued.append(shop.post("/v1/issues", issue)["id"])
    paid = api.public.post("/v1/payments", signed(api, new_order(shop, "order")))["id"]
    assert ready(api, "issuer") == issued
    for request_id in issued:
        assert ready(api) == []
        with api.store.write() as connection:
            relay.refuse(connection, request_id, {"name": "X", "arguments": {}, "sentence": "no"})
    assert ready(api) == [paid]


def ready(api: Api, lane: str = "relayer") -> list[str]:
    with api.store.read() as connection:
        return [request.id for request in relay.ready_requests(connection, lane, 2**40, 10, 10)]
