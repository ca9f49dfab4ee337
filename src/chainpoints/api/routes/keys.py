"""A merchant's API keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from chainpoints.api.auth import MERCHANT_SCOPES, SCOPES, Caller, Token, authenticate
from chainpoints.api.deps import GatewayDep, View
from chainpoints.api.idempotency import ActionDep, Answer
from chainpoints.api.routes.merchants import MerchantPath, known
from chainpoints.api.schemas.merchants import Key, KeyId, KeyList, KeyMade, NewKey
from chainpoints.errors import InvalidInput, NotFound, RequestRefused
from chainpoints.store import keys as store
from chainpoints.store.keys import KeyRow

router = APIRouter(tags=["keys"])

KeyPath = Annotated[KeyId, Path()]


@router.post("/merchants/{merchant}/keys", status_code=201, response_model=KeyMade)
def create_key(action: ActionDep, merchant: MerchantPath, body: NewKey) -> Response:
    """A new key; its secret is shown in this answer only. Needs keys:write, of the merchant or the operator."""

    def effect(view: View, caller: Caller) -> Answer:
        caller.check_merchant(merchant)
        known(view, merchant)
        _check_grant(caller, body.scopes)
        row, secret = store.add_key(view.connection, merchant=merchant, name=body.name, scopes=body.scopes)
        shown = dict(_shape(row))
        return Answer(201, KeyMade(**shown, secret=secret), stored=KeyMade(**shown, secret=None))

    return action.keyed("keys:write", body, effect)


@router.get("/merchants/{merchant}/keys")
def list_keys(gateway: GatewayDep, token: Token, merchant: MerchantPath) -> KeyList:
    """The merchant's keys, revoked ones too; never their secrets. Needs the scope keys:write."""
    with gateway.reading() as view:
        authenticate(gateway, view, token, "keys:write").check_merchant(merchant)
        known(view, merchant)
        return KeyList(items=[_shape(row) for row in store.keys_of(view.connection, merchant)])


@router.delete("/merchants/{merchant}/keys/{key_id}")
def revoke_key(gateway: GatewayDep, token: Token, merchant: MerchantPath, key_id: KeyPath) -> Key:
    """Ends a key at once. Doing it again changes nothing. Needs the scope keys:write."""
    with gateway.writing() as view:
        authenticate(gateway, view, token, "keys:write").check_merchant(merchant)
        row = store.revoke(view.connection, merchant, key_id)
        if row is None:
            raise NotFound(f"merchant {merchant} has no key {key_id}")
        return _shape(row)


def _check_grant(caller: Caller, scopes: list[str]) -> None:
    """A key gives no scope that it lacks; the operator gives merchants any but its own."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise InvalidInput(f"scopes: no such scope {unknown[0]}; the scopes are {', '.join(SCOPES)}")
    allowed = MERCHANT_SCOPES if caller.merchant is None else caller.scopes & MERCHANT_SCOPES
    refused = sorted(set(scopes) - allowed)
    if refused:
        raise RequestRefused(403, "scope-not-grantable", f"this key cannot give {refused[0]}", missing_scope=refused[0])


def _shape(row: KeyRow) -> Key:
    return Key(
        id=row.id,
        merchant=row.merchant,
        name=row.name,
        scopes=sorted(row.scopes),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
