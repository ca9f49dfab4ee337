"""What a transaction offers (EIP-1559, wei per gas): the first offer, and the higher one that replaces it."""

from __future__ import annotations

from dataclasses import dataclass

from chainpoints.config import Chain

GWEI = 10**9
_BUMP_PER_MILLE = 1125
"""A replacement offers 12.5% more. Nodes ask for 10% more of both fees before they take one."""


@dataclass(frozen=True, slots=True)
class Fees:
    """At most `max_fee` is paid, of which `priority_fee` goes to the block's builder."""

    max_fee: int
    priority_fee: int


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """`cap`: the most that is ever offered. What is not mined after `replace_after_seconds` is replaced."""

    cap: int
    lowest_priority_fee: int
    replace_after_seconds: float


_LOCAL = FeePolicy(cap=10_000 * GWEI, lowest_priority_fee=GWEI, replace_after_seconds=3)
_PUBLIC = FeePolicy(cap=300 * GWEI, lowest_priority_fee=GWEI // 1000, replace_after_seconds=12)


def policy_of(chain: Chain) -> FeePolicy:
    """The policy of a chain."""
    return _LOCAL if chain.is_local else _PUBLIC


def first_fees(base_fee: int, priority_fee: int, policy: FeePolicy) -> Fees | None:
    """Twice the base fee, so that five full blocks in a row do not outgrow it; None when the cap is too low."""
    priority = max(priority_fee, policy.lowest_priority_fee)
    if base_fee + priority > policy.cap:
        return None
    return Fees(min(2 * base_fee + priority, policy.cap), priority)


def bumped_fees(previous: Fees, base_fee: int, priority_fee: int, policy: FeePolicy) -> Fees | None:
    """12.5% more than the previous offer, or the present first offer if that is more; None when the cap forbids it."""
    priority = max(_bump(previous.priority_fee), priority_fee, policy.lowest_priority_fee)
    max_fee = max(_bump(previous.max_fee), priority)
    if max_fee > policy.cap:
        return None
    return Fees(max(max_fee, min(2 * base_fee + priority, policy.cap)), priority)


def _bump(fee: int) -> int:
    """Rounded up, and by at least 1, so that a small fee rises too."""
    return max(fee + 1, -(-fee * _BUMP_PER_MILLE // 1000))
