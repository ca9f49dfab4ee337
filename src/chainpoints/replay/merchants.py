"""The two example merchants: registered, given quota and a reserve through the public API, once."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainpoints.chain.signer import Signer, local_key
from chainpoints.errors import ChainpointsError
from chainpoints.replay.client import ApiClient
from chainpoints.types import ONE_POINT, Address, Points, format_points

FEC, INSTALMENTS = 1, 2
"""The ids of the two programs that the deployment opens."""

_ONE_PERSON = Points(100_000 * ONE_POINT)
"""The most that is issued without a second person's approval (PaymentProcessor.approvalThreshold at first)."""


@dataclass(frozen=True, slots=True)
class ExampleMerchant:
    """`program` is what its payments in points go through; `node_percent` of what it issues is released over time."""

    name: str
    program: int
    quota: Points
    per_day: Points
    reserve: Points
    node_percent: int

    @property
    def payout(self) -> Address:
        return Signer(local_key(f"merchant {self.name}")).address


MERCHANTS = (
    ExampleMerchant("Downtown Records", FEC, Points(2_000_000 * ONE_POINT), Points(100_000 * ONE_POINT), Points(0), 0),
    ExampleMerchant(
        "Harbour Music",
        INSTALMENTS,
        Points(2_000_000 * ONE_POINT),
        Points(100_000 * ONE_POINT),
        Points(200_000 * ONE_POINT),
        50,
    ),
)


@dataclass(frozen=True, slots=True)
class Till:
    """A registered merchant with an API client that holds its key."""

    merchant: ExampleMerchant
    id: int
    api: ApiClient
    key_id: str


def open_tills(operator: ApiClient, base_url: str, wait: Callable[[], None]) -> list[Till]:
    """Registers the merchants where that is still to be done; each gets a new API key. `wait` lets chain time pass."""
    tills = []
    for merchant in MERCHANTS:
        name = merchant.name.lower().replace(" ", "-")
        made = operator.post(
            "/v1/merchants",
            f"replay-{name}",
            {
                "name": merchant.name,
                "payout": merchant.payout,
                "paid_per_day": format_points(merchant.per_day),
                "issued_per_day": format_points(merchant.quota),
            },
        )
        merchant_id = int(made["merchant"])
        _wait_until_mined(operator, made["request"], wait)
        body: dict[str, Any] = {
            "amount": format_points(merchant.quota),
            "evidence": f"quota of {merchant.name}",
        }
        _wait_until_mined(
            operator, operator.post(f"/v1/merchants/{merchant_id}/quota", f"replay-quota-{name}", body), wait
        )
        for number, left in enumerate(range(merchant.reserve, 0, -_ONE_PERSON), start=1):
            body = {
                "program": merchant.program,
                "amount": format_points(min(left, _ONE_PERSON)),
                "reference": f"reserve-{name}-{number}",
                "evidence": f"reserve {number} of {merchant.name}",
            }
            path = f"/v1/merchants/{merchant_id}/reserve"
            _wait_until_mined(operator, operator.post(path, f"replay-reserve-{name}-{number}", body), wait)
        tills.append(_open_till(operator, base_url, merchant, merchant_id))
    return tills


def close_tills(operator: ApiClient, tills: list[Till]) -> None:
    """Revokes the keys: each replay makes its own."""
    for till in tills:
        till.api.close()
        operator.delete(f"/v1/merchants/{till.id}/keys/{till.key_id}")


def _open_till(operator: ApiClient, base_url: str, merchant: ExampleMerchant, merchant_id: int) -> Till:
    scopes = ["orders:read", "orders:write", "issues:write"]
    body = {"name": "replay", "scopes": scopes}
    made = operator.post(f"/v1/merchants/{merchant_id}/keys", f"replay-{secrets.token_hex(8)}", body)
    return Till(merchant, merchant_id, ApiClient(base_url, made["secret"]), made["id"])


def _wait_until_mined(operator: ApiClient, request: dict[str, Any], wait: Callable[[], None]) -> None:
    give_up_at = time.monotonic() + 60
    while True:
        state = operator.get(f"/v1/requests/{request['id']}")
        if state["state"] == "mined":
            return
        if state["state"] == "refused":
            raise ChainpointsError(f"the chain refused {state['kind']}: {state['refusal']}")
        if time.monotonic() > give_up_at:
            raise ChainpointsError(f"the {state['kind']} request {request['id']} was not carried out within a minute")
        wait()
