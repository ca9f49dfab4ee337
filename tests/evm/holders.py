"""Random claims, and what holders do with nodes and points, and guardians with holders."""

from __future__ import annotations

from collections import Counter
from typing import Any

from choices import LARGEST, Choices
from deployment import Act

import messages
from chainpoints.chain.signatures import claim_approval_typed_data
from chainpoints.types import ONE_POINT, ZERO_ADDRESS, Address

SAFE_TRANSFER = "safeTransferFrom(address,address,uint256)"


class Holders(Choices):
    # ------------------------------------------------------------------------------------------------ claims

    def claimable(self, owner: Address | None = None) -> list[int]:
        """Nodes in random order, mostly of those that have something to claim; seldom one twice, none, or a bad one."""
        nodes = [n for n in self.twin.nodes if self.twin.claimable(n) and owner in (None, self.twin.nodes[n].owner)]
        self.chance.shuffle(nodes)
        nodes = nodes[: self.chance.randint(1, 8)]
        if self.chance.random() < 0.5:
            nodes.sort(key=lambda n: (self.twin.nodes[n].owner, n))
        if self.seldom():
            nodes = self.one_of([], nodes + nodes[:1], [*nodes, self.node()], [self.node()] * 501)
        return nodes

    def claim(self) -> Act:
        nodes = self.claimable()
        return Act("ReleaseNode", "claim", (nodes,), self.stranger, "claim", (nodes,))

    def claim_to(self) -> Act:
        """By the owner, or by somebody who may perhaps."""
        known = list(self.twin.allowances)
        owner, delegate, to = self.chance.choice(known) if known else (self.person(),) * 3
        if self.chance.random() < 0.5:
            owner, to = self.person(), self.anybody()
            delegate = owner
        if self.seldom():
            delegate = self.person()
        nodes = self.claimable(owner) or [self.node()]
        return Act("ReleaseNode", "claimTo", (nodes, to), delegate, "claim_to", (delegate, nodes, to))

    def allowance(self) -> tuple[Any, ...]:
        """Owner, delegate, receiver, cap, deadline."""
        return (self.person(), self.person(), self.anybody(), self.one_of(LARGEST, self.amount()), self.moment())

    def approve_claim(self) -> Act:
        owner, *given = self.allowance()
        return Act("ReleaseNode", "approveClaim", tuple(given), owner, "approve_claim", (owner, *given))

    def permit_claim(self) -> Act:
        owner, delegate, to, cap, deadline = self.allowance()
        nonce, signer = self.twin.claim_nonces[owner] + self.seldom(), self.person() if self.seldom() else owner
        message = claim_approval_typed_data(self.system.manifest, owner, delegate, to, cap, deadline, nonce)
        given = (owner, delegate, to, cap, deadline, self.system.sign(signer, message))
        arguments = (owner, delegate, to, cap, deadline, nonce, signer)
        return Act("ReleaseNode", "permitClaim", given, self.stranger, "permit_claim", arguments)

    # ------------------------------------------------------------------------------------------------ nodes

    def transfer_node(self) -> Act:
        node = self.node(self.is_unlocked)
        owner, to = self.owner(node), self.anybody()
        operators = [self.twin.nodes[node].approved] if node in self.twin.nodes else []
        operator = self.chance.choice([owner, owner, self.person(), *(each for each in operators if each)])
        name = "transferFrom" if to not in self.people else self.one_of("transferFrom", SAFE_TRANSFER)
        arguments = (operator, owner, to, node)
        return Act("ReleaseNode", name, (owner, to, node), operator, "transfer_node", arguments)

    def approve_node(self) -> Act:
        node = self.node()
        owner, given = self.owner(node), (self.one_of(ZERO_ADDRESS, self.person(), self.person()), node)
        return Act("ReleaseNode", "approve", given, owner, "approve_node", (owner, *given))

    def approve_all(self) -> Act:
        owner, given = self.person(), (self.anybody(), self.chance.random() < 0.7)
        return Act("ReleaseNode", "setApprovalForAll", given, owner, "approve_all", (owner, *given))

    def split(self) -> Act:
        node = self.node(self.is_unlocked)
        total = self.twin.nodes[node].total if node in self.twin.nodes else ONE_POINT
        parts = self.chance.randint(1, 4)
        totals = [self.one_of(1, 60, total // 2, self.chance.randint(1, total // parts + 1)) for _ in range(parts)]
        if total <= 100 and self.chance.random() < 0.5:
            totals = [1] * (total - 1)
        elif self.seldom():
            totals = self.one_of([], [0], [total], [total - 1], [LARGEST], [1] * 100, [1] * 101)
        owner = self.owner(node)
        return Act("ReleaseNode", "split", (node, totals), owner, "split", (owner, node, totals))

    def merge(self) -> Act:
        """Mostly of nodes that can be merged."""
        kinds = {n: (n >> 200, node.owner, node.receiver, node.gift) for n, node in self.twin.nodes.items()}
        several = Counter(kinds.values())
        into = self.node(lambda n: several[kinds[n]] > 1 and self.is_unlocked(n))
        alike = [n for n in kinds if n != into and (self.seldom() or kinds[n] == kinds.get(into))]
        self.chance.shuffle(alike)
        nodes = alike[: self.chance.randint(1, 4)]
        if self.seldom():
            nodes = self.one_of([], nodes * 2, [*nodes, into], [into] * 101)
        owner = self.owner(into)
        return Act("ReleaseNode", "merge", (into, nodes), owner, "merge", (owner, into, nodes))

    def give(self) -> Act:
        node = self.node(self.is_unlocked)
        owner, secret = self.owner(node), ZERO_ADDRESS if self.seldom() else self.person()
        given = (node, secret, self.moment())
        return Act("ReleaseNode", "give", given, owner, "give", (owner, *given))

    def take(self) -> Act:
        node = self.node(self.is_given)
        gift = self.twin.nodes[node].gift if node in self.twin.nodes else None
        signer = self.person() if gift is None or self.seldom() else gift.secret
        to = self.anybody()
        signature = self.system.sign(signer, messages.gift(self.system.manifest, node, to))
        return Act("ReleaseNode", "take", (node, to, signature), self.stranger, "take", (node, to, signer))

    def take_back(self) -> Act:
        given = (self.node(self.is_given),)
        return Act("ReleaseNode", "takeBack", given, self.stranger, "take_back", given)

    def set_beneficiary(self) -> Act:
        node = self.node()
        owner, given = self.owner(node), (node, self.anybody())
        return Act("ReleaseNode", "setBeneficiary", given, owner, "set_beneficiary", (owner, *given))

    # ------------------------------------------------------------------------------------------------ points

    def transfer(self) -> Act:
        sender = self.person()
        given = (self.anybody(), self.amount(self.twin.balances[sender]))
        return Act("PointsToken", "transfer", given, sender, "transfer", (sender, *given))

    def approve(self) -> Act:
        holder, spender = self.person(), self.one_of(self.anybody(), self.twin.contracts.nodes)
        given = (spender, self.one_of(self.amount(), 2**256 - 1))
        return Act("PointsToken", "approve", given, holder, "approve", (holder, *given))

    def allowed(self) -> tuple[Address, Address, int]:
        """Holder, spender and an amount."""
        known = [parties for parties in self.twin.spending if parties[1] in self.people]
        holder, spender = self.chance.choice([*known, (self.person(), self.person())])
        return (
            holder,
            spender,
            self.amount(self.twin.balances[holder], min(LARGEST, self.twin.spending[holder, spender])),
        )

    def transfer_from(self) -> Act:
        (holder, spender, amount), to = self.allowed(), self.anybody()
        arguments = (spender, holder, to, amount)
        return Act("PointsToken", "transferFrom", (holder, to, amount), spender, "transfer_from", arguments)

    def burn(self) -> Act:
        holder = self.person()
        given = (self.amount(self.twin.balances[holder]),)
        return Act("PointsToken", "burn", given, holder, "burn", (holder, *given))

    def burn_from(self) -> Act:
        holder, spender, amount = self.allowed()
        return Act("PointsToken", "burnFrom", (holder, amount), spender, "burn_from", (spender, holder, amount))

    def freeze(self) -> Act:
        account, guardian = self.frozen(), self.system.roles["guardian"]
        return Act("PointsToken", "freeze", (account, "a reason"), guardian, "freeze", (account,))

    def confirm_freeze(self) -> Act:
        account, admin = self.frozen(), self.system.roles["admin"]
        return Act("PointsToken", "confirmFreeze", (account, "a reason"), admin, "confirm_freeze", (account,))

    def unfreeze(self) -> Act:
        frozen = [person for person in self.people if self.twin.frozen_until[person] > self.twin.now]
        given = (self.chance.choice([*frozen * 3, self.person()]),)
        return Act("PointsToken", "unfreeze", given, self.system.roles["guardian"], "unfreeze", given)

    def frozen(self) -> Address:
        return self.one_of(*self.people, self.system.payout, self.twin.contracts.nodes, self.anybody())
