"""A long stretch of a chain is read without indexes and references, which are there again when it has been read. Those
by which a state is found are left out only while no state has to be looked for."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from builders import Deployment
from chainpoints.errors import RpcError
from chainpoints.indexer import follow, states
from chainpoints.store import backfill
from chainpoints.store.chain_rows import tip
from chainpoints.store.session import Store
from economy import Economy
from indexing import catch_up, digests, following, fresh_digests
from lying_endpoint import Refuse, lying_endpoint, truth

pytestmark = pytest.mark.integration


@pytest.fixture
def economy(deployment: Deployment) -> Economy:
    """A chain that is long enough, with events at both ends."""
    economy = Economy(deployment)
    economy.set_up()
    economy.live(10)
    economy.rpc.call("anvil_mine", hex(1_100))
    economy.live(10)
    return economy


def test_ended_in_the_middle_it_is_made_up_for_by_the_next(
    deployment: Deployment, economy: Economy, store: Store, tmp_path: Path
) -> None:
    with lying_endpoint(deployment.anvil.url) as endpoint:

        def fail_late(method: str, parameters: list[Any], result: Any) -> Any:
            if method == "eth_getLogs" and int(parameters[0]["toBlock"], 16) > 800:
                raise Refuse(503)
            return result

        endpoint.lie = fail_late
        with following(deployment, store, url=endpoint.url) as follower, pytest.raises(RpcError):
            follower.step()
        with store.read() as connection:
            assert tip(connection) is not None, "nothing was read before the failure"
        assert backfill.is_left_out(store)
        assert not has_keys(store)
        endpoint.lie = truth
        with following(deployment, store, url=endpoint.url) as follower:
            had_keys = []
            follower.step(lambda *_: had_keys.append(has_keys(store)))
            assert had_keys
            assert all(had_keys), "what the first one had in memory is looked for row by row"
            catch_up(follower)
    assert not backfill.is_left_out(store)
    assert digests(store) == fresh_digests(deployment, tmp_path)


def test_states_that_memory_does_not_hold_are_looked_for_by_their_keys(
    deployment: Deployment, economy: Economy, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = fresh_digests(deployment, tmp_path)
    monkeypatch.setattr(follow, "_EVENTS_IN_A_COMMIT", 10)
    monkeypatch.setattr(states, "_KEPT", 5)
    had_keys = []
    with following(deployment, store) as follower:
        follower.step(lambda *_: had_keys.append(has_keys(store)))
        catch_up(follower)
    assert [had for had, _ in itertools.groupby(had_keys)] == [False, True]
    assert digests(store) == expected


def has_keys(store: Store) -> bool:
    found = inspect(store.engine)
    tables = ("balances", "books", "nodes", "merchants")
    there = [any(index["unique"] for index in found.get_indexes(table)) for table in tables]
    assert len(set(there)) == 1, "some of the states have a key and some have none"
    return there[0]


def test_a_short_stretch_is_read_with_everything_in_place(
    deployment: Deployment, economy: Economy, store: Store
) -> None:
    with following(deployment, store) as follower:
        catch_up(follower)
        economy.rpc.call("anvil_mine", hex(200))
        left_out = []
        follower.step(lambda *_: left_out.append(backfill.is_left_out(store)))
    assert left_out
    assert not any(left_out)


def test_a_reorg_in_a_store_without_references_leaves_no_rows_behind(
    deployment: Deployment, economy: Economy, store: Store, tmp_path: Path
) -> None:
    with following(deployment, store) as follower:
        catch_up(follower)
    backfill.leave_out(store, keys=True)
    economy.rpc.call("anvil_reorg", 5, [])
    economy.rpc.call("anvil_mine", "0x3")
    with following(deployment, store) as follower:
        catch_up(follower)
    assert not backfill.is_left_out(store)
    assert digests(store) == fresh_digests(deployment, tmp_path)
