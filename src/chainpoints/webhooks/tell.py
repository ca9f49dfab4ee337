"""From the stored chain to messages: each endpoint stands at a block, and is told of what happened from there on.

First a plan is made from one snapshot, then it is written in one transaction: messages, and where the endpoints stand
now. So a crash between the two, or in either, tells nothing twice and leaves nothing out.

A reorg shows in an endpoint's block, which is gone: it goes back to its anchor, a block that was final then. What it
was told of blocks that are gone is taken back; what is on the chain, and was told, is not told again.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from chainpoints.errors import StoreUnavailable
from chainpoints.store import Connection
from chainpoints.store import webhook_feed as feed
from chainpoints.store import webhook_messages as messages
from chainpoints.store import webhooks as endpoints
from chainpoints.store.session import Store
from chainpoints.store.status import Head, Indexed, indexed_and_head
from chainpoints.store.webhook_messages import MessageRow
from chainpoints.store.webhooks import Block, EndpointRow
from chainpoints.webhooks.payloads import Draft, draft, refused, reversal, type_of

_BLOCKS_AT_ONCE = 500
_LOOK_EVERY_SECONDS = 1.0
"""So soon at the latest an endpoint that was switched on, or changed its finality, goes on."""

_NODE_EVENTS = ("claim.created", "node.created", "node.transferred", "node.ended")

OnStep = Callable[[str], None]
"""Told of each step: "told" (messages were made), "sent" (attempts have ended), "recorded" (that is in the store)."""

_Told = set[tuple[str | None, int | None]]
"""Block hash and log index of what is told and stands."""


@dataclass(slots=True)
class _Standing:
    """An endpoint, the block that it goes on from, what it was told above that, and the blocks that were there before
    it was made: it is told of nothing in them, unless that was told once and taken back."""

    endpoint: EndpointRow
    block: Block
    before: Collection[str] = ()
    told: _Told = field(default_factory=set)


@dataclass(slots=True)
class _Plan:
    """`seen`: where the endpoints stood when it was made. `moves`: where they go, with their new anchors."""

    seen: dict[str, Block] = field(default_factory=dict)
    moves: defaultdict[tuple[Block, Block], list[str]] = field(default_factory=lambda: defaultdict(list))
    drafts: list[Draft] = field(default_factory=list)
    taken_back: list[MessageRow] = field(default_factory=list)
    refusals: dict[str, list[Draft]] = field(default_factory=dict)


class Teller:
    """`may_lose_blocks`: a stored chain that got shorter has lost its blocks (only the local chain can).

    Elsewhere blocks that are not stored are only not read yet (again).
    """

    def __init__(self, store: Store, *, may_lose_blocks: bool, on_step: OnStep = lambda _step: None) -> None:
        self._store, self._may_lose_blocks, self._on_step = store, may_lose_blocks, on_step
        self._at_rest: tuple[object, ...] | None = None
        self._looked_at = 0.0

    def step(self) -> bool:
        """Tells what is new, up to a limit. True when something was done."""
        with self._store.read() as connection:
            stands = _stands(connection)
            if stands == self._at_rest and time.monotonic() - self._looked_at < _LOOK_EVERY_SECONDS:
                return False
            plan = self._plan(connection)
        if not (plan.seen or plan.refusals):
            self._at_rest, self._looked_at = stands, time.monotonic()
            return False
        with self._store.write() as connection:
            _write(connection, plan)
        self._on_step("told")
        return True

    def _plan(self, connection: Connection) -> _Plan:
        plan = _Plan()
        try:
            look = _Look(connection, *indexed_and_head(connection), self._may_lose_blocks)
        except StoreUnavailable:  # nothing was read yet
            return plan
        look.refusals(plan)
        look.moves(plan, endpoints.active_endpoints(connection))
        return plan


def _stands(connection: Connection) -> tuple[object, ...]:
    """What gives something to tell when it changes, but for the merchants' own changes of their endpoints."""
    try:
        state, tip = indexed_and_head(connection)
        return tip, state.safe, state.final, state.node_head, feed.has_refusals(connection)
    except StoreUnavailable:
        return ()


