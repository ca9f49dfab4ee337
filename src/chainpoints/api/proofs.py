"""What is checked of a signed message before anything is sent: its time, its signer, and what the signer holds."""

from __future__ import annotations

import uuid
from typing import Any

from chainpoints.api.deps import View
from chainpoints.api.standing import is_pending
from chainpoints.chain.signatures import digest, recover
from chainpoints.errors import InvalidInput, RequestRefused
from chainpoints.store.relay import open_unproved, requests_of_wallet
from chainpoints.store.wallets import Freeze, balance, freezes
from chainpoints.types import format_points

MOST_UNPROVED = 200
"""Open requests of a kind that anybody can have made up: each costs the relayer simulations of its own."""

_FILLS = ("issue", "refund", "claim")
"""The kinds of requests that bring points to their wallet."""


def check_time(view: View, valid_after: int, valid_before: int) -> None:
    """Raises RequestRefused (422) unless valid_after < now < valid_before."""
    if not valid_after < view.now < valid_before:
        when = "is over" if valid_before <= view.now else "has not begun"
        raise RequestRefused(
            422,
            "authorization-not-valid-now",
            f"the time of the authorization {when}: it is {view.now} on the chain",
            chain_time=view.now,
        )


def id_of(typed_data: dict[str, Any]) -> str:
    """Of a signed message: the same message has the same one, whoever brings it."""
    return str(uuid.UUID(bytes=digest(typed_data)[:16], version=5))


def wallet_action_id(message_id: str) -> str:
    """Of the relay request of a wallet's message; x402's own has the message's id."""
    return str(uuid.uuid5(uuid.UUID(message_id), "wallet action"))


def check_signature(typed_data: dict[str, Any], signature: str, holder: str) -> None:
    """Raises RequestRefused (422) unless `holder` signed."""
    try:
        signer = recover(typed_data, signature)
    except InvalidInput as error:
        raise RequestRefused(422, "wrong-signature", str(error)) from None
    if signer != holder:
        raise RequestRefused(
            422,
            "wrong-signature",
            f"the signature over these terms is not of {holder}; if that is a contract, send contract_wallet: true",
        )


def check_not_frozen(view: View, account: str) -> None:
    """Raises RequestRefused (422), with the reason, while `account` may send no points."""
    refuse_frozen(account, freezes(view.connection, [account], view.at, view.now).get(account))


def refuse_frozen(account: str, freeze: Freeze | None) -> None:
    """As `check_not_frozen`, where its freeze is known already; None: it is not frozen."""
    if freeze is None:
        return
    until = "it is lifted" if freeze.ends_at is None else str(freeze.ends_at)
    raise RequestRefused(
        422,
        "wallet-frozen",
        f"{account} is frozen and sends no points until {until}; why: {freeze.reason}",
        frozen_until=freeze.ends_at,
        reason=freeze.reason,
    )


def check_balance(view: View, payer: str, amount: int) -> None:
    """Refuses early what the chain would refuse; not while something that may fill the wallet is on its way."""
    held = view.read(balance, payer)
    if held >= amount:
        return
    if any(is_pending(each, view.at) for each in requests_of_wallet(view.connection, payer, _FILLS)):
        return
    raise RequestRefused(
        422,
        "insufficient-points",
        f"{payer} holds {format_points(held)} points and {format_points(amount)} are asked for",
        balance=format_points(held),
    )


def check_room_for_unproved(view: View, kind: str) -> None:
    """Raises RequestRefused (429) while too many requests of the kind wait that only the chain can check."""
    if open_unproved(view.connection, kind) >= MOST_UNPROVED:
        detail = (
            f"{MOST_UNPROVED} requests of kind {kind} wait that only the chain can check; send this one again later"
        )
        raise RequestRefused(429, "too-much-unproved", detail, retryable=True)
