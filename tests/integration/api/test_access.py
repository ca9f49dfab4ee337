"""T36: keys, scopes, and two merchants who do not exist for each other."""

from __future__ import annotations

from typing import Any

import pytest

from chain_rows import FEC, INSTALMENTS, timestamp
from chainpoints.api.auth import SCOPES
from gateway import ALL_SCOPES, Api, Client

pytestmark = pytest.mark.integration

SIGNATURE = "0x" + "11" * 65
TIMES = {"valid_after": 0, "valid_before": timestamp(50)}


OPERATORS = ("merchants:write", "metrics:read")
"""Scopes that no merchant's key can have."""


HOOK = {"url": "https://shop.example.com/hook", "finality": "head"}


def keyed_requests(
    order: str, key: str, hook: str = "whk_" + "0" * 32, message: str = "msg_" + "0" * 32
) -> list[tuple[str, str, str, dict[str, Any] | None]]:
    """Every route that needs a key: its scope, method, path and a good body, about merchant 1."""
    hooks = "/v1/merchants/1/webhooks"
    refund = {"order": order, "amount": "1", "signature": SIGNATURE, **TIMES}
    issue = {"order": order, "customer": "0x" + "aa" * 20, "points": "1", "evidence": "e"}
    shop = {"name": "n", "payout": "0x" + "bb" * 20, "paid_per_day": "1", "issued_per_day": "1"}
    reserve = {"program": INSTALMENTS, "amount": "1", "reference": "r", "evidence": "e"}
    return [
        ("orders:read", "GET", "/v1/orders", None),
        ("orders:read", "GET", f"/v1/orders/{order}", None),
        ("orders:read", "GET", "/v1/merchants/1/statements", None),
        ("orders:read", "GET", "/v1/stream", None),
        ("orders:write", "POST", "/v1/orders", {"reference": "new", "program": FEC, "points": "5"}),
        ("refunds:write", "GET", f"/v1/orders/{order}/refund-authorization?amount=1", None),
        ("refunds:write", "POST", "/v1/refunds", refund),
        ("issues:write", "POST", "/v1/issues", issue),
        ("keys:write", "GET", "/v1/merchants/1/keys", None),
        ("keys:write", "POST", "/v1/merchants/1/keys", {"name": "n", "scopes": ["orders:read"]}),
        ("keys:write", "DELETE", f"/v1/merchants/1/keys/{key}", None),
        ("webhooks:read", "GET", hooks, None),
        ("webhooks:write", "POST", hooks, HOOK),
        ("webhooks:read", "GET", f"{hooks}/{hook}", None),
        ("webhooks:write", "PATCH", f"{hooks}/{hook}", {"active": True}),
        ("webhooks:write", "POST", f"{hooks}/{hook}/rotate", {}),
        ("webhooks:write", "POST", f"{hooks}/{hook}/test", None),
        ("webhooks:read", "GET", f"{hooks}/{hook}/messages", None),
        ("webhooks:write", "POST", f"{hooks}/{hook}/messages/{message}/redeliver", None),
        ("webhooks:write", "DELETE", f"{hooks}/{hook}", None),
        ("merchants:write", "POST", "/v1/merchants", shop),
        ("merchants:write", "POST", "/v1/merchants/1/quota", {"amount": "1", "evidence": "e"}),
        ("merchants:write", "POST", "/v1/merchants/1/reserve", reserve),
        ("metrics:read", "GET", "/metrics", None),
        ("merchants:write", "POST", "/v1/merchants/1/gas", {"budget": "0.5"}),
        ("orders:read", "GET", "/v1/merchants/1/gas", None),
    ]


@pytest.fixture
def order(api: Api) -> str:
    body = {"reference": "secret", "program": FEC, "points": "5", "money": {"amount": "1.00", "currency": "USD"}}
    made: str = api.merchant(1).post("/v1/orders", body)["id"]
    return made


def send(client: Client, method: str, path: str, body: dict[str, Any] | None) -> Any:
    if path == "/v1/stream":
        return client.begin(path)
    return client.try_post(path, body) if method == "POST" else client.send(method, path, json=body)


def test_the_list_of_keyed_routes_is_whole(api: Api, order: str) -> None:
    paths = api.app.openapi()["paths"]
    keyed = {("GET", "/metrics")} | {
        (method.upper(), path)
        for path, methods in paths.items()
        for method, each in methods.items()
        if each.get("security")
    }
    names = ("{order_id}", "{key_id}", "{webhook_id}", "{message_id}")
    named = {(method, path.partition("?")[0]) for _, method, path, _ in keyed_requests(*names)}
    assert {(method, path.replace("/merchants/1", "/merchants/{merchant}")) for method, path in named} == keyed