class _Look:
    """One look at the stored chain, in one snapshot."""

    def __init__(self, connection: Connection, state: Indexed, tip: Head, may_lose_blocks: bool) -> None:
        self._connection, self._state, self._tip = connection, state, tip
        self._blocks_are_lost = may_lose_blocks and tip.number >= state.node_head
        self._targets = {"head": tip.number, "safe": min(state.safe, tip.number), "final": min(state.final, tip.number)}
        self._hashes: dict[int, str] = {}
        self._before: dict[str, set[str]] = {}

    def refusals(self, plan: _Plan) -> None:
        requests = feed.refusals(self._connection)
        orders = {(each["merchant"], each["order_hash"]) for each in requests if each["order_hash"]}
        names = feed.names_of_orders(self._connection, orders)
        whose = endpoints.endpoints_of(self._connection, {each["merchant"] for each in requests})
        for each in requests:
            plan.refusals[each["id"]] = [
                refused(each, endpoint.id, self._tip.timestamp, names)
                for endpoint in whose
                if endpoint.merchant == each["merchant"] and endpoint.wants("request.refused")
            ]

    def moves(self, plan: _Plan, active: Sequence[EndpointRow]) -> None:
        known = {number for each in active for number in (each.told.number, each.anchor.number)}
        self._hashes = feed.blocks(self._connection, known)
        ahead = messages.told_ahead(self._connection) if active else set()
        self._before = endpoints.blocks_before(self._connection) if active else {}
        groups: defaultdict[tuple[Block, int], list[_Standing]] = defaultdict(list)
        for endpoint in active:
            standing = self._standing(plan, endpoint, endpoint.id in ahead)
            if standing is None:
                continue
            target = min(self._targets[endpoint.finality], standing.block.number + _BLOCKS_AT_ONCE)
            if target > standing.block.number or standing.block != endpoint.told:
                plan.seen[endpoint.id] = endpoint.told
                groups[standing.block, max(target, standing.block.number)].append(standing)
        for (block, target), group in groups.items():
            self._tell(plan, block, target, group)

    def _standing(self, plan: _Plan, endpoint: EndpointRow, is_ahead: bool) -> _Standing | None:
        """None while the block that the endpoint stands at is not read (again) yet."""
        told = endpoint.told
        if self._is_stored(told):
            above = messages.standing_above(self._connection, endpoint.id, told.number) if is_ahead else []
            return self._sorted_out(plan, self._from(endpoint, told), above)
        if told.number > self._tip.number and not self._blocks_are_lost:
            return None
        if self._is_stored(endpoint.anchor):
            above = messages.standing_above(self._connection, endpoint.id, endpoint.anchor.number)
            return self._sorted_out(plan, self._from(endpoint, endpoint.anchor), above)
        return self._deep(plan, endpoint)

    def _deep(self, plan: _Plan, endpoint: EndpointRow) -> _Standing:
        """The chain changed below what was final, and the operator has read it anew."""
        everything = messages.standing_above(self._connection, endpoint.id, -1)
        there = feed.stored(self._connection, (each.block_hash for each in everything if each.block_hash))
        gone = [each.block_number for each in everything if each.block_hash not in there and each.block_number]
        number = min([endpoint.anchor.number, self._tip.number, *(block - 1 for block in gone)])
        back = Block(number, feed.blocks(self._connection, [number]).get(number))
        above = [each for each in everything if (each.block_number or 0) > number]
        return self._sorted_out(plan, self._from(endpoint, back), above)

    def _from(self, endpoint: EndpointRow, block: Block) -> _Standing:
        if block == endpoint.told:
            return _Standing(endpoint, block, self._before.get(endpoint.id, ()))
        return _Standing(endpoint, block, endpoints.blocks_before_of(self._connection, endpoint.id, block.number))

    def _sorted_out(self, plan: _Plan, standing: _Standing, above: Iterable[MessageRow]) -> _Standing:
        """Takes back what was told of blocks that are gone, the newest first, and notes what stands."""
        above = list(above)
        there = feed.stored(self._connection, (each.block_hash for each in above if each.block_hash))
        for each in above:
            if each.block_hash in there:
                standing.told.add((each.block_hash, each.log_index))
            elif self._is_gone(each):
                plan.seen[standing.endpoint.id] = standing.endpoint.told
                plan.drafts.append(reversal(each, self._tip.timestamp))
                plan.taken_back.append(each)
        return standing

    def _is_gone(self, message: MessageRow) -> bool:
        return self._blocks_are_lost or (message.block_number or 0) <= self._tip.number

    def _is_stored(self, block: Block) -> bool:
        return block.hash is None or self._hashes.get(block.number) == block.hash

    def _tell(self, plan: _Plan, block: Block, target: int, group: Sequence[_Standing]) -> None:
        merchants = {each.endpoint.merchant for each in group}
        with_nodes = any(each.endpoint.wants(event) for each in group for event in _NODE_EVENTS)
        happened = feed.happened(self._connection, block.number, target, merchants, with_nodes=with_nodes)
        orders = {(each.row["merchant"], each.row["order_hash"]) for each in happened if "order_hash" in each.row}
        names = feed.names_of_orders(self._connection, orders)
        drafts: list[tuple[Draft, bool]] = []
        for happening in happened:
            event, row = type_of(happening), happening.row
            finality = self._state.finality(row["block_number"])
            for each in group:
                endpoint = each.endpoint
                concerned = endpoint.merchant in happening.merchants and endpoint.wants(event)
                if concerned and (row["block_hash"], row["log_index"]) not in each.told:
                    one = draft(happening, endpoint.id, endpoint.merchant, finality, names)
                    drafts.append((one, row["block_hash"] in each.before))
        older = {(one.endpoint, one.object) for one, is_older in drafts if is_older}
        again = messages.ever_told(self._connection, older) if older else set()
        plan.drafts += [
            one for one, is_older in drafts if not is_older or (one.endpoint, one.object, one.type) in again
        ]
        anchor = min(self._state.final, target)
        hashes = feed.blocks(self._connection, [anchor, target])
        told = Block(target, hashes.get(target, block.hash))
        for each in group:
            kept = each.endpoint.anchor if anchor not in hashes else Block(anchor, hashes[anchor])
            plan.moves[told, kept].append(each.endpoint.id)


def _write(connection: Connection, plan: _Plan) -> None:
    """An endpoint that is gone, or does not stand any more where the plan saw it, is left out."""
    of_refusals = [each for drafts in plan.refusals.values() for each in drafts]
    stand = endpoints.hold(connection, {*plan.seen, *(each.endpoint for each in of_refusals)})
    there = {endpoint for endpoint, block in plan.seen.items() if stand.get(endpoint) == block}
    taken = feed.take_refusals(connection, plan.refusals)
    drafts = [each for each in plan.drafts if each.endpoint in there]
    drafts += [each for request in taken for each in plan.refusals[request] if each.endpoint in stand]
    sequences = messages.next_sequences(connection, {(each.endpoint, each.object) for each in drafts})
    made = []
    for each in drafts:
        key = (each.endpoint, each.object)
        made.append(each.message(sequences[key]))
        sequences[key] += 1
    messages.take_back(connection, [each.id for each in plan.taken_back if each.endpoint in there])
    messages.add_messages(connection, made)
    for (told, anchor), ids in plan.moves.items():
        if moved := there.intersection(ids):
            endpoints.move(connection, moved, told, anchor)
