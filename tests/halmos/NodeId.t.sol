// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NodeId} from "../../contracts/libraries/NodeId.sol";

/// @dev A node's id says all of what made it, and nothing else has it.
contract NodeIdProperties {
    function check_T16_idSaysItsParts(uint32 program, uint24 start, uint40 serial, address origin) public pure {
        uint256 id = NodeId.make(program, start, serial, origin);
        assert(NodeId.programOf(id) == program);
        assert(NodeId.startOf(id) == start);
        assert(NodeId.originOf(id) == origin);
        assert(uint40(id >> 160) == serial);
    }

    function check_T16_idsOfDifferentNodesDiffer(
        uint32 program,
        uint24 start,
        uint40 serial,
        address origin,
        uint32 otherProgram,
        uint24 otherStart,
        uint40 otherSerial,
        address otherOrigin
    ) public pure {
        bool same = program == otherProgram && start == otherStart && serial == otherSerial && origin == otherOrigin;
        uint256 id = NodeId.make(program, start, serial, origin);
        assert(same == (id == NodeId.make(otherProgram, otherStart, otherSerial, otherOrigin)));
    }
}
