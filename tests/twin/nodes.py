"""ReleaseNode: what each node holds, and how it grows, pays and changes hands. Pieces, gifts and custody: pieces.py."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from chainpoints.chain.parameters import Program
from chainpoints.types import ZERO_ADDRESS, Address, NodeId
from twin.books import ProgramBooks, share
from twin.state import Contracts, Record, Refused, all_or_nothing, require

CLAIM_LIMIT = 500
ADVANCE_LIMIT = 2**16 - 1
OF_PAYMENTS, OF_ISSUES = 0, 1
"""Serials of nodes. Pieces of a split have those from 2 on."""


@dataclass(frozen=True)
class Gift:
    secret: Address
    expiry: int


@dataclass
class Node(Record):
    """Of it was paid released(total, claimed_periods) + advance: splits round down, and the next claims pay less."""

    owner: Address
    total: int
    claimed_periods: int = 0
    advance: int = 0
    beneficiary: Address | None = None
    approved: Address | None = None
    gift: Gift | None = None

    @property
    def receiver(self) -> Address:
        """Who is paid what it releases."""
        return self.beneficiary or self.owner


@dataclass(frozen=True)
class Run:
    """Nodes of a batch that stand one after another and are paid together."""

    program: int
    owner: Address
    to: Address


class Nodes(ProgramBooks):
    def __init__(self, contracts: Contracts, now: int, programs: tuple[Program, ...]) -> None:
        super().__init__(contracts, now, programs)
        self.nodes: dict[int, Node] = {}
        self.ended: set[int] = set()
        self.operators: set[tuple[Address, Address]] = set()
        self.allowances: dict[tuple[Address, Address, Address], tuple[int, int]] = {}
        self.claim_nonces: Counter[Address] = Counter()

    # ------------------------------------------------------------------------------------------------ getters

    def elapsed(self, node_id: int) -> int:
        """Full periods since the node's start, 0 (it is locked) to N."""
        name = NodeId.from_token_id(node_id)
        return self.grid(name.program).elapsed(name.start, self.now)

    def unlocks_at(self, node_id: int) -> int:
        name = NodeId.from_token_id(node_id)
        return self.grid(name.program).begins_at(name.start + 1)

    def released(self, node_id: int, periods: int) -> int:
        return self._released(node_id, self.nodes[node_id].total, periods)

    def _released(self, node_id: int, total: int, periods: int) -> int:
        """Of a node of this program, rounded down."""
        part = share(self.programs[NodeId.from_token_id(node_id).program].schedule, periods)
        return total * part.numerator // part.denominator

    def claimed(self, node_id: int) -> int:
        node = self.nodes[node_id]
        return self.released(node_id, node.claimed_periods) + node.advance

    def claimable(self, node_id: int) -> int:
        return max(0, self.released(node_id, self.elapsed(node_id)) - self.claimed(node_id))

    def nodes_of(self, owner: Address) -> int:
        return sum(node.owner == owner for node in self.nodes.values())

    def node_struct(self, node_id: int) -> tuple[Any, ...]:
        """IReleaseNode.Node."""
        name, node = NodeId.from_token_id(node_id), self.nodes[node_id]
        amounts = (node.total, self.claimed(node_id), self.claimable(node_id))
        return (node.owner, name.program, name.start, *amounts, node.claimed_periods)

    # ------------------------------------------------------------------------------------------------ claims

    @all_or_nothing
    def approve_claim(self, owner: Address, delegate: Address, to: Address, cap: int, deadline: int) -> None:
        self._approve_claim(owner, delegate, to, cap, deadline)

    @all_or_nothing
    def permit_claim(
        self, owner: Address, delegate: Address, to: Address, cap: int, deadline: int, nonce: int, signer: Address
    ) -> None:
        """By the signature of `signer` over exactly these terms, which `nonce` makes count once."""
        require(self.now <= deadline, "ReleaseNode_ClaimApprovalExpired", owner, delegate, deadline)
        is_signed = signer == owner and nonce == self.claim_nonces[owner]
        require(is_signed, "ReleaseNode_InvalidSignature", owner)
        self.claim_nonces[owner] += 1
        self._approve_claim(owner, delegate, to, cap, deadline)

    def _approve_claim(self, owner: Address, delegate: Address, to: Address, cap: int, deadline: int) -> None:
        self.allowances[owner, delegate, to] = (cap, deadline) if cap else (0, 0)

    @all_or_nothing
    def claim(self, node_ids: list[int]) -> int:
        """Points paid to whoever is paid what the nodes release, whoever calls."""
        return self._claim(node_ids, None, ZERO_ADDRESS)

    @all_or_nothing
    def claim_to(self, caller: Address, node_ids: list[int], to: Address) -> int:
        """Points paid to `to`."""
        require(to != ZERO_ADDRESS, "ERC721InvalidReceiver", to)
        return self._claim(node_ids, caller, to)

    def _claim(self, node_ids: list[int], director: Address | None, directed: Address) -> int:
        require(1 <= len(node_ids) <= CLAIM_LIMIT, "ReleaseNode_BatchSize", len(node_ids), CLAIM_LIMIT)
        run, due, paid = None, 0, 0
        for node_id in node_ids:
            node = self._node(node_id)
            if director:
                self._require_claimer(node_id, director, directed)
            next_run = Run(NodeId.from_token_id(node_id).program, node.owner, directed if director else node.receiver)
            if next_run != run:
                self._pay_run(run, due, director)
                run, due = next_run, 0
            self._require_unlocked(node_id)
            amount = self._reckon(node_id, self.claimed(node_id))
            require(amount > 0, "ReleaseNode_NothingToClaim", node_id)
            due += amount
            paid += amount
        self._pay_run(run, due, director)
        return paid

    def _require_claimer(self, node_id: int, caller: Address, to: Address) -> None:
        node = self.nodes[node_id]
        require(node.beneficiary is None, "ReleaseNode_InCustody", node_id, node.beneficiary)
        if caller == node.owner:
            return
        _, deadline = self.allowances.get((node.owner, caller, to), (0, 0))
        require(deadline != 0, "ReleaseNode_NotClaimer", node_id, caller)
        require(self.now <= deadline, "ReleaseNode_ClaimApprovalExpired", node.owner, caller, deadline)

    def _pay_run(self, run: Run | None, due: int, director: Address | None) -> None:
        if run is None:
            return
        if director and director != run.owner:
            cap, deadline = self.allowances[run.owner, director, run.to]
            require(due <= cap, "ReleaseNode_ClaimCapExceeded", run.owner, director, due, cap)
            self.allowances[run.owner, director, run.to] = (cap - due, deadline)
        self._pay_out(run.program, run.owner, run.to, due)

    # ------------------------------------------------------------------------------------------------ transfers

    @all_or_nothing
    def approve_node(self, caller: Address, approved: Address, node_id: int) -> None:
        require(node_id in self.nodes, "ERC721NonexistentToken", node_id)
        node = self.nodes[node_id]
        may = caller == node.owner or (node.owner, caller) in self.operators
        require(may, "ERC721InvalidApprover", caller)
        node.approved = None if approved == ZERO_ADDRESS else approved

    @all_or_nothing
    def approve_all(self, owner: Address, operator: Address, is_approved: bool) -> None:
        require(operator != ZERO_ADDRESS, "ERC721InvalidOperator", operator)
        (self.operators.add if is_approved else self.operators.discard)((owner, operator))

    @all_or_nothing
    def transfer_node(self, operator: Address, sender: Address, receiver: Address, node_id: int) -> None:
        """What is claimable is paid first: what the node still holds depends on time alone."""
        require(receiver != ZERO_ADDRESS, "ERC721InvalidReceiver", receiver)
        node = self._node(node_id)
        owner = node.owner
        may = operator in (owner, node.approved) or (owner, operator) in self.operators
        require(may, "ERC721InsufficientApproval", operator, node_id)
        require(node.gift is None, "ReleaseNode_Given", node_id)
        self._hand_over(node_id, receiver)
        require(owner == sender, "ERC721IncorrectOwner", sender, node_id, owner)

    def _hand_over(self, node_id: int, receiver: Address) -> None:
        self._require_unlocked(node_id)
        require(receiver != self.contracts.token, "PointsToken_SentToToken")
        self._require_not_frozen(self.nodes[node_id].owner)
        self._settle(node_id)
        node = self.nodes[node_id]
        self.nodes[node_id] = Node(receiver, node.total, node.claimed_periods, node.advance)

    # ------------------------------------------------------------------------------------------------ growth

    def _grow(self, program: int, start: int, serial: int, payer: Address, total: int, cap: int | None) -> None:
        node_id = NodeId(program, start, serial, payer).token_id
        node = self.nodes.setdefault(node_id, Node(payer, 0))
        self.ended.discard(node_id)
        node.total += total
        require(cap is None or node.total <= cap, "Programs_PayerPeriodCapExceeded", program, payer, node.total, cap)

    def _undo(self, program: int, start: int, payer: Address, diverted: int, total: int) -> None:
        node_id = NodeId(program, start, OF_PAYMENTS, payer).token_id
        require(self.elapsed(node_id) == 0, "ReleaseNode_Unlocked", node_id, self.unlocks_at(node_id))
        self._uncommit(program, diverted, total)
        # The last units of a payment may have made nothing of the node, which may be gone by now.
        if total:
            node = self._node(node_id)
            node.total -= total
            if node.total == 0:
                self._end(node_id)

    # ------------------------------------------------------------------------------------------------ for the others

    def _reckon(self, node_id: int, paid: int) -> int:
        """Counts all that the node has released as paid; how much that is beyond `paid`. More stays an advance."""
        node, elapsed = self.nodes[node_id], self.elapsed(node_id)
        released = self.released(node_id, elapsed)
        node.claimed_periods, node.advance = elapsed, max(0, paid - released)
        self._require_advance(node_id)
        return max(0, released - paid)

    def _settle(self, node_id: int) -> None:
        """Pays what is claimable, for an owner who is about to change something."""
        node = self.nodes[node_id]
        amount = self._reckon(node_id, self.claimed(node_id))
        if amount:
            self._pay_out(NodeId.from_token_id(node_id).program, node.owner, node.receiver, amount)

    def _pay_out(self, program: int, owner: Address, to: Address, amount: int) -> None:
        self._book_release(program, amount)
        if to != owner:  # a frozen owner's points go to nobody else
            self._require_not_frozen(owner)
        self._release(to, amount, self.is_funded(program))

    def _end(self, node_id: int) -> None:
        del self.nodes[node_id]
        self.ended.add(node_id)

    def _node(self, node_id: int) -> Node:
        if node_id not in self.nodes:
            raise Refused("ReleaseNode_Unknown", node_id)
        return self.nodes[node_id]

    def _require_advance(self, node_id: int) -> None:
        """What is still to be released makes good what was paid in advance."""
        node = self.nodes[node_id]
        limit = min(node.total - self.released(node_id, node.claimed_periods), ADVANCE_LIMIT)
        require(node.advance <= limit, "ReleaseNode_AdvanceTooLarge", node.advance, limit)

    def _require_unlocked(self, node_id: int) -> None:
        require(self.elapsed(node_id) > 0, "ReleaseNode_Locked", node_id, self.unlocks_at(node_id))
