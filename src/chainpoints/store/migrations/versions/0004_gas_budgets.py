"""What requests cost, by merchant and day; budgets; and what makes pruning old rows cheap."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("relay_requests", sa.Column("promised_gwei", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index(op.f("ix_relay_requests_merchant_state"), "relay_requests", ["merchant", "state"])
    op.add_column("relay_lanes", sa.Column("gas_price", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"])
    op.create_table(
        "gas_budgets",
        sa.Column("merchant", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gwei", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant", name=op.f("pk_gas_budgets")),
    )
    op.create_table(
        "gas_spent",
        sa.Column("merchant", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gwei", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant", "day", name=op.f("pk_gas_spent")),
    )
    op.create_table(
        "relay_costs",
        sa.Column("transaction_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("merchant", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gwei", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["relay_transactions.id"],
            name=op.f("fk_relay_costs_transaction_id_relay_transactions"),
        ),
        sa.PrimaryKeyConstraint("transaction_id", "merchant", "day", name=op.f("pk_relay_costs")),
    )
