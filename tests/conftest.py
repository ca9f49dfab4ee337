"""Fixtures for every test: chains, deployments and databases of its own. What they are made of is in builders.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import (
    ROOT,
    Anvil,
    Deployment,
    PostgresUnavailable,
    deploy_on,
    fresh_database,
    plain_logs,
    postgres_server,
    start_anvil,
)
from chainpoints.chain.compiler import Artifact, load_artifacts
from chainpoints.config import Secret
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store

plain_logs()


@pytest.fixture(scope="session")
def artifacts() -> dict[str, Artifact]:
    return load_artifacts(ROOT)


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    """A fresh local chain."""
    chain = start_anvil()
    yield chain
    chain.stop()


@pytest.fixture
def deployment(anvil: Anvil, tmp_path: Path, artifacts: dict[str, Artifact]) -> Deployment:
    """A fresh local chain with everything deployed."""
    return deploy_on(anvil, tmp_path, artifacts)


@pytest.fixture(scope="module")
def module_deployment(tmp_path_factory: pytest.TempPathFactory, artifacts: dict[str, Artifact]) -> Iterator[Deployment]:
    """One deployment for the tests of a module that leave each other alone."""
    chain = start_anvil()
    yield deploy_on(chain, tmp_path_factory.mktemp("deployment"), artifacts)
    chain.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server for this run of the tests. Without one they run on SQLite alone, which the
    summary says; where CI is set that is a failure."""
    try:
        with postgres_server() as address:
            yield address
    except PostgresUnavailable as reason:
        told = f"not tried on PostgreSQL: {reason}"
        if os.environ.get("CI"):
            pytest.fail(told, pytrace=False)
        pytest.skip(told)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Secret]:
    """The address of a fresh, empty database: each test runs on both kinds."""
    if request.param == "sqlite":
        yield Secret(f"sqlite:///{tmp_path / 'gateway.db'}")
        return
    with fresh_database(request.getfixturevalue("postgres"), f"test_{abs(hash(request.node.nodeid)):x}") as address:
        yield Secret(address)


@pytest.fixture
def store(database: Secret) -> Iterator[Store]:
    """A fresh database with the newest schema."""
    opened = Store(database)
    migrate(opened)
    yield opened
    opened.close()
