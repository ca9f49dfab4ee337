"""One campaign: people pay, are issued points, are refunded and claim through the API while providers fail, blocks are
reorganised and processes are killed, and the merchant is told by webhook. Then all of it stops, and nothing may be
lost, doubled, stuck or left untold."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from benchmarks.postgres import Postgres
from builders import Deployment, signer
from chainpoints.chain.events import topic
from chainpoints.config import Secret
from chainpoints.errors import StoreUnavailable
from chainpoints.store import tables
from chainpoints.store.relay import OPEN
from chainpoints.store.session import Store
from chainpoints.supervisor import operator_key
from chainpoints.types import parse_points
from faults.endpoint import KINDS, FaultyEndpoint, faulty_endpoint
from faults.fleet import ROLES, Fleet, fleet, is_ready, wait_until
from faults.people import PAYERS, SAVERS, People
from gateway import Client, World
from indexing import digests, fresh_digests
from webhook_receiver import Received, Receiver, receiving

DRAIN_SECONDS = 60.0
_DATABASE = "postgresql"
_STARTING = 0.25
"""Of so many of the kills the process is not asked whether it has begun."""
_EVENTS = {
    "payment": ("PaymentProcessor", "Paid(uint32,bytes32,address,uint32,uint24,uint64,uint64)"),
    "refund": ("PaymentProcessor", "Refunded(uint32,bytes32,address,uint32,uint24,uint64,uint64,uint64)"),
    "issue": ("PaymentProcessor", "Issued(uint32,bytes32,address,uint32,uint24,uint64,uint64,bytes32)"),
    "claim": ("ReleaseNode", "Claimed(uint256,address,uint64,uint8)"),
}
"""What the chain logs of each act, and which contract does."""
_TOLD = ("payment", "refund", "issue", "claim")
"""Of what the merchant is told by webhook."""


@dataclass
class Report:
    """What a campaign did, and what it found wrong: nothing, or it failed."""

    payments: int = 0
    issues: int = 0
    refunds: int = 0
    claims: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    reorgs: int = 0
    deepest: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    killed_at_work: Counter[str] = field(default_factory=Counter)
    """Those of them that had begun with their work; the others were starting."""
    told: int = 0
    """Messages that the merchant's server was told, each counted once, and how many of them took one back."""
    taken_back: int = 0
    drained_seconds: float = 0.0

    def __str__(self) -> str:
        faults = f"{self.faults.total()} faults of {len(self.faults)} kinds"
        killed = f"{self.killed.total()} kills, {self.killed_at_work.total()} of them at work"
        told = f"{self.told} messages, {self.taken_back} of them to take one back"
        drained = f"drained in {self.drained_seconds:.1f} s"
        return f"{self.acts}, {faults}, {self.reorgs} reorgs, {killed}, {drained}; {told}"

    @property
    def acts(self) -> str:
        return f"{self.payments} payments, {self.issues} issues, {self.refunds} refunds, {self.claims} claims"


@dataclass(frozen=True)
class Plan:
    """How much of what; every draw is of `seed`."""

    seed: int
    payments: int
    share: float = 0.1
    kinds: tuple[str, ...] = KINDS
    reorgs: int = 0
    deepest: int = 8
    kills: int = 0
    least_kinds: int = 0
    """People go on paying until so many kinds of fault were met, up to ten times as often."""
    two_providers: bool = False
    """A second one, which fails too, has to agree with the first."""


