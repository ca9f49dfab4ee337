"""What the indexer's tests share: a follower of a deployment, and what a fresh index of the same chain gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from builders import Deployment
from chainpoints.chain.client import ChainClient
from chainpoints.chain.events import EventDecoder
from chainpoints.chain.rpc import Rpc
from chainpoints.config import Chain, Secret
from chainpoints.indexer.follow import Follower
from chainpoints.store.digest import table_digests
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store


@contextmanager
def following(deployment: Deployment, store: Store, *, url: str = "", chain: Chain | None = None) -> Iterator[Follower]:
    """A follower of the deployment's chain, by its own endpoint or by another one in front of it."""
    rpc = Rpc(Secret(url or deployment.anvil.url))
    manifest = deployment.manifest
    client = ChainClient(rpc, [contract.address for contract in manifest.contracts.values()])
    chosen = chain or deployment.settings.chain
    follower = Follower(client, EventDecoder(manifest), store, chosen, manifest.first_block, Event())
    try:
        yield follower
    finally:
        follower.close()
        rpc.close()


def catch_up(follower: Follower) -> None:
    while follower.step():
        pass


def digests(store: Store) -> dict[str, str]:
    with store.read() as connection:
        return table_digests(connection)


def fresh_digests(deployment: Deployment, folder: Path) -> dict[str, str]:
    """The digests of a new store that indexes the chain as it is now, from its beginning."""
    file = folder / "fresh.db"
    for leftover in folder.glob("fresh.db*"):
        leftover.unlink()
    store = Store(Secret(f"sqlite:///{file}"))
    try:
        migrate(store)
        with following(deployment, store) as follower:
            catch_up(follower)
        return digests(store)
    finally:
        store.close()
