"""What requests cost, in gwei (10**-9 ETH), by merchant and day of chain time; and what a merchant may cost.

What was spent is booked in the transaction that says that something was mined, and taken back in the one that says that
its block is gone, so a crash or a reorg leaves no difference. A request counts on the day in which it was accepted.
What failed on chain counts too; what a transaction costs is shared among its requests alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, text, update

from chainpoints.store.relay import OPEN
from chainpoints.store.tables import gas_budgets, gas_spent, relay_costs, relay_failures, relay_lanes
from chainpoints.store.tables import relay_requests as requests
from chainpoints.types import DAY_SECONDS

NO_MERCHANT = 0
"""The account of what no merchant asked for: all claims together."""

WEI_IN_GWEI = 10**9

_ADD = text(
    "INSERT INTO gas_spent (merchant, day, gwei) VALUES (:merchant, :day, :gwei) "
    "ON CONFLICT (merchant, day) DO UPDATE SET gwei = gas_spent.gwei + excluded.gwei"
)
_SPENT = select(gas_spent.c.gwei).where(
    gas_spent.c.merchant == bindparam("merchant"), gas_spent.c.day == bindparam("day")
)
_OF_A_DAY = (requests.c.not_before >= bindparam("since")) & (requests.c.not_before < bindparam("until"))
_PROMISED = select(func.coalesce(func.sum(requests.c.promised_gwei), 0)).where(requests.c.state.in_(OPEN), _OF_A_DAY)
_PROMISED_TO = _PROMISED.where(requests.c.merchant == bindparam("merchant"))
_PROMISED_TO_NOBODY = _PROMISED.where(requests.c.merchant.is_(None))
_BUDGET = select(gas_budgets.c.gwei).where(gas_budgets.c.merchant == bindparam("merchant"))
_PRICE = select(func.max(relay_lanes.c.gas_price))
_PRICE_AND_BUDGET = select(_PRICE.scalar_subquery(), _BUDGET.scalar_subquery())


@dataclass(frozen=True, slots=True)
class Usage:
    """A merchant's day so far, in gwei: what mined transactions cost, and what open requests are expected to."""

    spent: int
    promised: int


def usage(connection: Connection, merchant: int, now: int) -> Usage:
    """Of the day of chain time `now`."""
    day = now // DAY_SECONDS
    times = {"since": day * DAY_SECONDS, "until": (day + 1) * DAY_SECONDS}
    if merchant == NO_MERCHANT:
        promised = connection.execute(_PROMISED_TO_NOBODY, times).scalar_one()
    else:
        promised = connection.execute(_PROMISED_TO, times | {"merchant": merchant}).scalar_one()
    spent = connection.scalar(_SPENT, {"merchant": merchant, "day": day}) or 0
    return Usage(int(spent), int(promised))


def budget(connection: Connection, merchant: int) -> int | None:
    """Gwei a day that the operator allows this merchant; None: nothing was set for it."""
    gwei: int | None = connection.scalar(_BUDGET, {"merchant": merchant})
    return gwei


def set_budget(connection: Connection, merchant: int, gwei: int | None) -> None:
    """None: as if none had ever been set."""
    connection.execute(delete(gas_budgets).where(gas_budgets.c.merchant == merchant))
    if gwei is not None:
        connection.execute(insert(gas_budgets).values(merchant=merchant, gwei=gwei))


def price_and_budget(connection: Connection, merchant: int) -> tuple[int, int | None]:
    """Wei per gas, as the relayer saw it last (0 before there was one), and the merchant's `budget`."""
    price, gwei = connection.execute(_PRICE_AND_BUDGET, {"merchant": merchant}).one()
    return price or 0, gwei


def set_price(connection: Connection, lane: str, wei: int) -> None:
    connection.execute(update(relay_lanes).where(relay_lanes.c.lane == lane).values(gas_price=wei))


def book(connection: Connection, transaction_id: int, wei: int) -> None:
    """Shares what a mined transaction cost among its requests, those that it gave back too, instead of what was booked
    for it before.

    Each merchant's share is rounded up to a gwei. What carries no request is nobody's.
    """
    take_back(connection, transaction_id)
    # Its day by whole seconds, so that both databases divide alike.
    day = (requests.c.not_before - requests.c.not_before % DAY_SECONDS).label("begins")
    merchant = case((requests.c.merchant.is_(None), NO_MERCHANT), else_=requests.c.merchant).label("account")
    given_back = select(relay_failures.c.request).where(relay_failures.c.transaction_id == transaction_id)
    it_has = select(requests.c.sequence).where(requests.c.transaction_id == transaction_id)
    carried = select(merchant, day, func.count()).where(requests.c.sequence.in_(it_has.union(given_back)))
    shares = list(connection.execute(carried.group_by(merchant, day)))
    items = sum(count for _, _, count in shares)
    rows = [
        {
            "transaction_id": transaction_id,
            "merchant": account,
            "day": begins // DAY_SECONDS,
            "gwei": -(-wei * count // (items * WEI_IN_GWEI)),
        }
        for account, begins, count in sorted(shares)  # in one order, so that no two writers wait for each other
    ]
    if rows:
        connection.execute(insert(relay_costs), rows)
        connection.execute(_ADD, rows)


def take_back(connection: Connection, transaction_id: int) -> None:
    """The block that it was mined in is gone: it cost nothing."""
    of_it = relay_costs.c.transaction_id == transaction_id
    booked = connection.execute(select(relay_costs).where(of_it).order_by(relay_costs.c.merchant, relay_costs.c.day))
    rows = [{"merchant": row.merchant, "day": row.day, "gwei": -row.gwei} for row in booked]
    if rows:
        connection.execute(_ADD, rows)
        connection.execute(delete(relay_costs).where(of_it))
