"""The contracts' own counters, by plain calls: what every sum over rows must come to."""

from __future__ import annotations

from typing import Any

from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import load_artifacts
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.rpc import Rpc


def contract_totals(rpc: Rpc, manifest: Manifest, block: str = "latest") -> dict[str, int]:
    """Supply and the sums over all programs' books, in base units, by plain contract calls at `block`."""
    calls = Calls(manifest, load_artifacts())

    def ask(contract: str, function: str, *arguments: Any) -> Any:
        to, data = calls.encode(contract, function, arguments)
        return calls.decode(contract, function, rpc.call("eth_call", {"to": to, "data": data}, block))[0]

    programs = range(1, ask("Programs", "programCount") + 1)
    books = [ask("ReleaseNode", "books", program) for program in programs]
    return {
        "supply": ask("PointsToken", "totalSupply"),
        "claimed": sum(released for _, _, released, _ in books),
        "committed": sum(committed for _, committed, _, _ in books),
    }
