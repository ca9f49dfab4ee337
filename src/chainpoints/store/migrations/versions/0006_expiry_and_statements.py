"""Orders may expire; a merchant's events are found by their place in the chain, for statements and streams."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("orders", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    for table in ("payments", "refunds", "issues"):
        name = f"ix_{table}_merchant_block_number_log_index"
        op.create_index(op.f(name), table, ["merchant", "block_number", "log_index"])
