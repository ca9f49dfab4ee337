"""Pieces, gifts and custody: what the owner of a node does with it."""

from __future__ import annotations

from chainpoints.chain.parameters import Program
from chainpoints.types import ZERO_ADDRESS, Address, NodeId
from twin.nodes import OF_ISSUES, Gift, Node, Nodes
from twin.state import Contracts, Refused, all_or_nothing, require

PIECE_LIMIT = 100


class Pieces(Nodes):
    def __init__(self, contracts: Contracts, now: int, programs: tuple[Program, ...]) -> None:
        super().__init__(contracts, now, programs)
        self.last_serial = OF_ISSUES

    @all_or_nothing
    def split(self, caller: Address, node_id: int, totals: list[int]) -> list[int]:
        """The pieces' ids. Totals add up, and so does what was paid; nothing is paid now.

        floor(a) + floor(b) <= floor(a + b): what was paid of the whole suffices for all parts, and what is over stays
        with the node as an advance.
        """
        require(1 <= len(totals) <= PIECE_LIMIT, "ReleaseNode_BatchSize", len(totals), PIECE_LIMIT)
        node = self._own_node(caller, node_id)
        self._require_unlocked(node_id)
        paid, pieces = self.claimed(node_id), []
        for total in totals:
            require(0 < total < node.total, "ReleaseNode_PieceSize", node_id, total, node.total)
            node.total -= total
            paid -= self._released(node_id, total, node.claimed_periods)
            pieces.append(self._make_piece(node_id, total))
        node.advance = paid - self.released(node_id, node.claimed_periods)
        self._require_advance(node_id)
        return pieces

    @all_or_nothing
    def merge(self, caller: Address, into: int, node_ids: list[int]) -> int:
        """Points paid: what the whole has released and none of the parts was paid, with what rounding kept back."""
        require(1 <= len(node_ids) <= PIECE_LIMIT, "ReleaseNode_BatchSize", len(node_ids), PIECE_LIMIT)
        node = self._own_node(caller, into)
        self._require_unlocked(into)
        paid, name = self.claimed(into), NodeId.from_token_id(into)
        for node_id in node_ids:
            other, other_name = self._own_node(caller, node_id), NodeId.from_token_id(node_id)
            same_kind = (other_name.program, other_name.start) == (name.program, name.start)
            is_alike = node_id != into and same_kind and other.receiver == node.receiver
            require(is_alike, "ReleaseNode_NotAlike", into, node_id)
            paid += self.claimed(node_id)
            node.total += other.total
            self._end(node_id)
        amount = self._reckon(into, paid)
        if amount:
            self._pay_out(name.program, node.owner, node.receiver, amount)
        return amount

    @all_or_nothing
    def give(self, caller: Address, node_id: int, secret: Address, expiry: int) -> None:
        node = self._own_node(caller, node_id)
        self._require_unlocked(node_id)
        require(secret != ZERO_ADDRESS, "ReleaseNode_InvalidSignature", secret)
        require(expiry > self.now, "ReleaseNode_GiftExpired", node_id, expiry)
        node.gift = Gift(secret, expiry)

    @all_or_nothing
    def take(self, node_id: int, to: Address, signer: Address) -> None:
        """By the signature of `signer` over exactly this node and receiver."""
        gift = self._gift(node_id)
        require(self.now <= gift.expiry, "ReleaseNode_GiftExpired", node_id, gift.expiry)
        require(to != ZERO_ADDRESS, "ERC721InvalidReceiver", to)
        require(signer == gift.secret, "ReleaseNode_InvalidSignature", gift.secret)
        self._hand_over(node_id, to)

    @all_or_nothing
    def take_back(self, node_id: int) -> None:
        expiry = self._gift(node_id).expiry
        require(self.now > expiry, "ReleaseNode_GiftRuns", node_id, expiry)
        self.nodes[node_id].gift = None

    @all_or_nothing
    def set_beneficiary(self, caller: Address, node_id: int, beneficiary: Address) -> None:
        """Zero, or the owner, ends the custody. What was released so far is of whom was named so far."""
        require(beneficiary != self.contracts.token, "PointsToken_SentToToken")
        node = self._own_node(caller, node_id)
        self._settle(node_id)
        node.beneficiary = None if beneficiary in (ZERO_ADDRESS, node.owner) else beneficiary

    def _make_piece(self, node_id: int, total: int) -> int:
        whole, name = self.nodes[node_id], NodeId.from_token_id(node_id)
        self.last_serial += 1
        piece = NodeId(name.program, name.start, self.last_serial, name.origin).token_id
        self.nodes[piece] = Node(whole.owner, total, whole.claimed_periods, beneficiary=whole.beneficiary)
        return piece

    def _own_node(self, caller: Address, node_id: int) -> Node:
        node = self._node(node_id)
        require(caller == node.owner, "ReleaseNode_NotOwner", node_id, caller)
        require(node.gift is None, "ReleaseNode_Given", node_id)
        return node

    def _gift(self, node_id: int) -> Gift:
        gift = self._node(node_id).gift
        if gift is None:
            raise Refused("ReleaseNode_NotGiven", node_id)
        return gift
