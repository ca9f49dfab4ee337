"""What a transaction offers (EIP-1559, wei per gas): the first offer, and the higher one that replaces it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chainpoints.config import Settings

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


MOST_WEI = 10**18
"""What one transaction may offer in all: by default nodes take none that offers more (geth's --rpc.txfeecap)."""

_GENEROUS = 8
"""Who offers so many times what the market asks does not wait for want of fees."""

_LOWEST_LOCAL, _LOWEST = GWEI, GWEI // 1000


def within(policy: FeePolicy, gas: int) -> FeePolicy:
    """The policy for a transaction of so much gas, which may not offer more than `MOST_WEI` in all."""
    return replace(policy, cap=min(policy.cap, MOST_WEI // gas))


def policy_of(settings: Settings) -> FeePolicy:
    """The policy of a chain, under the operator's cap."""
    cap = settings.max_fee_gwei * GWEI
    if settings.chain.is_local:
        return FeePolicy(cap, _LOWEST_LOCAL, replace_after_seconds=3)
    return FeePolicy(cap, _LOWEST, replace_after_seconds=12)


def first_fees(base_fee: int, priority_fee: int, policy: FeePolicy) -> Fees | None:
    """Twice the base fee, so that five full blocks in a row do not outgrow it; None when the cap is too low."""
    priority = _priority(base_fee, priority_fee, policy)
    if base_fee + priority > policy.cap:
        return None
    return Fees(min(2 * base_fee + priority, policy.cap), priority)


def bumped_fees(previous: Fees, base_fee: int, priority_fee: int, policy: FeePolicy) -> Fees | None:
    """12.5% more than the previous offer, or the present first offer if that is more.

    None when the cap forbids it, or when the previous offer was generous: what is not mined then does not wait for
    fees, and bumping it on and on would only make it dear.
    """
    asked = _priority(base_fee, priority_fee, policy)
    if previous.priority_fee >= _GENEROUS * asked and previous.max_fee >= _GENEROUS * (2 * base_fee + asked):
        return None
    bumped = outbidding(previous)
    priority = max(bumped.priority_fee, asked)
    max_fee = max(bumped.max_fee, priority)
    if max_fee > policy.cap:
        return None
    return Fees(max(max_fee, min(2 * base_fee + priority, policy.cap)), priority)


def outbidding(previous: Fees) -> Fees:
    """12.5% more of both."""
    return Fees(_bump(previous.max_fee), _bump(previous.priority_fee))


def _priority(base_fee: int, priority_fee: int, policy: FeePolicy) -> int:
    """What the node suggests, as far as the cap has room for it beside the base fee, and no less than the floor."""
    return max(min(priority_fee, policy.cap - base_fee), policy.lowest_priority_fee)


def _bump(fee: int) -> int:
    """Rounded up, and by at least 1, so that a small fee rises too."""
    return max(fee + 1, -(-fee * _BUMP_PER_MILLE // 1000))
