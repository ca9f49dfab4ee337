// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title All that is kept of a node, in one word; its id says the rest
/// @notice From the lowest bit: owner u160 | total u64 | claimedPeriods u8 | advance u16 | marks u8. What was paid of a
/// node is released(total, claimedPeriods) + advance: splits round down, and the next claims pay so many units less.
type NodeSlot is uint256;

using NodeSlotFields for NodeSlot global;

/// @title The fields of a NodeSlot
library NodeSlotFields {
    uint256 private constant TOTAL = 160;
    uint256 private constant CLAIMED_PERIODS = 224;
    uint256 private constant ADVANCE = 232;
    uint256 private constant MARKS = 248;

    /// @notice Marks: somebody is approved for the node; it is given by a link; somebody else is paid what it releases.
    uint256 internal constant APPROVED = 1;
    uint256 internal constant GIVEN = 2;
    uint256 internal constant IN_CUSTODY = 4;

    /// @dev Each value is given within the width of its field; so it is below, in each `with`.
    function make(address owner_, uint256 total_, uint256 periods, uint256 marks_) internal pure returns (NodeSlot) {
        return NodeSlot.wrap(marks_ << MARKS | periods << CLAIMED_PERIODS | total_ << TOTAL | uint160(owner_));
    }

    /// @notice Whether there is a node: every one has an owner.
    function exists(NodeSlot slot) internal pure returns (bool) {
        return NodeSlot.unwrap(slot) != 0;
    }

    /// @notice The node's owner.
    function owner(NodeSlot slot) internal pure returns (address) {
        return address(uint160(NodeSlot.unwrap(slot)));
    }

    /// @notice The node's total, base units.
    function total(NodeSlot slot) internal pure returns (uint256) {
        return uint64(NodeSlot.unwrap(slot) >> TOTAL);
    }

    /// @notice Up to which period the node is paid out.
    function claimedPeriods(NodeSlot slot) internal pure returns (uint256) {
        return uint8(NodeSlot.unwrap(slot) >> CLAIMED_PERIODS);
    }

    /// @notice What splits paid ahead of the schedule, base units.
    function advance(NodeSlot slot) internal pure returns (uint256) {
        return uint16(NodeSlot.unwrap(slot) >> ADVANCE);
    }

    /// @notice The node's marks: a sum of APPROVED, GIVEN and IN_CUSTODY.
    function marks(NodeSlot slot) internal pure returns (uint256) {
        return NodeSlot.unwrap(slot) >> MARKS;
    }

    /// @notice Whether the node has the mark.
    function has(NodeSlot slot, uint256 mark) internal pure returns (bool) {
        return slot.marks() & mark != 0;
    }

    /// @notice The owner, and whether somebody else is paid, as one number: the owner's alone where nobody is.
    function ownerAndCustody(NodeSlot slot) internal pure returns (uint256) {
        return NodeSlot.unwrap(slot) & (IN_CUSTODY << MARKS | type(uint160).max);
    }

    /// @notice The node with another owner.
    function withOwner(NodeSlot slot, address to) internal pure returns (NodeSlot) {
        return NodeSlot.wrap(NodeSlot.unwrap(slot) >> TOTAL << TOTAL | uint160(to));
    }

    /// @notice The node with another total, base units.
    function withTotal(NodeSlot slot, uint256 value) internal pure returns (NodeSlot) {
        return NodeSlot.wrap(NodeSlot.unwrap(slot) & ~(uint256(type(uint64).max) << TOTAL) | value << TOTAL);
    }

    /// @notice The node paid out up to a period, and so many base units ahead.
    function withPaid(NodeSlot slot, uint256 periods, uint256 ahead) internal pure returns (NodeSlot) {
        uint256 cleared = NodeSlot.unwrap(slot) & ~(uint256(type(uint24).max) << CLAIMED_PERIODS);
        return NodeSlot.wrap(cleared | ahead << ADVANCE | periods << CLAIMED_PERIODS);
    }

    /// @notice The node with other marks.
    function withMarks(NodeSlot slot, uint256 value) internal pure returns (NodeSlot) {
        return NodeSlot.wrap(NodeSlot.unwrap(slot) << 8 >> 8 | value << MARKS);
    }

    /// @notice The node with the mark set or cleared.
    function marked(NodeSlot slot, uint256 mark, bool set) internal pure returns (NodeSlot) {
        return slot.withMarks(set ? slot.marks() | mark : slot.marks() & ~mark);
    }
}
