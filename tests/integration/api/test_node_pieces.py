"""Nodes that are split, merged, given and kept in custody: the API says of each what the chain says, to the unit."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpoints.types import ZERO_ADDRESS, parse_points
from economy import Economy
from gateway import World
from indexing import digests, fresh_digests

pytestmark = pytest.mark.integration


@pytest.fixture
def economy(world: World) -> Economy:
    """People to whom everything that changes nodes has happened."""
    economy = Economy(world.deployment, people=4, seed=5)
    economy.set_up()
    economy.live(120)
    world.read_all()
    done = economy.notes.done
    for function in ("split", "merge", "give", "take", "setBeneficiary", "claim", "transferFrom"):
        assert done[function], f"{function} never happened: {done}"
    return economy


def assert_the_api_says_what_the_chain_does(world: World, economy: Economy) -> None:
    paid: dict[str, tuple[int, int]] = dict.fromkeys(economy.people, (0, 0))
    held: dict[str, set[str]] = {each: set() for each in economy.people}
    for node in economy.notes.nodes:
        on_chain = economy.node(node)
        answer = world.public.send("GET", f"/v1/nodes/{node}")
        if on_chain is None:
            assert answer.status_code == 404
            continue
        owner, program, start, total, claimed, claimable, _ = on_chain
        told = world.public.good(answer)
        assert (told["owner"], told["program"], told["start"]) == (owner, program, start)
        amounts = [parse_points(told[name]) for name in ("total", "claimed", "claimable", "released")]
        assert amounts == [total, claimed, claimable, claimed + claimable]
        assert (told["beneficiary"] or ZERO_ADDRESS) == economy.read("ReleaseNode", "beneficiaryOf", node)
        assert (told["given_until"] or 0) == economy.read("ReleaseNode", "giftOf", node)[1]
        held[owner].add(str(node))
        receiver = told["beneficiary"] or owner
        paid[receiver] = (paid[receiver][0] + claimable, paid[receiver][1] + total - claimed)
    for person in economy.people:
        wallet = world.public.get(f"/v1/wallets/{person}")
        assert (parse_points(wallet["claimable"]), parse_points(wallet["committed"])) == paid[person]
        assert wallet["nodes"] == len(held[person]) == economy.read("ReleaseNode", "balanceOf", person)
        assert {node["id"] for node in world.public.get(f"/v1/wallets/{person}/nodes")["items"]} == held[person]
        ahead = world.public.get(f"/v1/wallets/{person}/forecast")
        assert sum(parse_points(step["amount"]) for step in ahead["items"]) == paid[person][1] - paid[person][0]


def test_every_node_and_wallet_also_across_a_reorg(world: World, economy: Economy, tmp_path: Path) -> None:
    assert_the_api_says_what_the_chain_does(world, economy)

    # when: pieces were made and merged in blocks that go
    economy.live(15)
    world.read_all()
    economy.rpc.call("anvil_reorg", 10, [])
    world.read_all()
    assert_the_api_says_what_the_chain_does(world, economy)
    assert digests(world.store) == fresh_digests(world.deployment, tmp_path)


def test_a_claim_pays_who_is_named_and_the_rest_to_its_owner(world: World, economy: Economy) -> None:
    """Each wallet claims what nodes owe it now, whoever owns them."""
    for person in economy.people:
        wallet = world.public.get(f"/v1/wallets/{person}")
        if not (claimable := parse_points(wallet["claimable"])):
            continue
        world.mined(world.public.post("/v1/claims", {"wallet": person}))
        after = world.public.get(f"/v1/wallets/{person}")
        assert parse_points(after["balance"]) == parse_points(wallet["balance"]) + claimable
        assert parse_points(after["claimable"]) == 0
    assert_the_api_says_what_the_chain_does(world, economy)
