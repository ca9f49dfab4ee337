// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ScheduleMath} from "../../contracts/libraries/ScheduleMath.sol";
import {vm} from "./Vm.sol";

/// @dev What is released, for every total and every table. Of times, which are divided by lengths, no solver knows enough:
/// tests/evm compares them with their twins.
contract ScheduleMathProperties {
    function check_T22_releasedIsTheExactFloorOfTheTable(uint64 total, uint8 k, uint8 periods, uint192 q) public pure {
        vm.assume(0 < k && k < periods);
        uint256 released = ScheduleMath.released(total, k, periods, q);
        assert(released << 192 <= uint256(total) * q);
        assert(uint256(total) * q - (released << 192) < 1 << 192);
    }

    function check_T22_nothingAtFirstAndAllAtTheEnd(uint64 total, uint8 k, uint8 periods, uint192 q) public pure {
        vm.assume(periods != 0);
        assert(ScheduleMath.released(total, 0, periods, q) == 0);
        vm.assume(k >= periods);
        assert(ScheduleMath.released(total, k, periods, q) == total);
    }

    /// @dev Tables are non-decreasing (TermsCheck), so the entry of a later period is at least that of an earlier one.
    function check_T22_releasedGrowsAndStaysWithinTheTotal(
        uint64 total,
        uint8 k,
        uint8 later,
        uint8 periods,
        uint192 q,
        uint192 laterQ
    ) public pure {
        vm.assume(periods != 0 && k <= later && q <= laterQ);
        uint64 before = ScheduleMath.released(total, k, periods, q);
        uint64 after_ = ScheduleMath.released(total, later, periods, laterQ);
        assert(before <= after_);
        assert(after_ <= total);
    }
}
