"""A merchant's webhooks: where it is told of what happens, and what became of each message."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from chainpoints.api.auth import Caller, Token, authenticate
from chainpoints.api.deps import Gateway, GatewayDep, View
from chainpoints.api.idempotency import Action, ActionDep, Answer
from chainpoints.api.routes.merchants import MerchantPath, known
from chainpoints.api.schemas.base import cursor_of, place_number, place_of
from chainpoints.api.schemas.webhooks import (
    Attempt,
    Message,
    MessageId,
    MessagePage,
    MessagesQuery,
    NewWebhook,
    Rotation,
    Webhook,
    WebhookChange,
    WebhookId,
    WebhookList,
    WebhookMade,
)
from chainpoints.domain.web_address import parse
from chainpoints.domain.webhooks import id_of_message, payload
from chainpoints.errors import InvalidInput, NotFound, RequestRefused, StoreUnavailable
from chainpoints.store import webhook_messages as messages
from chainpoints.store import webhooks as store
from chainpoints.store.status import state_and_block
from chainpoints.store.webhook_messages import AttemptRow, MessageRow, NewMessage
from chainpoints.store.webhooks import Block, EndpointRow

router = APIRouter(tags=["webhooks"])

WebhookPath = Annotated[WebhookId, Path()]
MessagePath = Annotated[MessageId, Path()]

MOST_WEBHOOKS = 16
"""Of one merchant."""

_HOUR_SECONDS = 3_600
_ROTATION = Rotation(keep_previous_hours=24)


class _Nothing(BaseModel):
    """The body of a POST that takes none."""


@router.post("/merchants/{merchant}/webhooks", status_code=201, response_model=WebhookMade)
def create_webhook(action: ActionDep, merchant: MerchantPath, body: NewWebhook) -> Response:
    """A new webhook; its secret is shown in this answer only. It is told of what is read from now on.

    Needs the scope webhooks:write.
    """

    def effect(view: View) -> Answer:
        _check_address(action.gateway, body.url)
        action.gateway.store.hold(view.connection, f"webhooks {merchant}")
        if store.count_of(view.connection, merchant) >= MOST_WEBHOOKS:
            detail = f"merchant {merchant} has {MOST_WEBHOOKS} webhooks; delete one first"
            raise RequestRefused(422, "too-many-webhooks", detail, most=MOST_WEBHOOKS)
        endpoint = store.add_endpoint(
            view.connection,
            merchant=merchant,
            url=body.url,
            events=body.events,
            finality=body.finality,
            told=Block(view.block.number, view.block.hash),
            anchor=_last_final(view),
        )
        return Answer(201, _with_secret(endpoint), stored=WebhookMade(**dict(_shape(endpoint)), secret=None))

    return _keyed(action, merchant, body, effect)


@router.get("/merchants/{merchant}/webhooks")
def list_webhooks(gateway: GatewayDep, token: Token, merchant: MerchantPath) -> WebhookList:
    """The merchant's webhooks; never their secrets. Needs the scope webhooks:read."""
    with gateway.reading() as view:
        _reader(gateway, view, token, merchant)
        return WebhookList(items=[_shape(row) for row in store.endpoints_of(view.connection, [merchant])])


@router.get("/merchants/{merchant}/webhooks/{webhook_id}")
def get_webhook(gateway: GatewayDep, token: Token, merchant: MerchantPath, webhook_id: WebhookPath) -> Webhook:
    """One webhook. Needs the scope webhooks:read."""
    with gateway.reading() as view:
        _reader(gateway, view, token, merchant)
        return _shape(_known(view, merchant, webhook_id))


