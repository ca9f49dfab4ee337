"""Contracts on a measuring chain, called by name: ours and the peers' alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.gas.chain import Chain
from chainpoints.chain.calls import Calls, Deployed
from chainpoints.chain.compiler import Artifact
from chainpoints.types import Address


class Contracts:
    """The contracts of a deployment."""

    def __init__(self, chain: Chain, deployed: Deployed, artifacts: Mapping[str, Artifact]) -> None:
        self.chain, self._deployed = chain, deployed
        self.calls = Calls(deployed, artifacts)

    def address(self, contract: str) -> Address:
        return self._deployed.address(contract)

    def send(self, sender: Address, contract: str, function: str, *arguments: Any) -> int:
        """The gas of a transaction that calls the function."""
        return self.chain.send(sender, *self.calls.encode(contract, function, arguments))

    def read(self, contract: str, function: str, *arguments: Any) -> Any:
        """What a view function returns; a single value by itself."""
        result = self.chain.read(*self.calls.encode(contract, function, arguments))
        values = self.calls.decode(contract, function, result)
        return values[0] if len(values) == 1 else values
