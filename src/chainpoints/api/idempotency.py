"""POSTs that have effects: once for each Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).

The effect and its answer are written in one transaction, so after a crash either both are there or neither. An answer
that refuses is not kept: nothing was done, and the same key may try again.

Callers without an API key cannot be told apart, so theirs counts together with what it was sent with: nobody can take
the key that somebody else is going to use.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from chainpoints.api.auth import Caller, Token, authenticate
from chainpoints.api.deps import Gateway, GatewayDep, View
from chainpoints.errors import RequestRefused
from chainpoints.store.idempotency import StoredAnswer, store_answer, stored_answer

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an effect answers. `stored` is kept for a repetition instead of `body` where the body holds a secret."""

    status: int
    body: BaseModel
    stored: BaseModel | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One POST. `key` is its Idempotency-Key as sent."""

    gateway: Gateway
    target: str
    key: str | None
    token: Token

    def public(self, body: BaseModel, effect: Callable[[View], Answer]) -> Response:
        """Carries the effect out once, for anyone."""
        return self._once(body, lambda view: None, lambda view, _: effect(view))

    def keyed(self, scope: str, body: BaseModel, effect: Callable[[View, Caller], Answer]) -> Response:
        """Carries the effect out once, for the holder of a key with that scope."""

        def with_caller(view: View, caller: Caller | None) -> Answer:
            assert caller is not None
            return effect(view, caller)

        return self._once(body, lambda view: authenticate(self.gateway, view, self.token, scope), with_caller)

    def _once(
        self,
        body: BaseModel,
        identify: Callable[[View], Caller | None],
        effect: Callable[[View, Caller | None], Answer],
    ) -> Response:
        key = self._checked_key()
        request_hash = hashlib.sha256(f"{self.target}\n{body.model_dump_json()}".encode()).hexdigest()
        anyone = f"public {request_hash[:29]}"
        with self._alone(self.token.credentials if self.token else anyone, key), self.gateway.writing() as view:
            caller = identify(view)
            owner = caller.account if caller else anyone
            self.gateway.store.hold(view.connection, f"idempotency {owner} {key}")
            earlier = stored_answer(view.connection, owner, key)
            if earlier:
                return _again(earlier, request_hash)
            answer = effect(view, caller)
            told = answer.body.model_dump_json()
            stored = answer.stored.model_dump_json() if answer.stored else told
            store_answer(view.connection, owner, key, StoredAnswer(request_hash, answer.status, stored))
        return Response(told, answer.status, media_type="application/json")

    def _checked_key(self) -> str:
        if self.key is None:
            raise RequestRefused(400, "idempotency-key-missing", "this request needs a header Idempotency-Key")
        key = self.key[1:-1] if len(self.key) > 1 and self.key[0] == self.key[-1] == '"' else self.key
        if not _KEY.fullmatch(key):
            raise RequestRefused(400, "idempotency-key-invalid", "it has 1 to 255 printable ASCII characters")
        return key

    @contextmanager
    def _alone(self, sender: str, key: str) -> Iterator[None]:
        """Refuses (409) while this process answers the same key; another process waits in `hold`."""
        holder = (sender, key)
        ours = object()
        if self.gateway.in_flight.setdefault(holder, ours) is not ours:  # one step, so that of two threads one is first
            raise RequestRefused(
                409, "request-in-flight", "a request with this Idempotency-Key is being answered", retryable=True
            )
        try:
            yield
        finally:
            del self.gateway.in_flight[holder]


def _again(earlier: StoredAnswer, request_hash: str) -> Response:
    if earlier.request_hash != request_hash:
        detail = "the first request with this key had another address or body"
        raise RequestRefused(422, "idempotency-key-reused", detail)
    headers = {"idempotent-replayed": "true"}
    return Response(earlier.body, earlier.status, headers=headers, media_type="application/json")


IdempotencyKey = Annotated[
    str | None,
    Header(description="The same key and body are answered once; repeat it freely."),
]
"""Optional for the framework only, so that one that is missing gets a problem of its own."""


def require_keys(document: dict[str, Any]) -> None:
    """Makes the header required in an OpenAPI document."""
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "idempotency-key":
                    schema = {"type": "string", "minLength": 1, "maxLength": 255}
                    parameter |= {"required": True, "schema": schema, "example": "a1b2c3"}


async def _action(
    request: Request, gateway: GatewayDep, token: Token, idempotency_key: IdempotencyKey = None
) -> Action:
    return Action(gateway, f"{request.method} {request.url.path}", idempotency_key, token)


async def _public_action(request: Request, gateway: GatewayDep, idempotency_key: IdempotencyKey = None) -> Action:
    return Action(gateway, f"{request.method} {request.url.path}", idempotency_key, None)


ActionDep = Annotated[Action, Depends(_action)]
PublicActionDep = Annotated[Action, Depends(_public_action)]
