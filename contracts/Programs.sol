// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";
import {IPointsToken} from "./interfaces/IPointsToken.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {BooksMath} from "./libraries/BooksMath.sol";
import {PaymentMath} from "./libraries/PaymentMath.sol";
import {ScheduleMath} from "./libraries/ScheduleMath.sol";
import {TermsCheck} from "./libraries/TermsCheck.sol";

/// @title Programs: immutable sets of rules, and the books of what each owes
/// @notice Holds the reserves of FUNDED programs. The only contracts called are the token and, by it, this one.
contract Programs is IPrograms, AccessManaged {
    using BooksMath for BooksMath.Ledger;

    /// @dev `shares` is where the release table stands as code (SSTORE2).
    struct Program {
        Terms terms;
        address shares;
    }

    /// @notice The points.
    IPointsToken public immutable TOKEN;
    /// @notice Who books payments.
    address public immutable PROCESSOR;
    /// @notice Who releases.
    address public immutable RELEASE_NODE;

    /// @inheritdoc IPrograms
    uint32 public programCount;

    mapping(uint32 program => Program) private _programs;
    mapping(uint32 program => BooksMath.Ledger) private _ledgers;

    modifier onlyProcessor() {
        if (msg.sender != PROCESSOR) revert Programs_NotProcessor(msg.sender);
        _;
    }

    constructor(address authority, IPointsToken token, address processor, address releaseNode)
        AccessManaged(authority)
    {
        TOKEN = token;
        PROCESSOR = processor;
        RELEASE_NODE = releaseNode;
    }

    /// @inheritdoc IPrograms
    function open(Terms calldata rules, bytes calldata shares) external restricted returns (uint32 program) {
        // Check:
        TermsCheck.check(rules, shares, TOKEN.SUPPLY_CAP());

        // Effect:
        program = ++programCount;
        _programs[program] = Program(rules, SSTORE2.write(shares));
        _ledgers[program].left = rules.cap;
        emit ProgramOpened(program, rules);

        // Interaction: whatever nodes of this program will ever release is set apart now.
        if (rules.funding == Funding.EMISSION) TOKEN.setSupplyApart(rules.cap);
    }

    /// @inheritdoc IPrograms
    function deposit(uint32 program, uint64 amount) external {
        // Check and effect:
        _addReserve(program, msg.sender, amount);

        // Interaction: the token reverts rather than return false.
        TOKEN.transferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IPrograms
    function depositReceived(uint32 program, address sponsor, uint64 amount) external onlyProcessor {
        _addReserve(program, sponsor, amount);
    }

    /// @inheritdoc IPrograms
    function commitPayment(uint32 program, uint64 amount) external onlyProcessor returns (Commitment memory made) {
        // Check: a program's smallest payment makes a node of at least one unit.
        Terms storage rules = _known(program).terms;
        uint64 minimum = rules.minPayment;
        if (amount < minimum) revert Programs_BelowMinimum(program, amount, minimum);

        // Check and effect:
        PaymentMath.Split memory split = PaymentMath.split(amount, rules.divertBps, rules.multiplier);
        made.funded = rules.funding == Funding.FUNDED;
        made.start = _nextPeriod(program, rules);
        made.diverted = split.diverted;
        made.total = _commit(program, rules, made.funded, split.diverted, split.total);
        made.payerPeriodCap = rules.payerPeriodCap;
    }

    /// @inheritdoc IPrograms
    function commitIssue(uint32 program, address sponsor, uint64 total) external onlyProcessor returns (uint24 start) {
        // Check and effect: only a FUNDED program takes a reserve.
        _addReserve(program, sponsor, total);
        Terms storage rules = _programs[program].terms;
        start = _nextPeriod(program, rules);
        _commit(program, rules, true, 0, total);
    }

    /// @inheritdoc IPrograms
    function uncommit(uint32 program, uint64 diverted, uint64 total, address to) external onlyProcessor {
        // Effect:
        bool funded = _known(program).terms.funding == Funding.FUNDED;
        _ledgers[program] = _ledgers[program].uncommit(funded, diverted, total);

        // Interaction: the token reverts rather than return false.
        if (funded) TOKEN.transfer(to, diverted);
    }

    /// @inheritdoc IPrograms
    function release(uint32 program, uint24 start, uint64 total, uint8 claimedPeriods, address to)
        external
        returns (uint64 amount, uint8 nowClaimed)
    {
        // Check:
        if (msg.sender != RELEASE_NODE) revert Programs_NotReleaseNode(msg.sender);

        // Effect:
        Program storage entry = _known(program);
        bool funded = entry.terms.funding == Funding.FUNDED;
        nowClaimed = _elapsed(entry.terms, start);
        amount = _released(entry, total, nowClaimed) - _released(entry, total, claimedPeriods);
        _ledgers[program] = _ledgers[program].release(funded, amount);

        // Interaction: the token reverts rather than return false.
        if (funded) TOKEN.transfer(to, amount);
        else TOKEN.mintReleased(to, amount);
    }

    /// @inheritdoc IPrograms
    function terms(uint32 program) external view returns (Terms memory) {
        return _known(program).terms;
    }

    /// @inheritdoc IPrograms
    function books(uint32 program) external view returns (Books memory) {
        return _ledgers[program].show(_known(program).terms.cap);
    }

    /// @inheritdoc IPrograms
    function table(uint32 program) external view returns (bytes memory) {
        return SSTORE2.read(_known(program).shares);
    }

    /// @inheritdoc IPrograms
    function currentPeriod(uint32 program) external view returns (uint24) {
        return _nextPeriod(program, _known(program).terms) - 1;
    }

    /// @inheritdoc IPrograms
    function elapsed(uint32 program, uint24 start) external view returns (uint8) {
        return _elapsed(_known(program).terms, start);
    }

    /// @inheritdoc IPrograms
    function released(uint32 program, uint64 total, uint8 k) external view returns (uint64) {
        return _released(_known(program), total, k);
    }

    function _addReserve(uint32 program, address sponsor, uint64 amount) private {
        // Check:
        if (_known(program).terms.funding != Funding.FUNDED) revert Programs_NotFunded(program);

        // Effect:
        _ledgers[program].reserve += amount;
        emit ReserveDeposited(program, sponsor, amount);
    }

    /// @dev Promises `total` more; as 64 bits, since it is at most what is left of the cap.
    function _commit(uint32 program, Terms storage rules, bool funded, uint64 diverted, uint256 total)
        private
        returns (uint64)
    {
        // Check:
        BooksMath.Ledger memory ledger = _ledgers[program];
        if (total > ledger.left) {
            uint64 cap = rules.cap;
            revert Programs_CapExceeded(program, cap - ledger.left + total, cap);
        }

        // Effect:
        _ledgers[program] = ledger.commit(program, funded, diverted, uint64(total));
        return uint64(total);
    }

    /// @dev The period after the one that now falls in, with which a node made now starts.
    function _nextPeriod(uint32 program, Terms storage rules) private view returns (uint24) {
        uint40 epoch = rules.epoch;
        if (block.timestamp < epoch) revert Programs_NotStarted(program, epoch);
        return SafeCast.toUint24(ScheduleMath.periodAt(block.timestamp, epoch, rules.periodLength) + 1);
    }

    function _elapsed(Terms storage rules, uint24 start) private view returns (uint8) {
        return ScheduleMath.elapsed(block.timestamp, rules.epoch, rules.periodLength, start, rules.periods);
    }

    function _released(Program storage entry, uint64 total, uint8 k) private view returns (uint64) {
        uint256 periods = entry.terms.periods;
        uint192 q;
        if (k != 0 && k < periods) {
            uint256 end = k * ScheduleMath.ENTRY_BYTES;
            q = uint192(bytes24(SSTORE2.read(entry.shares, end - ScheduleMath.ENTRY_BYTES, end)));
        }
        return ScheduleMath.released(total, k, periods, q);
    }

    /// @dev An open program has at least one period.
    function _known(uint32 program) private view returns (Program storage entry) {
        entry = _programs[program];
        if (entry.terms.periods == 0) revert Programs_Unknown(program);
    }
}
