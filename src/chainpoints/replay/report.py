"""What a replay came to: the API's totals, and the same figures asked of the contracts directly."""

from __future__ import annotations

from typing import Any

from chainpoints.chain.counters import contract_totals
from chainpoints.chain.manifest import Manifest
from chainpoints.errors import ChainpointsError
from chainpoints.replay.client import ApiClient
from chainpoints.replay.purchases import Purchase
from chainpoints.replay.service import Endpoints
from chainpoints.types import format_points

NOTE = (
    "The counts and sums are of the whole chain, whoever made them. What the rules refused was to be refused: a "
    "program and a merchant take only so much of one person in a period or a day."
)
"""For people who read the report."""


def report(endpoints: Endpoints, manifest: Manifest, purchases: list[Purchase], seconds: float) -> dict[str, Any]:
    """Totals as a flat dict, with the `seconds` that the replay took, and the page of a customer who claimed lately.

    Raises ChainpointsError when a purchase was lost or the contracts' own figures differ.
    """
    operator = ApiClient(endpoints.base_url, endpoints.operator_key)
    try:
        totals, claims = operator.get("/v1/totals"), operator.get("/v1/claims", limit="1")["items"]
    finally:
        operator.close()
    refusals = totals["refusals"]
    api = {name: totals[name] for name in ("supply", "claimed", "committed")}
    counted = {name: format_points(sum_) for name, sum_ in contract_totals(endpoints.chain, manifest).items()}
    done = totals["payments"] + totals["issues"]
    at_the_till = sum(purchase.cents == 0 for purchase in purchases)
    unaccounted = len(purchases) - done - sum(refusals.values()) - at_the_till
    if unaccounted > 0 or api != counted:  # below 0: others use the gateway too
        raise ChainpointsError(
            f"the books disagree: {unaccounted} purchases unaccounted for; the API says {api}, the chain {counted}: "
            "run `chainpoints doctor`"
        )
    return {
        "purchases": len(purchases),
        "paid_in_points": totals["payments"],
        "issued_for_money": totals["issues"],
        "refused_by_the_rules": refusals,
        "refused_at_the_till": at_the_till,
        "nodes": totals["nodes"],
        "claims": totals["claims"],
        **{name: totals[name] for name in ("paid", "refunded", "issued", "diverted")},
        **api,
        "contracts_say": counted,
        "chain_agrees": api == counted,
        "seconds": round(seconds, 1),
        "wallet_page": f"{endpoints.base_url}/wallet/{claims[0]['owner']}" if claims else None,
        "read_at": totals["read_at"],
    }
