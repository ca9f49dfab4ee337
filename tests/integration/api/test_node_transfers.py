"""GET /v1/nodes/{id}/transfers: whose a node was, over rows and on a real chain."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import delete

from builders import signer
from chain_rows import FEC, FINAL, SAFE, ChainRows
from chainpoints.chain.calls import Calls
from chainpoints.store import tables
from chainpoints.types import ZERO_ADDRESS, NodeId
from gateway import PATIENCE_SECONDS, WEEK, Api, World

pytestmark = pytest.mark.integration

ALICE, BOB = signer("alice").address, signer("bob").address
NODE, OTHER = (str(NodeId.of_payment(FEC, start, ALICE)) for start in (1, 2))


def moved(rows: ChainRows, block: int, sender: str, receiver: str, node: str = NODE) -> None:
    rows.event(tables.node_transfers, block, node=node, sender=sender, receiver=receiver)


def pages(api: Api, limit: int, cursor: str | None = None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    while True:
        page = api.public.get(f"/v1/nodes/{NODE}/transfers", limit=limit, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


@pytest.fixture
def traded(api: Api) -> Api:
    """The node was made, changed hands twice a block, and ended; another one was moved in the same blocks."""
    with api.store.write() as connection:
        rows = ChainRows(connection)
        moved(rows, 5, ZERO_ADDRESS, ALICE)
        for block in (FINAL, SAFE, SAFE + 1):
            moved(rows, block, ALICE, BOB)
            moved(rows, block, ALICE, BOB, OTHER)
            moved(rows, block, BOB, ALICE)
        moved(rows, SAFE + 2, ALICE, ZERO_ADDRESS)
    return api


@pytest.mark.parametrize("limit", [1, 3, 200])
def test_pages_are_newest_first_whole_and_of_one_node(traded: Api, limit: int) -> None:
    items = pages(traded, limit)
    places = [(item["block"], item["log_index"]) for item in items]
    assert len(places) == 8
    assert places == sorted(set(places), reverse=True)
    assert {item["node"] for item in items} == {NODE}
    assert (items[0]["sender"], items[0]["receiver"]) == (ALICE, ZERO_ADDRESS)
    assert (items[-1]["sender"], items[-1]["receiver"]) == (ZERO_ADDRESS, ALICE)
    for older, newer in zip(items[1:], items, strict=False):
        assert older["receiver"] == newer["sender"]


@pytest.mark.parametrize(
    ("finality", "count", "block"), [("head", 8, SAFE + 2), ("safe", 5, SAFE), ("final", 3, FINAL)]
)
def test_it_is_read_as_of_a_block_of_that_finality(traded: Api, finality: str, count: int, block: int) -> None:
    answer = traded.public.get(f"/v1/nodes/{NODE}/transfers", finality=finality)
    assert (len(answer["items"]), answer["items"][0]["block"]) == (count, block)
    assert {item["finality"] for item in answer["items"] if item["block"] <= FINAL} == {"final"}
    if finality == "head":
        assert [item["finality"] for item in answer["items"][:5]] == ["head"] * 3 + ["safe"] * 2


def test_a_cursor_stays_valid_across_a_reorg(traded: Api) -> None:
    first = traded.public.get(f"/v1/nodes/{NODE}/transfers", limit=4)
    assert first["items"][-1]["block"] == SAFE
    with traded.store.write() as connection:
        connection.execute(delete(tables.blocks).where(tables.blocks.c.number > SAFE))
        rows = ChainRows(connection)
        rows.blocks(SAFE + 1, SAFE + 5, branch=7)
        moved(rows, SAFE + 4, ALICE, BOB)
    rest = pages(traded, 2, first["next"])
    assert [item["block"] for item in rest] == [SAFE, FINAL, FINAL, 5]


def test_a_node_that_was_never_made_has_none(traded: Api) -> None:
    for node in ("0", "9" * 78, str(NodeId.of_payment(FEC, 3, BOB))):
        answer = traded.public.get(f"/v1/nodes/{node}/transfers")
        assert (answer["items"], answer["next"]) == ([], None)
    for wrong in ("x", "-1", "01", "9" * 79):
        traded.public.problem("invalid-request", 422, traded.public.send("GET", f"/v1/nodes/{wrong}/transfers"))
    query = traded.public.send("GET", f"/v1/nodes/{NODE}/transfers?sender={BOB}")
    traded.public.problem("invalid-request", 422, query)


def test_a_real_node_is_made_by_a_payment_and_sold(world: World) -> None:
    """The buyer gets what it releases from then on; who it was of before stays readable."""
    _, shop = world.merchant("shop")
    world.issue(shop, "alice", "100", "till-1")
    paid = world.pay(shop, "alice", "60", "web-1")
    path = f"/v1/nodes/{paid['node']}/transfers"
    (made,) = world.public.get(path)["items"]
    (payment,) = world.public.get("/v1/payments")["items"]
    assert (made["sender"], made["receiver"], made["node"]) == (ZERO_ADDRESS, ALICE, paid["node"])
    assert [made[name] for name in ("block", "transaction", "timestamp", "finality")] == [
        payment[name] for name in ("block", "transaction", "timestamp", "finality")
    ]
    world.move_to(world.deployment.anvil.now() + 3 * WEEK)
    sold = transfer_on_chain(world, paid["node"])
    newest, oldest = world.public.get(path)["items"]
    assert oldest == made
    assert (newest["sender"], newest["receiver"], newest["transaction"]) == (ALICE, BOB, sold)
    assert world.public.get(f"/v1/nodes/{paid['node']}")["owner"] == BOB


def transfer_on_chain(world: World, node: str) -> str:
    """Alice sends the node to Bob herself. Gives the transaction's hash."""
    anvil = world.deployment.anvil
    calls = Calls(world.deployment.manifest, world.deployment.artifacts)
    to, data = calls.encode("ReleaseNode", "transferFrom", [ALICE, BOB, int(node)])
    anvil.give_ether(ALICE)
    anvil.rpc.call("anvil_impersonateAccount", ALICE)
    transaction: str = anvil.rpc.call("eth_sendTransaction", {"from": ALICE, "to": to, "data": data})
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (receipt := anvil.rpc.call("eth_getTransactionReceipt", transaction)) is None:
        assert time.monotonic() < give_up_at, "the transfer is not mined"
        time.sleep(0.01)
    assert receipt["status"] == "0x1"
    world.read_all()
    return transaction
