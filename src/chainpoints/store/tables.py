"""Every table. Amounts are base units of points in signed 64-bit columns; addresses and hashes are lower-case 0x text.

Two kinds of rows:
- chain-derived: each hangs from its block (`block_number` with ON DELETE CASCADE), written only by the indexer. What
  changes over time (balances, books, nodes, merchants) is kept as one row for each block that changed it; the row of
  the highest block is the present, so a rollback needs no undo log and any block can be read as it stood.
- the gateway's own: orders, keys, idempotency, relay requests. No rollback touches them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ADDRESS = String(42)
_HASH = String(66)
_TOKEN_ID = String(78)  # a decimal uint256
_COUNTER = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only where the type is INTEGER


def _block(**options: Any) -> Column[int]:
    return Column("block_number", BigInteger, ForeignKey("blocks.number", ondelete="CASCADE"), **options)


def _event(name: str, *columns: Column[Any], indexes: tuple[Index, ...] = ()) -> Table:
    """A table of one kind of event: one row a log, keyed by its place in the chain's total order."""
    return Table(
        name,
        metadata,
        _block(primary_key=True),
        Column("log_index", Integer, primary_key=True, autoincrement=False),
        Column("transaction_hash", _HASH, nullable=False),
        *columns,
        *indexes,
    )


def _state(name: str, key: Column[Any], *columns: Column[Any], indexes: tuple[Index, ...] = ()) -> Table:
    """A table of states that change over time: one row for each block that changed what `key` says.

    That a key comes once a block is the business of an index of its own, as no primary key can be left out while a long
    stretch is read (store/backfill).
    """
    of_block = Index(f"uq_{name}_{key.name}", key.name, "block_number", unique=True)
    return Table(name, metadata, key, _block(nullable=False, index=True), *columns, of_block, *indexes)


def _amount(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


# ---------------------------------------------------------------------------------------------- chain: blocks

blocks = Table(
    "blocks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", _HASH, nullable=False, unique=True),
    Column("parent_hash", _HASH, nullable=False),
    Column("timestamp", BigInteger, nullable=False),  # unix seconds
)

chain_state = Table(
    "chain_state",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("genesis_hash", _HASH, nullable=False),
    Column("first_block", BigInteger, nullable=False),  # the deployment's first block: indexing begins there
    Column("node_head", BigInteger, nullable=False),  # the highest block the RPC endpoint has told of
    Column("safe", BigInteger, nullable=False),
    Column("final", BigInteger, nullable=False),
    Column("checked_at", BigInteger, nullable=False),  # wall clock: when the indexer last reached the chain
    Column("halted", Text),  # why the indexer stopped for good; NULL while all is well
    Column("trouble", Text),  # why it does not go on for now: two endpoints disagree; NULL while all is well
    Column("without_keys", Boolean, nullable=False, server_default=false()),  # of states: none can be looked up yet
)

# ---------------------------------------------------------------------------------------------- chain: events

transfers = _event(
    "transfers",
    Column("sender", _ADDRESS, nullable=False),
    Column("receiver", _ADDRESS, nullable=False),
    _amount("amount"),
    indexes=(
        Index(None, "sender", "block_number", "log_index"),
        Index(None, "receiver", "block_number", "log_index"),
    ),
)

node_transfers = _event(
    "node_transfers",
    Column("node", _TOKEN_ID, nullable=False),
    Column("sender", _ADDRESS, nullable=False),
    Column("receiver", _ADDRESS, nullable=False),
    indexes=(Index(None, "node", "block_number", "log_index"),),
)


def _payment_event(name: str) -> Table:
    return _event(
        name,
        Column("merchant", BigInteger, nullable=False),
        Column("order_hash", _HASH, nullable=False),
        Column("payer", _ADDRESS, nullable=False),
        Column("program", BigInteger, nullable=False),
        Column("start", Integer, nullable=False),
        _amount("amount"),
        _amount("diverted"),
        _amount("total"),
        indexes=(
            Index(None, "merchant", "order_hash"),
            Index(None, "merchant", "block_number", "log_index"),
            Index(None, "payer", "block_number", "log_index"),
        ),
    )


payments = _payment_event("payments")
refunds = _payment_event("refunds")

issues = _event(
    "issues",
    Column("merchant", BigInteger, nullable=False),
    Column("order_hash", _HASH, nullable=False),
    Column("customer", _ADDRESS, nullable=False),
    Column("program", BigInteger, nullable=False),  # 0: no node
    Column("start", Integer, nullable=False),
    _amount("points"),
    _amount("total"),
    Column("evidence", _HASH, nullable=False),
    indexes=(
        Index(None, "merchant", "order_hash"),
        Index(None, "merchant", "block_number", "log_index"),
        Index(None, "customer", "block_number", "log_index"),
    ),
)