class Campaign:
    """`server`: the one that holds the database, if it is to be killed too."""

    def __init__(
        self, deployment: Deployment, database: Secret, folder: Path, plan: Plan, server: Postgres | None = None
    ) -> None:
        self._deployment, self._database, self._folder, self._plan = deployment, database, folder, plan
        self._server = server
        self._random = random.Random(plan.seed)
        self._report = Report()
        self._begun_at = 0
        self._latest = 0  # the highest timestamp that any block had

    def run(self) -> Report:
        """Raises AssertionError that says what was lost, doubled or stuck, and with which seed."""
        plan, settings = self._plan, self._deployment.settings
        with ExitStack() as endpoints:
            receiver = endpoints.enter_context(receiving())
            endpoint = endpoints.enter_context(faulty_endpoint(self._deployment.anvil.url, plan.seed, plan.kinds))
            environment = {
                "CHAINPOINTS_HOME": str(settings.home),
                "CHAINPOINTS_DEPLOYMENTS": str(settings.deployments),
                "CHAINPOINTS_DATABASE": self._database.reveal(),
                "CHAINPOINTS_RPC_URL": endpoint.url,
                "CHAINPOINTS_PORT": str(settings.port),
                "CHAINPOINTS_LOG_LEVEL": "info",
                "CHAINPOINTS_WEBHOOKS_TO_PRIVATE": "yes",
            }
            second = None
            if plan.two_providers:
                second = endpoints.enter_context(faulty_endpoint(self._deployment.anvil.url, -plan.seed, plan.kinds))
                environment["CHAINPOINTS_RPC_CHECK_URL"] = second.url
            with fleet(self._folder / "logs", environment) as running:
                try:
                    self._live([endpoint, second] if second else [endpoint], running, receiver)
                except AssertionError as error:
                    raise AssertionError(f"seed {plan.seed}: {error}\n{running.last_words()}") from error
        return self._report

    def _live(self, endpoints: list[FaultyEndpoint], running: Fleet, receiver: Receiver) -> None:
        settings, plan, report = self._deployment.settings, self._plan, self._report
        url = f"http://{settings.host}:{settings.port}"
        wait_until(lambda: is_ready(url), 60, "the gateway is ready")
        store = Store(self._database)
        with httpx.Client(base_url=url, timeout=10) as http:
            world = World(self._deployment, store, url, Client(http), Client(http, operator_key(settings)))
            people, number = People.beginning(world)
            self._deployment.anvil.mine(plan.deepest + 1)  # no reorg reaches what was set up
            self._begun_at = self._deployment.anvil.head()
            wanted = {"url": receiver.url, "events": [f"{each}.created" for each in _TOLD], "finality": "head"}
            people.shop.post(f"/v1/merchants/{number}/webhooks", wanted)
            for endpoint in endpoints:
                endpoint.share = plan.share
            with self._trouble(running) as goes_on:
                while (
                    goes_on()
                    or len(people.paid) < plan.payments
                    or (len(_seen(endpoints)) < plan.least_kinds and len(people.paid) < 10 * plan.payments)
                ):
                    people.go_on()
            for endpoint in endpoints:
                endpoint.share = 0.0
            report.payments, report.issues = len(people.paid), len(people.issued)
            report.refunds, report.claims, report.faults = len(people.refunded), len(people.claimed), _seen(endpoints)
            report.killed += running.killed
            report.killed_at_work += running.killed_at_work
            # A reorg may set this chain back in time, and requests wait for the time at which they were accepted.
            anvil = self._deployment.anvil
            anvil.move_to(max(self._latest, anvil.now()) + 1)
            begun = time.monotonic()
            drained = "every request has ended, no lane is in trouble, all blocks were read, all messages delivered"
            try:
                wait_until(lambda: self._is_drained(http, store), DRAIN_SECONDS, drained)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self._where_it_stands(http, store)}") from error
            report.drained_seconds = time.monotonic() - begun
            self._check(http, people)
            self._check_told(receiver)
        self._check_store(store)
        store.close()

    @contextmanager
    def _trouble(self, running: Fleet) -> Iterator[Callable[[], bool]]:
        """Gives what says whether it goes on. All of it is over when the block ends; at once, when the block fails.
        What went wrong in it is raised."""
        over = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(self._make_trouble, running, over)
            try:
                yield lambda: not made.done()
            except BaseException:
                over.set()
                raise
            made.result()

    def _make_trouble(self, running: Fleet, over: threading.Event) -> None:
        """Reorgs and kills, in an order of their own, spread over the payments. Three kills of four are of a process at
        work, the others of one that may be starting."""
        may_die = (*ROLES, _DATABASE) if self._server else ROLES
        todo = ["reorg"] * self._plan.reorgs + [self._random.choice(may_die) for _ in range(self._plan.kills)]
        self._random.shuffle(todo)
        for what in todo:
            if over.wait(self._random.uniform(0.2, 1.2)):
                return
            if what == _DATABASE and self._server:
                self._server.kill()
                time.sleep(self._random.uniform(0.1, 1.0))
                self._server.start()
                self._report.killed[_DATABASE] += 1
                self._report.killed_at_work[_DATABASE] += 1
                continue
            if what != "reorg":
                others = self._random.sample(ROLES, len(ROLES))
                running.kill(what if self._random.random() < _STARTING else running.first_at_work([what, *others]))
                continue
            with suppress(Exception):  # while the chain is shorter than that
                self._latest = max(self._latest, self._deployment.anvil.now())
                depth = self._random.randint(1, self._plan.deepest)
                self._deployment.anvil.reorg(depth)
                self._report.reorgs += 1
                self._report.deepest = max(self._report.deepest, depth)

    def _is_drained(self, http: httpx.Client, store: Store) -> bool:
        with suppress(httpx.TransportError):
            status = http.get("/v1/status").json()
            head = self._deployment.rpc.call("eth_getBlockByNumber", "latest", False)["hash"]
            at_work = status["open_requests"] or any(lane["trouble"] for lane in status["lanes"])
            return not at_work and status["read_at"]["hash"] == head and _told_up_to(store) == (head, 0)
        return False

    def _where_it_stands(self, http: httpx.Client, store: Store) -> str:
        """For the message of a failure: the gateway's own word, the chain's head, what webhooks wait for, the queue."""
        with suppress(httpx.TransportError, StoreUnavailable), store.read() as connection:
            requests = tables.relay_requests
            waiting = select(requests).where(requests.c.state.in_(OPEN)).limit(5)
            head = self._deployment.rpc.call("eth_getBlockByNumber", "latest", False)
            lines = {
                "status": http.get("/v1/status").json(),
                "head": {name: head[name] for name in ("number", "hash", "timestamp")},
                "told": _told_up_to(store),
                "requests": [dict(row) for row in connection.execute(waiting).mappings()],
            }
            return "\n".join(f"{name}: {value}" for name, value in lines.items())
        return "it does not answer"

    def _check(self, http: httpx.Client, people: People) -> None:
        """Each act was done exactly once, by the gateway's word and by the chain's own logs."""
        refusals = http.get("/v1/totals").json()["refusals"]
        ended = {order: people.shop.get(f"/v1/orders/{order}")["status"] for order in (*people.paid, *people.issued)}
        due = dict.fromkeys(people.paid, "paid") | dict.fromkeys(people.refunded, "partially_refunded")
        due |= dict.fromkeys(people.issued, "issued")
        assert ended == due, f"orders ended as {Counter(ended.values())}, refused for {refusals}"
        for saver in people.claimed:
            wallet = http.get(f"/v1/wallets/{signer(saver).address}").json()
            assert parse_points(wallet["balance"]) > parse_points(wallet["claimable"]) == 0, f"{saver}: {wallet}"
        times = {"payment": len(people.paid), "refund": len(people.refunded), "claim": len(people.claimed)}
        assert all(times.values()), f"not everything was done: {times}"
        times["issue"] = len(people.issued) + PAYERS + SAVERS
        for act, count in times.items():
            objects = Counter(_object_of(log) for log in self._logs(act))
            assert len(objects) == count, f"{act}: {len(objects)} were made on chain, not {count}"
            assert set(objects.values()) <= {1}, f"{act}: made twice on chain"
        for lane in http.get("/v1/status").json()["lanes"]:
            mined, pending = (
                int(self._deployment.rpc.call("eth_getTransactionCount", lane["sender"], tag), 16)
                for tag in ("latest", "pending")
            )
            assert mined == pending, f"{lane['name']} has {pending - mined} transactions that are in no block"

    def _check_told(self, receiver: Receiver) -> None:
        """Of each order and each node that pays out the merchant was told what became of it, in order: in the end just
        that which the chain has."""
        told: defaultdict[str, list[Received]] = defaultdict(list)
        for each in receiver.distinct():
            told[_object_told(each.data)].append(each)
            self._report.told += 1
            self._report.taken_back += each.type.endswith(".reversed")
        on_chain: defaultdict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for act in _TOLD:
            for log in self._logs(act, self._begun_at + 1):
                on_chain[_object_of(log)].append((act, log["blockHash"], int(log["logIndex"], 16)))
        assert told.keys() == on_chain.keys(), f"{len(told)} orders and nodes were told of, {len(on_chain)} have logs"
        for what, messages in told.items():
            types = [each.type for each in messages]
            assert [each.data["sequence"] for each in messages] == list(range(1, len(messages) + 1)), types
            assert _standing(messages) == sorted(on_chain[what]), f"{types} is not what the chain has of it"

    def _logs(self, act: str, from_block: int = 0) -> list[dict[str, Any]]:
        """The node's own."""
        contract, signature = _EVENTS[act]
        query = {
            "fromBlock": hex(from_block),
            "toBlock": "latest",
            "address": self._deployment.manifest.address(contract),
            "topics": [topic(signature)],
        }
        found: list[dict[str, Any]] = self._deployment.rpc.call("eth_getLogs", query)
        return found

    def _check_store(self, store: Store) -> None:
        ours, fresh = digests(store), fresh_digests(self._deployment, self._folder)
        differ = [table for table in fresh if ours[table] != fresh[table]]
        assert not differ, f"the rows of {', '.join(differ)} are not those of the chain; faults: {self._report.faults}"


