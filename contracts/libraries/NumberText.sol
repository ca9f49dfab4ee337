// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DateTimeLib} from "solady/utils/DateTimeLib.sol";
import {LibString} from "solady/utils/LibString.sol";

/// @title Amounts, shares and dates as text, always rounded down
library NumberText {
    using LibString for string;
    using LibString for uint256;

    uint256 private constant POINT = 1e6;

    /// @notice `value / 10^decimals` with all its decimals, as JSON takes a number: 1234567 of 6 is "1.234567".
    function fixedPoint(uint256 value, uint256 decimals) internal pure returns (string memory) {
        if (decimals == 0) return value.toString();
        uint256 one = 10 ** decimals;
        // The leading 1 keeps the fraction's zeros.
        return string.concat((value / one).toString(), ".", (one + value % one).toString().slice(1));
    }

    /// @notice `value / 10^decimals` without zeros at its end.
    function trimmed(uint256 value, uint256 decimals) internal pure returns (string memory) {
        while (decimals != 0 && value % 10 == 0) (value, decimals) = (value / 10, decimals - 1);
        return fixedPoint(value, decimals);
    }

    /// @notice An amount of 6 decimals for people: thousands grouped; from one on, two decimals at most.
    function grouped(uint256 value) internal pure returns (string memory) {
        if (value < POINT) return trimmed(value, 6);
        string memory hundredths = trimmed(value % POINT / 1e4, 2); // "0", "0.5", "0.25"
        return string.concat(_thousands(value / POINT), hundredths.slice(1));
    }

    /// @notice What so many base units are called.
    function unit(uint256 amount) internal pure returns (string memory) {
        return amount == POINT ? " point" : " points";
    }

    /// @notice part / whole in percent, two decimals at most; "<0.01" when there is a part, but a smaller one.
    function percent(uint256 part, uint256 whole) internal pure returns (string memory) {
        uint256 basisPoints = part * 10_000 / whole;
        return part != 0 && basisPoints == 0 ? "<0.01" : trimmed(basisPoints, 2);
    }

    /// @notice The UTC date of a time, YYYY-MM-DD (ISO 8601).
    function date(uint256 time) internal pure returns (string memory) {
        (uint256 year, uint256 month, uint256 day) = DateTimeLib.timestampToDate(time);
        return string.concat(year.toString(), "-", _padded(month, 100), "-", _padded(day, 100));
    }

    /// @dev A whole number with a comma before every three digits.
    function _thousands(uint256 value) private pure returns (string memory) {
        if (value < 1000) return value.toString();
        return string.concat(_thousands(value / 1000), ",", _padded(value % 1000, 1000));
    }

    /// @dev With leading zeros, as many digits as `one` has zeros.
    function _padded(uint256 value, uint256 one) private pure returns (string memory) {
        return (one + value).toString().slice(1);
    }
}
