"""`chainpoints doctor`: looks at each part in turn and says what is wrong and what to do. Changes nothing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import urllib3
from websockets.exceptions import WebSocketException

from chainpoints.chain.chain_state import ChainState
from chainpoints.chain.counters import contract_totals, has_role
from chainpoints.chain.heads import subscribed
from chainpoints.chain.manifest import load_manifest
from chainpoints.chain.remote_signer import RemoteSigner
from chainpoints.chain.rpc import Rpc
from chainpoints.chain.signer import keystore_path, load_signer, relayer_keys, role_address
from chainpoints.config import Secret, Settings
from chainpoints.errors import ChainpointsError, RpcError
from chainpoints.store.migrate import newest_revision, stored_revision
from chainpoints.store.processes import ROLES, processes_seen
from chainpoints.store.relay_transactions import all_lanes
from chainpoints.store.session import Store
from chainpoints.store.status import head, indexed_and_head, totals
from chainpoints.types import format_points

_AHEAD_SECONDS, _BEHIND_SECONDS = 60, 600
_LEAST_FREE_BYTES = 500 << 20
_MOST_BEHIND_BLOCKS = 5
_WEB_SOCKET_SECONDS = 5.0
_TRUST_ONE = (
    "correct CHAINPOINTS_RPC_CHECK_URL, or unset it to trust CHAINPOINTS_RPC_URL alone, and restart `chainpoints index`"
)
_MAKES_IT = "any of run, index, relay, serve brings it to the newest"


class _Ready(msgspec.Struct):
    status: str
    why: str | None


class _Subscribed(msgspec.Struct):
    result: str


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
        second = _of_second(settings, rpc if chain.ok else None)
        findings = [chain, *second]
        if settings.signer_url:
            findings.append(_look("signer", lambda: _signer(settings)))
        if chain.ok:
            findings += _of_chain(settings, rpc)
        if not store.is_there:
            if chain.ok or not settings.runs_the_chain:
                findings.append(
                    Finding("database", False, "there is none yet; any of run, index, relay, serve makes it")
                )
            return findings
        findings.append(_look("database", lambda: _database(store)))
        if not findings[-1].ok:
            return findings
        is_followed = chain.ok and all(finding.ok for finding in second)
        findings.append(_look("index", lambda: _index(store, rpc if is_followed else None)))
        if chain.ok:
            findings.append(_look("books", lambda: _books(settings, store, rpc)))
        findings.append(_look("relay", lambda: _relay(store)))
        findings.append(_look("disk", lambda: _disk(settings, store)))
        if chain.ok or not settings.runs_the_chain:
            findings.append(_look("processes", lambda: _processes(store)))
            findings.append(_look("gateway", lambda: _gateway(settings, findings)))
        return findings
    finally:
        rpc.close()
        store.close()


def _look(what: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except ChainpointsError as error:
        return Finding(what, False, str(error))


def _number(rpc: Rpc, method: str) -> int:
    """What the endpoint answers; RpcError where that is no number, so that it is no endpoint of a chain."""
    try:
        return int(rpc.call(method), 16)
    except (TypeError, ValueError):
        raise RpcError(method, "what answers is no RPC endpoint of a chain; correct CHAINPOINTS_RPC_URL") from None


def _chain(settings: Settings, rpc: Rpc) -> Finding:
    try:
        chain_id = _number(rpc, "eth_chainId")
    except RpcError as error:
        if not settings.runs_the_chain or error.code:
            raise
        return Finding(
            "chain", False, f"the local chain is not running at {settings.rpc_url.reveal()}; start `make run`"
        )
    if chain_id != settings.chain.chain_id:
        told = f"the RPC endpoint serves chain {chain_id}, not {settings.chain.chain_id}; correct CHAINPOINTS_RPC_URL"
        return Finding("chain", False, told)
    return Finding("chain", True, f"{settings.chain.name}, block {_number(rpc, 'eth_blockNumber')}")


def _of_second(settings: Settings, rpc: Rpc | None) -> list[Finding]:
    """The second provider, where there is one."""
    if (url := settings.rpc_check_url) is None:
        return []
    return [_look("second endpoint", lambda: _second(settings, url, rpc))]


def _second(settings: Settings, url: Secret, rpc: Rpc | None) -> Finding:
    """The second provider, without which nothing is stored, against the first (None while that one is wrong).

    Its address may hold a key, and is not told.
    """
    first = None if rpc is None else _number(rpc, "eth_blockNumber")
    other = Rpc(url)
    try:
        chain_id, at = _number(other, "eth_chainId"), _number(other, "eth_blockNumber")
    except RpcError as error:
        told = str(error) if error.code else "no RPC endpoint answers there"
        return Finding("second endpoint", False, f"{told}: nothing new is stored meanwhile; {_TRUST_ONE}")
    finally:
        other.close()
    if chain_id != settings.chain.chain_id:
        told = f"it serves chain {chain_id}, not {settings.chain.chain_id}; {_TRUST_ONE}"
        return Finding("second endpoint", False, told)
    if first is None:
        return Finding("second endpoint", True, f"block {at}")
    lag = first - at
    if lag > _MOST_BEHIND_BLOCKS:
        told = f"{lag} blocks behind: nothing newer is stored until it has them; when that lasts, {_TRUST_ONE}"
        return Finding("second endpoint", False, told)
    return Finding("second endpoint", True, f"block {at}, {max(lag, 0)} behind")


def _of_chain(settings: Settings, rpc: Rpc) -> list[Finding]:
    """What is looked at on the chain itself, or is of no use without it."""
    findings = [] if settings.rpc_ws_url is None else [_web_socket(settings.rpc_ws_url)]
    deployment = _look("deployment", lambda: _deployment(settings, rpc))
    findings.append(deployment)
    if not settings.chain.is_local:
        findings.append(_look("clock", lambda: _clock(rpc)))
        findings += _of_keys(settings, rpc, deployed=deployment.ok)
    return findings


def _web_socket(url: Secret) -> Finding:
    """Whether the node would tell of new blocks by itself. The address may hold a key: only what failed is told."""
    try:
        with subscribed(url, _WEB_SOCKET_SECONDS) as connection:
            answer = connection.recv(timeout=_WEB_SOCKET_SECONDS)
        msgspec.json.decode(answer, type=_Subscribed)
    except msgspec.MsgspecError:
        told = "what answers does not tell of new blocks"
    except (OSError, ValueError, WebSocketException) as error:
        told = f"no answer by WebSocket ({type(error).__name__})"
    else:
        return Finding("web socket", True, "tells of new blocks")
    todo = "correct or unset CHAINPOINTS_RPC_WS_URL, and restart `chainpoints index`"
    return Finding("web socket", False, f"{told}: blocks are polled meanwhile; {todo}")


def _signer(settings: Settings) -> Finding:
    """The external signer, by whether it is up and holds the keys that the relayer asks it for."""
    signers = [load_signer(settings, name) for name in _key_names(settings)]
    remote = [signer for signer in signers if isinstance(signer, RemoteSigner)]
    if not remote:
        told = "CHAINPOINTS_SIGNER_URL is set and no key is there: name accounts in <role>.address files"
        return Finding("signer", False, told)
    for signer in remote:
        signer.check()
    return Finding("signer", True, f"holds the keys of {', '.join(signer.address for signer in remote)}")


def _deployment(settings: Settings, rpc: Rpc) -> Finding:
    manifest, chain = load_manifest(settings.manifest), ChainState(rpc)
    wrong = [
        name for name, contract in manifest.contracts.items() if chain.code_hash(contract.address) != contract.code_hash
    ]
    if wrong:
        told = f"the code on chain is not the manifest's for {', '.join(wrong)}; run `chainpoints deploy`"
        return Finding("deployment", False, told)
    return Finding("deployment", True, f"{len(manifest.contracts)} contracts, code as in {settings.manifest}")


def _clock(rpc: Rpc) -> Finding:
    """This machine's clock against the newest block's: webhooks' signatures, and whether the chain is out of reach,
    are judged by it."""
    seconds = int(rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16) - int(time.time())
    if seconds > _AHEAD_SECONDS:
        told = f"the newest block is {seconds} seconds ahead of this machine's clock; set the clock (NTP)"
        return Finding("clock", False, told)
    if seconds < -_BEHIND_SECONDS:
        told = (
            f"the newest block is {-seconds} seconds old: the endpoint stands still, or this machine's clock is wrong"
        )
        return Finding("clock", False, f"{told}; compare both with another endpoint and another clock")
    return Finding("clock", True, f"within {abs(seconds)} seconds of the newest block")


def _of_keys(settings: Settings, rpc: Rpc, *, deployed: bool) -> list[Finding]:
    """The relayer's keys, where this machine has them: that they open, are private, and hold their roles."""
    if settings.keys is None:
        return [Finding("keys", True, "none here: this machine can read and serve; relaying needs CHAINPOINTS_KEYS")]
    keys = _look("keys", lambda: _keys(settings))
    return [keys, _look("roles", lambda: _roles(settings, rpc))] if keys.ok and deployed else [keys]


