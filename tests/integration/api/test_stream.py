"""GET /v1/stream: what happens, once and in order, across broken connections and reorgs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, update

from builders import signer
from chain_rows import BLOCKS, ChainRows
from chainpoints.api.routes import stream as routes
from chainpoints.api.streams import MOST_OF_A_CALLER, Streams
from chainpoints.errors import ConfigError
from chainpoints.store import tables
from gateway import Api, Client, World

pytestmark = pytest.mark.integration

ALICE, BOB = signer("alice").address, signer("bob").address
Event = dict[str, Any]


class Listener:
    """Reads events of a stream: `next` waits for one and gives it with its name, id and data."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.iter_lines()
        self.alive = 0

    def next(self) -> Event:
        event: Event = {}
        for line in self._lines:
            if line.startswith(":"):
                self.alive += 1
            elif line:
                name, _, value = line.partition(": ")
                event[name] = json.loads(value) if name == "data" else value
            elif event:
                return event
        raise AssertionError("the stream ended")

    def take(self, count: int) -> list[Event]:
        return [self.next() for _ in range(count)]


@contextmanager
def listening(client: Client, after: str | None = None, **query: str) -> Iterator[Listener]:
    headers = {"authorization": f"Bearer {client.key}"} if client.key else {}
    headers |= {"last-event-id": after} if after else {}
    with (
        httpx.Client(base_url=client.http.base_url, timeout=20) as http,
        http.stream("GET", "/v1/stream", params=query, headers=headers) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Listener(answer)


def pay(api: Api, block: int, *amounts: int, branch: int = 0) -> None:
    """A block on top with payments of Alice at merchant 1, and one at merchant 2."""
    with api.store.write() as connection:
        rows = ChainRows(connection)
        rows.blocks(block, block, branch)
        for amount in amounts:
            rows.payment(block, f"0x{amount:064x}", ALICE, amount)
        rows.payment(block, f"0x{block:064x}", BOB, 7, merchant=2)
        connection.execute(update(tables.chain_state).values(node_head=block))


def amounts(events: list[Event]) -> list[str]:
    return [event["data"]["amount"] for event in events]


def test_a_merchant_is_told_its_own_in_order(api: Api) -> None:
    with listening(api.merchant(1)) as stream:
        ready = stream.next()
        assert (ready["event"], ready["data"]["block"]) == ("ready", BLOCKS)
        pay(api, BLOCKS + 1, 1, 2)
        pay(api, BLOCKS + 2, 3)
        events = stream.take(3)
    assert [event["event"] for event in events] == ["payment"] * 3
    assert amounts(events) == ["0.000001", "0.000002", "0.000003"]
    assert len({event["id"] for event in events}) == 3


def test_a_broken_connection_goes_on_without_loss_or_doubling(api: Api) -> None:
    shop = api.merchant(1)
    for number in range(20):
        pay(api, BLOCKS + 1 + number, 2 * number + 1, 2 * number + 2)
    with listening(shop) as stream:
        after = stream.next()["id"]
    pay(api, BLOCKS + 21, 41, 42)
    with listening(shop, after) as stream:
        assert amounts(stream.take(2)) == ["0.000041", "0.000042"]

    # when: it goes on behind each event in turn, from an early one on
    with listening(shop, f"{BLOCKS}.2147483647.0x{'77' * 32}.0") as stream:
        assert stream.next()["event"] == "reorg"  # the id names a block that is not in the chain
        told = stream.take(42)
    for place in (0, 1, 20, 40):
        with listening(shop, told[place]["id"]) as stream:
            assert stream.take(41 - place) == told[place + 1 :]


def test_a_reorg_is_told_with_the_first_block_that_is_gone(api: Api) -> None:
    with listening(api.merchant(1)) as stream:
        stream.next()
        for number in (1, 2, 3):
            pay(api, BLOCKS + number, number)
        stream.take(3)
        with api.store.write() as connection:
            connection.execute(delete(tables.blocks).where(tables.blocks.c.number > BLOCKS + 1))
            rows = ChainRows(connection)
            rows.blocks(BLOCKS + 2, BLOCKS + 4, branch=9)
            rows.payment(BLOCKS + 3, "0x" + "99" * 32, ALICE, 30)
        reorg, payment = stream.take(2)
    assert (reorg["event"], reorg["data"]) == ("reorg", {"block": BLOCKS + 2})
    assert (payment["event"], payment["data"]["amount"]) == ("payment", "0.000030")


def test_a_reorg_while_nobody_listened_is_told_on_coming_back(api: Api) -> None:
    """Which block was the first to go is not known then: all from the last final one on is told anew."""
    shop = api.merchant(1)
    with listening(shop) as stream:
        stream.next()
        pay(api, BLOCKS + 1, 1)
        pay(api, BLOCKS + 2, 2)
        told = stream.take(2)
    with api.store.write() as connection:
        connection.execute(delete(tables.blocks).where(tables.blocks.c.number > BLOCKS + 1))
        rows = ChainRows(connection)
        rows.blocks(BLOCKS + 2, BLOCKS + 3, branch=9)
        rows.payment(BLOCKS + 3, "0x" + "99" * 32, ALICE, 30)
    with listening(shop, told[1]["id"]) as stream:
        reorg, *again = stream.take(3)
    assert reorg["event"] == "reorg"
    assert reorg["data"]["block"] <= BLOCKS + 1
    assert amounts(again) == ["0.000001", "0.000030"]
    with listening(shop, told[0]["id"]) as stream:  # whose block stayed
        assert amounts([stream.next()]) == ["0.000030"]


def test_a_wallet_is_told_to_anybody(api: Api) -> None:
    with listening(api.public, wallet=ALICE) as stream:
        stream.next()
        pay(api, BLOCKS + 1, 5)
        with api.store.write() as connection:
            rows = ChainRows(connection)
            rows.places[BLOCKS + 1] = 10
            rows.transfer(BLOCKS + 1, ALICE, BOB, 6)
            rows.blocks(BLOCKS + 2, BLOCKS + 2)
        found = {event["event"]: event["data"]["amount"] for event in stream.take(2)}
    assert found == {"payment": "0.000005", "transfer": "0.000006"}


def test_a_failure_to_read_does_not_silence_it_for_good(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = api.app.state.gateway.streams
    read, failed = streams._read, threading.Event()

    def fail_once() -> Any:
        if failed.is_set():
            return read()
        failed.set()
        raise ConfigError("the file is no database just now")

    with listening(api.public, wallet=ALICE) as stream:
        stream.next()
        monkeypatch.setattr(streams, "_read", fail_once)
        assert failed.wait(5)
        pay(api, BLOCKS + 1, 5)
        assert stream.next()["event"] == "payment"


def test_reorgs_may_come_while_others_ask_for_them(api: Api) -> None:
    streams, ended = Streams(api.store), threading.Event()

    def come() -> None:
        while not ended.is_set():
            streams._reorgs.append((1, 1))

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(come)
        try:
            for _ in range(3_000):
                streams.first_gone_since(2)
        finally:
            ended.set()
        coming.result()


def test_it_says_that_it_is_alive_and_ends_with_its_key(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "HEARTBEAT_SECONDS", 0.2)
    made = api.operator.post("/v1/merchants/1/keys", {"name": "till", "scopes": ["orders:read"]})
    with listening(Client(api.public.http, made["secret"])) as stream:
        stream.next()
        time.sleep(0.7)
        api.operator.send("DELETE", f"/v1/merchants/1/keys/{made['id']}")
        pay(api, BLOCKS + 1, 1)
        with pytest.raises(AssertionError, match="the stream ended"):
            stream.next()
        assert stream.alive >= 2


def test_who_may_listen_and_to_how_many(api: Api) -> None:
    api.public.problem("unauthorized", 401, api.public.send("GET", "/v1/stream"))
    api.operator.problem("merchant-key-needed", 403, api.operator.send("GET", "/v1/stream"))
    shop = api.merchant(1, "orders:write")
    assert shop.problem("missing-scope", 403, shop.send("GET", "/v1/stream"))["missing_scope"] == "orders:read"
    for wrong in ("x", "1.2.3", f"-1.0.0x{'0' * 64}.0", f"1.1.0x{'0' * 65}.1", f"1.2147483648.0x{'0' * 64}.1"):
        headers = {"last-event-id": wrong}
        answer = api.public.send("GET", f"/v1/stream?wallet={ALICE}", headers=headers)
        api.public.problem("invalid-request", 422, answer)
    with httpx.Client(base_url=api.public.http.base_url, timeout=20) as http:
        path = f"/v1/stream?wallet={ALICE}"
        opened = [http.send(http.build_request("GET", path), stream=True) for _ in range(MOST_OF_A_CALLER)]
        lines = [answer.iter_lines() for answer in opened]  # kept: to drop one closes its stream
        assert {next(each) for each in lines} == {"event: ready"}
        refused = api.public.send("GET", path)
        assert refused.headers["retry-after"] == "1"
        api.public.problem("too-many-streams", 429, refused)
        for answer in opened:
            answer.close()
    give_up_at = time.monotonic() + 5
    while api.app.state.gateway.streams._open:
        assert time.monotonic() < give_up_at, "a stream that was closed still counts"
        time.sleep(0.02)


def test_what_really_happens_is_told(world: World) -> None:
    _, shop = world.merchant("shop")
    with listening(shop) as stream, listening(world.public, wallet=ALICE) as hers:
        stream.next()
        hers.next()
        world.issue(shop, "alice", "900", "till-1")
        world.pay(shop, "alice", "500", "web-1")
        told = [event["event"] for event in stream.take(2)]
        hers_told = [event["event"] for event in hers.take(5)]
    assert told == ["issue", "payment"]
    assert sorted(hers_told) == ["issue", "payment", "transfer", "transfer", "transfer"]
