"""chain/local: what is saved while transactions are mined is a chain that was (T28): every effect has its block."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from builders import ROOT, free_port
from chainpoints.chain.local import LocalChain
from chainpoints.chain.rpc import Rpc
from chainpoints.config import CHAINS, Secret

pytestmark = pytest.mark.integration

SAVES = 40


@pytest.fixture
def local_chain(tmp_path: Path) -> Any:
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
