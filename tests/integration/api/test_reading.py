"""Answers are as of one block: finality, pages that survive a reorg, wallets, nodes, programs, merchants."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from builders import signer
from chain_rows import BLOCKS, DAY, EPOCH, FEC, FINAL, INSTALMENTS, SAFE, ChainRows, block_hash, timestamp
from chainpoints.api.schemas.chain import Wallet
from chainpoints.domain.schedule import FEC as FEC_SCHEDULE
from chainpoints.store import relay, relay_transactions, tables
from chainpoints.store.relay_transactions import Attempt, set_trouble
from chainpoints.types import ONE_POINT, NodeId, format_points
from gateway import Api

pytestmark = pytest.mark.integration

BOB = signer("bob").address
WEEK = 7 * DAY


def write(api: Api) -> Any:
    return api.store.write()


def test_status_says_the_block_the_finality_and_the_totals(api: Api) -> None:
    status = api.public.get("/v1/status")
    assert status["read_at"] == {
        "block": BLOCKS,
        "hash": block_hash(BLOCKS),
        "timestamp": timestamp(BLOCKS),
        "finality": "head",
        "chain": "eip155:31337",
    }
    assert status["index"]["lag"] == 0
    assert status["open_requests"] == 0
    assert status["index"]["halted"] is None
    totals = api.public.get("/v1/totals")
    assert totals["read_at"] == status["read_at"]
    assert totals["supply"] == "1000.000000"
    assert totals["payments"] == 0
    assert {totals[name] for name in ("paid", "refunded", "issued", "diverted")} == {"0.000000"}


def test_a_halted_index_says_why(api: Api) -> None:
    with write(api) as connection:
        connection.execute(tables.chain_state.update().values(halted="a reorg below finality"))
    assert api.public.get("/v1/status")["index"]["halted"] == "a reorg below finality"


def test_an_index_that_waits_for_its_providers_says_so(api: Api) -> None:
    assert api.public.get("/v1/status")["index"]["trouble"] is None
    with write(api) as connection:
        connection.execute(tables.chain_state.update().values(trouble="block 7 is two blocks"))
    assert api.public.get("/v1/status")["index"]["trouble"] == "block 7 is two blocks"


def test_status_shows_each_lane_and_what_stands_in_its_way(api: Api) -> None:
    assert api.public.get("/v1/status")["lanes"] == []
    with write(api) as connection:
        set_trouble(connection, "relayer", signer("relayer").address, None)
        set_trouble(connection, "issuer", signer("issuer").address, "the issuer account needs ETH; send it ETH")
    assert api.public.get("/v1/status")["lanes"] == [
        {
            "name": "issuer",
            "sender": signer("issuer").address,
            "trouble": "the issuer account needs ETH; send it ETH",
        },
        {"name": "relayer", "sender": signer("relayer").address, "trouble": None},
    ]
    with write(api) as connection:
        set_trouble(connection, "issuer", signer("issuer").address, None)
    assert [lane["trouble"] for lane in api.public.get("/v1/status")["lanes"]] == [None, None]


@pytest.mark.parametrize(
    ("finality", "block", "balance"),
    [("head", BLOCKS, "7.000000"), ("safe", SAFE, "5.000000"), ("final", FINAL, "3.000000")],
)
def test_finality_reads_as_of_the_highest_block_that_is_so_final(
    api: Api, finality: str, block: int, balance: str
) -> None:
    with write(api) as connection:
        rows = ChainRows(connection)
        for at, amount in ((FINAL, 3), (SAFE, 5), (SAFE + 1, 7)):
            rows.balance(BOB, amount * ONE_POINT, block=at)
    wallet = api.public.get(f"/v1/wallets/{BOB}", finality=finality)
    assert (wallet["read_at"]["block"], wallet["read_at"]["finality"]) == (block, finality)
    assert wallet["balance"] == balance


def test_what_is_asked_for_at_head_tells_when_it_is_final_already(api: Api) -> None:
    with write(api) as connection:
        connection.execute(tables.chain_state.update().values(safe=BLOCKS, final=BLOCKS))
    assert api.public.get("/v1/status")["read_at"]["finality"] == "final"


def test_no_block_is_final_yet(api: Api) -> None:
    with write(api) as connection:
        connection.execute(tables.chain_state.update().values(safe=0, final=0))
    api.public.problem("unavailable", 503, api.public.send("GET", f"/v1/wallets/{BOB}?finality=final"))


def test_a_wallet_that_never_held_anything_is_empty(api: Api) -> None:
    wallet = api.public.get(f"/v1/wallets/{BOB.upper().replace('0X', '0x')}")
    assert wallet["account"] == f"eip155:31337:{BOB}"
    assert [wallet[name] for name in ("balance", "claimable", "committed", "nodes", "next_release")] == [
        "0.000000", "0.000000", "0.000000", 0, None,
    ]  # fmt: skip
    assert api.public.get(f"/v1/wallets/{BOB}/nodes")["items"] == []
    assert api.public.get(f"/v1/wallets/{BOB}/forecast")["items"] == []


def test_what_is_no_wallet_is_refused(api: Api) -> None:
    """The zero address stands for minting and burning: its balance would be minus the supply."""
    for address, words in (("0x" + "00" * 20, "zero address"), ("0x12", "address"), (BOB[2:], "address")):
        for more in ("", "/nodes", "/forecast", "/payments", "/issues", "/transfers", "/claims"):
            body = api.public.problem("invalid-request", 422, api.public.send("GET", f"/v1/wallets/{address}{more}"))
            assert words in body["detail"]


def test_a_wallet_with_nodes_says_what_it_can_claim_and_what_comes(api: Api) -> None:
    """Day 40 is in week 5: a node of start 1 has 4 full weeks behind it, one of start 6 is locked."""
    total = 10_000 * ONE_POINT
    with write(api) as connection:
        rows = ChainRows(connection)
        open_node = rows.node(BOB, 1, total)
        locked = rows.node(BOB, 6, total)
        rows.node(BOB, 2, 0, owner="0x" + "00" * 20)
    released = FEC_SCHEDULE.amounts(total)
    wallet = api.public.get(f"/v1/wallets/{BOB}")
    assert wallet["nodes"] == 2
    assert wallet["claimable"] == format_points(released[4])
    assert wallet["committed"] == "20000.000000"
    assert wallet["next_release"] == {"at": EPOCH + 6 * WEEK, "amount": format_points(released[5] - released[4])}
    nodes = {node["id"]: node for node in api.public.get(f"/v1/wallets/{BOB}/nodes")["items"]}
    assert nodes.keys() == {open_node, locked}
    assert (nodes[open_node]["locked"], nodes[open_node]["elapsed_periods"]) == (False, 4)
    assert (nodes[locked]["locked"], nodes[locked]["unlocks_at"]) == (True, EPOCH + 7 * WEEK)
    forecast = api.public.get(f"/v1/wallets/{BOB}/forecast")
    assert forecast["items"][-1]["cumulative"] == format_points(2 * total - released[4])
    assert forecast["claimable"] == wallet["claimable"]
    assert [step["at"] for step in forecast["items"]][:2] == [EPOCH + 6 * WEEK, EPOCH + 7 * WEEK]


def test_a_node_shows_its_whole_schedule(api: Api) -> None:
    with write(api) as connection:
        node_id = ChainRows(connection).node(BOB, 1, 10_000 * ONE_POINT, claimed=3_831_380, claimed_periods=1)
    node = api.public.get(f"/v1/nodes/{node_id}")
    steps = {step["period"]: step for step in node["schedule"]}
    assert len(steps) == 100
    published = {1: "3.831380", 10: "48.190694", 50: "802.091869", 86: "5012.754068", 100: "10000.000000"}
    assert {period: steps[period]["released"] for period in published} == published
    assert steps[1]["at"] == EPOCH + 2 * WEEK
    assert node["released"] == format_points(FEC_SCHEDULE.amounts(10_000 * ONE_POINT)[4])
    assert node["claimed"] == "3.831380"


def test_nodes_that_never_were_or_have_ended_are_not_found(api: Api) -> None:
    with write(api) as connection:
        ended = ChainRows(connection).node(BOB, 1, 0, owner="0x" + "00" * 20)
    for node_id in (ended, str(NodeId.of_payment(FEC, 99, BOB)), "0", "9" * 78):
        api.public.problem("not-found", 404, api.public.send("GET", f"/v1/nodes/{node_id}"))


def test_a_wallet_is_read_at_one_block_though_its_nodes_moved_later(api: Api) -> None:
    with write(api) as connection:
        rows = ChainRows(connection)
        node_id = rows.node(BOB, 1, ONE_POINT, block=FINAL)
        rows.node(BOB, 1, ONE_POINT, block=SAFE, owner=api.alice)
    assert api.public.get(f"/v1/wallets/{BOB}/nodes")["items"] == []
    assert [node["id"] for node in api.public.get(f"/v1/wallets/{api.alice}/nodes")["items"]] == [node_id]
    assert [node["id"] for node in api.public.get(f"/v1/wallets/{BOB}/nodes", finality="final")["items"]] == [node_id]


def test_programs_say_their_terms_books_and_solvency(api: Api) -> None:
    with write(api) as connection:
        rows = ChainRows(connection)
        rows.books(FEC, diverted=50 * ONE_POINT, committed=400 * ONE_POINT, released=100 * ONE_POINT)
        rows.books(INSTALMENTS, committed=200 * ONE_POINT, reserve=250 * ONE_POINT)
    emission, funded = api.public.get("/v1/programs")["items"]
    assert emission["name"] == "FEC"
    assert emission["terms"]["half_released_after"] == 86
    assert emission["solvency"] == {
        "covered": True,
        "reserve_to_committed": None,
        "cap_use": "0.000005",
        "dilution": "0.400000",
    }
    assert funded["solvency"]["reserve_to_committed"] == "1.250000"
    assert funded["solvency"]["dilution"] == "0.000000"
    one = api.public.get("/v1/programs/1")
    assert one.pop("read_at")["block"] == BLOCKS
    assert one == emission
    api.public.problem("not-found", 404, api.public.send("GET", "/v1/programs/3"))


def test_a_reserve_that_does_not_cover_what_is_owed_is_told(api: Api) -> None:
    with write(api) as connection:
        ChainRows(connection).books(INSTALMENTS, committed=200 * ONE_POINT, reserve=199 * ONE_POINT)
    assert api.public.get("/v1/programs/2")["solvency"]["covered"] is False


def test_merchants_are_public_and_paged(api: Api) -> None:
    first = api.public.get("/v1/merchants", limit=1)
    second = api.public.get("/v1/merchants", limit=1, cursor=first["next"])
    assert [page["items"][0]["merchant"] for page in (first, second)] == [2, 1]
    assert second["next"] is None
    assert api.public.get("/v1/merchants/1")["name"] == "Merchant 1"
    api.public.problem("not-found", 404, api.public.send("GET", "/v1/merchants/9"))


def all_pages(api: Api, path: str, cursor: str | None = None, **query: Any) -> list[dict[str, Any]]:
    """The items of all pages, from a cursor on."""
    items: list[dict[str, Any]] = []
    while True:
        page = api.public.get(path, **query, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def test_pages_are_newest_first_and_whole(api: Api) -> None:
    with write(api) as connection:
        rows = ChainRows(connection)
        for block in range(5, 15):
            rows.transfer(block, api.alice, BOB, block)
            rows.transfer(block, BOB, BOB, 100 + block)
            rows.transfer(block, BOB, api.alice, 200 + block)
            rows.transfer(block, "0x" + "01" * 20, "0x" + "02" * 20, 300 + block)
    for limit in (1, 7, 200):
        items = all_pages(api, f"/v1/wallets/{BOB}/transfers", limit=limit)
        places = [(item["block"], item["log_index"]) for item in items]
        assert len(places) == 30
        assert places == sorted(set(places), reverse=True)
    assert len(all_pages(api, "/v1/transfers", limit=9)) == 40
    assert len(all_pages(api, "/v1/transfers", limit=9, sender=BOB)) == 20
    assert len(all_pages(api, "/v1/transfers", receiver=BOB, sender=api.alice)) == 10
    assert all(item["finality"] == "final" for item in items)


def test_a_cursor_stays_valid_across_a_reorg(api: Api) -> None:
    """The reader has the newest page; then its blocks are replaced by others. What is older comes whole, and once."""
    with write(api) as connection:
        rows = ChainRows(connection)
        for block in range(30, 41):
            rows.transfer(block, api.alice, BOB, block)
    first = api.public.get("/v1/transfers", limit=4)
    assert [item["block"] for item in first["items"]] == [40, 39, 38, 37]
    with write(api) as connection:
        connection.execute(delete(tables.blocks).where(tables.blocks.c.number >= 38))
        rows = ChainRows(connection)
        rows.blocks(38, 42, branch=7)
        for block in (38, 41, 42):
            rows.transfer(block, BOB, api.alice, 7)
    rest = all_pages(api, "/v1/transfers", first["next"], limit=3)
    assert [item["block"] for item in rest] == [36, 35, 34, 33, 32, 31, 30]


@pytest.mark.parametrize("place", ["1:2147483648", "1:999999999999999", "999999999999999:2147483647", "0:0"])
def test_a_cursor_is_a_place_that_there_may_be(api: Api, place: str) -> None:
    cursor = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
    is_one = int(place.split(":")[1]) < 2**31
    lists = [f"/v1/{name}" for name in ("payments", "refunds", "issues", "claims", "transfers")]
    for path in (*lists, f"/v1/wallets/{api.alice}/transfers"):
        answer = api.public.send("GET", path, params={"cursor": cursor})
        assert answer.status_code == (200 if is_one else 422), (path, answer.text)


def test_payments_are_filtered_by_merchant_and_order(api: Api) -> None:
    hashes = [f"0x{number:064x}" for number in (1, 2)]
    with write(api) as connection:
        rows = ChainRows(connection)
        rows.payment(8, hashes[0], BOB, 1_000_001, merchant=1)
        rows.payment(9, hashes[0], BOB, 2_000_000, merchant=2)
        rows.payment(9, hashes[1], api.alice, 3_000_000, merchant=1)
    assert [each["amount"] for each in api.public.get("/v1/payments")["items"]] == ["3.000000", "2.000000", "1.000001"]
    (one,) = api.public.get("/v1/payments", merchant=1, order_hash=hashes[0])["items"]
    assert (one["merchant_share"], one["diverted"], one["node_total"]) == ("0.900001", "0.100000", "1.000000")
    assert one["node"] == str(NodeId.of_payment(FEC, 4, BOB))
    assert len(api.public.get(f"/v1/wallets/{BOB}/payments")["items"]) == 2


def test_every_reading_answer_names_its_block(api: Api) -> None:
    """Each GET but those of keys, webhooks and health, which the chain knows nothing of. What is to be signed is
    read at the head."""
    shop = api.merchant(1)
    order = shop.post("/v1/orders", {"reference": "r", "program": FEC, "points": "5"})
    at_the_till = {"reference": "m", "program": FEC, "money": {"amount": "5", "currency": "USD"}}
    paid_in_money = shop.post("/v1/orders", at_the_till)
    issue = {"order": paid_in_money["id"], "customer": BOB, "points": "5", "evidence": "receipt"}
    with write(api) as connection:
        node = ChainRows(connection).node(BOB, 1, ONE_POINT)
    request = shop.post("/v1/issues", issue)
    values = {
        "{address}": BOB,
        "{program}": "1",
        "{merchant}": "1",
        "{node_id}": node,
        "{order_id}": order["id"],
        "{request_id}": request["id"],
    }
    checked = 0
    for method, path in api.routes():
        operation = api.app.openapi()["paths"][path][method.lower()]
        takes_finality = any(each["name"] == "finality" for each in operation.get("parameters", []))
        needed = {
            each["name"]: each["example"]
            for each in operation.get("parameters", [])
            if each["in"] == "query" and each.get("required")
        }
        for name, value in values.items():
            path = path.replace(name, value)
        if method != "GET" or path.endswith(("/keys", "/stream")) or "/webhooks" in path or path.startswith("/health"):
            continue
        query = needed | ({"finality": "safe"} if takes_finality else {})
        answer = shop.send("GET", path, params=query)  # what is to be done may not suit the node: that names it too
        assert answer.status_code in ((200,) if takes_finality else (200, 404, 422)), (path, answer.text)
        assert answer.json()["read_at"]["hash"] == block_hash(SAFE if takes_finality else BLOCKS), path
        checked += 1
    assert checked >= 40


def test_what_was_accepted_names_its_block_and_keeps_it_when_it_is_asked_again(api: Api) -> None:
    limits = {"paid_per_day": "1", "issued_per_day": "1"}
    quota = {"amount": "1", "evidence": "receipt"}
    for path, body in (
        ("/v1/merchants", {"name": "third shop", "payout": BOB} | limits),
        ("/v1/merchants/1/quota", quota),
    ):
        first = api.operator.post(path, body, idempotency_key=f"k {path}")
        assert first["read_at"]["hash"] == block_hash(BLOCKS), path
        with write(api) as connection:
            ChainRows(connection).blocks(first=BLOCKS + 1, last=BLOCKS + 1)
        assert api.operator.post(path, body, idempotency_key=f"k {path}") == first
        with write(api) as connection:
            connection.execute(delete(tables.blocks).where(tables.blocks.c.number > BLOCKS))
    order = api.merchant(1).post("/v1/orders", {"reference": "r", "program": FEC, "points": "5"})
    assert order["read_at"]["hash"] == block_hash(BLOCKS)


def test_what_is_refused_for_what_the_chain_says_names_the_block_that_says_so(api: Api) -> None:
    shop = api.merchant(1)
    here = api.public.get("/v1/status")["read_at"]
    nothing = api.public.problem("nothing-claimable", 422, api.public.try_post("/v1/claims", {"wallet": BOB}))
    assert nothing["read_at"] == here
    too_much = {"amount": "100000.000001", "program": INSTALMENTS, "reference": "r", "evidence": "e"}
    over = api.operator.problem("merchant-over-limit", 422, api.operator.try_post("/v1/merchants/1/reserve", too_much))
    assert over["read_at"] == here
    order = shop.post("/v1/orders", {"reference": "r", "program": FEC, "points": "5"})
    path = f"/v1/orders/{order['id']}/refund-authorization?amount=1"
    assert shop.problem("order-not-paid", 422, shop.send("GET", path))["read_at"] == here
    answer = api.public.send("GET", "/v1/merchants/9?finality=safe")
    assert api.public.problem("not-found", 404, answer)["read_at"]["hash"] == block_hash(SAFE)
    assert "read_at" not in api.public.problem("unauthorized", 401, api.public.send("GET", "/v1/orders"))


def test_a_request_that_nobody_made_is_not_found(api: Api) -> None:
    answer: httpx.Response = api.public.send("GET", "/v1/requests/00000000-0000-0000-0000-000000000000")
    api.public.problem("not-found", 404, answer)


@pytest.mark.parametrize("block", [BLOCKS - 1, BLOCKS])
def test_a_request_whose_block_a_reorg_took_is_not_shown_as_mined(api: Api, block: int) -> None:
    """The indexer has read the new branch, and the relayer has not looked yet."""
    with write(api) as connection:
        where = {"lane": "relayer", "merchant": 1, "order_hash": "0x" + "0e" * 32, "not_before": 0}
        request = relay.add_request(connection, kind="payment", payload={}, **where).id
        attempt = Attempt("0x" + "aa" * 32, "0x", max_fee=1, priority_fee=1, gas=21_000)
        relay_transactions.record(connection, BOB, "payment", [request], 0, attempt)
        (sent,) = relay_transactions.unfinished(connection, BOB)
        relay_transactions.mined(connection, sent, attempt.hash, True, (block, block_hash(block)))
    shown = api.public.get(f"/v1/requests/{request}")
    assert (shown["state"], shown["block"], shown["finality"]) == ("mined", block, "head")
    with write(api) as connection:
        connection.execute(delete(tables.blocks).where(tables.blocks.c.number >= block))
        ChainRows(connection).blocks(first=block, branch=1)
    shown = api.public.get(f"/v1/requests/{request}")
    assert [shown[name] for name in ("state", "block", "block_hash", "finality")] == ["sent", None, None, None]


@pytest.mark.parametrize("finality", ["head", "safe", "final"])
def test_a_wallet_is_answered_in_its_documented_shape(api: Api, finality: str) -> None:
    """It is put together by hand; and several that are asked for at once each get their own answer."""
    somebody = signer("somebody").address
    with api.store.write() as connection:
        ChainRows(connection).node(somebody, 1, 10_000 * ONE_POINT)
    with ThreadPoolExecutor(8) as threads:
        addresses = [api.alice, somebody, signer("nobody").address] * 8
        path = "/v1/wallets/{}?finality=" + finality
        answers = list(threads.map(lambda each: api.public.send("GET", path.format(each)), addresses))
    for address, answer in zip(addresses, answers, strict=True):
        told = Wallet.model_validate_json(answer.content)
        assert (told.address, told.read_at.finality) == (address, finality)
        assert told.balance == ("1000.000000" if address == api.alice else "0.000000")
        assert told.nodes == (1 if address == somebody else 0)
    unknown = api.public.send("GET", f"/v1/wallets/{api.alice}?finality={finality}&more=1")
    assert api.public.problem("invalid-request", 422, unknown)["errors"][0]["field"] == "query.more"
