"""What the relayer's tests share: a merchant with customers whose requests a real relayer carries out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from eth_utils.crypto import keccak
from sqlalchemy import func, select

from builders import ROOT, Deployment, private_key, signer
from chainpoints.chain.calls import Calls
from chainpoints.chain.signatures import Payment, payment_typed_data, sign
from chainpoints.chain.signer import role_address
from chainpoints.config import Secret, Settings
from chainpoints.relayer.fees import FeePolicy, policy_of
from chainpoints.relayer.service import run_relayer
from chainpoints.store import gas, relay, tables
from chainpoints.store.gas import NO_MERCHANT
from chainpoints.store.relay import LANES, Request
from chainpoints.store.session import Store
from chainpoints.types import ONE_POINT, Hash32, NodeId, Points

FEC, FUNDED = 1, 2
FOREVER = 2**40 - 1
MERCHANT = 1


def order_hash(reference: str) -> str:
    return "0x" + keccak(text=reference).hex()


class Shop:
    """Merchant 1 of a deployment. Its methods accept requests, as the API does, and give their ids."""

    def __init__(self, deployment: Deployment, store: Store) -> None:
        self.deployment, self.store, self.anvil = deployment, store, deployment.anvil
        self.calls = Calls(deployment.manifest, deployment.artifacts)

    def open(self, paid_per_day: int = 10**6 * ONE_POINT, quota: int = 10**6 * ONE_POINT) -> list[str]:
        """Registers the merchant and gives it quota."""
        payout = signer("payout").address
        limits = {"paid_per_day": paid_per_day, "issued_per_day": 10**6 * ONE_POINT}
        merchant = {"merchant": MERCHANT, "payout": payout, "name": "0xCafé – 商店", **limits}
        registered = self.accept("register_merchant", merchant)
        added = {"merchant": MERCHANT, "amount": quota, "evidence": order_hash("receipt")}
        return [registered, self.accept("add_quota", added)]

    def issue(self, customer: str, points: float, reference: str) -> str:
        address = signer(customer).address
        payload = {"merchant": MERCHANT, "program": 0, "points": int(points * ONE_POINT), "total": 0}
        payload |= {"customer": address, "order": order_hash(reference), "evidence": order_hash("card")}
        return self.accept("issue", payload, order=reference, wallet=address)

    def pay(
        self,
        customer: str,
        points: float,
        reference: str,
        valid_before: int = FOREVER,
        terms: Mapping[str, int] = MappingProxyType({}),
        **changed: Any,
    ) -> str:
        """A payment signed by the customer, on other `terms` if given; `changed` is what is not as it was signed."""
        payment = replace(self.payment(customer, points, reference), **terms)
        typed_data = payment_typed_data(self.deployment.manifest, payment, 0, valid_before)
        payload = {"merchant": payment.merchant, "program": payment.program, "amount": payment.amount}
        payload |= {"payer": payment.payer, "order": payment.order_hash, "valid_after": 0, "valid_before": valid_before}
        payload["signature"] = sign(typed_data, private_key(customer))
        return self.accept("payment", payload | changed, order=reference, wallet=payment.payer)

    def payment(self, customer: str, points: float, reference: str) -> Payment:
        amount = Points(int(points * ONE_POINT))
        return Payment(MERCHANT, FEC, amount, signer(customer).address, Hash32(order_hash(reference)))

    def claim(self, customer: str, nodes: Sequence[NodeId]) -> str:
        owner = signer(customer).address
        return self.accept("claim", {"nodes": [str(node) for node in nodes], "owner": owner}, wallet=owner)

    def accept(self, kind: str, payload: dict[str, Any], *, order: str | None = None, wallet: str | None = None) -> str:
        lane = next(lane for lane, kinds in LANES.items() if kind in kinds)
        with self.store.write() as connection:
            request = relay.add_request(
                connection,
                kind=kind,
                lane=lane,
                payload=payload,
                not_before=self.anvil.now(),
                merchant=MERCHANT if order else None,
                order_hash=order_hash(order) if order else None,
                wallet=wallet,
            )
        return request.id

    def requests(self, ids: Sequence[str]) -> list[Request]:
        with self.store.read() as connection:
            return [relay.request(connection, request_id) for request_id in ids]

    def wait(self, ids: Sequence[str], *, seconds: float = 20) -> list[Request]:
        """Waits until none of the requests is open."""
        until = time.monotonic() + seconds
        while True:
            requests = self.requests(ids)
            if all(request.state not in relay.OPEN for request in requests):
                return requests
            if time.monotonic() > until:
                raise AssertionError(f"still open: {[(r.kind, r.state, r.failures) for r in requests]}; {self.lanes()}")
            time.sleep(0.005)

    def states(self, ids: Sequence[str]) -> list[str]:
        return [request.state for request in self.requests(ids)]

    def lanes(self) -> dict[str, str | None]:
        """The trouble of each lane."""
        with self.store.read() as connection:
            return {row.lane: row.trouble for row in connection.execute(tables.relay_lanes.select())}

    def transactions(self) -> list[Any]:
        with self.store.read() as connection:
            return list(connection.execute(tables.relay_transactions.select().order_by(tables.relay_transactions.c.id)))

    def balance(self, account: str) -> int:
        return int(self.read("PointsToken", "balanceOf", [account]))

    def points(self, customer: str) -> float:
        return self.balance(signer(customer).address) / ONE_POINT

    def read(self, contract: str, function: str, arguments: Sequence[Any]) -> Any:
        to, data = self.calls.encode(contract, function, arguments)
        answer = self.anvil.rpc.call("eth_call", {"to": to, "data": data}, "latest")
        values = self.calls.decode(contract, function, answer)
        return values[0] if len(values) == 1 else values

    def events(self, signature: str) -> list[dict[str, Any]]:
        """All logs of an event of the payment processor, straight from the chain."""
        topic = "0x" + keccak(text=signature).hex()
        address = self.deployment.manifest.address("PaymentProcessor")
        query = {"fromBlock": "0x0", "toBlock": "latest", "address": address, "topics": [topic]}
        found: list[dict[str, Any]] = self.anvil.rpc.call("eth_getLogs", query)
        return found

    def paid_orders(self) -> list[str]:
        """The order of each payment on the chain."""
        signature = "Paid(uint32,bytes32,address,uint32,uint24,uint64,uint64)"
        return [log["topics"][2] for log in self.events(signature)]

    def issued_orders(self) -> list[str]:
        signature = "Issued(uint32,bytes32,address,uint32,uint24,uint64,uint64,bytes32)"
        return [log["topics"][2] for log in self.events(signature)]

    def assert_no_gaps(self) -> None:
        """Every nonce on record is in a block, in one row, and the node holds nothing more of ours."""
        for lane in LANES:
            sender = role_address(self.deployment.settings, lane)
            count = int(self.anvil.rpc.call("eth_getTransactionCount", sender, "latest"), 16)
            assert count == int(self.anvil.rpc.call("eth_getTransactionCount", sender, "pending"), 16)
            rows = [row for row in self.transactions() if row.sender == sender]
            assert [row.nonce for row in sorted(rows, key=lambda row: row.nonce)] == list(range(count))
            assert {row.state for row in rows} <= {"mined", "final"}


def spent(shop: Shop, merchant: int = MERCHANT) -> int:
    with shop.store.read() as connection:
        return gas.usage(connection, merchant, shop.anvil.now()).spent


def on_chain(shop: Shop, merchant: int = MERCHANT) -> int:
    """What the transactions on record did cost, by their receipts, each rounded up to a gwei."""
    with shop.store.read() as connection:
        carried = select(tables.relay_requests.c.merchant, tables.relay_requests.c.transaction_id, func.count())
        grouped = carried.group_by(tables.relay_requests.c.merchant, tables.relay_requests.c.transaction_id)
        by_transaction: dict[int, dict[int, int]] = {}
        for account, transaction, count in connection.execute(grouped):
            if transaction is not None:
                by_transaction.setdefault(transaction, {})[account or NO_MERCHANT] = count
    hashes = {row.id: row.hash for row in shop.transactions() if row.succeeded}
    total = 0
    for transaction, counts in by_transaction.items():
        if transaction in hashes and merchant in counts:
            receipt = shop.anvil.rpc.call("eth_getTransactionReceipt", hashes[transaction])
            wei = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
            total += -(-wei * counts[merchant] // (sum(counts.values()) * 10**9))
    return total


def opened_shop(deployment: Deployment, store: Store, people: Sequence[str]) -> Shop:
    """A shop whose customers have 100 points each."""
    shop = Shop(deployment, store)
    with relaying(shop):
        done = shop.wait([*shop.open(), *(shop.issue(person, 100, f"till {person}") for person in people)])
    assert {request.state for request in done} == {"mined"}
    return shop


@contextmanager
def relaying(
    shop: Shop,
    *,
    url: str = "",
    replace_after_seconds: float = 3,
    cap: int | None = None,
    settings: Settings | None = None,
) -> Iterator[None]:
    """A relayer in threads of this process, by the deployment's endpoint or another one in front of it."""
    chosen = settings or shop.deployment.settings
    if url:
        chosen = replace(chosen, rpc_url=Secret(url))
    default = policy_of(chosen)
    policy = FeePolicy(cap or default.cap, default.lowest_priority_fee, replace_after_seconds)
    stop = threading.Event()
    arguments = (chosen, shop.deployment.manifest, shop.store, stop)
    thread = threading.Thread(target=run_relayer, args=arguments, kwargs={"policy": policy})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


