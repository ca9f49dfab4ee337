"""The indexer's process: killed and started again, handed over, fast, and quiet while nothing happens."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
from lying_endpoint import lying_endpoint

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

        def hold_back(method: str, _parameters: list[Any], result: Any) -> Any:
            if method == "eth_getLogs":
                time.sleep(0.15)
            return result

        slow.lie = hold_back
        killed_at = []
        for _ in range(3):
            begun_at = height(store)
            process = start_index_process(deployment, database, slow.url)
            while height(store) == begun_at:
                assert process.poll() is None, "the indexer ended by itself"
                time.sleep(0.002)
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
    assert statistics.median(waited) < 0.1, f"median {statistics.median(waited) * 1000:.0f} ms"


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
