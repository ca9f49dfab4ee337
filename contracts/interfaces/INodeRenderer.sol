// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPrograms} from "./IPrograms.sol";
import {IReleaseNode} from "./IReleaseNode.sol";

interface INodeRenderer {
    function tokenURI(IReleaseNode nodes, IPrograms programs, uint256 id) external view returns (string memory);
    function contractURI() external view returns (string memory);
}
