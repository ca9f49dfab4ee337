"""What is told to who sent a value that is not of its form: words, never a pattern."""

from __future__ import annotations

from typing import Any

import pytest

from chainpoints.api.auth import SCOPES
from chainpoints.api.schemas.forms import WORDS as FORMS
from gateway import Api

pytestmark = pytest.mark.integration

ORDER = {"reference": "r-1", "program": 1, "points": "5"}
WORDS: list[tuple[str, Any, str]] = [
    ("points", "5e3", 'it must be a decimal string of points, at most 6 decimals, such as "12.5"'),
    ("customer", "alice.eth", "it must be 0x and 40 hex digits"),
    ("reference", "a b", "it must be 1 to 64 printable ASCII characters without spaces"),
    ("money", {"amount": "1e5", "currency": "USD"}, 'it must be a decimal string, at most 8 decimals, such as "12.99"'),
    ("money", {"amount": "5", "currency": "usd"}, "it must be three capital letters, such as USD"),
]


@pytest.mark.parametrize(("name", "value", "words"), WORDS)
def test_a_field_that_is_not_of_its_form_is_told_in_words(api: Api, name: str, value: Any, words: str) -> None:
    answer = api.merchant(1).try_post("/v1/orders", ORDER | {name: value})
    problem = api.public.problem("invalid-request", 422, answer)
    (error,) = problem["errors"]
    assert error["field"].startswith(f"body.{name}")
    assert error["message"] == words


def test_a_scope_that_is_none_is_told_which_there_are(api: Api) -> None:
    answer = api.operator.try_post("/v1/merchants/1/keys", {"name": "till", "scopes": ["orders"]})
    (error,) = api.operator.problem("invalid-request", 422, answer)["errors"]
    assert error["message"] == f"it must be one of {', '.join(SCOPES)}"


def test_ids_in_paths_too(api: Api) -> None:
    shop = api.merchant(1)
    for path, words in (
        ("/v1/orders/ord_1", "ord_ and 32 hex digits"),
        ("/v1/requests/1", "a UUID"),
        ("/v1/wallets/me", "0x and 40 hex digits"),
        ("/v1/nodes/one", "token id"),
    ):
        assert words in shop.problem("invalid-request", 422, shop.send("GET", path))["detail"], path
    answer = shop.send("DELETE", "/v1/merchants/1/keys/1")
    assert "key_ and 32 hex digits" in shop.problem("invalid-request", 422, answer)["detail"]


def test_no_pattern_is_told(api: Api) -> None:
    for component in api.app.openapi()["components"]["schemas"].values():
        for field in component.get("properties", {}).values():
            forms = [field, field.get("items", {}), *field.get("anyOf", [])]
            for pattern in (form["pattern"] for form in forms if "pattern" in form):
                assert pattern in FORMS or component["title"] not in taken(api), (component["title"], pattern)


def taken(api: Api) -> set[str]:
    """The shapes of bodies that are sent to the API."""
    names = {"Money"}
    for operations in api.app.openapi()["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                names.add(content["schema"]["$ref"].rpartition("/")[2])
    assert len(names) > 5
    return names


@pytest.mark.parametrize("content", [b"{", b'{"reference": "r-1",}', b"reference=r-1", b"NaN nonsense"])
def test_what_is_no_json_cannot_be_read(api: Api, content: bytes) -> None:
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    shop = api.merchant(1)
    problem = shop.problem("unreadable-body", 400, shop.send("POST", "/v1/orders", content=content, headers=headers))
    assert "is not JSON" in problem["detail"]
    assert "errors" not in problem


@pytest.mark.parametrize("header", [{}, {"content-type": "application/x-www-form-urlencoded"}])
def test_what_is_not_said_to_be_json_cannot_be_read(api: Api, header: dict[str, str]) -> None:
    shop = api.merchant(1)
    content = b'{"reference": "r-1", "program": 1, "points": "5"}'
    answer = shop.send("POST", "/v1/orders", content=content, headers={"idempotency-key": "k"} | header)
    assert "content-type: application/json" in shop.problem("unreadable-body", 415, answer)["detail"]


def test_an_order_with_both_prices_is_settled_by_what_comes_first(api: Api) -> None:
    """Issued for money: a payment in points is refused from then on."""
    shop = api.merchant(1)
    both = ORDER | {"money": {"amount": "12.99", "currency": "USD"}}
    order = shop.post("/v1/orders", both)
    assert (order["points"], order["money"]) == ("5.000000", both["money"])
    authorization = f"/v1/orders/{order['id']}/authorization?payer={api.alice}"
    assert shop.send("GET", authorization).status_code == 200
    shop.post("/v1/issues", {"order": order["id"], "customer": api.alice, "points": "1", "evidence": "till 7"})
    payment = {
        "order": order["id"],
        "payer": api.alice,
        "valid_after": 0,
        "valid_before": 1,
        "signature": "0x" + "11" * 65,
    }
    shop.problem("attempt-pending", 409, shop.try_post("/v1/payments", payment))
