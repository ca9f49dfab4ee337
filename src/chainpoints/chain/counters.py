"""What the contracts say of themselves, by plain calls: the counters that sums over rows must come to, and roles."""

from __future__ import annotations

from typing import Any

from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import load_artifacts
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.plan import ROLES
from chainpoints.chain.rpc import Rpc
from chainpoints.types import Address


def contract_totals(rpc: Rpc, manifest: Manifest, block: str = "latest") -> dict[str, int]:
    """Supply and the sums over all programs' books, in base units, by plain contract calls at `block`."""
    calls = Calls(manifest, load_artifacts())

    def ask(contract: str, function: str, *arguments: Any) -> Any:
        return _ask(rpc, calls, block, contract, function, *arguments)[0]

    programs = range(1, ask("Programs", "programCount") + 1)
    books = [ask("ReleaseNode", "books", program) for program in programs]
    return {
        "supply": ask("PointsToken", "totalSupply"),
        "claimed": sum(released for _, _, released, _ in books),
        "committed": sum(committed for _, committed, _, _ in books),
    }


def has_role(rpc: Rpc, manifest: Manifest, role: str, account: Address) -> bool:
    """Whether the account holds a role, named as in the plan. What needs no role (the relayer) everybody holds."""
    ids = {each.name: each.id for each in ROLES}
    if role not in ids:
        return True
    member, _delay = _ask(
        rpc, Calls(manifest, load_artifacts()), "latest", "AccessManager", "hasRole", ids[role], account
    )
    return bool(member)


def _ask(rpc: Rpc, calls: Calls, block: str, contract: str, function: str, *arguments: Any) -> tuple[Any, ...]:
    to, data = calls.encode(contract, function, arguments)
    return calls.decode(contract, function, rpc.call("eth_call", {"to": to, "data": data}, block))
