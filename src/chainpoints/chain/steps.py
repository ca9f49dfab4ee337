"""A plan's steps into what is sent: names become addresses and selectors, calls become calldata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.plan import Addresses, AddressOf, Create, HandOver, Open, Role, SelectorsOf, Step
from chainpoints.types import Address


class Steps:
    """The steps of a plan whose contracts are at, or will be at, `addresses`."""

    def __init__(self, addresses: Addresses, artifacts: dict[str, Artifact]) -> None:
        self._addresses = addresses
        self._calls = Calls(addresses, artifacts)

    def creation_code(self, step: Create) -> str:
        """The code that creates the contract, as 0x text."""
        return self._calls.encode_creation(step.contract, self._resolved(step.arguments))

    def call(self, step: Open | HandOver) -> tuple[Address, str]:
        """Whom the step calls, and with which data (0x text)."""
        if isinstance(step, Open):
            terms = tuple(step.program.terms().values())
            return self._calls.encode(
                "Programs", "open", [terms, step.program.name, step.program.schedule.table_bytes()]
            )
        inner = [self._calls.encode("AccessManager", c.function, self._resolved(c.arguments))[1] for c in step.calls]
        return self._calls.encode("AccessManager", "multicall", [[bytes.fromhex(data[2:]) for data in inner]])

    def describe(self, step: Step) -> str:
        """The step in words, for progress lines and errors."""
        if isinstance(step, Create):
            return f"{step.contract} at {self._addresses.address(step.contract)}"
        if isinstance(step, Open):
            return f"Program {step.id}, {step.program.name}"
        return "Roles set up and handed over; the deployer keeps none"

    def signatures(self, role: Role) -> dict[str, list[str]]:
        """The canonical signatures, by contract, of the functions that need a role."""
        return {
            contract: [self._calls.function(contract, name).signature for name in names]
            for contract, names in role.functions.items()
        }

    def _resolved(self, arguments: Sequence[Any]) -> list[Any]:
        resolved: list[Any] = []
        for argument in arguments:
            if isinstance(argument, AddressOf):
                resolved.append(self._addresses.address(argument.address_of))
            elif isinstance(argument, SelectorsOf):
                named = (self._calls.function(argument.selectors_of, name) for name in argument.functions)
                resolved.append([function.selector for function in named])
            else:
                resolved.append(argument)
        return resolved
