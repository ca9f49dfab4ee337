"""What webhooks tell of, and when they are sent again. Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import msgspec

EventType = Literal[
    "payment.created",
    "refund.created",
    "issue.created",
    "claim.created",
    "node.created",
    "node.transferred",
    "node.ended",
    "merchant.limits_changed",
    "request.refused",
]
"""What an endpoint may ask for. For each that a reorg takes back, `<noun>.reversed` is sent without being asked for."""

RETRY_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""How long after each failed attempt the next one is made: three days and three hours in all."""

LONGEST_RETRY_AFTER_SECONDS = 7_200
"""A receiver may put the next attempt off by so much, not more."""

JITTER = 0.1
"""An attempt is made up to a tenth of its delay later, so that many do not come at once."""

GONE = 410
"""The HTTP status that ends an endpoint, as Standard Webhooks has it."""


def reversed_type(event: str) -> str:
    """The type of the message that takes one back: payment.created gives payment.reversed."""
    return f"{event.partition('.')[0]}.reversed"


def payload(event: str, timestamp: int, data: Mapping[str, Any]) -> str:
    """The JSON text that is sent and signed; `timestamp` is chain time, unix seconds."""
    at = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return msgspec.json.encode({"type": event, "timestamp": at, "data": data}).decode()


def id_of_message(*parts: object) -> str:
    """The webhook-id of what these parts name: the same history told again has the same ids."""
    return f"msg_{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"


def retry_seconds(tries: int, retry_after: int | None, chance: float) -> int | None:
    """Seconds until the next attempt after `tries` failed ones; None when that was the last.

    `retry_after`: seconds that the receiver asked for. `chance`: 0 to 1, spreads attempts.
    """
    if tries > len(RETRY_SECONDS):
        return None
    planned = RETRY_SECONDS[tries - 1] * (1 + JITTER * chance)
    asked = min(retry_after or 0, LONGEST_RETRY_AFTER_SECONDS)
    return max(round(planned), asked)


def parse_retry_after(text: str | None, now: int) -> int | None:
    """Seconds that a Retry-After header asks for: a number of seconds or a date. None for anything else."""
    if text is None or len(text) > 64:
        return None
    if text.isascii() and text.isdecimal():
        return int(text)
    try:
        return max(0, int(parsedate_to_datetime(text).timestamp()) - now)
    except (ValueError, TypeError, OverflowError):
        return None
