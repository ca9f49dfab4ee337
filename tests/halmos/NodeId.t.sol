// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NodeId} from "../../contracts/libraries/NodeId.sol";

/// @dev A node's id says all of what made it, and nothing else has it.
contract NodeIdProperties {
    function check_T16_idSaysItsParts(uint32 program, uint24 start, address origin) public pure {
        uint256 id = NodeId.make(program, start, origin);
        assert(NodeId.programOf(id) == program);
        assert(NodeId.startOf(id) == start);
        assert(address(uint160(id)) == origin);
        assert(uint40(id >> 160) == 0); // the serial
    }

    function check_T16_idsOfDifferentNodesDiffer(
        uint32 program,
        uint24 start,
        address origin,
        uint32 otherProgram,
        uint24 otherStart,
        address otherOrigin
    ) public pure {
        bool same = program == otherProgram && start == otherStart && origin == otherOrigin;
        bool sameId = NodeId.make(program, start, origin) == NodeId.make(otherProgram, otherStart, otherOrigin);
        assert(same == sameId);
    }
}
