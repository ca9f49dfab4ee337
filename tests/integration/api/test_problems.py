"""T37, T38: whatever is sent, every error is one RFC 9457 problem, 4xx for bad input, and repeats nothing of it."""

from __future__ import annotations

import html
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from builders import ROOT, signer
from chain_rows import MANIFEST
from chainpoints.api.app import create_app
from chainpoints.api.errors import KINDS
from chainpoints.api.limits import Limits
from chainpoints.config import Settings
from chainpoints.store import tables
from chainpoints.store.session import Store
from gateway import Api, Client, serving
from relaying import eventually

pytestmark = pytest.mark.integration

MEMBERS = {"type", "title", "status", "detail", "instance"}


def assert_problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body: dict[str, Any] = answer.json()
    assert body.keys() >= MEMBERS
    assert body["status"] == answer.status_code
    assert body["instance"] == answer.request.url.raw_path.partition(b"?")[0].decode()
    assert body["type"].removeprefix("/problems/") in KINDS
    assert body["title"] == KINDS[body["type"].removeprefix("/problems/")][0]
    assert isinstance(body["detail"], str)
    assert body["detail"]
    return body


def filled(path: str, value: str) -> str:
    names = ("address", "node_id", "program", "merchant", "key_id", "order_id", "request_id", "webhook_id",
             "message_id")  # fmt: skip
    for name in names:
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path
    return path


MALFORMED = ["%00", "-1", "1e3", "0x", "9" * 400, "%F0%9F%92%A5", "%2E%2E", "' OR 1=1", "%ED%A0%80", "%0A", "٣"]


def test_every_route_answers_malformed_paths_and_bodies_with_a_problem(api: Api) -> None:
    for method, path in api.routes():
        options = {"json": {"a": 1}, "headers": {"idempotency-key": "x"}} if method == "POST" else {}
        for value in MALFORMED if "{" in path or method == "POST" else []:
            answer = api.operator.send(method, filled(path, value), **options)
            assert 400 <= answer.status_code < 500, (method, path, value, answer.text)
            assert_problem(answer)


def test_every_route_answers_other_methods_with_a_problem(api: Api) -> None:
    taken = set(api.routes())
    for _, path in sorted(taken):
        own = {method for method, each in taken if each == path}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - own:
            answer = api.public.send(method, filled(path, "1"))
            assert assert_problem(answer)["status"] == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == own, (method, path)


def test_unknown_addresses_and_trailing_slashes(api: Api) -> None:
    for path in ("/v1", "/v1/", "/v2/status", "/v1/status/", "/nothing", "/v1/wallets//nodes", "/problems/none"):
        assert assert_problem(api.public.send("GET", path))["status"] == 404


UNSENDABLE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"NaN",
    b"\xff\xfe",
    b'{"a":' * 5_000,
    b"[" * 60_000,
    b'"\\ud800"',
    b"9" * 5_000,
    b'{"reference": "\\u0000", "program": 1, "points": "1"}',
]


def test_bodies_that_are_no_request(api: Api) -> None:
    shop = api.merchant(1)
    headers = {"content-type": "application/json", "idempotency-key": "x"}
    for method, path in api.routes():
        for content in UNSENDABLE if method == "POST" else []:
            answer = shop.send("POST", filled(path, "1"), content=content, headers=headers)
            assert 400 <= answer.status_code < 500, (path, content[:50], answer.text)
            assert_problem(answer)


ORDER = {"reference": "r-1", "program": 1, "points": "5"}
BAD_FIELDS: list[tuple[str, Any]] = [
    ("points", 5),
    ("points", 5.0),
    ("points", "5e3"),
    ("points", "-5"),
    ("points", "+5"),
    ("points", " 5"),
    ("points", "5\n"),
    ("points", "05"),
    ("points", "5."),
    ("points", "0.0000001"),
    ("points", "NaN"),
    ("points", "9" * 14),
    ("points", "9000000000000.000001"),
    ("points", "٥"),
    ("points", True),
    ("program", "1"),
    ("program", 1.0),
    ("program", 2**32),
    ("program", -1),
    ("program", 10**400),
    ("program", None),
    ("reference", ""),
    ("reference", "a b"),
    ("reference", "a\u0000b"),
    ("reference", "ü"),
    ("reference", "x" * 65),
    ("reference", "\ud800"),
    ("customer", "0x12"),
    ("customer", "0x" + "g" * 40),
    ("money", {"amount": 5, "currency": "USD"}),
    ("money", {"amount": "5", "currency": "usd"}),
    ("money", {"amount": "1e5", "currency": "USD"}),
    ("money", {"amount": "5", "currency": "USD", "more": 1}),
    ("unknown", "field"),
]


