"""Balances of points, as of a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    select(_cancellations.payer, func.max(tables.blocks.c.timestamp))
    .join(tables.blocks, _cancellations.block_number == tables.blocks.c.number)
    .where(
        _cancellations.payer.in_(bindparam("accounts", expanding=True)), _cancellations.block_number <= bindparam("at")
    )
    .group_by(_cancellations.payer)
)
_freezes = tables.freezes.c
_FREEZES = (
    select(_freezes.account, _freezes.until, _freezes.by, _freezes.reason)
    .where(_freezes.account.in_(bindparam("accounts", expanding=True)), _freezes.block_number <= bindparam("at"))
    .order_by(_freezes.block_number, _freezes.log_index)
)


_REASON_SHOWN = 500
"""Characters: the chain sets no limit."""

UNTIL_LIFTED = 2**40 - 1
"""The `until` of a freeze that has no end of its own (PointsToken.confirmFreeze)."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """An account that sends no points before `until` (unix seconds), by whom, and why."""

    until: int
    by: str
    reason: str

    @property
    def ends_at(self) -> int | None:
        """None: it ends when it is lifted."""
        return None if self.until == UNTIL_LIFTED else self.until


def balance(connection: Connection, account: str, at: int) -> int:
    """Base units that `account` held after block `at`."""
    return connection.scalar(_BALANCE, {"account": account, "at": at}) or 0


def balances(connection: Connection, accounts: Sequence[str], at: int) -> dict[str, int]:
    """As `balance`, of many accounts; those that never held any are left out."""
    found = connection.execute(_BALANCES, {"accounts": list(accounts), "at": at})
    return {account: amount for account, amount in found}


def cancelled_at(connection: Connection, accounts: Sequence[str], at: int) -> dict[str, int]:
    """When an account last took its signed payments back (unix seconds), of those that ever did up to block `at`."""
    found = connection.execute(_CANCELLED_AT, {"accounts": list(accounts), "at": at})
    return {account: timestamp for account, timestamp in found}


def freezes(connection: Connection, accounts: Sequence[str], at: int, now: int) -> dict[str, Freeze]:
    """Of those accounts that are frozen at the time `now` of block `at`."""
    changes = connection.execute(_FREEZES, {"accounts": list(accounts), "at": at})
    newest = {account: Freeze(until, by, reason[:_REASON_SHOWN]) for account, until, by, reason in changes}
    return {account: freeze for account, freeze in newest.items() if freeze.until > now}


def supply(connection: Connection, at: int) -> int:
    """All points there were after block `at`: the zero address, from which they are minted, holds minus that."""
    return -balance(connection, ZERO_ADDRESS, at)


def example_wallets(connection: Connection, at: int, limit: int) -> list[str]:
    """Some wallets that were paid out released points lately, newest first."""
    t = tables.claims.c
    newest_first = select(t.owner).order_by(t.block_number.desc(), t.log_index.desc())
    recent = newest_first.where(t.block_number <= at).limit(50 * limit)
    return list(dict.fromkeys(connection.scalars(recent)))[:limit]