def _seen(endpoints: list[FaultyEndpoint]) -> Counter[str]:
    return sum((endpoint.seen for endpoint in endpoints), Counter())


def _told_up_to(store: Store) -> tuple[str | None, int]:
    """The block up to which the merchant's webhook was told, and how many messages are still to be delivered."""
    endpoints, messages = tables.webhook_endpoints.c, tables.webhook_messages.c
    with suppress(StoreUnavailable), store.read() as connection:
        block = connection.scalar(select(endpoints.block_hash))
        return block, connection.scalar(select(func.count()).where(messages.state != "delivered")) or 0
    return None, 0


def _object_of(log: dict[str, Any]) -> str:
    """The order's hash, or a claim's node."""
    return str(log["topics"][1 if log["topics"][0] == topic(_EVENTS["claim"][1]) else 2])


def _object_told(data: dict[str, Any]) -> str:
    """The same, as a webhook names it."""
    return str(data["order_hash"]) if "order_hash" in data else f"0x{int(data['node']):064x}"


def _standing(messages: list[Received]) -> list[tuple[str, str, int]]:
    """What was told and not taken back: the act, its block's hash and its log's index."""
    standing: dict[str, tuple[str, str, int]] = {}
    for each in messages:
        act, what = each.type.split(".")
        if what == "created":
            standing[each.id] = (act, each.data["block_hash"], each.data["log_index"])
        else:
            assert standing.pop(each.data["reverses"], None), f"{each.type} takes back what did not stand"
    return sorted(standing.values())
