"""POSTs that have effects: once for each Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).

The effect and its answer are written in one transaction, so after a crash either both are there or neither. An answer
that refuses is not kept: nothing was done, and the same key may try again.

Callers without an API key cannot be told apart, so theirs counts together with what it was sent with: nobody can take
the key that somebody else is going to use.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Generic, Protocol, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from chainpoints.api.auth import Caller, Token, authenticate
from chainpoints.api.deps import Gateway, GatewayDep, View, refusing_as_of
from chainpoints.api.gathering import Gathering
from chainpoints.errors import InvalidInput, RequestRefused, StoreUnavailable
from chainpoints.store.idempotency import Place, StoredAnswer, store_answers, stored_answer, stored_answers

B = TypeVar("B", bound=BaseModel)
B_in = TypeVar("B_in", bound=BaseModel, contravariant=True)

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an effect answers. `stored` is kept for a repetition instead of `body` where the body holds a secret."""

    status: int
    body: BaseModel
    stored: BaseModel | None = None


@dataclass(frozen=True, eq=False)
class Asked(Generic[B]):
    """A POST that is carried out together with others. `place` is where its answer is kept. Of those with the same
    `apart`, each is carried out in a transaction after that of the one before."""

    place: Place
    request_hash: str
    body: B
    apart: Hashable


class Effects(Protocol[B_in]):
    """What carries out POSTs of a kind, several in one transaction."""

    def begin(self, view: View, bodies: Sequence[B_in]) -> None:
        """Reads what is to be known of them."""

    def carry_out(self, view: View, body: B_in) -> Answer:
        """One of them. Raises NotFound, RequestRefused or InvalidInput before it writes anything."""


Prepare = Callable[[Sequence[B]], Effects[B]]
"""What can be done before the transaction: others write meanwhile."""


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

    async def public_together(
        self, gathering: Gathering[Asked[B], Response | Exception], body: B, apart: Hashable, prepare: Prepare[B]
    ) -> Response:
        """As `public`, together with what others ask for meanwhile: in one transaction, in which each is carried out
        or refused by itself."""
        key, request_hash = self._checked_key(), self._hash_of(body)
        asked = Asked((_anyone(request_hash), key), request_hash, body, apart)
        with self._alone(*asked.place):
            answer = await gathering.ask(asked, partial(_carry_out, self.gateway, prepare))
        if isinstance(answer, Exception):
            raise answer
        return answer

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
        key, request_hash = self._checked_key(), self._hash_of(body)
        anyone = _anyone(request_hash)
        with self._alone(self.token.credentials if self.token else anyone, key), self.gateway.writing() as view:
            caller = identify(view)
            place = caller.account if caller else anyone, key
            self.gateway.store.hold(view.connection, _name(place))
            earlier = stored_answer(view.connection, *place)
            if earlier:
                return _again(earlier, request_hash)
            answer, kept = _told(effect(view, caller), request_hash)
            store_answers(view.connection, {place: kept})
        return answer

    def _hash_of(self, body: BaseModel) -> str:
        return hashlib.sha256(f"{self.target}\n{body.model_dump_json()}".encode()).hexdigest()

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


def _carry_out(
    gateway: Gateway, prepare: Prepare[B], asked: Sequence[Asked[B]]
) -> dict[Asked[B], Response | Exception]:
    """The answers of one transaction, each an answer or what refuses it; what has to wait for another is left out.

    Where something fails that nobody thought of, each is carried out alone: it is the answer of the one at fault.
    """
    try:
        now: dict[Hashable, Asked[B]] = {}
        for each in asked:
            now.setdefault(each.apart, each)
        effects = prepare([each.body for each in now.values()])
        with gateway.writing() as view:
            return _carry_out_in(view, gateway, effects, list(now.values()))
    except StoreUnavailable:
        raise
    except Exception as failure:
        if len(asked) == 1:
            return {asked[0]: failure}
        return {each: answer for one in asked for each, answer in _carry_out(gateway, prepare, [one]).items()}


def _carry_out_in(
    view: View, gateway: Gateway, effects: Effects[B], asked: Sequence[Asked[B]]
) -> dict[Asked[B], Response | Exception]:
    gateway.store.hold(view.connection, *(_name(each.place) for each in asked))
    earlier = stored_answers(view.connection, [each.place for each in asked])
    effects.begin(view, [each.body for each in asked if each.place not in earlier])
    answers: dict[Asked[B], Response | Exception] = {}
    kept: dict[Place, StoredAnswer] = {}
    for each in asked:
        try:
            with refusing_as_of(view):
                if each.place in earlier:
                    answers[each] = _again(earlier[each.place], each.request_hash)
                else:
                    answer = effects.carry_out(view, each.body)
                    answers[each], kept[each.place] = _told(answer, each.request_hash)
        except (RequestRefused, InvalidInput) as refusal:
            answers[each] = refusal
    store_answers(view.connection, kept)
    return answers


def _anyone(request_hash: str) -> str:
    return f"public {request_hash[:29]}"


def _name(place: Place) -> str:
    return f"idempotency {place[0]} {place[1]}"


def _told(answer: Answer, request_hash: str) -> tuple[Response, StoredAnswer]:
    """The answer as it is sent, and as it is kept."""
    told = answer.body.model_dump_json()
    stored = answer.stored.model_dump_json() if answer.stored else told
    sent = Response(told, answer.status, media_type="application/json")
    return sent, StoredAnswer(request_hash, answer.status, stored)


def _again(earlier: StoredAnswer, request_hash: str) -> Response:
    if earlier.request_hash != request_hash:
        detail = "the first request with this key had another address or body"
        raise RequestRefused(422, "idempotency-key-reused", detail)
    headers = {"idempotent-replayed": "true"}
    return Response(earlier.body, earlier.status, headers=headers, media_type="application/json")


IdempotencyKey = Annotated[
    str | None,
    Header(
        description="The same key and body are answered once; repeat it freely. With another body it is refused, but "
        "where no API key is asked for: there the key counts together with the body."
    ),
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
