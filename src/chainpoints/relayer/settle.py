"""What became of a sender's transactions: mined, failed, dropped by a reorg, final, or spent by somebody else.

All attempts of a nonce are watched, since any of them may be mined. A nonce that another transaction used is believed
when that is final: before, a reorg could still bring ours.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from chainpoints.relayer.node import Node, Receipt, View
from chainpoints.relayer.sender import CANCEL_GAS
from chainpoints.store import Connection, relay_transactions
from chainpoints.store.relay_transactions import Attempt, Transaction
from chainpoints.store.session import Store

log = structlog.get_logger()

OnStep = Callable[[str], None]
"""Told of each step at which a crash would be a different one: "recorded", "broadcast", "mined"."""

NoOp = Callable[[Transaction], Attempt | None]
"""Signs a no-op that offers more than the transaction did, unless that may not be."""


class Settlement:
    """Books what the chain shows of one sender. `no_op` is None for a sender whose key is not here any more."""

    def __init__(self, store: Store, node: Node, sender: str, on_step: OnStep, no_op: NoOp | None) -> None:
        self._store, self._node, self._sender = store, node, sender
        self._on_step, self._no_op = on_step, no_op
        self._final = -1

    def settle(self, view: View, unfinished: list[Transaction]) -> bool:
        """Books what the view shows of mined, dropped, lost and final transactions. Whether anything changed."""
        found = [(tx, receipt) for tx in unfinished if (receipt := _receipt(tx, view.receipts))]
        seen = {tx.id for tx, _ in found}
        missing = [tx for tx in unfinished if tx.id not in seen]
        stands = view.stands and self._node.has_blocks(self._ending(view))
        moved = [] if stands else self._moved()
        # Its requests are elsewhere. The old bytes may still come back, so the no-op offers more than they did.
        failed = [tx for tx, receipt in moved if receipt is None and not tx.succeeded]
        no_ops = {tx.id: self._no_op(tx) for tx in failed if self._no_op}
        if found:
            self._on_step("mined")
        spent = [(tx, news) for tx in missing if (news := self._spent(tx, view))]
        if not (found or moved or spent or self._final < view.final):
            return False
        with self._store.write() as connection:
            for tx, receipt in found:
                self._mined(connection, tx, receipt)
            for tx, new_receipt in moved:
                self._move(connection, tx, new_receipt, no_ops.get(tx.id))
            for tx, news in spent:
                self._book_spent(connection, tx, news, view)
            relay_transactions.finalise(connection, self._sender, view.final)
        self._final = view.final
        return bool(found or moved or spent)

    def _ending(self, view: View) -> list[tuple[int, str]]:
        """Blocks of ours that become final now. They are looked for once more: a look at the chain takes a moment, or
        several machines answer it, so a reorg in its middle may have gone unseen."""
        if view.final <= self._final:
            return []
        with self._store.read() as connection:
            return relay_transactions.mined_blocks(connection, self._sender, view.final)

    def _moved(self) -> list[tuple[Transaction, Receipt | None]]:
        """After a reorg: what was mined and is now in another block, or in none."""
        with self._store.read() as connection:
            watched = relay_transactions.watched(connection, self._sender)
        receipts = self._node.receipts([attempt.hash for tx in watched for attempt in tx.attempts])
        now = [(tx, _receipt(tx, receipts)) for tx in watched]
        return [(tx, receipt) for tx, receipt in now if receipt is None or receipt.block[1] != tx.block_hash]

    def _move(self, connection: Connection, tx: Transaction, receipt: Receipt | None, no_op: Attempt | None) -> None:
        if receipt is not None:
            self._mined(connection, tx, receipt)
            return
        log.warning("the block of a transaction is gone", nonce=tx.nonce, block=tx.block_number)
        relay_transactions.dropped(connection, tx)
        if no_op is not None:
            relay_transactions.add_attempt(connection, tx.id, no_op)

    def _mined(self, connection: Connection, tx: Transaction, receipt: Receipt) -> None:
        how = (receipt.hash, receipt.succeeded, receipt.block, receipt.cost_wei)
        is_no_op = any(each.hash == receipt.hash and each.gas == CANCEL_GAS for each in tx.attempts)
        given_back = relay_transactions.mined(connection, tx, *how, is_no_op=is_no_op)
        if not receipt.succeeded:
            log.warning("a transaction was mined and failed", nonce=tx.nonce, hash=receipt.hash, requests=given_back)

    def _spent(self, tx: Transaction, view: View) -> str | None:
        """News of a nonce that is in the chain, though none of our attempts is. Believed once final, and not before."""
        if tx.nonce >= view.count:
            return "free again" if tx.block_number is not None else None
        if tx.block_number is None:
            return "spent"
        return "lost" if tx.block_number <= view.final else None

    def _book_spent(self, connection: Connection, tx: Transaction, news: str, view: View) -> None:
        if news == "lost":
            given_back = relay_transactions.lost(connection, tx.id)
            log.error("another transaction used our nonce", nonce=tx.nonce, requests=given_back)
        else:
            block = (view.number, view.hash) if news == "spent" else None
            relay_transactions.spent_elsewhere(connection, tx.id, block)


def _receipt(tx: Transaction, receipts: dict[str, Receipt]) -> Receipt | None:
    return next((receipts[attempt.hash] for attempt in tx.attempts if attempt.hash in receipts), None)
