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


def ready(api: Api) -> list[str]:
    with api.store.read() as connection:
        return [request.id for request in relay.ready_requests(connection, "relayer", 2**40, 10, 10)]