@router.patch("/merchants/{merchant}/webhooks/{webhook_id}")
def change_webhook(
    gateway: GatewayDep, token: Token, merchant: MerchantPath, webhook_id: WebhookPath, body: WebhookChange
) -> Webhook:
    """Changes address, events or finality, or switches it off and on; then it goes on where it stood.

    Needs the scope webhooks:write.
    """
    with gateway.writing() as view:
        authenticate(gateway, view, token, "webhooks:write").check_merchant(merchant)
        _known(view, merchant, webhook_id)
        changes = {name: getattr(body, name) for name in body.model_fields_set}
        if not changes:
            raise InvalidInput("nothing is to be changed; give url, events, finality or active")
        if empty := sorted(name for name, value in changes.items() if value is None and name != "events"):
            raise InvalidInput(f"{empty[0]}: it cannot be null; leave it out to keep it as it is")
        if body.url is not None:
            _check_address(gateway, body.url)
        store.change(view.connection, webhook_id, changes)
        return _shape(_known(view, merchant, webhook_id))


@router.delete("/merchants/{merchant}/webhooks/{webhook_id}")
def delete_webhook(gateway: GatewayDep, token: Token, merchant: MerchantPath, webhook_id: WebhookPath) -> Webhook:
    """Ends a webhook and forgets its messages. Needs the scope webhooks:write."""
    with gateway.writing() as view:
        authenticate(gateway, view, token, "webhooks:write").check_merchant(merchant)
        row = _known(view, merchant, webhook_id)
        store.remove(view.connection, webhook_id)
        return _shape(row)


@router.post("/merchants/{merchant}/webhooks/{webhook_id}/rotate", response_model=WebhookMade)
def rotate_secret(
    action: ActionDep, merchant: MerchantPath, webhook_id: WebhookPath, body: Rotation = _ROTATION
) -> Response:
    """A new secret, shown in this answer only; for a while messages are signed by both. Needs webhooks:write."""

    def effect(view: View) -> Answer:
        _known(view, merchant, webhook_id)
        until = int(time.time()) + body.keep_previous_hours * _HOUR_SECONDS
        store.rotate(view.connection, webhook_id, previous_until=until)
        endpoint = _known(view, merchant, webhook_id)
        return Answer(200, _with_secret(endpoint), stored=WebhookMade(**dict(_shape(endpoint)), secret=None))

    return _keyed(action, merchant, body, effect)


@router.post("/merchants/{merchant}/webhooks/{webhook_id}/test", status_code=202, response_model=Message)
def send_ping(action: ActionDep, merchant: MerchantPath, webhook_id: WebhookPath) -> Response:
    """Sends a message of type `ping`; what became of it is in the webhook's messages. Needs webhooks:write."""

    def effect(view: View) -> Answer:
        store.hold(view.connection, [webhook_id])  # else it might be deleted before the message refers to it
        _active(view, merchant, webhook_id)
        ping = _ping(webhook_id, merchant, view.now)
        messages.add_messages(view.connection, [ping])
        return Answer(202, _message(_known_message(view, webhook_id, ping.id), []))

    return _keyed(action, merchant, _Nothing(), effect)


@router.get("/merchants/{merchant}/webhooks/{webhook_id}/messages")
def list_messages(
    gateway: GatewayDep,
    token: Token,
    merchant: MerchantPath,
    webhook_id: WebhookPath,
    query: Annotated[MessagesQuery, Query()],
) -> MessagePage:
    """What it was sent, the newest first, each with its newest 20 attempts. Needs the scope webhooks:read."""
    with gateway.reading() as view:
        _reader(gateway, view, token, merchant)
        _known(view, merchant, webhook_id)
        place = place_of(query.cursor)
        after = place_number(place[0]) if place else None
        rows = messages.messages(view.connection, webhook_id, after=after, limit=query.limit + 1)
        shown = rows[: query.limit]
        attempts = messages.attempts_of(view.connection, [row.number for row in shown])
        last = (shown[-1].number,) if len(rows) > query.limit else None
        return MessagePage(items=[_message(row, attempts[row.number]) for row in shown], next=cursor_of(last))


@router.post(
    "/merchants/{merchant}/webhooks/{webhook_id}/messages/{message_id}/redeliver",
    status_code=202,
    response_model=Message,
)
def redeliver_message(
    action: ActionDep, merchant: MerchantPath, webhook_id: WebhookPath, message_id: MessagePath
) -> Response:
    """Sends a message again, under the same id, in a new round of attempts. Needs the scope webhooks:write."""

    def effect(view: View) -> Answer:
        store.hold(view.connection, [webhook_id])  # else more of the object might be made meanwhile, and put off
        _active(view, merchant, webhook_id)
        message = _known_message(view, webhook_id, message_id)
        messages.redeliver(view.connection, message)
        attempts = messages.attempts_of(view.connection, [message.number])[message.number]
        return Answer(202, _message(_known_message(view, webhook_id, message_id), attempts))

    return _keyed(action, merchant, _Nothing(), effect)


