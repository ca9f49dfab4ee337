"""Keys that are not configured any more, with transactions on record whose end is not known.

What they carry is watched as that of any other key, and the same bytes are sent again while they may still be mined;
only nothing new can be signed. Requests are given back when no copy can be mined any more: another transaction used the
nonce, and that is final. Until then somebody may have to act, and is told how.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import structlog

from chainpoints.chain.rpc import Rpc
from chainpoints.errors import RpcError
from chainpoints.relayer.lane import Common, pace_of
from chainpoints.relayer.node import Node, View
from chainpoints.relayer.settle import Settlement
from chainpoints.store import relay_transactions
from chainpoints.store.relay_transactions import RETIRED, Transaction

log = structlog.get_logger()

_IDLE_SECONDS = 5.0


class Retired:
    """Follows every sender that is none of `present` (its keys by name) until all that it sent has ended."""

    name = RETIRED

    def __init__(self, rpc: Rpc, common: Common, present: Mapping[str, str]) -> None:
        self._rpc, self._common, self._present = rpc, common, dict(present)
        self._store = common.store
        self._followed: dict[str, tuple[Node, Settlement]] = {}
        self._sent: dict[int, tuple[float, str | None]] = {}
        self._told: tuple[str, str] | None = None

    def start(self) -> None:
        """Lanes that a relayer with other keys has left behind are forgotten: they are followed here."""
        self._told = None
        with self._store.write() as connection:
            relay_transactions.keep_lanes(connection, self._present.keys())

    def step(self) -> float:
        with self._store.read() as connection:
            senders = relay_transactions.retired_senders(connection, list(self._present.values()))
        waiting = [(sender, trouble) for sender in senders if (trouble := self._follow(sender))]
        self._tell(waiting[0][0] if waiting else "", "; ".join(trouble for _, trouble in waiting) or None)
        pace = pace_of(self._common.chain)
        return max(pace.rest, 0.1) if senders else _IDLE_SECONDS

    def tell(self, trouble: str | None) -> None:
        self._tell("", trouble)

    def _follow(self, sender: str) -> str | None:
        """Books what became of its transactions. What is in the way of those that carry requests, and what to do."""
        node, settlement = self._followed.setdefault(sender, self._newly_followed(sender))
        with self._store.read() as connection:
            unfinished = relay_transactions.unfinished(connection, sender)
            mined = relay_transactions.highest_mined(connection, sender)
        view = node.look(mined, [attempt.hash for tx in unfinished for attempt in tx.attempts])
        settlement.settle(view, unfinished)
        with self._store.read() as connection:
            unfinished = relay_transactions.unfinished(connection, sender)
            carrying = relay_transactions.carrying(connection, [tx.id for tx in unfinished])
        waiting = [tx for tx in unfinished if tx.id in carrying]
        refusals = [self._send_again(node, view, tx) for tx in waiting]
        return _trouble(sender, view, waiting, sum(carrying.values()), next(filter(None, refusals), None))

    def _newly_followed(self, sender: str) -> tuple[Node, Settlement]:
        node = Node(self._rpc, self._common.chain, sender)
        return node, Settlement(self._store, node, sender, self._common.on_step, None)

    def _send_again(self, node: Node, view: View, tx: Transaction) -> str | None:
        """Hands the same bytes to the node now and then. Gives its last refusal."""
        sent_at, refusal = self._sent.get(tx.id, (float("-inf"), None))
        due = sent_at + self._common.policy.replace_after_seconds
        if tx.nonce < view.count or tx.not_before > view.timestamp or time.monotonic() < due:
            return refusal
        refusal = None
        try:
            node.broadcast(tx.attempts[-1].raw)
        except RpcError as error:
            if error.code == 0 or error.code >= 400:
                raise
            refusal = str(error)
        self._sent[tx.id] = time.monotonic(), refusal
        return refusal

    def _tell(self, sender: str, trouble: str | None) -> None:
        now = None if trouble is None else (sender, trouble)
        if now == self._told:
            return
        with self._store.write() as connection:
            if trouble is None:
                relay_transactions.keep_lanes(connection, self._present.keys())
            else:
                relay_transactions.set_trouble(connection, RETIRED, sender, trouble)
        if trouble:
            log.warning("requests wait for a retired key", trouble=trouble)
        else:
            log.info("retired keys are done")
        self._told = now


def _trouble(sender: str, view: View, waiting: Sequence[Transaction], requests: int, refusal: str | None) -> str | None:
    """Why requests wait for a key that is gone, in words that say what will happen by itself and what to do."""
    if not waiting:
        return None
    said = f"{requests} requests wait for {len(waiting)} transactions of {sender}, whose key is no longer configured"
    first = waiting[0]
    if first.nonce < view.count:
        return f"{said}: another transaction used nonce {first.nonce}; when that is final the requests are sent anew"
    if first.nonce > view.count:
        why = f"nonce {view.count} comes first and nothing that is on record uses it"
    else:
        says = f" and the node says {refusal}" if refusal else ""
        why = f"its nonce {first.nonce} is not in the chain yet{says}"
    return (
        f"{said}: {why}. The same bytes are sent again and may be mined. Configure the key again until it is done "
        f"(CHAINPOINTS_RELAYER_KEYS, its keystore); or, from that account, send yourself 0 ETH with the nonces "
        f"{view.count} to {waiting[-1].nonce} for higher fees: once that is final the requests are sent anew"
    )
