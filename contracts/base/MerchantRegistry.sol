// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IMerchantRegistry} from "../interfaces/IMerchantRegistry.sol";
import {IPointsToken} from "../interfaces/IPointsToken.sol";
import {MerchantDay} from "../types/MerchantDay.sol";

/// @title Merchants, their payout addresses, quotas and limits
abstract contract MerchantRegistry is IMerchantRegistry, AccessManaged {
    /// @dev Three slots: what a payment touches on a day that has begun; issues; what begins a day of payments. Days
    /// are UTC days since 1970. What was paid today is paidGranted less what is left of it.
    struct Record {
        MerchantDay paying;
        uint64 quota;
        uint64 issuedPerDay;
        uint64 issuedToday; // of issuedDay
        uint24 issuedDay;
        uint64 paidPerDay;
        uint64 paidGranted; // today; paidPerDay, or more where it was lowered below what was paid by then
    }

    /// @dev Base units; PointsToken.SUPPLY_CAP: more can never be issued. It fits a signed 64-bit column.
    uint64 private constant QUOTA_CAP = 9e18;

    /// @notice The points.
    IPointsToken public immutable TOKEN;

    mapping(uint32 merchant => Record) private _records;
    /// @dev By hash of merchant and evidence.
    mapping(bytes32 key => bool) private _usedEvidence;

    constructor(IPointsToken token) {
        TOKEN = token;
    }

    /// @inheritdoc IMerchantRegistry
    function register(uint32 merchant, address payout, string calldata name, uint64 paidPerDay, uint64 issuedPerDay)
        external
        restricted
    {
        // Check:
        Record storage record = _records[merchant];
        if (record.paying.payout() != address(0)) revert MerchantRegistry_AlreadyRegistered(merchant);
        _requirePayout(payout);

        // Effect:
        record.paying = record.paying.withPayout(payout).withActive(true);
        emit MerchantRegistered(merchant, payout, name);
        _setLimits(merchant, record, paidPerDay, issuedPerDay);
    }

    /// @inheritdoc IMerchantRegistry
    function setPayout(uint32 merchant, address payout) external {
        // Check:
        Record storage record = _known(merchant);
        if (msg.sender != record.paying.payout()) revert MerchantRegistry_NotPayout(merchant, msg.sender);
        _requirePayout(payout);

        // Effect:
        record.paying = record.paying.withPayout(payout);
        emit PayoutChanged(merchant, payout);
    }

    /// @inheritdoc IMerchantRegistry
    function setActive(uint32 merchant, bool active) external restricted {
        Record storage record = _known(merchant);
        record.paying = record.paying.withActive(active);
        emit MerchantActivated(merchant, active);
    }

    /// @inheritdoc IMerchantRegistry
    function setLimits(uint32 merchant, uint64 paidPerDay, uint64 issuedPerDay) external restricted {
        _setLimits(merchant, _known(merchant), paidPerDay, issuedPerDay);
    }

    /// @inheritdoc IMerchantRegistry
    function addQuota(uint32 merchant, uint64 amount, bytes32 evidence) external restricted {
        // Check:
        Record storage record = _known(merchant);
        bytes32 key = keccak256(abi.encode(merchant, evidence));
        if (_usedEvidence[key]) revert MerchantRegistry_EvidenceUsed(merchant, evidence);
        uint64 left = QUOTA_CAP - record.quota;
        if (amount > left) revert MerchantRegistry_QuotaCapExceeded(merchant, amount, left);

        // Effect:
        _usedEvidence[key] = true;
        record.quota += amount;
        emit QuotaAdded(merchant, amount, evidence);
    }

    /// @inheritdoc IMerchantRegistry
    function merchantOf(uint32 merchant) external view returns (Merchant memory) {
        Record storage record = _known(merchant);
        return Merchant({
            payout: record.paying.payout(),
            active: record.paying.active(),
            paidPerDay: record.paidPerDay,
            issuedPerDay: record.issuedPerDay,
            quota: record.quota,
            paidToday: _paidOf(record),
            issuedToday: _issuedOf(record)
        });
    }

    /// @inheritdoc IMerchantRegistry
    function payoutOf(uint32 merchant) public view returns (address) {
        return _known(merchant).paying.payout();
    }

    /// @dev The token takes no points, and would never call to move on.
    function _requirePayout(address payout) private view {
        if (payout == address(0)) revert MerchantRegistry_ZeroPayout();
        if (payout == address(TOKEN)) revert IPointsToken.PointsToken_SentToToken();
    }

    /// @dev Books a payment; where the merchant's share goes.
    function _consumePaid(uint32 merchant, bytes32 order, uint64 amount) internal returns (address payout) {
        // Check:
        Record storage record = _records[merchant];
        MerchantDay paying = record.paying;
        payout = paying.payout();
        _requireActive(merchant, paying);
        uint24 today = _today();
        bool begun = paying.day() == today;
        uint64 left = begun ? paying.left() : record.paidPerDay;
        if (amount > left) revert MerchantRegistry_PaidPerDayExceeded(merchant, order, amount, left);

        // Effect:
        if (!begun) record.paidGranted = left;
        record.paying = paying.withLeft(today, left - amount);
    }

    /// @dev Books an issue; who paid for the quota.
    function _consumeIssued(uint32 merchant, bytes32 order, uint64 amount) internal returns (address payout) {
        // Check:
        Record storage record = _records[merchant];
        payout = record.paying.payout();
        _requireActive(merchant, record.paying);
        uint64 issuedToday = _issuedOf(record);
        uint64 left = _left(record.issuedPerDay, issuedToday);
        if (amount > left) revert MerchantRegistry_IssuedPerDayExceeded(merchant, order, amount, left);
        if (amount > record.quota) revert MerchantRegistry_QuotaExceeded(merchant, order, amount, record.quota);

        // Effect:
        record.quota -= amount;
        record.issuedToday = issuedToday + amount;
        record.issuedDay = _today();
    }

    function _setLimits(uint32 merchant, Record storage record, uint64 paidPerDay, uint64 issuedPerDay) private {
        uint64 paidToday = _paidOf(record);
        uint64 left = _left(paidPerDay, paidToday);
        record.paying = record.paying.withLeft(_today(), left);
        record.paidGranted = paidToday + left;
        record.paidPerDay = paidPerDay;
        record.issuedPerDay = issuedPerDay;
        emit LimitsSet(merchant, paidPerDay, issuedPerDay);
    }

    function _known(uint32 merchant) private view returns (Record storage record) {
        record = _records[merchant];
        if (record.paying.payout() == address(0)) revert MerchantRegistry_Unknown(merchant);
    }

    function _paidOf(Record storage record) private view returns (uint64) {
        return record.paying.day() == _today() ? record.paidGranted - record.paying.left() : 0;
    }

    function _issuedOf(Record storage record) private view returns (uint64) {
        return record.issuedDay == _today() ? record.issuedToday : 0;
    }

    /// @dev 24 bits of days last 45,000 years.
    function _today() private view returns (uint24) {
        return uint24(block.timestamp / 1 days);
    }

    function _requireActive(uint32 merchant, MerchantDay paying) private pure {
        if (paying.active()) return;
        if (paying.payout() == address(0)) revert MerchantRegistry_Unknown(merchant);
        revert MerchantRegistry_Inactive(merchant);
    }

    /// @dev A limit that was lowered below what is used leaves nothing.
    function _left(uint64 limit, uint64 used) private pure returns (uint64) {
        return used < limit ? limit - used : 0;
    }
}
