"""What a merchant's relayed requests may cost in a day (store/gas): looked at before one is accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chainpoints.api.deps import Gateway, View
from chainpoints.config import GWEI_IN_ETHER
from chainpoints.errors import RequestRefused
from chainpoints.store import Connection, gas
from chainpoints.store.gas import NO_MERCHANT, WEI_IN_GWEI
from chainpoints.types import DAY_SECONDS

BY_CODE_GAS = 550_000
"""What is reckoned for a signature that only a contract can check: as much as the relayer lets it take."""

_EXPECTED_GAS = {"payment": 125_000, "refund": 120_000, "issue": 95_000, "claim": 45_000}
_EXPECTED_GAS |= {"transfer": 70_000, "permit": 65_000, "permit_claim": 85_000, "take": 100_000, "take_back": 50_000}
_CLAIMED_NODE_GAS = 9_000
"""Of requests that go alone, as benchmarks/gas measures them; in a batch they take less."""


@dataclass(frozen=True, slots=True)
class Day:
    """A merchant's budget, and its day so far, in gwei. `budget` None: no limit. It is free again at `ends_at`."""

    budget: int | None
    is_default: bool
    spent: int
    promised: int
    ends_at: int

    @property
    def left(self) -> int | None:
        return None if self.budget is None else max(0, self.budget - self.spent - self.promised)


def day_of(gateway: Gateway, view: View, merchant: int) -> Day:
    """The present day of chain time."""
    own, used = gas.budget(view.connection, merchant), gas.usage(view.connection, merchant, view.now)
    budget = gateway.settings.gas_budget_gwei if own is None else own
    ends_at = (view.now // DAY_SECONDS + 1) * DAY_SECONDS
    return Day(budget, own is None, used.spent, used.promised, ends_at)


def promised(
    gateway: Gateway, view: View, kind: str, merchant: int | None, *, by_code: bool = False, nodes: int = 0
) -> int:
    """Gwei that a request of this kind is expected to cost now.

    Raises RequestRefused (422) when what is left of the day's budget does not cover it.
    """
    account = NO_MERCHANT if merchant is None else merchant
    units = BY_CODE_GAS if by_code else _EXPECTED_GAS[kind] + _CLAIMED_NODE_GAS * nodes
    price, _ = view.read(_price_and_budget, account)
    expected = -(-units * price // WEI_IN_GWEI)
    if not _has_budget(gateway, view, account):
        return expected
    hold_budgets(gateway, view, [account])
    day = day_of(gateway, view, account)
    if day.left is None or day.left >= expected:
        return expected
    whose = f"merchant {merchant}" if merchant is not None else "what wallets ask for"
    detail = (
        f"the gas that {whose} may cost a day is used up: {ether(day.spent)} of {ether(day.budget or 0)} ETH are spent "
        f"and {ether(day.promised)} promised to what is on its way; it is free again at {day.ends_at}. The operator "
        "sets the budget"
    )
    raise RequestRefused(
        422,
        "gas-budget-exhausted",
        detail,
        budget=ether(day.budget or 0),
        spent=ether(day.spent),
        promised=ether(day.promised),
        needed=ether(expected),
        free_at=day.ends_at,
        chain_time=view.now,
    )


def hold_budgets(gateway: Gateway, view: View, accounts: Iterable[int]) -> None:
    """So that two at once do not both take the last of one. Who is going to ask `promised` of several holds them all
    before."""
    limited = [f"gas {account}" for account in accounts if _has_budget(gateway, view, account)]
    gateway.store.hold(view.connection, *limited)


def _has_budget(gateway: Gateway, view: View, account: int) -> bool:
    return gateway.settings.gas_budget_gwei is not None or view.read(_price_and_budget, account)[1] is not None


def _price_and_budget(connection: Connection, account: int, _at: int) -> tuple[int, int | None]:
    return gas.price_and_budget(connection, account)


def ether(gwei: int) -> str:
    """Decimal text of ETH, always 9 decimals."""
    return f"{gwei // GWEI_IN_ETHER}.{gwei % GWEI_IN_ETHER:09d}"
