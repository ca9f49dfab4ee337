"""The relayer's own transactions: one row for each nonce, with every attempt (signed bytes) that was ever made for it.

States: sent (on record, its outcome not known), mined, dropped (it was mined and its block is gone), final. A mined or
final one that `succeeded` carried out its requests; one that failed gave them back. A nonce is taken in the transaction
that records what uses it, and what is on record is what is sent: the bytes are stored before anybody sees them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from chainpoints.errors import Conflict
from chainpoints.store import gas, relay
from chainpoints.store.tables import relay_attempts as attempts
from chainpoints.store.tables import relay_costs as costs
from chainpoints.store.tables import relay_failures as failures
from chainpoints.store.tables import relay_lanes as lanes
from chainpoints.store.tables import relay_requests as requests
from chainpoints.store.tables import relay_transactions as transactions

UNFINISHED = ("sent", "dropped")
RETIRED = "retired"
"""Stands for a lane where troubles are told of keys that no lane has any more."""

CANCEL = "cancel"
"""The kind of a transaction that does nothing but fill its nonce."""

_LANES = select(lanes.c.lane, lanes.c.sender, lanes.c.trouble, lanes.c.changed_at).order_by(lanes.c.lane)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Signed bytes. Fees in wei per gas. `broadcast_at`: wall clock, unix seconds; None until a node took them."""

    hash: str
    raw: str
    max_fee: int
    priority_fee: int
    gas: int
    broadcast_at: int | None = None

    @property
    def most_wei(self) -> int:
        """The most that it can cost."""
        return self.max_fee * self.gas


@dataclass(frozen=True, slots=True)
class Transaction:
    """`not_before` is the chain time that all of its requests may be carried out at; attempts from old to new."""

    id: int
    sender: str
    nonce: int
    kind: str
    state: str
    succeeded: bool | None
    block_number: int | None
    block_hash: str | None
    not_before: int
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lane:
    """How a lane stands: `trouble` says why nothing is being sent and what to do; None while all is well."""

    lane: str
    sender: str
    trouble: str | None
    changed_at: int


def next_nonce(connection: Connection, sender: str, transaction_count: int) -> int:
    """The chain's count, or what follows the highest on record."""
    highest = connection.scalar(select(func.max(transactions.c.nonce)).where(transactions.c.sender == sender))
    return transaction_count if highest is None else max(transaction_count, highest + 1)


def record(
    connection: Connection, sender: str, kind: str, request_ids: Sequence[str], nonce: int, attempt: Attempt
) -> None:
    """Takes the nonce that was signed with, and puts the requests into the transaction.

    Raises Conflict when the nonce is not the next one any more, or a request no longer accepted: nothing is recorded.
    """
    if nonce != next_nonce(connection, sender, nonce):
        raise Conflict(f"nonce {nonce} of {sender} is taken; another process took it")
    relay.carry(connection, request_ids, _insert(connection, sender, nonce, kind, attempt))


def fill_gap(connection: Connection, sender: str, nonce: int, attempt: Attempt) -> None:
    """Records a no-op under a nonce that nothing on record uses."""
    _insert(connection, sender, nonce, CANCEL, attempt)


def add_attempt(connection: Connection, transaction_id: int, attempt: Attempt) -> None:
    """Records another attempt under the same nonce."""
    _insert_attempt(connection, transaction_id, attempt)
    newest = update(transactions).where(transactions.c.id == transaction_id)
    connection.execute(newest.values(hash=attempt.hash))


def broadcast(connection: Connection, attempt_hash: str) -> None:
    """A node took these bytes."""
    connection.execute(update(attempts).where(attempts.c.hash == attempt_hash).values(broadcast_at=int(time.time())))


def send_again(connection: Connection, sender: str) -> None:
    """Everything unfinished counts as not yet broadcast: a new process trusts no memory of a node."""
    ids = select(transactions.c.id).where(transactions.c.sender == sender, transactions.c.state.in_(UNFINISHED))
    connection.execute(update(attempts).where(attempts.c.transaction_id.in_(ids)).values(broadcast_at=None))


