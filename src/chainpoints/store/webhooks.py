"""Webhook endpoints: where a merchant wants to be told, of what, how final, and how far that has come."""

from __future__ import annotations

import base64
import secrets
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Row, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from chainpoints.config import Secret
from chainpoints.store import tables
from chainpoints.store.status import Finality

_SECRET_BYTES = 32


class Block(NamedTuple):
    """A block that was stored once; a hash of None stands for what is before the first block."""

    number: int
    hash: str | None


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """`events` is None for all. All up to the block `told` was told; `anchor`, not above it, was final then."""

    id: str
    merchant: int
    url: str
    events: frozenset[str] | None
    finality: Finality
    active: bool
    disabled_reason: str | None
    failing_since: int | None
    secret: Secret
    previous_secret: Secret | None
    previous_until: int | None
    created_at: int
    told: Block
    anchor: Block

    def wants(self, event: str) -> bool:
        return self.events is None or event in self.events

    def secrets_at(self, now: int) -> list[Secret]:
        """What signs at that time: two secrets while a rotation's overlap lasts."""
        previous = self.previous_secret
        return [self.secret] + ([previous] if previous and now < (self.previous_until or 0) else [])


_t, _blocks = tables.webhook_endpoints.c, tables.blocks.c
_before = tables.webhook_blocks_before.c
_ALL = select(tables.webhook_endpoints)
_ACTIVE = _ALL.where(_t.active).order_by(_t.id)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_ACTIVE_AMONG = _ACTIVE.where(_t.id.in_(_IDS))
_HELD = select(_t.id, _t.block_number, _t.block_hash).where(_t.id.in_(_IDS)).order_by(_t.id).with_for_update()
_MOST_BEFORE = 10_000
"""Where nothing is final yet, a reorg is expected to be no deeper than that."""
_is_head = tables.blocks.alias("head").c
_NOTE_BEFORE = insert(tables.webhook_blocks_before).from_select(
    list(_before),
    select(bindparam("id", type_=_before.endpoint.type), _blocks.number, _blocks.hash)
    .where(_blocks.number > bindparam("anchor"), _blocks.number <= bindparam("told"))
    .where(_blocks.number > bindparam("told") - _MOST_BEFORE)
    .where(exists().where(_is_head.number == bindparam("told"), _is_head.hash == bindparam("hash"))),
)
_BEFORE = (
    select(_before.endpoint, _before.block_hash)
    .join(tables.webhook_endpoints, _t.id == _before.endpoint)
    .where(_t.active, _before.block_number > _t.block_number)
)
_BEFORE_OF = select(_before.block_hash).where(
    _before.endpoint == bindparam("endpoint"), _before.block_number > bindparam("above")
)
_SUCCEEDED = (
    update(tables.webhook_endpoints).where(_t.id.in_(_IDS), _t.failing_since.is_not(None)).values(failing_since=None)
)


def add_endpoint(
    connection: Connection,
    *,
    merchant: int,
    url: str,
    events: Iterable[str] | None,
    finality: Finality,
    told: Block,
    anchor: Block,
) -> EndpointRow:
    """An active endpoint with a new secret; it is told of what comes after the block `told`, which was the head."""
    anchor = min(anchor, told, key=lambda block: block.number)  # what is final has been read later
    row = {
        "id": f"whk_{secrets.token_hex(16)}",
        "merchant": merchant,
        "url": url,
        "events": _joined(events),
        "finality": finality,
        "active": True,
        "disabled_reason": None,
        "failing_since": None,
        "secret": _new_secret(),
        "previous_secret": None,
        "previous_until": None,
        "created_at": int(time.time()),
        **_place(told, anchor),
    }
    connection.execute(insert(tables.webhook_endpoints).values(row))
    connection.execute(_NOTE_BEFORE, {"id": row["id"], "anchor": anchor.number, "told": told.number, "hash": told.hash})
    found = endpoint(connection, merchant, str(row["id"]))
    assert found is not None
    return found


def endpoint(connection: Connection, merchant: int, endpoint_id: str) -> EndpointRow | None:
    """The endpoint, if it is the merchant's."""
    row = connection.execute(_ALL.where(_t.id == endpoint_id, _t.merchant == merchant)).one_or_none()
    return _endpoint(row) if row else None


def endpoints_of(connection: Connection, merchants: Iterable[int]) -> list[EndpointRow]:
    """In the order of their making."""
    query = _ALL.where(_t.merchant.in_(list(merchants))).order_by(_t.created_at, _t.id)
    return [_endpoint(row) for row in connection.execute(query)]


