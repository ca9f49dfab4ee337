"""The operator's first key, made on the machine itself: no route gives it out."""

from __future__ import annotations

from chainpoints.api.auth import OPERATOR_SCOPES
from chainpoints.store import Connection
from chainpoints.store.keys import add_key


def create_operator_key(connection: Connection) -> str:
    """Makes a key of the operator and gives its secret, which is kept nowhere. Call it in a write transaction."""
    _, secret = add_key(connection, merchant=None, name="operator", scopes=OPERATOR_SCOPES)
    return secret