def _key_names(settings: Settings) -> list[str]:
    """The keys that the relayer signs with."""
    return [*relayer_keys(settings), "issuer", "registrar"]


def _keys(settings: Settings) -> Finding:
    secret = [keystore_path(settings, name) for name in _key_names(settings)] + [settings.keys_password_file]
    told = [f"{load_signer(settings, name).address} ({name})" for name in _key_names(settings)]
    open_to_others = [str(file) for file in secret if file and file.exists() and file.stat().st_mode & 0o077]
    if open_to_others:
        shown = ", ".join(open_to_others)
        return Finding("keys", False, f"others on this machine can read {shown}; run `chmod 600` on each")
    return Finding("keys", True, ", ".join(told))


def _roles(settings: Settings, rpc: Rpc) -> Finding:
    """That the lanes' accounts may call what they are for."""
    manifest = load_manifest(settings.manifest)
    accounts = {name: role_address(settings, name) for name in _key_names(settings)}
    lacking = [
        f"{accounts[role]} is not {role}" for role in accounts if not has_role(rpc, manifest, role, accounts[role])
    ]
    if lacking:
        told = (
            f"{', '.join(lacking)} on chain, so what it sends is refused; use the keystore of the deployment's account"
        )
        return Finding("roles", False, f"{told}, or let the admin grant the role")
    return Finding("roles", True, "the lanes' accounts hold the roles that they need")


