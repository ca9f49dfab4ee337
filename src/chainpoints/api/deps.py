"""What a request works with: the gateway (store, manifest) and a view of the chain at one block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from chainpoints.api.schemas.base import ReadAt
from chainpoints.chain.manifest import Manifest
from chainpoints.config import Settings
from chainpoints.store import Connection
from chainpoints.store.session import Store
from chainpoints.store.status import Finality, Head, Indexed, block_to_read_at, head, indexed


@dataclass(frozen=True, slots=True)
class View:
    """One transaction, and the block that it reads the chain at. Everything in an answer is as of that block."""

    connection: Connection
    block: Head
    state: Indexed

    @property
    def at(self) -> int:
        return self.block.number

    @property
    def now(self) -> int:
        """The present, in unix seconds: the timestamp of the block."""
        return self.block.timestamp

    def read_at(self) -> ReadAt:
        return ReadAt(
            block=self.block.number,
            hash=self.block.hash,
            timestamp=self.block.timestamp,
            finality=self.state.finality(self.block.number),
            chain=f"eip155:{self.state.chain_id}",
        )


@dataclass(slots=True)
class Gateway:
    """What all requests share.

    `known_keys` are hashes of keys that were accepted (see limits). `in_flight` holds who sent which Idempotency-Key.
    """

    settings: Settings
    manifest: Manifest
    store: Store
    known_keys: set[str]
    in_flight: dict[tuple[str, str], object] = field(default_factory=dict)

    @contextmanager
    def reading(self, finality: Finality = "head") -> Iterator[View]:
        """A consistent snapshot at the highest block of that finality. Raises StoreUnavailable when there is none."""
        with self.store.read() as connection:
            state = indexed(connection)
            yield View(connection, block_to_read_at(connection, finality, state), state)

    @contextmanager
    def writing(self) -> Iterator[View]:
        """A transaction that commits on leaving; the chain is read at its head."""
        with self.store.write() as connection:
            yield View(connection, head(connection), indexed(connection))


async def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


GatewayDep = Annotated[Gateway, Depends(_gateway)]
