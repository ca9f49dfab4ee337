"""What a text must be, in words: one home for them, since a pattern says nothing to who sent something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

WORDS: dict[str, str] = {}
"""A pattern, and what is told to who sent a text that it does not fit."""


def text_of(pattern: str, must_be: str, **field: Any) -> Any:
    """A field of texts that fit the pattern; `must_be` completes "it must be"."""
    WORDS[pattern] = must_be
    return Field(pattern=pattern, **field)


def told(error: Mapping[str, Any]) -> str:
    """A validation error in words, without what was sent."""
    pattern = error.get("ctx", {}).get("pattern")
    return f"it must be {WORDS[pattern]}" if pattern in WORDS else str(error["msg"])


def unreadable(errors: Sequence[Mapping[str, Any]]) -> tuple[int, str] | None:
    """The HTTP status and the reason when the body was not read at all: it is no JSON, or is not said to be."""
    for error in errors:
        if error["type"] == "json_invalid":
            return 400, f"the body is not JSON: {error['ctx']['error']}, at character {error['loc'][-1]}"
        if error["loc"] == ("body",) and isinstance(error.get("input"), bytes):
            return 415, "the body is not said to be JSON; send a header content-type: application/json"
    return None
