// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PayerShare} from "../../contracts/types/PayerShare.sol";
import {IPointsToken, IPrograms, IReleaseNode, Setup, Tables} from "./Setup.sol";

/// @dev Stands in the processor's place for a moment, to make many nodes of one holder in one call.
contract Loader {
    function load(IReleaseNode node, IPointsToken token, uint32 program, address holder, uint24 count) external {
        PayerShare[] memory shares = new PayerShare[](1);
        shares[0] = PayerShare({payer: holder, merchantShare: 0, diverted: 1e5, validAfter: type(uint40).max});
        for (uint24 start = 1000; start < 1000 + count; ++start) {
            uint256 made = node.topUp(program, start, shares);
            shares[0].diverted = 0;
            token.settle(holder, shares, made, false);
            shares[0].diverted = 1e5;
        }
    }
}

/// @dev T21: what a call costs does not grow with what there is.
/// forge-config: default.isolate = true
contract ScaleTest is Setup {
    function test_T21_aHolderOfTenThousandNodesClaimsTransfersAndPaysAtTheSameCost() public {
        uint256[3] memory before = costs("few", 1);
        load(fec, 10_000);
        vm.assertGt(node.balanceOf(alice), 10_000, "ten thousand nodes");
        uint256[3] memory later = costs("many", 2);
        for (uint256 i = 0; i < 3; ++i) {
            // Calldata with fewer zero bytes costs a little more.
            vm.assertLe(later[i], before[i] + 200, "no more than with two");
        }
    }

    /// @dev Each change of the program reads a table of 255 periods again; mixed, it is more than a transaction may use.
    function test_T21_fiveHundredClaimsOfTwoProgramsMixedAndInTheOrderOfTheirIds() public {
        give(alice, POINT);
        uint32[2] memory longest = [openLongest("one"), openLongest("other")];
        uint256[] memory mixed = new uint256[](500);
        uint256[] memory ordered = new uint256[](500);
        for (uint256 which = 0; which < 2; ++which) {
            load(longest[which], 250);
            for (uint24 i = 0; i < 250; ++i) {
                uint256 id = node.idOf(longest[which], 1000 + i, alice);
                (mixed[2 * i + which], ordered[250 * which + i]) = (id, id);
            }
        }
        vm.warp(EPOCH + 1300 hours);
        uint256 before = vm.snapshotState();
        // As deployed 4.3 and 29.4 million; coverage and mutants are built without the optimizer.
        node.claim(ordered);
        vm.assertLe(vm.lastCallGas().gasTotalUsed, 5_200_000, "in the order of their ids");
        vm.revertToState(before);
        node.claim(mixed);
        vm.assertLe(vm.lastCallGas().gasTotalUsed, 34_000_000, "mixed");
    }

    function openLongest(string memory name) private returns (uint32) {
        IPrograms.Terms memory rules = fecTerms();
        (rules.periods, rules.periodLength, rules.cap) = (255, 1 hours, 1_000_000 * POINT);
        (rules.growthNumerator, rules.growthDenominator) = (1, 1);
        return programs.open(rules, name, Tables.straight(255));
    }

    function load(uint32 program, uint24 count) private {
        bytes memory code = address(processor).code;
        vm.etch(address(processor), type(Loader).runtimeCode);
        Loader(address(processor)).load(node, token, program, alice, count);
        vm.etch(address(processor), code);
    }

    /// @dev Pays twice, claims and gives away the nth node, and says what the second payment and the rest cost.
    function costs(bytes32 order, uint256 nth) private returns (uint256[3] memory gas) {
        uint256 begins = EPOCH + (nth - 1) * 200 weeks;
        give(alice, 3 * POINT); // one is left, so that no balance ends and gives gas back
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(begins + i * 1 weeks);
            vm.prank(alice);
            processor.pay(paymentOf(alice, fec, POINT, bytes32(uint256(order) + i)));
            gas[0] = vm.lastCallGas().gasTotalUsed;
        }
        uint256 id = node.idOf(fec, uint24((nth - 1) * 200 + 1), alice);
        vm.warp(begins + 2 weeks);
        claimOne(id);
        vm.warp(begins + 3 weeks);
        claimOne(id);
        gas[1] = vm.lastCallGas().gasTotalUsed;
        vm.warp(begins + 4 weeks);
        vm.prank(alice);
        node.transferFrom(alice, address(uint160(0xB000 + nth)), id);
        gas[2] = vm.lastCallGas().gasTotalUsed;
    }
}
