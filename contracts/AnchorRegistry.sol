// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAnchorRegistry} from "./interfaces/IAnchorRegistry.sol";

/// @title Anchors: append-only Merkle roots of the gateway's off-chain log
contract AnchorRegistry is IAnchorRegistry, AccessManaged {
    struct Anchor {
        bytes32 root;
        uint64 leaves;
        uint40 timestamp;
    }

    Anchor[] private _anchors;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IAnchorRegistry
    function append(bytes32 root, uint64 leaves) external restricted returns (uint256 index) {
        // Check:
        if (root == 0) revert AnchorRegistry_ZeroRoot();
        index = _anchors.length;
        if (index != 0) {
            uint64 last = _anchors[index - 1].leaves;
            if (leaves < last) revert AnchorRegistry_FewerLeaves(leaves, last);
        }

        // Effect:
        _anchors.push(Anchor(root, leaves, uint40(block.timestamp)));
        emit Anchored(index, root, leaves);
    }

    /// @inheritdoc IAnchorRegistry
    function count() external view returns (uint256) {
        return _anchors.length;
    }

    /// @inheritdoc IAnchorRegistry
    function anchor(uint256 index) external view returns (bytes32 root, uint64 leaves, uint40 timestamp) {
        if (index >= _anchors.length) revert AnchorRegistry_Unknown(index);
        Anchor storage entry = _anchors[index];
        return (entry.root, entry.leaves, entry.timestamp);
    }
}
