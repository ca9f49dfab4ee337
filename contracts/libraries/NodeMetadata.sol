// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {IReleaseNode} from "../interfaces/IReleaseNode.sol";

/// @title A node's metadata, written from its live state
library NodeMetadata {
    using Strings for uint256;

    uint256 private constant POINT = 1_000_000;

    /// @notice A data URI of JSON: name, description, attributes. Amounts are points with 6 decimals.
    function uri(uint256 id, IReleaseNode.Node memory node) internal pure returns (string memory) {
        bytes memory json = abi.encodePacked(
            '{"name":"ADN ',
            id.toHexString(32),
            '","description":"Releases points period by period. Points are spent or given, never cashed.",',
            '"attributes":[',
            _attribute("Program", uint256(node.program).toString()),
            ",",
            _attribute("Start period", uint256(node.start).toString()),
            ",",
            _attribute("Total", _points(node.total)),
            ",",
            _attribute("Claimed", _points(node.claimed)),
            ",",
            _attribute("Claimable", _points(node.claimable)),
            "]}"
        );
        return string.concat("data:application/json;base64,", Base64.encode(json));
    }

    function _attribute(string memory trait, string memory value) private pure returns (bytes memory) {
        return abi.encodePacked('{"trait_type":"', trait, '","value":"', value, '"}');
    }

    /// @dev 1234567 base units are "1.234567": the leading 1 of POINT + fraction keeps the fraction's zeros.
    function _points(uint256 amount) private pure returns (string memory) {
        bytes memory fraction = bytes((POINT + amount % POINT).toString());
        fraction[0] = ".";
        return string.concat((amount / POINT).toString(), string(fraction));
    }
}
