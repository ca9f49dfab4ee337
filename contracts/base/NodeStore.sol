// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";
import {IPointsToken} from "../interfaces/IPointsToken.sol";
import {IReleaseNode} from "../interfaces/IReleaseNode.sol";
import {FecTable} from "../libraries/FecTable.sol";
import {NodeId} from "../libraries/NodeId.sol";
import {ScheduleMath} from "../libraries/ScheduleMath.sol";
import {TableAddress} from "../libraries/TableAddress.sol";
import {NodeSlot, NodeSlotFields} from "../types/NodeSlot.sol";
import {ProgramRules} from "../types/ProgramRules.sol";
import {ProgramBooks} from "./ProgramBooks.sol";

/// @title What is kept of each node, what it releases, and how it changes hands
abstract contract NodeStore is ERC721, ProgramBooks, IReleaseNode {
    using NodeId for uint256;

    /// @dev A place of its own, so that who reads a node and writes it again finds it once.
    struct Kept {
        NodeSlot slot;
    }

    mapping(uint256 id => Kept) internal _kept;

    /// @inheritdoc IReleaseNode
    mapping(uint256 id => address) public beneficiaryOf;

    constructor(IPointsToken token, address programs)
        ERC721("chainpoints release node", "ADN")
        ProgramBooks(token, programs)
    {}

    /// @inheritdoc IReleaseNode
    function nodeOf(uint256 id) public view returns (Node memory) {
        NodeSlot slot = _node(id);
        uint32 program = id.programOf();
        ProgramRules rules = _known(program);
        bytes memory table = _tableOf(program, rules);
        uint256 claimed = _paidOf(slot, rules, table);
        uint256 released = ScheduleMath.released(table, slot.total(), _elapsed(rules, id.startOf()), rules.periods());
        return Node({
            owner: slot.owner(),
            program: program,
            start: id.startOf(),
            total: uint64(slot.total()),
            claimed: uint64(claimed),
            claimable: released > claimed ? uint64(released - claimed) : 0,
            claimedPeriods: uint8(slot.claimedPeriods())
        });
    }

    /// @inheritdoc IERC721
    /// @dev The token counts nodes, in the slot that a payment touches anyway.
    function balanceOf(address owner) public view override(ERC721, IERC721) returns (uint256) {
        if (owner == address(0)) revert ERC721InvalidOwner(owner);
        return TOKEN.nodesOf(owner);
    }

    /// @dev Pays out what `to` is owed of nodes of one owner and program.
    function _payOut(uint32 program, ProgramRules rules, address owner, address to, uint256 amount) internal {
        // Effect:
        bool funded = rules.funded();
        _bookRelease(program, funded, amount);

        // Interaction: the token calls nobody.
        TOKEN.releaseTo(owner, to, uint64(amount), funded);
    }

    /// @dev The node when all that it has released by now is paid, and how much that is beyond what `paid` was; what
    /// was paid beyond the schedule stays an advance.
    function _reckon(NodeSlot slot, uint256 paid, uint256 elapsed, ProgramRules rules, bytes memory table)
        internal
        pure
        returns (NodeSlot reckoned, uint256 amount)
    {
        uint256 released = ScheduleMath.released(table, slot.total(), elapsed, rules.periods());
        // Unchecked: the smaller is taken from the larger.
        unchecked {
            if (released >= paid) return (slot.withPaid(elapsed, 0), released - paid);
            return (slot.withPaid(elapsed, _requireAdvance(paid - released, slot.total() - released)), 0);
        }
    }

    /// @dev Pays whoever is paid what a node releases what is claimable, for an owner who is about to change something.
    /// The node as it is then, which the caller writes.
    function _settle(uint256 id, NodeSlot slot, ProgramRules rules, uint256 elapsed)
        internal
        returns (NodeSlot settled)
    {
        // Effect:
        if (elapsed == slot.claimedPeriods()) return slot;
        uint32 program = id.programOf();
        bytes memory table = _tableOf(program, rules);
        uint256 amount;
        (settled, amount) = _reckon(slot, _paidOf(slot, rules, table), elapsed, rules, table);
        address to = _receiverOf(id, slot);
        emit Claimed(id, to, uint64(amount), uint8(elapsed));

        // Effect and interaction: neither this contract nor the token calls a foreign one, so nobody sees the node
        // between.
        if (amount != 0) _payOut(program, rules, slot.owner(), to, amount);
    }

    /// @dev Transfers, of OpenZeppelin's ERC-721, whose own owners and balances stay unused; nothing is minted or
    /// burned through here.
    function _update(address to, uint256 id, address auth) internal override returns (address from) {
        // Check:
        NodeSlot slot = _node(id);
        from = slot.owner();
        if (auth != address(0)) _checkAuthorized(from, auth, id);
        if (slot.has(NodeSlotFields.GIVEN)) revert ReleaseNode_Given(id);

        // Check, effect and interaction:
        _transferNode(id, slot, to);
    }

    /// @dev What is claimable is paid to the seller: what a node still holds depends on time alone. A node that changes
    /// hands is nobody's to operate, or to be paid of, but its new owner's.
    function _transferNode(uint256 id, NodeSlot slot, address to) internal {
        // Check:
        ProgramRules rules = _known(id.programOf());
        uint256 elapsed = _requireUnlocked(id, rules);

        // Check, effect and interaction:
        address from = slot.owner();
        TOKEN.handOver(from, to);
        NodeSlot settled = _settle(id, slot, rules, elapsed);
        _kept[id].slot = _unmarked(id, settled).withOwner(to);
        if (NodeSlot.unwrap(settled) != NodeSlot.unwrap(slot)) emit MetadataUpdate(id);
        emit Transfer(from, to, id);
    }

    /// @dev Removes a node for good.
    function _remove(uint256 id, NodeSlot slot) internal {
        _unmarked(id, slot);
        _kept[id].slot = NodeSlot.wrap(0);
        emit Transfer(slot.owner(), address(0), id);
    }

    /// @dev Marks tell whether there is something to clear: it is a slot less to look at.
    function _approve(address to, uint256 id, address auth, bool emitEvent) internal override {
        super._approve(to, id, auth, emitEvent);
        _kept[id].slot = _kept[id].slot.marked(NodeSlotFields.APPROVED, to != address(0));
    }

    function _unmarked(uint256 id, NodeSlot slot) private returns (NodeSlot) {
        if (slot.marks() == 0) return slot;
        if (slot.has(NodeSlotFields.APPROVED)) super._approve(address(0), id, address(0), false);
        if (slot.has(NodeSlotFields.IN_CUSTODY)) delete beneficiaryOf[id];
        return slot.withMarks(0);
    }

    function _ownerOf(uint256 id) internal view override returns (address) {
        return _kept[id].slot.owner();
    }

    /// @dev A node that there is.
    function _node(uint256 id) internal view returns (NodeSlot slot) {
        slot = _kept[id].slot;
        if (!slot.exists()) revert ReleaseNode_Unknown(id);
    }

    /// @dev A node of the caller that is not given away by a link.
    function _ownNode(uint256 id) internal view returns (NodeSlot slot) {
        slot = _node(id);
        if (msg.sender != slot.owner()) revert ReleaseNode_NotOwner(id, msg.sender);
        if (slot.has(NodeSlotFields.GIVEN)) revert ReleaseNode_Given(id);
    }

    /// @dev How many periods of a node have passed, at least one.
    function _requireUnlocked(uint256 id, ProgramRules rules) internal view returns (uint256 elapsed) {
        elapsed = _elapsed(rules, id.startOf());
        if (elapsed == 0) revert ReleaseNode_Locked(id, _unlocksAt(id, rules));
    }

    /// @dev Who is paid what a node releases.
    function _receiverOf(uint256 id, NodeSlot slot) internal view returns (address) {
        return slot.has(NodeSlotFields.IN_CUSTODY) ? beneficiaryOf[id] : slot.owner();
    }

    function _tableOf(uint32 program, ProgramRules rules) internal view returns (bytes memory) {
        return rules.hasFecTable() ? FecTable.TABLE : SSTORE2.read(TableAddress.ofProgram(PROGRAMS, program));
    }

    function _paidOf(NodeSlot slot, ProgramRules rules, bytes memory table) internal pure returns (uint256) {
        return ScheduleMath.released(table, slot.total(), slot.claimedPeriods(), rules.periods()) + slot.advance();
    }

    function _unlocksAt(uint256 id, ProgramRules rules) internal pure returns (uint256) {
        return ScheduleMath.beginsAt(rules.epoch(), rules.periodLength(), uint256(id.startOf()) + 1);
    }

    /// @dev What a node is still to release makes good what was paid in advance, or the pieces would release it again.
    /// More than 65,535 pieces without a claim between them would be needed to pass 16 bits.
    function _requireAdvance(uint256 units, uint256 unreleased) private pure returns (uint256) {
        uint256 limit = unreleased < type(uint16).max ? unreleased : type(uint16).max;
        if (units > limit) revert ReleaseNode_AdvanceTooLarge(units, limit);
        return units;
    }
}
