"""chain_state.trouble: why the indexer does not go on for now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("chain_state", sa.Column("trouble", sa.Text(), nullable=True))
