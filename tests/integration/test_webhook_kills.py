"""kill -9 of the deliverer's process at every step: nothing is lost, nothing is told twice under another id (T33)."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from builders import ROOT, signer
from chain_rows import ChainRows, block_hash
from chainpoints.config import Secret
from chainpoints.store import tables
from chainpoints.store.session import Store
from chainpoints.store.webhooks import Block, add_endpoint
from chainpoints.types import ONE_POINT
from webhook_receiver import PATIENCE_SECONDS, Receiver, receiving

pytestmark = pytest.mark.integration

SEED = 20261126
IN_A_BLOCK = 4

_PROCESS = """
import os, signal, sys, threading
from chainpoints.config import load_settings
from chainpoints.store.session import Store
from chainpoints.webhooks.service import run_deliverer

wanted, left = sys.argv[1], int(sys.argv[2])

def on_step(step):
    global left
    left -= step == wanted
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

settings = load_settings()
run_deliverer(settings, Store(settings.database), threading.Event(), on_step=on_step)
"""


def deliverer(folder: Path, database: Secret, dies_at: str, after: int = 0) -> subprocess.Popen[bytes]:
    """A deliverer that kills itself at a step, once that came `after` times; at "never" it goes on."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")}
    environment |= {
        "CHAINPOINTS_HOME": str(folder),
        "CHAINPOINTS_DATABASE": database.reveal(),
        "CHAINPOINTS_WEBHOOKS_TO_PRIVATE": "yes",
    }
    command = [sys.executable, "-W", "ignore", "-c", _PROCESS, dies_at, str(after)]
    with (folder / "deliver.log").open("ab") as log:
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)


def mine(store: Store, number: int, branch: int = 0) -> None:
    """A block of payments."""
    with store.write() as connection:
        rows = ChainRows(connection)
        rows.blocks(number, number, branch)
        for place in range(IN_A_BLOCK):
            rows.payment(
                number, f"0x{branch:032x}{number * IN_A_BLOCK + place % 3:032x}", signer("a").address, ONE_POINT
            )
        state = {"node_head": number, "safe": 0, "final": 0}
        connection.execute(tables.chain_state.update().values(state))


def take_back(store: Store, number: int) -> None:
    with store.write() as connection:
        connection.execute(tables.blocks.delete().where(tables.blocks.c.number == number))


def test_killed_at_every_step_it_loses_and_doubles_nothing(store: Store, database: Secret, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    with store.write() as connection:
        ChainRows(connection).blocks(1, 1)
        ChainRows(connection).state(head=1, safe=0, final=0)
    with receiving() as receiver:
        with store.write() as connection:
            here = Block(1, block_hash(1))
            for finality in ("head", "head"):
                add_endpoint(connection, merchant=1, url=receiver.url, events=None, finality=finality, told=here,
                             anchor=Block(0, None))  # fmt: skip
        number, deaths = 1, 0
        for dies_at in ("told", "sent", "recorded"):
            process = deliverer(tmp_path, database, dies_at, dice.randint(0, 2))
            while process.poll() is None:
                number += 1
                if number % 3 == 0:  # a reorg beside it
                    take_back(store, number - 1)
                    mine(store, number - 1, branch=number)
                mine(store, number, branch=number)
                time.sleep(0.25)
            deaths += process.returncode == -signal.SIGKILL
        assert deaths == 3, (tmp_path / "deliver.log").read_text()[-3000:]
        last = deliverer(tmp_path, database, "never")
        try:
            wait_until_delivered(store)
            take_back(store, number)  # whatever the dice gave, one reorg takes back what was told for certain
            mine(store, number, branch=number + 1)
            mine(store, number + 1, branch=number + 1)
            wait_until_delivered(store)
        finally:
            last.terminate()
            last.wait(timeout=20)
        check(store, receiver)


def wait_until_delivered(store: Store) -> None:
    """Until no message waits and both endpoints stand at the head."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    t, e = tables.webhook_messages.c, tables.webhook_endpoints.c
    while True:
        with store.read() as connection:
            head = max(connection.scalars(select(tables.blocks.c.number)))
            behind = connection.scalars(select(e.id).where(e.block_number < head)).all()
            open_ones = connection.scalars(select(t.id).where(t.state != "delivered")).all()
        if not behind and not open_ones:
            return
        assert time.monotonic() < give_up_at, (behind, len(open_ones))
        time.sleep(0.05)


def check(store: Store, receiver: Receiver) -> None:
    with store.read() as connection:
        rows = connection.execute(select(tables.webhook_messages)).all()
        on_chain = connection.execute(
            select(tables.blocks.c.hash, tables.payments.c.log_index)
            .join(tables.payments, tables.payments.c.block_number == tables.blocks.c.number)
        ).all()  # fmt: skip
    bodies = {(each.id, each.body) for each in receiver.received}
    assert bodies == {(row.id, row.payload) for row in rows}, "each message arrived, and always as it was"
    standing = sorted((row.block_hash, row.log_index, row.endpoint) for row in rows if row.standing)
    assert len(standing) == len(set(standing)) == 2 * len(on_chain)
    assert {place[:2] for place in standing} == {tuple(place) for place in on_chain}
    taken_back = {json.loads(row.payload)["data"].get("reverses") for row in rows if row.type == "payment.reversed"}
    assert taken_back == {row.id for row in rows if row.type == "payment.created" and not row.standing}
    assert taken_back, "no reorg was met"
    for endpoint in {row.endpoint for row in rows}:
        first_seen = list(dict.fromkeys(each.id for each in receiver.received))
        of_it = {row.id: row for row in rows if row.endpoint == endpoint}
        for name in {row.object for row in of_it.values()}:
            sequence = [of_it[each].sequence for each in first_seen if each in of_it and of_it[each].object == name]
            assert sequence == sorted(sequence), "in the order of the object"
