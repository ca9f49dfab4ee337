// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPrograms} from "./IPrograms.sol";
import {IReleaseNode} from "./IReleaseNode.sol";

/// @title What a node looks like: its metadata and its picture
/// @notice Everything is drawn from the live state of the node contract and of nothing else: no server, no file, no
/// font is fetched. It holds no state and no rights, so whoever doubts a picture can draw it again.
interface INodeRenderer {
    /// @notice A node's metadata as a data URI of JSON (ERC-721): name, description, image (a data URI of SVG) and
    /// attributes. Amounts are points with 6 decimals; ADN size is total / (1,000 points * multiplier), rounded down.
    /// The attribute "Next release" is the time, unix seconds, at which the node next releases at least one base unit;
    /// it is left out, as is its amount, once all is released. Status is one of Locked (before the first release),
    /// Releasing, Released (all of it, some not yet claimed), Complete (all claimed).
    /// Reverts as `nodes.nodeOf(id)` does.
    /// @param nodes The nodes' contract.
    /// @param programs The rule book that the nodes follow.
    /// @param id The node's id.
    /// @return `data:application/json;base64,` and the JSON.
    function tokenURI(IReleaseNode nodes, IPrograms programs, uint256 id) external view returns (string memory);

    /// @notice The collection's metadata as a data URI of JSON (ERC-7572): name, symbol, description, image.
    /// @return `data:application/json;base64,` and the JSON.
    function contractURI() external view returns (string memory);
}
