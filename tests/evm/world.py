"""A chain in this process: deploys what the project's compiler made into pyrevm and drives it by ABI calls.

About ten thousand calls a second, so random scenarios can be long. Time stands still until `world.now` is set.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from eth_abi import decode, encode
from eth_utils.abi import function_abi_to_4byte_selector, get_abi_input_types, get_abi_output_types
from eth_utils.crypto import keccak
from pyrevm import EVM, BlockEnv

FUNDS = 10**24
GAS = 30_000_000
# pyrevm gives a revert's data only in the words of its exception.
OUTPUT = re.compile(r"output: 0x([0-9a-f]*)")


class Reverted(Exception):
    """The call reverted with the Solidity error `name`; `values` are its arguments."""

    def __init__(self, name: str, values: tuple[Any, ...]) -> None:
        super().__init__(name, values)
        self.name, self.values = name, values


def account(number: int) -> str:
    """The address of a person of these tests; it has no code."""
    return "0x" + keccak(text=f"account {number}")[-20:].hex()


@dataclass(frozen=True)
class Function:
    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Function:
        types = tuple(get_abi_input_types(entry)), tuple(get_abi_output_types(entry))
        return cls(function_abi_to_4byte_selector(entry), *types)


class World:
    """One chain. `done` counts the calls that succeeded, by name: a scenario in which all reverted proves nothing."""

    def __init__(self, now: int) -> None:
        self.evm = EVM(fork_url=None, gas_limit=GAS)
        self.now = now
        self.done: Counter[str] = Counter()
        self.errors: dict[bytes, tuple[str, tuple[str, ...]]] = {
            keccak(text="Error(string)")[:4]: ("Error", ("string",)),
            keccak(text="Panic(uint256)")[:4]: ("Panic", ("uint256",)),
        }

    @property
    def now(self) -> int:
        return self._now

    @now.setter
    def now(self, time: int) -> None:
        self._now = time
        self.evm.set_block_env(BlockEnv(timestamp=time))

    def deploy(self, abi: list[dict[str, Any]], bytecode: str, *arguments: Any, sender: str | None = None) -> Contract:
        constructor = next((entry for entry in abi if entry["type"] == "constructor"), {"inputs": []})
        data = encode(get_abi_input_types({**constructor, "type": "function"}), arguments)
        return self.at(self.create(bytes.fromhex(bytecode) + data, sender or account(0)), abi)

    def create(self, code: bytes, sender: str) -> str:
        """The address of the contract that this code creates."""
        self.evm.set_balance(sender, FUNDS)
        return str(self.evm.deploy(sender, code)).lower()

    def at(self, address: str, abi: list[dict[str, Any]]) -> Contract:
        for entry in abi:
            if entry["type"] == "error":
                types = tuple(get_abi_input_types({**entry, "type": "function"}))
                self.errors[function_abi_to_4byte_selector({**entry, "type": "function"})] = (entry["name"], types)
        return Contract(self, address, {e["name"]: Function.of(e) for e in abi if e["type"] == "function"})

    def call(self, sender: str, to: str, data: bytes) -> bytes:
        """What the call returns; what it changed stays. Reverted if it reverts, which changes nothing."""
        try:
            return bytes(self.evm.message_call(sender, to, calldata=data, gas=GAS))
        except RuntimeError as error:
            raise self._reverted(str(error)) from None

    def _reverted(self, told: str) -> Reverted:
        said = OUTPUT.search(told)
        output = bytes.fromhex(said[1]) if said else b""
        if output[:4] not in self.errors:
            return Reverted(f"unknown: {told}", (output,))
        name, types = self.errors[output[:4]]
        return Reverted(name, decode(types, output[4:]))

    def require_done(self, names: Iterable[str], floor: int) -> None:
        """Each of these calls succeeded at least `floor` times."""
        rare = {name: self.done[name] for name in names if self.done[name] < floor}
        assert not rare, f"fewer than {floor} of these succeeded: {rare}; of all: {dict(self.done)}"


class Contract:
    """`contract.pay(payment, sender=who)` is a transaction of `who`; a single return value comes bare."""

    def __init__(self, world: World, address: str, functions: dict[str, Function]) -> None:
        self.world, self.address, self.functions = world, address, functions

    def __getattr__(self, name: str) -> Any:
        if name not in self.functions:
            raise AttributeError(f"the contract has no function {name}")
        function = self.functions[name]

        def call(*arguments: Any, sender: str = account(0)) -> Any:
            data = function.selector + encode(function.inputs, arguments)
            values = decode(function.outputs, self.world.call(sender, self.address, data))
            self.world.done[name] += 1
            return values[0] if len(values) == 1 else values

        return call
