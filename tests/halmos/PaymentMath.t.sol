// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPrograms} from "../../contracts/interfaces/IPrograms.sol";
import {PaymentMath} from "../../contracts/libraries/PaymentMath.sol";
import {TermsCheck} from "../../contracts/libraries/TermsCheck.sol";
import {vm} from "./Vm.sol";

/// @dev Splits and refunds, for every amount and all terms that a program can have.
contract PaymentMathProperties {
    function requireInRange(IPrograms.Terms calldata terms, string calldata name, bytes calldata table, uint256 limit)
        external
        pure
    {
        TermsCheck.check(terms, name, table, limit);
    }

    function check_T01_splitIsTheExactFloor(uint64 amount, uint16 bps, uint16 multiplier) public pure {
        vm.assume(bps <= 10_000);
        PaymentMath.Split memory split = PaymentMath.split(amount, bps, multiplier);
        unchecked { // words hold all of these products; a check would be one more question to the solvers
            assert(uint256(split.merchant) + split.diverted == amount);
            uint256 share = uint256(amount) * bps;
            assert(uint256(split.diverted) * 10_000 <= share);
            assert(share < (uint256(split.diverted) + 1) * 10_000);
            assert(split.total == uint256(split.diverted) * multiplier);
        }
    }

    function check_T02_moreIsDivertedOfALargerPayment(uint64 amount, uint64 larger, uint16 bps) public pure {
        vm.assume(bps <= 10_000 && amount <= larger);
        assert(PaymentMath.split(amount, bps, 1).diverted <= PaymentMath.split(larger, bps, 1).diverted);
    }

    /// @dev Of one period, so that the table of the program is empty.
    function check_T02_noPaymentOfAProgramMakesAnEmptyNode(IPrograms.Terms calldata terms, uint64 limit, uint64 amount)
        public
        view
    {
        vm.assume(terms.periods == 1);
        this.requireInRange(terms, "name", "", limit);
        vm.assume(amount >= terms.minPayment);
        PaymentMath.Split memory split = PaymentMath.split(amount, terms.divertBps, terms.multiplier);
        assert(split.diverted > 0 && split.total > 0);
    }

    function check_T05_refundTakesBackWhatItGives(
        uint64 paid,
        uint64 refunded,
        uint64 amount,
        uint16 bps,
        uint16 multiplier
    ) public pure {
        vm.assume(bps <= 10_000 && refunded <= paid && amount <= paid - refunded);
        PaymentMath.Split memory back = PaymentMath.refund(paid, refunded, amount, bps, multiplier);
        assert(uint256(back.merchant) + back.diverted == amount);
    }

    /// @dev What remains after any refund is what a payment of the rest would have made, so by induction all refunds of a
    /// payment, in any steps, give back its split.
    function check_T07_refundLeavesThePaymentOfTheRest(
        uint64 paid,
        uint64 refunded,
        uint64 amount,
        uint16 bps,
        uint16 multiplier
    ) public pure {
        vm.assume(bps <= 10_000 && refunded <= paid && amount <= paid - refunded);
        PaymentMath.Split memory before = PaymentMath.split(paid - refunded, bps, multiplier);
        PaymentMath.Split memory back = PaymentMath.refund(paid, refunded, amount, bps, multiplier);
        PaymentMath.Split memory rest = PaymentMath.split(paid - refunded - amount, bps, multiplier);
        assert(uint256(back.merchant) + rest.merchant == before.merchant);
        assert(uint256(back.diverted) + rest.diverted == before.diverted);
        assert(back.total + rest.total == before.total);
    }
}
