"""What a hosted checkout has to tell apart: open, over, late, too little, too much, twice."""

from __future__ import annotations

from typing import Any

import pytest

from builders import signer
from chain_rows import BLOCKS, FEC, ChainRows, timestamp
from chainpoints.store import tables
from gateway import Api, Client

pytestmark = pytest.mark.integration

NOW = timestamp(BLOCKS)


@pytest.fixture
def shop(api: Api) -> Client:
    return api.merchant(1)


def order(shop: Client, **more: Any) -> dict[str, Any]:
    return shop.post("/v1/orders", {"reference": "r", "program": FEC, "points": "100"} | more)


def paid(api: Api, order: dict[str, Any], amount: int, *, block: int = BLOCKS, payer: str | None = None) -> None:
    with api.store.write() as connection:
        ChainRows(connection).payment(block, order["order_hash"], payer or api.alice, amount)


def test_an_order_is_over_after_its_end_and_not_at_it(api: Api, shop: Client) -> None:
    made = order(shop, expires_at=NOW + 86_400)
    assert (made["status"], made["expires_at"], made["irregular"]) == ("open", NOW + 86_400, [])
    offer = api.public.get(f"/v1/orders/{made['id']}/authorization", payer=api.alice, valid_for=1_000_000)
    assert offer["valid_before"] == NOW + 86_400 + 1  # what is signed counts up to the end, and no longer
    with api.store.write() as connection:
        ChainRows(connection).blocks(BLOCKS + 1, BLOCKS + 1)
    assert shop.get(f"/v1/orders/{made['id']}")["status"] == "open"
    with api.store.write() as connection:
        ChainRows(connection).blocks(BLOCKS + 2, BLOCKS + 2)
    assert shop.get(f"/v1/orders/{made['id']}")["status"] == "expired"
    asked = api.public.send("GET", f"/v1/orders/{made['id']}/authorization?payer={api.alice}")
    assert api.public.problem("order-expired", 422, asked)["expires_at"] == NOW + 86_400


def test_a_checkout_shows_whoever_has_the_id_what_is_to_be_paid_and_where_it_stands(api: Api, shop: Client) -> None:
    made = order(shop, expires_at=NOW + 86_400, money={"amount": "9.99", "currency": "EUR"})
    path = f"/v1/orders/{made['id']}/checkout"
    shown = api.public.get(path)
    (seller,) = [each["name"] for each in api.public.get("/v1/merchants")["items"] if each["merchant"] == 1]
    assert (shown["merchant"], shown["merchant_name"], shown["status"]) == (1, seller, "open")
    assert (shown["points"], shown["money"]) == ("100.000000", {"amount": "9.99", "currency": "EUR"})
    assert shown["expires_at"] == NOW + 86_400

    # when: it is paid, too little and too late
    with api.store.write() as connection:
        ChainRows(connection).blocks(BLOCKS + 1, BLOCKS + 2)
    paid(api, made, 99_000_000, block=BLOCKS + 2)

    # it should say what the merchant is told, but for what is the merchant's own
    shown, told = api.public.get(path), shop.get(f"/v1/orders/{made['id']}")
    assert (shown["status"], shown["irregular"], shown["payer"]) == ("mispaid", ["late", "underpaid"], api.alice)
    own = {"reference", "order_hash", "created_at", "customer", "pending_request", "requests"}
    assert told | {"merchant_name": seller} == shown | {name: told[name] for name in own}
    assert not own & shown.keys()
    assert api.public.get(path, finality="final")["status"] == "open"
    api.public.problem("not-found", 404, api.public.send("GET", f"/v1/orders/ord_{'0' * 32}/checkout"))


def test_an_end_that_is_over_is_refused(shop: Client) -> None:
    body = {"reference": "r", "program": FEC, "points": "100", "expires_at": NOW}
    shop.problem("invalid-request", 422, shop.try_post("/v1/orders", body))
    body["expires_at"] = NOW + 1
    assert shop.post("/v1/orders", body)["status"] == "open"


def test_a_payment_after_the_end_is_told_as_late(api: Api, shop: Client) -> None:
    """The chain knows no ends of orders: who pays there himself can be late, and the merchant is told."""
    made = order(shop, expires_at=NOW + 86_400)
    with api.store.write() as connection:
        ChainRows(connection).blocks(BLOCKS + 1, BLOCKS + 2)
    paid(api, made, 100_000_000, block=BLOCKS + 2)
    now = shop.get(f"/v1/orders/{made['id']}")
    assert (now["status"], now["irregular"], now["paid_at"]) == ("paid", ["late"], timestamp(BLOCKS + 2))


@pytest.mark.parametrize(
    ("amount", "status", "irregular"),
    [(99_999_999, "mispaid", ["underpaid"]), (100_000_000, "paid", []), (100_000_001, "mispaid", ["overpaid"])],
)
def test_another_amount_is_told_as_such(api: Api, shop: Client, amount: int, status: str, irregular: list[str]) -> None:
    made = order(shop)
    paid(api, made, amount)
    now = shop.get(f"/v1/orders/{made['id']}")
    assert (now["status"], now["irregular"]) == (status, irregular)


def test_another_payer_and_an_order_that_was_settled_twice(api: Api, shop: Client) -> None:
    made = order(shop, customer=signer("bob").address, money={"amount": "5.00", "currency": "USD"})
    paid(api, made, 100_000_000)
    assert shop.get(f"/v1/orders/{made['id']}")["irregular"] == ["other-payer"]
    issue = {"merchant": 1, "order_hash": made["order_hash"], "customer": signer("bob").address, "program": 0}
    amounts = {"start": 0, "points": 1, "total": 0, "evidence": "0x" + "00" * 32}
    with api.store.write() as connection:
        rows = ChainRows(connection)
        rows.places[BLOCKS] = 5
        rows.event(tables.issues, BLOCKS, **issue, **amounts)
    assert shop.get(f"/v1/orders/{made['id']}")["irregular"] == ["other-payer", "double"]
