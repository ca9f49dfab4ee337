"""Brings a database to the newest schema. Every process calls it at its start; one at a time carries the steps out."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from chainpoints.errors import ConfigError
from chainpoints.store.session import Store

_STEPS = Path(__file__).with_name("migrations")


def newest_revision() -> str | None:
    """The revision of the schema in store/tables.py."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def stored_revision(store: Store) -> str | None:
    """The revision that the database has; None when it is empty."""
    with store.read() as connection:
        return _revision(connection)


def migrate(store: Store) -> None:
    """Carries out the steps that the database lacks, in one transaction. Safe to call from several processes at once.

    Raises ConfigError for a database that a newer chainpoints has made.
    """
    config = _config()
    newest = newest_revision()
    with store.read() as connection:
        if _revision(connection) == newest:
            return
    with store.write() as connection:
        store.hold(connection, "migrate", seconds=0)
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigError(f"this database was made by a newer chainpoints: {error}; update the program") from None


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
