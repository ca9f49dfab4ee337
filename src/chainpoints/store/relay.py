"""Relay requests: what the API accepted and the relayer carries out. Four states: accepted, sent, mined, refused.

A request is accepted in the API's own transaction. It is sent when a transaction that carries it is on record, mined
when that transaction's block is in the chain (the block tells how final that is), and refused only when the chain
itself said why. Requests of one wallet, or of one order, go in the order of acceptance, over all lanes, but for what
`_earlier` leaves out.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql import ColumnElement, FromClause

from chainpoints.errors import Conflict, InvalidInput, NotFound
from chainpoints.store.tables import blocks, webhook_refusals
from chainpoints.store.tables import relay_failures as failures
from chainpoints.store.tables import relay_requests as requests
from chainpoints.store.tables import relay_transactions as transactions
from chainpoints.store.webhook_feed import Order, add_refusal

LANES: dict[str, tuple[str, ...]] = {
    "relayer": ("payment", "refund", "claim", "transfer", "permit", "permit_claim", "take", "take_back"),
    "issuer": ("issue", "issue_reserve"),
    "registrar": ("register_merchant", "add_quota"),
}
"""Which key sends which kinds of requests."""

PUBLIC = tuple(kind for kind in LANES["relayer"] if kind != "refund")
"""The kinds that need no API key."""

APPROVALS = ("permit", "permit_claim")
"""Those of them that need no points."""

OPEN = ("accepted", "sent")
"""The states in which a request still waits for its end."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands. The transaction is the one that carries it now, the block is where that was mined.

    `block_is_stored`: that very block is in the stored chain, and with it the effect; not before the indexer reads it,
    nor after a reorg took it.
    """

    sequence: int
    id: str
    kind: str
    lane: str
    merchant: int | None
    order_hash: str | None
    wallet: str | None
    payload: dict[str, Any]
    state: str
    not_before: int
    accepted_at: int
    failures: int
    refusal: dict[str, Any] | None = None
    transaction_hash: str | None = None
    block_number: int | None = None
    block_hash: str | None = None
    block_is_stored: bool = False

    @property
    def is_unproved(self) -> bool:
        """Anybody may have made it up: no signature was checked, or one that anybody with a key can make, whose nonce
        only the chain knows."""
        return self.kind in APPROVALS or (self.kind in PUBLIC and self.wallet is None)

    @property
    def proves_nothing(self) -> bool:
        """It is unproved, and no simulation has passed since."""
        return self.state == "accepted" and self.is_unproved


def _select() -> Select[Any]:
    joined = requests.outerjoin(transactions, requests.c.transaction_id == transactions.c.id)
    columns = (transactions.c.hash, transactions.c.block_number, transactions.c.block_hash)
    return select(requests, *columns, _block_is_stored().label("block_is_stored")).select_from(joined)


def _block_is_stored() -> ColumnElement[bool]:
    return exists().where(blocks.c.hash == transactions.c.block_hash)


_EARLIER = requests.alias("earlier")


def _unproved(t: FromClause) -> ColumnElement[bool]:
    """What anybody can make up, see `Request.is_unproved`."""
    return t.c.kind.in_(APPROVALS) | (t.c.kind.in_(PUBLIC) & t.c.wallet.is_(None))


def _earlier(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is a request to wait for: an earlier one that is of the same wallet, of the same order, or about
    the merchant. What is proved waits for nothing that is not, unless that is under way already; of one order it goes
    first. Issues to one wallet do not wait for each other.
    """
    before = _EARLIER.c.sequence < requests.c.sequence
    same_merchant = _EARLIER.c.merchant == requests.c.merchant
    same_order = same_merchant & (_EARLIER.c.order_hash == requests.c.order_hash)
    weaker = (_EARLIER.c.state == "accepted") & _unproved(_EARLIER) & ~_unproved(requests)
    stronger = _unproved(requests) & ~_unproved(_EARLIER)
    both_issue = (_EARLIER.c.kind == "issue") & (requests.c.kind == "issue")
    reasons = (
        before & (_EARLIER.c.wallet == requests.c.wallet) & ~weaker & ~both_issue,
        before & same_order & ~weaker,
        same_order & stronger,
        before & same_merchant & (_EARLIER.c.lane == "registrar"),
    )
    return or_(*(exists().where(reason, *which) for reason in reasons))


