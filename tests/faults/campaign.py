"""One campaign: people pay through the API while providers fail, blocks are reorganised and processes are killed, and
the merchant is told by webhook; then all of it stops, and nothing may be lost, doubled, stuck or left untold."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
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
from chainpoints.store.session import Store
from chainpoints.supervisor import operator_key
from faults.endpoint import KINDS, FaultyEndpoint, faulty_endpoint
from faults.fleet import ROLES, Fleet, fleet, wait_until
from gateway import FEC, Client, World
from indexing import digests, fresh_digests
from webhook_receiver import Receiver, receiving

DRAIN_SECONDS = 60.0
PAYERS = 4
_SIGN_AGAIN = "/problems/authorization-not-valid-now"
"""The chain's time has stepped back since the message was made: a wallet asks for it, and signs, again."""
_DATABASE = "postgresql"
_AGAIN = (409, 429, 500, 502, 503)


@dataclass
class Report:
    """What a campaign did, and what it found wrong: nothing, or it failed."""

    payments: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    reorgs: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    told: int = 0
    """Messages that the merchant's server was told, each counted once, and how many of them took one back."""
    taken_back: int = 0
    drained_seconds: float = 0.0

    def __str__(self) -> str:
        faults = f"{self.faults.total()} faults of {len(self.faults)} kinds"
        killed = f"{self.killed.total()} kills, drained in {self.drained_seconds:.1f} s"
        told = f"{self.told} messages, {self.taken_back} of them to take one back"
        return f"{self.payments} payments, {faults}, {self.reorgs} reorgs, {killed}; {told}"


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
        wait_until(lambda: _is_ready(url), 60, "the gateway is ready")
        store = Store(self._database)
        with httpx.Client(base_url=url, timeout=10) as http:
            world = World(self._deployment, store, url, Client(http), Client(http, operator_key(settings)))
            number, merchant = world.merchant("shop", quota="100000")
            for payer in range(PAYERS):
                world.issue(merchant, f"payer {payer}", "900", f"gift-{payer}")
            self._deployment.anvil.mine(plan.deepest + 1)  # no reorg reaches what was set up
            wanted = {"url": receiver.url, "events": ["payment.created"], "finality": "head"}
            merchant.post(f"/v1/merchants/{number}/webhooks", wanted)
            for endpoint in endpoints:
                endpoint.share = plan.share
            orders: list[str] = []
            with self._trouble(running):
                while len(orders) < plan.payments or (
                    len(_seen(endpoints)) < plan.least_kinds and len(orders) < 10 * plan.payments
                ):
                    orders.append(self._pay(http, merchant.key or "", len(orders)))
            for endpoint in endpoints:
                endpoint.share = 0.0
            report.payments, report.faults = len(orders), _seen(endpoints)
            report.killed += running.killed
            begun = time.monotonic()
            drained = "every request has ended, no lane is in trouble, all blocks were read, all messages delivered"
            wait_until(lambda: self._is_drained(http, store), DRAIN_SECONDS, drained)
            report.drained_seconds = time.monotonic() - begun
            self._check(http, merchant, orders)
            self._check_told(receiver)
        self._check_store(store)
        store.close()

    @contextmanager
    def _trouble(self, running: Fleet) -> Iterator[None]:
        """All of it is over when the block ends; at once, when the block fails. What went wrong in it is raised."""
        over = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(self._make_trouble, running, over)
            try:
                yield
            except BaseException:
                over.set()
                raise
            made.result()

    def _make_trouble(self, running: Fleet, over: threading.Event) -> None:
        """Reorgs and kills, in an order of their own, spread over the payments."""
        may_die = (*ROLES, _DATABASE) if self._server else ROLES
        todo = ["reorg"] * self._plan.reorgs + [self._random.choice(may_die) for _ in range(self._plan.kills)]
        self._random.shuffle(todo)
        for what in todo:
            if over.wait(self._random.uniform(0.1, 0.6)):
                return
            if what == _DATABASE and self._server:
                self._server.kill()
                time.sleep(self._random.uniform(0.1, 1.0))
                self._server.start()
                self._report.killed[_DATABASE] += 1
                continue
            if what != "reorg":
                running.kill(what)
                continue
            with suppress(Exception):  # while the chain is shorter than that
                self._deployment.anvil.reorg(self._random.randint(1, self._plan.deepest))
                self._report.reorgs += 1

    def _pay(self, http: httpx.Client, key: str, index: int) -> str:
        """One order, paid: each call is repeated with its Idempotency-Key until it is answered for good. Its id."""
        payer = f"payer {index % PAYERS}"
        body = {"reference": f"order-{index}", "program": FEC, "points": "5"}
        order = self._insist(http, "POST", "/v1/orders", key, body)
        path = f"/v1/orders/{order['id']}/authorization?payer={signer(payer).address}"
        while True:
            offer = self._insist(http, "GET", path, None)
            payment = World.signed(order["id"], payer, offer)
            if self._insist(http, "POST", "/v1/payments", None, payment).get("type") != _SIGN_AGAIN:
                return str(order["id"])

    def _insist(
        self, http: httpx.Client, method: str, path: str, key: str | None, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        headers = {"idempotency-key": str(uuid.uuid4())} | ({"authorization": f"Bearer {key}"} if key else {})
        give_up_at = time.monotonic() + DRAIN_SECONDS
        while True:
            with suppress(httpx.TransportError):
                answer = http.request(method, path, json=body, headers=headers)
                if answer.status_code < 400 or answer.json()["type"] == _SIGN_AGAIN:
                    found: dict[str, Any] = answer.json()
                    return found
                assert answer.status_code in _AGAIN, f"{method} {path}: {answer.text}"
                assert answer.status_code != 500, f"{method} {path}: {answer.text}"
            assert time.monotonic() < give_up_at, f"{method} {path} was not answered for {DRAIN_SECONDS:.0f} s"
            time.sleep(0.1)

    def _is_drained(self, http: httpx.Client, store: Store) -> bool:
        with suppress(httpx.TransportError):
            status = http.get("/v1/status").json()
            head = self._deployment.rpc.call("eth_getBlockByNumber", "latest", False)["hash"]
            at_work = status["open_requests"] or any(lane["trouble"] for lane in status["lanes"])
            return not at_work and status["read_at"]["hash"] == head and _told_up_to(store) == (head, 0)
        return False

    def _check(self, http: httpx.Client, merchant: Client, orders: list[str]) -> None:
        """Each order was paid exactly once, by the gateway's word and by the chain's own logs."""
        states = Counter(merchant.get(f"/v1/orders/{order}")["status"] for order in orders)
        refusals = http.get("/v1/totals").json()["refusals"]
        assert states == {"paid": len(orders)}, f"orders ended as {dict(states)}, refused for {refusals}"
        hashes = Counter(log["topics"][2] for log in _paid_logs(self._deployment))
        assert len(hashes) == len(orders), f"{len(hashes)} orders were paid on chain, not {len(orders)}"
        assert set(hashes.values()) == {1}, "an order was paid twice on chain"
        for lane in http.get("/v1/status").json()["lanes"]:
            mined, pending = (
                int(self._deployment.rpc.call("eth_getTransactionCount", lane["sender"], tag), 16)
                for tag in ("latest", "pending")
            )
            assert mined == pending, f"{lane['name']} has {pending - mined} transactions that are in no block"

    def _check_told(self, receiver: Receiver) -> None:
        """Of each order the merchant was told what became of it, in order: in the end that it is paid, where it is."""
        of_order: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for each in receiver.distinct():
            of_order[each.data["order_hash"]].append(each.message)
            self._report.told += 1
            self._report.taken_back += each.type == "payment.reversed"
        paid = {log["topics"][2]: log["blockHash"] for log in _paid_logs(self._deployment)}
        assert of_order.keys() == paid.keys(), f"{len(of_order)} orders were told of, and {len(paid)} are paid"
        for order, messages in of_order.items():
            types = [message["type"] for message in messages]
            assert [message["data"]["sequence"] for message in messages] == list(range(1, len(messages) + 1)), types
            assert types == (["payment.created", "payment.reversed"] * len(types))[: len(types)], types
            assert messages[-1]["type"] == "payment.created", types
            assert messages[-1]["data"]["block_hash"] == paid[order], "the block that was told is not the order's"

    def _check_store(self, store: Store) -> None:
        ours, fresh = digests(store), fresh_digests(self._deployment, self._folder)
        differ = [table for table in fresh if ours[table] != fresh[table]]
        assert not differ, f"the rows of {', '.join(differ)} are not those of the chain; faults: {self._report.faults}"


def _seen(endpoints: list[FaultyEndpoint]) -> Counter[str]:
    return sum((endpoint.seen for endpoint in endpoints), Counter())


def _is_ready(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    return False


def _told_up_to(store: Store) -> tuple[str | None, int]:
    """The block up to which the merchant's webhook was told, and how many messages are still to be delivered."""
    endpoints, messages = tables.webhook_endpoints.c, tables.webhook_messages.c
    with suppress(StoreUnavailable), store.read() as connection:
        block = connection.scalar(select(endpoints.block_hash))
        return block, connection.scalar(select(func.count()).where(messages.state != "delivered")) or 0
    return None, 0


def _paid_logs(deployment: Deployment) -> list[dict[str, Any]]:
    """All Paid events, from the node's own logs."""
    query = {
        "fromBlock": "0x0",
        "toBlock": "latest",
        "address": deployment.manifest.address("PaymentProcessor"),
        "topics": [topic("Paid(uint32,bytes32,address,uint32,uint24,uint64,uint64)")],
    }
    found: list[dict[str, Any]] = deployment.rpc.call("eth_getLogs", query)
    return found
