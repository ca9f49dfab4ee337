"""A long stretch of a chain is read without indexes and references, which are there again when it has been read. Those
by which a state is found are left out only while no state has to be looked for."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import httpx
import pytest

from builders import Deployment
from chainpoints.api.app import create_app
from chainpoints.errors import RpcError
from chainpoints.indexer import follow, states
from chainpoints.store import backfill
from chainpoints.store.chain_rows import tip
from chainpoints.store.session import Store
from chainpoints.store.status import indexed
from chainpoints.web.pages import router
from economy import Economy
from gateway import serving
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
        assert left_out(store) == (True, True)
        assert says_without_keys(store)
        endpoint.lie = truth
        with following(deployment, store, url=endpoint.url) as follower:
            seen = []
            follower.step(lambda *_: seen.append((left_out(store), says_without_keys(store))))
            assert set(seen) == {((True, False), False)}, "what the first one had in memory is looked for row by row"
            catch_up(follower)
    assert left_out(store) == (False, False)
    assert digests(store) == fresh_digests(deployment, tmp_path)


def test_while_the_endpoint_is_away_what_was_read_is_answered(deployment: Deployment, store: Store) -> None:
    """The keys are missing, and that is said, until the next look: which makes them before it asks the endpoint."""
    with lying_endpoint(deployment.anvil.url) as endpoint, following(deployment, store, url=endpoint.url) as follower:
        catch_up(follower)
        deployment.rpc.call("anvil_mine", hex(1_100))

        def without_logs(method: str, _parameters: list[Any], result: Any) -> Any:
            if method == "eth_getLogs":
                raise Refuse(503)
            return result

        endpoint.lie = without_logs
        with pytest.raises(RpcError):
            follower.step()
        assert left_out(store) == (True, True)
        assert says_without_keys(store)

        def away(_method: str, _parameters: list[Any], _result: Any) -> Any:
            raise Refuse(503)

        endpoint.lie = away
        with pytest.raises(RpcError):
            follower.step()
        assert left_out(store) == (True, False)
        assert not says_without_keys(store)
        endpoint.lie = truth
        catch_up(follower)
    assert left_out(store) == (False, False)


def test_states_that_memory_does_not_hold_are_looked_for_by_their_keys(
    deployment: Deployment, economy: Economy, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = fresh_digests(deployment, tmp_path)
    monkeypatch.setattr(follow, "_EVENTS_IN_A_COMMIT", 10)
    monkeypatch.setattr(states, "_KEPT", 5)
    seen = []
    with following(deployment, store) as follower:
        follower.step(lambda *_: seen.append((left_out(store).keys, says_without_keys(store))))
        catch_up(follower)
    assert [keys for keys, _ in itertools.groupby(seen)] == [(True, True), (False, False)]
    assert left_out(store) == (False, False)
    assert digests(store) == expected


def test_what_cannot_be_looked_up_yet_is_refused(deployment: Deployment, economy: Economy, store: Store) -> None:
    """A wallet's balance among all rows would take minutes, and hold up whoever asks anything."""
    app = create_app(deployment.settings, deployment.manifest, store, pages=[router(store)])
    wallet = f"/v1/wallets/{economy.people[0]}"
    answers: list[httpx.Response] = []
    with serving(app) as url, httpx.Client(base_url=url) as http, following(deployment, store) as follower:
        paths = (wallet, "/health/ready", f"/wallet/{economy.people[0]}", "/v1/status")
        follower.step(lambda *_: answers.extend(http.get(path) for path in paths))
        catch_up(follower)
        assert http.get(wallet).status_code == 200
    *refused, status = answers[-4:]
    assert [answer.status_code for answer in refused] == [503] * 3
    assert "being read from its beginning" in refused[0].json()["detail"]
    assert refused[0].headers["retry-after"]
    assert "being read from its beginning" in refused[1].json()["why"]
    assert "being read from its beginning" in refused[2].text
    assert status.json()["index"]["head"] > 0


def left_out(store: Store) -> backfill.LeftOut:
    with store.read() as connection:
        return backfill.left_out(connection)


def says_without_keys(store: Store) -> bool:
    with store.read() as connection:
        return indexed(connection).without_keys


def test_a_short_stretch_is_read_with_everything_in_place(
    deployment: Deployment, economy: Economy, store: Store
) -> None:
    with following(deployment, store) as follower:
        catch_up(follower)
        economy.rpc.call("anvil_mine", hex(200))
        seen = []
        follower.step(lambda *_: seen.append(left_out(store).anything))
    assert seen
    assert not any(seen)


def test_a_reorg_in_a_store_without_references_leaves_no_rows_behind(
    deployment: Deployment, economy: Economy, store: Store, tmp_path: Path
) -> None:
    with following(deployment, store) as follower:
        catch_up(follower)
    with store.write() as connection:
        backfill.leave_out(connection, keys=True)
    economy.rpc.call("anvil_reorg", 5, [])
    economy.rpc.call("anvil_mine", "0x3")
    with following(deployment, store) as follower:
        catch_up(follower)
    assert left_out(store) == (False, False)
    assert digests(store) == fresh_digests(deployment, tmp_path)
