"""The whole system in pyrevm, deployed by the project's own plan, beside the twin that must agree with every call."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any, NamedTuple

from coincurve import PrivateKey
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from solc import compiled
from world import Reverted, World, account

from agreement import getters
from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import load_artifacts
from chainpoints.chain.manifest import CompilerSettings, DeployedContract, Manifest
from chainpoints.chain.parameters import GRANTED, Parameters, Program
from chainpoints.chain.plan import Create, deployment_plan, plan_addresses
from chainpoints.chain.steps import Steps
from chainpoints.types import Address, Hash32
from twin import Contracts, Refused, Twin

CHAIN_ID = 1
"""pyrevm's."""
DEPLOYER = Address(account(0))


class Act(NamedTuple):
    """A call of a contract, and the same of the twin."""

    contract: str
    function: str
    given: tuple[Any, ...]
    sender: Address
    twin_call: str
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.contract}.{self.function}{self.given} by {self.sender}"


class Outcome(NamedTuple):
    """What a call returned, or the error and its arguments that it was refused with."""

    error: str
    values: tuple[Any, ...]


class Disagreement(AssertionError):
    """The contracts did, or say, something else than the twin."""


class Deployment:
    """`done` counts what succeeded, by function, `refused` by error; `asked` the getters that were compared."""

    def __init__(self, now: int, programs: tuple[Program, ...]) -> None:
        self.world = World(now)
        self.roles = {role: Address(account(i)) for i, role in enumerate(GRANTED, start=1)}
        plan = deployment_plan(Parameters(CHAIN_ID, self.roles, dict.fromkeys(GRANTED, 0), programs))
        artifacts = load_artifacts()
        addresses = plan_addresses(DEPLOYER, first_nonce=0)
        steps = Steps(addresses, artifacts)
        for step in plan.steps:
            if isinstance(step, Create):
                made = self.world.create(bytes.fromhex(steps.creation_code(step)[2:]), DEPLOYER)
                assert made == addresses.address(step.contract)
                self.world.at(made, artifacts[step.contract].abi)
            else:
                to, data = steps.call(step)
                self.world.call(DEPLOYER, to, bytes.fromhex(data[2:]))
        self.addresses, self.calls = addresses.contracts, Calls(addresses, artifacts)
        self._reader = self.world.deploy(*compiled("tests/evm/harness/Reader.sol", "Reader"))
        self.manifest = _manifest(self.addresses)
        known = (self.addresses[name] for name in ("PointsToken", "ReleaseNode", "PaymentProcessor"))
        self.twin = Twin(Contracts(*known), now, programs)
        self.keys: dict[Address, PrivateKey] = {}
        self.wallets: dict[Address, Any] = {}
        self.people: list[Address] = []
        self.payout = Address("")
        self.accounts: list[Address] = [self.addresses["PointsToken"], self.addresses["ReleaseNode"]]
        self.done, self.refused, self.asked = Counter[str](), Counter[str](), 0

    # ------------------------------------------------------------------------------------------------ people

    def person(self, name: str) -> Address:
        """An account whose key is known."""
        key = PrivateKey(keccak(text=f"key of {name}"))
        address = Address("0x" + keccak(key.public_key.format(compressed=False)[1:])[12:].hex())
        return self._known(address, key)

    def wallet(self, owner: Address) -> Address:
        """A contract wallet (ERC-1271) of the owner's key."""
        made = self.world.deploy(*compiled("tests/forge/Wallet.sol", "Wallet"), owner)
        address = Address(made.address.lower())
        self.wallets[address] = made
        return self._known(address, self.keys[owner])

    def sign(self, signer: Address, typed_data: dict[str, Any]) -> bytes:
        """65 bytes: r, s, v."""
        signed = self.keys[signer].sign_recoverable(digest(typed_data), hasher=None)
        return signed[:64] + bytes([27 + signed[64]])

    def _known(self, address: Address, key: PrivateKey) -> Address:
        self.keys[address] = key
        self.accounts.append(address)
        return address

    # ------------------------------------------------------------------------------------------------ both

    def act(self, act: Act) -> Outcome:
        """Does it in the twin and on the chain, and compares what came of it."""
        expected, found = self._twin_outcome(act), self._chain_outcome(act)
        if found != expected:
            raise Disagreement(f"{act}\nthe contracts: {found}\nthe twin:      {expected}")
        (self.refused if found.error else self.done)[found.error or act.function] += 1
        return found

    def must(self, act: Act) -> Outcome:
        outcome = self.act(act)
        assert not outcome.error, (act, outcome)
        return outcome

    def agree(self) -> None:
        """Every getter equals the twin."""
        self.twin.now = self.world.now
        asked, expected = [], []
        for (contract, name, arguments), values in getters(self.twin, self.accounts):
            asked.append(self._asked(contract, name, tuple(arguments)))
            expected.append(_encoded(self.calls.function(contract, name).outputs, values))
        self.asked += len(asked)
        if self.world.call(DEPLOYER, self._reader.address, b"".join(asked)) != b"".join(expected):
            self._agree_one_by_one()

    def _agree_one_by_one(self) -> None:
        for (contract, name, arguments), expected in getters(self.twin, self.accounts):
            function = self.calls.function(contract, name)
            data = function.selector + encode(function.inputs, arguments)
            found = decode(function.outputs, self.world.call(DEPLOYER, self.addresses[contract], data))
            if found != expected:
                raise Disagreement(f"{contract}.{name}{arguments}\nthe contracts: {found}\nthe twin:      {expected}")
        raise AssertionError("all getters together say something else than each alone")

    def _twin_outcome(self, act: Act) -> Outcome:
        self.twin.now = self.world.now
        try:
            result = getattr(self.twin, act.twin_call)(*act.arguments)
        except Refused as refused:
            return Outcome(refused.name, refused.values)
        # What the twin has no result of is not compared.
        return Outcome("", () if result is None else (tuple(result) if isinstance(result, list) else result,))

    def _chain_outcome(self, act: Act) -> Outcome:
        function = self.calls.function(act.contract, act.function)
        data, to = function.selector + encode(function.inputs, act.given), self.addresses[act.contract]
        try:
            if act.sender in self.wallets:
                answer = self.wallets[act.sender].execute(to, data)
            else:
                answer = self.world.call(act.sender, to, data)
        except Reverted as reverted:
            return Outcome(reverted.name, reverted.values)
        return Outcome("", decode(function.outputs, answer) if act.twin_call in RESULTS else ())

    def _asked(self, contract: str, name: str, arguments: tuple[Any, ...]) -> bytes:
        """As Reader takes it."""
        function = self.calls.function(contract, name)
        data = function.selector + _encoded(function.inputs, arguments)
        return bytes.fromhex(self.addresses[contract][2:]) + len(data).to_bytes(2, "big") + data


