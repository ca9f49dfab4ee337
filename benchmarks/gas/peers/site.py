"""A peer's contracts on a measuring chain, created one by one."""

from __future__ import annotations

from typing import Any

from benchmarks.gas.chain import Chain, address_of
from benchmarks.gas.contracts import Contracts
from chainpoints.chain.compiler import Artifact
from chainpoints.types import Address


class Site(Contracts):
    def __init__(self, chain: Chain) -> None:
        self._addresses: dict[str, Address] = {}
        self._artifacts: dict[str, Artifact] = {}
        super().__init__(chain, self, self._artifacts)

    def address(self, contract: str) -> Address:
        return self._addresses[contract]

    def add(self, artifact: Artifact, *arguments: Any) -> Address:
        """Creates the contract, known by its artifact's name from then on."""
        self._artifacts[artifact.name] = artifact
        address = self.chain.create(address_of("deployer"), self.calls.encode_creation(artifact.name, arguments))
        self._addresses[artifact.name] = address
        return address
