// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What payments and claims read of a program, in one word
/// @notice From the lowest bit: epoch u40 | periodLength u32 | periods u8 | lastStart u24 | divertBps u16 | multiplier
/// u16 | minPayment u40 | payerPeriodCap u64 | flags u8. `lastStart` is the last period that new nodes may start with.
type ProgramRules is uint256;

using ProgramRulesFields for ProgramRules global;

/// @title The fields of ProgramRules
library ProgramRulesFields {
    uint256 private constant PERIOD_LENGTH = 40;
    uint256 private constant PERIODS = 72;
    uint256 private constant LAST_START = 80;
    uint256 private constant DIVERT_BPS = 104;
    uint256 private constant MULTIPLIER = 120;
    uint256 private constant MIN_PAYMENT = 136;
    uint256 private constant PAYER_PERIOD_CAP = 176;
    uint256 private constant FLAGS = 240;

    uint8 private constant FUNDED = 1;
    uint8 private constant HAS_FEC_TABLE = 2;

    /// @notice The rules of a program that is not replaced: nodes may start with any period.
    function make(
        bool funded_,
        bool hasFecTable_,
        uint16 divertBps_,
        uint16 multiplier_,
        uint8 periods_,
        uint32 periodLength_,
        uint40 epoch_,
        uint40 minPayment_,
        uint64 payerPeriodCap_
    ) internal pure returns (ProgramRules) {
        uint256 word = uint256(epoch_) | uint256(periodLength_) << PERIOD_LENGTH | uint256(periods_) << PERIODS
            | uint256(type(uint24).max) << LAST_START | uint256(divertBps_) << DIVERT_BPS;
        word |= uint256(multiplier_) << MULTIPLIER | uint256(minPayment_) << MIN_PAYMENT | uint256(payerPeriodCap_)
        << PAYER_PERIOD_CAP;
        uint256 flags = (funded_ ? FUNDED : 0) | (hasFecTable_ ? HAS_FEC_TABLE : 0);
        return ProgramRules.wrap(word | flags << FLAGS);
    }

    /// @notice Whether the program is FUNDED; else it is EMISSION.
    function funded(ProgramRules rules) internal pure returns (bool) {
        return ProgramRules.unwrap(rules) >> FLAGS & FUNDED != 0;
    }

    /// @notice Whether the release table is FecTable.TABLE, which stands in the code.
    function hasFecTable(ProgramRules rules) internal pure returns (bool) {
        return ProgramRules.unwrap(rules) >> FLAGS & HAS_FEC_TABLE != 0;
    }

    /// @notice The share of a payment that makes a node, basis points.
    function divertBps(ProgramRules rules) internal pure returns (uint256) {
        return uint16(ProgramRules.unwrap(rules) >> DIVERT_BPS);
    }

    /// @notice A node's total is so many times the diverted points.
    function multiplier(ProgramRules rules) internal pure returns (uint256) {
        return uint16(ProgramRules.unwrap(rules) >> MULTIPLIER);
    }

    /// @notice N, the number of periods that a node releases in.
    function periods(ProgramRules rules) internal pure returns (uint256) {
        return uint8(ProgramRules.unwrap(rules) >> PERIODS);
    }

    /// @notice The length of a period, seconds.
    function periodLength(ProgramRules rules) internal pure returns (uint256) {
        return uint32(ProgramRules.unwrap(rules) >> PERIOD_LENGTH);
    }

    /// @notice When period 0 begins, unix seconds.
    function epoch(ProgramRules rules) internal pure returns (uint256) {
        return uint40(ProgramRules.unwrap(rules));
    }

    /// @notice The smallest payment, base units.
    function minPayment(ProgramRules rules) internal pure returns (uint256) {
        return uint40(ProgramRules.unwrap(rules) >> MIN_PAYMENT);
    }

    /// @notice The most that payments of one payer in one period may make a node's total, base units.
    function payerPeriodCap(ProgramRules rules) internal pure returns (uint256) {
        return uint64(ProgramRules.unwrap(rules) >> PAYER_PERIOD_CAP);
    }

    /// @notice The last period with which nodes may start; 0 where none may.
    function lastStart(ProgramRules rules) internal pure returns (uint256) {
        return uint24(ProgramRules.unwrap(rules) >> LAST_START);
    }

    /// @notice The rules with another last period with which nodes may start.
    function withLastStart(ProgramRules rules, uint24 value) internal pure returns (ProgramRules) {
        uint256 cleared = ProgramRules.unwrap(rules) & ~(uint256(type(uint24).max) << LAST_START);
        return ProgramRules.wrap(cleared | uint256(value) << LAST_START);
    }
}