def _keyed(action: Action, merchant: int, body: BaseModel, effect: Callable[[View], Answer]) -> Response:
    """A POST about the merchant's webhooks, for the merchant's own keys with webhooks:write."""

    def checked(view: View, caller: Caller) -> Answer:
        caller.check_merchant(merchant)
        known(view, merchant)
        return effect(view)

    return action.keyed("webhooks:write", body, checked)


def _reader(gateway: Gateway, view: View, token: Token, merchant: int) -> None:
    authenticate(gateway, view, token, "webhooks:read").check_merchant(merchant)
    known(view, merchant)


def _known(view: View, merchant: int, webhook_id: str) -> EndpointRow:
    row = store.endpoint(view.connection, merchant, webhook_id)
    if row is None:
        raise NotFound(f"merchant {merchant} has no webhook {webhook_id}")
    return row


def _active(view: View, merchant: int, webhook_id: str) -> EndpointRow:
    row = _known(view, merchant, webhook_id)
    if not row.active:
        raise RequestRefused(409, "webhook-inactive", f"{webhook_id} is switched off, so nothing is sent to it")
    return row


def _known_message(view: View, webhook_id: str, message_id: str) -> MessageRow:
    row = messages.message(view.connection, webhook_id, message_id)
    if row is None:
        raise NotFound(f"webhook {webhook_id} has no message {message_id}")
    return row


def _ping(webhook_id: str, merchant: int, now: int) -> NewMessage:
    token = secrets.token_hex(16)
    return NewMessage(
        id=id_of_message(webhook_id, "ping", token),
        endpoint=webhook_id,
        type="ping",
        object=f"ping {token}",
        sequence=1,
        payload=payload("ping", now, {"merchant": merchant, "webhook": webhook_id, "sequence": 1}),
        block_number=None,
        block_hash=None,
        log_index=None,
        standing=False,
    )


def _check_address(gateway: Gateway, url: str) -> None:
    """By its text; what its name leads to is checked at each delivery."""
    try:
        parse(url, to_loopback=gateway.settings.webhooks_to_private)
    except InvalidInput as error:
        raise RequestRefused(422, "webhook-address-refused", f"url: {error}") from None


def _last_final(view: View) -> Block:
    try:
        _, block = state_and_block(view.connection, "final")
    except StoreUnavailable:
        return Block(0, None)
    return Block(block.number, block.hash)


def _shape(row: EndpointRow) -> Webhook:
    return Webhook.model_validate(
        {
            "id": row.id,
            "merchant": row.merchant,
            "url": row.url,
            "events": None if row.events is None else sorted(row.events),
            "finality": row.finality,
            "active": row.active,
            "disabled_reason": row.disabled_reason,
            "failing_since": row.failing_since,
            "previous_secret_until": row.previous_until if len(row.secrets_at(int(time.time()))) > 1 else None,
            "created_at": row.created_at,
        }
    )


def _with_secret(row: EndpointRow) -> WebhookMade:
    return WebhookMade(**dict(_shape(row)), secret=row.secret.reveal())


def _message(row: MessageRow, attempts: list[AttemptRow]) -> Message:
    return Message.model_validate(
        {
            "id": row.id,
            "type": row.type,
            "object": row.object,
            "sequence": row.sequence,
            "state": row.state,
            "created_at": row.created_at,
            "next_attempt_at": row.next_attempt_at if row.state == "pending" else None,
            "payload": json.loads(row.payload),
            "attempts": [_attempt(each) for each in attempts],
        }
    )


def _attempt(row: AttemptRow) -> Attempt:
    return Attempt(
        started_at=row.started_at,
        duration_ms=row.duration_ms,
        status=row.status,
        answer=row.answer,
        error=row.error,
    )
