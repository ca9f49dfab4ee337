"""What every route's documentation shares."""

from __future__ import annotations

from typing import Any

PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457)",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
"""For `responses=`: how every route fails."""
