"""T36: every route of the OpenAPI document, tried by another merchant upon what is merchant 1's. New routes come by
themselves."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from chain_rows import FEC, INSTALMENTS, ChainRows
from chainpoints.store import tables
from gateway import Api, Client

pytestmark = pytest.mark.integration

SECRETS = ("reference-of-merchant-1", "99.17", "key-of-merchant-1", "https://merchant-1.example/hook")

SHOWN_TO_PAYERS = {"/v1/orders/{order_id}/authorization", "/v1/orders/{order_id}/checkout"}
"""Who has an order's id is shown what it would pay, and whether it is paid: that is what the id is for."""

FOR_THE_OPERATOR = {("POST", f"/v1/merchants/{{merchant}}/{what}") for what in ("gas", "quota", "reserve")}
"""Merchant 1 itself lacks the scope for these, as merchant 2 does."""

REFUSED_FOR_THE_ORDER = {
    ("GET", "/v1/orders/{order_id}/refund-authorization"): "order-not-paid",
    ("POST", "/v1/refunds"): "order-not-paid",
    ("POST", "/v1/issues"): "attempt-pending",
}
"""What merchant 1 itself is told of its order: that is found, is not paid in points, and has an issue under way."""

Asked = tuple[str, str, dict[str, Any], dict[str, Any] | None]


@pytest.fixture
def ids(api: Api) -> dict[str, str]:
    """What merchant 1 has, by the names of the routes' parameters, and the secret of its webhook."""
    shop = api.merchant(1)
    money = {"amount": SECRETS[1], "currency": "USD"}
    body = {"reference": SECRETS[0], "program": FEC, "points": "5", "money": money}
    order = shop.post("/v1/orders", body)
    key = shop.post("/v1/merchants/1/keys", {"name": SECRETS[2], "scopes": ["orders:read"]})
    issue = {"order": order["id"], "customer": api.alice, "points": "1", "evidence": "e"}
    request = shop.post("/v1/issues", issue)
    hooks = "/v1/merchants/1/webhooks"
    hook = shop.post(hooks, {"url": SECRETS[3], "events": ["issue.created"], "finality": "head"})
    message = shop.post(f"{hooks}/{hook['id']}/test", {})
    with api.store.write() as connection:
        node = ChainRows(connection).node(api.alice, 1, 1_000_000)
    return {
        "order_id": order["id"],
        "key_id": key["id"],
        "request_id": request["id"],
        "webhook_id": hook["id"],
        "webhook_secret": hook["secret"],
        "message_id": message["id"],
        "merchant": "1",
        "program": "1",
        "address": api.alice,
        "node_id": node,
    }


def requests(api: Api, ids: dict[str, str]) -> list[tuple[Asked, bool]]:
    """Method, path, query and body of each route, about what is merchant 1's; and whether it is merchant 1's alone."""
    found = []
    for path, methods in api.app.openapi()["paths"].items():
        for method, operation in methods.items():
            needed = [each for each in operation.get("parameters", []) if each.get("required")]
            query = {each["name"]: each["example"] for each in needed if each["in"] == "query"}
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            body = dict(content["example"]) if content else None
            if body and "order" in body:
                body["order"] = ids["order_id"]
            if path.endswith("/reserve"):
                assert body
                body["program"] = INSTALMENTS  # which has a reserve
            about_its_own = "{" in path or (body is not None and "order" in body)
            found.append(((method.upper(), path, query, body), about_its_own and bool(operation.get("security"))))
    return found


def things_of_merchant_1(api: Api) -> dict[str, list[Any]]:
    hooks, messages = tables.webhook_endpoints, tables.webhook_messages
    its_own = {table: table.c.merchant == 1 for table in (tables.orders, tables.api_keys, tables.relay_requests, hooks)}
    its_own[messages] = messages.c.endpoint.in_(select(hooks.c.id).where(hooks.c.merchant == 1))
    with api.store.read() as connection:
        return {
            table.name: list(connection.execute(select(table).where(where).order_by(*table.primary_key)))
            for table, where in its_own.items()
        }


def send(client: Client, ids: dict[str, str], asked: Asked) -> Any:
    method, path, query, body = asked
    if path == "/v1/stream":
        return client.begin(path)
    headers = {"idempotency-key": f"{method} {path}"}
    return client.send(method, path.format_map(ids), params=query, json=body, headers=headers)


def test_another_merchant_neither_sees_nor_changes_what_is_merchant_1s(api: Api, ids: dict[str, str]) -> None:
    other, before, tried = api.merchant(2), things_of_merchant_1(api), 0
    for asked, is_merchant_1s in requests(api, ids):
        route, answer = asked[:2], send(other, ids, asked)
        assert answer.status_code < 500, (route, answer.text)
        if route[1] != "/v1/stream" and route[1] not in SHOWN_TO_PAYERS:
            hidden = (*SECRETS, ids["webhook_secret"])
            assert not [secret for secret in hidden if secret in answer.text], (route, answer.text)
        if is_merchant_1s:
            kind, status = ("missing-scope", 403) if route in FOR_THE_OPERATOR else ("not-found", 404)
            other.problem(kind, status, answer)
            tried += 1
    assert tried >= 21
    assert all(before.values())
    assert things_of_merchant_1(api) == before


def test_the_same_requests_of_merchant_1_itself_find_them(api: Api, ids: dict[str, str]) -> None:
    """The control: what was refused above was not refused for another reason, and what was not shown is there."""
    shop, before, shown = api.merchant(1), things_of_merchant_1(api), ""
    its_own = [asked for asked, is_merchant_1s in requests(api, ids) if is_merchant_1s]
    for asked in sorted(its_own, key=lambda asked: asked[0] == "DELETE"):  # what these end is asked for before
        route, answer = asked[:2], send(shop, ids, asked)
        if route in FOR_THE_OPERATOR:
            shop.problem("missing-scope", 403, answer)
            answer = send(api.operator, ids, asked)
        if route in REFUSED_FOR_THE_ORDER:
            assert answer.json()["type"] == f"/problems/{REFUSED_FOR_THE_ORDER[route]}", (route, answer.text)
        else:
            assert answer.status_code < 300, (route, answer.text)
        shown += answer.text
    assert not [secret for secret in SECRETS if secret not in shown]
    after = things_of_merchant_1(api)
    assert [name for name in after if after[name] == before[name]] == ["orders"]
