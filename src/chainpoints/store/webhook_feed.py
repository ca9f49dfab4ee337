"""What happened on chain in a range of blocks, in the chain's total order, and which merchants it concerns."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, Table, bindparam, delete, insert, select

from chainpoints.store import tables
from chainpoints.store.history import END_OF_BLOCK, Row
from chainpoints.store.merchants import MerchantRow, merchant
from chainpoints.types import NodeId

_OF_MERCHANTS = ("payments", "refunds", "issues")
_OF_NODES = ("claims", "node_transfers")
_IDS_IN_A_QUERY = 500

Order = tuple[int, str]
"""Merchant and order hash."""


@dataclass(frozen=True, slots=True)
class Happening:
    """`kind` is the event's table, or "merchants"; `row` has its block's hash and timestamp too."""

    kind: str
    row: Row
    merchants: frozenset[int]


def _many(name: str) -> BindParameter[Any]:
    """A list that a statement takes: made once, it does not look at each value again."""
    return bindparam(name, expanding=True)


_blocks, _orders = tables.blocks.c, tables.orders.c
_HASHES = select(_blocks.number, _blocks.hash).where(_blocks.number.in_(_many("numbers")))
_STORED = select(_blocks.hash).where(_blocks.hash.in_(_many("hashes")))
_NAMES = select(_orders.merchant, _orders.order_hash, _orders.id, _orders.reference).where(
    _orders.merchant.in_(_many("merchants")), _orders.order_hash.in_(_many("hashes"))
)


def _between(kind: str) -> Select[Any]:
    table: Table = getattr(tables, kind)
    return (
        select(table, _blocks.timestamp, _blocks.hash.label("block_hash"))
        .join(tables.blocks, _blocks.number == table.c.block_number)
        .where(table.c.block_number > bindparam("after"), table.c.block_number <= bindparam("up_to"))
    )


_ROWS = {kind: _between(kind).where(getattr(tables, kind).c.merchant.in_(_many("merchants"))) for kind in _OF_MERCHANTS}
_ROWS |= {kind: _between(kind) for kind in _OF_NODES}


def happened(
    connection: Connection, after: int, up_to: int, merchants: Collection[int], *, with_nodes: bool
) -> list[Happening]:
    """What concerns these merchants in the blocks above `after`, up to `up_to`.

    A node concerns the merchants whose payments or issues made it or added to it, and so do its pieces.
    """
    found = []
    for kind in _OF_MERCHANTS:
        for row in _rows(connection, kind, after, up_to, merchants=list(merchants)):
            found.append(Happening(kind, row, frozenset({row["merchant"]})))
    if with_nodes:
        found += _of_nodes(connection, after, up_to, merchants)
    found += _changed(connection, after, up_to, merchants)
    return sorted(found, key=lambda each: (each.row["block_number"], each.row["log_index"]))


def blocks(connection: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """The hashes of stored blocks by number."""
    found: dict[int, str] = {}
    for some in _parts(sorted(set(numbers))):
        found |= {row.number: row.hash for row in connection.execute(_HASHES, {"numbers": some})}
    return found


def stored(connection: Connection, hashes: Iterable[str]) -> set[str]:
    """Those of the block hashes that are in the stored chain."""
    found: set[str] = set()
    for some in _parts(sorted(set(hashes))):
        found |= set(connection.scalars(_STORED, {"hashes": some}))
    return found


def names_of_orders(connection: Connection, orders: Iterable[Order]) -> dict[Order, tuple[str, str]]:
    """Id and reference of orders that were made here; anyone can pay under a hash of no order."""
    found: dict[Order, tuple[str, str]] = {}
    wanted = set(orders)
    for some in _parts(sorted(wanted)):
        chosen = {
            "merchants": list({merchant for merchant, _ in some}),
            "hashes": [order_hash for _, order_hash in some],
        }
        for row in connection.execute(_NAMES, chosen):
            if (row.merchant, row.order_hash) in wanted:
                found[row.merchant, row.order_hash] = row.id, row.reference
    return found


def add_refusal(connection: Connection, request: str) -> None:
    """A request of a merchant, to be told of: in the transaction that refuses it."""
    t = tables.relay_requests.c
    of_merchant = select(t.id).where(t.id == request, t.merchant.is_not(None))
    connection.execute(insert(tables.webhook_refusals).from_select(["request"], of_merchant))


def refusals(connection: Connection, limit: int = 500) -> list[Mapping[str, Any]]:
    """Refused requests that were not told of, in the order of their acceptance; `refusal` is the decoded revert."""
    t, told = tables.relay_requests, tables.webhook_refusals
    joined = t.join(told, t.c.id == told.c.request)
    columns = (t.c.id, t.c.kind, t.c.merchant, t.c.order_hash, t.c.wallet, t.c.accepted_at, t.c.refusal)
    rows = connection.execute(select(*columns).select_from(joined).order_by(t.c.sequence).limit(limit)).mappings()
    return [{**row, "refusal": json.loads(row["refusal"] or "{}")} for row in rows]


def has_refusals(connection: Connection) -> bool:
    return connection.scalar(select(tables.webhook_refusals.c.request).limit(1)) is not None


def take_refusals(connection: Connection, requests: Collection[str]) -> list[str]:
    """Deletes them, as told. Gives those that were still there, in the order given."""
    t = tables.webhook_refusals
    if not requests:
        return []
    there = set(connection.scalars(delete(t).where(t.c.request.in_(list(requests))).returning(t.c.request)))
    return [request for request in requests if request in there]


def _of_nodes(connection: Connection, after: int, up_to: int, merchants: Collection[int]) -> list[Happening]:
    rows = [(kind, row) for kind in _OF_NODES for row in _rows(connection, kind, after, up_to)]
    nodes = {row["node"]: NodeId.from_token_id(int(row["node"])) for _, row in rows}
    made = _makers(connection, nodes.values(), merchants, up_to)
    found = []
    for kind, row in rows:
        node = nodes[row["node"]]
        whose = made[(node.program, node.start, node.origin)]
        concerned = {merchant for serial, merchant in whose if node.serial not in (0, 1) or serial == node.serial}
        if concerned:
            found.append(Happening(kind, row, frozenset(concerned)))
    return found


def _makers(
    connection: Connection, nodes: Iterable[NodeId], merchants: Collection[int], up_to: int
) -> dict[tuple[int, int, str], set[tuple[int, int]]]:
    """Serial (0: by payments, 1: by issues) and merchant of what made the nodes, by program, start and origin."""
    found: defaultdict[tuple[int, int, str], set[tuple[int, int]]] = defaultdict(set)
    origins = sorted({node.origin for node in nodes})
    for serial, table, who in ((0, tables.payments, "payer"), (1, tables.issues, "customer")):
        t = table.c
        for some in _parts(origins):
            query = (
                select(t.merchant, t.program, t.start, t[who].label("origin"))
                .where(t[who].in_(some), t.merchant.in_(merchants), t.block_number <= up_to)
                .distinct()
            )
            for row in connection.execute(query):
                found[row.program, row.start, row.origin].add((serial, row.merchant))
    return found


def _changed(connection: Connection, after: int, up_to: int, merchants: Collection[int]) -> list[Happening]:
    """Merchants whose limits or standing changed; a quota that was used or filled up is no change of them."""
    t = tables.merchants
    columns = [t.c[name] for name in MerchantRow.__slots__]
    rows = (
        select(*columns, t.c.block_number, tables.blocks.c.hash.label("block_hash"), tables.blocks.c.timestamp)
        .select_from(t.join(tables.blocks, tables.blocks.c.number == t.c.block_number))
        .where(t.c.block_number > after, t.c.block_number <= up_to, t.c.merchant.in_(merchants))
        .order_by(t.c.merchant, t.c.block_number)
    )
    found = []
    before: MerchantRow | None = None
    for row in connection.execute(rows).mappings():
        now = MerchantRow(*(row[name] for name in MerchantRow.__slots__))
        if before is None or before.merchant != now.merchant:
            before = merchant(connection, now.merchant, row["block_number"] - 1)
        if before is not None and _limits(before) != _limits(now):
            change = {**row, "log_index": END_OF_BLOCK, "transaction_hash": None}
            found.append(Happening("merchants", change, frozenset({now.merchant})))
        before = now
    return found


def _limits(row: MerchantRow) -> tuple[bool, int, int]:
    return row.active, row.paid_per_day, row.issued_per_day


def _rows(connection: Connection, kind: str, after: int, up_to: int, **more: list[int]) -> list[Row]:
    found = connection.execute(_ROWS[kind], {"after": after, "up_to": up_to, **more})
    return [dict(row) for row in found.mappings()]


def _parts(items: Any) -> list[Any]:
    return [items[first : first + _IDS_IN_A_QUERY] for first in range(0, len(items), _IDS_IN_A_QUERY)]
