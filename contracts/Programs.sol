// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {LibRLP} from "solady/utils/LibRLP.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";
import {IPointsToken} from "./interfaces/IPointsToken.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {BooksMath} from "./libraries/BooksMath.sol";
import {PaymentMath} from "./libraries/PaymentMath.sol";
import {ScheduleMath} from "./libraries/ScheduleMath.sol";
import {TermsCheck} from "./libraries/TermsCheck.sol";

/// @title Programs: immutable sets of rules, and the books of what each owes
/// @notice Holds the reserves of FUNDED programs. The only contract called is the token.
contract Programs is IPrograms, AccessManaged {
    using BooksMath for BooksMath.Ledger;

    /// @notice The points.
    IPointsToken public immutable TOKEN;
    /// @notice Who books payments.
    address public immutable PROCESSOR;
    /// @notice Who releases.
    address public immutable RELEASE_NODE;

    /// @inheritdoc IPrograms
    uint32 public programCount;

    mapping(uint32 program => Terms) private _terms;
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
        _terms[program] = rules;
        _ledgers[program].left = rules.cap;
        SSTORE2.write(shares);
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
        Terms storage rules = _known(program);
        uint64 minimum = rules.minPayment;
        if (amount < minimum) revert Programs_BelowMinimum(program, amount, minimum);

        // Check and effect:
        PaymentMath.Split memory split = PaymentMath.split(amount, rules.divertBps, rules.multiplier);
        made.funded = rules.funding == Funding.FUNDED;
        made.start = _nextPeriod(program, rules);
        made.diverted = split.diverted;
        made.total = _commit(program, rules, _ledgers[program], made.funded, split.diverted, split.total);
        made.payerPeriodCap = rules.payerPeriodCap;
    }

    /// @inheritdoc IPrograms
    function commitIssue(uint32 program, address sponsor, uint64 total) external onlyProcessor returns (uint24 start) {
        // Check:
        Terms storage rules = _requireFunded(program);
        start = _nextPeriod(program, rules);

        // Check and effect:
        BooksMath.Ledger memory ledger = _ledgers[program];
        ledger.reserve += total;
        _commit(program, rules, ledger, true, 0, total);
        emit ReserveDeposited(program, sponsor, total);
    }

    /// @inheritdoc IPrograms
    function uncommit(uint32 program, uint64 diverted, uint64 total, address to) external onlyProcessor {
        // Effect:
        bool funded = _known(program).funding == Funding.FUNDED;
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
        Terms storage rules = _known(program);
        bool funded = rules.funding == Funding.FUNDED;
        uint8 periods = rules.periods;
        address shares = _tableOf(program);
        nowClaimed = _elapsed(rules, start);
        amount = _released(shares, periods, total, nowClaimed) - _released(shares, periods, total, claimedPeriods);
        _ledgers[program] = _ledgers[program].release(funded, amount);

        // Interaction: the token reverts rather than return false.
        if (funded) TOKEN.transfer(to, amount);
        else TOKEN.mintReleased(to, amount);
    }

    /// @inheritdoc IPrograms
    function terms(uint32 program) external view returns (Terms memory) {
        return _known(program);
    }

    /// @inheritdoc IPrograms
    function books(uint32 program) external view returns (Books memory) {
        return _ledgers[program].show(_known(program).cap);
    }

    /// @inheritdoc IPrograms
    function table(uint32 program) external view returns (bytes memory) {
        _known(program);
        return SSTORE2.read(_tableOf(program));
    }

    /// @inheritdoc IPrograms
    function currentPeriod(uint32 program) external view returns (uint24) {
        return _nextPeriod(program, _known(program)) - 1;
    }

    /// @inheritdoc IPrograms
    function elapsed(uint32 program, uint24 start) external view returns (uint8) {
        return _elapsed(_known(program), start);
    }

    /// @inheritdoc IPrograms
    function released(uint32 program, uint64 total, uint8 k) external view returns (uint64) {
        return _released(_tableOf(program), _known(program).periods, total, k);
    }

    function _addReserve(uint32 program, address sponsor, uint64 amount) private {
        // Check:
        _requireFunded(program);

        // Effect:
        _ledgers[program].reserve += amount;
        emit ReserveDeposited(program, sponsor, amount);
    }

    /// @dev Promises `total` more than the ledger says; as 64 bits, since it is at most what is left of the cap.
    function _commit(
        uint32 program,
        Terms storage rules,
        BooksMath.Ledger memory ledger,
        bool funded,
        uint64 diverted,
        uint256 total
    ) private returns (uint64) {
        // Check:
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

    function _released(address shares, uint8 periods, uint64 total, uint8 k) private view returns (uint64) {
        uint192 q;
        if (k != 0 && k < periods) {
            uint256 end = k * ScheduleMath.ENTRY_BYTES;
            q = uint192(bytes24(SSTORE2.read(shares, end - ScheduleMath.ENTRY_BYTES, end)));
        }
        return ScheduleMath.released(total, k, periods, q);
    }

    function _requireFunded(uint32 program) private view returns (Terms storage rules) {
        rules = _known(program);
        if (rules.funding != Funding.FUNDED) revert Programs_NotFunded(program);
    }

    /// @dev An open program has at least one period.
    function _known(uint32 program) private view returns (Terms storage rules) {
        rules = _terms[program];
        if (rules.periods == 0) revert Programs_Unknown(program);
    }

    /// @dev Where a program's release table stands as code (SSTORE2). The tables are all that this contract creates, one
    /// a program, so the nth stands where its nonce n says; nonces of contracts begin with 1, as programs do.
    function _tableOf(uint32 program) private view returns (address) {
        return LibRLP.computeAddress(address(this), program);
    }
}
