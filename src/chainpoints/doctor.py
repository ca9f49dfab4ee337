"""`chainpoints doctor`: looks at each part in turn and says what is wrong and what to do. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainpoints.chain.chain_state import ChainState
from chainpoints.chain.counters import contract_totals
from chainpoints.chain.manifest import load_manifest
from chainpoints.chain.rpc import Rpc
from chainpoints.config import Settings
from chainpoints.errors import ChainpointsError, RpcError
from chainpoints.store.migrate import newest_revision, stored_revision
from chainpoints.store.relay_transactions import all_lanes
from chainpoints.store.session import Store
from chainpoints.store.status import head, indexed, totals
from chainpoints.types import format_points

_MAKES_IT = "any of run, index, relay, serve brings it to the newest"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is well, and the facts (or what to do)."""

    what: str
    ok: bool
    detail: str

    def as_dict(self) -> dict[str, Any]:
        return {"what": self.what, "ok": self.ok, "detail": self.detail}


def examine(settings: Settings) -> list[Finding]:
    """One finding for each part, in the order in which they depend on each other.

    What cannot be known while an earlier part is wrong is left out, so that one cause is told once.
    """
    rpc, store = Rpc(settings.rpc_url), Store(settings.database)
    try:
        chain = _look("chain", lambda: _chain(settings, rpc))
        findings = [chain]
        if chain.ok:
            findings.append(_look("deployment", lambda: _deployment(settings, rpc)))
        if not store.is_there:
            if chain.ok or not settings.runs_the_chain:
                findings.append(
                    Finding("database", False, "there is none yet; any of run, index, relay, serve makes it")
                )
            return findings
        findings.append(_look("database", lambda: _database(store)))
        if not findings[-1].ok:
            return findings
        findings.append(_look("index", lambda: _index(store, rpc if chain.ok else None)))
        if chain.ok:
            findings.append(_look("books", lambda: _books(settings, store, rpc)))
        findings.append(_look("relay", lambda: _relay(store)))
        return findings
    finally:
        rpc.close()
        store.close()


def _look(what: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except ChainpointsError as error:
        return Finding(what, False, str(error))


def _chain(settings: Settings, rpc: Rpc) -> Finding:
    try:
        chain_id = int(rpc.call("eth_chainId"), 16)
    except RpcError as error:
        if not settings.runs_the_chain or error.code:
            raise
        return Finding(
            "chain", False, f"the local chain is not running at {settings.rpc_url.reveal()}; start `make run`"
        )
    if chain_id != settings.chain.chain_id:
        told = f"the RPC endpoint serves chain {chain_id}, not {settings.chain.chain_id}; correct CHAINPOINTS_RPC_URL"
        return Finding("chain", False, told)
    return Finding("chain", True, f"{settings.chain.name}, block {int(rpc.call('eth_blockNumber'), 16)}")


def _deployment(settings: Settings, rpc: Rpc) -> Finding:
    manifest, chain = load_manifest(settings.manifest), ChainState(rpc)
    wrong = [
        name for name, contract in manifest.contracts.items() if chain.code_hash(contract.address) != contract.code_hash
    ]
    if wrong:
        told = f"the code on chain is not the manifest's for {', '.join(wrong)}; run `chainpoints deploy`"
        return Finding("deployment", False, told)
    return Finding("deployment", True, f"{len(manifest.contracts)} contracts, code as in {settings.manifest}")


def _database(store: Store) -> Finding:
    revision = stored_revision(store)
    if revision != newest_revision():
        told = f"the schema is {revision or 'empty'}, not {newest_revision()}; {_MAKES_IT}"
        return Finding("database", False, told)
    return Finding("database", True, f"{'SQLite' if store.is_sqlite else 'PostgreSQL'}, schema {revision}")


def _index(store: Store, rpc: Rpc | None) -> Finding:
    with store.read() as connection:
        state, at = indexed(connection), head(connection)
    if state.halted:
        return Finding("index", False, state.halted)
    if state.trouble:
        return Finding("index", False, state.trouble)
    if rpc is None:
        return Finding("index", True, f"block {at.number} was read last; final up to {state.final}")
    lag = int(rpc.call("eth_blockNumber"), 16) - at.number
    if lag > 5:
        return Finding("index", False, f"{lag} blocks behind the chain; see that `chainpoints index` runs")
    return Finding("index", True, f"block {at.number}, {max(lag, 0)} behind; final up to {state.final}")


def _books(settings: Settings, store: Store, rpc: Rpc) -> Finding:
    """The store's sums against the contracts' own counters, both at the store's head where the node still has it."""
    manifest = load_manifest(settings.manifest)
    with store.read() as connection:
        at = head(connection)
        sums = totals(connection, at.number)
    stored = {"supply": sums.supply, "claimed": sums.claimed, "committed": sums.committed}
    counted = contract_totals(rpc, manifest, hex(at.number))
    if stored != counted:
        shown = ", ".join(
            f"{name} {format_points(stored[name])} in the store, {format_points(counted[name])} on chain"
            for name in stored
            if stored[name] != counted[name]
        )
        return Finding("books", False, f"{shown}; run `chainpoints rebuild`")
    return Finding("books", True, ", ".join(f"{name} {format_points(amount)}" for name, amount in stored.items()))


def _relay(store: Store) -> Finding:
    """The relayer's lanes: what its keys send from, and why one sends nothing."""
    with store.read() as connection:
        lanes = all_lanes(connection)
    if not lanes:
        return Finding("relay", False, "no relayer has run on this database yet; see that `chainpoints relay` runs")
    troubled = [f"{lane.lane} {lane.sender}: {lane.trouble}" for lane in lanes if lane.trouble]
    well = ", ".join(f"{lane.lane} {lane.sender}" for lane in lanes)
    return Finding("relay", not troubled, "; ".join(troubled) if troubled else f"{well}: nothing stands in their way")
