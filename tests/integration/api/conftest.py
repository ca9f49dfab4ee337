"""The API over rows written by hand (`api`), and a whole gateway with a real chain (`world`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from builders import Deployment, signer
from chain_rows import FEC, INSTALMENTS, MANIFEST, ChainRows
from chainpoints.api.app import Application, create_app
from chainpoints.api.deps import Gateway
from chainpoints.api.keys import create_operator_key
from chainpoints.config import Settings, load_settings
from chainpoints.store.session import Store
from chainpoints.types import ONE_POINT
from gateway import Api, Client, World, running_gateway, serving


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"CHAINPOINTS_HOME": str(tmp_path)})


@pytest.fixture
def rows(store: Store) -> Store:
    """The store with a small chain in it."""
    with store.write() as connection:
        chain = ChainRows(connection)
        chain.blocks()
        chain.state()
        chain.program(FEC)
        chain.program(INSTALMENTS, funding="FUNDED")
        chain.merchant(1, signer("first shop").address)
        chain.merchant(2, signer("second shop").address)
        chain.balance(signer("alice").address, 1_000 * ONE_POINT)
        chain.minted()
    return store


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Application, httpx.Client]]:
    """One server for all tests: its routes take a second to put together. Each test gives it a gateway of its own."""
    folder = tmp_path_factory.mktemp("server")
    settings = load_settings({"CHAINPOINTS_HOME": str(folder)})
    unused = Store(settings.database)
    app = create_app(settings, MANIFEST, unused)
    with serving(app) as url, httpx.Client(base_url=url, timeout=30) as http:
        yield app, http
    unused.close()


@pytest.fixture
def api(rows: Store, settings: Settings, server: tuple[Application, httpx.Client]) -> Api:
    app, http = server
    with rows.write() as connection:
        operator = create_operator_key(connection)
    app.state.gateway = Gateway(settings, MANIFEST, rows, app.state.gateway.known_keys)
    return Api(app, rows, settings, Client(http), Client(http, operator))


@pytest.fixture
def world(deployment: Deployment, store: Store) -> Iterator[World]:
    with running_gateway(deployment, store) as running:
        yield running
