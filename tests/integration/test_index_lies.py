"""An endpoint that lies, lags or fails is never believed, and the indexer recovers when it tells the truth (T26)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from builders import Deployment, deploy_on, start_anvil
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.rpc import Rpc
from chainpoints.config import Secret
from chainpoints.errors import ConfigError, InconsistentChain, RpcError
from chainpoints.store.chain_rows import tip
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store
from economy import Economy
from indexing import catch_up, digests, following, fresh_digests
from lying_endpoint import Fail, Lie, LyingEndpoint, Refuse, lying_endpoint, truth

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def lived(
    tmp_path_factory: pytest.TempPathFactory, artifacts: dict[str, Artifact]
) -> Iterator[tuple[Deployment, Economy]]:
    chain = start_anvil()
    deployment = deploy_on(chain, tmp_path_factory.mktemp("lived"), artifacts)
    economy = Economy(deployment)
    economy.set_up()
    economy.live(30)
    yield deployment, economy
    chain.stop()


@pytest.fixture
def endpoint(lived: tuple[Deployment, Economy]) -> Iterator[LyingEndpoint]:
    with lying_endpoint(lived[0].anvil.url) as endpoint:
        yield endpoint


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """The checks of answers come before any database: one kind is enough."""
    opened = Store(Secret(f"sqlite:///{tmp_path / 'gateway.db'}"))
    migrate(opened)
    yield opened
    opened.close()


def logs_only(change: Any, *, ranges_only: bool = False) -> Lie:
    """A lie about logs, as `change` makes it of a non-empty list of them."""

    def lie(method: str, parameters: list[Any], result: Any) -> Any:
        if method != "eth_getLogs" or not result or (ranges_only and "blockHash" in parameters[0]):
            return result
        return change(result)

    return lie


def of_another_branch(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*logs[:-1], logs[-1] | {"blockHash": "0x" + "ab" * 32}]


def of_another_contract(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*logs[:-1], logs[-1] | {"address": "0x" + "ab" * 20}]


LIES = {
    "no logs": lambda logs: [],
    "the last log left out": lambda logs: logs[:-1],
    "a log in between left out": lambda logs: [*logs[: len(logs) // 2], *logs[len(logs) // 2 + 1 :]],
    "only the first log": lambda logs: logs[:1],
    "the last log doubled": lambda logs: [*logs, logs[-1]],
    "logs in disorder": lambda logs: logs[::-1],
    "a log of another branch": of_another_branch,
    "a log of another contract": of_another_contract,
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_about_logs_is_never_stored(
    lived: tuple[Deployment, Economy], endpoint: LyingEndpoint, tmp_path: Path, sqlite_store: Store, name: str
) -> None:
    deployment, _ = lived
    endpoint.lie = logs_only(LIES[name])
    with following(deployment, sqlite_store, url=endpoint.url) as follower:
        for _ in range(10):
            with pytest.raises(InconsistentChain):
                catch_up(follower)
        assert endpoint.told > 0
        endpoint.lie = truth
        catch_up(follower)
    assert digests(sqlite_store) == fresh_digests(deployment, tmp_path)


@pytest.mark.parametrize("name", ["no logs", "the last log left out", "only the first log"])
def test_logs_missing_from_ranges_are_asked_for_by_block(
    lived: tuple[Deployment, Economy], endpoint: LyingEndpoint, tmp_path: Path, sqlite_store: Store, name: str
) -> None:
    """Seen of a real node: no logs for a range, all of them for the block's hash. The lie never ends here."""
    deployment, _ = lived
    endpoint.lie = logs_only(LIES[name], ranges_only=True)
    with following(deployment, sqlite_store, url=endpoint.url) as follower:
        catch_up(follower)
    assert endpoint.told > 0
    assert digests(sqlite_store) == fresh_digests(deployment, tmp_path)


def told_of_receipts(how: str, receipts: list[dict[str, Any]]) -> Any:
    match how:
        case "unknown method":
            raise Fail(-32601, "the method does not exist")
        case "refused":
            raise Refuse(403)
        case "null":
            return None
        case "none":
            return []
        case "cut off":
            return [*receipts[:-1], receipts[-1] | {"logs": receipts[-1]["logs"][:-1]}]
    return receipts


