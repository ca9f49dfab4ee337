"""Which accounts are frozen. Freezes in blocks that were read before are there after `chainpoints rebuild`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "freezes",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transaction_hash", sa.String(66), nullable=False),
        sa.Column("account", sa.String(42), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(42), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_freezes_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_freezes")),
    )
    op.create_index(
        op.f("ix_freezes_account_block_number_log_index"), "freezes", ["account", "block_number", "log_index"]
    )
