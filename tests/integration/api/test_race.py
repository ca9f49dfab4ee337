"""Requests that come at once: one order is paid once, whoever asks how often; one key is answered by one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from sqlalchemy import func, select

from builders import signer
from chain_rows import FEC, MANIFEST
from chainpoints.api.app import create_app
from chainpoints.config import Secret
from chainpoints.store import tables
from chainpoints.store.session import Store
from gateway import Api, Client, World, serving
from log_sums import log_sums

pytestmark = pytest.mark.integration

THREADS = 100
AT_ONCE = 50
KEYS = int(os.environ.get("CHAINPOINTS_TEST_RACE", "20"))


def test_a_hundred_at_once_pay_an_order_once(world: World) -> None:
    """Half of them repeat one Idempotency-Key, half have each its own."""
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "500", "till-1")
    order = shop.post("/v1/orders", {"reference": "web-1", "program": FEC, "points": "200.5"})
    payment = world.payment(order, "alice")

    def pay(number: int) -> httpx.Response:
        key = "the same" if number % 2 else f"own {number}"
        return world.public.try_post("/v1/payments", payment, idempotency_key=key)

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(pay, range(THREADS)))
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} <= {202, 409, 429}, {answer.text for answer in answers}
    assert len({answer.content for answer in accepted}) == 1
    assert len({answer.request.headers["idempotency-key"] for answer in accepted}) == 1
    for answer in answers:
        if answer.status_code == 409:
            kinds = ("request-in-flight", "attempt-pending", "order-already-paid")
            assert answer.json()["type"].removeprefix("/problems/") in kinds, answer.text
    mined = world.mined(accepted[0].json())
    world.read_all()
    world.public.problem("order-already-paid", 409, pay(THREADS))
    with world.store.read() as connection:
        requests = connection.scalars(
            select(tables.relay_requests.c.id).where(tables.relay_requests.c.kind == "payment")
        ).all()
        (paid,) = connection.execute(select(tables.payments.c.amount, tables.payments.c.transaction_hash)).all()
    assert [str(request) for request in requests] == [mined["id"]]
    assert tuple(paid) == (200_500_000, mined["transaction"])
    contracts = {name: contract.address for name, contract in world.deployment.manifest.contracts.items()}
    sums = log_sums(world.deployment.anvil.url, contracts)
    assert (sums["payments"], sums["paid"]) == (1, 200_500_000)
    assert world.public.get(f"/v1/wallets/{signer('alice').address}")["balance"] == "299.500000"


def test_t07_fifty_refunds_at_once_give_back_no_more_than_was_paid(world: World) -> None:
    """Signed for a third each, all with keys of their own: one after the other three of them can be carried out."""
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "500", "till-1")
    paid = world.pay(shop, "alice", "90", "web-1")

    for number in range(1, 4):
        body = world.refund(shop, paid["id"], "30", payout="shop")
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers = list(threads.map(lambda _, body=body: shop.try_post("/v1/refunds", body), range(AT_ONCE)))
        accepted = [answer for answer in answers if answer.status_code == 202]
        assert len(accepted) == 1, {answer.text for answer in answers}
        assert {answer.status_code for answer in answers} <= {202, 409, 422, 429}
        world.mined(accepted[0].json())
        assert world.public.get("/v1/totals")["refunded"] == f"{30 * number}.000000"
    answer = shop.send("GET", f"/v1/orders/{paid['id']}/refund-authorization?amount=0.000001")
    assert shop.problem("refund-too-large", 422, answer)["left"] == "0.000000"
    contracts = {name: contract.address for name, contract in world.deployment.manifest.contracts.items()}
    sums = log_sums(world.deployment.anvil.url, contracts)
    assert (sums["paid"], sums["refunded"]) == (90_000_000, 90_000_000)


def test_a_key_whose_request_is_being_answered_is_409_until_it_is(api: Api) -> None:
    """The order is held by somebody else, so the first of two cannot end before the second was refused."""
    shop = api.merchant(1)
    money = {"amount": "9.99", "currency": "EUR"}
    order = shop.post("/v1/orders", {"reference": "r", "program": FEC, "money": money})
    body = {"order": order["id"], "customer": api.alice, "points": "1", "evidence": "receipt"}

    def issue() -> httpx.Response:
        return shop.try_post("/v1/issues", body, idempotency_key="k")

    with ThreadPoolExecutor(2) as threads:
        with api.store.write() as connection:
            api.store.hold(connection, f"order {order['id']}")
            both = [threads.submit(issue) for _ in range(2)]
            done, waiting = wait(both, timeout=8, return_when=FIRST_COMPLETED)
            assert (len(done), len(waiting)) == (1, 1)
            refused = done.pop().result()
            shop.problem("request-in-flight", 409, refused)
            assert refused.headers["retry-after"] == "1"
            (first,) = waiting
            assert not first.done()
        answer = first.result(timeout=20)
    assert answer.status_code == 202, answer.text
    assert "idempotent-replayed" not in answer.headers
    again = issue()
    assert (again.status_code, again.content) == (202, answer.content)
    assert again.headers["idempotent-replayed"] == "true"
    with api.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.relay_requests)) == 1


@pytest.mark.parametrize("servers", [1, 2])
def test_fifty_at_once_with_each_of_many_keys_have_one_effect_each(api: Api, database: Secret, servers: int) -> None:
    """T32, by one server or by two of the same database. What is not answered with the one body is told to come again.
    The long form has 200 keys."""
    shop = api.merchant(1)
    with ExitStack() as others, ThreadPoolExecutor(AT_ONCE) as threads:
        shops = [shop, *(others.enter_context(at_another_server(api, database, shop)) for _ in range(servers - 1))]

        def make(number: int) -> httpx.Response:
            key = number // AT_ONCE
            body = {"reference": f"r-{key}", "program": FEC, "points": "5"}
            try:
                return shops[number % servers].try_post("/v1/orders", body, idempotency_key=f"key {key}")
            except (httpx.ReadError, httpx.RemoteProtocolError):
                return make(number)  # the server closed an idle connection just then: the same key may be sent again

        answers = list(threads.map(make, range(KEYS * AT_ONCE)))
    made: dict[str, set[bytes]] = {}
    for answer in answers:
        if answer.status_code == 201:
            made.setdefault(answer.request.headers["idempotency-key"], set()).add(answer.content)
        else:
            shop.problem("request-in-flight", 409, answer)
    assert len(made) == KEYS
    assert {len(bodies) for bodies in made.values()} == {1}
    with api.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.orders)) == KEYS
        assert connection.scalar(select(func.count()).select_from(tables.idempotency)) == KEYS + 1  # and the shop's key


@contextmanager
def at_another_server(api: Api, database: Secret, shop: Client) -> Iterator[Client]:
    """The shop as a client of a second server on the same database."""
    store = Store(database)
    with serving(create_app(api.settings, MANIFEST, store)) as url, httpx.Client(base_url=url, timeout=30) as http:
        yield Client(http, shop.key)
    store.close()