def test_fields_that_are_not_of_their_form(api: Api) -> None:
    shop = api.merchant(1)
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    for name, value in BAD_FIELDS:
        answer = shop.send("POST", "/v1/orders", content=json.dumps(ORDER | {name: value}), headers=headers)
        body = assert_problem(answer)
        assert (answer.status_code, body["type"]) == (422, "/problems/invalid-request"), (name, value, body)
        assert name in body["detail"] or "points" in body["detail"], body
    assert shop.get("/v1/orders")["items"] == []


def test_the_same_order_without_fault_is_taken(api: Api) -> None:
    assert api.merchant(1).post("/v1/orders", ORDER)["status"] == "open"


def requests_with_a_value_each(api: Api) -> list[tuple[Client, str, dict[str, Any], tuple[str, ...], tuple[str, ...]]]:
    """Who may ask what, with a body that is of its form, and which fields of it are addresses and amounts of points."""
    shop, alice = api.merchant(1), api.alice
    in_points = shop.post("/v1/orders", ORDER)["id"]
    in_money = shop.post("/v1/orders", {"reference": "m", "program": 1, "money": {"amount": "5", "currency": "USD"}})
    authorization = {"order": in_points, "valid_after": 0, "valid_before": 1, "signature": "0x" + "11" * 65}
    issue = {"order": in_money["id"], "customer": alice, "points": "1", "node_total": "1", "program": 2}
    merchant = {"name": "third shop", "payout": alice, "paid_per_day": "1", "issued_per_day": "1"}
    reserve = {"program": 2, "amount": "1", "reference": "r", "evidence": "e"}
    new_order = ORDER | {"reference": "r-2", "customer": alice}
    return [
        (api.public, "/v1/payments", authorization | {"payer": alice}, ("payer",), ()),
        (shop, "/v1/issues", issue | {"evidence": "e"}, ("customer",), ("points", "node_total")),
        (api.public, "/v1/claims", {"wallet": alice}, ("wallet",), ()),
        (api.operator, "/v1/merchants", merchant, ("payout",), ("paid_per_day", "issued_per_day")),
        (shop, "/v1/orders", new_order, ("customer",), ("points",)),
        (shop, "/v1/refunds", authorization | {"amount": "1"}, (), ("amount",)),
        (api.operator, "/v1/merchants/1/quota", {"amount": "1", "evidence": "e"}, (), ("amount",)),
        (api.operator, "/v1/merchants/1/reserve", reserve, (), ("amount",)),
    ]


MALFORMED_ADDRESSES = ["", "0x", "0x12", "ab" * 20, "0x" + "ab" * 21, "0x" + "gg" * 20, " 0x" + "ab" * 20, "alice.eth"]
WRONG_CHECKSUM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"
"""EIP-55's first example with its last letter in the other case."""


def test_what_is_no_address_is_refused_in_every_body_and_does_nothing(api: Api) -> None:
    asked = requests_with_a_value_each(api)
    for client, path, body, addresses, _ in asked:
        for name in addresses:
            for value in [*MALFORMED_ADDRESSES, 5, ["0x" + "ab" * 20]]:
                problem = client.problem("invalid-request", 422, client.try_post(path, body | {name: value}))
                assert [each["field"] for each in problem["errors"]] == [f"body.{name}"], (path, value)
            problem = client.problem("invalid-request", 422, client.try_post(path, body | {name: WRONG_CHECKSUM}))
            assert "EIP-55" in problem["detail"], path
            assert WRONG_CHECKSUM not in json.dumps(problem)
    assert_nothing_was_done(api)


