// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title All that a payment touches of a merchant, in one word
/// @notice From the lowest bit: payout u160 | active u8 | day u24 | left u64. `left` is what the merchant may still be
/// paid on `day`, a UTC day since 1970, in base units; on any other day nothing was paid yet.
type MerchantDay is uint256;

using MerchantDayFields for MerchantDay global;

/// @title The fields of a MerchantDay
library MerchantDayFields {
    uint256 private constant ACTIVE = 160;
    uint256 private constant DAY = 168;
    uint256 private constant LEFT = 192;

    /// @notice The merchant's payout address.
    function payout(MerchantDay merchant) internal pure returns (address) {
        return address(uint160(MerchantDay.unwrap(merchant)));
    }

    /// @notice Whether it may be paid and issued for.
    function active(MerchantDay merchant) internal pure returns (bool) {
        return uint8(MerchantDay.unwrap(merchant) >> ACTIVE) != 0;
    }

    /// @notice The UTC day since 1970 that `left` is of.
    function day(MerchantDay merchant) internal pure returns (uint24) {
        return uint24(MerchantDay.unwrap(merchant) >> DAY);
    }

    /// @notice What the merchant may still be paid on `day`, base units.
    function left(MerchantDay merchant) internal pure returns (uint64) {
        return uint64(MerchantDay.unwrap(merchant) >> LEFT);
    }

    /// @notice The merchant with another payout address.
    function withPayout(MerchantDay merchant, address to) internal pure returns (MerchantDay) {
        return MerchantDay.wrap(MerchantDay.unwrap(merchant) >> ACTIVE << ACTIVE | uint160(to));
    }

    /// @notice The merchant switched on or off.
    function withActive(MerchantDay merchant, bool isActive) internal pure returns (MerchantDay) {
        uint256 cleared = MerchantDay.unwrap(merchant) & ~(uint256(type(uint8).max) << ACTIVE);
        return MerchantDay.wrap(isActive ? cleared | 1 << ACTIVE : cleared);
    }

    /// @notice The merchant with what it may still be paid on `today`, a UTC day since 1970, base units.
    function withLeft(MerchantDay merchant, uint24 today, uint64 amount) internal pure returns (MerchantDay) {
        return MerchantDay.wrap(uint256(amount) << LEFT | uint256(today) << DAY | uint168(MerchantDay.unwrap(merchant)));
    }
}
