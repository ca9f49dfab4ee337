"""What is measured of chainpoints, a recipe for each: what is given, then the one transaction whose gas counts.

"Steady" means that whoever receives already holds one: the payer a node of an earlier period, the customer points. In
each recipe the merchant and the program were used earlier the same day, so no recipe pays for waking them up.

This is the only file here that knows the contracts' functions and structs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eth_utils.crypto import keccak

from benchmarks.gas.chain import BEGINNING, address_of, private_key
from benchmarks.gas.eip3009 import FUNCTION, signed_transfer
from benchmarks.gas.system import DAY, System
from chainpoints.chain.signatures import Payment, payment_typed_data, sign
from chainpoints.types import ONE_POINT, Address, Hash32, Points

FEC, MERCHANT = 1, 1
PRICE = Points(4_990_000)
"""4.99 points, base units: no rounder than a price is."""

CROWD = tuple(f"person {number}" for number in range(100))
EVER_AFTER = BEGINNING + 20_000 * DAY
"""When the authorizations end; more than fifty years."""

UNLIMITED = 2**64 - 1
PaymentStruct = tuple[int, int, int, str, bytes]
AuthorizationStruct = tuple[int, int, bytes]


@dataclass(frozen=True, slots=True)
class Operation:
    """`measure` gives the gas of one transaction that does the operation for `items` things."""

    key: str
    items: int
    measure: Callable[[System], int]


def set_up(system: System) -> None:
    """A merchant, and people with 1,000 points each, in week 0. Each recipe begins here."""
    register = (MERCHANT, address_of("merchant"), "Merchant", 10**9 * ONE_POINT, UNLIMITED)
    system.send_as("registrar", "PaymentProcessor", "register", *register)
    system.send_as("registrar", "PaymentProcessor", "addQuota", MERCHANT, 10**9 * ONE_POINT, keccak(text="receipt"))
    people = ("alice", "bob", *CROWD)
    for some in (people[:100], people[100:]):
        system.send_as("issuer", "PaymentProcessor", "issueBatch", [_issue(system, who, 1_000) for who in some])


# Payments


def pay_first(system: System) -> int:
    """A payer who never paid before."""
    system.move_to_week(2)
    _pay(system, "bob")
    return _pay(system, "alice")


def pay_steady(system: System) -> int:
    """A payer with a node of an earlier week makes one of this week."""
    _given_steady(system, "alice")
    return _pay(system, "alice")


def pay_topup(system: System) -> int:
    """The payer's second payment of the week: the node grows."""
    _given_steady(system, "alice")
    _pay(system, "alice")
    return _pay(system, "alice")


def pay_relayed_steady(system: System) -> int:
    """As pay_steady, signed by the payer and sent by another."""
    _given_steady(system, "alice")
    return system.send_as("relayer", "PaymentProcessor", "payWithAuthorization", *_authorized(system, "alice"))


def pay_batch100_one_payer(system: System) -> int:
    """A hundred orders of one payer, who has a node of an earlier week."""
    _given_steady(system, "alice")
    return system.send("alice", "PaymentProcessor", "payBatch", [_payment(system, "alice").struct() for _ in CROWD])


def pay_relayed_batch100(system: System) -> int:
    """A hundred payers, each with a node of an earlier week, each by signature."""
    _given_steady(system, *CROWD)
    return _pay_relayed(system, CROWD)


# Issues


def issue_steady(system: System) -> int:
    """Points for a customer who has some."""
    _given_issuing(system)
    return system.send_as("issuer", "PaymentProcessor", "issue", _issue(system, "alice", 10))


def issue_batch100(system: System) -> int:
    """Points for a hundred customers who have some."""
    _given_issuing(system)
    return system.send_as("issuer", "PaymentProcessor", "issueBatch", [_issue(system, who, 10) for who in CROWD])


# Claims


def claim_first(system: System) -> int:
    """The first claim of a node, by an owner who has no points left; bob has claimed today."""
    nodes = _new_nodes(system, 1, "alice", "bob")
    balance = system.read("PointsToken", "balanceOf", address_of("alice"))
    system.send("alice", "PointsToken", "transfer", address_of("bob"), balance)
    system.move_to_week(4)
    _claim(system, "bob", nodes[1:])
    return _claim(system, "alice", nodes[:1])


def claim_second(system: System) -> int:
    """The claim of a week later."""
    return _claim_of_a_week_later(system, _new_nodes(system, 1, "alice"), week=4)


def claim_batch10(system: System) -> int:
    """Ten nodes of one owner, each claimed before."""
    nodes = [node for week in range(1, 11) for node in _new_nodes(system, week, "alice")]
    return _claim_of_a_week_later(system, nodes, week=13)


def claim_batch100(system: System) -> int:
    """A hundred nodes of one owner, each claimed before. No node is over: half of them were bob's."""
    nodes = [node for week in range(1, 51) for node in _new_nodes(system, week, "alice", "bob")]
    system.move_to_week(52)
    for node in nodes[1::2]:
        _transfer(system, "bob", "alice", node)
    return _claim_of_a_week_later(system, nodes, week=53)


# Nodes


def transfer_steady(system: System) -> int:
    """Between holders of other nodes; nothing is claimable, so nothing is settled."""
    node, _ = _new_nodes(system, 1, "alice", "bob")
    _new_nodes(system, 2, "alice")
    system.move_to_week(4)
    _claim(system, "alice", [node])
    return _transfer(system, "alice", "bob", node)