def mined(
    connection: Connection,
    transaction: Transaction,
    attempt_hash: str,
    succeeded: bool,
    block: tuple[int, str],
    cost_wei: int = 0,
    *,
    is_no_op: bool = False,
) -> list[str]:
    """One attempt is in a block. What it carried is mined, or, if it failed or is a no-op, accepted again; gives the
    ids of those. One that failed before, in a block that is gone, carries again what it gave back.

    One that a reorg had dropped was simulated on a chain that is gone: it may fail for want of another.
    """
    if succeeded and not is_no_op:
        relay.take_again(connection, transaction.id)
    gas.book(connection, transaction.id, cost_wei)
    values = {"state": "mined", "hash": attempt_hash, "succeeded": succeeded}
    values |= {"block_number": block[0], "block_hash": block[1]}
    connection.execute(update(transactions).where(transactions.c.id == transaction.id).values(values))
    if not succeeded or is_no_op:
        relay.note_failed(connection, transaction.id)
        at_fault = not succeeded and transaction.state != "dropped"
        return relay.give_back(connection, transaction.id, failed=at_fault)
    relay.set_state(connection, [transaction.id], "mined")
    return []


def dropped(connection: Connection, transaction: Transaction) -> None:
    """The block it was mined in is gone: its requests are sent again, with the same bytes.

    One that had failed gave its requests away, so nothing but its nonce is left: it becomes a no-op.
    """
    kind = transaction.kind if transaction.succeeded else CANCEL
    values = {"state": "dropped", "kind": kind, "succeeded": None, "block_number": None, "block_hash": None}
    connection.execute(update(transactions).where(transactions.c.id == transaction.id).values(values))
    again = update(attempts).where(attempts.c.transaction_id == transaction.id)
    connection.execute(again.values(broadcast_at=None))
    gas.take_back(connection, transaction.id)
    relay.set_state(connection, [transaction.id], "sent")


def spent_elsewhere(connection: Connection, transaction_id: int, block: tuple[int, str] | None) -> None:
    """Notes at which block the nonce was first seen spent by a transaction that is not ours (None: it is not)."""
    number, block_hash = block or (None, None)
    seen = update(transactions).where(transactions.c.id == transaction_id)
    connection.execute(seen.values(block_number=number, block_hash=block_hash))


def lost(connection: Connection, transaction_id: int) -> list[str]:
    """Its nonce is spent for good by another transaction: its requests are accepted again; gives their ids."""
    connection.execute(update(transactions).where(transactions.c.id == transaction_id).values(state="final"))
    relay.forget_failed(connection, failures.c.transaction_id == transaction_id)
    return relay.give_back(connection, transaction_id, failed=False)


def finalise(connection: Connection, sender: str, final: int) -> int:
    """Mined at or below block `final` is final and no longer watched. Gives how many became so."""
    below = (
        (transactions.c.sender == sender) & (transactions.c.state == "mined") & (transactions.c.block_number <= final)
    )
    connection.execute(delete(costs).where(costs.c.transaction_id.in_(select(transactions.c.id).where(below))))
    relay.forget_failed(connection, failures.c.transaction_id.in_(select(transactions.c.id).where(below)))
    return connection.execute(update(transactions).where(below).values(state="final")).rowcount


def unfinished(connection: Connection, sender: str) -> list[Transaction]:
    """Sent or dropped, by nonce."""
    return _transactions(connection, sender, UNFINISHED)


def watched(connection: Connection, sender: str) -> list[Transaction]:
    """Mined and not yet final, by nonce."""
    return _transactions(connection, sender, ("mined",))


def oldest_unfinished(connection: Connection) -> int | None:
    """The lowest id of a transaction of any lane that is under way: its nonce is not seen spent by another.

    Those of a key that no lane has any more do not count: nobody sends them again or looks what became of them.
    """
    under_way = transactions.c.state.in_(UNFINISHED) & transactions.c.block_number.is_(None)
    oldest: int | None = connection.scalar(select(func.min(transactions.c.id)).where(under_way, _of_a_lane()))
    return oldest


def newest(connection: Connection) -> int:
    """The highest id of any lane's transactions; 0 when there are none."""
    return connection.scalar(select(func.max(transactions.c.id))) or 0


def highest_mined(connection: Connection, sender: str) -> tuple[int, str] | None:
    """The highest block (number, hash) with a mined transaction of the sender that is not final: while it stands, all
    of the sender's below it do, for a sender books what a reorg moved at once."""
    query = select(transactions.c.block_number, transactions.c.block_hash).where(transactions.c.state == "mined")
    query = query.where(transactions.c.sender == sender)
    row = connection.execute(query.order_by(transactions.c.block_number.desc()).limit(1)).one_or_none()
    return None if row is None else (row.block_number, row.block_hash)


def mined_blocks(connection: Connection, sender: str | None = None, upto: int = 2**63 - 1) -> list[tuple[int, str]]:
    """Every block (number, hash) up to `upto` with a mined transaction that is not final, of the sender; without one,
    of any key that a lane has now.

    After a reorg some may be gone while higher ones stand: one lane has seen it and sent again, another not yet.
    """
    query = select(transactions.c.block_number, transactions.c.block_hash).where(transactions.c.state == "mined")
    whose = _of_a_lane() if sender is None else transactions.c.sender == sender
    query = query.where(whose, transactions.c.block_number <= upto).distinct()
    return [(number, block_hash) for number, block_hash in connection.execute(query)]


