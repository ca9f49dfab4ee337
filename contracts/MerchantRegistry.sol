// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IMerchantRegistry} from "./interfaces/IMerchantRegistry.sol";

/// @title Merchants, their payout addresses, quotas and limits
contract MerchantRegistry is IMerchantRegistry, AccessManaged {
    /// @dev Two slots; the counters are those of `day` (UTC days since 1970) and 0 on any other.
    struct Record {
        address payout;
        bool active;
        uint64 quota;
        uint24 day;
        uint64 paidPerDay;
        uint64 issuedPerDay;
        uint64 paidToday;
        uint64 issuedToday;
    }

    struct Person {
        uint64 issuedToday;
        uint24 day;
    }

    /// @dev Base units; PointsToken.SUPPLY_CAP: more can never be issued. It fits a signed 64-bit column.
    uint64 private constant QUOTA_CAP = 9e18;

    /// @notice The payment processor, which books payments and issues.
    address public immutable PROCESSOR;

    uint64 private _issuedPerPersonPerDay = 1000e6;
    mapping(uint32 merchant => Record) private _records;
    mapping(address person => Person) private _persons;

    modifier onlyProcessor() {
        if (msg.sender != PROCESSOR) revert MerchantRegistry_NotProcessor(msg.sender);
        _;
    }

    constructor(address authority, address processor) AccessManaged(authority) {
        PROCESSOR = processor;
    }

    /// @inheritdoc IMerchantRegistry
    function register(uint32 merchant, address payout, string calldata name, uint64 paidPerDay, uint64 issuedPerDay)
        external
        restricted
    {
        // Check:
        Record storage record = _records[merchant];
        if (record.payout != address(0)) revert MerchantRegistry_AlreadyRegistered(merchant);
        if (payout == address(0)) revert MerchantRegistry_ZeroPayout();

        // Effect:
        record.payout = payout;
        record.active = true;
        emit MerchantRegistered(merchant, payout, name);
        _setLimits(merchant, record, paidPerDay, issuedPerDay);
    }

    /// @inheritdoc IMerchantRegistry
    function setPayout(uint32 merchant, address payout) external {
        // Check:
        Record storage record = _known(merchant);
        if (msg.sender != record.payout) revert MerchantRegistry_NotPayout(merchant, msg.sender);
        if (payout == address(0)) revert MerchantRegistry_ZeroPayout();

        // Effect:
        record.payout = payout;
        emit PayoutChanged(merchant, payout);
    }

    /// @inheritdoc IMerchantRegistry
    function setActive(uint32 merchant, bool active) external restricted {
        _known(merchant).active = active;
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
        uint64 left = QUOTA_CAP - record.quota;
        if (amount > left) revert MerchantRegistry_QuotaCapExceeded(merchant, amount, left);

        // Effect:
        record.quota += amount;
        emit QuotaAdded(merchant, amount, evidence);
    }

    /// @inheritdoc IMerchantRegistry
    function setPersonLimit(uint64 issuedPerDay) external restricted {
        _issuedPerPersonPerDay = issuedPerDay;
        emit PersonLimitSet(issuedPerDay);
    }

    /// @inheritdoc IMerchantRegistry
    function consumePaid(uint32 merchant, uint64 amount) external onlyProcessor returns (address payout) {
        // Check:
        Record storage record = _ofToday(merchant);
        uint64 left = _left(record.paidPerDay, record.paidToday);
        if (amount > left) revert MerchantRegistry_PaidPerDayExceeded(merchant, amount, left);

        // Effect:
        record.paidToday += amount;
        return record.payout;
    }

    /// @inheritdoc IMerchantRegistry
    function consumeIssued(uint32 merchant, address person, uint64 amount)
        external
        onlyProcessor
        returns (address payout)
    {
        // Check:
        Record storage record = _ofToday(merchant);
        uint64 left = _left(record.issuedPerDay, record.issuedToday);
        if (amount > left) revert MerchantRegistry_IssuedPerDayExceeded(merchant, amount, left);
        if (amount > record.quota) revert MerchantRegistry_QuotaExceeded(merchant, amount, record.quota);

        // Effect:
        record.quota -= amount;
        record.issuedToday += amount;
        if (person != address(0)) _consumePerson(person, amount);
        return record.payout;
    }

    /// @inheritdoc IMerchantRegistry
    function merchantOf(uint32 merchant) external view returns (Merchant memory) {
        Record storage record = _known(merchant);
        bool sameDay = record.day == _today();
        return Merchant({
            payout: record.payout,
            active: record.active,
            paidPerDay: record.paidPerDay,
            issuedPerDay: record.issuedPerDay,
            quota: record.quota,
            paidToday: sameDay ? record.paidToday : 0,
            issuedToday: sameDay ? record.issuedToday : 0
        });
    }

    /// @inheritdoc IMerchantRegistry
    function personLimit(address person) external view returns (uint64 issuedPerDay, uint64 issuedToday) {
        return (_issuedPerPersonPerDay, _issuedToday(person));
    }

    function _setLimits(uint32 merchant, Record storage record, uint64 paidPerDay, uint64 issuedPerDay) private {
        record.paidPerDay = paidPerDay;
        record.issuedPerDay = issuedPerDay;
        emit LimitsSet(merchant, paidPerDay, issuedPerDay);
    }

    function _consumePerson(address person, uint64 amount) private {
        // Check:
        uint64 issuedToday = _issuedToday(person);
        uint64 left = _left(_issuedPerPersonPerDay, issuedToday);
        if (amount > left) revert MerchantRegistry_PersonLimitExceeded(person, amount, left);

        // Effect:
        _persons[person] = Person(issuedToday + amount, _today());
    }

    /// @dev An active merchant's record, its counters begun anew on a new day.
    function _ofToday(uint32 merchant) private returns (Record storage record) {
        // Check:
        record = _known(merchant);
        if (!record.active) revert MerchantRegistry_Inactive(merchant);

        // Effect:
        uint24 today = _today();
        if (record.day != today) {
            record.day = today;
            record.paidToday = 0;
            record.issuedToday = 0;
        }
    }

    function _known(uint32 merchant) private view returns (Record storage record) {
        record = _records[merchant];
        if (record.payout == address(0)) revert MerchantRegistry_Unknown(merchant);
    }

    function _issuedToday(address person) private view returns (uint64) {
        Person memory record = _persons[person];
        return record.day == _today() ? record.issuedToday : 0;
    }

    /// @dev 24 bits of days last 45,000 years.
    function _today() private view returns (uint24) {
        return uint24(block.timestamp / 1 days);
    }

    /// @dev A limit that was lowered below what is used leaves nothing.
    function _left(uint64 limit, uint64 used) private pure returns (uint64) {
        return used < limit ? limit - used : 0;
    }
}