def _ready(which: ColumnElement[bool], *first: ColumnElement[Any]) -> Select[Any]:
    waits = _earlier(_EARLIER.c.state.in_(OPEN))
    accepted = (requests.c.state == "accepted") & (requests.c.lane == bindparam("lane"))
    query = _select().where(accepted, requests.c.not_before <= bindparam("now"), ~waits, which)
    return query.order_by(*first, requests.c.sequence).limit(bindparam("limit"))


# Put together once: building a statement costs more than running it.
_INSERT = insert(requests).returning(requests.c.sequence)
_BY_ID = _select().where(requests.c.id == bindparam("id"))
_OF_ORDERS = (
    _select()
    .where(
        requests.c.merchant.in_(bindparam("merchants", expanding=True)),
        requests.c.order_hash.in_(bindparam("hashes", expanding=True)),
    )
    .order_by(requests.c.sequence)
)
_OF_WALLET = (
    _select()
    .where(requests.c.wallet == bindparam("wallet"), requests.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(requests.c.sequence.desc())
    .limit(bindparam("limit"))
)
_OF_TRANSACTION = _select().where(requests.c.transaction_id == bindparam("transaction")).order_by(requests.c.sequence)
# Written into the text: there may be more of them than a query takes parameters.
_SEQUENCES: BindParameter[int] = bindparam("sequences", expanding=True, literal_execute=True)
_READY = _ready(requests.c.sequence.not_in(_SEQUENCES) & ~_unproved(requests))
_READY_UNPROVED = _ready(
    requests.c.sequence.not_in(_SEQUENCES) & _unproved(requests), case((requests.c.kind == "payment", 0), else_=1)
)
_STILL_READY = _ready(requests.c.sequence.in_(_SEQUENCES))
_NEWEST_ACCEPTED = select(func.max(requests.c.sequence)).where(
    requests.c.state == "accepted", requests.c.lane == bindparam("lane")
)
_OPEN_UNPROVED = select(func.count()).where(
    requests.c.state.in_(OPEN), requests.c.kind == bindparam("kind"), _unproved(requests)
)
_WAITING = select(func.count()).where(requests.c.state.in_(OPEN), requests.c.not_before <= bindparam("due_by"))
_UNREAD = (
    select(func.count())
    .select_from(requests.join(transactions, requests.c.transaction_id == transactions.c.id))
    .where(transactions.c.state == "mined", requests.c.not_before <= bindparam("due_by"))
    .where(~_block_is_stored())
)


_OURS = requests.c.transaction_id == bindparam("transaction")
_SENT_BEFORE = _earlier(_EARLIER.c.state == "sent", _EARLIER.c.transaction_id < bindparam("transaction"))
_WAITS_FOR_ANOTHER = select(exists(select(requests.c.sequence).where(_OURS, _SENT_BEFORE)))


def add_request(
    connection: Connection,
    *,
    kind: str,
    lane: str,
    payload: Mapping[str, Any],
    not_before: int,
    merchant: int | None = None,
    order_hash: str | None = None,
    wallet: str | None = None,
    promised_gwei: int = 0,
    request_id: str | None = None,
) -> Request:
    """Accepts a request and gives it. `not_before` is the timestamp of the head block it was accepted at;
    `promised_gwei` what it is expected to cost (store/gas). `request_id`: an id of its own, for what is accepted once.

    Give `order_hash` for what is of an order and `wallet` for what acts for a person: each keeps its order.
    Raises InvalidInput for a kind that the lane's key does not send.
    """
    if kind not in LANES.get(lane, ()):
        raise InvalidInput(f"no lane {lane} sends requests of kind {kind}")
    row: dict[str, Any] = {
        "id": request_id or str(uuid.uuid4()),
        "kind": kind,
        "lane": lane,
        "merchant": payload.get("merchant") if merchant is None else merchant,
        "order_hash": order_hash,
        "wallet": wallet,
        "state": "accepted",
        "not_before": not_before,
        "accepted_at": int(time.time()),
        "failures": 0,
    }
    stored = row | {"payload": json.dumps(payload, sort_keys=True), "promised_gwei": promised_gwei}
    sequence = connection.execute(_INSERT, stored).scalar_one()
    return Request(sequence=sequence, payload=dict(payload), **row)


def request(connection: Connection, request_id: str) -> Request:
    """Raises NotFound when there is none."""
    found = known_request(connection, request_id)
    if found is None:
        raise NotFound(f"no request {request_id[:36]}")
    return found


def known_request(connection: Connection, request_id: str) -> Request | None:
    row = connection.execute(_BY_ID, {"id": request_id}).one_or_none()
    return _request(row) if row else None


def requests_of_order(connection: Connection, merchant: int, order_hash: str) -> list[Request]:
    """In the order of acceptance."""
    return requests_of_orders(connection, [(merchant, order_hash)])[merchant, order_hash]


def requests_of_orders(connection: Connection, orders: Collection[Order]) -> dict[Order, list[Request]]:
    """Of each order its requests, in the order of acceptance."""
    chosen = {
        "merchants": list({merchant for merchant, _ in orders}),
        "hashes": list({order_hash for _, order_hash in orders}),
    }
    found: dict[Order, list[Request]] = {order: [] for order in orders}
    for row in connection.execute(_OF_ORDERS, chosen):
        if (row.merchant, row.order_hash) in found:
            found[row.merchant, row.order_hash].append(_request(row))
    return found


def requests_of_wallet(connection: Connection, wallet: str, kinds: Collection[str], limit: int = 50) -> list[Request]:
    """Those of these kinds, the newest first."""
    values = {"wallet": wallet, "kinds": list(kinds), "limit": limit}
    return [_request(row) for row in connection.execute(_OF_WALLET, values)]


def requests_of_transaction(connection: Connection, transaction_id: int) -> list[Request]:
    """In the order of acceptance, which is their order in the transaction."""
    return [_request(row) for row in connection.execute(_OF_TRANSACTION, {"transaction": transaction_id})]


def open_requests(connection: Connection, due_by: int = 2**63 - 1) -> int:
    """How many requests have no effect in the stored chain yet: they wait, or their block is not (any more) there.

    Only those count that may be carried out at chain time `due_by` (unix seconds).
    """
    at = {"due_by": due_by}
    return connection.execute(_WAITING, at).scalar_one() + connection.execute(_UNREAD, at).scalar_one()


def next_not_before(connection: Connection, now: int) -> int | None:
    """The first chain time after `now` at which another open request may be carried out; None when there is none."""
    later = requests.c.state.in_(OPEN) & (requests.c.not_before > now)
    earliest: int | None = connection.scalar(select(func.min(requests.c.not_before)).where(later))
    return earliest


def newest_accepted(connection: Connection, lane: str) -> int | None:
    """The highest sequence that waits to be sent in the lane; None when nothing does."""
    newest: int | None = connection.scalar(_NEWEST_ACCEPTED, {"lane": lane})
    return newest


def ready_requests(
    connection: Connection, lane: str, now: int, limit: int, most_unproved: int, without: Collection[int] = ()
) -> list[Request]:
    """What may be sent at chain time `now`, in the order of acceptance: at most one for each order, and for each wallet
    but for issues to it.

    A request waits while an earlier one is open that is of its wallet, of its order, or about its merchant itself. What
    is proved does not wait for what is not and was not sent; of one order it is the other way round.

    Up to `limit` that are proved, then `most_unproved` of what anybody can make up, each of which costs a simulation of
    its own; payments first, which need an order. `without`: the sequences of requests that are left out.
    """
    values = {"lane": lane, "now": now, "sequences": list(without)}
    proved = connection.execute(_READY, values | {"limit": limit})
    unproved = connection.execute(_READY_UNPROVED, values | {"limit": most_unproved})
    return [_request(row) for row in (*proved, *unproved)]


def open_unproved(connection: Connection, kind: str) -> int:
    """How many open requests of the kind anybody can have made up."""
    return connection.execute(_OPEN_UNPROVED, {"kind": kind}).scalar_one()


def still_ready(connection: Connection, lane: str, now: int, sequences: Collection[int]) -> list[Request]:
    """Those of these requests that may be sent at chain time `now`."""
    values = {"lane": lane, "now": now, "limit": len(sequences), "sequences": list(sequences)}
    return [_request(row) for row in connection.execute(_STILL_READY, values)]


def waits_for_another(connection: Connection, transaction_id: int) -> bool:
    """Whether a request of the transaction has to wait, as `ready_requests` has it, for one that an earlier transaction
    carries."""
    parameters = {"transaction": transaction_id}
    return bool(connection.execute(_WAITS_FOR_ANOTHER, parameters).scalar_one())


def prune_refused(connection: Connection, accepted_before: int, limit: int) -> int:
    """Forgets refused requests that anybody could make and webhooks have told of. Gives how many: at most `limit`."""
    public = requests.c.kind.in_(PUBLIC) & (requests.c.accepted_at < accepted_before)
    told = requests.c.id.not_in(select(webhook_refusals.c.request))
    old = select(requests.c.sequence).where(requests.c.state == "refused", public, told).limit(limit)
    return connection.execute(delete(requests).where(requests.c.sequence.in_(old))).rowcount


def refuse(connection: Connection, request_id: str, refusal: Mapping[str, Any]) -> None:
    """Ends an accepted request with what the chain said. Raises Conflict when it is not in that state any more."""
    values = {"state": "refused", "refusal": json.dumps(refusal)}
    _move(connection, requests.c.id == request_id, "accepted", values, expected=1)
    add_refusal(connection, request_id)


def carry(connection: Connection, request_ids: Sequence[str], transaction_id: int) -> None:
    """Puts accepted requests into a transaction. Raises Conflict when one of them is not accepted any more."""
    values = {"state": "sent", "transaction_id": transaction_id}
    _move(connection, requests.c.id.in_(request_ids), "accepted", values, expected=len(request_ids))


def set_state(connection: Connection, transaction_ids: Iterable[int], state: str) -> None:
    """Moves the requests of transactions between sent and mined."""
    carried = requests.c.transaction_id.in_(list(transaction_ids))
    connection.execute(update(requests).where(carried, requests.c.state != state).values(state=state))


def give_back(connection: Connection, transaction_id: int, *, failed: bool) -> list[str]:
    """Takes the requests out of a transaction that did nothing: they are accepted again. Gives their ids.

    `failed`: it was the requests' own fault, as far as is known; after some of these they are refused.
    """
    carried = requests.c.transaction_id == transaction_id
    ids = list(connection.execute(select(requests.c.id).where(carried)).scalars())
    values = {"state": "accepted", "transaction_id": None, "failures": requests.c.failures + int(failed)}
    connection.execute(update(requests).where(carried).values(values))
    return ids


def note_failed(connection: Connection, transaction_id: int) -> None:
    """Keeps which requests a transaction carries that was mined and failed."""
    carried = select(requests.c.transaction_id, requests.c.sequence).where(requests.c.transaction_id == transaction_id)
    connection.execute(insert(failures).from_select(["transaction_id", "request"], carried))


def take_again(connection: Connection, transaction_id: int) -> None:
    """A reorg has put a transaction that had failed where it succeeds: what it gave back it carries again, whatever
    became of that meanwhile. Another transaction that carries it now has given it back so: its own turn may come."""
    its_own = failures.c.transaction_id == transaction_id
    again = requests.c.sequence.in_(select(failures.c.request).where(its_own))
    elsewhere = requests.join(transactions, requests.c.transaction_id == transactions.c.id)
    held = select(requests.c.transaction_id, requests.c.sequence).select_from(elsewhere)
    held = held.where(again, requests.c.transaction_id != transaction_id, transactions.c.state != "final")
    connection.execute(insert(failures).from_select(["transaction_id", "request"], held))
    values = {"state": "sent", "transaction_id": transaction_id, "refusal": None}
    connection.execute(update(requests).where(again).values(values))
    # After the rows are held: what another process has refused meanwhile is seen here.
    refused = select(requests.c.id).where(again)
    connection.execute(delete(webhook_refusals).where(webhook_refusals.c.request.in_(refused)))
    forget_failed(connection, its_own)


def forget_failed(connection: Connection, which: ColumnElement[bool]) -> None:
    """What these failures gave back does not come again."""
    connection.execute(delete(failures).where(which))


def _move(
    connection: Connection, which: ColumnElement[bool], state: str, values: Mapping[str, Any], *, expected: int
) -> None:
    moved = connection.execute(update(requests).where(which, requests.c.state == state).values(values)).rowcount
    if moved != expected:
        raise Conflict(
            f"{expected - moved} of {expected} requests are not {state} any more; another process moved them"
        )


def _request(row: Row[Any]) -> Request:
    mined = row.state == "mined"
    return Request(
        sequence=row.sequence,
        id=row.id,
        kind=row.kind,
        lane=row.lane,
        merchant=row.merchant,
        order_hash=row.order_hash,
        wallet=row.wallet,
        payload=json.loads(row.payload),
        state=row.state,
        not_before=row.not_before,
        accepted_at=row.accepted_at,
        failures=row.failures,
        refusal=json.loads(row.refusal) if row.refusal else None,
        transaction_hash=row.hash,
        block_number=row.block_number if mined else None,
        block_hash=row.block_hash if mined else None,
        block_is_stored=mined and row.block_is_stored,
    )
