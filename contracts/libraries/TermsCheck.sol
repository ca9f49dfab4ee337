// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPrograms} from "../interfaces/IPrograms.sol";
import {PaymentMath} from "./PaymentMath.sol";
import {ScheduleMath} from "./ScheduleMath.sol";

/// @title Whether a program's terms are in range
library TermsCheck {
    /// @notice Reverts with Programs_InvalidTerm, which names the first term that is out of range.
    /// @param amountLimit No amount of the terms may pass it, base units.
    function check(IPrograms.Terms calldata terms, string calldata name, bytes calldata table, uint256 amountLimit)
        internal
        pure
    {
        _require(terms.divertBps != 0 && terms.divertBps <= PaymentMath.BASIS_POINTS, "divertBps");
        _require(terms.multiplier != 0, "multiplier");
        _require(terms.periods != 0, "periods");
        _require(terms.periodLength >= 1 hours, "periodLength");
        _require(terms.epoch != 0, "epoch");
        _require(terms.growthDenominator != 0, "growthDenominator");
        _require(terms.growthNumerator >= terms.growthDenominator, "growthNumerator");
        // The smallest payment makes a node of at least one unit, and so does every larger one.
        uint64 diverted = PaymentMath.split(terms.minPayment, terms.divertBps, terms.multiplier).diverted;
        _require(diverted != 0 && terms.minPayment <= type(uint40).max, "minPayment");
        _require(terms.cap != 0 && terms.cap <= amountLimit, "cap");
        _require(terms.payerPeriodCap != 0 && terms.payerPeriodCap <= terms.cap, "payerPeriodCap");
        _require(terms.termsHash != 0, "termsHash");
        _require(bytes(name).length != 0 && bytes(name).length < 32, "name");
        _require(_isTable(table, terms.periods), "table");
    }

    /// @dev One entry for each period but the last, non-decreasing. 24 bytes hold less than the whole (2^192).
    function _isTable(bytes calldata table, uint256 periods) private pure returns (bool) {
        if (table.length != (periods - 1) * ScheduleMath.ENTRY_BYTES) return false;
        uint192 last;
        for (uint256 offset = 0; offset < table.length; offset += ScheduleMath.ENTRY_BYTES) {
            uint192 entry = uint192(bytes24(table[offset:offset + ScheduleMath.ENTRY_BYTES]));
            if (entry < last) return false;
            last = entry;
        }
        return true;
    }

    /// @dev Reverts, naming the term, unless it is in range.
    function _require(bool inRange, string memory term) private pure {
        if (!inRange) revert IPrograms.Programs_InvalidTerm(term);
    }
}
