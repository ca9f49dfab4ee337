"""Limits of size and rate. Rates: a token bucket for each API key that has proved itself, else for each client address;
and of all together no more at once than are answered soon.

Kept in this process: a burst is refused with 429 and told when to come back, and never reaches the database.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chainpoints.api.errors import instance_of, problem
from chainpoints.api.headers import has_body, header
from chainpoints.store.keys import hash_of

_MOST_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a caller: at most `burst` requests at once, refilled with `per_second`. `at_once`: how many of all callers are
    worked on at the same time."""

    per_second: float = 1_000.0
    burst: int = 5_000
    at_once: int = 128


def network_of(scope: Scope) -> str:
    """Whose a client's address is: of IPv6 the /64, in which one machine has as many addresses as it likes."""
    address = str(scope["client"][0]) if scope.get("client") else "unknown"
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((int(found), 64), strict=False))


@dataclass(slots=True)
class Buckets:
    """Tokens left by caller. `known_keys` are hashes of keys that were accepted: only these have a bucket of their own,
    so that made-up keys do not escape the limit of their address."""

    limits: Limits
    known_keys: set[str] = field(default_factory=set)
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def caller(self, scope: Scope) -> str:
        authorization = header(scope, b"authorization")
        if authorization[:7].lower() == "bearer ":
            key = hash_of(authorization[7:].strip())
            if key in self.known_keys:
                return key
        return network_of(scope)

    def take(self, caller: str, now: float) -> tuple[bool, int]:
        """Takes a token at monotonic time `now`: whether there was one, and how many are left."""
        left, since = self._left.pop(caller, (float(self.limits.burst), now))
        left = min(self.limits.burst, left + (now - since) * self.limits.per_second)
        granted = left >= 1
        self._left[caller] = (left - granted, now)
        while len(self._left) > _MOST_BUCKETS:
            self._left.popitem(last=False)
        return granted, int(left - granted)


class BodyLimit:
    """ASGI middleware: a body above the limit is refused, unread where it says its length, else where it passes it."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app, self._most_bytes = app, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not has_body(scope):
            await self._app(scope, receive, send)
            return
        length = header(scope, b"content-length") or "0"
        if length.isdecimal() and int(length[:20]) > self._most_bytes:
            refusal = problem(instance_of(scope), 413, "body-too-large", f"a body has at most {self._most_bytes} bytes")
            await refusal(scope, receive, send)
            return
        read = 0

        async def receive_within_limit() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most_bytes:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_within_limit, send)


class RateLimit:
    """ASGI middleware; headers as in draft-ietf-httpapi-ratelimit-headers."""

    def __init__(self, app: ASGIApp, buckets: Buckets) -> None:
        self._app, self._buckets = app, buckets
        limits = buckets.limits
        self._window = max(1, round(limits.burst / limits.per_second))
        self._policy = f'"default";q={limits.burst};w={self._window}'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        granted, left = self._buckets.take(self._buckets.caller(scope), time.monotonic())
        headers = {"ratelimit-policy": self._policy, "ratelimit": f'"default";r={left};t={self._window}'}
        if not granted:
            refusal = problem(
                instance_of(scope),
                429,
                "rate-limited",
                "too many requests from this caller",
                headers | {"retry-after": "1"},
            )
            await refusal(scope, receive, send)
            return

        sent = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *sent]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class AtOnce:
    """ASGI middleware: what comes while `most` requests are being worked on is refused with 429 instead of waiting.

    A request is worked on from when all of its body is there until its answer begins: slow clients take nobody's place.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most, self._under_way = app, most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, counted = scope["method"] in ("GET", "HEAD") or not has_body(scope), False  # nobody reads a GET's body

        def count() -> None:
            nonlocal counted
            if self._under_way >= self._most:
                raise HTTPException(429, headers={"retry-after": "1"})
            self._under_way += 1
            counted = True

        def end() -> None:
            nonlocal counted
            self._under_way -= counted
            counted = False

        async def receive_and_count() -> Message:
            nonlocal begun
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body") and not begun:
                begun = True
                count()
            return message

        async def send_and_end(message: Message) -> None:
            end()
            await send(message)

        if self._under_way >= self._most:  # told before its body is read, which costs least
            why = "the gateway is answering as many requests as it can"
            await problem(instance_of(scope), 429, "rate-limited", why, {"retry-after": "1"})(scope, receive, send)
            return
        if begun:
            count()
        try:
            await self._app(scope, receive_and_count, send_and_end)
        finally:
            end()
