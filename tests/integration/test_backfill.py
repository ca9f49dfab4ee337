"""A long stretch of a chain is read without indexes and references, which are there again when it has been read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from builders import Deployment
from chainpoints.errors import RpcError
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
        endpoint.lie = truth
        with following(deployment, store, url=endpoint.url) as follower:
            catch_up(follower)
    assert not backfill.is_left_out(store)
    assert digests(store) == fresh_digests(deployment, tmp_path)


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
    backfill.leave_out(store)
    economy.rpc.call("anvil_reorg", 5, [])
    economy.rpc.call("anvil_mine", "0x3")
    with following(deployment, store) as follower:
        catch_up(follower)
    assert not backfill.is_left_out(store)
    assert digests(store) == fresh_digests(deployment, tmp_path)
