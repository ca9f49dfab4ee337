// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ProgramRules} from "../types/ProgramRules.sol";

/// @title The books of the programs: what each took in, owes, released and holds
/// @notice Errors that speak of a program are named as those of the rule book. Amounts are base units of points.
interface IProgramBooks {
    /// @notice The books of a program. total of all nodes ever made, less what refunds undid = released + committed.
    struct Books {
        uint64 diverted; // points diverted into nodes so far, less those given back by refunds
        uint64 committed; // owed to nodes and not yet claimed
        uint64 released; // claimed so far
        uint64 reserve; // held for this program (FUNDED only)
    }

    /// @notice Points were added to a FUNDED program's reserve other than by a payment: a deposit, or points issued.
    /// @param program The program's id.
    /// @param sponsor Who gave the points.
    /// @param amount Base units.
    event ReserveDeposited(uint32 indexed program, address indexed sponsor, uint64 amount);

    /// @notice `caller` is not the rule book, which alone opens and closes programs.
    error ReleaseNode_NotPrograms(address caller);
    /// @notice `program` was replaced, and takes no payments since `closedAt`, unix seconds.
    error Programs_Closed(uint32 program, uint256 closedAt);
    /// @notice No more than `limit` EMISSION programs can ever be opened: the supply is summed over them.
    error Programs_TooMany(uint256 limit);
    /// @notice What `program` released and owes would be `releasedAndCommitted`, more than its `cap`; base units.
    error Programs_CapExceeded(uint32 program, uint256 releasedAndCommitted, uint64 cap);
    /// @notice The node of `payer` for a period of `program` would have `total` base units, more than `cap`.
    error Programs_PayerPeriodCapExceeded(uint32 program, address payer, uint256 total, uint64 cap);
    /// @notice `program` would owe `committed`, more than its reserve of `reserve`; base units.
    error Programs_ReserveTooSmall(uint32 program, uint256 committed, uint256 reserve);
    /// @notice `program` is not FUNDED: it has no reserve.
    error Programs_NotFunded(uint32 program);

    /// @notice Takes up a program. For the rule book. The whole cap of an EMISSION program is set apart of the token's
    /// supply cap for ever. Reverts with ReleaseNode_NotPrograms, Programs_TooMany, PointsToken_SupplyCapExceeded.
    /// @param program The program's id.
    /// @param rules What payments and claims read of the program.
    /// @param cap The most that the program may ever release and owe, base units.
    function addProgram(uint32 program, ProgramRules rules, uint64 cap) external;

    /// @notice Lets a program take no payments once its nodes would start after `lastStart`. For the rule book. Reverts
    /// with ReleaseNode_NotPrograms.
    /// @param program The program's id.
    /// @param lastStart The last period with which nodes may start; 0 where none may.
    function closeProgram(uint32 program, uint24 lastStart) external;

    /// @notice Adds the caller's points, by allowance, to a FUNDED program's reserve. Emits ReserveDeposited. Reverts
    /// with Programs_Unknown, Programs_NotFunded, Programs_Closed, and as `transferFrom` of the token does.
    /// @param program The program's id.
    /// @param amount Base units.
    function deposit(uint32 program, uint64 amount) external;

    /// @notice What a payment made now is counted by. Reverts with Programs_Unknown, Programs_NotStarted,
    /// Programs_Closed.
    /// @param program The program's id.
    /// @return rules What payments and claims read of the program.
    /// @return start The period with which the node starts: the one after the present one.
    function termsNow(uint32 program) external view returns (ProgramRules rules, uint24 start);

    /// @notice What payments and claims read of a program. Reverts with Programs_Unknown.
    /// @param program The program's id.
    /// @return The rules, in one word.
    function rulesOf(uint32 program) external view returns (ProgramRules);

    /// @notice The books of a program. Reverts with Programs_Unknown.
    /// @param program The program's id.
    /// @return What it took in, owes, released and holds, base units.
    function books(uint32 program) external view returns (Books memory);

    /// @notice What is set apart for EMISSION programs, less what they brought into the supply: what they may still
    /// promise, what they owe, and what payments burned. In sum over the programs, base units.
    /// @return left + committed + diverted of every EMISSION program, base units.
    function unminted() external view returns (uint256);
}
