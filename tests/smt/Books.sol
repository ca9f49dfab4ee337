// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BooksMath} from "../../contracts/libraries/BooksMath.sol";

/// @dev T03: the books of a program, stepped by anyone in any order; what each step gets is all that the callers hold to. Beside
/// the ledger stands what was released and deposited. solc's model checker proves the assertions for any number of calls;
/// whether a program is FUNDED is a word of the code, and each assertion is asked about alone: else it does not come to an end.
contract FundedBooks {
    using BooksMath for BooksMath.Ledger;

    BooksMath.Ledger private ledger;
    uint64 private cap;
    uint64 private released;
    uint64 private deposited;

    constructor(uint64 most) {
        (cap, ledger.left) = (most, most);
    }

    function deposit(uint64 amount) external {
        ledger.reserve += amount;
        deposited += amount;
    }

    function commit(uint64 diverted, uint64 total) external {
        ledger = ledger.commit(1, true, diverted, total);
    }

    /// @dev A multiplier is at least 1.
    function uncommit(uint64 diverted, uint64 total) external {
        require(diverted <= total);
        ledger = ledger.uncommit(true, diverted, total);
    }

    function release(uint64 amount) external {
        ledger = ledger.release(true, amount);
        released += amount;
    }

    function check() external view {
        assert(uint256(ledger.committed) + ledger.left + released == cap);
        assert(ledger.reserve >= ledger.committed);
        assert(uint256(deposited) + ledger.diverted == uint256(ledger.reserve) + released);
    }
}

contract EmissionBooks {
    using BooksMath for BooksMath.Ledger;

    BooksMath.Ledger private ledger;
    uint64 private cap;
    uint64 private released;

    constructor(uint64 most) {
        (cap, ledger.left) = (most, most);
    }

    function commit(uint64 diverted, uint64 total) external {
        ledger = ledger.commit(1, false, diverted, total);
    }

    function uncommit(uint64 diverted, uint64 total) external {
        ledger = ledger.uncommit(false, diverted, total);
    }

    function release(uint64 amount) external {
        ledger = ledger.release(false, amount);
        released += amount;
    }

    function check() external view {
        assert(uint256(ledger.committed) + ledger.left + released == cap);
        assert(ledger.reserve == 0);
    }
}
