// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FecTable} from "../../contracts/libraries/FecTable.sol";

/// @dev Release tables as `Programs.open` takes them.
library Tables {
    bytes internal constant FEC = FecTable.TABLE;

    /// @dev A straight line: q[k] = ceil(2^192 * k / periods).
    function straight(uint256 periods) internal pure returns (bytes memory table) {
        for (uint256 k = 1; k < periods; ++k) {
            table = bytes.concat(table, share(k, periods));
        }
    }

    /// @dev Ratio 2: q[k] = ceil(2^192 * (2^k - 1) / (2^periods - 1)), for at most 63 periods.
    function doubling(uint256 periods) internal pure returns (bytes memory table) {
        for (uint256 k = 1; k < periods; ++k) {
            table = bytes.concat(table, share((1 << k) - 1, (1 << periods) - 1));
        }
    }

    /// @dev ceil(2^192 * part / whole) for 0 < part < whole < 2^64.
    function share(uint256 part, uint256 whole) internal pure returns (bytes24) {
        return bytes24(uint192(((part << 192) + whole - 1) / whole));
    }
}
