// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IProgramBooks} from "../interfaces/IProgramBooks.sol";
import {IPointsToken} from "../interfaces/IPointsToken.sol";
import {IPrograms} from "../interfaces/IPrograms.sol";
import {BooksMath} from "../libraries/BooksMath.sol";
import {ScheduleMath} from "../libraries/ScheduleMath.sol";
import {ProgramRules} from "../types/ProgramRules.sol";

/// @title The books of the programs
/// @notice The reserves of FUNDED programs are held here.
abstract contract ProgramBooks is IProgramBooks {
    using BooksMath for BooksMath.Ledger;

    uint256 private constant EMISSION_LIMIT = 128;

    /// @notice The points.
    IPointsToken public immutable TOKEN;
    /// @notice The rule book.
    address public immutable PROGRAMS;

    /// @dev A ledger as BooksMath packs it, in a place of its own, so that who reads it and writes it again finds it
    /// once.
    struct Packed {
        uint256 word;
    }

    uint32[] private _emission; // programs
    mapping(uint32 program => ProgramRules) private _rules;
    mapping(uint32 program => uint64) private _caps;
    mapping(uint32 program => Packed) private _ledgers;

    modifier onlyPrograms() {
        if (msg.sender != PROGRAMS) revert ReleaseNode_NotPrograms(msg.sender);
        _;
    }

    constructor(IPointsToken token, address programs) {
        TOKEN = token;
        PROGRAMS = programs;
    }

    /// @inheritdoc IProgramBooks
    function addProgram(uint32 program, ProgramRules rules, uint64 cap) external onlyPrograms {
        // Effect:
        _rules[program] = rules;
        _caps[program] = cap;
        _write(program, BooksMath.Ledger({diverted: 0, committed: 0, left: cap, reserve: 0}));
        if (rules.funded()) return;
        if (_emission.length == EMISSION_LIMIT) revert Programs_TooMany(EMISSION_LIMIT);
        _emission.push(program);

        // Interaction:
        TOKEN.setSupplyApart(cap);
    }

    /// @inheritdoc IProgramBooks
    function closeProgram(uint32 program, uint24 lastStart) external onlyPrograms {
        _rules[program] = _rules[program].withLastStart(lastStart);
    }

    /// @inheritdoc IProgramBooks
    function deposit(uint32 program, uint64 amount) external {
        // Check and effect:
        _addReserve(program, msg.sender, amount);

        // Interaction: the token reverts rather than return false.
        TOKEN.transferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IProgramBooks
    function termsNow(uint32 program) external view returns (ProgramRules rules, uint24 start) {
        rules = _known(program);
        start = _nextStart(program, rules);
    }

    /// @inheritdoc IProgramBooks
    function rulesOf(uint32 program) external view returns (ProgramRules) {
        return _known(program);
    }

    /// @inheritdoc IProgramBooks
    function books(uint32 program) external view returns (Books memory) {
        _known(program);
        return _ledger(program).show(_caps[program]);
    }

    /// @inheritdoc IProgramBooks
    function unminted() external view returns (uint256 sum) {
        for (uint256 i = 0; i < _emission.length; ++i) {
            BooksMath.Ledger memory ledger = _ledger(_emission[i]);
            sum += uint256(ledger.left) + ledger.committed + ledger.diverted;
        }
    }

    /// @dev Promises a node `total` more, for which `diverted` was taken in and `deposited` put into the reserve.
    function _commit(uint32 program, ProgramRules rules, uint256 diverted, uint64 deposited, uint256 total) internal {
        // Check:
        Packed storage packed = _ledgers[program];
        BooksMath.Ledger memory ledger = BooksMath.unpack(packed.word);
        if (total > ledger.left) {
            uint64 cap = _caps[program];
            revert Programs_CapExceeded(program, uint256(cap) - ledger.left + total, cap);
        }

        // Check and effect:
        ledger.reserve += deposited;
        packed.word = ledger.commit(program, rules.funded(), uint64(diverted), uint64(total)).pack();
    }

    /// @dev Books what nodes were paid.
    function _bookRelease(uint32 program, bool funded, uint256 amount) internal {
        Packed storage packed = _ledgers[program];
        packed.word = BooksMath.unpack(packed.word).release(funded, uint64(amount)).pack();
    }

    function _ledger(uint32 program) internal view returns (BooksMath.Ledger memory) {
        return BooksMath.unpack(_ledgers[program].word);
    }

    function _write(uint32 program, BooksMath.Ledger memory ledger) internal {
        _ledgers[program].word = ledger.pack();
    }

    function _addReserve(uint32 program, address sponsor, uint64 amount) internal {
        // Check: a program that is closed, or was replaced before it began, promises nothing more, so it has no use for
        // more. One that is still to begin may be filled.
        ProgramRules rules = _known(program);
        _requireFunded(program, rules);
        if (rules.lastStart() == 0) revert Programs_Closed(program, rules.epoch());
        if (block.timestamp >= rules.epoch()) _nextStart(program, rules);

        // Effect:
        BooksMath.Ledger memory ledger = _ledger(program);
        ledger.reserve += amount;
        _write(program, ledger);
        emit ReserveDeposited(program, sponsor, amount);
    }

    /// @dev The period with which a node made now starts: the one after the one that now falls in.
    function _nextStart(uint32 program, ProgramRules rules) internal view returns (uint24 start) {
        if (block.timestamp < rules.epoch()) revert IPrograms.Programs_NotStarted(program, uint40(rules.epoch()));
        start = SafeCast.toUint24(ScheduleMath.periodAt(block.timestamp, rules.epoch(), rules.periodLength()) + 1);
        if (start > rules.lastStart()) {
            uint256 closedAt = ScheduleMath.beginsAt(rules.epoch(), rules.periodLength(), rules.lastStart());
            revert Programs_Closed(program, closedAt);
        }
    }

    function _elapsed(ProgramRules rules, uint256 start) internal view returns (uint256) {
        return ScheduleMath.elapsed(block.timestamp, rules.epoch(), rules.periodLength(), start, rules.periods());
    }

    /// @dev An open program has at least one period.
    function _known(uint32 program) internal view returns (ProgramRules rules) {
        rules = _rules[program];
        if (rules.periods() == 0) revert IPrograms.Programs_Unknown(program);
    }

    function _requireFunded(uint32 program, ProgramRules rules) internal pure {
        if (!rules.funded()) revert Programs_NotFunded(program);
    }
}
