"""T32: one Idempotency-Key, one effect, one answer; also in a race of 50, after a restart, and beside a failure."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from chain_rows import FEC, MANIFEST
from chainpoints.api.app import create_app
from chainpoints.store import tables
from gateway import Api, Client, serving

pytestmark = pytest.mark.integration

ORDER = {"reference": "r-1", "program": 1, "points": "5"}


def count(api: Api, table: Any) -> int:
    with api.store.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


NEED_NONE = {"/v1/x402/verify", "/v1/x402/settle"}
"""By x402, which has no such key: the one changes nothing, the other is done once for each signed transfer."""


def test_every_post_needs_a_key(api: Api) -> None:
    asked = set()
    for path, methods in api.app.openapi()["paths"].items():
        if "post" not in methods or path in NEED_NONE:
            continue
        named = {each["name"]: each["example"] for each in methods["post"].get("parameters", [])}
        body = methods["post"].get("requestBody", {"content": {"application/json": {"example": {}}}})
        example = body["content"]["application/json"]["example"]

        def send(path: str = path.format_map(named), body: Any = example, **headers: bytes) -> httpx.Response:
            return api.operator.send("POST", path, json=body, headers=headers)

        api.operator.problem("idempotency-key-missing", 400, send())
        for bad in ("", "x" * 256, "ä"):
            answer = send(**{"idempotency-key": bad.encode("latin-1")})
            api.operator.problem("idempotency-key-invalid", 400, answer)
        asked.add(path)
    assert len(asked) >= 19


def test_the_same_request_is_answered_again_without_a_second_effect(api: Api) -> None:
    shop = api.merchant(1)
    first = shop.try_post("/v1/orders", ORDER, idempotency_key="k-1")
    again = shop.try_post("/v1/orders", ORDER, idempotency_key='"k-1"')  # quoted, as the draft writes it
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert count(api, tables.orders) == 1


def test_the_same_key_with_another_body_or_address_is_422(api: Api) -> None:
    shop = api.merchant(1)
    order = shop.try_post("/v1/orders", ORDER, idempotency_key="k")
    body = {"order": order.json()["id"], "customer": api.alice, "points": "1", "evidence": "x"}
    for answer in (
        shop.try_post("/v1/orders", ORDER | {"points": "6"}, idempotency_key="k"),
        shop.try_post("/v1/issues", body, idempotency_key="k"),
    ):
        shop.problem("idempotency-key-reused", 422, answer)
    assert count(api, tables.orders) == 1
    assert count(api, tables.relay_requests) == 0


def test_keys_of_two_callers_do_not_meet(api: Api) -> None:
    answers = [api.merchant(number).try_post("/v1/orders", ORDER, idempotency_key="k") for number in (1, 2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]


def test_a_refused_request_may_be_sent_again_with_its_key(api: Api) -> None:
    shop = api.merchant(1)
    shop.problem("unknown-program", 422, shop.try_post("/v1/orders", ORDER | {"program": 9}, idempotency_key="k"))
    assert shop.try_post("/v1/orders", ORDER, idempotency_key="k").status_code == 201


def test_fifty_at_once_have_one_effect_and_one_answer(api: Api) -> None:
    """Those that come while the first is answered get 409 and the same answer later."""
    shop = api.merchant(1)

    def until_answered(_: int) -> tuple[int, bytes, bool]:
        while True:
            answer = shop.try_post("/v1/orders", ORDER, idempotency_key="race")
            if answer.status_code != 409:
                return answer.status_code, answer.content, "idempotent-replayed" in answer.headers
            assert answer.json()["type"] == "/problems/request-in-flight"
            assert answer.headers["retry-after"] == "1"
            time.sleep(0.05)

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(until_answered, range(50)))
    assert {status for status, _, _ in answers} == {201}
    assert len({content for _, content, _ in answers}) == 1
    assert [replayed for _, _, replayed in answers].count(False) == 1
    assert count(api, tables.orders) == 1


def test_two_gateways_over_one_database_have_one_effect(api: Api) -> None:
    """No memory is shared between them: the database alone decides."""
    shop = api.merchant(1)
    with serving(create_app(api.settings, MANIFEST, api.store)) as url, httpx.Client(base_url=url, timeout=30) as http:
        clients = [shop, Client(http, shop.key)] * 10

        def ask(client: Client) -> tuple[int, bytes]:
            answer = client.try_post("/v1/orders", ORDER, idempotency_key="race")
            return answer.status_code, answer.content

        with ThreadPoolExecutor(len(clients)) as threads:
            answers = list(threads.map(ask, clients))
    assert {status for status, _ in answers} <= {201, 409}
    assert len({content for status, content in answers if status == 201}) == 1
    assert count(api, tables.orders) == 1


def test_concurrent_attempts_at_one_order_leave_one_request(api: Api) -> None:
    """T30: with keys of their own, 20 issues of one order; the others are told which one is on its way."""
    shop = api.merchant(1)
    money = {"amount": "9.99", "currency": "EUR"}
    order = shop.post("/v1/orders", {"reference": "r", "program": FEC, "money": money})
    body = {"order": order["id"], "customer": api.alice, "points": "1", "evidence": "receipt"}

    def issue(_: int) -> httpx.Response:
        return shop.try_post("/v1/issues", body)

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(issue, range(20)))
    accepted = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    assert len(accepted) == 1
    for answer in answers:
        if answer.status_code != 202:
            assert shop.problem("attempt-pending", 409, answer)["request"] == accepted[0]
    assert count(api, tables.relay_requests) == 1


def test_the_answer_stays_after_a_restart(api: Api) -> None:
    shop = api.merchant(1)
    first = shop.try_post("/v1/orders", ORDER, idempotency_key="k")
    with serving(create_app(api.settings, MANIFEST, api.store)) as url, httpx.Client(base_url=url) as http:
        again = Client(http, shop.key).try_post("/v1/orders", ORDER, idempotency_key="k")
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"


def test_a_replayed_key_creation_has_no_secret_and_none_is_stored(api: Api) -> None:
    body = {"name": "till", "scopes": ["orders:read"]}
    first = api.operator.post("/v1/merchants/1/keys", body, idempotency_key="k")
    again = api.operator.post("/v1/merchants/1/keys", body, idempotency_key="k")
    assert first["secret"].startswith("cp_")
    assert again == first | {"secret": None}
    with api.store.read() as connection:
        stored = connection.execute(select(tables.idempotency.c.body)).scalars().all()
        hashes = connection.execute(select(tables.api_keys.c.secret_hash)).scalars().all()
    assert not [body for body in [*stored, *hashes] if first["secret"] in body]
