"""Reorgs, with real events in the blocks that go and in those that come, on both databases (T24, T25)."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from builders import Deployment
from chainpoints.errors import InconsistentChain, ReorgBeyondFinality
from chainpoints.indexer import ranges
from chainpoints.indexer.service import run_indexer
from chainpoints.store import tables
from chainpoints.store.chain_rows import chain_state, tip
from chainpoints.store.session import Store
from economy import Economy
from indexing import catch_up, digests, following, fresh_digests
from lying_endpoint import lying_endpoint

pytestmark = pytest.mark.integration

FINALITY_DEPTH = 64


@pytest.fixture
def economy(deployment: Deployment) -> Economy:
    economy = Economy(deployment)
    economy.set_up()
    economy.live(20)
    return economy


def live_blocks(economy: Economy, blocks: int) -> None:
    """Exactly so many blocks full of events."""
    last = int(economy.rpc.call("eth_blockNumber"), 16) + blocks
    while int(economy.rpc.call("eth_blockNumber"), 16) < last - 2:
        economy.live(1)
    while int(economy.rpc.call("eth_blockNumber"), 16) < last:
        economy.pass_on()


def test_after_a_reorg_the_store_is_that_of_a_fresh_index(
    deployment: Deployment, economy: Economy, store: Store, tmp_path: Path
) -> None:
    with following(deployment, store) as follower:
        for depth in (1, 5, 20, FINALITY_DEPTH):
            memory = economy.remember()
            live_blocks(economy, depth)
            catch_up(follower)
            with store.read() as connection:
                before = tip(connection)
            economy.rpc.call("anvil_reorg", depth, [])
            economy.go_back(memory)
            economy.random.seed(depth)
            economy.live(3)  # another life on the new branch
            catch_up(follower)
            with store.read() as connection:
                after = tip(connection)
            assert after != before, "the reorg was not followed"
            assert digests(store) == fresh_digests(deployment, tmp_path), f"after a reorg of {depth} blocks"


def test_ranges_of_two_branches_are_never_stored_together(
    deployment: Deployment, economy: Economy, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain changes between two ranges that are one commit: the blocks at its head are on the new branch alone."""
    monkeypatch.setattr(ranges, "_IN_FLIGHT", 1)
    with_events = deployment.anvil.head() - deployment.manifest.first_block + 1
    economy.rpc.call("anvil_mine", hex(30))
    asked = 0

    def reorganise(method: str, parameters: list[Any], result: Any) -> Any:
        nonlocal asked
        asked += method == "eth_getLogs" and "toBlock" in parameters[0]
        if asked == 1 and method == "eth_getLogs":
            economy.rpc.call("anvil_reorg", 25, [])
        return result

    with lying_endpoint(deployment.anvil.url) as endpoint, following(deployment, store, url=endpoint.url) as follower:
        endpoint.lie = reorganise
        follower._ranges.blocks = with_events + 10
        with pytest.raises(InconsistentChain):
            follower.step()
        assert asked == 2
        catch_up(follower)
    assert digests(store) == fresh_digests(deployment, tmp_path)


def test_a_reorg_to_the_same_height_is_seen(
    deployment: Deployment, economy: Economy, store: Store, tmp_path: Path
) -> None:
    with following(deployment, store) as follower:
        catch_up(follower)
        economy.rpc.call("anvil_reorg", 3, [])
        assert follower.step()
        assert not follower.step()
    assert digests(store) == fresh_digests(deployment, tmp_path)


def test_a_payment_mined_again_in_another_block_is_one_row(
    deployment: Deployment, economy: Economy, store: Store
) -> None:
    payer, order = economy.people[0], b"\x07" * 32
    payment = (1, 1, 5_000_000, payer, order)
    with following(deployment, store) as follower:
        economy.send(payer, "PaymentProcessor", "pay", payment)
        catch_up(follower)
        first = paid(store, order)
        economy.rpc.call("anvil_reorg", 1, [])  # an empty block takes the place
        economy.pass_on()
        economy.send(payer, "PaymentProcessor", "pay", payment)
        catch_up(follower)
        second = paid(store, order)
    assert len(first) == len(second) == 1
    assert second[0] == first[0] + 2


def paid(store: Store, order: bytes) -> list[int]:
    """The blocks in which an order was paid."""
    t = tables.payments
    with store.read() as connection:
        return list(connection.scalars(select(t.c.block_number).where(t.c.order_hash == "0x" + order.hex())))


def test_lost_blocks_of_the_local_chain_are_dropped_at_once(
    deployment: Deployment, economy: Economy, store: Store, tmp_path: Path
) -> None:
    """A local chain that was killed comes back without its last blocks, and stands still until somebody pays."""
    saved = economy.rpc.call("evm_snapshot")
    height = deployment.anvil.head()
    with following(deployment, store) as follower:
        live_blocks(economy, 10)
        catch_up(follower)
        economy.rpc.call("evm_revert", saved)
        assert deployment.anvil.head() == height
        assert follower.step()
        with store.read() as connection:
            assert tip(connection) == (height, deployment.rpc.call("eth_getBlockByNumber", hex(height), False)["hash"])
        assert digests(store) == fresh_digests(deployment, tmp_path)


def test_a_reorg_beyond_finality_halts_and_deletes_nothing(
    deployment: Deployment, economy: Economy, store: Store, tmp_path: Path
) -> None:
    live_blocks(economy, FINALITY_DEPTH)
    with following(deployment, store) as follower:
        catch_up(follower)
    before = digests(store)
    economy.rpc.call("anvil_reorg", FINALITY_DEPTH + 1, [])
    with pytest.raises(ReorgBeyondFinality, match="chainpoints rebuild"):
        run_indexer(deployment.settings, deployment.manifest, store, threading.Event())
    assert digests(store) == before
    with store.read() as connection:
        state = chain_state(connection, deployment.manifest.chain_id)
    assert state is not None
    assert state.halted is not None
    assert f"block {state.final} was final" in state.halted
