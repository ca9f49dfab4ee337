// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a payment, a refund and a node are worth: pure formulas
/// @notice Amounts are base units. The plain twin is src/chainpoints/domain/payment.py.
library PaymentMath {
    uint256 internal constant BASIS_POINTS = 10_000;

    /// @notice A payment taken apart: merchant + diverted = amount; the node's total = diverted * multiplier.
    struct Split {
        uint64 merchant;
        uint64 diverted;
        uint256 total; // may pass 64 bits: whoever narrows it checks first
    }

    /// @notice The share of a payment that makes a node, rounded down to the unit, in the merchant's favour.
    /// @param divertBps At most 10,000, so it is at most `amount`.
    function divertedOf(uint64 amount, uint256 divertBps) internal pure returns (uint64) {
        return uint64(uint256(amount) * divertBps / BASIS_POINTS);
    }

    /// @notice Splits a payment. Diverted is rounded down to the unit, in the merchant's favour.
    /// @param divertBps At most 10,000, so diverted is at most `amount`.
    function split(uint64 amount, uint256 divertBps, uint256 multiplier) internal pure returns (Split memory) {
        uint64 diverted = divertedOf(amount, divertBps);
        return Split(amount - diverted, diverted, uint256(diverted) * multiplier);
    }

    /// @notice What a refund of `amount` takes from the merchant, the diverted points and the node, after `refunded` of
    /// `paid` was given back; refunded + amount is at most paid.
    /// @dev It leaves what a payment of the remaining amount would have made, so refunds in any steps telescope
    /// exactly.
    function refund(uint64 paid, uint64 refunded, uint64 amount, uint256 divertBps, uint256 multiplier)
        internal
        pure
        returns (Split memory)
    {
        Split memory before = split(paid - refunded, divertBps, multiplier);
        Split memory remaining = split(paid - refunded - amount, divertBps, multiplier);
        uint64 diverted = before.diverted - remaining.diverted;
        return Split(amount - diverted, diverted, before.total - remaining.total);
    }
}
