// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";
import {IProgramBooks} from "./interfaces/IProgramBooks.sol";
import {IPointsToken} from "./interfaces/IPointsToken.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {FecTable} from "./libraries/FecTable.sol";
import {ScheduleMath} from "./libraries/ScheduleMath.sol";
import {TableAddress} from "./libraries/TableAddress.sol";
import {TermsCheck} from "./libraries/TermsCheck.sol";
import {ProgramRules, ProgramRulesFields} from "./types/ProgramRules.sol";

/// @title Programs: the rule book
/// @notice Opens programs and says what their rules are, for ever. The nodes' contract keeps a copy of what payments
/// and claims read, and the books.
contract Programs is AccessManaged, IPrograms {
    /// @dev What replaces a program, and the first period whose payments it no longer takes.
    struct Replacement {
        uint32 by;
        uint24 closingPeriod;
    }

    uint256 private constant NOTICE = 30 days;

    /// @notice The points.
    IPointsToken public immutable TOKEN;
    /// @notice The nodes, whose contract keeps the books.
    IProgramBooks public immutable BOOKS;

    /// @inheritdoc IPrograms
    uint32 public programCount;

    mapping(uint32 program => Terms) private _terms;
    mapping(uint32 program => string) private _names;
    mapping(uint32 program => Replacement) private _replacements;

    constructor(address authority, IPointsToken token, IProgramBooks books) AccessManaged(authority) {
        TOKEN = token;
        BOOKS = books;
    }

    /// @inheritdoc IPrograms
    function open(Terms calldata rules, string calldata name, bytes calldata shares)
        external
        restricted
        returns (uint32)
    {
        return _open(rules, name, shares);
    }

    /// @inheritdoc IPrograms
    function replace(uint32 old, Terms calldata rules, string calldata name, bytes calldata shares)
        external
        restricted
        returns (uint32 program)
    {
        // Check:
        Terms storage replaced = _known(old);
        uint32 before = _replacements[old].by;
        if (before != 0) revert Programs_Replaced(old, before);
        uint256 earliest = block.timestamp + NOTICE;
        if (rules.epoch < earliest) revert Programs_NoticeTooShort(rules.epoch, earliest);

        // Effect and interaction: it closes with the period in which the other's last moment before its epoch lies, or
        // never opens. A payment of a period makes a node that starts with the next.
        program = _open(rules, name, shares);
        uint24 closingPeriod;
        if (rules.epoch > replaced.epoch) {
            uint256 last = ScheduleMath.periodAt(rules.epoch - 1, replaced.epoch, replaced.periodLength);
            closingPeriod = SafeCast.toUint24(last + 1);
        }
        _replacements[old] = Replacement(program, closingPeriod);
        BOOKS.closeProgram(old, closingPeriod);
        emit ProgramReplaced(old, program, _beginsAt(replaced, closingPeriod));
    }

    /// @inheritdoc IPrograms
    function terms(uint32 program) external view returns (Terms memory) {
        return _known(program);
    }

    /// @inheritdoc IPrograms
    function programName(uint32 program) external view returns (string memory) {
        _known(program);
        return _names[program];
    }

    /// @inheritdoc IPrograms
    function replacementOf(uint32 program) external view returns (uint32 by, uint256 closesAt) {
        Terms storage rules = _known(program);
        Replacement memory replacement = _replacements[program];
        if (replacement.by == 0) return (0, 0);
        return (replacement.by, _beginsAt(rules, replacement.closingPeriod));
    }

    /// @inheritdoc IPrograms
    function releaseTable(uint32 program) public view returns (bytes memory) {
        _known(program);
        return SSTORE2.read(TableAddress.ofProgram(address(this), program));
    }

    /// @inheritdoc IPrograms
    function currentPeriod(uint32 program) external view returns (uint24) {
        Terms storage rules = _known(program);
        uint40 epoch = rules.epoch;
        if (block.timestamp < epoch) revert Programs_NotStarted(program, epoch);
        return SafeCast.toUint24(ScheduleMath.periodAt(block.timestamp, epoch, rules.periodLength));
    }

    /// @inheritdoc IPrograms
    function elapsed(uint32 program, uint24 start) external view returns (uint8) {
        Terms storage rules = _known(program);
        return uint8(ScheduleMath.elapsed(block.timestamp, rules.epoch, rules.periodLength, start, rules.periods));
    }

    /// @inheritdoc IPrograms
    function released(uint32 program, uint64 total, uint8 k) external view returns (uint64) {
        return uint64(ScheduleMath.released(releaseTable(program), total, k, _terms[program].periods));
    }

    function _open(Terms calldata rules, string calldata name, bytes calldata shares) private returns (uint32 program) {
        // Check:
        TermsCheck.check(rules, name, shares, TOKEN.SUPPLY_CAP());

        // Effect:
        program = ++programCount;
        _terms[program] = rules;
        _names[program] = name;
        SSTORE2.write(shares);
        emit ProgramOpened(program, rules, name);

        // Interaction: whatever nodes of this program will ever release is set apart now.
        ProgramRules copy = ProgramRulesFields.make({
            funded_: rules.funding == Funding.FUNDED,
            hasFecTable_: keccak256(shares) == FecTable.HASH,
            divertBps_: rules.divertBps,
            multiplier_: rules.multiplier,
            periods_: rules.periods,
            periodLength_: rules.periodLength,
            epoch_: rules.epoch,
            minPayment_: uint40(rules.minPayment), // TermsCheck: below 2^40
            payerPeriodCap_: rules.payerPeriodCap
        });
        BOOKS.addProgram(program, copy, rules.cap);
    }

    /// @dev An open program has at least one period.
    function _known(uint32 program) private view returns (Terms storage rules) {
        rules = _terms[program];
        if (rules.periods == 0) revert Programs_Unknown(program);
    }

    function _beginsAt(Terms storage rules, uint24 period) private view returns (uint256) {
        return ScheduleMath.beginsAt(rules.epoch, rules.periodLength, period);
    }
}