@pytest.mark.parametrize("receipts", ["given", "unknown method", "refused", "null", "none", "cut off"])
@pytest.mark.parametrize("in_ranges", [True, False])
def test_a_last_log_like_others_before_it_is_not_lost(
    lived: tuple[Deployment, Economy],
    endpoint: LyingEndpoint,
    tmp_path: Path,
    sqlite_store: Store,
    in_ranges: bool,
    receipts: str,
) -> None:
    """No bloom filter tells of it: who is paid twice in a block has the same address and topics twice in it. The lie
    never ends where there are receipts; else it is told once for each block; of receipts that are cut off the logs
    are true."""
    deployment, economy = lived
    cut = set[str]()

    def cut_off(method: str, parameters: list[Any], result: Any) -> Any:
        if method == "eth_getBlockReceipts":
            return told_of_receipts(receipts, result)
        if method != "eth_getLogs" or not result or receipts == "cut off":
            return result
        if receipts != "given" and result[-1]["blockHash"] in cut:
            return result
        cut.add(result[-1]["blockHash"])
        return result[:-1]

    with following(deployment, sqlite_store, url=endpoint.url) as follower:
        if not in_ranges:
            catch_up(follower)
        economy.transfer_twice()
        endpoint.lie = cut_off
        catch_up(follower)
    assert endpoint.told > 0
    assert digests(sqlite_store) == fresh_digests(deployment, tmp_path)


def test_a_lagging_head_deletes_nothing(
    lived: tuple[Deployment, Economy], endpoint: LyingEndpoint, tmp_path: Path, store: Store
) -> None:
    """On a public chain, whose provider has many machines, some of them behind."""
    deployment, economy = lived
    public = replace(deployment.settings.chain, key="public")
    with following(deployment, store, url=endpoint.url, chain=public) as follower:
        catch_up(follower)
        before = digests(store)
        behind = deployment.rpc.call("eth_getBlockByNumber", hex(deployment.anvil.head() - 7), False)

        def lag(method: str, parameters: list[Any], result: Any) -> Any:
            return behind if method == "eth_getBlockByNumber" and parameters[0] == "latest" else result

        endpoint.lie = lag
        assert not follower.step()
        assert endpoint.told == 1
        assert digests(store) == before
        economy.live(2)
        endpoint.lie = truth
        catch_up(follower)
    assert digests(store) == fresh_digests(deployment, tmp_path)


def test_a_head_beyond_what_the_endpoint_has_is_not_believed(
    lived: tuple[Deployment, Economy], endpoint: LyingEndpoint, tmp_path: Path, sqlite_store: Store
) -> None:
    def ahead(method: str, parameters: list[Any], result: Any) -> Any:
        is_head = method == "eth_getBlockByNumber" and parameters[0] == "latest"
        return result | {"number": hex(int(result["number"], 16) + 100)} if is_head else result

    deployment, _ = lived
    endpoint.lie = ahead
    with following(deployment, sqlite_store, url=endpoint.url) as follower:
        for _ in range(10):
            with pytest.raises(InconsistentChain, match="does not give block"):
                catch_up(follower)
        with sqlite_store.read() as connection:
            found = tip(connection)
        assert found is None or found[0] <= deployment.anvil.head()
        endpoint.lie = truth
        catch_up(follower)
    assert digests(sqlite_store) == fresh_digests(deployment, tmp_path)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_endpoint_that_fails_again_and_again_is_survived(
    lived: tuple[Deployment, Economy], endpoint: LyingEndpoint, tmp_path: Path, sqlite_store: Store, status: int
) -> None:
    """Each 41st call fails; where that may have been one machine of many, the next two times too."""
    calls = left = 0

    def fail(_method: str, _parameters: list[Any], result: Any) -> Any:
        nonlocal calls, left
        calls += 1
        if calls % 41 == 0:
            left = 1 if status == 429 else 3
        if left:
            left -= 1
            raise Refuse(status)
        return result

    deployment, _ = lived
    endpoint.lie = fail
    failures = 0
    with following(deployment, sqlite_store, url=endpoint.url) as follower:
        for _ in range(50):
            try:
                catch_up(follower)
                break
            except RpcError:
                failures += 1
    assert failures > 0
    assert digests(sqlite_store) == fresh_digests(deployment, tmp_path)


def test_what_an_endpoint_fails_every_second_time_is_asked_again_at_once(
    lived: tuple[Deployment, Economy], endpoint: LyingEndpoint, tmp_path: Path, sqlite_store: Store
) -> None:
    """`catch_up` passes on what the indexer's process would wait for: here nothing."""
    asked: list[str] = []

    def fail(method: str, parameters: list[Any], result: Any) -> Any:
        question = f"{method} {parameters}"
        if question not in asked:
            asked.append(question)
            raise Refuse(503)
        asked.remove(question)
        return result

    deployment, _ = lived
    with following(deployment, sqlite_store, url=endpoint.url) as follower:
        catch_up(follower)
        deployment.anvil.mine(1)
        endpoint.lie = fail
        catch_up(follower)
    assert endpoint.told > 2
    assert digests(sqlite_store) == fresh_digests(deployment, tmp_path)


