"""store/migrate: the steps give the schema of store/tables.py, once, on both databases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, MetaData, insert, inspect, select, text

from chainpoints.config import Secret
from chainpoints.errors import ConfigError
from chainpoints.store import migrate as migrations
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store
from chainpoints.store.tables import metadata

pytestmark = pytest.mark.integration

SCRIPTS = list(ScriptDirectory.from_config(migrations._config()).walk_revisions())
"""The newest first."""


def test_the_migrated_schema_is_that_of_the_tables(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_constraints_and_names_are_those_of_the_tables(store: Store) -> None:
    """What alembic's comparison leaves out: cascades, and the names of keys."""
    migrated = described(store)
    metadata.drop_all(store.engine)
    metadata.create_all(store.engine)
    assert described(store) == migrated


def described(store: Store) -> dict[str, Any]:
    inspector = inspect(store.engine)
    tables = [name for name in inspector.get_table_names() if name != "alembic_version"]
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(name)],
            inspector.get_pk_constraint(name),
            sorted(inspector.get_foreign_keys(name), key=str),
            sorted(inspector.get_unique_constraints(name), key=str),
            sorted(inspector.get_indexes(name), key=str),
        )
        for name in tables
    }


@pytest.mark.parametrize("revision", [script.revision for script in SCRIPTS][1:])
def test_rows_of_an_older_schema_stay_as_they_were(database: Secret, revision: str) -> None:
    """One row in each table that there was: the same text or number in every column, so that each reference holds."""
    store = Store(database)
    config = migrations._config()
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        older = MetaData()
        older.reflect(connection)
        tables = [table for table in older.sorted_tables if table.name != "alembic_version"]
        for table in tables:
            connection.execute(insert(table).values({column.name: a_value(column) for column in table.columns}))
        before = {table.name: dict(connection.execute(select(table)).mappings().one()) for table in tables}
    migrate(store)
    with store.read() as connection:
        for name, row in before.items():
            now = dict(connection.execute(select(metadata.tables[name])).mappings().one())
            assert {column: now[column] for column in row} == row, name
    store.close()


def a_value(column: Column[Any]) -> object:
    kind = column.type.python_type
    return True if kind is bool else 7 if kind is int else "x"


def test_a_second_time_changes_nothing(store: Store) -> None:
    before = described(store)
    migrate(store)
    assert described(store) == before


def test_several_processes_at_once(database: Secret) -> None:
    program = (
        "import sys; from chainpoints.config import Secret; from chainpoints.store.migrate import migrate; "
        "from chainpoints.store.session import Store; migrate(Store(Secret(sys.argv[1])))"
    )
    command = [sys.executable, "-c", program, database.reveal()]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    problems = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, problems
    store = Store(database)
    assert len(inspect(store.engine).get_table_names()) == len(metadata.tables) + 1
    store.close()


def test_several_processes_make_the_same_file_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from chainpoints.config import Secret; from chainpoints.store.session import Store\n"
        "for file in sys.stdin:\n"
        "    with Store(Secret('sqlite:///' + file.strip())).read() as connection:\n"
        "        assert connection.exec_driver_sql('PRAGMA journal_mode').scalar() == 'wal'\n"
        "    print(flush=True)\n"
    )
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    for number in range(150):
        for process in processes:
            process.stdin.write(f"{tmp_path}/{number}.db\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        for process in processes:
            assert process.stdout.readline(), process.communicate()[1]  # type: ignore[union-attr]
    for process in processes:
        process.communicate(timeout=60)


def test_a_database_of_a_newer_version_is_refused(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="newer chainpoints"):
        migrate(store)
