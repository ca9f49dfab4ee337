// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {INodeRenderer} from "./interfaces/INodeRenderer.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {IReleaseNode} from "./interfaces/IReleaseNode.sol";

contract NodeRenderer is INodeRenderer {
    function tokenURI(IReleaseNode, IPrograms, uint256) external pure returns (string memory) {
        return "";
    }

    function contractURI() external pure returns (string memory) {
        return "";
    }
}
