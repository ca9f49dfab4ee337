"""chainpoints on a measuring chain, deployed by its own plan: what the recipes in operations.py are told with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from benchmarks.gas.chain import Chain, address_of
from benchmarks.gas.contracts import Contracts
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.deployment import deploy_to
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.signer import Signer, local_key
from chainpoints.config import load_settings
from chainpoints.types import Address

DAY, WEEK = 86_400, 7 * 86_400


class System:
    """A deployment, and the people who use it by their names."""

    def __init__(self, chain: Chain, manifest: Manifest, artifacts: dict[str, Artifact]) -> None:
        self.chain, self.manifest = chain, manifest
        self._contracts = Contracts(chain, manifest, artifacts)
        self._orders = 0

    def send(self, who: str, contract: str, function: str, *arguments: Any) -> int:
        """The gas of the call, sent by a person."""
        return self._contracts.send(address_of(who), contract, function, *arguments)

    def send_as(self, role: str, contract: str, function: str, *arguments: Any) -> int:
        """The gas of the call, sent by the account of a role."""
        return self._contracts.send(role_account(role), contract, function, *arguments)

    def read(self, contract: str, function: str, *arguments: Any) -> Any:
        return self._contracts.read(contract, function, *arguments)

    def move_to_week(self, week: int) -> None:
        """Noon of the first day of a week of the FEC program's grid, whose week 0 began with the chain."""
        self.chain.move_to(week * WEEK + DAY // 2)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """As Chain's; orders are counted on from here again, so what follows has the same hashes."""
        orders = self._orders
        with self.chain.undone():
            yield
        self._orders = orders

    def new_order(self) -> bytes:
        """The hash of an order that nobody has paid yet."""
        self._orders += 1
        return keccak(text=f"order {self._orders}")


def role_account(role: str) -> Address:
    return Signer(local_key(role)).address


def deploy(chain: Chain, artifacts: dict[str, Artifact]) -> System:
    """The project's own deployment plan, carried out as on any local chain."""
    with tempfile.TemporaryDirectory(prefix="chainpoints-gas-") as folder:
        settings = load_settings(
            {
                "CHAINPOINTS_HOME": folder,
                "CHAINPOINTS_DEPLOYMENTS": str(Path(folder) / "deployments"),
                "CHAINPOINTS_CHAIN_PORT": str(chain.port),
            }
        )
        return System(chain, deploy_to(settings, artifacts, _silent), artifacts)


def _silent(_line: str) -> None:
    """The deployment's progress is not what is asked here."""
