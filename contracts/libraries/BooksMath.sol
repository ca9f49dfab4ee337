// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPrograms} from "../interfaces/IPrograms.sol";

/// @title The accounting of a program's books: pure, base units
/// @notice Held by every step: released + committed <= cap, and reserve >= committed where FUNDED.
library BooksMath {
    /// @notice The books after a node grew by `total`, for which `diverted` was taken in.
    /// @dev Sums are taken in 256 bits and fit 64 once they are checked: committed <= cap < 2^64. diverted stays below
    /// 2^64 since each payment's is at most its total; the reserve since it is at most the supply.
    function commit(
        IPrograms.Books memory books,
        uint32 program,
        bool funded,
        uint64 cap,
        uint64 diverted,
        uint64 total
    ) internal pure returns (IPrograms.Books memory) {
        uint256 owed = uint256(books.released) + books.committed + total;
        if (owed > cap) revert IPrograms.Programs_CapExceeded(program, owed, cap);
        books.diverted += diverted;
        books.committed += total;
        if (funded) {
            books.reserve += diverted;
            if (books.reserve < books.committed) {
                revert IPrograms.Programs_ReserveTooSmall(program, books.committed, books.reserve);
            }
        }
        return books;
    }

    /// @notice The books after a refund took `total` from a node and gave `diverted` back. A refund's diverted is at most
    /// its total, so the reserve still covers what is owed.
    function uncommit(IPrograms.Books memory books, bool funded, uint64 diverted, uint64 total)
        internal
        pure
        returns (IPrograms.Books memory)
    {
        books.diverted -= diverted;
        books.committed -= total;
        if (funded) books.reserve -= diverted;
        return books;
    }

    /// @notice The books after a node was paid `amount`.
    function release(IPrograms.Books memory books, bool funded, uint64 amount)
        internal
        pure
        returns (IPrograms.Books memory)
    {
        books.committed -= amount;
        books.released += amount;
        if (funded) books.reserve -= amount;
        return books;
    }
}