RESULTS = {"claim", "claim_to", "split", "merge", "open", "replace"}
"""Calls of the twin whose result is the contract's."""


class Snapshot:
    """The state that a deployment has now, to which it can be brought back any number of times."""

    def __init__(self, system: Deployment) -> None:
        self._system, self._twin, self._now = system, system.twin.copied(), system.world.now
        self._snapshot = system.world.evm.snapshot()

    def restore(self) -> None:
        world = self._system.world
        world.evm.revert(self._snapshot)
        self._snapshot = world.evm.snapshot()
        world.now, self._system.twin = self._now, self._twin.copied()


def digest(typed_data: dict[str, Any]) -> bytes:
    """EIP-712's, of a message without inner structs and texts: eth_account's takes a hundred times as long."""
    kind, message = typed_data["primaryType"], typed_data["message"]
    fields = typed_data["types"][kind]
    told = ",".join(f"{field['type']} {field['name']}" for field in fields)
    struct = keccak(text=f"{kind}({told})") + b"".join(_word(message[field["name"]]) for field in fields)
    return keccak(b"\x19\x01" + _domain(*typed_data["domain"].values()) + keccak(struct))


def _word(value: int | str) -> bytes:
    """Of a number, an address or 32 bytes."""
    return value.to_bytes(32, "big") if isinstance(value, int) else bytes.fromhex(value[2:].zfill(64))


@lru_cache
def _domain(name: str, version: str, chain_id: int, contract: str) -> bytes:
    told = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    words = (keccak(text=told), keccak(text=name), keccak(text=version), _word(chain_id), _word(contract))
    return keccak(b"".join(words))


@lru_cache(maxsize=200_000)
def _encoded(types: tuple[str, ...], values: tuple[Any, ...]) -> bytes:
    """Most getters are asked the same, and answer the same, again and again."""
    return encode(types, values)


def _manifest(addresses: dict[str, Address]) -> Manifest:
    contracts = {name: DeployedContract(at, Hash32(""), 0) for name, at in addresses.items()}
    nothing = CompilerSettings("", 0, False, "")
    return Manifest(CHAIN_ID, 0, DEPLOYER, 0, contracts, nothing, {}, [], {})
