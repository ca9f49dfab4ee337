"""A whole gateway for the API's tests: a chain, the contracts, an indexer, a relayer, and uvicorn on a free port.

Everything is real and runs in threads of the test's process. People's keys are derived from their names.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn

from builders import Deployment, free_port, private_key, signer
from chainpoints.api.app import Application, create_app
from chainpoints.api.keys import create_operator_key
from chainpoints.api.limits import Limits
from chainpoints.chain.signatures import sign
from chainpoints.config import Settings
from chainpoints.indexer.service import run_indexer
from chainpoints.relayer.service import run_relayer
from chainpoints.store.session import Store
from chainpoints.web.pages import router
from economy import Economy

PATIENCE_SECONDS = 30.0
FEC, INSTALMENTS = 1, 2
DAY, WEEK = 86_400, 7 * 86_400


ALL_SCOPES = ("orders:read", "orders:write", "refunds:write", "issues:write", "keys:write", "webhooks:read",
              "webhooks:write")  # fmt: skip


class Refused(AssertionError):
    """The API answered with a problem that the test did not ask for."""


@dataclass
class Client:
    """Calls the API; `key` is an API key's secret. `post` makes its own Idempotency-Key unless it is given one."""

    http: httpx.Client
    key: str | None = None

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        return self.http.request(method, path, headers=headers | options.pop("headers", {}), **options)

    def begin(self, path: str, **options: Any) -> httpx.Response:
        """An answer without its body, unless it is a refusal: for answers that do not end by themselves."""
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        with self.http.stream("GET", path, headers=headers, **options) as answer:
            if answer.status_code >= 400:
                answer.read()
            return answer

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        return self.good(self.send("GET", path, params=query))

    def post(self, path: str, body: dict[str, Any], *, idempotency_key: str | None = None) -> dict[str, Any]:
        return self.good(self.try_post(path, body, idempotency_key=idempotency_key))

    def try_post(self, path: str, body: Any, *, idempotency_key: str | None = None) -> httpx.Response:
        key = idempotency_key or str(uuid.uuid4())
        return self.send("POST", path, json=body, headers={"idempotency-key": key})

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.good(self.send("PATCH", path, json=body))

    def problem(self, kind: str, status: int, answer: httpx.Response) -> dict[str, Any]:
        """Asserts that the answer is this problem, and gives it."""
        assert answer.status_code == status, answer.text
        body: dict[str, Any] = answer.json()
        assert body["type"] == f"/problems/{kind}", body
        assert answer.headers["content-type"] == "application/problem+json"
        return body

    def good(self, answer: httpx.Response) -> dict[str, Any]:
        """The body of an answer that is no refusal; raises Refused for any other."""
        if answer.status_code >= 400:
            raise Refused(f"{answer.request.method} {answer.request.url.path}: {answer.text}")
        body: dict[str, Any] = answer.json()
        return body


@dataclass
class Api:
    """An API over rows of a chain of 40 days, with two merchants, and Alice who holds 1,000 points."""

    app: Application
    store: Store
    settings: Settings
    public: Client
    operator: Client

    @property
    def alice(self) -> str:
        return signer("alice").address

    def merchant(self, number: int, *scopes: str) -> Client:
        """A client with a new key of merchant 1 or 2; all scopes unless some are given."""
        body = {"name": "a test", "scopes": list(scopes or ALL_SCOPES)}
        return Client(self.public.http, self.operator.post(f"/v1/merchants/{number}/keys", body)["secret"])

    def routes(self) -> list[tuple[str, str]]:
        """Method and path of every route of the API."""
        paths: dict[str, dict[str, Any]] = self.app.openapi()["paths"]
        return [(method.upper(), path) for path, methods in paths.items() for method in methods]


