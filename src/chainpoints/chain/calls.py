"""Contract calls into calldata, results back into values: by contract and function name, from the artifacts' ABIs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.crypto import keccak

from chainpoints.chain.compiler import Artifact
from chainpoints.errors import InconsistentChain, InvalidInput
from chainpoints.types import Address


@dataclass(frozen=True)
class Function:
    """A function of an ABI. `signature` is canonical: `claim(uint256[])`."""

    signature: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @cached_property
    def selector(self) -> bytes:
        return keccak(text=self.signature)[:4]


class Deployed(Protocol):
    """Whatever knows where the contracts are: a manifest, or a plan that is being carried out."""

    def address(self, contract: str) -> Address: ...


class Calls:
    """The calls of a deployment. Functions are named `claim`, or by their signature where a name is overloaded."""

    def __init__(self, deployed: Deployed, artifacts: Mapping[str, Artifact]) -> None:
        self._deployed, self._artifacts = deployed, artifacts
        self._functions: dict[tuple[str, str], Function] = {}

    def encode(self, contract: str, function: str, arguments: Sequence[Any]) -> tuple[Address, str]:
        """Whom to call and with which data (0x text). Structs are tuples, addresses 0x text, bytes are bytes.

        Raises InvalidInput when the contract has no such function or the arguments do not fit it.
        """
        found = self.function(contract, function)
        try:
            data = found.selector + encode(found.inputs, arguments)
        except (EncodingError, ValueError, TypeError, OverflowError) as error:
            raise InvalidInput(f"these are no arguments of {contract}.{found.signature}: {error}") from None
        return self._deployed.address(contract), "0x" + data.hex()

    def encode_creation(self, contract: str, arguments: Sequence[Any]) -> str:
        """The code that creates a contract, with its constructor's arguments, as 0x text."""
        artifact = self._artifacts[contract]
        constructors = [entry for entry in artifact.abi if entry["type"] == "constructor"]
        inputs = _types(constructors[0]["inputs"]) if constructors else ()
        return "0x" + artifact.bytecode + encode(inputs, arguments).hex()

    def decode(self, contract: str, function: str, result: str) -> tuple[Any, ...]:
        """The values that a call returned. Raises InconsistentChain when the answer is not of the function's form."""
        found = self.function(contract, function)
        try:
            return tuple(decode(found.outputs, bytes.fromhex(result.removeprefix("0x"))))
        except (DecodingError, ValueError, OverflowError) as error:
            raise InconsistentChain(f"{contract}.{found.signature} answered {result[:74]!r}: {error}") from None

    def function(self, contract: str, name: str) -> Function:
        """Raises InvalidInput when the contract has no such function, or several."""
        if (contract, name) not in self._functions:
            self._functions[contract, name] = self._find(contract, name)
        return self._functions[contract, name]

    def _find(self, contract: str, name: str) -> Function:
        if contract not in self._artifacts:
            raise InvalidInput(f"no contract is called {contract}")
        entries = [entry for entry in self._artifacts[contract].abi if entry["type"] == "function"]
        functions = [
            Function(canonical(entry), _types(entry["inputs"]), _types(entry["outputs"]))
            for entry in entries
            if name in (entry["name"], canonical(entry))
        ]
        if len(functions) != 1:
            known = ", ".join(function.signature for function in functions) or "none"
            raise InvalidInput(f"{contract} has {len(functions)} functions {name} ({known}); name one by its signature")
        return functions[0]


def canonical(entry: Mapping[str, Any]) -> str:
    """The signature of a function or an error of an ABI, as its selector is made of."""
    return f"{entry['name']}({','.join(_types(entry['inputs']))})"


def _types(parameters: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(_type(parameter) for parameter in parameters)


def _type(parameter: Mapping[str, Any]) -> str:
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(parameter['components']))}){kind.removeprefix('tuple')}"
