"""The contracts and accounts of a test on Brownie's chain, beside the twin that must always agree with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from chainpoints.chain.calls import Calls
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.parameters import DAY_SECONDS
from chainpoints.chain.rpc import Rpc
from chainpoints.types import ONE_POINT, Address, NodeId
from twin import PERSON_LIMIT, Payment, Twin

FEC, INSTALMENTS = 1, 2
MERCHANT = 1
PAID_PER_DAY, ISSUED_PER_DAY, QUOTA = 5_000 * ONE_POINT, 4_000 * ONE_POINT, 20_000 * ONE_POINT


def address(account: Any) -> Address:
    return Address(str(account.address).lower())


def error(name: str, *arguments: Any) -> str:
    """A custom error as `brownie.reverts` matches it: with accounts in lower case and bytes as Python shows them."""
    shown = (address(argument) if hasattr(argument, "address") else argument for argument in arguments)
    return f"{name}: {', '.join(str(argument) for argument in shown)}"


@dataclass
class System:
    """Brownie's contracts and accounts, and the twin that must always agree with them."""

    token: Any
    programs: Any
    nodes: Any
    registry: Any
    processor: Any
    anchors: Any
    manager: Any
    roles: dict[str, Any]
    people: list[Any]
    payout: Any
    chain: Any
    rpc: Rpc
    twin: Twin
    manifest: Manifest
    calls: Calls

    def order(self, name: str) -> bytes:
        return keccak(text=name)

    def payment(self, payer: Any, amount: int, order: str, program: int = FEC, merchant: int = MERCHANT) -> Payment:
        return Payment(merchant, program, amount, address(payer), self.order(order))

    def node_id(self, owner: Any, start: int, program: int = FEC) -> int:
        return NodeId.of_payment(program, start, address(owner)).token_id

    def terms(self, payment: Payment) -> tuple[Any, ...]:
        """IPaymentProcessor.Payment."""
        return (payment.merchant, payment.program, payment.amount, payment.payer, payment.order)

    def pay(self, payer: Any, amount: int, order: str, program: int = FEC) -> tuple[Payment, int]:
        """Pays on the chain and in the twin; the payment and its node's start."""
        payment = self.payment(payer, amount, order, program)
        self.processor.pay(self.terms(payment), {"from": payer})
        self.sync()
        self.twin.pay(payment)
        return payment, self.twin.paid[payment.merchant, payment.order][1]

    def issue(self, customer: Any, points: int, order: str, total: int = 0, program: int = 0) -> None:
        item = (MERCHANT, program, points, total, customer, self.order(order), self.order("evidence"))
        self.processor.issue(item, {"from": self.roles["issuer"]})
        self.sync()
        self.twin.issue(MERCHANT, program, points, total, address(customer), self.order(order))

    def claim(self, node_ids: list[int]) -> int:
        """Claims for the owners, as anyone may; points paid."""
        self.nodes.claim(node_ids, {"from": self.roles["anchorer"]})
        self.sync()
        return self.twin.claim(node_ids)

    def issue_reserve(self, amount: int, order: str, program: int = INSTALMENTS) -> None:
        given = (MERCHANT, self.order(order), program, amount, self.order("evidence"))
        self.processor.issueReserve(*given, {"from": self.roles["issuer"]})
        self.sync()
        self.twin.issue_reserve(MERCHANT, program, amount, self.order(order))

    def wait(self, seconds: int) -> None:
        self.rpc.call("evm_mine", self.chain[-1].timestamp + seconds)
        self.sync()

    def wait_for_period(self, program: int, period: int, *, before: int = 0) -> None:
        """Mines a block `before` seconds before the beginning of a period (0: its first second)."""
        rules = self.twin.programs[program]
        self.rpc.call("evm_mine", rules.epoch + period * rules.period_seconds - before)
        self.sync()

    def sync(self) -> None:
        self.twin.now = self.chain[-1].timestamp

    def read(self, asked: list[tuple[str, str, list[Any]]]) -> list[tuple[Any, ...]]:
        """The results of many view calls (contract, function, arguments), in one batch: Brownie asks one by one."""
        encoded = [self.calls.encode(*call) for call in asked]
        answers = self.rpc.batch([("eth_call", ({"to": to, "data": data}, "latest")) for to, data in encoded])
        found = zip(asked, answers, strict=True)
        return [
            self.calls.decode(contract, name, bytes(answer)[1:-1].decode()) for (contract, name, _), answer in found
        ]

    def agree(self) -> None:
        """Every getter equals the twin."""
        twin, today = self.twin, self.twin.now // DAY_SECONDS
        processor = self.manifest.address("PaymentProcessor")
        accounts = [*map(address, (*self.people, self.payout)), twin.holder_of_reserves]
        merchant = twin.merchants[MERCHANT]
        expected: list[tuple[tuple[str, str, list[Any]], tuple[Any, ...]]] = [
            (("PointsToken", "totalSupply", []), (twin.supply,)),
            (("PointsToken", "balanceOf", [processor]), (0,)),
            (("PointsToken", "issued", []), (twin.issued_in_all,)),
            (("PointsToken", "setApart", []), (twin.set_apart,)),
            (("MerchantRegistry", "merchantOf", [MERCHANT]), (merchant.as_struct(today),)),
        ]
        for account in accounts:
            held = sum(node.owner == account for node in twin.nodes.values())
            expected += [
                (("PointsToken", "balanceOf", [account]), (twin.balances[account],)),
                (("ReleaseNode", "balanceOf", [account]), (held,)),
                (("MerchantRegistry", "personLimit", [account]), (PERSON_LIMIT, twin.persons[account, today])),
            ]
        for number, books in twin.books.items():
            kept = (books.diverted, books.committed, books.released, books.reserve)
            expected += [
                (("Programs", "books", [number]), (kept,)),
                (("Programs", "currentPeriod", [number]), (twin.period(number),)),
            ]
        expected += [(("ReleaseNode", "nodeOf", [node]), (twin.node_struct(node),)) for node in twin.nodes]
        for key, (payment, _) in twin.paid.items():
            call = ("PaymentProcessor", "orderOf", [payment.merchant, payment.order])
            found = self.read([call])[0]
            assert (found[0] != bytes(24), *found[1:]) == (True, twin.refunded[key], key in twin.issued)
        answers = self.read([call for call, _ in expected])
        pairs = zip(expected, answers, strict=True)
        wrong = [(call, found, wanted) for (call, wanted), found in pairs if found != wanted]
        assert wrong == [], wrong