_PROCESS = """
import os, signal, sys, threading
from chainpoints.chain.manifest import load_manifest
from chainpoints.config import load_settings
from chainpoints.relayer.service import run_relayer
from chainpoints.store.session import Store

def on_step(step):
    if step == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)

settings = load_settings()
run_relayer(settings, load_manifest(settings.manifest), Store(settings.database), threading.Event(), on_step=on_step)
"""


def relayer_process(shop: Shop, database: Secret, *, dies_at: str) -> subprocess.Popen[bytes]:
    """A relayer in a process of its own, which kills itself (-9) at a step: recorded, broadcast, mined or never."""
    settings = shop.deployment.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")}
    environment |= {
        "CHAINPOINTS_HOME": str(settings.home),
        "CHAINPOINTS_DEPLOYMENTS": str(settings.deployments),
        "CHAINPOINTS_RPC_URL": shop.anvil.url,
        "CHAINPOINTS_DATABASE": database.reveal(),
    }
    settings.home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-W", "ignore", "-c", _PROCESS, dies_at]
    with (settings.home / "relayer.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)


def eventually(holds: Callable[[], bool], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.005)


def node_of(shop: Shop, customer: str) -> NodeId:
    """The node that a payment of now would make."""
    start = shop.read("Programs", "currentPeriod", [FEC]) + 1
    return NodeId.of_payment(FEC, start, signer(customer).address)
