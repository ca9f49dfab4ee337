"""T31: what a merchant's requests cost is counted to the gwei, through crashes, failures and reorgs."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from builders import Deployment, signer
from chainpoints.config import Secret
from chainpoints.store import tables
from chainpoints.store.gas import NO_MERCHANT
from chainpoints.store.session import Store
from chainpoints.types import DAY_SECONDS
from relaying import Shop, eventually, node_of, on_chain, relayer_process, relaying, spent
from stubborn_mempool import stubborn_mempool

pytestmark = pytest.mark.integration

PEOPLE = [f"person {n}" for n in range(4)]
WEEK = 7 * DAY_SECONDS


@pytest.fixture
def shop(deployment: Deployment, store: Store) -> Shop:
    """A shop whose customers have 100 points each."""
    shop = Shop(deployment, store)
    with relaying(shop):
        done = shop.wait([*shop.open(), *(shop.issue(person, 100, f"till {person}") for person in PEOPLE)])
    assert {request.state for request in done} == {"mined"}
    return shop


def test_what_is_spent_is_what_the_receipts_say(shop: Shop) -> None:
    assert spent(shop) == on_chain(shop) > 100_000
    before = spent(shop)
    with relaying(shop):
        shop.wait([shop.pay(person, 10, f"order {person}") for person in PEOPLE])
        shop.wait([shop.issue("greedy", 100_000, "too much")])  # refused: it costs nothing
    assert spent(shop) == on_chain(shop) > before
    assert spent(shop, NO_MERCHANT) == 0


def test_claims_are_nobodys(shop: Shop) -> None:
    with relaying(shop):
        nodes = {person: node_of(shop, person) for person in PEOPLE}
        shop.wait([shop.pay(person, 40, f"order {person}") for person in PEOPLE])
        shop.anvil.move_to(shop.anvil.now() + 3 * WEEK)
        shop.wait([shop.claim(person, [nodes[person]]) for person in PEOPLE])
    assert spent(shop) == 0, "another day has begun"
    assert spent(shop, NO_MERCHANT) == on_chain(shop, NO_MERCHANT) > 0


def test_a_reorg_takes_costs_back_and_they_are_counted_once(shop: Shop) -> None:
    shop.anvil.mine(3)  # so that the reorg takes payments alone
    with relaying(shop):
        ids = [shop.pay(person, 10, f"order {person}") for person in PEOPLE]
        shop.wait(ids)
        before = spent(shop)
        block = shop.requests(ids)[-1].block_hash
        shop.anvil.reorg(2)
        eventually(lambda: shop.requests(ids)[-1].block_hash != block)
        shop.wait(ids)
        eventually(lambda: {row.state for row in shop.transactions()} <= {"mined", "final"})
    assert spent(shop) == on_chain(shop)
    assert abs(spent(shop) - before) < before // 2
    with relaying(shop):
        shop.anvil.mine(65)
        eventually(lambda: costs(shop) == [])
    assert spent(shop) == on_chain(shop), "what is final stays counted"


def costs(shop: Shop) -> list[Any]:
    with shop.store.read() as connection:
        return list(connection.execute(tables.relay_costs.select()))


@pytest.mark.parametrize("step", ["recorded", "broadcast", "mined"])
def test_a_crash_changes_no_sum(shop: Shop, database: Secret, step: str) -> None:
    ids = [shop.pay(person, 10, f"order {person}") for person in PEOPLE]
    process = relayer_process(shop, database, dies_at=step)
    assert process.wait(timeout=60) == -signal.SIGKILL
    with relaying(shop):
        shop.wait(ids)
    assert spent(shop) == on_chain(shop)


def test_what_fails_on_chain_costs_too(shop: Shop) -> None:
    """The payer's points go elsewhere between simulation and mining."""
    before = spent(shop)
    payment = shop.pay(PEOPLE[0], 60, "order")
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.holding = True
        with relaying(shop, url=endpoint.url, replace_after_seconds=60):
            eventually(lambda: bool(endpoint.held))
            account = signer(PEOPLE[0]).address
            shop.anvil.rpc.call("anvil_impersonateAccount", account)
            shop.anvil.give_ether(account)
            to, data = shop.calls.encode("PointsToken", "transfer", [signer("friend").address, shop.balance(account)])
            shop.anvil.send("eth_sendTransaction", {"from": account, "to": to, "data": data, "gas": hex(200_000)})
            endpoint.holding = False
            endpoint.release(0)
            assert shop.wait([payment])[0].state == "refused"
    failed = next(row for row in shop.transactions() if row.succeeded is False)
    receipt = shop.anvil.rpc.call("eth_getTransactionReceipt", failed.hash)
    wei = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    assert spent(shop) - before == -(-wei // 10**9)
