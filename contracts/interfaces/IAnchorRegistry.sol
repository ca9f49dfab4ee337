// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Anchors: append-only Merkle roots of the gateway's off-chain log
interface IAnchorRegistry {
    /// @notice A root was appended.
    /// @param index Its place, from 0.
    /// @param root The Merkle root.
    /// @param leaves How many log entries it covers, counted from the log's beginning.
    event Anchored(uint256 indexed index, bytes32 indexed root, uint64 leaves);

    /// @notice The zero root anchors nothing.
    error AnchorRegistry_ZeroRoot();
    /// @notice A root must cover at least as many entries as the one before.
    error AnchorRegistry_FewerLeaves(uint64 tried, uint64 last);
    /// @notice No anchor has this index.
    error AnchorRegistry_Unknown(uint256 index);

    /// @notice Appends a root. For anchorers. Emits Anchored. Reverts with AnchorRegistry_ZeroRoot,
    /// AnchorRegistry_FewerLeaves.
    /// @return index Its place.
    function append(bytes32 root, uint64 leaves) external returns (uint256 index);

    /// @notice How many roots there are.
    function count() external view returns (uint256);

    /// @notice A root, how many entries it covers and when it was appended (unix seconds). Reverts with AnchorRegistry_Unknown.
    function anchor(uint256 index) external view returns (bytes32 root, uint64 leaves, uint40 timestamp);
}
