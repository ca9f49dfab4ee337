// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Merchants, their payout addresses, quotas and limits
/// @notice Limits bound what a merchant that colludes with its customers can take. Amounts are base units; a day is a
/// UTC day of block time; limits hold from the moment they are set.
interface IMerchantRegistry {
    /// @notice A merchant as it stands.
    struct Merchant {
        address payout; // where its share of payments goes; also who signs its refunds
        bool active;
        uint64 paidPerDay; // the most that it may be paid in points in a day
        uint64 issuedPerDay; // the most that may be issued for it in a day
        uint64 quota; // prepaid points that may still be issued for it, at most the token's SUPPLY_CAP
        uint64 paidToday;
        uint64 issuedToday;
    }

    /// @notice A merchant was registered.
    /// @param merchant The merchant's id.
    /// @param payout The merchant's payout address.
    /// @param name The merchant's name.
    event MerchantRegistered(uint32 indexed merchant, address indexed payout, string name);
    /// @notice A merchant moved its payout address.
    /// @param merchant The merchant's id.
    /// @param payout The merchant's new payout address.
    event PayoutChanged(uint32 indexed merchant, address indexed payout);
    /// @notice A merchant was switched on or off.
    /// @param merchant The merchant's id.
    /// @param active Whether it may be paid and issued for.
    event MerchantActivated(uint32 indexed merchant, bool active);
    /// @notice A merchant's limits per day were set, base units.
    /// @param merchant The merchant's id.
    /// @param paidPerDay The most that the merchant may be paid in points in a UTC day, base units.
    /// @param issuedPerDay The most that may be issued for the merchant in a UTC day, base units.
    event LimitsSet(uint32 indexed merchant, uint64 paidPerDay, uint64 issuedPerDay);
    /// @notice The operator credited prepaid quota.
    /// @param merchant The merchant's id.
    /// @param amount Base units.
    /// @param evidence Hash of the operator's receipt.
    event QuotaAdded(uint32 indexed merchant, uint64 amount, bytes32 evidence);

    /// @notice `caller` is not the payout address of `merchant`.
    error MerchantRegistry_NotPayout(uint32 merchant, address caller);
    /// @notice `merchant` is registered already.
    error MerchantRegistry_AlreadyRegistered(uint32 merchant);
    /// @notice A payout address is not zero.
    error MerchantRegistry_ZeroPayout();
    /// @notice No merchant has the id `merchant`.
    error MerchantRegistry_Unknown(uint32 merchant);
    /// @notice `merchant` is switched off: it is neither paid nor issued for.
    error MerchantRegistry_Inactive(uint32 merchant);
    /// @notice `merchant` may be paid `left` base units more today; `order` is of `tried`.
    error MerchantRegistry_PaidPerDayExceeded(uint32 merchant, bytes32 order, uint256 tried, uint64 left);
    /// @notice `left` base units more may be issued for `merchant` today; `order` is of `tried`.
    error MerchantRegistry_IssuedPerDayExceeded(uint32 merchant, bytes32 order, uint256 tried, uint64 left);
    /// @notice The quota of `merchant` is `left` base units; `order` is of `tried`.
    error MerchantRegistry_QuotaExceeded(uint32 merchant, bytes32 order, uint256 tried, uint64 left);
    /// @notice The quota of `merchant` may grow by `left` base units, up to the token's SUPPLY_CAP; `tried` is more.
    error MerchantRegistry_QuotaCapExceeded(uint32 merchant, uint256 tried, uint64 left);
    /// @notice Quota was credited to `merchant` for `evidence` before.
    error MerchantRegistry_EvidenceUsed(uint32 merchant, bytes32 evidence);

    /// @notice Registers a merchant under an id of the caller's choice. For registrars. Emits MerchantRegistered and
    /// LimitsSet. Reverts with MerchantRegistry_AlreadyRegistered, MerchantRegistry_ZeroPayout,
    /// PointsToken_SentToToken.
    /// @param merchant The merchant's id, not used before.
    /// @param payout The merchant's payout address.
    /// @param name The merchant's name.
    /// @param paidPerDay The most that the merchant may be paid in points in a UTC day, base units.
    /// @param issuedPerDay The most that may be issued for the merchant in a UTC day, base units.
    function register(uint32 merchant, address payout, string calldata name, uint64 paidPerDay, uint64 issuedPerDay)
        external;

    /// @notice Moves the payout address. For the present payout address itself. Emits PayoutChanged. Reverts with
    /// MerchantRegistry_Unknown, MerchantRegistry_NotPayout, MerchantRegistry_ZeroPayout,
    /// PointsToken_SentToToken.
    /// @param merchant The merchant's id.
    /// @param payout The merchant's new payout address.
    function setPayout(uint32 merchant, address payout) external;

    /// @notice Switches a merchant on or off. For registrars. Emits MerchantActivated. Reverts with
    /// MerchantRegistry_Unknown.
    /// @param merchant The merchant's id.
    /// @param active Whether it may be paid and issued for.
    function setActive(uint32 merchant, bool active) external;

    /// @notice Sets the limits per day. For registrars. Emits LimitsSet. Reverts with MerchantRegistry_Unknown.
    /// @param merchant The merchant's id.
    /// @param paidPerDay The most that the merchant may be paid in points in a UTC day, base units.
    /// @param issuedPerDay The most that may be issued for the merchant in a UTC day, base units.
    function setLimits(uint32 merchant, uint64 paidPerDay, uint64 issuedPerDay) external;

    /// @notice Credits quota that the merchant paid the operator for, once for each evidence. For registrars. Emits
    /// QuotaAdded. Reverts with MerchantRegistry_Unknown, MerchantRegistry_EvidenceUsed,
    /// MerchantRegistry_QuotaCapExceeded.
    /// @param merchant The merchant's id.
    /// @param amount Base units.
    /// @param evidence Hash of the operator's receipt.
    function addQuota(uint32 merchant, uint64 amount, bytes32 evidence) external;

    /// @notice A merchant as it stands. Reverts with MerchantRegistry_Unknown.
    /// @param merchant The merchant's id.
    /// @return Its payout address, state, limits, quota and what was paid and issued today.
    function merchantOf(uint32 merchant) external view returns (Merchant memory);

    /// @notice A merchant's payout address. Reverts with MerchantRegistry_Unknown.
    /// @param merchant The merchant's id.
    /// @return Where its share of payments goes, and who signs its refunds.
    function payoutOf(uint32 merchant) external view returns (address);
}
