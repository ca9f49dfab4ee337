"""The contracts and accounts of a test on Brownie's chain, beside the twin that must always agree with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from eth_utils.crypto import keccak

import messages
from agreement import Call, getters
from builders import private_key
from chainpoints.chain import signatures
from chainpoints.chain.calls import Calls
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.rpc import Rpc
from chainpoints.types import ONE_POINT, Address, NodeId
from twin import Authorization, Issue, Payment, Refused, Reserve, Twin

FEC, INSTALMENTS = 1, 2
MERCHANT = 1
PAID_PER_DAY, ISSUED_PER_DAY, QUOTA = 5_000 * ONE_POINT, 4_000 * ONE_POINT, 20_000 * ONE_POINT
PEOPLE, MERCHANT_NAME = ("Ada", "Ben", "Cleo"), "Tea house"
"""Whose keys are known: they sign."""


def address(account: Any) -> Address:
    return Address(str(account.address).lower())


def error(name: str, *arguments: Any) -> str:
    """A custom error as `brownie.reverts` matches it: with accounts in lower case and bytes as Python shows them."""
    shown = (address(argument) if hasattr(argument, "address") else argument for argument in arguments)
    return f"{name}: {', '.join(str(argument) for argument in shown)}"


@dataclass
class System:
    """Brownie's contracts and accounts, and the twin that must always agree with them.

    What `do` and the methods built on it do is done on the chain and in the twin.
    """

    token: Any
    programs: Any
    nodes: Any
    processor: Any
    anchors: Any
    manager: Any
    roles: dict[str, Any]
    people: list[Any]
    payout: Any
    stranger: Any
    chain: Any
    rpc: Rpc
    twin: Twin
    manifest: Manifest
    calls: Calls

    # ------------------------------------------------------------------------------------------------ both

    def do(self, call: Any, given: tuple[Any, ...], sender: Any, twin_call: Callable[..., Any], *arguments: Any) -> Any:
        """What the twin's call returns."""
        call(*given, {"from": sender})
        self.sync()
        return twin_call(*arguments)

    def refused(
        self,
        expected: str,
        call: Any,
        given: tuple[Any, ...],
        sender: Any,
        twin_call: Callable[..., Any],
        *arguments: Any,
    ) -> None:
        """Both refuse with this error, whose arguments, as `error` shows them, are the chain's."""
        from brownie import reverts

        self.twin.now = self.chain[-1].timestamp + 1
        with pytest.raises(Refused) as found:
            twin_call(*arguments)
        assert found.value.name == expected.split(":")[0]
        with reverts(expected):
            call(*given, {"from": sender})

    def pay(self, payer: Any, amount: int, order: str, program: int = FEC) -> tuple[Payment, int]:
        """The payment and its node's start."""
        payment = self.payment(payer, amount, order, program)
        self.do(self.processor.pay, (payment.struct(),), payer, self.twin.pay, address(payer), [payment])
        return payment, self.twin.paid[payment.merchant, payment.order][1]

    def issue(self, customer: Any, points: int, order: str, total: int = 0, program: int = 0) -> None:
        item = Issue(MERCHANT, program, points, total, address(customer), self.order(order), self.order("evidence"))
        issuer = self.roles["issuer"]
        self.do(self.processor.issue, (item.struct(),), issuer, self.twin.issue, address(issuer), [item])

    def issue_reserve(self, amount: int, order: str, program: int = INSTALMENTS) -> None:
        reserve, issuer = self.reserve(amount, order, program), self.roles["issuer"]
        twin_call = self.twin.issue_reserve
        self.do(self.processor.issueReserve, reserve.arguments(), issuer, twin_call, address(issuer), reserve)

    def claim(self, node_ids: list[int]) -> int:
        """Claims for whom the nodes pay, as anyone may; points paid."""
        return int(self.do(self.nodes.claim, (node_ids,), self.stranger, self.twin.claim, node_ids))

    def split(self, owner: Any, node_id: int, *totals: int) -> list[int]:
        """The pieces' ids."""
        twin_call = self.twin.split
        return self.do(self.nodes.split, (node_id, list(totals)), owner, twin_call, address(owner), node_id, totals)

    def merge(self, owner: Any, into: int, *node_ids: int) -> int:
        """Points paid."""
        arguments = (address(owner), into, list(node_ids))
        return int(self.do(self.nodes.merge, (into, list(node_ids)), owner, self.twin.merge, *arguments))

    # ------------------------------------------------------------------------------------------------ what is named

    def order(self, name: str) -> bytes:
        return keccak(text=name)

    def payment(self, payer: Any, amount: int, order: str, program: int = FEC, merchant: int = MERCHANT) -> Payment:
        return Payment(merchant, program, amount, address(payer), self.order(order))

    def reserve(self, amount: int, order: str, program: int = INSTALMENTS) -> Reserve:
        return Reserve(MERCHANT, self.order(order), program, amount, self.order("evidence"))

    def node_id(self, owner: Any, start: int, program: int = FEC) -> int:
        return NodeId.of_payment(program, start, address(owner)).token_id

    def issued_id(self, owner: Any, start: int, program: int = INSTALMENTS) -> int:
        return NodeId(program, start, 1, address(owner)).token_id

    # ------------------------------------------------------------------------------------------------ signatures

    def key(self, account: Any) -> bytes:
        return next(private_key(name) for name, known in zip(PEOPLE, self.people, strict=True) if known == account)

    def signed(self, payment: Payment, authorization: Authorization, key: bytes) -> tuple[int, int, bytes]:
        """IPaymentProcessor.Authorization, as the gateway's typed data has it signed."""
        times = (authorization.valid_after, authorization.valid_before)
        return (*times, _sign(messages.payment(self.manifest, payment, times), key))

    def signed_refund(
        self, payment: Payment, start: int, amount: int, refunded: int, times: tuple[int, int], key: bytes
    ) -> tuple[int, int, bytes]:
        payout = address(self.payout)
        message = messages.refund(self.manifest, payment, start, amount, refunded, payout, times)
        return (*times, _sign(message, key))

    def signed_gift(self, node_id: int, to: Any, key: bytes) -> bytes:
        """What the secret of a gift signs for whoever shall get the node."""
        return _sign(messages.gift(self.manifest, node_id, address(to)), key)

    # ------------------------------------------------------------------------------------------------ time

    def wait(self, seconds: int) -> None:
        self.rpc.call("evm_mine", self.chain[-1].timestamp + seconds)
        self.sync()

    def wait_for_period(self, program: int, period: int, *, before: int = 0) -> None:
        """Mines a block `before` seconds before the beginning of a period (0: its first second)."""
        self.rpc.call("evm_mine", self.twin.grid(program).begins_at(period) - before)
        self.sync()

    def sync(self) -> None:
        self.twin.now = self.chain[-1].timestamp

    # ------------------------------------------------------------------------------------------------ getters

    def read(self, asked: list[Call]) -> list[tuple[Any, ...]]:
        """The results of many view calls in one batch: Brownie asks one by one."""
        encoded = [self.calls.encode(*call) for call in asked]
        answers = self.rpc.batch([("eth_call", ({"to": to, "data": data}, "latest")) for to, data in encoded])
        found = zip(asked, answers, strict=True)
        return [
            self.calls.decode(contract, name, bytes(answer)[1:-1].decode()) for (contract, name, _), answer in found
        ]

    def agree(self) -> None:
        """Every getter equals the twin."""
        accounts = [address(account) for account in (*self.people, self.payout, self.stranger)]
        expected = list(getters(self.twin, accounts))
        answers = self.read([call for call, _ in expected])
        pairs = zip(expected, answers, strict=True)
        wrong = [(call, found, wanted) for (call, wanted), found in pairs if found != wanted]
        assert wrong == [], wrong


def _sign(typed_data: dict[str, Any], key: bytes) -> bytes:
    return bytes.fromhex(signatures.sign(typed_data, key)[2:])
