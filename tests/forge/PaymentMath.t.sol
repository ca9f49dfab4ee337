// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PaymentMath} from "../../contracts/libraries/PaymentMath.sol";
import {Vm} from "./Vm.sol";

/// @dev The split of a payment and of its refunds, for every amount.
contract PaymentMathTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function test_T01_tenPerCentOfOddAmountsRoundsDown() public pure {
        PaymentMath.Split memory split = PaymentMath.split(19, 1000, 10);
        vm.assertEq(split.diverted, 1, "floor(1.9)");
        vm.assertEq(split.merchant, 18, "the rest");
        vm.assertEq(split.total, 10, "times ten");
    }

    function testFuzz_T01_merchantAndDivertedMakeTheAmount(uint64 amount, uint16 bps, uint16 multiplier) public pure {
        bps = bps % 10_001;
        PaymentMath.Split memory split = PaymentMath.split(amount, bps, multiplier);
        vm.assertEq(uint256(split.merchant) + split.diverted, amount, "sum");
        vm.assertEq(split.diverted, uint256(amount) * bps / 10_000, "floor");
        vm.assertEq(split.total, uint256(split.diverted) * multiplier, "total");
    }

    function testFuzz_T07_refundsInStepsTelescope(uint64 paid, uint64 first, uint64 second, uint16 bps, uint16 times)
        public
        pure
    {
        bps = bps % 10_001;
        first = uint64(uint256(first) % (uint256(paid) + 1));
        second = uint64(uint256(second) % (uint256(paid - first) + 1));
        PaymentMath.Split memory a = PaymentMath.refund(paid, 0, first, bps, times);
        PaymentMath.Split memory b = PaymentMath.refund(paid, first, second, bps, times);
        PaymentMath.Split memory rest = PaymentMath.refund(paid, first + second, paid - first - second, bps, times);
        PaymentMath.Split memory whole = PaymentMath.split(paid, bps, times);
        vm.assertEq(uint256(a.merchant) + a.diverted, first, "each step is its amount");
        vm.assertEq(uint256(a.diverted) + b.diverted + rest.diverted, whole.diverted, "diverted");
        vm.assertEq(uint256(a.merchant) + b.merchant + rest.merchant, whole.merchant, "merchant");
        vm.assertEq(a.total + b.total + rest.total, whole.total, "total");
        vm.assertEq(a.total, uint256(a.diverted) * times, "undone with what is given back");
    }
}