def _database(store: Store) -> Finding:
    revision = stored_revision(store)
    if revision != newest_revision():
        told = f"the schema is {revision or 'empty'}, not {newest_revision()}; {_MAKES_IT}"
        return Finding("database", False, told)
    return Finding("database", True, f"{'SQLite' if store.is_sqlite else 'PostgreSQL'}, schema {revision}")


def _index(store: Store, rpc: Rpc | None) -> Finding:
    with store.read() as connection:
        state, at = indexed_and_head(connection)
    if state.halted:
        return Finding("index", False, state.halted)
    if state.trouble:
        return Finding("index", False, state.trouble)
    if rpc is None:
        return Finding("index", True, f"block {at.number} was read last; final up to {state.final}")
    lag = _number(rpc, "eth_blockNumber") - at.number
    if lag > _MOST_BEHIND_BLOCKS:
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


def _disk(settings: Settings, store: Store) -> Finding:
    """Room for logs and the local chain's state, and for the database's file: of two disks the one with less."""
    places = [next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())]
    if store.file is not None:
        places.append(store.file.resolve().parent)
    disks = {place.stat().st_dev: place for place in places}
    free, place = min((shutil.disk_usage(place).free, place) for place in disks.values())
    if free < _LEAST_FREE_BYTES:
        return Finding("disk", False, f"{free >> 20} MiB are left at {place}; make room, or what is sent is lost")
    return Finding("disk", True, f"{free >> 30} GiB are left at {place}")


def _processes(store: Store) -> Finding:
    """Who has said lately that it runs; a machine of its own may have any of them."""
    with store.read() as connection:
        seen = processes_seen(connection)
    now = time.time()
    running = [process for process in seen if not process.is_silent(now)]
    wrong = [
        f"`chainpoints {each.role}` on {each.host} (pid {each.pid}) was last seen {int(now - each.seen_at)} seconds ago"
        for each in seen
        if each.is_silent(now) and each.role not in {other.role for other in running}
    ]
    silent = {process.role for process in seen}
    wrong += [f"`chainpoints {role}` does not run" for role in ROLES if role not in silent]
    if wrong:
        return Finding("processes", False, f"{'; '.join(wrong)}: start it, or `chainpoints run` for all")
    return Finding("processes", True, ", ".join(f"{each.role} {each.host}:{each.pid}" for each in running))


def _gateway(settings: Settings, others: list[Finding]) -> Finding:
    """The API at the address of these settings, as a load balancer sees it. What `others` tell is not told again."""
    url = f"http://{settings.host}:{settings.port}/health/ready"
    try:
        answer = urllib3.request("GET", url, timeout=5, retries=False)
        told = msgspec.json.decode(answer.data, type=_Ready)
    except urllib3.exceptions.HTTPError:
        return Finding(
            "gateway", False, f"nothing answers at {url}; start `chainpoints serve` or correct CHAINPOINTS_PORT"
        )
    except msgspec.MsgspecError:
        return Finding("gateway", False, f"what answers at {url} is no gateway of ours; correct CHAINPOINTS_PORT")
    if told.status != "ok" and all(other.ok for other in others):
        return Finding("gateway", False, f"it answers and is not ready: {told.why}")
    return Finding("gateway", True, f"answers at http://{settings.host}:{settings.port}")
