"""Sablier Lockup and Flow, in the bytecode that their packages publish, with their comptroller and no fees."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.gas.chain import Chain, address_of
from benchmarks.gas.peers.packages import Package, published_artifact
from benchmarks.gas.peers.site import Site
from benchmarks.gas.peers.streams import WEEK
from chainpoints.chain.compiler import Artifact
from chainpoints.domain.schedule import FEC
from chainpoints.types import ZERO_ADDRESS, Address

LOCKUP = Package(
    "@sablier/lockup",
    "4.0.1",
    "jEWd1RqcYpjFx9X5SCju9Aqlge+R5zSxb+7K2jYt7wtytTQmUzIRN+q4UadMcJMSmskHU+6mf9lDfkng9Bgjrw==",
)
FLOW = Package(
    "@sablier/flow",
    "3.0.1",
    "P7r2tMHRTS3KadYzwd4iEzHaSbKzPQfM+W1LI1lqQ11VhbRR0sqFjE71V6jr+QQPA3ns/L1KLf24Op5VOIvPDg==",
)
UTILS = Package(
    "@sablier/evm-utils",
    "2.0.1",
    "LRyCMKTHMbnUbiTTO1IGsCVXzl+KL63K3qSjynwmXOZhUfPDE0MIqvvRlvF34JukWGy60IkdmnsPD0lWk+fzuw==",
)

_DURATION = 100 * WEEK
_AMOUNT = _DURATION
"""What a stream pays in all: a base unit a second, since Flow stores what is left of a claim that is no whole units."""

_RATE = 10**12
"""The same, as Flow takes it: tokens a second with 18 decimals, whatever the token's."""


class _Sablier(Site):
    """What Lockup and Flow share: the token that is streamed, the shop that pays, the comptroller behind its proxy."""

    contract: str
    largest_batch = 100

    def __init__(self, chain: Chain, utils: Path, token: Artifact) -> None:
        super().__init__(chain)
        self._token, self._shop = token, address_of("shop")
        self.add(token)
        self.send(self._shop, token.name, "mint", self._shop, 10**15)
        self._comptroller = self._create_comptroller(utils / "artifacts")

    def newest(self, count: int) -> list[int]:
        following = int(self.read(self.contract, "nextStreamId"))
        return list(range(following - count, following))

    def transfer(self, giver: str, receiver: str, stream: int) -> int:
        sender = address_of(giver)
        return self.send(sender, self.contract, "transferFrom", sender, address_of(receiver), stream)

    def _approve(self, spender: Address) -> None:
        """For ever: OpenZeppelin's token does not count such an allowance down."""
        self.send(self._shop, self._token.name, "approve", spender, 2**256 - 1)

    def _create_comptroller(self, artifacts: Path) -> Address:
        admin = address_of("deployer")
        code = published_artifact(artifacts / "SablierComptroller.json")
        implementation = self.add(code, admin)
        _, call = self.calls.encode(code.name, "initialize", (admin, 0, 0, 0, 0, ZERO_ADDRESS))
        proxy = published_artifact(artifacts / "ERC1967Proxy.json")
        return self.add(proxy, implementation, bytes.fromhex(call[2:]))

    def _batch(self, sender: Address, function: str, calls: list[tuple[Any, ...]]) -> int:
        """Several calls of one contract as one transaction."""
        encoded = [self.calls.encode(self.contract, function, arguments)[1] for arguments in calls]
        return self.send(sender, self.contract, "batch", [bytes.fromhex(call[2:]) for call in encoded])


class LockupLinear(_Sablier):
    """Sablier Lockup: a stream that is released evenly, second by second."""

    contract = "SablierLockup"
    _function = "createWithDurationsLL"

    def __init__(self, chain: Chain, lockup: Path, utils: Path, token: Artifact) -> None:
        super().__init__(chain, utils, token)
        artifacts = lockup / "artifacts"
        names = ("LockupHelpers", "LockupMath")
        libraries = {name: self.add(published_artifact(artifacts / "libraries" / f"{name}.json")) for name in names}
        code = published_artifact(artifacts / "SablierLockup.json", libraries)
        self._approve(self.add(code, self._comptroller, ZERO_ADDRESS))

    def create(self, receiver: str, count: int) -> int:
        arguments = self._creation(receiver)
        if count == 1:
            return self.send(self._shop, self.contract, self._function, *arguments)
        # Cheaper than SablierBatchLockup, its other way.
        return self._batch(self._shop, self._function, [arguments] * count)

    def claim(self, receiver: str, streams: list[int]) -> int:
        owner = address_of(receiver)
        # With amounts, which anyone can read: cheaper than withdrawMax, and than a batch of it.
        amounts = [self.read(self.contract, "withdrawableAmountOf", stream) for stream in streams]
        if len(streams) == 1:
            return self.send(owner, self.contract, "withdraw", streams[0], owner, amounts[0])
        return self.send(owner, self.contract, "withdrawMultiple", streams, amounts)

    def _creation(self, receiver: str) -> tuple[Any, ...]:
        return self._terms(receiver), (0, 0), 0, (0, _DURATION)

    def _terms(self, receiver: str) -> tuple[Any, ...]:
        return (self._shop, address_of(receiver), _AMOUNT, self.address(self._token.name), False, True, "")


class LockupTranched(LockupLinear):
    """Sablier Lockup: a stream that is released in the same hundred steps as a node of ours."""

    largest_batch = 10  # a hundred would not go into a block
    _function = "createWithDurationsLT"

    def _creation(self, receiver: str) -> tuple[Any, ...]:
        steps = [(after - before, WEEK) for before, after in pairwise(FEC.amounts(_AMOUNT))]
        return self._terms(receiver), steps


class Flow(_Sablier):
    """Sablier Flow: a stream by its rate, with what it pays out deposited."""

    contract = "SablierFlow"

    def __init__(self, chain: Chain, flow: Path, utils: Path, token: Artifact) -> None:
        super().__init__(chain, utils, token)
        code = published_artifact(flow / "artifacts" / "SablierFlow.json")
        self._approve(self.add(code, self._comptroller, ZERO_ADDRESS))

    def create(self, receiver: str, count: int) -> int:
        token = self.address(self._token.name)
        arguments = (self._shop, address_of(receiver), _RATE, 0, token, True, _AMOUNT)
        if count == 1:
            return self.send(self._shop, self.contract, "createAndDeposit", *arguments)
        return self._batch(self._shop, "createAndDeposit", [arguments] * count)

    def claim(self, receiver: str, streams: list[int]) -> int:
        owner = address_of(receiver)
        if len(streams) == 1:
            return self.send(owner, self.contract, "withdrawMax", streams[0], owner)
        return self._batch(owner, "withdrawMax", [(stream, owner) for stream in streams])
