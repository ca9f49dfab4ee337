// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibRLP} from "solady/utils/LibRLP.sol";

/// @title Where a program's release table stands as code (SSTORE2)
library TableAddress {
    /// @notice The tables are all that the rule book creates, one a program, so the nth stands where its nonce n says;
    /// nonces of contracts begin with 1, as programs do. So no slot keeps the address.
    function ofProgram(address programs, uint32 program) internal pure returns (address) {
        return LibRLP.computeAddress(programs, program);
    }
}