def test_a_seventh_decimal_is_refused_in_every_body_and_does_nothing(api: Api) -> None:
    asked = requests_with_a_value_each(api)
    for client, path, body, _, amounts in asked:
        for name in amounts:
            for value in ("1.0000001", "0.0000001", "1.0000000"):
                problem = client.problem("invalid-request", 422, client.try_post(path, body | {name: value}))
                assert [each["field"] for each in problem["errors"]] == [f"body.{name}"], (path, value)
    assert_nothing_was_done(api)


def test_an_address_with_its_checksum_is_taken_and_told_in_lower_case(api: Api) -> None:
    order = api.merchant(1).post("/v1/orders", ORDER | {"customer": WRONG_CHECKSUM[:-1] + "d"})
    assert order["customer"] == WRONG_CHECKSUM.lower()
    paths = (f"/v1/wallets/{WRONG_CHECKSUM}", f"/v1/transfers?sender={WRONG_CHECKSUM}")
    for path in (*paths, f"/v1/claims?owner={WRONG_CHECKSUM}", f"/v1/wallets/{WRONG_CHECKSUM}/nodes"):
        assert "EIP-55" in api.public.problem("invalid-request", 422, api.public.send("GET", path))["detail"]


def assert_nothing_was_done(api: Api) -> None:
    with api.store.read() as connection:
        assert connection.execute(select(tables.relay_requests.c.id)).all() == []
        references = connection.scalars(select(tables.orders.c.reference)).all()
    assert sorted(references) == ["m", "r-1"]


def test_amounts_of_zero_are_refused_with_words(api: Api) -> None:
    shop = api.merchant(1)
    free = {"reference": "r", "program": 1}
    for price in ({"points": "0"}, {"points": "0.000000"}, {"money": {"amount": "0.00", "currency": "USD"}}):
        body = shop.problem("zero-amount", 422, shop.try_post("/v1/orders", free | price))
        assert "0" in body["detail"]
    shop.problem("invalid-request", 422, shop.try_post("/v1/orders", free))
    shop.problem("below-minimum", 422, shop.try_post("/v1/orders", free | {"points": "0.999999"}))
    assert shop.post("/v1/orders", free | {"points": "1"})["points"] == "1.000000"


QUERIES = [
    "finality=never",
    "limit=0",
    "limit=201",
    "limit=1e2",
    "cursor=%00",
    "cursor=AAAA",
    "unknown=1",
    "merchant=-1",
]
CURSORS = ["LTE6MA", "MTpvcmRfMQ", "OTk5OTk5OTk5OTk5OTk5OTk5OTk6MQ", "Ojo6", "!", "MTo", "w7w6w7w"]
"""-1:0, 1:ord_1, a number of 20 digits, ::: and so on: no list gave them."""


def test_queries_and_cursors_that_are_not_of_their_form(api: Api) -> None:
    for query in [*QUERIES, *(f"cursor={cursor}" for cursor in CURSORS)]:
        answer = api.public.send("GET", f"/v1/payments?{query}")
        assert answer.status_code == 422, query
        assert_problem(answer)
    for path in ("/v1/merchants", "/v1/orders"):
        for cursor in CURSORS:
            answer = api.operator.send("GET", path, params={"cursor": cursor})
            assert answer.status_code in (200, 422), (path, cursor, answer.text)


def test_a_body_that_is_too_large(api: Api) -> None:
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    for content in (b"x" * 65_537, iter([b"x" * 40_000] * 2)):
        answer = api.merchant(1).send("POST", "/v1/orders", content=content, headers=headers)
        assert answer.status_code == 413
        assert assert_problem(answer)["type"] == "/problems/body-too-large"


def test_what_was_sent_is_not_repeated(api: Api) -> None:
    secret = "cp_this-must-not-come-back"
    answer = api.merchant(1).try_post("/v1/orders", ORDER | {"points": secret, "customer": secret})
    assert answer.status_code == 422
    assert secret not in answer.text


