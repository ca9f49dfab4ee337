"""Several keys side by side, and keys that are not configured any more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders import Deployment, signer
from chainpoints.chain.signer import relayer_keys, role_address
from chainpoints.config import Settings
from chainpoints.store.session import Store
from relaying import Shop, eventually, opened_shop, order_hash, relaying
from stubborn_mempool import StubbornMempool, stubborn_mempool

pytestmark = pytest.mark.integration

PEOPLE = [f"person {n}" for n in range(24)]


@pytest.fixture
def shop(deployment: Deployment, store: Store) -> Shop:
    """A shop whose customers have 100 points each."""
    return opened_shop(deployment, store, PEOPLE)


@pytest.fixture
def three(shop: Shop) -> Settings:
    """Settings with three keys for the relayer's lane, each with ETH."""
    settings = replace(shop.deployment.settings, relayer_keys=3)
    for account in accounts(settings):
        shop.anvil.give_ether(account)
    shop.anvil.mine(4)  # so that no reorg of these tests takes it again
    return settings


def accounts(settings: Settings) -> list[str]:
    return [role_address(settings, name) for name in relayer_keys(settings)]


def rows_of(shop: Shop, *senders: str) -> list[Any]:
    return [row for row in shop.transactions() if row.sender in senders]


def test_when_one_key_is_stuck_the_others_go_on(shop: Shop, three: Settings) -> None:
    """However often it is the stuck key's turn: it takes no more than its room."""
    first, *others = accounts(three)
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.holding_of = {first}
        with relaying(shop, url=endpoint.url, settings=three, replace_after_seconds=60):
            ids: list[str] = []
            for person in PEOPLE:
                ids.append(shop.pay(person, 1, f"order {person}"))
                eventually(lambda: "accepted" not in shop.states(ids))
            eventually(lambda: shop.states(ids).count("sent") == len(endpoint.held))
            assert shop.states(ids).count("mined") >= len(PEOPLE) - 16
            endpoint.release_all()
            done = shop.wait(ids, seconds=60)
    assert {request.state for request in done} == {"mined"}
    assert {row.sender for row in rows_of(shop, first, *others)} & set(others)
    assert len(set(shop.paid_orders())) == len(shop.paid_orders()) == len(PEOPLE)


def test_a_key_without_ether_is_told_and_the_others_send(shop: Shop, three: Settings) -> None:
    poor, *_ = accounts(three)
    shop.anvil.give_ether(poor, 10**9)
    with relaying(shop, settings=three):
        for n in range(8):
            assert shop.wait([shop.pay(PEOPLE[n], 1, f"order {n}")])[0].state == "mined"
        eventually(lambda: "send it ETH" in (shop.lanes()["relayer"] or ""))
        assert poor in (shop.lanes()["relayer"] or "")
        assert set(shop.lanes()) == {"relayer", "relayer-2", "relayer-3", "issuer", "registrar"}
        shop.anvil.give_ether(poor)
        eventually(lambda: shop.lanes()["relayer"] is None)


def test_what_one_wallet_asks_for_keeps_its_order_over_all_keys(shop: Shop, three: Settings) -> None:
    """After a reorg all of it is mined again, in the order in which the keys see that their blocks are gone."""
    ids = [shop.pay(person, 1 + n, f"order {n} {person}") for n in range(6) for person in PEOPLE[:4]]
    with relaying(shop, settings=three):
        done = shop.wait(ids)
        for person in PEOPLE[:4]:
            blocks = [request.block_number or 0 for request in done if request.wallet == signer(person).address]
            assert blocks == sorted(blocks)
            assert len(set(blocks)) == 6
        shop.anvil.reorg(4)
        last = done[-1].block_hash
        eventually(lambda: shop.requests(ids)[-1].block_hash != last)
        done = shop.wait(ids)
        eventually(lambda: len(shop.paid_orders()) == len(ids))
    assert {request.state for request in done} == {"mined"}
    shop.assert_no_gaps()


def take_key_away(shop: Shop, three: Settings, endpoint: StubbornMempool) -> tuple[str, list[str]]:
    """Payments that a key has sent and no node has passed on, when the key is gone. Gives the key and the requests."""
    shop.anvil.give_ether(role_address(three, "relayer"), 0)
    shop.anvil.give_ether(role_address(three, "relayer-2"), 0)
    endpoint.holding = True
    with relaying(shop, url=endpoint.url, settings=three, replace_after_seconds=60):
        ids = [shop.pay(person, 10, f"order {person}") for person in PEOPLE[:3]]
        eventually(lambda: set(shop.states(ids)) == {"sent"} and bool(endpoint.held))
    shop.anvil.give_ether(role_address(three, "relayer"))
    endpoint.holding = False
    return role_address(three, "relayer-3"), ids


def test_what_a_retired_key_had_sent_is_still_carried_out(shop: Shop, three: Settings) -> None:
    with stubborn_mempool(shop.anvil.url) as endpoint:
        retired, ids = take_key_away(shop, three, endpoint)
    with relaying(shop):
        done = shop.wait(ids)
        eventually(lambda: "retired" not in shop.lanes())
        last = done[-1].block_hash
        shop.anvil.reorg(2)
        eventually(lambda: shop.requests(ids)[-1].block_hash != last)
        done = shop.wait(ids)
    assert {request.state for request in done} == {"mined"}
    assert {row.sender for row in shop.transactions() if row.hash == done[0].transaction_hash} == {retired}
    assert len(shop.paid_orders()) == 3


def test_a_retired_keys_request_waits_until_no_copy_can_be_mined_any_more(shop: Shop, three: Settings) -> None:
    with stubborn_mempool(shop.anvil.url) as endpoint:
        retired, ids = take_key_away(shop, three, endpoint)
        shop.anvil.give_ether(retired, 0)  # so that no node takes the bytes
        with relaying(shop):
            eventually(lambda: "no longer configured" in (shop.lanes().get("retired") or ""))
            told = shop.lanes()["retired"] or ""
            assert retired in told
            assert "3 requests" in told
            assert "Configure the key again" in told
            assert set(shop.states(ids)) == {"sent"}
            shop.anvil.give_ether(retired)
            shop.anvil.rpc.call("anvil_impersonateAccount", retired)
            shop.anvil.send("eth_sendTransaction", {"from": retired, "to": retired, "nonce": "0x0"})
            eventually(lambda: "another transaction used nonce" in (shop.lanes().get("retired") or "") or settled(shop))
            if not settled(shop):
                assert set(shop.states(ids)) == {"sent"}, "given back before it was final"
            shop.anvil.mine(64)
            done = shop.wait(ids)
            eventually(lambda: "retired" not in shop.lanes())
    assert {request.state for request in done} == {"mined"}
    assert sorted(shop.paid_orders()) == sorted(order_hash(f"order {person}") for person in PEOPLE[:3])


def settled(shop: Shop) -> bool:
    """Whether the same bytes, which are sent again and again, were quicker than the other transaction."""
    return len(shop.paid_orders()) == 3


def test_a_key_that_is_configured_again_goes_on_itself(shop: Shop, three: Settings) -> None:
    with stubborn_mempool(shop.anvil.url) as endpoint:
        retired, ids = take_key_away(shop, three, endpoint)
        shop.anvil.give_ether(retired, 0)
        with relaying(shop):
            eventually(lambda: "no longer configured" in (shop.lanes().get("retired") or ""))
        shop.anvil.give_ether(retired)
        with relaying(shop, settings=three):
            assert {request.state for request in shop.wait(ids)} == {"mined"}
            eventually(lambda: "retired" not in shop.lanes())
    assert len(shop.paid_orders()) == 3
