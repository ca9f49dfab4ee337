"""The indexer's process: killed and started again, handed over, fast, and quiet while nothing happens."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import ROOT, Deployment
from chainpoints.config import Secret
from chainpoints.indexer.service import run_indexer
from chainpoints.store.chain_rows import tip
from chainpoints.store.session import Store
from economy import Economy
from indexing import digests, fresh_digests
from lying_endpoint import Fail, lying_endpoint
from wire import Wire

pytestmark = pytest.mark.integration


@contextmanager
def indexing(deployment: Deployment, store: Store) -> Iterator[threading.Event]:
    """The indexer's process as a thread; gives the event that stops it."""
    stop = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            run_indexer(deployment.settings, deployment.manifest, store, stop)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(timeout=10)
    assert not thread.is_alive()
    assert not failed


def height(store: Store) -> int:
    with store.read() as connection:
        found = tip(connection)
    return 0 if found is None else found[0]


def wait_for(store: Store, number: int, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while height(store) < number:
        assert time.monotonic() < end, f"block {number} is not in the store after {seconds} seconds"
        time.sleep(0.002)


def wait_until(reached: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not reached in {seconds} seconds"
        time.sleep(0.01)


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is of POSIX")
def test_killed_in_the_middle_of_a_backfill_it_goes_on(
    deployment: Deployment, store: Store, database: Secret, tmp_path: Path
) -> None:
    economy = Economy(deployment)
    economy.set_up()
    economy.live(20)
    economy.transfer_many(blocks=300, in_block=5)
    head = deployment.anvil.head()
    with lying_endpoint(deployment.anvil.url) as slow:

        def hold_back(method: str, parameters: list[Any], result: Any) -> Any:
            if method == "eth_getLogs" and "toBlock" in parameters[0]:
                if int(parameters[0]["toBlock"], 16) - int(parameters[0]["fromBlock"], 16) >= 4:
                    raise Fail(-32600, "block range is too wide")
                time.sleep(1)
            return result

        slow.lie = hold_back
        killed_at = []
        for _ in range(3):
            begun_at = height(store)
            process = start_index_process(deployment, database, slow.url)
            wait_for(store, begun_at + 1)
            assert process.poll() is None, "the indexer ended by itself"
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed_at.append(height(store))
    assert killed_at == sorted(set(killed_at)), "each life went further"
    assert killed_at[-1] < head, "it was killed in the middle"
    with indexing(deployment, store):
        wait_for(store, head)
    assert digests(store) == fresh_digests(deployment, tmp_path)


def start_index_process(deployment: Deployment, database: Secret, url: str) -> subprocess.Popen[bytes]:
    settings = deployment.settings
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")},
        "CHAINPOINTS_HOME": str(settings.home),
        "CHAINPOINTS_DEPLOYMENTS": str(settings.deployments),
        "CHAINPOINTS_RPC_URL": url,
        "CHAINPOINTS_DATABASE": database.reveal(),
    }
    with (settings.home.parent / "index.log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-m", "chainpoints", "index"], env=environment, cwd=ROOT, stderr=log)


def test_a_new_block_is_in_the_store_soon(deployment: Deployment, store: Store) -> None:
    economy = Economy(deployment)
    economy.set_up()
    with indexing(deployment, store):
        wait_for(store, deployment.anvil.head())
        waited = []
        for _ in range(40):
            economy.pass_on()
            begun = time.monotonic()
            wait_for(store, deployment.anvil.head())
            waited.append(time.monotonic() - begun)
    assert statistics.median(waited) < 0.25, f"median {statistics.median(waited) * 1000:.0f} ms"


def test_news_of_blocks_by_web_socket_wake_it(deployment: Deployment, store: Store) -> None:
    """On a chain that is polled so seldom that polling alone would fail."""
    seldom = replace(deployment.settings.chain, poll_seconds=30.0)
    url = Secret(f"ws://127.0.0.1:{deployment.anvil.port}")
    settings = replace(deployment.settings, chain=seldom, rpc_ws_url=url)
    with indexing(replace(deployment, settings=settings), store):
        wait_for(store, deployment.anvil.head())
        time.sleep(1)  # until it has subscribed
        for _ in range(3):
            deployment.anvil.mine()
            wait_for(store, deployment.anvil.head(), seconds=5)


def test_a_web_socket_that_is_cut_is_made_anew_and_meanwhile_it_polls(deployment: Deployment, store: Store) -> None:
    """Polling takes two seconds here, so that it can be told from being woken."""
    anvil = deployment.anvil
    seldom = replace(deployment.settings.chain, poll_seconds=2.0)
    with closing(Wire(anvil.port)) as wire:
        url = Secret(f"ws://127.0.0.1:{wire.port}")
        settings = replace(deployment.settings, chain=seldom, rpc_ws_url=url)
        with indexing(replace(deployment, settings=settings), store):
            wait_for(store, anvil.head())
            wait_until(lambda: wire.connected == 1)

            # when: the wire is cut, it should go on by polling
            wire.cut()
            for _ in range(2):
                anvil.mine()
                wait_for(store, anvil.head(), seconds=6)
            assert wire.connected == 1

            # when: it is whole again, it should be woken again
            wire.mend()
            wait_until(lambda: wire.connected == 2)
            time.sleep(1)  # until it has subscribed
            waited = []
            for _ in range(5):
                anvil.mine()
                begun = time.monotonic()
                wait_for(store, anvil.head())
                waited.append(time.monotonic() - begun)
            assert statistics.median(waited) < 0.5


def test_without_an_answer_by_web_socket_it_polls(deployment: Deployment, store: Store) -> None:
    settings = replace(deployment.settings, rpc_ws_url=Secret("ws://127.0.0.1:9"))
    with indexing(replace(deployment, settings=settings), store):
        deployment.anvil.mine()
        wait_for(store, deployment.anvil.head(), seconds=5)


def test_of_two_indexers_one_works_and_the_other_takes_over(deployment: Deployment, store: Store) -> None:
    with indexing(deployment, store) as stop_first, indexing(deployment, store):
        wait_for(store, deployment.anvil.head())
        deployment.anvil.mine()
        wait_for(store, deployment.anvil.head())
        stop_first.set()
        deployment.anvil.mine()
        wait_for(store, deployment.anvil.head(), seconds=5)


def test_a_node_that_is_down_for_a_while_is_waited_for(deployment: Deployment, store: Store, tmp_path: Path) -> None:
    anvil = deployment.anvil
    with indexing(deployment, store):
        wait_for(store, anvil.head())
        anvil.process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        anvil.process.send_signal(signal.SIGCONT)
        anvil.mine(3)
        wait_for(store, anvil.head())
    assert digests(store) == fresh_digests(deployment, tmp_path)
