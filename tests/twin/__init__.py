"""The contracts as plain Python, correct before fast: what every call must do, and with which error it must refuse.

Amounts are base units, times unix seconds. A call that is refused changes nothing. Names of errors are Solidity's.
"""

from twin.merchants import Merchant
from twin.nodes import Node
from twin.orders import Authorization, Issue, Payment, Reserve
from twin.payments import Twin
from twin.points import PERSON_LIMIT
from twin.state import DAY, Contracts, Refused

__all__ = [
    "DAY",
    "PERSON_LIMIT",
    "Authorization",
    "Contracts",
    "Issue",
    "Merchant",
    "Node",
    "Payment",
    "Refused",
    "Reserve",
    "Twin",
]
