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
    /// @param merchant Its id.
    /// @param payout Its address.
    /// @param name Its name.
    event MerchantRegistered(uint32 indexed merchant, address indexed payout, string name);
    /// @notice A merchant moved its payout address.
    event PayoutChanged(uint32 indexed merchant, address indexed payout);
    /// @notice A merchant was switched on or off.
    event MerchantActivated(uint32 indexed merchant, bool active);
    /// @notice A merchant's limits per day were set, base units.
    event LimitsSet(uint32 indexed merchant, uint64 paidPerDay, uint64 issuedPerDay);
    /// @notice The operator credited prepaid quota.
    /// @param evidence Hash of the operator's receipt.
    event QuotaAdded(uint32 indexed merchant, uint64 amount, bytes32 evidence);

    error MerchantRegistry_NotPayout(uint32 merchant, address caller);
    error MerchantRegistry_AlreadyRegistered(uint32 merchant);
    error MerchantRegistry_ZeroPayout();
    error MerchantRegistry_Unknown(uint32 merchant);
    error MerchantRegistry_Inactive(uint32 merchant);
    /// @notice The merchant was paid too much today to be paid the order.
    error MerchantRegistry_PaidPerDayExceeded(uint32 merchant, bytes32 order, uint256 tried, uint64 left);
    /// @notice Too much was issued for the merchant today to issue the order.
    error MerchantRegistry_IssuedPerDayExceeded(uint32 merchant, bytes32 order, uint256 tried, uint64 left);
    /// @notice The merchant's quota is too small for the order.
    error MerchantRegistry_QuotaExceeded(uint32 merchant, bytes32 order, uint256 tried, uint64 left);
    error MerchantRegistry_QuotaCapExceeded(uint32 merchant, uint256 tried, uint64 left);
    /// @notice Quota was credited for this evidence before.
    error MerchantRegistry_EvidenceUsed(uint32 merchant, bytes32 evidence);

    /// @notice Registers a merchant under an id of the caller's choice. For registrars. Emits MerchantRegistered and
    /// LimitsSet. Reverts with MerchantRegistry_AlreadyRegistered, MerchantRegistry_ZeroPayout.
    function register(uint32 merchant, address payout, string calldata name, uint64 paidPerDay, uint64 issuedPerDay)
        external;

    /// @notice Moves the payout address. For the present payout address itself. Emits PayoutChanged.
    function setPayout(uint32 merchant, address payout) external;

    /// @notice Switches a merchant on or off. For registrars. Emits MerchantActivated.
    function setActive(uint32 merchant, bool active) external;

    /// @notice Sets the limits per day. For registrars. Emits LimitsSet.
    function setLimits(uint32 merchant, uint64 paidPerDay, uint64 issuedPerDay) external;

    /// @notice Credits quota that the merchant paid the operator for, once for each evidence. For registrars. Emits
    /// QuotaAdded. Reverts with MerchantRegistry_Unknown, MerchantRegistry_EvidenceUsed, MerchantRegistry_QuotaCapExceeded.
    function addQuota(uint32 merchant, uint64 amount, bytes32 evidence) external;

    /// @notice A merchant as it stands. Reverts with MerchantRegistry_Unknown.
    function merchantOf(uint32 merchant) external view returns (Merchant memory);

    /// @notice A merchant's payout address. Reverts with MerchantRegistry_Unknown.
    function payoutOf(uint32 merchant) external view returns (address);
}
