"""A small economy on a real chain: people who are issued points, pay, get refunds, claim, pass points and nodes on.

Every transaction is a real one and must succeed. What happens follows from the seed alone. `Economy.remember` and
`Economy.go_back` keep the economy's own notes in step with a chain that is reorganised.
"""

from __future__ import annotations

import copy
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_utils.crypto import keccak

from builders import Deployment, private_key
from chainpoints.chain.calls import Calls
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.signatures import sign
from chainpoints.chain.signer import Signer, role_address
from chainpoints.errors import RpcError
from chainpoints.types import ONE_POINT, ZERO_ADDRESS, Address, NodeId

FEC, INSTALMENTS = 1, 2
DAY, WEEK = 86_400, 7 * 86_400
_GAS = hex(3_000_000)


@dataclass
class Notes:
    """What the economy knows of itself: of each node the owner, of each given one the link's key and the expiry."""

    orders: int = 0
    nodes: dict[int, Address] = field(default_factory=dict)
    given: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    pieces: int = 0
    frozen: int = 0
    refundable: list[tuple[tuple[int, int, int, Address, bytes], int]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)


class Economy:
    """Two merchants and some people. `set_up` first, then `live`."""

    def __init__(self, deployment: Deployment, *, people: int = 8, seed: int = 1) -> None:
        self.rpc, self.manifest = deployment.rpc, deployment.manifest
        self.calls = Calls(deployment.manifest, deployment.artifacts)
        self.people = [Signer(private_key(f"person {n}")).address for n in range(people)]
        self.payouts = {n: Signer(private_key(f"merchant {n}")).address for n in (1, 2)}
        self.roles = {
            role: role_address(deployment.settings, role)
            for role in ("registrar", "issuer", "program_manager", "guardian")
        }
        self.random = random.Random(seed)
        self.notes = Notes()

    def set_up(self) -> None:
        """Registers the merchants and issues 800 points to everyone."""
        self.rpc.call("anvil_autoImpersonateAccount", True)
        for account in (*self.people, *self.payouts.values(), *self.roles.values()):
            self.rpc.call("anvil_setBalance", account, hex(10**24))
        for merchant, payout in self.payouts.items():
            name = f"Merchant {merchant} – 商店"
            limits = (10**6 * ONE_POINT, 2**64 - 1)
            self.send(self.roles["registrar"], "PaymentProcessor", "register", merchant, payout, name, *limits)
            quota = (merchant, 10**6 * ONE_POINT, keccak(text=f"receipt {merchant}"))
            self.send(self.roles["registrar"], "PaymentProcessor", "addQuota", *quota)
        reserve = (1, self._order(), INSTALMENTS, 20_000 * ONE_POINT, keccak(b"evidence"))
        self.send(self.roles["issuer"], "PaymentProcessor", "issueReserve", *reserve)
        self.send(self.roles["issuer"], "PaymentProcessor", "issueBatch", [self._issue(p, 800, 0) for p in self.people])

    def live(self, steps: int) -> None:
        """So many things happen, one a block."""
        kinds = (self._pay, self._pay, self._pay, self._refund, self._transfer, self._claim, self._give_node)
        kinds += (self._issue_node, self._wait, self._change_merchant, self._pay_batch, self._cancel)
        kinds += (self._split, self._split, self._merge, self._give_by_link, self._end_gift, self._name_beneficiary)
        for _ in range(steps):
            self.random.choice(kinds)()

    def replace_program(self, old: int) -> None:
        """Announces a program with the same rules, which begins in 40 days."""
        manager, terms = self.roles["program_manager"], list(self.read("Programs", "terms", old))
        terms[5] = self.now() + 40 * DAY
        table = self.read("Programs", "releaseTable", old)
        self.send(manager, "Programs", "replace", old, tuple(terms), "Another – 新", table)

    def pass_on(self) -> None:
        """One block with a transfer of points."""
        self._transfer()

    def transfer_twice(self) -> None:
        """One block with two transfers that differ in nothing but their place."""
        same = self._transfer_of_a_unit(self.people[0])
        self.rpc.call("evm_setAutomine", False)
        self.rpc.batch([("eth_sendTransaction", [same])] * 2)
        self.rpc.call("evm_mine")
        self.rpc.call("evm_setAutomine", True)

    def transfer_many(self, blocks: int, in_block: int) -> None:
        """Blocks full of transfers of single units, each of another person."""
        self.rpc.call("evm_setAutomine", False)
        for _ in range(blocks):
            senders = self.random.sample(self.people, in_block)
            self.rpc.batch([("eth_sendTransaction", [self._transfer_of_a_unit(sender)]) for sender in senders])
            self.rpc.call("evm_mine")
        self.rpc.call("evm_setAutomine", True)

    def remember(self) -> tuple[Notes, Any]:
        return copy.deepcopy(self.notes), self.random.getstate()

    def go_back(self, memory: tuple[Notes, Any]) -> None:
        self.notes = copy.deepcopy(memory[0])
        self.random.setstate(memory[1])

    def send(self, sender: Address, contract: str, function: str, *arguments: Any) -> str:
        """Sends a transaction in a block of its own, and requires that it succeeds. Gives its hash."""
        to, data = self.calls.encode(contract, function, arguments)
        transaction: str = self.rpc.call("eth_sendTransaction", {"from": sender, "to": to, "data": data, "gas": _GAS})
        while (receipt := self.rpc.call("eth_getTransactionReceipt", transaction)) is None:
            time.sleep(0.001)
        assert receipt["status"] == "0x1", f"{contract}.{function}{arguments} failed"
        self.notes.done[function] += 1
        return transaction

    def read(self, contract: str, function: str, *arguments: Any) -> Any:
        """What a view function returns; a single value by itself."""
        to, data = self.calls.encode(contract, function, arguments)
        values = self.calls.decode(contract, function, self.rpc.call("eth_call", {"to": to, "data": data}, "latest"))
        return values[0] if len(values) == 1 else values

    def node(self, node: int) -> tuple[Any, ...] | None:
        """IReleaseNode.Node; None when there is no such node."""
        try:
            return tuple(self.read("ReleaseNode", "nodeOf", node))
        except RpcError:
            return None

    def now(self) -> int:
        return int(self.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def balance(self, account: Address) -> int:
        return int(self.read("PointsToken", "balanceOf", account))

    def _order(self) -> bytes:
        self.notes.orders += 1
        return keccak(text=f"order {self.notes.orders}")

    def _start(self, program: int) -> int:
        """The start of a node made in the next block."""
        return int(self.read("Programs", "currentPeriod", program)) + 1

    def _payments(self, payer: Address, count: int) -> list[tuple[int, int, int, Address, bytes]]:
        affordable = min(self.balance(payer) // count, 40 * ONE_POINT)
        if affordable < 2 * ONE_POINT:
            return []
        program, merchant = self.random.choice((FEC, INSTALMENTS)), self.random.choice((1, 2))
        amounts = [self.random.randint(ONE_POINT, affordable) for _ in range(count)]
        return [(merchant, program, amount, payer, self._order()) for amount in amounts]

    def _paid(self, payments: Sequence[tuple[int, int, int, Address, bytes]]) -> None:
        for payment in payments:
            _, program, _, payer, _ = payment
            start = self._start(program)
            self.notes.nodes[NodeId.of_payment(program, start, payer).token_id] = payer
            self.notes.refundable.append((payment, start))

    def _pay(self) -> None:
        payer = self.random.choice(self.people)
        if payments := self._payments(payer, 1):
            self.send(payer, "PaymentProcessor", "pay", payments[0])
            self._paid(payments)

    def _pay_batch(self) -> None:
        payer = self.random.choice(self.people)
        if payments := self._payments(payer, 5):
            self.send(payer, "PaymentProcessor", "payBatch", payments)
            self._paid(payments)

    def _refund(self) -> None:
        """Half of a payment, or all that is left of it, while its node is locked."""
        self.random.shuffle(self.notes.refundable)
        while self.notes.refundable:
            payment, start = self.notes.refundable.pop()
            merchant, program, amount, payer, order = payment
            if self._start(program) > start:
                continue
            _, refunded, _ = self.read("PaymentProcessor", "orderOf", merchant, order)
            back = amount - refunded if self.random.random() < 0.5 else (amount - refunded + 1) // 2
            if back == 0 or self.balance(self.payouts[merchant]) < back:
                continue
            self.send(self.payouts[merchant], "PaymentProcessor", "refund", payment, start, back)
            self.notes.refundable.append((payment, start))
            return

    def _transfer(self) -> None:
        sender, receiver = self.random.choice(self.people), self.random.choice(self.people)
        amount = self.random.randint(0, self.balance(sender))
        self.send(sender, "PointsToken", "transfer", receiver, amount)

    def _transfer_of_a_unit(self, sender: Address) -> dict[str, str]:
        to, data = self.calls.encode("PointsToken", "transfer", [self.random.choice(self.people), 1])
        return {"from": sender, "to": to, "data": data, "gas": hex(200_000)}

    def _claimable(self) -> list[int]:
        nodes = [(node, self.node(node)) for node in sorted(self.notes.nodes)]
        return [node for node, state in nodes if state is not None and state[5]]

    def _claim(self) -> None:
        if nodes := self._claimable():
            self.send(self.random.choice(self.people), "ReleaseNode", "claim", nodes[:10])
        else:
            self._wait()

    def _unlocked(self) -> list[tuple[int, tuple[Any, ...]]]:
        """The nodes that their owner may split, merge, give and pass on."""
        nodes = [(node, self.node(node)) for node in sorted(self.notes.nodes.keys() - self.notes.given.keys())]
        begun = {program: int(self.read("Programs", "currentPeriod", program)) for program in (FEC, INSTALMENTS)}
        return [(node, state) for node, state in nodes if state is not None and state[2] < begun[state[1]]]

    def _split(self) -> None:
        """Off a node one to three pieces of any size."""
        if not (nodes := [(node, state) for node, state in self._unlocked() if state[3] > 10]):
            return self._pay()
        node, (owner, _, _, total, *_) = self.random.choice(nodes)
        count = self.random.randint(1, 3)
        self.send(owner, "ReleaseNode", "split", node, [self.random.randint(1, total // 3 - 1) for _ in range(count)])
        made_of = NodeId.from_token_id(node)
        for _ in range(count):
            self.notes.pieces += 1
            piece = NodeId(made_of.program, made_of.start, 1 + self.notes.pieces, made_of.origin)
            self.notes.nodes[piece.token_id] = owner
        return None

    def _merge(self) -> None:
        """All nodes that are alike into one of them."""
        alike: dict[tuple[Any, ...], list[int]] = {}
        for node, state in self._unlocked():
            alike.setdefault((*state[:3], self.read("ReleaseNode", "beneficiaryOf", node)), []).append(node)
        if not (groups := [nodes for nodes in alike.values() if len(nodes) > 1]):
            return self._split()
        nodes = self.random.choice(groups)
        self.random.shuffle(nodes)
        self.send(self.notes.nodes[nodes[0]], "ReleaseNode", "merge", nodes[0], nodes[1:])
        return None

    def _give_by_link(self) -> None:
        if not (nodes := self._unlocked()):
            return self._wait()
        node, (owner, *_) = self.random.choice(nodes)
        key, expiry = keccak(text=f"link {self.random.random()}"), self.now() + 10 * DAY
        self.send(owner, "ReleaseNode", "give", node, Signer(key).address, expiry)
        self.notes.given[node] = (key, expiry)
        return None

    def _end_gift(self) -> None:
        """A given node is taken, or taken back after its expiry."""
        if not self.notes.given:
            return self._give_by_link()
        node = self.random.choice(sorted(self.notes.given))
        key, expiry = self.notes.given.pop(node)
        if self.now() + 60 < expiry:
            receiver = self.random.choice(self.people)
            signature = sign(_gift(self.manifest, node, receiver), key)
            self.send(receiver, "ReleaseNode", "take", node, receiver, bytes.fromhex(signature[2:]))
            self.notes.nodes[node] = receiver
        else:
            self.rpc.call("evm_mine", max(expiry, self.now()) + 1)
            self.send(self.random.choice(self.people), "ReleaseNode", "takeBack", node)
        return None

    def _name_beneficiary(self) -> None:
        """Somebody is paid what a node releases, or its owner again."""
        if not (nodes := self._unlocked()):
            return self._wait()
        node, (owner, *_) = self.random.choice(nodes)
        beneficiary = self.random.choice((ZERO_ADDRESS, *self.people))
        self.send(owner, "ReleaseNode", "setBeneficiary", node, beneficiary)
        return None

    def _cancel(self) -> None:
        self.send(self.random.choice(self.people), "PointsToken", "cancelPayments")

    def _give_node(self) -> None:
        """Passing a node on pays what is claimable to the giver first."""
        if nodes := [node for node, _ in self._unlocked()]:
            node = self.random.choice(nodes)
            receiver = self.random.choice(self.people)
            self.send(self.notes.nodes[node], "ReleaseNode", "transferFrom", self.notes.nodes[node], receiver, node)
            self.notes.nodes[node] = receiver
        else:
            self._pay()

    def _issue(self, customer: Address, points: int, total: int) -> tuple[Any, ...]:
        program = INSTALMENTS if total else 0
        amounts = (points * ONE_POINT, total * ONE_POINT)
        return (self.random.choice((1, 2)), program, *amounts, customer, self._order(), keccak(b"card capture"))

    def _issue_node(self) -> None:
        """Points and a node for a payment in money, as far as the person's limit of the day allows."""
        customer = self.random.choice(self.people)
        _, today = self.read("PointsToken", "personLimit", customer)
        if 1_000 * ONE_POINT - today < 50 * ONE_POINT:
            self._wait()
        self.send(self.roles["issuer"], "PaymentProcessor", "issue", self._issue(customer, 20, 30))
        node = NodeId.of_issue(INSTALMENTS, self._start(INSTALMENTS), customer)
        self.notes.nodes[node.token_id] = customer

    def _wait(self) -> None:
        self.rpc.call("evm_mine", self.now() + self.random.choice((DAY, 3 * DAY, WEEK)))

    def _change_merchant(self) -> None:
        limits = (2, self.random.randint(10**5, 10**6) * ONE_POINT, 2**64 - 1)
        self.send(self.roles["registrar"], "PaymentProcessor", "setLimits", *limits)
        self._freeze()

    def _freeze(self) -> None:
        """Somebody who takes no part is frozen; of every two, the first is free again."""
        account = Signer(private_key(f"stranger {self.notes.frozen}")).address
        self.send(self.roles["guardian"], "PointsToken", "freeze", account, "stolen key – 被盗")
        if self.notes.frozen % 2:
            self.send(self.roles["guardian"], "PointsToken", "unfreeze", account)
        self.notes.frozen += 1


def _gift(manifest: Manifest, node: int, receiver: Address) -> dict[str, Any]:
    """What the key of a node's link signs to take it."""
    names = ("name", "version", "chainId", "verifyingContract")
    kinds = ("string", "string", "uint256", "address")
    domain = ("chainpoints release node", "1", manifest.chain_id, manifest.address("ReleaseNode"))
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in zip(names, kinds, strict=True)],
            "Gift": [{"name": "id", "type": "uint256"}, {"name": "to", "type": "address"}],
        },
        "primaryType": "Gift",
        "domain": dict(zip(names, domain, strict=True)),
        "message": {"id": node, "to": receiver},
    }
