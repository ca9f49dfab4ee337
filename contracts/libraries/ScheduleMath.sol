// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The release schedule and a program's grid: pure formulas
/// @notice Amounts are base units below 2^64, times unix seconds and lengths below 2^40, periods below 2^24: nothing
/// here can overflow 256 bits, which is why all of it is unchecked. The plain twin is
/// src/chainpoints/domain/schedule.py.
library ScheduleMath {
    /// @notice Bytes of a table entry; entry k (from 1) is q[k] = ceil(2^192 * share(k)), big-endian.
    uint256 internal constant ENTRY_BYTES = 24;

    /// @notice Base units released of `total` after k of `periods` periods, rounded down to the unit.
    /// @dev q is rounded up: rounded down, a unit is lost wherever the quotient is whole. The product is below
    /// 2^64 * 2^192; the result is at most `total`. Entry k ends with byte k * ENTRY_BYTES of the table, whose bytes
    /// stand behind a word for its length: the word that ends there holds the entry in its lower 24 bytes. For k = 0
    /// that is the length itself, which is far below 2^128, so nothing is released.
    /// @param table One entry for each period but the last, as TermsCheck asked.
    function released(bytes memory table, uint256 total, uint256 k, uint256 periods) internal pure returns (uint256) {
        if (k >= periods) return total;
        uint256 word;
        assembly ("memory-safe") {
            word := mload(add(table, mul(k, ENTRY_BYTES)))
        }
        unchecked {
            return total * uint192(word) >> 192;
        }
    }

    /// @notice The 0-based period that `time` falls in; `time` is not before `epoch`.
    function periodAt(uint256 time, uint256 epoch, uint256 length) internal pure returns (uint256) {
        unchecked {
            return (time - epoch) / length;
        }
    }

    /// @notice When a period begins, unix seconds. A node makes its first release when the period after its start
    /// begins.
    function beginsAt(uint256 epoch, uint256 length, uint256 period) internal pure returns (uint256) {
        unchecked {
            return epoch + period * length;
        }
    }

    /// @notice Full periods from the beginning of period `start` to `time`, at most `periods`.
    function elapsed(uint256 time, uint256 epoch, uint256 length, uint256 start, uint256 periods)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            uint256 beginning = epoch + start * length;
            if (time < beginning) return 0;
            uint256 full = (time - beginning) / length;
            return full < periods ? full : periods;
        }
    }
}
