// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibString} from "solady/utils/LibString.sol";
import {IPrograms} from "../interfaces/IPrograms.sol";
import {IReleaseNode} from "../interfaces/IReleaseNode.sol";
import {NameText} from "./NameText.sol";
import {ScheduleMath} from "./ScheduleMath.sol";

/// @title All that a node's picture and metadata are made of, read once
library NodeState {
    using LibString for uint256;

    uint256 private constant ADN = 1e9; // base units diverted into one ADN: 1,000 points

    /// @notice A node, its program and where it stands now. Amounts are base units.
    struct State {
        uint256 id;
        IReleaseNode.Node node;
        IPrograms.Terms terms;
        bytes table; // the program's release table
        string name; // the program's, clean, not escaped
        uint256 elapsed; // full periods since the start, at most N
        uint256 released; // claimed + claimable
        uint256 next; // the period, from the start, that ends with the next release of at least a unit; 0: none is left
        uint256 nextAmount; // what is released then
    }

    /// @notice Reads a node. Reverts as `nodes.nodeOf(id)` does.
    function read(IReleaseNode nodes, IPrograms programs, uint256 id) internal view returns (State memory state) {
        state.id = id;
        state.node = nodes.nodeOf(id);
        uint32 program = state.node.program;
        state.terms = programs.terms(program);
        state.table = programs.releaseTable(program);
        state.elapsed = programs.elapsed(program, state.node.start);
        state.released = uint256(state.node.claimed) + state.node.claimable;
        state.name = NameText.clean(programs.programName(program));
        if (NameText.isBlank(state.name)) state.name = string.concat("Program ", uint256(program).toString());
        // A small node's early periods may release less than a unit: they are no date to wait for.
        for (uint256 k = state.elapsed + 1; k <= state.terms.periods && state.next == 0; ++k) {
            uint256 released = ScheduleMath.released(state.table, state.node.total, k, state.terms.periods);
            if (released > state.released) (state.next, state.nextAmount) = (k, released - state.released);
        }
    }

    /// @notice When `k` full periods have passed since the node's start, unix seconds.
    function timeOf(State memory state, uint256 k) internal pure returns (uint256) {
        return state.terms.epoch + (state.node.start + k) * state.terms.periodLength;
    }

    /// @notice Millionths of an ADN, rounded down.
    function size(State memory state) internal pure returns (uint256) {
        return uint256(state.node.total) * 1e6 / (ADN * state.terms.multiplier);
    }

    /// @notice `program-start-origin`, or `program-start-serial-origin` of a node with a serial; of the origin the
    /// first and the last two bytes.
    function shortId(State memory state) internal pure returns (string memory) {
        uint256 serial = uint40(state.id >> 160);
        return string.concat(
            uint256(state.node.program).toString(),
            "-",
            uint256(state.node.start).toString(),
            serial == 0 ? "-" : string.concat("-", serial.toString(), "-"),
            LibString.toHexStringNoPrefix(uint16(state.id >> 144), 2),
            "..",
            LibString.toHexStringNoPrefix(uint16(state.id), 2)
        );
    }
}