def test_every_kind_that_the_api_names_is_in_the_list() -> None:
    """A kind that is not would end in a 500."""
    source = "".join(file.read_text() for file in (ROOT / "src/chainpoints/api").rglob("*.py"))
    named = set(re.findall(r'(?:RequestRefused|problem)\([^"]*?\d{3},\s*"([a-z-]+)"', source))
    assert len(named) > 25
    assert named <= set(KINDS)


def test_every_kind_of_problem_is_explained(api: Api) -> None:
    for kind, (title, advice) in KINDS.items():
        page = api.public.send("GET", f"/problems/{kind}")
        assert page.status_code == 200
        assert title in html.unescape(page.text)
        assert advice in html.unescape(page.text)


def test_a_burst_is_refused_with_429_and_told_when_to_come_back(rows: Store, settings: Settings) -> None:
    app = create_app(settings, MANIFEST, rows, limits=Limits(per_second=0.01, burst=5))
    with serving(app) as url, httpx.Client(base_url=url) as http:
        answers = [http.get("/v1/status") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert answers[0].headers["ratelimit-policy"] == '"default";q=5;w=500'
    assert answers[0].headers["ratelimit"].startswith('"default";r=4;')
    assert answers[-1].headers["retry-after"] == "1"
    assert assert_problem(answers[-1])["type"] == "/problems/rate-limited"


def test_more_at_once_than_can_be_worked_on_is_429_and_slow_clients_take_no_place(
    rows: Store, settings: Settings
) -> None:
    app = create_app(settings, MANIFEST, rows, limits=Limits(at_once=2))
    body = {"wallet": signer("alice").address}
    with serving(app) as url, httpx.Client(base_url=url) as http, ThreadPoolExecutor(30) as threads:
        host, port = url.removeprefix("http://").split(":")
        slow = [socket.create_connection((host, int(port))) for _ in range(5)]
        for each in slow:  # more than are worked on at once
            each.sendall(b"POST /v1/claims HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        assert http.get("/v1/status").status_code == 200
        with rows.write() as connection:  # so that those that are worked on wait
            rows.hold(connection, f"claim {body['wallet']}")
            answers = [threads.submit(Client(http).try_post, "/v1/claims", body) for _ in range(20)]
            eventually(lambda: sum(each.done() for each in answers) == 18)
        found = [each.result() for each in answers]
        for each in slow:
            each.close()
        assert sorted(answer.status_code for answer in found) == [422] * 2 + [429] * 18
        one = next(answer for answer in found if answer.status_code == 429)
        assert one.headers["retry-after"] == "1"
        assert assert_problem(one)["type"] == "/problems/rate-limited"
        assert http.get("/v1/status").status_code == 200


def test_an_index_that_has_not_begun_is_503(store: Store, settings: Settings) -> None:
    with serving(create_app(settings, MANIFEST, store)) as url, httpx.Client(base_url=url) as http:
        for path in ("/v1/status", "/v1/wallets/0x" + "aa" * 20, "/v1/payments"):
            answer = http.get(path)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert "chainpoints index" in assert_problem(answer)["detail"]


def test_a_database_that_is_gone_is_503_without_its_address(rows: Store, settings: Settings) -> None:
    """The database ends under the running API."""
    app = create_app(settings, MANIFEST, rows)
    with serving(app) as url, httpx.Client(base_url=url) as http:
        assert http.get("/v1/status").status_code == 200
        _take_away(rows)
        client = Client(http)
        for answer in (client.send("GET", "/v1/payments"), client.try_post("/v1/claims", {"wallet": "0x" + "00" * 20})):
            assert answer.status_code == 503, answer.text
            body = assert_problem(answer)
            assert body["type"] == "/problems/unavailable"
            assert str(rows.engine.url.database) not in answer.text


def _take_away(store: Store) -> None:
    store.engine.dispose()
    if store.is_sqlite:
        from pathlib import Path

        file = Path(str(store.engine.url.database))
        for each in file.parent.glob(f"{file.name}*"):
            each.unlink()
        file.mkdir()
        return
    import psycopg

    url = store.engine.url
    address = f"postgresql://{url.username}@{url.host}:{url.port}/postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false')
