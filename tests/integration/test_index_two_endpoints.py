"""Two providers: what is stored both tell, and one that is behind or down is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import Deployment
from chainpoints.config import Secret
from chainpoints.errors import ProvidersDisagree, RpcError
from chainpoints.indexer.follow import Follower
from chainpoints.indexer.service import follower_of
from chainpoints.store import backfill
from chainpoints.store.chain_rows import ChainState, chain_state, tip
from chainpoints.store.session import Store
from economy import Economy
from indexing import catch_up, digests, fresh_digests
from lying_endpoint import Lie, LyingEndpoint, Refuse, lying_endpoint, truth

pytestmark = pytest.mark.integration


@pytest.fixture
def economy(deployment: Deployment) -> Economy:
    economy = Economy(deployment)
    economy.set_up()
    economy.live(10)
    return economy


@pytest.fixture
def second(deployment: Deployment) -> Iterator[LyingEndpoint]:
    with lying_endpoint(deployment.anvil.url) as endpoint:
        yield endpoint


@pytest.fixture
def both(deployment: Deployment, economy: Economy, second: LyingEndpoint, store: Store) -> Iterator[Follower]:
    """Reads the node itself, and checks it by the second endpoint."""
    settings = replace(deployment.settings, rpc_check_url=Secret(second.url))
    with follower_of(settings, deployment.manifest, store) as follower:
        yield follower


def height(store: Store) -> int:
    with store.read() as connection:
        found = tip(connection)
    return 0 if found is None else found[0]


def state(store: Store, deployment: Deployment) -> ChainState:
    with store.read() as connection:
        found = chain_state(connection, deployment.manifest.chain_id)
    assert found is not None
    return found


def test_what_both_tell_is_stored(
    deployment: Deployment, economy: Economy, both: Follower, store: Store, tmp_path: Path
) -> None:
    catch_up(both)
    economy.live(3)
    economy.rpc.call("anvil_reorg", 2, [])
    economy.pass_on()
    catch_up(both)
    assert digests(store) == fresh_digests(deployment, tmp_path)


def test_a_second_endpoint_that_is_behind_is_waited_for(
    deployment: Deployment, economy: Economy, both: Follower, second: LyingEndpoint, store: Store, tmp_path: Path
) -> None:
    catch_up(both)
    before = deployment.anvil.head()
    behind = deployment.rpc.call("eth_getBlockByNumber", "latest", False)
    economy.live(3)
    second.lie = lambda method, parameters, result: (
        behind if method == "eth_getBlockByNumber" and parameters[0] == "latest" else result
    )
    assert not both.step()
    assert height(store) == before
    assert state(store, deployment).trouble is None
    second.lie = truth
    catch_up(both)
    assert digests(store) == fresh_digests(deployment, tmp_path)


def test_a_long_stretch_ends_where_the_second_endpoint_ends(
    deployment: Deployment, economy: Economy, both: Follower, second: LyingEndpoint, store: Store
) -> None:
    """One that is always a block behind keeps nobody waiting for the indexes."""
    economy.rpc.call("anvil_mine", hex(1_100))

    def a_block_behind(method: str, parameters: list[Any], result: Any) -> Any:
        if method == "eth_getBlockByNumber" and parameters[0] == "latest":
            return deployment.rpc.call("eth_getBlockByNumber", hex(int(result["number"], 16) - 1), False)
        return result

    second.lie = a_block_behind
    both.step()
    assert height(store) == deployment.anvil.head() - 1
    with store.read() as connection:
        assert not backfill.left_out(connection).anything
    assert not state(store, deployment).without_keys


def test_nothing_is_stored_while_they_disagree(
    deployment: Deployment, economy: Economy, both: Follower, second: LyingEndpoint, store: Store, tmp_path: Path
) -> None:
    catch_up(both)
    before = digests(store)
    economy.pass_on()

    def of_another_branch(method: str, _parameters: list[Any], result: Any) -> Any:
        return result | {"hash": "0x" + "ab" * 32} if method == "eth_getBlockByNumber" else result

    second.lie = of_another_branch
    with pytest.raises(ProvidersDisagree, match="nothing is stored until they agree"):
        both.step()
    assert digests(store) == before
    assert "CHAINPOINTS_RPC_CHECK_URL" in (state(store, deployment).trouble or "")
    second.lie = truth
    catch_up(both)
    assert state(store, deployment).trouble is None
    assert digests(store) == fresh_digests(deployment, tmp_path)


def each_once(method: str, _parameters: list[Any], result: Any) -> Any:
    """A log like the one before it is left out: no bloom filter tells of it, and receipts only at an answer's end."""
    if method != "eth_getLogs":
        return result
    firsts: dict[tuple[str, ...], Any] = {}
    for log in result:
        firsts.setdefault((log["blockHash"], *log["topics"], log["data"]), log)
    return list(firsts.values())


