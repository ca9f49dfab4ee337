// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IReleaseNode} from "../interfaces/IReleaseNode.sol";
import {NodeId} from "../libraries/NodeId.sol";
import {ScheduleMath} from "../libraries/ScheduleMath.sol";
import {NodeSlot, NodeSlotFields} from "../types/NodeSlot.sol";
import {ProgramRules} from "../types/ProgramRules.sol";
import {NodeStore} from "./NodeStore.sol";

/// @title Splitting and merging nodes: totals add up, and so does what was paid
abstract contract Pieces is NodeStore {
    using NodeId for uint256;

    uint256 private constant PIECE_LIMIT = 100;

    /// @dev The serial of the last piece that was ever made.
    uint40 private _lastSerial = NodeId.OF_ISSUES;

    /// @inheritdoc IReleaseNode
    function split(uint256 id, uint64[] calldata totals) external returns (uint256[] memory pieces) {
        // Check:
        _requirePieces(totals.length);
        NodeSlot slot = _ownNode(id);
        ProgramRules rules = _known(id.programOf());
        _requireUnlocked(id, rules);

        // Check and effect: what the parts have released is at most what the whole has, so what was paid suffices for
        // all; what is over stays with the node as an advance.
        bytes memory table = _tableOf(id.programOf(), rules);
        uint256 paid = _paidOf(slot, rules, table);
        pieces = new uint256[](totals.length);
        for (uint256 i = 0; i < totals.length; ++i) {
            uint256 total = totals[i];
            uint256 whole = slot.total();
            if (total == 0 || total >= whole) revert ReleaseNode_PieceSize(id, total, whole);
            slot = slot.withTotal(whole - total);
            uint256 paidOfPiece = ScheduleMath.released(table, total, slot.claimedPeriods(), rules.periods());
            paid -= paidOfPiece;
            pieces[i] = _makePiece(id, slot, total, paidOfPiece);
        }
        (slot,) = _reckon(slot, paid, slot.claimedPeriods(), rules, table);
        _kept[id].slot = slot;
        emit MetadataUpdate(id);

        // Interaction:
        TOKEN.recount(slot.owner(), uint32(totals.length), 0);
    }

    /// @inheritdoc IReleaseNode
    function merge(uint256 into, uint256[] calldata ids) external returns (uint256 amount) {
        // Check:
        _requirePieces(ids.length);
        NodeSlot slot = _ownNode(into);
        uint32 program = into.programOf();
        ProgramRules rules = _known(program);
        uint256 elapsed = _requireUnlocked(into, rules);

        // Check and effect:
        bytes memory table = _tableOf(program, rules);
        address to = _receiverOf(into, slot);
        uint256 paid = _paidOf(slot, rules, table);
        for (uint256 i = 0; i < ids.length; ++i) {
            NodeSlot other = _requireLike(into, to, ids[i]);
            slot = slot.withTotal(slot.total() + other.total());
            paid += _end(into, ids[i], other, _paidOf(other, rules, table), elapsed);
        }
        (slot, amount) = _reckon(slot, paid, elapsed, rules, table);
        _kept[into].slot = slot;
        emit MetadataUpdate(into);

        // Interaction:
        TOKEN.recount(slot.owner(), 0, uint32(ids.length));
        if (amount == 0) return 0;
        emit Claimed(into, to, uint64(amount), uint8(elapsed));
        _payOut(program, rules, slot.owner(), to, amount);
    }

    /// @dev Ends a node that merges into another.
    function _end(uint256 into, uint256 id, NodeSlot slot, uint256 paid, uint256 elapsed) private returns (uint256) {
        _remove(id, slot);
        emit Merged(into, id, slot.owner(), uint64(slot.total()), uint64(paid), uint8(elapsed));
        return paid;
    }

    function _makePiece(uint256 id, NodeSlot whole, uint256 total, uint256 paid) private returns (uint256 piece) {
        piece = NodeId.make(id.programOf(), id.startOf(), ++_lastSerial, id.originOf());
        address owner = whole.owner();
        uint256 marks = whole.marks() & NodeSlotFields.IN_CUSTODY;
        _kept[piece].slot = NodeSlotFields.make(owner, total, whole.claimedPeriods(), marks);
        if (marks != 0) beneficiaryOf[piece] = beneficiaryOf[id];
        emit Transfer(address(0), owner, piece);
        emit Split(id, piece, owner, uint64(total), uint64(paid), uint8(whole.claimedPeriods()));
    }

    /// @dev A node of the caller, of the same program, start and receiver, which is another.
    function _requireLike(uint256 into, address to, uint256 id) private view returns (NodeSlot other) {
        other = _ownNode(id);
        bool alike = id != into && id.programOf() == into.programOf() && id.startOf() == into.startOf();
        if (!alike || _receiverOf(id, other) != to) revert ReleaseNode_NotAlike(into, id);
    }

    function _requirePieces(uint256 size) private pure {
        if (size == 0 || size > PIECE_LIMIT) revert ReleaseNode_BatchSize(size, PIECE_LIMIT);
    }
}
