"""What a random life chooses among: amounts, people, nodes and moments, mostly such that the call succeeds."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from beginning import NO_MERCHANT, OF_WALLET, SYBIL, TEA_HOUSE
from deployment import Deployment

from chainpoints.types import DAY_SECONDS, ONE_POINT, SUPPLY_CAP, ZERO_ADDRESS, Address, NodeId
from twin import Twin

Choice = TypeVar("Choice")

LARGEST = 2**64 - 1
FOREVER = 2**40 - 1


class Choices:
    """By its seed alone. `told` says what happened."""

    def __init__(self, system: Deployment, seed: int) -> None:
        self.system, self.seed, self.chance = system, seed, random.Random(seed)
        self.people = system.people
        self.told: list[str] = []

    @property
    def twin(self) -> Twin:
        return self.system.twin

    def one_of(self, *several: Choice) -> Choice:
        return self.chance.choice(several)

    def seldom(self) -> bool:
        return self.chance.random() < 0.1

    def amount(self, *near: int) -> int:
        """Mostly a few points; else an extreme, or something around one of `near`."""
        if self.chance.random() < 0.7:
            return self.chance.randint(1, 30 * ONE_POINT)
        extremes = [0, 1, LARGEST, SUPPLY_CAP, self.chance.getrandbits(self.chance.randint(1, 64)), *near * 4]
        return min(LARGEST, max(0, self.chance.choice(extremes) + self.one_of(0, 0, 0, 1, -1)))

    def person(self) -> Address:
        return self.chance.choice(self.people)

    def anybody(self) -> Address:
        """Seldom an address that nobody can have."""
        if not self.seldom():
            return self.person()
        return self.one_of(ZERO_ADDRESS, self.twin.contracts.token, self.twin.contracts.nodes, self.stranger)

    @property
    def stranger(self) -> Address:
        return self.system.roles["anchorer"]

    def merchant(self) -> int:
        return NO_MERCHANT if self.seldom() else self.one_of(TEA_HOUSE, TEA_HOUSE, SYBIL, OF_WALLET)

    def program(self) -> int:
        known = len(self.twin.programs)
        return self.one_of(0, known + 1) if self.chance.random() < 0.03 else self.chance.randint(1, known)

    def node(self, preferred: Callable[[int], bool] = lambda node: True) -> int:
        """Mostly of those that are preferred; seldom one that is not there."""
        if self.seldom():
            return self.chance.choice([0, *self.twin.ended, NodeId(1, 2, 0, self.person()).token_id])
        nodes = list(self.twin.nodes)
        return self.chance.choice([node for node in nodes if preferred(node)] or nodes or [0])

    def owner(self, node: int) -> Address:
        """Of the node, or seldom somebody else."""
        return self.who_can(self.twin.nodes[node].owner if node in self.twin.nodes else self.person())

    def payout(self, merchant: int) -> Address:
        """Of the merchant, or seldom somebody else."""
        return self.who_can(self.twin.merchants[merchant].payout if merchant in self.twin.merchants else self.person())

    def who_can(self, wanted: Address) -> Address:
        """Call and sign: somebody else for whoever cannot, and seldom anyway."""
        return wanted if wanted in self.system.keys and not self.seldom() else self.person()

    def is_unlocked(self, node: int) -> bool:
        return self.twin.elapsed(node) > 0

    def is_given(self, node: int) -> bool:
        return self.twin.nodes[node].gift is not None

    def moment(self) -> int:
        """Mostly later than now."""
        now = self.twin.now
        return self.one_of(now + 1, now + 3_600, now + 40 * DAY_SECONDS, FOREVER, now, now - 1, 0)

    def times(self) -> tuple[int, int]:
        """Valid after and before."""
        now = self.twin.now
        if self.chance.random() < 0.05:
            return self.one_of((now, FOREVER), (0, now), (now - 1, now + 1), (FOREVER, 0))
        return self.one_of(0, now - 1, now - 60), now + 60
