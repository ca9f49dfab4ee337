// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title All that is kept of an account, in one word: whatever moves points touches it anyway
/// @notice From the lowest bit: points u64 | nodes u32 | frozenUntil u40 | paymentsCancelledAt u40 | issuedToday u64 |
/// issuedDay u16. Points are base units, times unix seconds, days UTC days since 1970 (up to the year 2149).
type Account is uint256;

using AccountFields for Account global;

/// @title The fields of an Account
library AccountFields {
    uint256 private constant NODES = 64;
    uint256 private constant FROZEN_UNTIL = 96;
    uint256 private constant CANCELLED_AT = 136;
    uint256 private constant ISSUED_TODAY = 176;
    uint256 private constant ISSUED_DAY = 240;

    /// @notice What the account holds, base units.
    function points(Account account) internal pure returns (uint256) {
        return uint64(Account.unwrap(account));
    }

    /// @notice How many nodes the account holds.
    function nodes(Account account) internal pure returns (uint256) {
        return uint32(Account.unwrap(account) >> NODES);
    }

    /// @notice When the account's freeze ends, unix seconds; 0 where it never was frozen.
    function frozenUntil(Account account) internal pure returns (uint40) {
        return uint40(Account.unwrap(account) >> FROZEN_UNTIL);
    }

    /// @notice When the account last took its signed payments back, unix seconds; 0 for never.
    function paymentsCancelledAt(Account account) internal pure returns (uint40) {
        return uint40(Account.unwrap(account) >> CANCELLED_AT);
    }

    /// @notice What was issued to the account on `day`, a UTC day since 1970, base units.
    function issuedOn(Account account, uint16 day) internal pure returns (uint256) {
        if (uint16(Account.unwrap(account) >> ISSUED_DAY) != day) return 0;
        return uint64(Account.unwrap(account) >> ISSUED_TODAY);
    }

    /// @dev `amount` is at most what the account has, so nothing is borrowed from the field above.
    function less(Account account, uint256 amount) internal pure returns (Account) {
        return Account.wrap(Account.unwrap(account) - amount);
    }

    /// @dev All points together have 63 bits (PointsToken.SUPPLY_CAP), so nothing is carried into the field above.
    function more(Account account, uint256 amount) internal pure returns (Account) {
        return Account.wrap(Account.unwrap(account) + amount);
    }

    /// @dev An account has less than 2^32 nodes: each costs a slot of its own.
    function withMoreNodes(Account account, uint256 count) internal pure returns (Account) {
        return Account.wrap(Account.unwrap(account) + (count << NODES));
    }

    /// @dev Only nodes that the account has are taken from it.
    function withFewerNodes(Account account, uint256 count) internal pure returns (Account) {
        return Account.wrap(Account.unwrap(account) - (count << NODES));
    }

    /// @notice The account with another end of its freeze, unix seconds.
    function withFrozenUntil(Account account, uint40 time) internal pure returns (Account) {
        return _with(account, FROZEN_UNTIL, type(uint40).max, time);
    }

    /// @notice The account with another time at which it took its signed payments back, unix seconds.
    function withPaymentsCancelledAt(Account account, uint40 time) internal pure returns (Account) {
        return _with(account, CANCELLED_AT, type(uint40).max, time);
    }

    /// @notice The account with what was issued to it on `day`, a UTC day since 1970, base units.
    function withIssued(Account account, uint16 day, uint64 amount) internal pure returns (Account) {
        account = _with(account, ISSUED_TODAY, type(uint64).max, amount);
        return _with(account, ISSUED_DAY, type(uint16).max, day);
    }

    /// @dev The account with another value in the field at `shift`; it is at most `mask`.
    function _with(Account account, uint256 shift, uint256 mask, uint256 value) private pure returns (Account) {
        return Account.wrap(Account.unwrap(account) & ~(mask << shift) | value << shift);
    }
}
