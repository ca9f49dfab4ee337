// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ScheduleMath} from "../../contracts/libraries/ScheduleMath.sol";
import {vm} from "./Vm.sol";

/// @dev What is released, for every total and every table. Of times, which are divided by lengths, no solver knows enough:
/// tests/evm compares them with their twins.
/// The tables here have three periods, which is every way in which an entry can stand: first, behind another, at the end.
contract ScheduleMathProperties {
    function check_T22_releasedIsTheExactFloorOfTheTable(uint64 total, uint192 first, uint192 second) public pure {
        bytes memory table = abi.encodePacked(first, second);
        _assertFloor(ScheduleMath.released(table, total, 1, 3), total, first);
        _assertFloor(ScheduleMath.released(table, total, 2, 3), total, second);
    }

    function check_T22_nothingAtFirst(uint64 total, uint192 first, uint192 second) public pure {
        assert(ScheduleMath.released(abi.encodePacked(first, second), total, 0, 3) == 0);
    }

    function check_T22_allAtTheEnd(uint64 total, uint8 k, uint8 periods, uint192 first, uint192 second) public pure {
        vm.assume(k >= periods);
        assert(ScheduleMath.released(abi.encodePacked(first, second), total, k, periods) == total);
    }

    /// @dev Tables are non-decreasing (TermsCheck).
    function check_T22_releasedGrowsAndStaysWithinTheTotal(uint64 total, uint192 first, uint192 second) public pure {
        vm.assume(first <= second);
        bytes memory table = abi.encodePacked(first, second);
        uint256 released = ScheduleMath.released(table, total, 1, 3);
        uint256 later = ScheduleMath.released(table, total, 2, 3);
        assert(released <= later);
        assert(later <= total);
    }

    function _assertFloor(uint256 released, uint64 total, uint192 q) private pure {
        unchecked {
            assert(released << 192 <= uint256(total) * q);
            assert(uint256(total) * q - (released << 192) < 1 << 192);
        }
    }
}
