"""What is on record and in no block is sent again, the same bytes, as soon as the chain's time allows; what stays
unmined is replaced under its nonce for a higher fee, and a nonce that nothing uses is filled.
"""

from __future__ import annotations

import time

import structlog

from chainpoints.chain.calls import Calls
from chainpoints.errors import RpcError
from chainpoints.relayer.fees import FeePolicy, Fees, bumped_fees, first_fees, outbidding, within
from chainpoints.relayer.kinds import encode
from chainpoints.relayer.node import Node, View, offers_too_little
from chainpoints.relayer.sender import Sender
from chainpoints.relayer.settle import OnStep, Settlement
from chainpoints.store import relay, relay_transactions
from chainpoints.store.relay_transactions import CANCEL, Attempt, Transaction
from chainpoints.store.session import Store

log = structlog.get_logger()

_GAPS_AT_ONCE = 64


class Watch:
    """Follows one sender's transactions."""

    def __init__(
        self, store: Store, node: Node, sender: Sender, calls: Calls, policy: FeePolicy, on_step: OnStep
    ) -> None:
        self._store, self._node, self._sender, self._calls = store, node, sender, calls
        self._policy, self._on_step = policy, on_step
        self.settle = Settlement(store, node, sender.address, on_step, self._no_op).settle
        self.trouble: str | None = None

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
                if self._waits_for_another(tx):
                    return False
                self.broadcast(newest, tx, view)
            elif not 0 <= time.time() - newest.broadcast_at < self._policy.replace_after_seconds:
                self._push(tx, view)  # also where the clock was set back
        return True

    def broadcast(self, attempt: Attempt, tx: Transaction | None, view: View) -> None:
        """Hands what is on record to the node. Its refusal becomes `trouble`, its silence an RpcError."""
        try:
            self._node.broadcast(attempt.raw)
        except RpcError as error:
            if error.code == 0 or error.code >= 400:
                raise
            self.trouble = f"the node refuses transaction {attempt.hash}: {error}; it is sent again until it is taken"
            if offers_too_little(error) and tx is not None:
                self._replace(tx, view)
            return
        self._on_step("broadcast")
        with self._store.write() as connection:
            relay_transactions.broadcast(connection, attempt.hash)

    def _waits_for_another(self, tx: Transaction) -> bool:
        """After a reorg: what a wallet did first is mined first, also where another key sends it."""
        with self._store.read() as connection:
            return relay.waits_for_another(connection, tx.id)

    def _push(self, tx: Transaction, view: View) -> None:
        """What is mined next is replaced for a higher fee; what follows it may only have been forgotten by the node."""
        if tx.nonce == view.count:
            self._replace(tx, view)
        else:
            self.broadcast(tx.attempts[-1], None, view)

    def _replace(self, tx: Transaction, view: View) -> None:
        """Another attempt under the same nonce, for a higher fee; the same bytes again where a higher one is no use."""
        newest = tx.attempts[-1]
        policy = within(self._policy, newest.gas)
        fees = bumped_fees(_offer(newest), view.base_fee, view.priority_fee, policy)
        if fees is None:
            self.broadcast(newest, None, view)
            self.trouble = self.trouble or (
                f"transaction {newest.hash} waits: it offers {newest.max_fee} wei per gas, and more would pass the cap "
                f"of {policy.cap} or be far above the base fee, {view.base_fee}; it is sent again until it is "
                f"mined. If it stays so, see that the node passes it on{_or_raise(policy, self._policy)}"
            )
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
        if not requests:  # a reorg has given them to an earlier transaction
            return self._sender.cancel(tx.nonce, fees)
        return self._sender.attempt(tx.nonce, encode(self._calls, requests), tx.attempts[-1].gas, fees)

    def _no_op(self, tx: Transaction) -> Attempt | None:
        """None where it would offer more than the cap: the old bytes may come again, and what they do is booked."""
        fees = outbidding(_offer(tx.attempts[-1]))
        return None if fees.max_fee > self._policy.cap else self._sender.cancel(tx.nonce, fees)

    def _fill_gaps(self, view: View, highest: int) -> None:
        """A nonce that nothing on record uses, below one that is, would hold up all that follow."""
        fees = first_fees(view.base_fee, view.priority_fee, self._policy)
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


def _or_raise(policy: FeePolicy, configured: FeePolicy) -> str:
    """Where it is the operator's cap that stands in the way."""
    return ", or raise CHAINPOINTS_MAX_FEE_GWEI" if policy.cap == configured.cap else " (nodes take no more in all)"


def _offer(attempt: Attempt) -> Fees:
    return Fees(attempt.max_fee, attempt.priority_fee)
