"""A chain of our own events: shoppers who pay, get refunds, claim and pass points on, for a number of weeks.

Contracts and transactions are real. Payments come ten in a transaction, as through a relayer.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

from eth_utils.crypto import keccak

from benchmarks.indexing.node import Node
from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.signer import Signer, local_key
from chainpoints.types import ONE_POINT, Address, NodeId

USUAL_WEEKS = 20
FEC = 1
MERCHANTS = 5
SHOPPERS = 250
WEEK = 7 * 86_400
_PAYMENTS_AT_ONCE = 10
_BLOCKS_IN_WEEK = 50
_GAS = 6_000_000
_UNLIMITED = 2**64 - 1


class Economy:
    """Builds the chain, week by week."""

    def __init__(self, node: Node, manifest: Manifest, artifacts: dict[str, Artifact]) -> None:
        self._node, self._calls = node, Calls(manifest, artifacts)
        self._chance = random.Random(1)
        self._orders = 0
        self._week = 0
        self._nodes: defaultdict[Address, list[int]] = defaultdict(list)
        self._shoppers = [_account(f"shopper {number}") for number in range(SHOPPERS)]
        self._payouts = {number: _account(f"merchant {number}") for number in range(1, MERCHANTS + 1)}
        self._registrar, self._issuer = (Signer(local_key(role)).address for role in ("registrar", "issuer"))

    def set_up(self) -> None:
        """Merchants, and 1,000 points for everyone."""
        self._node.give_ether([*self._shoppers, *self._payouts.values(), self._registrar, self._issuer])
        for merchant, payout in self._payouts.items():
            terms = (merchant, payout, f"Merchant {merchant}", 10**9 * ONE_POINT, _UNLIMITED)
            quota = (merchant, 10**6 * ONE_POINT, keccak(text=f"receipt {merchant}"))
            self._block([self._by(self._registrar, "PaymentProcessor", "register", *terms)])
            self._block([self._by(self._registrar, "PaymentProcessor", "addQuota", *quota)])
        everyone = [*self._payouts.values(), *self._shoppers]
        for start in range(0, len(everyone), 50):
            issues = [self._issue(customer) for customer in everyone[start : start + 50]]
            self._block([self._by(self._issuer, "PaymentProcessor", "issueBatch", issues)])

    def live(self, weeks: int) -> None:
        for _ in range(weeks):
            self._week += 1
            self._chance.shuffle(self._shoppers)
            self._node.rpc.call("evm_setNextBlockTimestamp", self._node.now() + WEEK)
            self._node.rpc.call("evm_mine")
            self._start = int(self._read("Programs", "currentPeriod", FEC)) + 1
            size = SHOPPERS // _BLOCKS_IN_WEEK
            for start in range(0, SHOPPERS, size):
                self._block([call for shopper in self._shoppers[start : start + size] for call in self._visit(shopper)])

    def _visit(self, shopper: Address) -> list[tuple[Address, Address, str]]:
        """What one shopper does in a week: a claim of every node that releases, payments, a transfer."""
        calls = []
        if nodes := self._nodes[shopper][-13:-1]:  # the newest has released nothing yet
            calls.append(self._by(shopper, "ReleaseNode", "claim", nodes))
        payments = [self._payment(shopper) for _ in range(_PAYMENTS_AT_ONCE)]
        calls.append(self._by(shopper, "PaymentProcessor", "payBatch", payments))
        merchant, _, amount, *_ = payments[0]
        refund = (payments[0], self._start, amount)
        calls.append(self._by(self._payouts[merchant], "PaymentProcessor", "refund", *refund))
        calls.append(self._by(shopper, "PointsToken", "transfer", self._chance.choice(self._shoppers), ONE_POINT))
        self._nodes[shopper].append(NodeId.of_payment(FEC, self._start, shopper).token_id)
        return calls

    def _payment(self, shopper: Address) -> tuple[int, int, int, Address, bytes]:
        amount = ONE_POINT + self._chance.randint(0, ONE_POINT // 2)
        return (self._chance.randint(1, MERCHANTS), FEC, amount, shopper, self._order())

    def _issue(self, customer: Address) -> tuple[Any, ...]:
        return (1, 0, 1_000 * ONE_POINT, 0, customer, self._order(), keccak(text="card capture"))

    def _order(self) -> bytes:
        self._orders += 1
        return keccak(text=f"order {self._orders}")

    def _by(self, sender: Address, contract: str, function: str, *arguments: Any) -> tuple[Address, Address, str]:
        return sender, *self._calls.encode(contract, function, arguments)

    def _block(self, calls: list[tuple[Address, Address, str]]) -> None:
        self._node.mine(calls, _GAS)

    def _read(self, contract: str, function: str, *arguments: Any) -> Any:
        to, data = self._calls.encode(contract, function, arguments)
        result = self._node.rpc.call("eth_call", {"to": to, "data": data}, "latest")
        return self._calls.decode(contract, function, result)[0]


def _account(name: str) -> Address:
    return Signer(keccak(text=f"chainpoints indexing {name}")).address


def build(node: Node, manifest: Manifest, artifacts: dict[str, Artifact], weeks: int) -> None:
    economy = Economy(node, manifest, artifacts)
    economy.set_up()
    economy.live(weeks)
