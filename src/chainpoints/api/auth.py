"""API keys: who calls, and what the key may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from chainpoints.api.deps import Gateway, View
from chainpoints.errors import RequestRefused
from chainpoints.store import Connection
from chainpoints.store.keys import hash_of, key_of_secret

SCOPES: dict[str, str] = {
    "orders:read": "read the merchant's orders, statements and stream",
    "orders:write": "create orders",
    "refunds:write": "refund payments",
    "issues:write": "issue points for orders paid in money",
    "keys:write": "make, list and revoke the merchant's keys",
    "webhooks:read": "list the merchant's webhooks and their messages",
    "webhooks:write": "make, change, try and delete the merchant's webhooks, rotate their secrets",
    "merchants:write": "register merchants, add quota and reserves (the operator)",
    "metrics:read": "read what is measured (the operator)",
}
MERCHANT_SCOPES = frozenset(SCOPES) - {"merchants:write", "metrics:read"}
OPERATOR_SCOPES = frozenset({"merchants:write", "metrics:read", "keys:write", "orders:read"})

_bearer = HTTPBearer(auto_error=False, scheme_name="API key", description="`Authorization: Bearer cp_...`")

Token = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of an API key; `merchant` is None for the operator."""

    key_id: str
    merchant: int | None
    scopes: frozenset[str]

    @property
    def account(self) -> str:
        """Whose Idempotency-Keys these are: a merchant may change its API key in the middle of a repetition."""
        return "operator" if self.merchant is None else f"merchant {self.merchant}"

    def check_scope(self, scope: str) -> None:
        """Raises RequestRefused (403) that names the missing scope."""
        if scope not in self.scopes:
            raise RequestRefused(403, "missing-scope", f"this key lacks the scope {scope}", missing_scope=scope)

    def check_merchant(self, merchant: int) -> None:
        """Raises RequestRefused (404) when this is another merchant's key: others do not exist for it."""
        if self.merchant is not None and self.merchant != merchant:
            raise RequestRefused(404, "not-found", f"there is no merchant {merchant} for this key")

    def own_merchant(self) -> int:
        """The merchant whose key this is. Raises RequestRefused (403) for the operator's."""
        if self.merchant is None:
            raise RequestRefused(403, "merchant-key-needed", "the operator's key belongs to no merchant")
        return self.merchant


def authenticate(gateway: Gateway, view: View, token: HTTPAuthorizationCredentials | None, scope: str) -> Caller:
    """Raises RequestRefused: 401 without a good key, 403 when the key lacks the scope."""
    return authorized(gateway, view.connection, token, scope)


def authorized(
    gateway: Gateway, connection: Connection, token: HTTPAuthorizationCredentials | None, scope: str
) -> Caller:
    """The same for what is no reading of the chain."""
    if token is None:
        raise RequestRefused(401, "unauthorized", "send an API key as `Authorization: Bearer cp_...`")
    key = key_of_secret(connection, token.credentials)
    if key is None:
        raise RequestRefused(401, "unauthorized", "no such API key, or it was revoked")
    gateway.known_keys.add(hash_of(token.credentials))
    caller = Caller(key.id, key.merchant, key.scopes)
    caller.check_scope(scope)
    return caller