claims = _event(
    "claims",
    Column("node", _TOKEN_ID, nullable=False),
    Column("owner", _ADDRESS, nullable=False),
    Column("receiver", _ADDRESS, nullable=False),
    _amount("amount"),
    Column("claimed_periods", Integer, nullable=False),
    indexes=(
        Index(None, "owner", "block_number", "log_index"),
        Index(None, "node", "block_number", "log_index"),
    ),
)

cancellations = _event(
    "cancellations",
    Column("payer", _ADDRESS, nullable=False),  # what it had signed to be valid before the block's time counts no more
    indexes=(Index(None, "payer", "block_number"),),
)

freezes = _event(
    "freezes",
    Column("account", _ADDRESS, nullable=False),  # sends no points until then
    Column("until", BigInteger, nullable=False),  # unix seconds; 0: the freeze was lifted
    Column("by", _ADDRESS, nullable=False),
    Column("reason", Text, nullable=False),
    indexes=(Index(None, "account", "block_number", "log_index"),),
)

deposits = _event(
    "deposits",
    Column("program", BigInteger, nullable=False),
    Column("sponsor", _ADDRESS, nullable=False),
    _amount("amount"),
    indexes=(Index(None, "program", "block_number"),),
)

# ---------------------------------------------------------------------------------------------- chain: states, by block

programs = Table(
    "programs",
    metadata,
    Column("program", BigInteger, primary_key=True, autoincrement=False),
    _block(nullable=False, index=True),
    Column("funding", String(8), nullable=False),  # EMISSION or FUNDED
    Column("divert_bps", Integer, nullable=False),
    Column("multiplier", Integer, nullable=False),
    Column("periods", Integer, nullable=False),
    Column("period_length", BigInteger, nullable=False),  # seconds
    Column("epoch", BigInteger, nullable=False),  # unix seconds
    Column("growth_numerator", BigInteger, nullable=False),
    Column("growth_denominator", BigInteger, nullable=False),
    _amount("min_payment"),
    _amount("payer_period_cap"),
    _amount("cap"),
    Column("terms_hash", _HASH, nullable=False),
    Column("name", Text, nullable=False),
)

replacements = Table(
    "replacements",
    metadata,
    Column("program", BigInteger, primary_key=True, autoincrement=False),
    _block(nullable=False, index=True),
    Column("replaced_by", BigInteger, nullable=False),
    Column("closes_at", BigInteger, nullable=False),  # unix seconds: `program` takes payments until then
)

balances = _state(
    "balances",
    Column("account", _ADDRESS, nullable=False),
    _amount("amount"),  # after the block; the zero address holds minus the supply, so all balances sum to 0
)

books = _state(
    "books",
    Column("program", BigInteger, nullable=False),
    _amount("diverted"),
    _amount("committed"),
    _amount("released"),
    _amount("reserve"),
)

nodes = _state(
    "nodes",
    Column("node", _TOKEN_ID, nullable=False),
    Column("program", BigInteger, nullable=False),
    Column("start", Integer, nullable=False),
    Column("owner", _ADDRESS, nullable=False),  # the zero address once the node has ended
    _amount("total"),
    _amount("claimed"),
    Column("claimed_periods", Integer, nullable=False),
    Column("beneficiary", _ADDRESS),  # who is paid what it releases; NULL: its owner
    Column("given_until", BigInteger),  # unix seconds: until then whoever has its link may take it; NULL: not given
    indexes=(Index(None, "owner", "node"), Index(None, "beneficiary", "node")),
)

merchants = _state(
    "merchants",
    Column("merchant", BigInteger, nullable=False),
    Column("payout", _ADDRESS, nullable=False),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    _amount("paid_per_day"),
    _amount("issued_per_day"),
    _amount("quota"),  # prepaid points that may still be issued
)

# ---------------------------------------------------------------------------------------------- the gateway's own

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("merchant", BigInteger, nullable=True, index=True),  # NULL: the operator
    Column("name", Text, nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),  # sha256 hex; the secret itself is shown once
    Column("scopes", Text, nullable=False),  # separated by blanks
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

