"""What became of the sender's transactions: mined, failed, dropped by a reorg, stuck, or spent by somebody else.

All attempts of a nonce are watched, since any of them may be mined. What is on record and in no block is sent again,
the same bytes, as soon as the chain's time allows; what stays unmined is replaced under its nonce for a higher fee.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from chainpoints.chain.calls import Calls
from chainpoints.errors import RpcError
from chainpoints.relayer.fees import FeePolicy, Fees, bumped_fees
from chainpoints.relayer.kinds import encode
from chainpoints.relayer.node import Node, Receipt, View
from chainpoints.relayer.sender import Sender
from chainpoints.store import Connection, relay, relay_transactions
from chainpoints.store.relay_transactions import CANCEL, Attempt, Transaction
from chainpoints.store.session import Store

log = structlog.get_logger()

OnStep = Callable[[str], None]
"""Told of each step at which a crash would be a different one: "recorded", "broadcast", "mined"."""

_GAPS_AT_ONCE = 64


class Watch:
    """Follows one sender's transactions."""

    def __init__(
        self, store: Store, node: Node, sender: Sender, calls: Calls, policy: FeePolicy, on_step: OnStep
    ) -> None:
        self._store, self._node, self._sender, self._calls = store, node, sender, calls
        self._policy, self._on_step = policy, on_step
        self._final = -1
        self.trouble: str | None = None

    def settle(self, view: View, unfinished: list[Transaction]) -> bool:
        """Books what the view shows of mined, dropped, lost and final transactions. Whether anything changed."""
        found = [(tx, receipt) for tx in unfinished if (receipt := _receipt(tx, view.receipts))]
        seen = {tx.id for tx, _ in found}
        missing = [tx for tx in unfinished if tx.id not in seen]
        moved = [] if view.stands else self._moved()
        if found:
            self._on_step("mined")
        spent = [(tx, news) for tx in missing if (news := self._spent(tx, view))]
        if not (found or moved or spent or self._final < view.final):
            return False
        with self._store.write() as connection:
            for tx, receipt in found:
                self._mined(connection, tx, receipt)
            for tx, new_receipt in moved:
                self._move(connection, tx, new_receipt, view)
            for tx, news in spent:
                self._book_spent(connection, tx, news, view)
            relay_transactions.finalise(connection, self._sender.address, view.final)
        self._final = view.final
        return bool(found or moved or spent)

    def send_again(self, view: View, unfinished: list[Transaction]) -> bool:
        """Broadcasts what no node has taken, fills gaps, replaces what is stuck. False: later nonces must wait."""
        self.trouble = None
        if unfinished and view.count < unfinished[0].nonce:
            self._fill_gaps(view, unfinished[-1].nonce)
        for tx in unfinished:
            if tx.nonce < view.count:
                continue  # mined a moment ago, or spent by somebody else: the next look tells
            if tx.not_before > view.timestamp:
                return False
            newest = tx.attempts[-1]
            if newest.broadcast_at is None:
                self.broadcast(newest, tx, view)
            elif tx.nonce == view.count and time.time() - newest.broadcast_at >= self._policy.replace_after_seconds:
                self._replace(tx, view)
        return True

    def broadcast(self, attempt: Attempt, tx: Transaction | None, view: View) -> None:
        """Hands what is on record to the node. Its refusal becomes `trouble`, its silence an RpcError."""
        try:
            self._node.broadcast(attempt.raw)
        except RpcError as error:
            if error.code == 0 or error.code >= 400:
                raise
            self.trouble = f"the node refuses transaction {attempt.hash}: {error}; it is sent again until it is taken"
            if "underpriced" in str(error).lower() and tx is not None:
                self._replace(tx, view)
            return
        self._on_step("broadcast")
        with self._store.write() as connection:
            relay_transactions.broadcast(connection, attempt.hash)

    def _replace(self, tx: Transaction, view: View) -> None:
        """Another attempt under the same nonce, for a higher fee; the same bytes again where the cap forbids that."""
        newest = tx.attempts[-1]
        previous = Fees(newest.max_fee, newest.priority_fee)
        fees = bumped_fees(previous, view.base_fee, view.priority_fee, self._policy)
        if fees is None:
            self.trouble = (
                f"transaction {newest.hash} waits: it offers {newest.max_fee} wei per gas, and more would pass the cap "
                f"of {self._policy.cap}; it is mined when fees fall"
            )
            self.broadcast(newest, None, view)
            return
        attempt = self._attempt(tx, fees)
        with self._store.write() as connection:
            relay_transactions.add_attempt(connection, tx.id, attempt)
        log.info("transaction replaced", nonce=tx.nonce, old=newest.hash, new=attempt.hash, max_fee=fees.max_fee)
        self._on_step("recorded")
        self.broadcast(attempt, None, view)

    def _attempt(self, tx: Transaction, fees: Fees) -> Attempt:
        if tx.kind == CANCEL:
            return self._sender.cancel(tx.nonce, fees)
        with self._store.read() as connection:
            requests = relay.requests_of_transaction(connection, tx.id)
        return self._sender.attempt(tx.nonce, encode(self._calls, requests), tx.attempts[-1].gas, fees)

    def _fill_gaps(self, view: View, highest: int) -> None:
        """A nonce that nothing on record uses, below one that is, would hold up all that follow."""
        fees = bumped_fees(Fees(2 * view.base_fee, view.priority_fee), view.base_fee, view.priority_fee, self._policy)
        with self._store.read() as connection:
            taken = relay_transactions.nonces_from(connection, self._sender.address, view.count)
        for nonce in [nonce for nonce in range(view.count, highest) if nonce not in taken][:_GAPS_AT_ONCE]:
            if fees is None:
                return
            attempt = self._sender.cancel(nonce, fees)
            with self._store.write() as connection:
                relay_transactions.fill_gap(connection, self._sender.address, nonce, attempt)
            log.warning("filling a nonce that nothing uses", nonce=nonce, hash=attempt.hash)
            self.broadcast(attempt, None, view)

    def _moved(self) -> list[tuple[Transaction, Receipt | None]]:
        """After a reorg: what was mined and is now in another block, or in none."""
        with self._store.read() as connection:
            watched = relay_transactions.watched(connection, self._sender.address)
        receipts = self._node.receipts([attempt.hash for tx in watched for attempt in tx.attempts])
        now = [(tx, _receipt(tx, receipts)) for tx in watched]
        return [(tx, receipt) for tx, receipt in now if receipt is None or receipt.block[1] != tx.block_hash]

    def _move(self, connection: Connection, tx: Transaction, receipt: Receipt | None, view: View) -> None:
        if receipt is not None:
            self._mined(connection, tx, receipt)
            return
        newest = tx.attempts[-1]
        log.warning("the block of a transaction is gone", nonce=tx.nonce, hash=newest.hash, block=tx.block_number)
        relay_transactions.dropped(connection, tx)
        if not tx.succeeded:
            # Its requests are elsewhere. The old bytes may still come back, so the no-op offers more than they did.
            market = (view.base_fee, view.priority_fee)
            fees = bumped_fees(Fees(newest.max_fee, newest.priority_fee), *market, replace(self._policy, cap=2**63 - 1))
            if fees is not None:
                relay_transactions.add_attempt(connection, tx.id, self._sender.cancel(tx.nonce, fees))

    def _mined(self, connection: Connection, tx: Transaction, receipt: Receipt) -> None:
        given_back = relay_transactions.mined(connection, tx, receipt.hash, receipt.succeeded, receipt.block)
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
