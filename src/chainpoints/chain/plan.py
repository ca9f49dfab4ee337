"""The deployment as data: which contracts, with which arguments, which programs, which roles. Nothing is sent here.

Contracts refer to each other by name. A contract's address follows from the deployer and its nonce, so all addresses
are known before the first transaction and each contract holds the others as immutables: no setter could rewire them.
The deployer is admin while it opens the first programs. The last step is one transaction that sets up every role and
takes the deployer's own away, so there is no moment at which half of the roles stand.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec
from eth_utils.crypto import keccak

from chainpoints.chain.parameters import GRANTED, Parameters, Program
from chainpoints.types import Address

DEPLOYER = "deployer"
ADMIN_ROLE_ID = 0


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the AccessManager; `functions` names, by contract, what only its members may call."""

    id: int
    name: str
    functions: dict[str, tuple[str, ...]]


ROLES = (
    Role(
        ADMIN_ROLE_ID,
        "admin",
        {"PointsToken": ("confirmFreeze", "setPersonLimit"), "PaymentProcessor": ("setApprovalThreshold",)},
    ),
    Role(1, "registrar", {"PaymentProcessor": ("register", "setActive", "setLimits", "addQuota")}),
    Role(2, "issuer", {"PaymentProcessor": ("issue", "issueBatch", "issueReserve")}),
    Role(3, "program_manager", {"Programs": ("open", "replace")}),
    Role(4, "guardian", {"PointsToken": ("freeze", "unfreeze")}),
    Role(5, "anchorer", {"AnchorRegistry": ("append",)}),
    Role(6, "approver", {"PaymentProcessor": ("approveIssue",)}),
)


@dataclass(frozen=True, slots=True)
class AddressOf:
    """Stands for the address of a contract of this plan, or of the deployer."""

    address_of: str


@dataclass(frozen=True, slots=True)
class SelectorsOf:
    """Stands for the selectors of functions of a contract of this plan."""

    selectors_of: str
    functions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Create:
    """Creates a contract. Done when its code stands at the address that the deployer's nonce foretells."""

    contract: str
    arguments: tuple[AddressOf, ...]


@dataclass(frozen=True, slots=True)
class Open:
    """Opens a program. Done when the program of this id has these terms."""

    id: int
    program: Program


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class HandOver:
    """Calls of the AccessManager in one transaction. Done when the deployer is no longer admin."""

    calls: tuple[Call, ...]


Step = Create | Open | HandOver

CONTRACTS: tuple[Create, ...] = tuple(
    Create(contract, tuple(AddressOf(name) for name in arguments))
    for contract, arguments in (
        ("AccessManager", (DEPLOYER,)),
        ("PointsToken", ("AccessManager", "PaymentProcessor", "ReleaseNode")),
        ("Programs", ("AccessManager", "PointsToken", "ReleaseNode")),
        ("NodeRenderer", ()),
        ("ReleaseNode", ("PointsToken", "Programs", "PaymentProcessor", "NodeRenderer")),
        ("PaymentProcessor", ("AccessManager", "PointsToken", "ReleaseNode")),
        ("AnchorRegistry", ("AccessManager",)),
    )
)


@dataclass(frozen=True, slots=True)
class Plan:
    parameters: Parameters
    steps: tuple[Step, ...]

    def to_json(self) -> bytes:
        """The whole plan as JSON: what `deploy` is about to do, for people and for the digest."""
        return msgspec.json.encode(self, order="sorted")

    def digest(self) -> str:
        """Tells whether an interrupted deployment was of this plan."""
        return hashlib.sha256(self.to_json()).hexdigest()


def deployment_plan(parameters: Parameters) -> Plan:
    """Every step of a deployment, in order."""
    programs = tuple(Open(number, program) for number, program in enumerate(parameters.programs, start=1))
    return Plan(parameters, (*CONTRACTS, *programs, _hand_over(parameters)))


def create_address(deployer: Address, nonce: int) -> Address:
    """The address of a contract that `deployer` creates with its transaction number `nonce` (counted from 0)."""
    # RLP of the pair: before a short text stands 0x80 + its length (a byte below 0x80 is its own text), before a short
    # list 0xc0 + its length.
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    coded = number if len(number) == 1 and number[0] < 0x80 else bytes([0x80 + len(number)]) + number
    pair = bytes([0x94]) + bytes.fromhex(deployer[2:]) + coded
    return Address("0x" + keccak(bytes([0xC0 + len(pair)]) + pair)[12:].hex())


@dataclass(frozen=True, slots=True)
class Addresses:
    """What each AddressOf stands for."""

    deployer: Address
    contracts: dict[str, Address]

    def address(self, name: str) -> Address:
        return self.deployer if name == DEPLOYER else self.contracts[name]


def plan_addresses(deployer: Address, first_nonce: int) -> Addresses:
    """The addresses when the deployer creates the first contract with `first_nonce`."""
    contracts = {step.contract: create_address(deployer, first_nonce + i) for i, step in enumerate(CONTRACTS)}
    return Addresses(deployer, contracts)


def _hand_over(parameters: Parameters) -> HandOver:
    calls: list[Call] = []
    for role in ROLES:
        # What no role is set for needs the admin, and the admin's role has its label from the start.
        if role.id != ADMIN_ROLE_ID:
            calls += [
                Call("setTargetFunctionRole", (AddressOf(contract), SelectorsOf(contract, functions), role.id))
                for contract, functions in role.functions.items()
            ]
            calls.append(Call("labelRole", (role.id, role.name.upper())))
    ids = {role.name: role.id for role in ROLES}
    calls += [Call("grantRole", (ids[n], parameters.accounts[n], parameters.delays[n])) for n in GRANTED]
    calls.append(Call("renounceRole", (ADMIN_ROLE_ID, AddressOf(DEPLOYER))))
    return HandOver(tuple(calls))
