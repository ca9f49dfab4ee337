"""What every getter of the contracts must say, by the twin."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from chainpoints.types import ZERO_ADDRESS, Address, NodeId
from twin import Issue, Payment, Reserve, Twin

Call = tuple[str, str, list[Any]]
"""A contract, a view function and its arguments."""
Getter = tuple[Call, tuple[Any, ...]]
"""A call and the values that it must return."""


def getters(twin: Twin, accounts: list[Address]) -> Iterator[Getter]:
    yield from _supply(twin)
    for account in accounts:
        yield from _account(twin, account)
    for nonce in {nonce for _, nonce in twin.authorizations}:
        for account in accounts:
            is_used = (account, nonce) in twin.authorizations
            yield ("PointsToken", "authorizationState", [account, nonce]), (is_used,)
    for program in twin.programs:
        yield from _program(twin, program)
    for node_id in twin.nodes:
        yield from _node(twin, node_id)
    for node_id in twin.ended:
        yield ("ReleaseNode", "beneficiaryOf", [node_id]), (ZERO_ADDRESS,)
        yield ("ReleaseNode", "giftOf", [node_id]), (ZERO_ADDRESS, 0)
    for parties, allowance in twin.allowances.items():
        yield ("ReleaseNode", "claimAllowance", list(parties)), allowance
    for owner, operator in twin.operators:
        yield ("ReleaseNode", "isApprovedForAll", [owner, operator]), (True,)
    yield from _processor(twin)


def _supply(twin: Twin) -> Iterator[Getter]:
    yield ("PointsToken", "totalSupply", []), (twin.supply,)
    yield ("PointsToken", "issued", []), (twin.issued_in_all,)
    yield ("PointsToken", "setApart", []), (twin.set_apart,)
    yield ("ReleaseNode", "unminted", []), (twin.unminted,)
    yield ("PointsToken", "balanceOf", [twin.contracts.processor]), (0,)
    yield ("PointsToken", "balanceOf", [twin.contracts.nodes]), (twin.balances[twin.contracts.nodes],)
    for parties, allowance in twin.spending.items():
        yield ("PointsToken", "allowance", list(parties)), (allowance,)


def _account(twin: Twin, account: Address) -> Iterator[Getter]:
    yield ("PointsToken", "balanceOf", [account]), (twin.balances[account],)
    yield ("PointsToken", "nodesOf", [account]), (twin.nodes_of(account),)
    yield ("ReleaseNode", "balanceOf", [account]), (twin.nodes_of(account),)
    yield ("PointsToken", "frozenUntil", [account]), (twin.frozen_until[account],)
    yield ("PointsToken", "paymentsCancelledAt", [account]), (twin.cancelled_at[account],)
    yield ("PointsToken", "nonces", [account]), (twin.nonces[account],)
    yield ("ReleaseNode", "nonces", [account]), (twin.claim_nonces[account],)
    yield ("PointsToken", "personLimit", [account]), (twin.person_limit, twin.persons[account, twin.today])


def _program(twin: Twin, program: int) -> Iterator[Getter]:
    books = twin.books[program]
    kept = (books.diverted, books.committed, books.released, books.reserve)
    yield ("ReleaseNode", "books", [program]), (kept,)
    yield ("Programs", "programName", [program]), (twin.programs[program].name,)
    replacement = twin.replacements.get(program)
    shown = (replacement.by, twin.closes_at(program)) if replacement else (0, 0)
    yield ("Programs", "replacementOf", [program]), shown
    if twin.now >= twin.programs[program].epoch:
        yield ("Programs", "currentPeriod", [program]), (twin.period(program),)


def _node(twin: Twin, node_id: int) -> Iterator[Getter]:
    node, name = twin.nodes[node_id], NodeId.from_token_id(node_id)
    yield ("ReleaseNode", "nodeOf", [node_id]), (twin.node_struct(node_id),)
    yield ("ReleaseNode", "ownerOf", [node_id]), (node.owner,)
    yield ("ReleaseNode", "getApproved", [node_id]), (node.approved or ZERO_ADDRESS,)
    yield ("ReleaseNode", "beneficiaryOf", [node_id]), (node.beneficiary or ZERO_ADDRESS,)
    gift = (node.gift.secret, node.gift.expiry) if node.gift else (ZERO_ADDRESS, 0)
    yield ("ReleaseNode", "giftOf", [node_id]), gift
    yield ("Programs", "elapsed", [name.program, name.start]), (twin.elapsed(node_id),)


def _processor(twin: Twin) -> Iterator[Getter]:
    yield ("PaymentProcessor", "approvalThreshold", []), (twin.approval_threshold,)
    for number, merchant in twin.merchants.items():
        yield ("PaymentProcessor", "merchantOf", [number]), (merchant.as_struct(twin.today),)
    for key in twin.paid.keys() | twin.issued:
        commitment = _commitment(*twin.paid[key]) if key in twin.paid else bytes(24)
        yield ("PaymentProcessor", "orderOf", list(key)), (commitment, twin.refunded[key], key in twin.issued)
    for item, approver in twin.approvers.items():
        yield ("PaymentProcessor", "approverOf", [approval_hash(item)]), (approver,)


def approval_hash(item: Issue | Reserve) -> bytes:
    """issueHash or reserveHash, which an approver names."""
    if isinstance(item, Reserve):
        return keccak(encode(_RESERVE, item.arguments()))
    return keccak(encode(_ISSUE, item.struct()))


_ISSUE = ["uint32", "uint32", "uint64", "uint64", "address", "bytes32", "bytes32"]
_RESERVE = ["uint32", "bytes32", "uint32", "uint64", "bytes32"]


@cache
def _commitment(payment: Payment, start: int) -> bytes:
    types = ["uint32", "uint32", "uint64", "address", "bytes32", "uint24"]
    return keccak(encode(types, (*payment.struct(), start)))[:24]
