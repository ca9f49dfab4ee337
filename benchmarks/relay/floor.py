"""The floor: the very transactions that the relayer sent, sent once more to the same chain with nothing in between."""

from __future__ import annotations

import time

from sqlalchemy import select

from benchmarks.relay.stack import BenchmarkError, Stack
from chainpoints.store import tables


def sent_since(stack: Stack, transaction_id: int) -> list[str]:
    """The signed bytes of the mined transactions after this one, in the order of their blocks."""
    t, a = tables.relay_transactions, tables.relay_attempts
    query = select(a.c.raw).join(t, a.c.hash == t.c.hash).where(t.c.id > transaction_id, t.c.succeeded)
    with stack.store.read() as connection:
        return list(connection.execute(query.order_by(t.c.block_number, t.c.nonce)).scalars())


def send_raw(stack: Stack, transactions: list[str]) -> float:
    """Seconds until all of them are mined."""
    sent = ""
    begun = time.monotonic()
    for raw in transactions:
        sent = stack.rpc.call("eth_sendRawTransaction", raw)
    while (receipt := stack.rpc.call("eth_getTransactionReceipt", sent)) is None:
        time.sleep(0.001)
    if receipt["status"] != "0x1":
        raise BenchmarkError("the same transactions fail on the chain that was set back")
    return time.monotonic() - begun
