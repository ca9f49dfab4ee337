// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Programs: immutable sets of rules, and the books of what each owes
/// @notice A program says how much of a payment is diverted, what its node will release and when, and who funds it.
/// Amounts are base units of points; times are unix seconds; periods are 0-based indices on the program's own grid.
interface IPrograms {
    /// @notice Where released points come from.
    /// EMISSION: diverted points are burned, releases are minted, under the program's immutable cap.
    /// FUNDED: releases come from a reserve that holds every committed point beforehand.
    enum Funding {
        EMISSION,
        FUNDED
    }

    /// @notice The rules of a program. Nothing of it ever changes. What payments and claims read comes first, in one slot.
    struct Terms {
        Funding funding;
        uint16 divertBps; // share of a payment that makes a node, 1 to 10,000 basis points
        uint16 multiplier; // node total = diverted * multiplier, at least 1
        uint8 periods; // N, 1 to 255
        uint32 periodLength; // seconds, at least one hour
        uint40 epoch; // unix seconds at which period 0 begins
        uint64 minPayment; // the smallest payment, base units; it makes a node of at least one unit
        uint64 payerPeriodCap; // the most that payments of one payer in one period may make a node's total, 1 to cap
        uint64 cap; // the most that may ever be released + committed, 1 to the token's supply cap
        uint32 growthNumerator; // growth ratio g = numerator / denominator, at least 1 (FEC: 21 / 20)
        uint32 growthDenominator;
        bytes32 termsHash; // keccak256 of the terms as a person reads them
    }

    /// @notice The books of a program. total of all nodes ever made, less what refunds undid = released + committed.
    struct Books {
        uint64 diverted; // points diverted into nodes so far, less those given back by refunds
        uint64 committed; // owed to nodes and not yet claimed
        uint64 released; // claimed so far
        uint64 reserve; // held for this program (FUNDED only)
    }

    /// @notice What a payment makes.
    struct Commitment {
        bool funded; // whether the program has a reserve, which diverted points go to
        uint24 start; // the node's: the next boundary of the program's grid
        uint64 diverted;
        uint64 total; // what the node grows by
        uint64 payerPeriodCap; // as in Terms
    }

    /// @notice A program was opened.
    /// @param program Its id, counted from 1.
    /// @param terms Its rules.
    event ProgramOpened(uint32 indexed program, Terms terms);
    /// @notice Points were added to a FUNDED program's reserve other than by a payment: a deposit, or points issued.
    /// @param program The program.
    /// @param sponsor Who gave them.
    /// @param amount Base units.
    event ReserveDeposited(uint32 indexed program, address indexed sponsor, uint64 amount);

    /// @notice Only the payment processor books payments.
    error Programs_NotProcessor(address caller);
    /// @notice Only the node contract releases.
    error Programs_NotReleaseNode(address caller);
    /// @notice No program has this id.
    error Programs_Unknown(uint32 program);
    /// @notice A term is out of its range; `term` names it.
    error Programs_InvalidTerm(string term);
    /// @notice The program's grid begins later.
    error Programs_NotStarted(uint32 program, uint40 epoch);
    /// @notice The payment is smaller than the program takes.
    error Programs_BelowMinimum(uint32 program, uint64 amount, uint64 minimum);
    /// @notice The program's cap would be exceeded.
    error Programs_CapExceeded(uint32 program, uint256 releasedAndCommitted, uint64 cap);
    /// @notice One payer's node of one period would exceed the program's limit.
    error Programs_PayerPeriodCapExceeded(uint32 program, address payer, uint256 total, uint64 cap);
    /// @notice The reserve would not cover what is owed.
    error Programs_ReserveTooSmall(uint32 program, uint256 committed, uint256 reserve);
    /// @notice Only FUNDED programs have a reserve.
    error Programs_NotFunded(uint32 program);

    /// @notice Opens a program. For program managers. The whole cap of an EMISSION program is set apart of the token's
    /// supply cap for ever. Emits ProgramOpened. Reverts with Programs_InvalidTerm, PointsToken_SupplyCapExceeded.
    /// @param terms The rules.
    /// @param table The release table: `periods - 1` big-endian entries of 24 bytes, q[k] = ceil(2^192 * share(k)),
    /// non-decreasing. An auditor derives it again from the growth ratio.
    /// @return program The new id.
    function open(Terms calldata terms, bytes calldata table) external returns (uint32 program);

    /// @notice Adds the caller's points, by allowance, to a FUNDED program's reserve. Emits ReserveDeposited.
    /// Reverts with Programs_NotFunded.
    function deposit(uint32 program, uint64 amount) external;

    /// @notice Books points that already arrived in this contract as reserve, given by `sponsor`. For the processor.
    /// Emits ReserveDeposited. Reverts with Programs_NotProcessor, Programs_NotFunded.
    function depositReceived(uint32 program, address sponsor, uint64 amount) external;

    /// @notice Books a payment of `amount` and the node that it makes. For the processor, which then moves the points.
    /// Reverts with Programs_NotProcessor, Programs_Unknown, Programs_BelowMinimum, Programs_NotStarted,
    /// Programs_CapExceeded, Programs_ReserveTooSmall.
    function commitPayment(uint32 program, uint64 amount) external returns (Commitment memory);

    /// @notice Books points that already arrived in this contract, given by `sponsor`, and a node of just as many. For the
    /// processor. Emits ReserveDeposited. Reverts with Programs_NotProcessor, Programs_NotFunded, Programs_NotStarted,
    /// Programs_CapExceeded.
    /// @return start The node's.
    function commitIssue(uint32 program, address sponsor, uint64 total) external returns (uint24 start);

    /// @notice Undoes part of a commitment. For the processor. A FUNDED program hands `diverted` to `to`.
    /// Reverts with Programs_NotProcessor.
    function uncommit(uint32 program, uint64 diverted, uint64 total, address to) external;

    /// @notice Pays out what a node has released and not yet paid. For the node contract.
    /// Reverts with Programs_NotReleaseNode.
    /// @param program The program.
    /// @param start The node's start period.
    /// @param total The node's total.
    /// @param claimedPeriods Up to which period it was claimed.
    /// @param to The receiver.
    /// @return amount Points paid, base units.
    /// @return nowClaimed Up to which period it is claimed now.
    function release(uint32 program, uint24 start, uint64 total, uint8 claimedPeriods, address to)
        external
        returns (uint64 amount, uint8 nowClaimed);

    /// @notice The rules of a program. Reverts with Programs_Unknown.
    function terms(uint32 program) external view returns (Terms memory);

    /// @notice The books of a program. Reverts with Programs_Unknown.
    function books(uint32 program) external view returns (Books memory);

    /// @notice How many programs are open; ids are 1 to this number.
    function programCount() external view returns (uint32);

    /// @notice The program's release table, as given to `open`. Reverts with Programs_Unknown.
    function table(uint32 program) external view returns (bytes memory);

    /// @notice The period that now falls in. Reverts with Programs_Unknown, Programs_NotStarted.
    function currentPeriod(uint32 program) external view returns (uint24);

    /// @notice Full periods since `start`, at most N; 0 while the node is locked.
    function elapsed(uint32 program, uint24 start) external view returns (uint8 periods);

    /// @notice Cumulative base units released of `total` after k full periods, rounded down. Reverts with Programs_Unknown.
    function released(uint32 program, uint64 total, uint8 k) external view returns (uint64);
}
