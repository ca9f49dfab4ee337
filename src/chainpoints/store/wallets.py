"""Balances of points, as of a block."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, func, select

from chainpoints.store import tables
from chainpoints.types import ZERO_ADDRESS

# Statements are made once: putting one together costs more than carrying it out.
_balances = tables.balances.c
_BALANCE = (
    select(_balances.amount)
    .where(_balances.account == bindparam("account"), _balances.block_number <= bindparam("at"))
    .order_by(_balances.block_number.desc())
    .limit(1)
)
_newest = tables.balances.alias("newest")
_BALANCES = select(_balances.account, _balances.amount).where(
    _balances.account.in_(bindparam("accounts", expanding=True)),
    _balances.block_number
    == select(func.max(_newest.c.block_number))
    .where(_newest.c.account == _balances.account, _newest.c.block_number <= bindparam("at"))
    .scalar_subquery(),
)
_cancellations = tables.cancellations.c
_CANCELLED_AT = (
    select(func.max(tables.blocks.c.timestamp))
    .join(tables.cancellations, _cancellations.block_number == tables.blocks.c.number)
    .where(_cancellations.payer == bindparam("account"), _cancellations.block_number <= bindparam("at"))
)


def balance(connection: Connection, account: str, at: int) -> int:
    """Base units that `account` held after block `at`."""
    return connection.scalar(_BALANCE, {"account": account, "at": at}) or 0


def balances(connection: Connection, accounts: Sequence[str], at: int) -> dict[str, int]:
    """As `balance`, of many accounts; those that never held any are left out."""
    found = connection.execute(_BALANCES, {"accounts": list(accounts), "at": at})
    return {account: amount for account, amount in found}


def payments_cancelled_at(connection: Connection, account: str, at: int) -> int:
    """When `account` last took its signed payments back, up to block `at`, in unix seconds; 0 for never."""
    return connection.scalar(_CANCELLED_AT, {"account": account, "at": at}) or 0


def supply(connection: Connection, at: int) -> int:
    """All points there were after block `at`: the zero address, from which they are minted, holds minus that."""
    return -balance(connection, ZERO_ADDRESS, at)


def example_wallets(connection: Connection, at: int, limit: int) -> list[str]:
    """Some wallets that were paid out released points lately, newest first."""
    t = tables.claims.c
    newest_first = select(t.owner).order_by(t.block_number.desc(), t.log_index.desc())
    recent = newest_first.where(t.block_number <= at).limit(50 * limit)
    return list(dict.fromkeys(connection.scalars(recent)))[:limit]
