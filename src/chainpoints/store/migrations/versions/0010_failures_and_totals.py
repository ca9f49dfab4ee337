"""What a failed transaction gave back is kept until that is final. Tries to deliver webhooks are counted for good: what
is deleted with a webhook counts on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "relay_failures",
        sa.Column("transaction_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["relay_transactions.id"], name="fk_relay_failures_transaction_id_relay_transactions"
        ),
        sa.ForeignKeyConstraint(
            ["request"],
            ["relay_requests.sequence"],
            name="fk_relay_failures_request_relay_requests",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("transaction_id", "request", name="pk_relay_failures"),
    )
    op.create_index("ix_relay_failures_request", "relay_failures", ["request"])
    op.drop_index("ix_relay_requests_wallet_state", "relay_requests")
    columns = ["wallet", "state", "kind", "sequence"]
    op.create_index("ix_relay_requests_wallet_state_kind_sequence", "relay_requests", columns)
    totals = op.create_table(
        "webhook_totals",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_totals"),
    )
    so_far = op.get_bind().scalar(sa.text("SELECT max(id) FROM webhook_attempts"))  # they are numbered
    if so_far is not None:
        op.bulk_insert(totals, [{"id": 1, "attempts": so_far}])
