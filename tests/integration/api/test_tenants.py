"""T36: every route of the OpenAPI document, tried by another merchant upon what is merchant 1's. New routes come by
themselves."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from chain_rows import FEC, ChainRows
from chainpoints.store import tables
from gateway import Api, Client

pytestmark = pytest.mark.integration

SECRETS = ("reference-of-merchant-1", "99.17", "key-of-merchant-1")

SHOWN_TO_PAYERS = {"/v1/orders/{order_id}/authorization", "/v1/orders/{order_id}/checkout"}
"""Who has an order's id is shown what it would pay, and whether it is paid: that is what the id is for."""


@pytest.fixture
def ids(api: Api) -> dict[str, str]:
    """What merchant 1 has, by the names of the routes' parameters."""
    shop = api.merchant(1)
    money = {"amount": SECRETS[1], "currency": "USD"}
    body = {"reference": SECRETS[0], "program": FEC, "points": "5", "money": money}
    order = shop.post("/v1/orders", body)
    key = shop.post("/v1/merchants/1/keys", {"name": SECRETS[2], "scopes": ["orders:read"]})
    issue = {"order": order["id"], "customer": api.alice, "points": "1", "evidence": "e"}
    request = shop.post("/v1/issues", issue)
    hooks = "/v1/merchants/1/webhooks"
    hook = shop.post(hooks, {"url": "https://shop.example/hook", "events": ["issue.created"], "finality": "head"})
    message = shop.post(f"{hooks}/{hook['id']}/test", {})
    with api.store.write() as connection:
        node = ChainRows(connection).node(api.alice, 1, 1_000_000)
    return {
        "order_id": order["id"],
        "key_id": key["id"],
        "request_id": request["id"],
        "webhook_id": hook["id"],
        "message_id": message["id"],
        "merchant": "1",
        "program": "1",
        "address": api.alice,
        "node_id": node,
    }


def requests(api: Api, ids: dict[str, str]) -> list[tuple[str, str, dict[str, Any], dict[str, Any] | None, bool]]:
    """Method, path, query and body of each route, about what is merchant 1's, and whether it needs a key."""
    found = []
    for path, methods in api.app.openapi()["paths"].items():
        for method, operation in methods.items():
            needed = [each for each in operation.get("parameters", []) if each.get("required")]
            query = {each["name"]: each["example"] for each in needed if each["in"] == "query"}
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            body = dict(content["example"]) if content else None
            if body and "order" in body:
                body["order"] = ids["order_id"]
            found.append((method.upper(), path, query, body, bool(operation.get("security"))))
    return found


def things_of_merchant_1(api: Api) -> list[Any]:
    with api.store.read() as connection:
        return [
            connection.execute(select(table).where(table.c.merchant == 1).order_by(*table.primary_key)).all()
            for table in (tables.orders, tables.api_keys, tables.relay_requests)
        ]


def send(client: Client, method: str, path: str, query: dict[str, Any], body: dict[str, Any] | None) -> Any:
    if path == "/v1/stream":
        return client.begin(path)
    headers = {"idempotency-key": f"{method} {path}"}
    return client.send(method, path, params=query, json=body, headers=headers)


def test_another_merchant_neither_sees_nor_changes_what_is_merchant_1s(api: Api, ids: dict[str, str]) -> None:
    other, before, tried = api.merchant(2), things_of_merchant_1(api), 0
    for method, path, query, body, needs_key in requests(api, ids):
        filled = path.format_map(ids)
        answer = send(other, method, filled, query, body)
        assert answer.status_code < 500, (method, path, answer.text)
        if path != "/v1/stream" and path not in SHOWN_TO_PAYERS:
            assert not [secret for secret in SECRETS if secret in answer.text], (method, path, answer.text)
        if needs_key and "{" in path:
            assert answer.status_code in (403, 404), (method, path, answer.text)
            tried += 1
    assert tried >= 8
    assert things_of_merchant_1(api) == before


def test_the_same_requests_of_merchant_1_itself_find_them(api: Api, ids: dict[str, str]) -> None:
    """The control: what was refused above was not refused for another reason."""
    shop = api.merchant(1)
    for method, path, query, body, needs_key in requests(api, ids):
        if needs_key and "{" in path and method == "GET":
            answer = send(shop, method, path.format_map(ids), query, body)
            assert answer.status_code not in (403, 404), (path, answer.text)
