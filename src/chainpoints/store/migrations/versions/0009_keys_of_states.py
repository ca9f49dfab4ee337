"""The keys of states are unique indexes instead of primary keys, so that a backfill can leave them out, and say so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("chain_state", sa.Column("without_keys", sa.Boolean(), server_default=sa.false(), nullable=False))
    for table, key in (("balances", "account"), ("books", "program"), ("nodes", "node"), ("merchants", "merchant")):
        with op.batch_alter_table(table) as batch:  # on SQLite the table is made again
            batch.drop_constraint(f"pk_{table}", type_="primary")
            batch.create_index(f"uq_{table}_{key}", [key, "block_number"], unique=True)