def nonces_from(connection: Connection, sender: str, first: int) -> set[int]:
    """The nonces on record at or above `first`."""
    at_or_above = (transactions.c.sender == sender) & (transactions.c.nonce >= first)
    return set(connection.execute(select(transactions.c.nonce).where(at_or_above)).scalars())


def retired_senders(connection: Connection, present: Collection[str]) -> list[str]:
    """Those that are not among the present ones and have transactions that are not final."""
    open_ones = transactions.c.state.in_((*UNFINISHED, "mined"))
    query = select(transactions.c.sender).where(open_ones, transactions.c.sender.not_in(present)).distinct()
    return sorted(connection.execute(query).scalars())


def carrying(connection: Connection, transaction_ids: Sequence[int]) -> dict[int, int]:
    """How many requests each of these transactions carries; those that carry none are left out."""
    query = select(requests.c.transaction_id, func.count()).where(requests.c.transaction_id.in_(transaction_ids))
    return {row[0]: row[1] for row in connection.execute(query.group_by(requests.c.transaction_id))}


def keep_lanes(connection: Connection, names: Collection[str]) -> None:
    """Forgets the lanes of other names: nothing runs them any more."""
    connection.execute(delete(lanes).where(lanes.c.lane.not_in(names)))


def set_trouble(connection: Connection, lane: str, sender: str, trouble: str | None) -> None:
    """Keeps why a lane sends nothing."""
    values = {"sender": sender, "trouble": trouble, "changed_at": int(time.time())}
    if not connection.execute(update(lanes).where(lanes.c.lane == lane).values(values)).rowcount:
        connection.execute(insert(lanes).values(values | {"lane": lane}))


def all_lanes(connection: Connection) -> list[Lane]:
    """Every lane that a relayer ever ran, by name."""
    return [Lane(*row) for row in connection.execute(_LANES)]


def _of_a_lane() -> ColumnElement[bool]:
    """Sent by a key that a lane has now."""
    return transactions.c.sender.in_(select(lanes.c.sender).where(lanes.c.lane != RETIRED))


def _insert(connection: Connection, sender: str, nonce: int, kind: str, attempt: Attempt) -> int:
    values = {"sender": sender, "nonce": nonce, "kind": kind, "state": "sent", "hash": attempt.hash}
    row = connection.execute(insert(transactions).values(values).returning(transactions.c.id)).one()
    _insert_attempt(connection, row.id, attempt)
    return int(row.id)


def _insert_attempt(connection: Connection, transaction_id: int, attempt: Attempt) -> None:
    values = {
        "transaction_id": transaction_id,
        "hash": attempt.hash,
        "raw": attempt.raw,
        "max_fee": attempt.max_fee,
        "priority_fee": attempt.priority_fee,
        "gas": attempt.gas,
        "created_at": int(time.time()),
    }
    connection.execute(insert(attempts).values(values))


def _of_sender() -> Select[Any]:
    not_before = select(func.max(requests.c.not_before)).where(requests.c.transaction_id == transactions.c.id)
    query = select(transactions, not_before.scalar_subquery().label("not_before"))
    in_states = transactions.c.state.in_(bindparam("states", expanding=True))
    return query.where(transactions.c.sender == bindparam("sender"), in_states).order_by(transactions.c.nonce)


_OF_SENDER = _of_sender()  # put together once: building it costs more than running it


def _transactions(connection: Connection, sender: str, states: Sequence[str]) -> list[Transaction]:
    found = {
        row.id: Transaction(
            id=row.id,
            sender=row.sender,
            nonce=row.nonce,
            kind=row.kind,
            state=row.state,
            succeeded=row.succeeded,
            block_number=row.block_number,
            block_hash=row.block_hash,
            not_before=row.not_before or 0,
        )
        for row in connection.execute(_OF_SENDER, {"sender": sender, "states": states})
    }
    if not found:
        return []
    # Fees only rise from one attempt to the next.
    made = select(attempts).where(attempts.c.transaction_id.in_(found)).order_by(attempts.c.max_fee)
    for row in connection.execute(made):
        attempt = Attempt(row.hash, row.raw, row.max_fee, row.priority_fee, row.gas, row.broadcast_at)
        found[row.transaction_id].attempts.append(attempt)
    return list(found.values())
