"""What a request works with: the gateway (store, manifest) and a view of the chain at one block."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, TypeVar, cast

from anyio import CapacityLimiter
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from chainpoints.api.gathering import Gathering
from chainpoints.api.schemas.base import AtQuery, ReadAt
from chainpoints.api.streams import Streams
from chainpoints.chain.manifest import Manifest
from chainpoints.config import Settings
from chainpoints.errors import NotFound, RequestRefused
from chainpoints.store import Connection
from chainpoints.store.session import Store
from chainpoints.store.status import Counts, Finality, Head, Indexed, state_and_block

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

AT_PARAMETERS: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in AtQuery.model_json_schema()["properties"].items()
    ]
}
"""For `openapi_extra=` of a route that reads its query by `at_query_of`."""

_AT_QUERY, _AT_HEAD = TypeAdapter(AtQuery), AtQuery.model_validate({})

PAYMENTS_PACE_SECONDS = 0.05
"""A transaction costs as much for one payment as for ten. One that comes alone waits for nothing."""

_REACHED_WITHIN_SECONDS = 15
"""Longer than the indexer's pauses between two looks at the chain, and between two tries."""


@dataclass(frozen=True, slots=True)
class View:
    """One transaction, and the block that it reads the chain at. Everything in an answer is as of that block."""

    connection: Connection
    block: Head
    state: Indexed
    _known: dict[Any, dict[Any, Any]] = field(default_factory=dict)

    def read(self, what: Callable[[Connection, K, int], T], key: K) -> T:
        """What `what` reads under `key`: once in the transaction, so not what the transaction itself changes."""
        known = self._known.setdefault(what, {})
        if key not in known:
            known[key] = what(self.connection, key, self.at)
        return cast("T", known[key])

    def learn(self, what: Callable[[Connection, K, int], T], found: Mapping[K, T]) -> None:
        """What `read` would read, read of several at once."""
        self._known.setdefault(what, {}).update(found)

    @property
    def at(self) -> int:
        return self.block.number

    @property
    def now(self) -> int:
        """The present, in unix seconds: the timestamp of the block."""
        return self.block.timestamp

    def out_of_reach(self) -> str | None:
        """Why what time it is on chain is not known, or None: its node does not answer, or indexing has stopped."""
        seconds = int(time.time()) - self.state.checked_at
        if self.state.halted is None and seconds <= _REACHED_WITHIN_SECONDS:
            return None
        return self.state.halted or f"its node was last reached {seconds} seconds ago, at block {self.at}"

    def check_chain_is_reached(self) -> None:
        """Raises RequestRefused (503) while the chain is out of reach."""
        why = self.out_of_reach()
        if why is None:
            return
        detail = (
            f"the chain is out of reach and nothing was accepted: {why}; the operator's `chainpoints doctor` says more"
        )
        raise RequestRefused(503, "chain-out-of-reach", detail, retryable=True)

    def read_at(self) -> ReadAt:
        return ReadAt(
            block=self.block.number,
            hash=self.block.hash,
            timestamp=self.block.timestamp,
            finality=self.state.finality(self.block.number),
            chain=f"eip155:{self.state.chain_id}",
        )


class Counted(NamedTuple):
    """What there was up to a final block, -1 for nothing yet, and the hash of that block."""

    block: int = -1
    hash: str = ""
    counts: Counts = Counts()


@dataclass(slots=True)
class Gateway:
    """What all requests share.

    `known_keys` are hashes of keys that were accepted (see limits). `in_flight` holds who sent which Idempotency-Key.
    `wallets` are the answers about wallets that are being read, by finality and address. `payments`: those being
    accepted. `settling`: how many wait for the end of an x402 payment. `probes`: the one thread that answers whether
    this process is ready.
    """

    settings: Settings
    manifest: Manifest
    store: Store
    known_keys: set[str]
    in_flight: dict[tuple[str, str], object] = field(default_factory=dict)
    wallets: Gathering[tuple[Finality, str], bytes] = field(init=False)
    payments: Gathering[Any, Any] = field(
        default_factory=lambda: Gathering(in_threads=True, pace_seconds=PAYMENTS_PACE_SECONDS)
    )
    streams: Streams = field(init=False)
    counted: Counted = Counted()
    probes: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    settling: int = 0

    def __post_init__(self) -> None:
        self.wallets = Gathering(in_threads=not self.store.is_sqlite)
        self.streams = Streams(self.store)

    @contextmanager
    def reading(self, finality: Finality = "head", *, states: bool = True) -> Iterator[View]:
        """A consistent snapshot at the highest block of that finality. Raises StoreUnavailable when there is none; see
        `state_and_block`."""
        with self.store.read() as connection:
            state, block = state_and_block(connection, finality, states=states)
            with refusing_as_of(View(connection, block, state)) as view:
                yield view

    @contextmanager
    def writing(self) -> Iterator[View]:
        """A transaction that commits on leaving; the chain is read at its head."""
        with self.store.write() as connection:
            state, block = state_and_block(connection, "head")
            with refusing_as_of(View(connection, block, state)) as view:
                yield view


@contextmanager
def refusing_as_of(view: View) -> Iterator[View]:
    """What is refused for what the chain says, names the block that says so; 401 and 403 are about the key alone."""
    try:
        yield view
    except NotFound as missing:
        raise RequestRefused(404, "not-found", str(missing), read_at=view.read_at().model_dump()) from None
    except RequestRefused as refused:
        if refused.status not in (401, 403):
            refused.members["read_at"] = view.read_at().model_dump()
        raise


def gateway_of(request: Request) -> Gateway:
    """As `GatewayDep`, for a route that is asked so often that the framework's way to it tells."""
    gateway: Gateway = request.app.state.gateway
    return gateway


def at_query_of(request: Request) -> AtQuery:
    """As a parameter of that form, for such a route; `AT_PARAMETERS` documents it. Raises RequestValidationError."""
    if not request.scope["query_string"]:
        return _AT_HEAD
    return checked(dict(request.query_params), _AT_QUERY, "query")


def checked(given: Any, form: TypeAdapter[T], *place: str) -> T:
    """What was given at that place of a request, for such a route. Raises RequestValidationError."""
    try:
        return form.validate_python(given)
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": (*place, *each["loc"])} for each in error.errors()]) from None


async def _gateway(request: Request) -> Gateway:
    return gateway_of(request)


GatewayDep = Annotated[Gateway, Depends(_gateway)]
