// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Anchors: append-only Merkle roots of the gateway's off-chain log
interface IAnchorRegistry {
    /// @notice A root was appended.
    /// @param index The anchor's index, from 0.
    /// @param root The Merkle root.
    /// @param leaves How many log entries the root covers, counted from the log's beginning.
    event Anchored(uint256 indexed index, bytes32 indexed root, uint64 leaves);

    /// @notice The zero root anchors nothing.
    error AnchorRegistry_ZeroRoot();
    /// @notice A root must cover at least as many entries as the one before: `tried` is fewer than `last`.
    error AnchorRegistry_FewerLeaves(uint64 tried, uint64 last);
    /// @notice No anchor has the index `index`.
    error AnchorRegistry_Unknown(uint256 index);

    /// @notice Appends a root. For anchorers. Emits Anchored. Reverts with AnchorRegistry_ZeroRoot,
    /// AnchorRegistry_FewerLeaves.
    /// @param root The Merkle root.
    /// @param leaves How many log entries the root covers, counted from the log's beginning.
    /// @return index The anchor's index, from 0.
    function append(bytes32 root, uint64 leaves) external returns (uint256 index);

    /// @notice How many roots there are.
    /// @return Also the index of the next one.
    function count() external view returns (uint256);

    /// @notice An anchor as it was appended. Reverts with AnchorRegistry_Unknown.
    /// @param index The anchor's index, from 0.
    /// @return root The Merkle root.
    /// @return leaves How many log entries the root covers, counted from the log's beginning.
    /// @return timestamp When it was appended, unix seconds.
    function anchor(uint256 index) external view returns (bytes32 root, uint64 leaves, uint40 timestamp);
}
