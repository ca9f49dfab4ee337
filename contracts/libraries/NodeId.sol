// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a node's id says: `program << 224 | start << 200 | serial << 160 | origin`
library NodeId {
    /// @notice The id of the node that payments of `origin` make for `start` (serial 0).
    function make(uint32 program, uint24 start, address origin) internal pure returns (uint256) {
        return uint256(program) << 224 | uint256(start) << 200 | uint160(origin);
    }

    /// @notice The program of a node.
    function programOf(uint256 id) internal pure returns (uint32) {
        return uint32(id >> 224);
    }

    /// @notice The period at whose beginning a node starts.
    function startOf(uint256 id) internal pure returns (uint24) {
        return uint24(id >> 200);
    }
}