@pytest.mark.parametrize(
    ("blocks", "logs", "refusal"),
    [
        (7, 10**9, Fail(-32600, "block range is too wide")),
        (1, 10**9, Fail(-32614, "eth_getLogs is limited to a 1 range")),
        (10**9, 25, Fail(-32005, "query returned more than 25 results. Try with this block range [0x0, 0x0].")),
        (5, 10**9, Refuse(413)),
    ],
)
def test_a_cap_on_ranges_makes_them_smaller_without_a_pause(
    lived: tuple[Deployment, Economy],
    endpoint: LyingEndpoint,
    tmp_path: Path,
    sqlite_store: Store,
    blocks: int,
    logs: int,
    refusal: Exception,
) -> None:
    """`catch_up` passes on what the indexer's process would wait for: here nothing."""

    def capped(method: str, parameters: list[Any], result: Any) -> Any:
        query = parameters[0] if method == "eth_getLogs" else {}
        if "toBlock" in query:
            asked = int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1
            if asked > blocks or (asked > 1 and len(result) > logs):
                raise refusal
        return result

    deployment, _ = lived
    endpoint.lie = capped
    with following(deployment, sqlite_store, url=endpoint.url) as follower:
        catch_up(follower)
    assert 0 < endpoint.told < 30
    assert digests(sqlite_store) == fresh_digests(deployment, tmp_path)


def test_a_block_that_is_too_large_for_the_endpoint_is_said(
    lived: tuple[Deployment, Economy], endpoint: LyingEndpoint, sqlite_store: Store
) -> None:
    def never(method: str, _parameters: list[Any], result: Any) -> Any:
        if method == "eth_getLogs":
            raise Fail(-32008, "Response is too big")
        return result

    deployment, _ = lived
    endpoint.lie = never
    with (
        following(deployment, sqlite_store, url=endpoint.url) as follower,
        pytest.raises(RpcError, match=r"blocks 1 to 1: .*Response is too big"),
    ):
        catch_up(follower)


def test_no_batch_is_larger_than_what_public_endpoints_take(
    lived: tuple[Deployment, Economy], endpoint: LyingEndpoint
) -> None:
    rpc, numbers = Rpc(Secret(endpoint.url)), [n % 5 for n in range(250)]
    answers = rpc.batch([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
    assert [int(msgspec.json.decode(answer)["number"], 16) for answer in answers] == numbers
    assert endpoint.largest == 100
    rpc.close()


def test_never_asked_past_the_head(
    lived: tuple[Deployment, Economy], endpoint: LyingEndpoint, sqlite_store: Store
) -> None:
    deployment, _ = lived
    asked: list[int] = []

    def listen(method: str, parameters: list[Any], result: Any) -> Any:
        if method == "eth_getLogs" and "toBlock" in parameters[0]:
            asked.append(int(parameters[0]["toBlock"], 16))
        return result

    endpoint.lie = listen
    with following(deployment, sqlite_store, url=endpoint.url) as follower:
        catch_up(follower)
    assert max(asked) == deployment.anvil.head()


def test_another_chain_is_refused(
    lived: tuple[Deployment, Economy], endpoint: LyingEndpoint, sqlite_store: Store
) -> None:
    endpoint.lie = lambda method, _, result: "0x1" if method == "eth_chainId" else result
    with (
        following(lived[0], sqlite_store, url=endpoint.url) as follower,
        pytest.raises(ConfigError, match="is of chain 1, not 31337"),
    ):
        follower.step()


def test_a_database_of_another_chain_is_refused(
    lived: tuple[Deployment, Economy], endpoint: LyingEndpoint, sqlite_store: Store
) -> None:
    with following(lived[0], sqlite_store) as follower:
        catch_up(follower)
    endpoint.lie = lambda method, parameters, result: (
        result | {"hash": "0x" + "ab" * 32} if parameters[:1] == ["0x0"] else result
    )
    with (
        following(lived[0], sqlite_store, url=endpoint.url) as follower,
        pytest.raises(ConfigError, match="another chain or deployment"),
    ):
        follower.step()
