"""What a message says: {type, timestamp, data}. Amounts are decimal strings of points, times are the chain's. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from chainpoints.domain.webhooks import id_of_message, payload, reversed_type
from chainpoints.store.history import END_OF_BLOCK, Row
from chainpoints.store.webhook_feed import Happening
from chainpoints.store.webhook_messages import MessageRow, NewMessage
from chainpoints.types import ZERO_ADDRESS, NodeId, format_points

Names = Mapping[tuple[int, str], tuple[str, str]]
"""Id and reference of an order by merchant and order hash."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message of one endpoint that lacks its sequence.

    `block` is where it happened: number, hash, log index. `origin`: what it tells of when that is on no block.
    """

    endpoint: str
    type: str
    object: str
    timestamp: int
    data: dict[str, Any]
    block: tuple[int, str, int] | None = None
    standing: bool = False
    origin: str = ""

    def message(self, sequence: int) -> NewMessage:
        number, block_hash, log_index = self.block or (None, None, None)
        return NewMessage(
            id=id_of_message(self.endpoint, self.type, self.origin, block_hash, log_index, sequence),
            endpoint=self.endpoint,
            type=self.type,
            object=self.object,
            sequence=sequence,
            payload=payload(self.type, self.timestamp, {**self.data, "sequence": sequence}),
            block_number=number,
            block_hash=block_hash,
            log_index=log_index,
            standing=self.standing,
        )


def type_of(happening: Happening) -> str:
    """Which kind of message tells of it."""
    if happening.kind == "node_transfers":
        if happening.row["sender"] == ZERO_ADDRESS:
            return "node.created"
        return "node.ended" if happening.row["receiver"] == ZERO_ADDRESS else "node.transferred"
    return _TYPES[happening.kind]


def draft(happening: Happening, endpoint: str, merchant: int, finality: str, names: Names) -> Draft:
    """What an endpoint of the merchant is told of something that happened on chain, at that finality."""
    kind, row = happening.kind, happening.row
    place = (row["block_number"], row["block_hash"], row["log_index"])
    about = {"merchant": merchant} | _ABOUT[kind](row, names)
    where = {
        "transaction": row["transaction_hash"],
        "block": row["block_number"],
        "block_hash": row["block_hash"],
        "log_index": None if row["log_index"] == END_OF_BLOCK else row["log_index"],
        "finality": finality,
    }
    name = _object(kind, row)
    return Draft(endpoint, type_of(happening), name, row["timestamp"], about | where, place, standing=True)


def reversal(message: MessageRow, now: int) -> Draft:
    """What takes a message back whose block is no longer on the chain, at chain time `now`."""
    data = msgspec.json.decode(message.payload)["data"]
    data |= {"reverses": message.id, "reverses_type": message.type}
    return Draft(message.endpoint, reversed_type(message.type), message.object, now, data, origin=message.id)


def refused(request: Mapping[str, Any], endpoint: str, now: int, names: Names) -> Draft:
    """What tells of a request that the chain would not have."""
    merchant, order_hash = request["merchant"], request["order_hash"]
    order = _order(merchant, order_hash, names) if order_hash else {}
    data = {
        "merchant": merchant,
        "request": request["id"],
        "kind": request["kind"],
        **order,
        "wallet": request["wallet"],
        "accepted_at": request["accepted_at"],
        "refusal": request["refusal"],
    }
    name = f"order {order_hash}" if order_hash else f"request {request['id']}"
    return Draft(endpoint, "request.refused", name, now, data, origin=request["id"])


def _order(merchant: int, order_hash: str, names: Names) -> dict[str, Any]:
    order, reference = names.get((merchant, order_hash), (None, None))
    return {"order": order, "reference": reference, "order_hash": order_hash}


def _payment(row: Row, names: Names) -> dict[str, Any]:
    return {
        **_order(row["merchant"], row["order_hash"], names),
        "payer": row["payer"],
        "program": row["program"],
        "node": str(NodeId.of_payment(row["program"], row["start"], row["payer"])),
        "amount": format_points(row["amount"]),
        "merchant_share": format_points(row["amount"] - row["diverted"]),
        "diverted": format_points(row["diverted"]),
        "node_total": format_points(row["total"]),
    }


def _issue(row: Row, names: Names) -> dict[str, Any]:
    has_node = row["total"] != 0
    return {
        **_order(row["merchant"], row["order_hash"], names),
        "customer": row["customer"],
        "points": format_points(row["points"]),
        "node_total": format_points(row["total"]),
        "program": row["program"] if has_node else None,
        "node": str(NodeId.of_issue(row["program"], row["start"], row["customer"])) if has_node else None,
        "evidence": row["evidence"],
    }


def _claim(row: Row, _: Names) -> dict[str, Any]:
    return {
        "node": row["node"],
        "owner": row["owner"],
        "receiver": row["receiver"],
        "amount": format_points(row["amount"]),
        "claimed_periods": row["claimed_periods"],
    }


def _node_transfer(row: Row, _: Names) -> dict[str, Any]:
    return {"node": row["node"], "sender": row["sender"], "receiver": row["receiver"]}


def _merchant(row: Row, _: Names) -> dict[str, Any]:
    return {
        "active": row["active"],
        "paid_per_day": format_points(row["paid_per_day"]),
        "issued_per_day": format_points(row["issued_per_day"]),
        "quota": format_points(row["quota"]),
    }


def _object(kind: str, row: Row) -> str:
    """Whose messages are numbered and sent one after the other."""
    if kind in _OF_NODES:
        return f"node {row['node']}"
    return f"merchant {row['merchant']}" if kind == "merchants" else f"order {row['order_hash']}"


_OF_NODES = ("claims", "node_transfers")
_TYPES = {
    "payments": "payment.created",
    "refunds": "refund.created",
    "issues": "issue.created",
    "claims": "claim.created",
    "merchants": "merchant.limits_changed",
}
_ABOUT = {
    "payments": _payment,
    "refunds": _payment,
    "issues": _issue,
    "claims": _claim,
    "node_transfers": _node_transfer,
    "merchants": _merchant,
}