def nothing_happened(method: str, _parameters: list[Any], result: Any) -> Any:
    """The blocks' filters are told as wrong as their logs."""
    if method == "eth_getBlockByNumber":
        return result | {"logsBloom": "0x" + "00" * 256}
    return [] if method == "eth_getLogs" else result


EITHER_SAYS = {
    each_once: r"block \d+ is with the logs 0.* and with the logs 0.* for",
    nothing_happened: r"block \d+ is (with the logs 0.* and without logs|without logs.* and with the logs 0.*) .*for",
}


@pytest.mark.parametrize("lie", EITHER_SAYS)
@pytest.mark.parametrize("liar", ["the first", "the second"])
def test_a_log_that_one_of_them_leaves_out_is_not_lost(
    deployment: Deployment, economy: Economy, second: LyingEndpoint, store: Store, tmp_path: Path, liar: str, lie: Lie
) -> None:
    economy.transfer_twice()
    economy.live(3)
    lying, true = Secret(second.url), Secret(deployment.anvil.url)
    first, check = (lying, true) if liar == "the first" else (true, lying)
    settings = replace(deployment.settings, rpc_url=first, rpc_check_url=check)
    second.lie = lie
    with follower_of(settings, deployment.manifest, store) as follower:
        for _ in range(2):
            with pytest.raises(ProvidersDisagree, match=EITHER_SAYS[lie]):
                catch_up(follower)
        assert second.told > 0
        assert "nothing is stored until they agree" in (state(store, deployment).trouble or "")
        second.lie = truth
        catch_up(follower)
    assert state(store, deployment).trouble is None
    assert digests(store) == fresh_digests(deployment, tmp_path)


@pytest.mark.parametrize("status", [429, 503])
def test_while_either_gives_no_answer_nothing_is_stored(
    deployment: Deployment, economy: Economy, second: LyingEndpoint, store: Store, tmp_path: Path, status: int
) -> None:
    """One that is down must not leave the other unchecked."""

    def down(_method: str, _parameters: list[Any], _result: Any) -> Any:
        raise Refuse(status)

    urls = Secret(second.url), Secret(deployment.anvil.url)
    for first, check in (urls, urls[::-1]):
        settings = replace(deployment.settings, rpc_url=first, rpc_check_url=check)
        with follower_of(settings, deployment.manifest, store) as follower:
            before = height(store)
            second.lie = down
            for _ in range(3):
                with pytest.raises(RpcError, match=f"HTTP {status}"):
                    catch_up(follower)
            assert height(store) == before
            second.lie = truth
            catch_up(follower)
        assert height(store) == deployment.anvil.head()
        economy.live(2)
    with follower_of(deployment.settings, deployment.manifest, store) as follower:
        catch_up(follower)
    assert digests(store) == fresh_digests(deployment, tmp_path)


def test_a_second_endpoint_that_fails_again_and_again_does_not_begin_anew(
    deployment: Deployment, economy: Economy, second: LyingEndpoint, both: Follower, store: Store, tmp_path: Path
) -> None:
    """What both have told of is stored before the failure of what follows is."""
    economy.live(10)
    calls, heights = 0, list[int]()

    def limited(method: str, _parameters: list[Any], result: Any) -> Any:
        nonlocal calls
        calls += method == "eth_getLogs"
        if method == "eth_getLogs" and calls % 4 == 0:
            raise Refuse(429)
        return result

    second.lie = limited
    while height(store) < deployment.anvil.head():
        both._ranges.blocks = 2
        with suppress(RpcError):
            catch_up(both)
        heights.append(height(store))
    assert len(heights) > 2
    assert heights == sorted(set(heights)), "a failure threw away what came before it"
    assert digests(store) == fresh_digests(deployment, tmp_path)
