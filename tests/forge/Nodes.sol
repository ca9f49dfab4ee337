// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPrograms} from "../../contracts/interfaces/IPrograms.sol";
import {IReleaseNode} from "../../contracts/interfaces/IReleaseNode.sol";
import {ScheduleMath} from "../../contracts/libraries/ScheduleMath.sol";

/// @dev One node of one program, in any state that is asked for: what a renderer reads of the nodes and of the rule book.
/// A contract with a function called `table` and nothing to construct it with would be taken for a test.
contract Nodes {
    uint256 private _id;
    uint64 private _total;
    uint8 private _claimedPeriods;
    IPrograms.Terms private _terms;
    bytes private _table;
    string private _name;

    constructor(uint256 id) {
        _id = id;
    }

    function set(
        IPrograms.Terms calldata rules,
        bytes calldata shares,
        bytes calldata name, // any, not necessarily UTF-8
        uint256 id,
        uint64 total,
        uint8 claimedPeriods
    ) external {
        (_terms, _table, _name) = (rules, shares, string(name));
        (_id, _total, _claimedPeriods) = (id, total, claimedPeriods);
    }

    function nodeOf(uint256 id) external view returns (IReleaseNode.Node memory) {
        if (id != _id) revert IReleaseNode.ReleaseNode_Unknown(id);
        uint64 claimed = released(_claimedPeriods);
        uint64 claimable = released(elapsed(uint32(id >> 224), uint24(id >> 200))) - claimed;
        return IReleaseNode.Node(
            address(this), uint32(id >> 224), uint24(id >> 200), _total, claimed, claimable, _claimedPeriods
        );
    }

    function terms(uint32) external view returns (IPrograms.Terms memory) {
        return _terms;
    }

    function releaseTable(uint32) external view returns (bytes memory) {
        return _table;
    }

    function programName(uint32) external view returns (string memory) {
        return _name;
    }

    function elapsed(uint32, uint24 start) public view returns (uint8) {
        return uint8(ScheduleMath.elapsed(block.timestamp, _terms.epoch, _terms.periodLength, start, _terms.periods));
    }

    function released(uint8 k) public view returns (uint64) {
        return uint64(ScheduleMath.released(_table, _total, k, _terms.periods));
    }
}
