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


def report(endpoints: Endpoints, manifest: Manifest, purchases: list[Purchase]) -> dict[str, Any]:
    """Totals as a flat dict. Raises ChainpointsError when a purchase was lost or the contracts' own figures differ."""
    operator = ApiClient(endpoints.base_url, endpoints.operator_key)
    try:
        totals = operator.get("/v1/totals")
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
        "chain_agrees": True,
        "read_at": totals["read_at"],
    }
