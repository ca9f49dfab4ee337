"""chain/local: what is saved while transactions are mined is a chain that was (T28): every effect has its block."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import ROOT, free_port, hear_ctrl_c
from chainpoints.chain.local import LocalChain, port_is_taken
from chainpoints.chain.rpc import Rpc
from chainpoints.config import CHAINS, Secret
from chainpoints.errors import RpcError

pytestmark = pytest.mark.integration

SAVES = 15


@pytest.fixture
def local_chain(tmp_path: Path) -> Iterator[LocalChain]:
    chain = LocalChain(ROOT, tmp_path, CHAINS["local"], free_port())
    chain.start()
    yield chain
    chain.stop()


def test_saved_while_blocks_are_mined_it_holds_the_block_of_every_effect(
    local_chain: LocalChain, tmp_path: Path
) -> None:
    sender, receiver = local_chain.rpc.call("eth_accounts")[:2]
    done = threading.Event()

    def send() -> None:
        rpc = Rpc(Secret(local_chain.rpc_url))
        while not done.is_set():
            rpc.call("eth_sendTransaction", {"from": sender, "to": receiver, "value": "0x1", "gas": hex(21_000)})
        rpc.close()

    sending = threading.Thread(target=send)
    sending.start()
    saved = []
    try:
        for _ in range(SAVES):
            local_chain.save()
            state = json.loads(gzip.decompress((tmp_path / "chain-state.json.gz").read_bytes()))
            accounts = {address.lower(): account for address, account in state["accounts"].items()}
            saved.append((accounts[sender]["nonce"], sum(len(block["transactions"]) for block in state["blocks"])))
    finally:
        done.set()
        sending.join()
    assert [nonce for nonce, _ in saved] == [mined for _, mined in saved]
    assert saved[-1][0] > SAVES, "transactions went on between the saves"
    assert int(local_chain.rpc.call("eth_getTransactionCount", sender, "latest"), 16) >= saved[-1][0]


def test_mining_that_a_failed_save_left_paused_goes_on_at_the_next_look(
    local_chain: LocalChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = local_chain.rpc.call

    def answers_nothing_while_saving(method: str, *params: Any) -> Any:
        if method == "anvil_dumpState" or (method, params) == ("evm_setAutomine", (True,)):
            raise RpcError(method, "no answer")
        return call(method, *params)

    with monkeypatch.context() as silent:
        silent.setattr(local_chain.rpc, "call", answers_nothing_while_saving)
        for look in (local_chain.save, local_chain.save_if_due):  # told again while it lasts
            with pytest.raises(RpcError):
                look()
        assert not call("anvil_getAutomine")
    assert not local_chain.save_if_due(), "no save is due"
    assert call("anvil_getAutomine")


HELD = """
import sys, time
from pathlib import Path
from chainpoints.chain.local import LocalChain, port_is_taken
from chainpoints.config import CHAINS
chain = LocalChain(Path(sys.argv[1]), Path(sys.argv[2]), CHAINS["local"], int(sys.argv[3]))
chain.start()
chain.rpc.call("anvil_mine", "0x5")
try:
    print("started", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    chain.stop()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process, leader of its own group, that holds a local chain at block 5; and the chain's port."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", HELD, str(ROOT), str(tmp_path), str(port)],
        stdout=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=hear_ctrl_c,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        yield process, port
        process.kill()


def test_ctrl_c_in_a_terminal_leaves_time_to_save(held: tuple[subprocess.Popen[str], int], tmp_path: Path) -> None:
    os.killpg(held[0].pid, signal.SIGINT)
    assert held[0].wait(timeout=20) == 0
    state = json.loads(gzip.decompress((tmp_path / "chain-state.json.gz").read_bytes()))
    assert int(state["block"]["number"], 16) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends what was left")
def test_the_chain_does_not_outlive_its_killed_supervisor(held: tuple[subprocess.Popen[str], int]) -> None:
    held[0].kill()
    give_up_at = time.monotonic() + 10
    while port_is_taken(held[1]):
        assert time.monotonic() < give_up_at, "anvil goes on"
        time.sleep(0.05)
