// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IProgramBooks} from "../interfaces/IProgramBooks.sol";

/// @title The accounting of a program's books: pure, base units
/// @notice Held by every step: committed + left <= cap, so released + committed <= cap; reserve >= committed where
/// FUNDED.
library BooksMath {
    /// @notice The books as they are kept, in one slot: what may still be promised stands for what was released, so
    /// that no step needs the cap. released = cap - committed - left.
    struct Ledger {
        uint64 diverted;
        uint64 committed;
        uint64 left;
        uint64 reserve;
    }

    /// @notice The ledger as one word: diverted u64 | committed u64 | left u64 | reserve u64, from the lowest bit.
    function pack(Ledger memory ledger) internal pure returns (uint256) {
        return uint256(ledger.reserve) << 192 | uint256(ledger.left) << 128 | uint256(ledger.committed) << 64
            | ledger.diverted;
    }

    /// @notice The ledger that `pack` made a word of.
    function unpack(uint256 word) internal pure returns (Ledger memory) {
        return Ledger(uint64(word), uint64(word >> 64), uint64(word >> 128), uint64(word >> 192));
    }

    /// @notice The ledger after a node grew by `total`, at most `left`, for which `diverted` was taken in.
    /// @dev diverted stays below 2^64 since each payment's is at most its total; the reserve since it is at most the
    /// supply. A new ledger is made rather than the given one changed, and `require` stands for `if … revert`: so
    /// solc's model checker can follow (scripts/prove.py).
    function commit(Ledger memory ledger, uint32 program, bool funded, uint64 diverted, uint64 total)
        internal
        pure
        returns (Ledger memory)
    {
        uint64 committed = ledger.committed + total;
        uint64 reserve = funded ? ledger.reserve + diverted : ledger.reserve;
        if (funded) {
            require(reserve >= committed, IProgramBooks.Programs_ReserveTooSmall(program, committed, reserve));
        }
        return Ledger(ledger.diverted + diverted, committed, ledger.left - total, reserve);
    }

    /// @notice The ledger after a refund took `total` from a node and gave `diverted` back. A refund's diverted is at
    /// most its total, so the reserve still covers what is owed.
    function uncommit(Ledger memory ledger, bool funded, uint64 diverted, uint64 total)
        internal
        pure
        returns (Ledger memory)
    {
        uint64 reserve = funded ? ledger.reserve - diverted : ledger.reserve;
        return Ledger(ledger.diverted - diverted, ledger.committed - total, ledger.left + total, reserve);
    }

    /// @notice The ledger after a node was paid `amount`.
    function release(Ledger memory ledger, bool funded, uint64 amount) internal pure returns (Ledger memory) {
        uint64 reserve = funded ? ledger.reserve - amount : ledger.reserve;
        return Ledger(ledger.diverted, ledger.committed - amount, ledger.left, reserve);
    }

    /// @notice The books as they are shown.
    function show(Ledger memory ledger, uint64 cap) internal pure returns (IProgramBooks.Books memory) {
        uint64 released = cap - ledger.committed - ledger.left;
        return IProgramBooks.Books(ledger.diverted, ledger.committed, released, ledger.reserve);
    }
}
