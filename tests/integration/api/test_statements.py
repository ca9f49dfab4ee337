"""Statements: double entry that agrees with the chain, in whichever pieces of time it is asked for."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from builders import private_key, signer
from chain_rows import ChainRows, timestamp
from chainpoints.chain.signatures import sign
from chainpoints.domain.statement import ACCOUNTS
from chainpoints.types import parse_points
from gateway import DAY, INSTALMENTS, Api, Client, World

pytestmark = pytest.mark.integration

Amounts = dict[str, int]


def units(amounts: dict[str, str]) -> Amounts:
    return {name: units_of(amounts[name]) for name in ACCOUNTS}


def units_of(text: str) -> int:
    return -parse_points(text[1:]) if text.startswith("-") else parse_points(text)


def refund(world: World, shop: Client, order: str, amount: str) -> None:
    offer = shop.get(f"/v1/orders/{order}/refund-authorization", amount=amount)
    body = {name: offer[name] for name in ("order", "valid_after", "valid_before")} | {"amount": amount}
    world.mined(shop.post("/v1/refunds", body | {"signature": sign(offer["typed_data"], private_key("shop"))}))


def assert_books_close(statement: dict[str, Any]) -> None:
    opening, closing = units(statement["opening"]), units(statement["closing"])
    entries = [units(entry["amounts"]) for entry in statement["entries"]]
    for each in (opening, closing, *entries):
        assert sum(each.values()) == 0
    for account in ACCOUNTS:
        assert opening[account] + sum(entry[account] for entry in entries) == closing[account], account


def test_every_movement_is_booked_and_the_balances_are_the_chains(world: World) -> None:
    number, shop = world.merchant("shop")
    world.merchant("another shop")
    path, now = f"/v1/merchants/{number}/statements", world.deployment.anvil.now
    world.issue(shop, "alice", "900", "till-1")
    first = world.pay(shop, "alice", "500.000007", "web-1")
    refund(world, shop, first["id"], "100.000003")
    world.move_to(now() + DAY)
    middle = now()
    world.pay(shop, "alice", "100", "=web-2")
    reserve = {"program": INSTALMENTS, "amount": "70", "reference": "r-1", "evidence": "e"}
    world.mined(world.operator.post(f"/v1/merchants/{number}/reserve", reserve))
    more = {"amount": "12.5", "evidence": "another receipt"}
    world.mined(world.operator.post(f"/v1/merchants/{number}/quota", more))

    # then: all of it
    whole = shop.get(path)
    assert_books_close(whole)
    assert [entry["kind"] for entry in whole["entries"]] == ["quota", "issue", "payment", "refund", "payment"] + [
        "quota",
        "quota",
    ]
    assert whole["opening"] == dict.fromkeys(ACCOUNTS, "0.000000")
    closing = whole["closing"]
    assert closing["quota"] == shop.get(f"/v1/merchants/{number}")["quota"] == "99042.500000"
    assert closing["sales"] == world.public.get(f"/v1/wallets/{signer('shop').address}")["balance"]
    assert closing["nodes"] == world.public.get("/v1/totals")["diverted"]
    assert units_of(closing["operator"]) == -parse_points("99942.5")
    assert whole["entries"][2]["reference"] == "web-1"

    # and: the same in two pieces
    before, after = shop.get(path, to=middle), shop.get(path, **{"from": middle})
    for piece in (before, after):
        assert_books_close(piece)
    assert before["closing"] == after["opening"]
    assert before["entries"] + after["entries"] == whole["entries"]
    assert after["closing"] == closing

    # and: as a table
    answer = shop.send("GET", path, params={"format": "csv", "from": middle})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [line["kind"] for line in lines] == ["opening", "payment", "quota", "quota", "closing"]
    for account in ACCOUNTS:
        *amounts, last = [units_of(line[account]) for line in lines]
        assert sum(amounts) == last
    assert lines[1]["reference"] == "'=web-2"


def test_the_ends_of_its_time(api: Api) -> None:
    """`from` is part of it and `to` is not; a time in which nothing was, or that is to come, is empty."""
    with api.store.write() as connection:
        rows = ChainRows(connection)
        for block in (5, 6, 7):
            rows.payment(block, "0x" + "11" * 32, api.alice, 1_000_000)
    shop = api.merchant(1)

    def blocks(**query: int) -> list[int]:
        answer = shop.get("/v1/merchants/1/statements", **query)
        assert_books_close(answer)
        return [entry["block"] for entry in answer["entries"] if entry["kind"] == "payment"]

    assert blocks(**{"from": timestamp(6), "to": timestamp(7)}) == [6]
    assert blocks(**{"from": timestamp(6) + 1, "to": timestamp(7) + 1}) == [7]
    assert blocks(**{"from": timestamp(6), "to": timestamp(6)}) == []
    assert blocks(**{"from": timestamp(7), "to": timestamp(5)}) == []
    assert blocks(**{"from": timestamp(400)}) == []
    assert blocks(to=1) == []
    assert blocks() == [5, 6, 7]
    other = api.merchant(2)
    other.problem("not-found", 404, other.send("GET", "/v1/merchants/1/statements"))


def test_more_entries_than_the_limit_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as the limit are answered. A change of quota is an entry too: in block 1 there is one."""
    path, shop, order = "/v1/merchants/1/statements", api.merchant(1), "0x" + "11" * 32
    with api.store.write() as connection:
        rows = ChainRows(connection)
        for block in (5, 6, 7):
            rows.payment(block, order, api.alice, 1_000_000)

    # when: they are just the limit, they should be answered
    monkeypatch.setattr("chainpoints.api.routes.statements.MOST_ENTRIES", 4)
    whole = shop.get(path)
    assert_books_close(whole)
    assert [entry["block"] for entry in whole["entries"]] == [1, 5, 6, 7]

    # when: there is one payment more, they should be refused, in either form; a shorter time is answered
    with api.store.write() as connection:
        ChainRows(connection).payment(8, order, api.alice, 1_000_000)
    for form in ("json", "csv"):
        refused = shop.problem("statement-too-large", 422, shop.send("GET", path, params={"format": form}))
        assert refused["most"] == 4
    assert [entry["block"] for entry in shop.get(path, **{"from": timestamp(5)})["entries"]] == [5, 6, 7, 8]

    # when: the payments are just the limit, the change of quota should be the one too many
    monkeypatch.setattr("chainpoints.api.routes.statements.MOST_ENTRIES", 3)
    assert len(shop.get(path, **{"from": timestamp(5), "to": timestamp(8)})["entries"]) == 3
    assert shop.problem("statement-too-large", 422, shop.send("GET", path, params={"to": timestamp(8)}))["most"] == 3