@dataclass
class World:
    """A gateway that serves at `url`, with its operator and the merchants registered so far."""

    deployment: Deployment
    store: Store
    url: str
    public: Client
    operator: Client
    payouts: dict[int, str] = field(default_factory=dict)

    def merchant(
        self, name: str, *, quota: str = "100000", scopes: tuple[str, ...] = (), **limits: str
    ) -> tuple[int, Client]:
        """Registers a merchant with quota; its payout address is the person of that name. Gives its id and client."""
        body = {"name": name, "payout": signer(name).address, "paid_per_day": "100000", "issued_per_day": "100000"}
        made = self.operator.post("/v1/merchants", body | limits)
        self.mined(made["request"])
        number: int = made["merchant"]
        self.payouts[number] = name
        body = {"amount": quota, "evidence": f"receipt of {name}"}
        self.mined(self.operator.post(f"/v1/merchants/{number}/quota", body))
        return number, self.client_of(number, *scopes)

    def client_of(self, merchant: int, *scopes: str) -> Client:
        """A client with a new key of the merchant; all scopes of merchants unless some are given."""
        body = {"name": "a test", "scopes": list(scopes or ALL_SCOPES)}
        return self.client(self.operator.post(f"/v1/merchants/{merchant}/keys", body)["secret"])

    def client(self, key: str | None) -> Client:
        return Client(self.public.http, key)

    def mined(self, request: dict[str, Any]) -> dict[str, Any]:
        """Waits until a relay request is mined and read. Fails when it was refused."""
        ended = self.ended(request)
        assert ended["state"] == "mined", ended
        return ended

    def ended(self, request: dict[str, Any]) -> dict[str, Any]:
        """Waits until a relay request is refused, or mined in a block that was read."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            now = self.public.get(f"/v1/requests/{request['id']}")
            if now["state"] == "refused":
                return now
            if now["state"] == "mined" and now["block"] <= self.public.get("/v1/status")["read_at"]["block"]:
                return now
            assert time.monotonic() < give_up_at, now
            time.sleep(0.02)

    def act(self, account: str, contract: str, function: str, *arguments: Any) -> None:
        """The account's own transaction, which has to succeed; it is read when this returns."""
        anvil = self.deployment.anvil
        anvil.rpc.call("anvil_autoImpersonateAccount", True)
        anvil.give_ether(account)
        Economy(self.deployment).send(account, contract, function, *arguments)
        self.read_all()

    def move_to(self, timestamp: int) -> None:
        """Lets chain time pass, and waits until the gateway has read that."""
        self.deployment.anvil.move_to(timestamp)
        self.read_all()

    def read_all(self) -> None:
        """Waits until the gateway has read the chain to its head."""
        head = self.deployment.anvil.rpc.call("eth_getBlockByNumber", "latest", False)["hash"]
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while self.public.get("/v1/status")["read_at"]["hash"] != head:
            assert time.monotonic() < give_up_at, self.public.get("/v1/status")
            time.sleep(0.02)

    def issue(self, merchant: Client, customer: str, points: str, reference: str) -> dict[str, Any]:
        """Points for a person (by name), for an order paid in money."""
        address = signer(customer).address
        money = {"amount": "10.00", "currency": "USD"}
        order = merchant.post("/v1/orders", {"reference": reference, "program": FEC, "money": money})
        body = {"order": order["id"], "customer": address, "points": points, "evidence": f"till {reference}"}
        return self.mined(merchant.post("/v1/issues", body))

    def payment(self, order: dict[str, Any], payer: str, *, signed_by: str | None = None) -> dict[str, Any]:
        """The body that pays an order, signed by a person (by name) over what the API offers to sign."""
        address = signer(payer).address
        offer = self.public.get(f"/v1/orders/{order['id']}/authorization", payer=address)
        return self.signed(order["id"], payer, offer, signed_by=signed_by)

    @staticmethod
    def signed(order: str, payer: str, offer: dict[str, Any], *, signed_by: str | None = None) -> dict[str, Any]:
        """The body that pays an order, as `payment` gives it, for what the API has offered to sign."""
        return {
            "order": order,
            "payer": signer(payer).address,
            "valid_after": offer["valid_after"],
            "valid_before": offer["valid_before"],
            "signature": sign(offer["typed_data"], private_key(signed_by or payer)),
        }

    @staticmethod
    def refund(merchant: Client, order: str, amount: str, *, payout: str) -> dict[str, Any]:
        """The body that refunds a part of an order, signed by its payout address (a person's name)."""
        offer = merchant.get(f"/v1/orders/{order}/refund-authorization", amount=amount)
        body = {name: offer[name] for name in ("order", "valid_after", "valid_before")} | {"amount": amount}
        return body | {"signature": sign(offer["typed_data"], private_key(payout))}

    def pay(self, merchant: Client, payer: str, points: str, reference: str, *, program: int = FEC) -> dict[str, Any]:
        """An order of the merchant, paid by a person (by name). Gives the order as it stands afterwards."""
        order = merchant.post("/v1/orders", {"reference": reference, "program": program, "points": points})
        self.mined(self.public.post("/v1/payments", self.payment(order, payer)))
        return merchant.get(f"/v1/orders/{order['id']}")


@contextmanager
def running_gateway(deployment: Deployment, store: Store, *, limits: Limits | None = None) -> Iterator[World]:
    """Everything running, with the chain read to its head."""
    stop = threading.Event()
    settings, manifest = deployment.settings, deployment.manifest
    processes = [
        threading.Thread(target=run, args=(settings, manifest, store, stop), name=run.__name__)
        for run in (run_indexer, run_relayer)
    ]
    with store.write() as connection:
        operator = create_operator_key(connection)
    app = create_app(settings, manifest, store, limits=limits, pages=[router(store)])
    for process in processes:
        process.start()
    try:
        with serving(app) as url, httpx.Client(base_url=url, timeout=30) as http:
            world = World(deployment, store, url, Client(http), Client(http, operator))
            _wait_until_ready(world)
            yield world
    finally:
        stop.set()
        for process in processes:
            process.join()


@contextmanager
def serving(app: Application) -> Iterator[str]:
    """uvicorn in a thread; the address it serves at."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, name="uvicorn")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "uvicorn does not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _wait_until_ready(world: World) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while world.public.send("GET", "/v1/status").status_code != 200:
        assert time.monotonic() < give_up_at, "the chain is not read"
        time.sleep(0.02)
    world.read_all()
