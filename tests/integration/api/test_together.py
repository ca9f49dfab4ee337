"""Payments that come at once are accepted in one transaction; each is checked, and refused, by itself."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import event, select

from builders import signer
from chain_rows import FEC
from chainpoints.api.deps import View
from chainpoints.api.routes import payments
from chainpoints.api.routes.authorizations import active_merchant
from chainpoints.store import tables
from chainpoints.store.gas import set_budget
from chainpoints.store.merchants import MerchantRow
from chainpoints.store.session import _lock_key
from gateway import Api, World

pytestmark = pytest.mark.integration

GOOD = 20


def order(api: Api, reference: str, points: str = "1.5", merchant: int = 1, **more: Any) -> dict[str, Any]:
    return api.merchant(merchant).post("/v1/orders", {"reference": reference, "program": FEC, "points": points} | more)


def signed(api: Api, made: dict[str, Any], payer: str = "alice", signed_by: str | None = None) -> dict[str, Any]:
    offer = api.public.get(f"/v1/orders/{made['id']}/authorization", payer=signer(payer).address)
    return World.signed(made["id"], payer, offer, signed_by=signed_by)


def sent_at_once(api: Api, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    """Somebody else holds the order of the first: the others come while it waits, and go together after it."""
    with ThreadPoolExecutor(len(bodies)) as threads:
        with api.store.write() as connection:
            api.store.hold(connection, f"order {bodies[0]['order']}")
            answers = [threads.submit(api.public.try_post, "/v1/payments", body) for body in bodies]
            time.sleep(1)
        return [answer.result() for answer in answers]


def test_each_of_them_has_the_answer_that_it_would_have_alone(api: Api) -> None:
    """What is wrong with some keeps none of the others, and one order is accepted once."""
    good = [signed(api, order(api, f"good-{number}")) for number in range(GOOD)]
    twice = signed(api, order(api, "twice"))
    refused = {
        "wrong-signature": (422, signed(api, order(api, "forged"), signed_by="bob")),
        "insufficient-points": (422, signed(api, order(api, "dear"), payer="penniless")),
        "authorization-not-valid-now": (422, signed(api, order(api, "late")) | {"valid_before": 1}),
        "not-found": (404, good[0] | {"order": "ord_" + "0" * 32}),
        "wrong-customer": (422, good[1] | {"order": order(api, "for-bob", customer="0x" + "b0" * 20)["id"]}),
    }
    statements: list[int] = []

    def executing(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.startswith("INSERT INTO idempotency"):
            statements.append(len(parameters) if many else 1)

    event.listen(api.store.engine, "before_cursor_execute", executing)
    answers = sent_at_once(api, [*good, twice, dict(twice), *(body for _, body in refused.values())])
    event.remove(api.store.engine, "before_cursor_execute", executing)

    accepted, both, wrong = answers[:GOOD], answers[GOOD : GOOD + 2], answers[GOOD + 2 :]
    assert {answer.status_code for answer in accepted} == {202}, [answer.text for answer in accepted]
    assert sorted(answer.status_code for answer in both) == [202, 409]
    (late,) = [answer for answer in both if answer.status_code == 409]
    (first,) = [answer.json() for answer in both if answer.status_code == 202]
    assert api.public.problem("attempt-pending", 409, late)["request"] == first["id"]
    for answer, (kind, (status, _)) in zip(wrong, refused.items(), strict=True):
        problem = api.public.problem(kind, status, answer)
        assert problem["read_at"]["block"] == first["read_at"]["block"]
    with api.store.read() as connection:
        paid = connection.execute(select(tables.relay_requests.c.id, tables.relay_requests.c.order_hash)).all()
    ids = {answer.json()["id"] for answer in accepted} | {first["id"]}
    assert ({row.id for row in paid}, len(paid), len({row.order_hash for row in paid})) == (ids, GOOD + 1, GOOD + 1)
    assert sum(statements) == GOOD + 1
    assert len(statements) < GOOD / 2, statements


def test_what_was_accepted_together_is_answered_again_by_its_key(api: Api) -> None:
    bodies = [signed(api, order(api, f"order-{number}")) for number in range(3)]
    with ThreadPoolExecutor(3) as threads:
        answers = list(
            threads.map(lambda body: api.public.try_post("/v1/payments", body, idempotency_key="the same"), bodies)
        )
    assert len({answer.json()["id"] for answer in answers}) == 3  # the key of somebody unknown is of its body alone
    for body, answer in zip(bodies, answers, strict=True):
        again = api.public.try_post("/v1/payments", body, idempotency_key="the same")
        assert (again.content, again.headers["idempotent-replayed"]) == (answer.content, "true")


def test_what_fails_unforeseen_fails_alone(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug that shows with one of them is the answer to that one."""
    bodies = [signed(api, order(api, f"order-{number}", merchant=1 + number % 2)) for number in range(7)]

    def failing(view: View, merchant: int) -> MerchantRow:
        if merchant == 2:
            raise RuntimeError("nobody thought of that")
        return active_merchant(view, merchant)

    monkeypatch.setattr(payments, "active_merchant", failing)
    statuses = [answer.status_code for answer in sent_at_once(api, bodies)]
    assert statuses == [202, 500] * 3 + [202]


def test_a_flood_for_one_order_holds_up_nobody_else(api: Api) -> None:
    """Each of the flood waits for its own transaction; who comes in between is in the next one."""
    flood, alone = signed(api, order(api, "flood")), signed(api, order(api, "alone"))
    answers = sent_at_once(api, [*(dict(flood) for _ in range(30)), alone])
    assert sorted(answer.status_code for answer in answers[:30]) == [202] + [409] * 29
    assert answers[30].status_code == 202
    ends = [answer.elapsed.total_seconds() for answer in answers]
    assert ends[30] < max(ends), ends


def test_who_holds_the_same_in_another_order_is_not_waited_for_in_a_circle(api: Api) -> None:
    """Both merchants have a budget of gas. Somebody holds one and then the other, in the order that all keep to, while
    payments to them wait, whichever comes first among these."""
    with api.store.write() as connection:
        for merchant in (1, 2):
            set_budget(connection, merchant, 10**12)
    for references in (("a", "b"), ("c", "d")):
        bodies = [signed(api, order(api, name, merchant=number)) for number, name in enumerate(references, start=1)]
        if references[0] == "c":
            bodies.reverse()
        blocker = signed(api, order(api, f"{references[0]}-first"))
        with ThreadPoolExecutor(3) as threads:
            with api.store.write() as connection:
                first, second = sorted(("gas 1", "gas 2"), key=lambda name: _lock_key(f"hold {name}"))
                api.store.hold(connection, first)
                answers = [threads.submit(api.public.try_post, "/v1/payments", body) for body in [blocker, *bodies]]
                time.sleep(0.5)
                api.store.hold(connection, second)
            assert [answer.result().status_code for answer in answers] == [202] * 3
