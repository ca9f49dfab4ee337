"""The first schema: everything that store/tables.py says, by explicit steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("merchant", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
    )

    op.create_index(op.f("ix_api_keys_merchant"), "api_keys", ["merchant"])
    op.create_table(
        "blocks",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("parent_hash", sa.String(length=66), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_blocks")),
        sa.UniqueConstraint("hash", name=op.f("uq_blocks_hash")),
    )

    op.create_table(
        "chain_state",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("genesis_hash", sa.String(length=66), nullable=False),
        sa.Column("first_block", sa.BigInteger(), nullable=False),
        sa.Column("node_head", sa.BigInteger(), nullable=False),
        sa.Column("safe", sa.BigInteger(), nullable=False),
        sa.Column("final", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.Column("halted", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_chain_state")),
    )

    op.create_table(
        "idempotency",
        sa.Column("owner", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_idempotency")),
    )

    op.create_table(
        "orders",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("merchant", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("order_hash", sa.String(length=66), nullable=False),
        sa.Column("program", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("money", sa.String(length=24), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("customer", sa.String(length=42), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("merchant", "order_hash", name=op.f("uq_orders_merchant_order_hash")),
        sa.UniqueConstraint("merchant", "reference", name=op.f("uq_orders_merchant_reference")),
    )

    op.create_table(
        "relay_transactions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.String(length=66), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relay_transactions")),
        sa.UniqueConstraint("sender", "nonce", name=op.f("uq_relay_transactions_sender_nonce")),
    )

    op.create_index(op.f("ix_relay_transactions_state_sender"), "relay_transactions", ["state", "sender"])
    op.create_table(
        "relay_lanes",
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_relay_lanes")),
    )

    op.create_table(
        "balances",
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_balances_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account", "block_number", name=op.f("pk_balances")),
    )

    op.create_index(op.f("ix_balances_block_number"), "balances", ["block_number"])
    op.create_table(
        "books",
        sa.Column("program", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("diverted", sa.BigInteger(), nullable=False),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger(), nullable=False),
        sa.Column("reserve", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_books_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("program", "block_number", name=op.f("pk_books")),
    )

    op.create_index(op.f("ix_books_block_number"), "books", ["block_number"])
    op.create_table(
        "cancellations",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("payer", sa.String(length=42), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_cancellations_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_cancellations")),
    )

    op.create_index(op.f("ix_cancellations_payer_block_number"), "cancellations", ["payer", "block_number"])
    op.create_table(
        "claims",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("node", sa.String(length=78), nullable=False),
        sa.Column("owner", sa.String(length=42), nullable=False),
        sa.Column("receiver", sa.String(length=42), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("claimed_periods", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_claims_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_claims")),
    )

    op.create_index(op.f("ix_claims_node_block_number_log_index"), "claims", ["node", "block_number", "log_index"])
    op.create_index(op.f("ix_claims_owner_block_number_log_index"), "claims", ["owner", "block_number", "log_index"])
    op.create_table(
        "deposits",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("program", sa.BigInteger(), nullable=False),
        sa.Column("sponsor", sa.String(length=42), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_deposits_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_deposits")),
    )

    op.create_index(op.f("ix_deposits_program_block_number"), "deposits", ["program", "block_number"])
    op.create_table(
        "issues",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("merchant", sa.BigInteger(), nullable=False),
        sa.Column("order_hash", sa.String(length=66), nullable=False),
        sa.Column("customer", sa.String(length=42), nullable=False),
        sa.Column("program", sa.BigInteger(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.String(length=66), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_issues_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_issues")),
    )

    op.create_index(
        op.f("ix_issues_customer_block_number_log_index"), "issues", ["customer", "block_number", "log_index"]
    )
    op.create_index(op.f("ix_issues_merchant_order_hash"), "issues", ["merchant", "order_hash"])
    op.create_table(
        "merchants",
        sa.Column("merchant", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("payout", sa.String(length=42), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("paid_per_day", sa.BigInteger(), nullable=False),
        sa.Column("issued_per_day", sa.BigInteger(), nullable=False),
        sa.Column("quota", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_merchants_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("merchant", "block_number", name=op.f("pk_merchants")),
    )

    op.create_index(op.f("ix_merchants_block_number"), "merchants", ["block_number"])
    op.create_table(
        "node_transfers",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("node", sa.String(length=78), nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("receiver", sa.String(length=42), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_node_transfers_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_node_transfers")),
    )

    op.create_index(
        op.f("ix_node_transfers_node_block_number_log_index"), "node_transfers", ["node", "block_number", "log_index"]
    )
    op.create_table(
        "nodes",
        sa.Column("node", sa.String(length=78), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("program", sa.BigInteger(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=42), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("claimed", sa.BigInteger(), nullable=False),
        sa.Column("claimed_periods", sa.Integer(), nullable=False),
        sa.Column("beneficiary", sa.String(length=42), nullable=True),
        sa.Column("given_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_nodes_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("node", "block_number", name=op.f("pk_nodes")),
    )

    op.create_index(op.f("ix_nodes_block_number"), "nodes", ["block_number"])
    op.create_index(op.f("ix_nodes_owner_node"), "nodes", ["owner", "node"])
    op.create_index(op.f("ix_nodes_beneficiary_node"), "nodes", ["beneficiary", "node"])
    op.create_table(
        "payments",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("merchant", sa.BigInteger(), nullable=False),
        sa.Column("order_hash", sa.String(length=66), nullable=False),
        sa.Column("payer", sa.String(length=42), nullable=False),
        sa.Column("program", sa.BigInteger(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("diverted", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_payments_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_payments")),
    )

    op.create_index(op.f("ix_payments_merchant_order_hash"), "payments", ["merchant", "order_hash"])
    op.create_index(
        op.f("ix_payments_payer_block_number_log_index"), "payments", ["payer", "block_number", "log_index"]
    )
    op.create_table(
        "programs",
        sa.Column("program", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("funding", sa.String(length=8), nullable=False),
        sa.Column("divert_bps", sa.Integer(), nullable=False),
        sa.Column("multiplier", sa.Integer(), nullable=False),
        sa.Column("periods", sa.Integer(), nullable=False),
        sa.Column("period_length", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("growth_numerator", sa.BigInteger(), nullable=False),
        sa.Column("growth_denominator", sa.BigInteger(), nullable=False),
        sa.Column("min_payment", sa.BigInteger(), nullable=False),
        sa.Column("payer_period_cap", sa.BigInteger(), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=False),
        sa.Column("terms_hash", sa.String(length=66), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_programs_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("program", name=op.f("pk_programs")),
    )

    op.create_index(op.f("ix_programs_block_number"), "programs", ["block_number"])
    op.create_table(
        "refunds",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("merchant", sa.BigInteger(), nullable=False),
        sa.Column("order_hash", sa.String(length=66), nullable=False),
        sa.Column("payer", sa.String(length=42), nullable=False),
        sa.Column("program", sa.BigInteger(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("diverted", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_refunds_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_refunds")),
    )

    op.create_index(op.f("ix_refunds_merchant_order_hash"), "refunds", ["merchant", "order_hash"])
    op.create_index(op.f("ix_refunds_payer_block_number_log_index"), "refunds", ["payer", "block_number", "log_index"])
    op.create_table(
        "replacements",
        sa.Column("program", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("replaced_by", sa.BigInteger(), nullable=False),
        sa.Column("closes_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_replacements_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("program", name=op.f("pk_replacements")),
    )

    op.create_index(op.f("ix_replacements_block_number"), "replacements", ["block_number"])
    op.create_table(
        "relay_attempts",
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("transaction_id", sa.Integer(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("max_fee", sa.BigInteger(), nullable=False),
        sa.Column("priority_fee", sa.BigInteger(), nullable=False),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("broadcast_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["relay_transactions.id"],
            name=op.f("fk_relay_attempts_transaction_id_relay_transactions"),
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_relay_attempts")),
    )

    op.create_index(op.f("ix_relay_attempts_transaction_id"), "relay_attempts", ["transaction_id"])
    op.create_table(
        "relay_requests",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("merchant", sa.BigInteger(), nullable=True),
        sa.Column("order_hash", sa.String(length=66), nullable=True),
        sa.Column("wallet", sa.String(length=42), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.Integer(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["relay_transactions.id"],
            name=op.f("fk_relay_requests_transaction_id_relay_transactions"),
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_relay_requests")),
        sa.UniqueConstraint("id", name=op.f("uq_relay_requests_id")),
    )

    op.create_index(op.f("ix_relay_requests_merchant_order_hash"), "relay_requests", ["merchant", "order_hash"])
    op.create_index(op.f("ix_relay_requests_state_lane_sequence"), "relay_requests", ["state", "lane", "sequence"])
    op.create_index(op.f("ix_relay_requests_transaction_id"), "relay_requests", ["transaction_id"])
    op.create_index(op.f("ix_relay_requests_wallet_state"), "relay_requests", ["wallet", "state"])
    op.create_table(
        "transfers",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("receiver", sa.String(length=42), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_number"], ["blocks.number"], name=op.f("fk_transfers_block_number_blocks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_transfers")),
    )

    op.create_index(
        op.f("ix_transfers_receiver_block_number_log_index"), "transfers", ["receiver", "block_number", "log_index"]
    )
    op.create_index(
        op.f("ix_transfers_sender_block_number_log_index"), "transfers", ["sender", "block_number", "log_index"]
    )