orders = Table(
    "orders",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("merchant", BigInteger, nullable=False),
    Column("reference", String(64), nullable=False),  # the merchant's own
    Column("order_hash", _HASH, nullable=False),  # of id and reference (domain/order): the order on chain
    Column("program", BigInteger, nullable=False),  # that payments in points go through
    Column("points", BigInteger),  # the price in points, NULL when it is to be paid in money only
    Column("money", String(24)),  # decimal text of what is paid at the merchant's own till, NULL when in points only
    Column("currency", String(3)),
    Column("customer", _ADDRESS),
    Column("created_at", BigInteger, nullable=False),  # wall clock, unix seconds
    Column("expires_at", BigInteger),  # chain time: until then its price in points can be paid; NULL: no end
    UniqueConstraint("merchant", "reference"),
    UniqueConstraint("merchant", "order_hash"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", String(36), primary_key=True),  # "merchant 7", "operator" or "public" and a part of the hash
    Column("key", String(255), primary_key=True),
    Column("request_hash", String(64), nullable=False),  # sha256 over method, path and body
    Column("status", Integer),  # NULL while the first request is in flight
    Column("body", Text),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "created_at"),
)

relay_requests = Table(
    "relay_requests",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),  # the order of acceptance
    Column("id", String(36), nullable=False, unique=True),
    Column("kind", String(24), nullable=False),  # payment, refund, issue, claim, register_merchant, add_quota, ...
    Column("lane", String(16), nullable=False),  # which key sends it: relayer, issuer, registrar
    Column("merchant", BigInteger),
    Column("order_hash", _HASH),
    Column("wallet", _ADDRESS),  # requests of one wallet are carried out in the order of acceptance
    Column("payload", Text, nullable=False),  # JSON: the arguments of the contract call
    Column("state", String(8), nullable=False),  # accepted, sent, mined, refused
    Column("not_before", BigInteger, nullable=False),  # chain time at acceptance: never carried out earlier
    Column("accepted_at", BigInteger, nullable=False),  # wall clock, unix seconds
    Column("transaction_id", Integer, ForeignKey("relay_transactions.id"), index=True),
    Column("refusal", Text),  # JSON: the decoded revert
    Column("failures", Integer, nullable=False),  # how often a transaction of it was mined and failed
    Column("promised_gwei", BigInteger, nullable=False, server_default="0"),  # what it may cost, while it is open
    Index(None, "state", "lane", "sequence"),
    Index(None, "merchant", "order_hash"),
    Index(None, "merchant", "state"),
    Index(None, "wallet", "state", "kind", "sequence"),
)

relay_transactions = Table(
    "relay_transactions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sender", _ADDRESS, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("kind", String(24), nullable=False),  # of its requests, or "cancel": a no-op that fills a nonce
    Column("state", String(8), nullable=False),  # sent, mined, dropped (its block is gone), final
    Column("hash", _HASH, nullable=False),  # of the attempt that was mined, or else of the newest
    Column("succeeded", Boolean),  # NULL until mined; also when its nonce was spent by a transaction that is not ours
    Column("block_number", BigInteger),  # where it was last seen mined; not a foreign key: the relayer's own knowledge
    Column("block_hash", _HASH),
    UniqueConstraint("sender", "nonce"),
    Index(None, "state", "sender"),
)

