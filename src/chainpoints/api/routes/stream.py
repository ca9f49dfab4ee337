"""GET /v1/stream: what happens, as it happens, by server-sent events.

Events come in the chain's order. `Last-Event-ID` goes on behind that event, without loss or doubling. After `reorg`
with a `block`, whatever was told of that block and later ones is void and is told anew as it is now.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from chainpoints.api.auth import Token, authenticate
from chainpoints.api.deps import Gateway, GatewayDep, View
from chainpoints.api.limits import network_of
from chainpoints.api.routes.history import SHAPES
from chainpoints.api.schemas.stream import EXAMPLE, StreamPlace, StreamQuery, stream_place
from chainpoints.errors import RequestRefused, StoreUnavailable
from chainpoints.store.history import END_OF_BLOCK
from chainpoints.store.stream import Of, events_after, hash_of_block
from chainpoints.types import parse_wallet

router = APIRouter(tags=["stream"])

HEARTBEAT_SECONDS = 15.0
_PAUSE_SECONDS, _UNAVAILABLE_PAUSE_SECONDS = 0.05, 1.0
_EVENTS_A_READ = 200
_NO_HASH = "0x" + "00" * 32

_AS_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: ready, payment, refund, issue, claim, transfer, reorg",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
    }
}

Whose = Callable[[View], Of]
"""Whose events a view shows to the caller; asked at each read, so that a revoked key ends its stream."""


@router.get("/stream", response_class=StreamingResponse, responses=_AS_EVENTS)
async def get_stream(
    request: Request,
    gateway: GatewayDep,
    token: Token,
    query: Annotated[StreamQuery, Query()],
    last_event_id: Annotated[str | None, Header(description="the `id` to go on behind", max_length=130)] = None,
) -> StreamingResponse:
    """Payments, refunds and issues of the merchant whose key it is (needs the scope orders:read), or, with `wallet`,
    what happens to a wallet. Begins with what comes next, or behind `Last-Event-ID`. After `reorg`, whatever was told
    of its `block` and of later ones is void, and is told anew."""
    wallet = parse_wallet(query.wallet) if query.wallet else None
    place = stream_place(last_event_id) if last_event_id else None

    def whose(view: View) -> Of:
        if wallet is not None:
            return Of(wallet=wallet)
        return Of(merchant=authenticate(gateway, view, token, "orders:read").own_merchant())

    of, begin = await run_in_threadpool(_begin, gateway, whose)
    caller = f"merchant {of.merchant}" if wallet is None else network_of(request.scope)
    gateway.streams.check_room(caller)

    async def told() -> AsyncIterator[bytes]:
        with gateway.streams.opened(caller):
            async for message in _messages(gateway, whose, place, begin):
                yield message

    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    return StreamingResponse(told(), headers=headers, media_type="text/event-stream")


def _begin(gateway: Gateway, whose: Whose) -> tuple[Of, StreamPlace]:
    """Whose stream it is, and the place behind all that has happened."""
    with gateway.reading() as view:
        return whose(view), StreamPlace(view.at, END_OF_BLOCK, view.block.hash, min(view.state.final, view.at))


async def _messages(
    gateway: Gateway, whose: Whose, resumed: StreamPlace | None, begin: StreamPlace
) -> AsyncIterator[bytes]:
    streams, clock = gateway.streams, asyncio.get_running_loop().time
    seen, last_sent = _Seen(-1, resumed or begin, more=True), clock()
    if resumed is None:
        yield _message("ready", begin, {"block": begin.block, "finality": "head"})
    while True:
        if not seen.more:
            await streams.after(seen.turn, HEARTBEAT_SECONDS)
        if clock() - last_sent >= HEARTBEAT_SECONDS:
            last_sent = clock()
            yield b": alive\n\n"
        if not seen.more and streams.turn == seen.turn:
            continue
        try:
            now = await run_in_threadpool(_read, gateway, whose, seen)
        except RequestRefused:  # the key was revoked
            return
        except StoreUnavailable:  # many streams may ask again, and it may be unavailable for long
            await asyncio.sleep(_UNAVAILABLE_PAUSE_SECONDS)
            continue
        if now is None:
            await asyncio.sleep(_PAUSE_SECONDS)
            continue
        for message in now.messages:
            last_sent = clock()
            yield message
        seen = now


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read to be told, the place that all is told up to, and whether there is more up to that turn's tip."""

    turn: int
    place: StreamPlace
    more: bool
    messages: Sequence[bytes] = ()


def _read(gateway: Gateway, whose: Whose, seen: _Seen) -> _Seen | None:
    """What is to be told behind what was seen. None while the chain is not as the last turn saw it."""
    streams, turn, tip = gateway.streams, gateway.streams.turn, gateway.streams.tip
    gone = streams.first_gone_since(seen.turn) if seen.turn >= 0 else None
    if tip is None:
        return None
    with gateway.reading() as view:
        of, place, messages = whose(view), seen.place, list[bytes]()
        if hash_of_block(view.connection, tip.head) != tip.hashes.get(tip.head):
            return None
        if gone is None and not place.is_in(hash_of_block(view.connection, place.block)):
            gone = place.final + 1  # which of the blocks since then went is not known
        if gone is not None and gone <= place.block:
            before = hash_of_block(view.connection, gone - 1) or _NO_HASH
            place = StreamPlace(gone - 1, END_OF_BLOCK, before, min(tip.final, gone - 1))
            messages.append(_message("reorg", place, {"block": gone}))
        found = events_after(view.connection, of, place[:2], tip.head, _EVENTS_A_READ)
        for kind, row in found:
            block = row["block_number"]
            place = StreamPlace(block, row["log_index"], row["hash"], min(tip.final, block))
            messages.append(_message(kind.removesuffix("s"), place, SHAPES[kind](view, row)))
        if len(found) < _EVENTS_A_READ:
            place = StreamPlace(tip.head, END_OF_BLOCK, tip.hashes[tip.head], tip.final)
    return _Seen(turn, place, len(found) == _EVENTS_A_READ, messages)


def _message(event: str, place: StreamPlace, data: BaseModel | dict[str, Any]) -> bytes:
    text = data.model_dump_json().encode() if isinstance(data, BaseModel) else msgspec.json.encode(data)
    return f"event: {event}\nid: {place.cursor}\ndata: ".encode() + text + b"\n\n"
