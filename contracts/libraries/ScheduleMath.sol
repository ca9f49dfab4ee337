// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The release schedule and a program's grid: pure formulas
/// @notice Amounts are base units, times unix seconds. The plain twin is src/chainpoints/domain/schedule.py.
library ScheduleMath {
    /// @notice Bytes of a table entry; entry k (from 1) is q[k] = ceil(2^192 * share(k)), big-endian.
    uint256 internal constant ENTRY_BYTES = 24;

    /// @notice Base units released of `total` after k of `periods` periods, rounded down to the unit.
    /// @dev q is rounded up: rounded down, a unit is lost wherever the quotient is whole. The product is below
    /// 2^64 * 2^192 and cannot overflow; the result is at most `total`, so narrowing keeps it.
    /// @param q The table's entry for k; read only where 0 < k < periods.
    function released(uint64 total, uint256 k, uint256 periods, uint192 q) internal pure returns (uint64) {
        if (k == 0) return 0;
        if (k >= periods) return total;
        return uint64((uint256(total) * q) >> 192);
    }

    /// @notice `released` with the entry for k out of a program's whole table.
    function releasedBy(bytes memory table, uint64 total, uint256 k, uint256 periods) internal pure returns (uint64) {
        uint192 q;
        if (k != 0 && k < periods) {
            // Entry k ends with byte k * ENTRY_BYTES of the table, whose bytes stand behind a word for its length: the
            // word that ends there holds the entry in its lower 24 bytes. TermsCheck: the table has periods - 1 entries.
            uint256 word;
            assembly ("memory-safe") {
                word := mload(add(table, mul(k, ENTRY_BYTES)))
            }
            q = uint192(word);
        }
        return released(total, k, periods, q);
    }

    /// @notice The 0-based period that `time` falls in; `time` is not before `epoch`.
    function periodAt(uint256 time, uint256 epoch, uint256 length) internal pure returns (uint256) {
        return (time - epoch) / length;
    }

    /// @notice When a period begins, unix seconds. A node makes its first release when the period after its start begins.
    function beginsAt(uint256 epoch, uint256 length, uint256 period) internal pure returns (uint256) {
        return epoch + period * length;
    }

    /// @notice Full periods from the beginning of period `start` to `time`, at most `periods` (which fits uint8).
    function elapsed(uint256 time, uint256 epoch, uint256 length, uint256 start, uint8 periods)
        internal
        pure
        returns (uint8)
    {
        uint256 beginning = epoch + start * length;
        if (time < beginning) return 0;
        uint256 full = (time - beginning) / length;
        return full < periods ? uint8(full) : periods;
    }
}