relay_attempts = Table(
    "relay_attempts",
    metadata,
    Column("hash", _HASH, primary_key=True),
    Column("transaction_id", Integer, ForeignKey("relay_transactions.id"), nullable=False, index=True),
    Column("raw", Text, nullable=False),  # the signed bytes, stored before they are broadcast
    Column("max_fee", BigInteger, nullable=False),  # wei per gas
    Column("priority_fee", BigInteger, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("broadcast_at", BigInteger),
)

relay_failures = Table(
    "relay_failures",
    metadata,
    # What a transaction gave back when it was mined and failed, until that is final: a reorg may put its bytes where
    # they succeed.
    Column("transaction_id", Integer, ForeignKey("relay_transactions.id"), primary_key=True, autoincrement=False),
    Column(
        "request",
        Integer,
        ForeignKey("relay_requests.sequence", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    ),
)

relay_lanes = Table(
    "relay_lanes",
    metadata,
    Column("lane", String(16), primary_key=True),  # one row a key: relayer, relayer-2, ..., issuer, registrar, retired
    Column("sender", _ADDRESS, nullable=False),
    Column("trouble", Text),  # why nothing is being sent, and what to do; NULL while all is well
    Column("changed_at", BigInteger, nullable=False),  # wall clock, unix seconds
    Column("gas_price", BigInteger),  # wei per gas, as of its last look at the chain
)

# A merchant's gas, in gwei (10**-9 ETH); merchant 0 is all claims, which no merchant asked for. A day is one of the
# chain's, counted from 1970, and a request counts on the day in which it was accepted.

gas_budgets = Table(
    "gas_budgets",
    metadata,
    Column("merchant", BigInteger, primary_key=True, autoincrement=False),
    Column("gwei", BigInteger, nullable=False),  # a day; without a row the settings' default is meant
)

gas_spent = Table(
    "gas_spent",
    metadata,
    Column("merchant", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("gwei", BigInteger, nullable=False),
)

relay_costs = Table(
    "relay_costs",
    metadata,
    # What a mined transaction added to gas_spent: taken back when its block goes, forgotten when it is final.
    Column("transaction_id", Integer, ForeignKey("relay_transactions.id"), primary_key=True, autoincrement=False),
    Column("merchant", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("gwei", BigInteger, nullable=False),
)

processes = Table(
    "processes",
    metadata,
    Column("id", String(120), primary_key=True),  # role, host and pid
    Column("role", String(16), nullable=False),  # index, relay, serve, ...
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),  # wall clock, unix seconds
    Column("seen_at", BigInteger, nullable=False),  # when it last said that it runs
)

reorgs = Table(
    "reorgs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("seen_at", BigInteger, nullable=False),  # wall clock, unix seconds
    Column("first_block", BigInteger, nullable=False),  # the lowest that was taken back
    Column("depth", Integer, nullable=False),  # how many were
)

# ---------------------------------------------------------------------------------------------- webhooks

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("merchant", BigInteger, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("events", Text),  # the types that it is told of, separated by blanks; NULL: all
    Column("finality", String(5), nullable=False),  # head, safe, final: how final a block must be to be told of
    Column("active", Boolean, nullable=False),
    Column("disabled_reason", Text),  # why it is not active, unless the merchant switched it off
    Column("failing_since", BigInteger),  # wall clock of the first failure since the last success
    Column("secret", Text, nullable=False),  # it signs, so it is kept readable; shown once
    Column("previous_secret", Text),  # signs too until previous_until
    Column("previous_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("block_number", BigInteger, nullable=False),  # all that happened up to this block was told; no foreign key
    Column("block_hash", _HASH),  # NULL: before the first block
    Column("anchor_number", BigInteger, nullable=False),  # a block that was final then: a reorg goes back to it
    Column("anchor_hash", _HASH),
)

webhook_blocks_before = Table(
    "webhook_blocks_before",
    metadata,
    # Blocks above the anchor that were there when the endpoint was made: it is told of nothing in them, even when a
    # reorg sends it back to its anchor. They go when they are final.
    Column("endpoint", String(36), ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), primary_key=True),
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("block_hash", _HASH, nullable=False),
)

webhook_messages = Table(
    "webhook_messages",
    metadata,
    Column("number", _COUNTER, primary_key=True, autoincrement=True),  # the order of their making
    Column("id", String(36), nullable=False, unique=True),
    Column("endpoint", String(36), ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False),
    Column("type", String(32), nullable=False),
    Column("object", String(100), nullable=False),  # an order, a node, ...: its messages are sent one after the other
    Column("sequence", Integer, nullable=False),  # of the object: 1, 2, 3, ...
    Column("payload", Text, nullable=False),  # JSON, as it is sent
    Column("block_number", BigInteger),  # where it happened; no foreign key: the message outlives the block
    Column("block_hash", _HASH),
    Column("log_index", Integer),
    Column("standing", Boolean, nullable=False),  # it tells of a block, and was not taken back
    Column("state", String(9), nullable=False),  # pending, delivered, failed
    Column("tries", Integer, nullable=False),  # of this round: a redelivery begins a new one
    Column("next_attempt_at", BigInteger, nullable=False),  # wall clock, unix seconds
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("endpoint", "object", "sequence"),
    Index(None, "endpoint", "state", "next_attempt_at"),
    Index(None, "endpoint", "standing", "block_number"),
    Index(None, "endpoint", "number"),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("id", _COUNTER, primary_key=True, autoincrement=True),
    Column(
        "message",
        BigInteger,
        ForeignKey("webhook_messages.number", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("started_at", BigInteger, nullable=False),  # wall clock, unix seconds
    Column("duration_ms", Integer, nullable=False),
    Column("status", Integer),  # HTTP; NULL when no answer came
    Column("answer", Text),  # its first 1,024 bytes
    Column("error", Text),  # why no answer came
)

webhook_totals = Table(
    "webhook_totals",
    metadata,
    # One row, or none before the first attempt: what is counted for good, whatever webhooks are deleted.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("attempts", BigInteger, nullable=False),
)

webhook_refusals = Table(
    "webhook_refusals",
    metadata,
    # Refused requests that the webhooks have not told of yet: written with the refusal, deleted with its messages.
    Column("request", String(36), ForeignKey("relay_requests.id"), primary_key=True),
)
