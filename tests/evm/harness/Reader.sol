// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev Many view calls in one: an address (20 bytes), a length (2) and calldata, again and again. Returns the answers one
/// after another, as they are; where one reverts, so does all.
contract Reader {
    // solhint-disable-next-line no-complex-fallback
    fallback() external {
        assembly ("memory-safe") {
            let answers := mload(0x40)
            let end := answers
            for { let at := 0 } lt(at, calldatasize()) {} {
                let head := calldataload(at)
                let length := and(shr(80, head), 0xffff)
                calldatacopy(end, add(at, 22), length)
                if iszero(staticcall(gas(), shr(96, head), end, length, 0, 0)) { revert(0, 0) }
                returndatacopy(end, 0, returndatasize())
                end := add(end, returndatasize())
                at := add(at, add(length, 22))
            }
            return(answers, sub(end, answers))
        }
    }
}
