// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a node's id says: `program << 224 | start << 200 | serial << 160 | origin`
library NodeId {
    /// @notice The serial of nodes made by payments, which one payer has one of for each start.
    uint40 internal constant OF_PAYMENTS = 0;
    /// @notice The serial of nodes made by issues. Pieces of a split have the serials from 2 on, each once.
    uint40 internal constant OF_ISSUES = 1;

    /// @notice The id of a node.
    function make(uint32 program, uint24 start, uint40 serial, address origin) internal pure returns (uint256) {
        return uint256(program) << 224 | uint256(start) << 200 | uint256(serial) << 160 | uint160(origin);
    }

    /// @notice The program of a node.
    function programOf(uint256 id) internal pure returns (uint32) {
        return uint32(id >> 224);
    }

    /// @notice The period at whose beginning a node starts.
    function startOf(uint256 id) internal pure returns (uint24) {
        return uint24(id >> 200);
    }

    /// @notice Whom a node was made for, whoever owns it now.
    function originOf(uint256 id) internal pure returns (address) {
        return address(uint160(id));
    }
}
