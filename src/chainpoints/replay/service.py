"""`chainpoints replay`: sends every purchase of the sample through the public API, day by day as the dates pass.

Killed and started again it goes on with the day that the chain is at. What it needs of the gateway is the HTTP API
alone; the one thing it asks of the local chain directly is to let time pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from chainpoints.chain.local import advance_time
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.rpc import Rpc
from chainpoints.errors import ChainpointsError
from chainpoints.replay.client import ApiClient, require_gateway
from chainpoints.replay.days import Day
from chainpoints.replay.merchants import close_tills, open_tills
from chainpoints.replay.purchases import Purchase, by_day, day_start
from chainpoints.types import DAY_SECONDS

POINTS_PER_DOLLAR = 10
_PATIENCE_SECONDS = 120.0
_STILL_SECONDS = 20.0
"""A day whose requests have not moved for so long is left, if requests of later days may be what they wait for."""

Progress = Callable[[int, int, str], None]
"""Told the purchases done, all purchases, and a line about where the replay is."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the replay finds the gateway and (for the passing of time only) the local chain."""

    base_url: str
    operator_key: str
    chain: Rpc


def replay(endpoints: Endpoints, manifest: Manifest, purchases: list[Purchase], progress: Progress) -> None:
    """Sends the purchases. Raises ChainpointsError when the gateway stops answering.

    Raises ConfigError, before any key is sent, when what answers is no gateway of the manifest's chain.
    """
    require_gateway(endpoints.base_url, f"eip155:{manifest.chain_id}")
    operator, public = ApiClient(endpoints.base_url, endpoints.operator_key), ApiClient(endpoints.base_url)
    clock = Clock(endpoints.chain, operator)
    try:
        tills = open_tills(operator, endpoints.base_url, clock.let_pass)
        day_of_chain = clock.today()
        known = {purchase.customer for purchase in purchases if purchase.day < day_of_chain}
        done = sum(purchase.day < day_of_chain for purchase in purchases)
        day = Day(manifest, public, tills, POINTS_PER_DOLLAR)
        for when, todays in by_day([purchase for purchase in purchases if purchase.day >= day_of_chain]):
            clock.go_to(when)
            day.settle(day.order(todays, known))
            clock.wait_until_settled(when)
            known |= {purchase.customer for purchase in todays}
            done += len(todays)
            progress(done, len(purchases), f"{when:%d %b %Y}")
        close_tills(operator, tills)
    finally:
        operator.close()
        public.close()


class Clock:
    """Lets the local chain's time pass, and waits for the gateway to follow."""

    def __init__(self, chain: Rpc, operator: ApiClient) -> None:
        self._chain, self._operator = chain, operator

    def today(self) -> date:
        """The day that the chain is at, once the gateway has read the chain to its head."""
        timestamp = self._wait_for_head()
        return datetime.fromtimestamp(timestamp, UTC).date()

    def go_to(self, day: date) -> None:
        """Moves the chain to the beginning of `day`; does nothing when it is there already."""
        advance_time(self._chain, day_start(day))
        self._wait_for_head()

    def wait_until_settled(self, day: date) -> None:
        """Returns when no request of `day` or before is open and the gateway has read the chain to its head.

        Requests of later days may be open: the local chain lost those days when it was killed, and they come again.
        What was asked for since waits behind them, as a key sends in one order; so it does not hold the replay up.
        """
        moved_at, before, rounds = time.monotonic(), 0, 0
        while (left := self._open_requests(due_by=str(day_start(day) + DAY_SECONDS - 1))) > 0:
            if left != before:
                moved_at, before = time.monotonic(), left
            still = time.monotonic() - moved_at
            if still > _STILL_SECONDS and self._open_requests() > left:
                break
            if still > _PATIENCE_SECONDS:
                raise ChainpointsError(
                    f"{left} relay requests did not move for {_PATIENCE_SECONDS:.0f} s; see the relayer's log"
                )
            rounds += 1
            if rounds % 100 == 0:
                self.let_pass()
            time.sleep(0.02)
        self._wait_for_head()

    def let_pass(self) -> None:
        """A minute passes within the day: requests wait for the time at which they were accepted, and the local chain
        may have lost that with its last blocks."""
        head = self._head()
        end_of_day = (head["timestamp"] // DAY_SECONDS + 1) * DAY_SECONDS - 1
        advance_time(self._chain, min(head["timestamp"] + 60, end_of_day))
        time.sleep(0.05)

    def _open_requests(self, **query: str) -> int:
        return int(self._operator.get("/v1/status", **query)["open_requests"])

    def _head(self) -> dict[str, int]:
        block = self._chain.call("eth_getBlockByNumber", "latest", False)
        return {"number": int(block["number"], 16), "timestamp": int(block["timestamp"], 16)}

    def _wait_for_head(self) -> int:
        head = self._chain.call("eth_getBlockByNumber", "latest", False)
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while True:
            read_at: dict[str, Any] = self._operator.get("/v1/status")["read_at"]
            if read_at["hash"] == head["hash"]:
                return int(read_at["timestamp"])
            if time.monotonic() > give_up_at:
                raise ChainpointsError(
                    f"the gateway did not read block {int(head['number'], 16)} in {_PATIENCE_SECONDS:.0f} s; "
                    "look at the indexer's log"
                )
            time.sleep(0.01)
            head = self._chain.call("eth_getBlockByNumber", "latest", False)
