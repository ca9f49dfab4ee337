// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Programs: immutable sets of rules
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

    /// @notice The rules of a program. Nothing of it ever changes.
    struct Terms {
        Funding funding;
        uint16 divertBps; // share of a payment that makes a node, 1 to 10,000 basis points
        uint16 multiplier; // node total = diverted * multiplier, at least 1
        uint8 periods; // N, 1 to 255
        uint32 periodLength; // seconds, at least one hour
        uint40 epoch; // unix seconds at which period 0 begins
        uint64 minPayment; // the smallest payment, base units, below 2^40; it makes a node of at least one unit
        uint64 payerPeriodCap; // the most that payments of one payer in one period may make a node's total, 1 to cap
        uint64 cap; // the most that may ever be released + committed, 1 to the token's supply cap
        uint32 growthNumerator; // growth ratio g = numerator / denominator, at least 1 (FEC: 21 / 20)
        uint32 growthDenominator;
        bytes32 termsHash; // keccak256 of the terms as a person reads them
    }

    /// @notice A program was opened.
    /// @param program The program's id, counted from 1.
    /// @param terms The program's rules.
    /// @param name The program's name.
    event ProgramOpened(uint32 indexed program, Terms terms, string name);
    /// @notice A replacement of a program was announced, and opens with its own epoch.
    /// @param program The id of the program that is replaced: it takes payments until `closesAt`; its nodes go on as
    /// they are.
    /// @param by The id of the program that replaces it.
    /// @param closesAt Unix seconds.
    event ProgramReplaced(uint32 indexed program, uint32 indexed by, uint256 closesAt);
    /// @notice No program has the id `program`.
    error Programs_Unknown(uint32 program);
    /// @notice A term is out of its range; `term` names it.
    error Programs_InvalidTerm(string term);
    /// @notice Period 0 of `program` begins only at `epoch`, unix seconds.
    error Programs_NotStarted(uint32 program, uint40 epoch);
    /// @notice `program` is replaced by `by` already.
    error Programs_Replaced(uint32 program, uint32 by);
    /// @notice A replacement opens at least 30 days after it is announced: `epoch` is before `earliest`, unix seconds.
    error Programs_NoticeTooShort(uint40 epoch, uint256 earliest);

    /// @notice Opens a program. For program managers. The whole cap of an EMISSION program is set apart of the token's
    /// supply cap for ever. Emits ProgramOpened. Reverts with Programs_InvalidTerm, Programs_TooMany,
    /// PointsToken_SupplyCapExceeded.
    /// @param terms The program's rules.
    /// @param name The program's name: 1 to 31 bytes of UTF-8, for people.
    /// @param table The release table: `periods - 1` big-endian entries of 24 bytes, q[k] = ceil(2^192 * share(k)),
    /// non-decreasing. An auditor derives it again from the growth ratio.
    /// @return program The new program's id.
    function open(Terms calldata terms, string calldata name, bytes calldata table) external returns (uint32 program);

    /// @notice Announces a program that replaces another: it opens with its epoch, at least 30 days from now, and the
    /// one replaced takes payments until the end of its period in which that falls. Nodes that are there stay as they
    /// are. For program managers. Emits ProgramOpened, ProgramReplaced. Reverts as `open` does, and with
    /// Programs_Unknown, Programs_Replaced, Programs_NoticeTooShort.
    /// @param old The id of the program that is replaced.
    /// @param terms The new program's rules.
    /// @param name The new program's name, as `open` takes it.
    /// @param table The new program's release table, as `open` takes it.
    /// @return program The new program's id.
    function replace(uint32 old, Terms calldata terms, string calldata name, bytes calldata table)
        external
        returns (uint32 program);

    /// @notice The rules of a program. Reverts with Programs_Unknown.
    /// @param program The program's id.
    /// @return Its terms, as given to `open`.
    function terms(uint32 program) external view returns (Terms memory);

    /// @notice How many programs are open; ids are 1 to this number.
    /// @return Also the id of the latest program.
    function programCount() external view returns (uint32);

    /// @notice The name of a program. Reverts with Programs_Unknown.
    /// @param program The program's id.
    /// @return 1 to 31 bytes, as given to `open`: neither checked to be UTF-8 nor escaped.
    function programName(uint32 program) external view returns (string memory);

    /// @notice What replaces a program, and until when it takes payments then. Reverts with Programs_Unknown.
    /// @param program The program's id.
    /// @return by The id of the program that replaces it; 0 while none does.
    /// @return closesAt Unix seconds; 0 while nothing replaces it.
    function replacementOf(uint32 program) external view returns (uint32 by, uint256 closesAt);

    /// @notice The program's release table, as given to `open`. Reverts with Programs_Unknown.
    /// @param program The program's id.
    /// @return `periods - 1` big-endian entries of 24 bytes.
    function releaseTable(uint32 program) external view returns (bytes memory);

    /// @notice The period that now falls in. Reverts with Programs_Unknown, Programs_NotStarted.
    /// @param program The program's id.
    /// @return Its 0-based index on the program's grid.
    function currentPeriod(uint32 program) external view returns (uint24);

    /// @notice Full periods since `start`, at most N. Reverts with Programs_Unknown.
    /// @param program The program's id.
    /// @param start The period at whose beginning the node starts.
    /// @return periods 0 while the node is locked.
    function elapsed(uint32 program, uint24 start) external view returns (uint8 periods);

    /// @notice Cumulative base units released of `total` after k full periods, rounded down. Reverts with
    /// Programs_Unknown.
    /// @param program The program's id.
    /// @param total The node's total, base units.
    /// @param k Full periods since the node's start.
    /// @return Base units, at most `total`; all of it once k is N.
    function released(uint32 program, uint64 total, uint8 k) external view returns (uint64);
}
