"""A header out of an ASGI scope, for middleware that every request goes through."""

from __future__ import annotations

from starlette.types import Scope


def header(scope: Scope, wanted: bytes) -> str:
    """The first header of that name (in lower case, as servers give them); "" when there is none."""
    for name, value in scope["headers"]:
        if name == wanted:
            text: str = value.decode("latin-1")
            return text
    return ""


def has_body(scope: Scope) -> bool:
    """RFC 9112, section 6.3: a request that says nothing of a body has none."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value not in (b"", b"0"))
        for name, value in scope["headers"]
    )
