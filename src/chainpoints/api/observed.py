"""Each request has an id, a line in the log and its place in the metrics.

The id is the caller's `X-Request-Id` where it sends a good one, else made here; it is in the answer's header and in
every line that is logged meanwhile. Reads that went well are logged at the level debug, all others at info.
"""

from __future__ import annotations

import os
import re
import time
from functools import lru_cache

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chainpoints.api.headers import header

HEADER = "x-request-id"
PREFIX = "/v1"

_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)  # seconds
_SLOW_SECONDS = 1.0

log = structlog.get_logger()


class HttpMetrics:
    """What this process has answered. Routes are named as in the documentation, so there are few of them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.answers = Counter(
            "chainpoints_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "chainpoints_http_request_seconds",
            "Until an answer began.",
            ("method", "route"),
            buckets=_BOUNDS,
            registry=registry,
        )
        self._children = lru_cache(maxsize=4_096)(self._find_children)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        answers, times = self._children(method, route, status)
        answers.inc()
        times.observe(seconds)

    def _find_children(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        """Found once: the library takes a lock and checks every label each time."""
        return self.answers.labels(method, route, status), self.seconds.labels(method, route)


class Observed:
    """ASGI middleware, the outermost."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        begun, status = time.perf_counter(), 500
        seconds: float | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.perf_counter() - begun
                message["headers"] = [*message["headers"], (HEADER.encode(), request_id.encode())]
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)  # of this request alone: each has its context
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._tell(scope, status, time.perf_counter() - begun if seconds is None else seconds)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "PATCH", "DELETE") else "other"
        route = _route(scope)
        self._metrics.count(method, route, status, seconds)
        quiet = method in ("GET", "HEAD") and status < 400 and seconds < _SLOW_SECONDS
        tell = log.debug if quiet else log.info
        tell("answered", method=method, path=scope["path"][:200], status=status, ms=round(1000 * seconds, 1))


def _route(scope: Scope) -> str:
    """As the documentation names it; a router's own prefix is not in the route."""
    if "route" not in scope:
        return "none"
    found: str = scope["route"].path
    return found if found.startswith(f"{PREFIX}/") or not scope["path"].startswith(f"{PREFIX}/") else PREFIX + found


def _request_id(scope: Scope) -> str:
    given = header(scope, HEADER.encode())
    return given if _GOOD_ID.fullmatch(given) else os.urandom(16).hex()
