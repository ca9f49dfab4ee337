// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IPaymentProcessor} from "../../contracts/interfaces/IPaymentProcessor.sol";
import {IPointsToken} from "../../contracts/interfaces/IPointsToken.sol";
import {IPrograms} from "../../contracts/interfaces/IPrograms.sol";
import {IReleaseNode} from "../../contracts/interfaces/IReleaseNode.sol";

// All that the contracts answer to. Tests know no more of a contract than this, so they are compiled without it: fast,
// by the pipeline of the profile "tests", while what they deploy is what everybody deploys.

interface Token is IPointsToken, IERC20Metadata, IERC5267, IAccessManaged {}

interface RuleBook is IPrograms, IAccessManaged {}

interface NodeToken is IReleaseNode, IERC721Metadata, IERC5267 {
    function nonces(address owner) external view returns (uint256);
}

interface Processor is IPaymentProcessor, IERC5267, IAccessManaged {}
