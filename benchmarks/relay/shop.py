"""A merchant, its customers with points, and their payments, signed ahead so that signing is not what is measured."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import urllib3
from eth_utils.crypto import keccak

from benchmarks.relay.stack import BenchmarkError, Stack
from chainpoints.chain.signatures import Payment, payment_typed_data, sign
from chainpoints.chain.signer import Signer
from chainpoints.domain.order import order_hash
from chainpoints.store import tables
from chainpoints.store.bulk import insert_rows
from chainpoints.store.relay import add_request, open_requests
from chainpoints.types import ONE_POINT, Address, Hash32, Points

MERCHANT, PROGRAM = 1, 1
CUSTOMERS = 2_000
"""So many that nobody waits for a payment of their own: those of one wallet are carried out one after the other."""

_LIMIT = 10**7 * ONE_POINT
_POINTS_EACH = 500 * ONE_POINT
_FOREVER = 2**40 - 1
_SETUP_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Signed:
    """One payment of one point: its order's hash, and the whole HTTP request that asks for it."""

    order_hash: Hash32
    http: bytes


@dataclass(frozen=True, slots=True)
class _Customer:
    key: bytes
    address: Address


class Shop:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        keys = [keccak(text=f"chainpoints bench customer {number}") for number in range(CUSTOMERS)]
        self._customers = [_Customer(key, Signer(key).address) for key in keys]
        self._payments = 0

    def open(self) -> None:
        """Registers the merchant and gives each customer points, by the relayer."""
        payout = Signer(keccak(text="chainpoints bench payout")).address
        limits = {"paid_per_day": _LIMIT, "issued_per_day": _LIMIT}
        self._accept("registrar", "register_merchant", [{"payout": payout, "name": "bench", **limits}])
        self._accept("registrar", "add_quota", [{"amount": _LIMIT // 10, "evidence": _hash("receipt")}])
        points = {"program": 0, "points": _POINTS_EACH, "total": 0, "evidence": _hash("till")}
        issues = [points | {"customer": each.address, "order": _hash(each.address)} for each in self._customers]
        self._accept("issuer", "issue", issues)
        self.wait(_SETUP_SECONDS)

    def tell(self, url: str) -> None:
        """Has payments told to this address from now on, at the head, as a merchant asks for it by the API."""
        scopes = ["webhooks:write"]
        key = self._post(self._operator_key(), f"/v1/merchants/{MERCHANT}/keys", {"name": "bench", "scopes": scopes})
        wanted = {"url": url, "events": ["payment.created"], "finality": "head"}
        self._post(key["secret"], f"/v1/merchants/{MERCHANT}/webhooks", wanted)

    def sign_payments(self, count: int) -> list[Signed]:
        """Orders, as the merchant makes them, and their payments; the customers take turns."""
        valid_after = self._stack.now() - 1
        made = [self._sign(valid_after) for _ in range(count)]
        rows = [row for row, _ in made]
        for begin in range(0, count, 5_000):
            with self._stack.store.write() as connection:
                insert_rows(connection, tables.orders, rows[begin : begin + 5_000])
        return [signed for _, signed in made]

    def wait(self, seconds: float) -> None:
        """Until everything that was accepted is mined and read. Raises BenchmarkError after so long."""
        give_up_at = time.monotonic() + seconds
        while True:
            with self._stack.store.read() as connection:
                left = open_requests(connection)
            if left == 0:
                return
            if time.monotonic() > give_up_at:
                raise BenchmarkError(f"{left} requests are still open after {seconds:.0f} seconds")
            time.sleep(0.1)

    def _sign(self, valid_after: int) -> tuple[tuple[object, ...], Signed]:
        customer = self._customers[self._payments % CUSTOMERS]
        order_id, reference = f"ord_{secrets.token_hex(16)}", f"bench-{self._payments}"
        self._payments += 1
        of_order = order_hash(order_id, reference)
        payment = Payment(MERCHANT, PROGRAM, Points(ONE_POINT), customer.address, of_order)
        typed_data = payment_typed_data(self._stack.manifest, payment, valid_after, _FOREVER)
        body = {
            "order": order_id,
            "payer": customer.address,
            "valid_after": valid_after,
            "valid_before": _FOREVER,
            "signature": sign(typed_data, customer.key),
        }
        made_at, expires_at = int(time.time()), None
        row = (order_id, MERCHANT, reference, of_order, PROGRAM, ONE_POINT, None, None, None, made_at, expires_at)
        return row, Signed(of_order, _http("/v1/payments", body, order_id))

    def _operator_key(self) -> str:
        return (self._stack.settings.home / "operator.key").read_text().strip()

    def _post(self, key: str, path: str, body: Mapping[str, object]) -> dict[str, str]:
        headers = {"authorization": f"Bearer {key}", "idempotency-key": secrets.token_hex(8)}
        answer = urllib3.request("POST", f"{self._stack.url}{path}", json=body, headers=headers)
        if answer.status != 201:
            raise BenchmarkError(f"{path} answered {answer.status}: {answer.data.decode()}")
        return answer.json()  # type: ignore[no-any-return]

    def _accept(self, lane: str, kind: str, payloads: Sequence[dict[str, object]]) -> None:
        now = self._stack.now()
        with self._stack.store.write() as connection:
            for payload in payloads:
                wallet = payload.get("customer")
                add_request(
                    connection,
                    kind=kind,
                    lane=lane,
                    payload={"merchant": MERCHANT, **payload},
                    not_before=now,
                    wallet=str(wallet) if wallet else None,
                )


def _http(path: str, body: dict[str, object], idempotency_key: str) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"content-length: {len(content)}\r\nidempotency-key: {idempotency_key}\r\n\r\n"
    )
    return head.encode() + content


def _hash(text: str) -> str:
    return "0x" + keccak(text=text).hex()