def split(system: System) -> int:
    """Half of a node becomes a node of its own."""
    (node,) = _new_nodes(system, 1, "alice")
    system.move_to_week(4)
    _claim(system, "alice", [node])
    total = system.read("ReleaseNode", "nodeOf", node)[3]
    return system.send("alice", "ReleaseNode", "split", node, [total // 2])


def merge(system: System) -> int:
    """Two nodes of one week, alice's and one that bob gave her; both were claimed today, so nothing is paid."""
    node, other = _new_nodes(system, 1, "alice", "bob")
    system.move_to_week(4)
    _transfer(system, "bob", "alice", other)
    _claim(system, "alice", [node])
    return system.send("alice", "ReleaseNode", "merge", node, [other])


# Points


def points_transfer(system: System) -> int:
    """Between two holders."""
    return system.send("alice", "PointsToken", "transfer", address_of("bob"), PRICE)


def points_transfer_relayed(system: System) -> int:
    """As points_transfer, signed by the holder (EIP-3009) and sent by another."""
    transfer = (address_of("alice"), address_of("bob"), PRICE, 0, EVER_AFTER, keccak(text="nonce"))
    token = system.manifest.address("PointsToken")
    arguments = signed_transfer("chainpoints", token, transfer, private_key("alice"))
    return system.send_as("relayer", "PointsToken", FUNCTION, *arguments)


# Refunds


def refund_full(system: System) -> int:
    """All of a payment, the only one of its node: the node ends."""
    _given_steady(system, "alice")
    payment = _payment(system, "alice")
    system.send("alice", "PaymentProcessor", "pay", payment.struct())
    return system.send("merchant", "PaymentProcessor", "refund", payment.struct(), _start(system), PRICE)


OPERATIONS = (
    Operation("pay_first", 1, pay_first),
    Operation("pay_steady", 1, pay_steady),
    Operation("pay_topup", 1, pay_topup),
    Operation("pay_relayed_steady", 1, pay_relayed_steady),
    Operation("pay_batch100_one_payer", 100, pay_batch100_one_payer),
    Operation("pay_relayed_batch100", 100, pay_relayed_batch100),
    Operation("issue_steady", 1, issue_steady),
    Operation("issue_batch100", 100, issue_batch100),
    Operation("claim_first", 1, claim_first),
    Operation("claim_second", 1, claim_second),
    Operation("claim_batch10", 10, claim_batch10),
    Operation("claim_batch100", 100, claim_batch100),
    Operation("transfer_steady", 1, transfer_steady),
    Operation("split", 1, split),
    Operation("merge", 1, merge),
    Operation("refund_full", 1, refund_full),
    Operation("points_transfer", 1, points_transfer),
    Operation("points_transfer_relayed", 1, points_transfer_relayed),
)


# What recipes are made of


def _given_steady(system: System, *payers: str) -> None:
    """The payers have a node of week 1; it is week 2, and bob has paid the merchant today."""
    system.move_to_week(1)
    _pay(system, "bob")
    _pay_relayed(system, payers)
    system.move_to_week(2)
    _pay(system, "bob")


def _given_issuing(system: System) -> None:
    """The merchant has issued today."""
    system.move_to_week(2)
    system.send_as("issuer", "PaymentProcessor", "issue", _issue(system, "bob", 10))


def _new_nodes(system: System, week: int, *payers: str) -> list[int]:
    """The nodes that payments of that week make."""
    system.move_to_week(week)
    return [_new_node(system, payer) for payer in payers]


def _new_node(system: System, payer: str) -> int:
    _pay(system, payer)
    return int(system.read("ReleaseNode", "idOf", FEC, _start(system), address_of(payer)))


def _claim_of_a_week_later(system: System, nodes: list[int], week: int) -> int:
    system.move_to_week(week)
    _claim(system, "alice", nodes)
    system.move_to_week(week + 1)
    return _claim(system, "alice", nodes)


def _start(system: System) -> int:
    """The start of a node that is made now."""
    return int(system.read("Programs", "currentPeriod", FEC)) + 1


def _payment(system: System, payer: str) -> Payment:
    order = Hash32("0x" + system.new_order().hex())
    return Payment(MERCHANT, FEC, PRICE, address_of(payer), order)


def _pay(system: System, payer: str) -> int:
    return system.send(payer, "PaymentProcessor", "pay", _payment(system, payer).struct())


def _authorized(system: System, payer: str) -> tuple[PaymentStruct, AuthorizationStruct]:
    payment = _payment(system, payer)
    typed_data = payment_typed_data(system.manifest, payment, 0, EVER_AFTER)
    signature = bytes.fromhex(sign(typed_data, private_key(payer))[2:])
    return payment.struct(), (0, EVER_AFTER, signature)


def _pay_relayed(system: System, payers: tuple[str, ...]) -> int:
    authorized = [_authorized(system, payer) for payer in payers]
    payments, authorizations = [payment for payment, _ in authorized], [words for _, words in authorized]
    return system.send_as("relayer", "PaymentProcessor", "payBatchWithAuthorization", payments, authorizations)


def _issue(system: System, customer: str, points: int) -> tuple[int, int, int, int, Address, bytes, bytes]:
    amount = points * ONE_POINT
    return MERCHANT, 0, amount, 0, address_of(customer), system.new_order(), keccak(text="card capture")


def _claim(system: System, who: str, nodes: list[int]) -> int:
    return system.send(who, "ReleaseNode", "claim", nodes)


def _transfer(system: System, giver: str, receiver: str, node: int) -> int:
    return system.send(giver, "ReleaseNode", "transferFrom", address_of(giver), address_of(receiver), node)