def test_without_a_key_or_with_one_that_is_none(api: Api, order: str) -> None:
    for key in (None, "cp_made-up"):
        for _, method, path, body in keyed_requests(order, "key_" + "0" * 32):
            answer = send(Client(api.public.http, key), method, path, body)
            api.public.problem("unauthorized", 401, answer)
            assert answer.headers["www-authenticate"] == "Bearer"


def test_a_403_names_the_missing_scope(api: Api, order: str) -> None:
    for scope, method, path, body in keyed_requests(order, "key_" + "0" * 32):
        others = [each for each in ALL_SCOPES if each != scope]
        shop = api.merchant(1, *others)
        assert shop.problem("missing-scope", 403, send(shop, method, path, body))["missing_scope"] == scope


def test_one_scope_is_enough(api: Api, order: str) -> None:
    """Each route, with a key of nothing but its scope, comes past the door."""
    for scope, method, path, body in keyed_requests(order, "key_" + "0" * 32):
        client = api.operator if scope in (*OPERATORS, "keys:write") else api.merchant(1, scope)
        assert send(client, method, path, body).status_code not in (401, 403), path


def test_another_merchant_sees_nothing_of_it(api: Api, order: str) -> None:
    other = api.merchant(2)
    key = api.operator.post("/v1/merchants/1/keys", {"name": "till", "scopes": ["orders:read"]})
    hooks = "/v1/merchants/1/webhooks"
    owner = api.merchant(1)
    hook = owner.post(hooks, HOOK)["id"]
    message = owner.post(f"{hooks}/{hook}/test", {})["id"]
    for scope, method, path, body in keyed_requests(order, key["id"], hook, message):
        if scope in OPERATORS or path in ("/v1/orders", "/v1/stream"):
            continue
        other.problem("not-found", 404, send(other, method, path, body))
    assert other.get("/v1/orders")["items"] == []
    assert other.get("/v1/orders", reference="secret")["items"] == []
    shown = api.operator.get("/v1/merchants/1/keys")["items"]
    assert next(each for each in shown if each["id"] == key["id"])["revoked_at"] is None
    assert [each["id"] for each in owner.get(hooks)["items"]] == [hook]
    assert len(owner.get(f"{hooks}/{hook}/messages")["items"]) == 1


def test_the_same_reference_is_another_order_for_another_merchant(api: Api, order: str) -> None:
    made = api.merchant(2).post("/v1/orders", {"reference": "secret", "program": FEC, "points": "5"})
    assert made["id"] != order
    shop = api.merchant(1)
    answer = shop.try_post("/v1/orders", {"reference": "secret", "program": FEC, "points": "7"})
    assert shop.problem("order-exists", 409, answer)["order"] == order


def test_the_operator_has_no_orders_of_its_own(api: Api, order: str) -> None:
    answer = api.operator.try_post("/v1/orders", {"reference": "r", "program": FEC, "points": "5"})
    assert api.operator.problem("missing-scope", 403, answer)["missing_scope"] == "orders:write"
    assert [each["id"] for each in api.operator.get("/v1/orders")["items"]] == [order]


def test_a_revoked_key_ends_at_once(api: Api) -> None:
    made = api.operator.post("/v1/merchants/1/keys", {"name": "till", "scopes": ["orders:read"]})
    till = Client(api.public.http, made["secret"])
    assert till.get("/v1/orders")["items"] == []
    path = f"/v1/merchants/1/keys/{made['id']}"
    first, again = (api.operator.send("DELETE", path).json() for _ in range(2))
    assert first == again
    assert first["revoked_at"] is not None
    till.problem("unauthorized", 401, till.send("GET", "/v1/orders"))


def test_a_key_cannot_give_what_it_does_not_have(api: Api) -> None:
    shop = api.merchant(1, "keys:write", "orders:read")
    for scope, status in (("orders:read", 201), ("refunds:write", 403), ("merchants:write", 403), ("all:write", 422)):
        answer = shop.try_post("/v1/merchants/1/keys", {"name": "n", "scopes": [scope]})
        assert answer.status_code == status, scope
        if status == 403:
            assert shop.problem("scope-not-grantable", 403, answer)["missing_scope"] == scope
    answer = api.operator.try_post("/v1/merchants/1/keys", {"name": "n", "scopes": ["merchants:write"]})
    api.operator.problem("scope-not-grantable", 403, answer)


def test_keys_are_for_merchants_that_exist(api: Api) -> None:
    answer = api.operator.try_post("/v1/merchants/77/keys", {"name": "n", "scopes": ["orders:read"]})
    api.operator.problem("not-found", 404, answer)


def test_every_scope_is_used(api: Api, order: str) -> None:
    used = {scope for scope, *_ in keyed_requests(order, "k")}
    assert used == set(SCOPES)