def active_endpoints(connection: Connection, among: Collection[str] | None = None) -> list[EndpointRow]:
    """All that are active, or those of these ids that are."""
    rows = connection.execute(_ACTIVE) if among is None else connection.execute(_ACTIVE_AMONG, {"ids": list(among)})
    return [_endpoint(row) for row in rows]


def count_of(connection: Connection, merchant: int) -> int:
    return connection.scalar(select(func.count()).where(_t.merchant == merchant)) or 0


def change(connection: Connection, endpoint_id: str, changes: Mapping[str, Any]) -> None:
    """Changes url, events, finality or active. Switched on it begins anew, with no reason and no failures; at another
    address without failures."""
    values = dict(changes)
    if "events" in values:
        values["events"] = _joined(values["events"])
    if values.keys() & {"active", "url"}:
        values["failing_since"] = None
    if "active" in values:
        values["disabled_reason"] = None
    connection.execute(update(tables.webhook_endpoints).where(_t.id == endpoint_id).values(values))


def rotate(connection: Connection, endpoint_id: str, *, previous_until: int) -> None:
    """Gives it a new secret; the one before signs too until then."""
    values = {"secret": _new_secret(), "previous_secret": _t.secret, "previous_until": previous_until}
    connection.execute(update(tables.webhook_endpoints).where(_t.id == endpoint_id).values(values))


def remove(connection: Connection, endpoint_id: str) -> None:
    """Deletes an endpoint, its messages and their attempts."""
    connection.execute(delete(tables.webhook_endpoints).where(_t.id == endpoint_id))


def disable(connection: Connection, endpoint: EndpointRow, reason: str) -> None:
    """Unless it has another address by now."""
    values = {"active": False, "disabled_reason": reason}
    connection.execute(update(tables.webhook_endpoints).where(_with_address(endpoint)).values(values))


def failed(connection: Connection, endpoint: EndpointRow, now: int) -> None:
    """Notes the first failure since the last success, unless it has another address by now."""
    which = _with_address(endpoint) & _t.failing_since.is_(None)
    connection.execute(update(tables.webhook_endpoints).where(which).values(failing_since=now))


def _with_address(endpoint: EndpointRow) -> ColumnElement[bool]:
    return (_t.id == endpoint.id) & (_t.url == endpoint.url)


def succeeded(connection: Connection, endpoint_ids: Iterable[str]) -> None:
    connection.execute(_SUCCEEDED, {"ids": list(endpoint_ids)})


def hold(connection: Connection, endpoint_ids: Iterable[str]) -> dict[str, Block]:
    """Where those of the endpoints stand that are there; they stay as they are until the transaction's end."""
    rows = connection.execute(_HELD, {"ids": list(endpoint_ids)})
    return {row.id: Block(row.block_number, row.block_hash) for row in rows}


def blocks_before(connection: Connection) -> dict[str, set[str]]:
    """Of each endpoint that stands below the block that it was made at: the hashes of the blocks between them, as they
    were then."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in connection.execute(_BEFORE):
        found[row.endpoint].add(row.block_hash)
    return found


def blocks_before_of(connection: Connection, endpoint_id: str, above: int) -> set[str]:
    """The hashes of the blocks above that one that were there when the endpoint was made and were not final since."""
    return set(connection.scalars(_BEFORE_OF, {"endpoint": endpoint_id, "above": above}))


def move(connection: Connection, endpoint_ids: Iterable[str], told: Block, anchor: Block) -> None:
    ids = list(endpoint_ids)
    connection.execute(update(tables.webhook_endpoints).where(_t.id.in_(ids)).values(_place(told, anchor)))
    final = delete(tables.webhook_blocks_before).where(_before.endpoint.in_(ids), _before.block_number <= anchor.number)
    connection.execute(final)


def _place(told: Block, anchor: Block) -> dict[str, Any]:
    return {
        "block_number": told.number,
        "block_hash": told.hash,
        "anchor_number": anchor.number,
        "anchor_hash": anchor.hash,
    }


def _new_secret() -> str:
    """As Standard Webhooks writes one."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def _joined(events: Iterable[str] | None) -> str | None:
    return None if events is None else " ".join(sorted(set(events)))


def _endpoint(row: Row[Any]) -> EndpointRow:
    return EndpointRow(
        id=row.id,
        merchant=row.merchant,
        url=row.url,
        events=None if row.events is None else frozenset(row.events.split()),
        finality=row.finality,
        active=row.active,
        disabled_reason=row.disabled_reason,
        failing_since=row.failing_since,
        secret=Secret(row.secret),
        previous_secret=Secret(row.previous_secret) if row.previous_secret else None,
        previous_until=row.previous_until,
        created_at=row.created_at,
        told=Block(row.block_number, row.block_hash),
        anchor=Block(row.anchor_number, row.anchor_hash),
    )
