// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title All that a payment touches of a merchant, in one word
/// @notice From the lowest bit: payout u160 | active u8 | day u24 | left u64. `left` is what the merchant may still be paid on
/// `day`, a UTC day since 1970, in base units; on any other day nothing was paid yet.
type MerchantDay is uint256;

using MerchantDayFields for MerchantDay global;

library MerchantDayFields {
    uint256 private constant ACTIVE = 160;
    uint256 private constant DAY = 168;
    uint256 private constant LEFT = 192;

    function payout(MerchantDay merchant) internal pure returns (address) {
        return address(uint160(MerchantDay.unwrap(merchant)));
    }

    function active(MerchantDay merchant) internal pure returns (bool) {
        return uint8(MerchantDay.unwrap(merchant) >> ACTIVE) != 0;
    }

    function day(MerchantDay merchant) internal pure returns (uint24) {
        return uint24(MerchantDay.unwrap(merchant) >> DAY);
    }

    function left(MerchantDay merchant) internal pure returns (uint64) {
        return uint64(MerchantDay.unwrap(merchant) >> LEFT);
    }

    function withPayout(MerchantDay merchant, address to) internal pure returns (MerchantDay) {
        return MerchantDay.wrap(MerchantDay.unwrap(merchant) >> ACTIVE << ACTIVE | uint160(to));
    }

    function withActive(MerchantDay merchant, bool isActive) internal pure returns (MerchantDay) {
        uint256 cleared = MerchantDay.unwrap(merchant) & ~(uint256(type(uint8).max) << ACTIVE);
        return MerchantDay.wrap(isActive ? cleared | 1 << ACTIVE : cleared);
    }

    function withLeft(MerchantDay merchant, uint24 today, uint64 amount) internal pure returns (MerchantDay) {
        return MerchantDay.wrap(uint256(amount) << LEFT | uint256(today) << DAY | uint168(MerchantDay.unwrap(merchant)));
    }
}
