// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPrograms, IReleaseNode, Setup} from "./Setup.sol";
import {Plain} from "./Wallet.sol";

/// @dev `claim`: whoever calls, the owner is paid.
contract ClaimTest is Setup {
    function test_unknownNode() public {
        uint256 id = node.idOf(fec, 1, alice);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, id));
        claimOne(id);
    }

    function test_exactlyAtTheFirstReleaseAndOneSecondBefore() public {
        uint256 id = paid(alice, fec, 10_000 * POINT, "1");
        vm.warp(unlock(fec) - 1);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Locked.selector, id, unlock(fec)));
        claimOne(id);
        vm.warp(unlock(fec));
        vm.assertEq(claimOne(id), 3_831_380, "the first release");
    }

    function test_twiceInAPeriod() public {
        uint256 id = paid(alice, fec, 10_000 * POINT, "1");
        vm.warp(unlock(fec));
        claimOne(id);
        vm.warp(unlock(fec) + 7 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_NothingToClaim.selector, id));
        claimOne(id);
        vm.warp(unlock(fec) + 7 days);
        vm.assertEq(claimOne(id), 7_854_330 - 3_831_380, "the second release");
    }

    function test_T10_theSameNodeTwiceInABatch() public {
        uint256[] memory ids = new uint256[](3);
        ids[0] = paid(alice, fec, 10 * POINT, "1");
        ids[1] = paid(bob, fec, 10 * POINT, "2");
        ids[2] = ids[0];
        vm.warp(unlock(fec));
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_NothingToClaim.selector, ids[0]));
        node.claim(ids);
    }

    function test_aBatchNamesTheBadIdAndPaysNothing() public {
        uint256[] memory ids = new uint256[](2);
        ids[0] = paid(alice, fec, 10 * POINT, "1");
        vm.warp(EPOCH + 7 days);
        ids[1] = paid(alice, fec, 10 * POINT, "2");
        vm.warp(EPOCH + 14 days);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Locked.selector, ids[1], EPOCH + 21 days));
        node.claim(ids);
        vm.assertEq(token.balanceOf(alice), 0, "nothing paid");
    }

    /// @dev A node so small that its first periods release less than a unit.
    function test_T22_aPeriodThatReleasesLessThanAUnit() public {
        IPrograms.Terms memory rules = fecTerms();
        rules.minPayment = 10;
        (rules.growthNumerator, rules.growthDenominator) = (2, 1);
        rules.periods = 40;
        bytes memory table = new bytes(39 * 24);
        table[38 * 24] = 0x80;
        uint32 program = programs.open(rules, table);
        uint256 id = paid(alice, program, 10, "1");
        vm.warp(EPOCH + 14 days);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_NothingToClaim.selector, id));
        claimOne(id);
        vm.warp(EPOCH + 40 * 7 days);
        vm.assertEq(claimOne(id), 5, "half of 10");
        vm.warp(EPOCH + 41 * 7 days);
        vm.assertEq(claimOne(id), 5, "the rest");
    }

    function test_T21_batchOfNoneAndOnePast() public {
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_BatchSize.selector, 0, 500));
        node.claim(new uint256[](0));
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_BatchSize.selector, 501, 500));
        node.claim(new uint256[](501));
    }

    function test_whoeverCallsTheOwnerIsPaid() public {
        uint256 id = paid(alice, fec, 10_000 * POINT, "1");
        vm.warp(unlock(fec) + 49 * 7 days);
        vm.expectEmit();
        emit IReleaseNode.Claimed(id, alice, alice, 802_091_869, 50);
        vm.prank(stranger);
        claimOne(id);
        vm.assertEq(token.balanceOf(alice), 802_091_869, "owner");
        vm.assertEq(token.balanceOf(stranger), 0, "caller");
        IReleaseNode.Node memory state = node.nodeOf(id);
        vm.assertTrue(state.claimed == 802_091_869 && state.claimable == 0 && state.claimedPeriods == 50, "node");
        IPrograms.Books memory books = programs.books(fec);
        vm.assertEq(books.released, 802_091_869, "books.released");
        vm.assertEq(books.committed, 10_000 * POINT - 802_091_869, "books.committed");
    }

    function test_T22_theLastClaimLeavesExactlyNothing() public {
        uint256 id = paid(alice, fec, 9999 * POINT + 77, "1");
        uint256 sum;
        for (uint256 k = 1; k <= 100; k += 3) {
            vm.warp(unlock(fec) + (k - 1) * 7 days);
            sum += claimOne(id);
        }
        uint64 total = node.nodeOf(id).total;
        vm.assertEq(sum, total, "all");
        vm.assertEq(programs.books(fec).committed, 0, "nothing owed");
        vm.warp(unlock(fec) + 1000 * 7 days);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_NothingToClaim.selector, id));
        claimOne(id);
    }

    /// @dev In whatever steps it is claimed, a node pays its total and no more.
    function testFuzz_T05_claimsTelescope(uint64 amount, uint8 first, uint8 second) public {
        amount = POINT + amount % (90_000 * POINT);
        (first, second) = (1 + first % 99, 1 + second % 99);
        (first, second) = first < second ? (first, second) : (second, first);
        uint256 id = paid(alice, fec, amount, "1");
        uint64 total = node.nodeOf(id).total;
        vm.warp(unlock(fec) + (uint256(first) - 1) * 7 days);
        uint256 got = claimOne(id);
        vm.assertEq(got, programs.released(fec, total, first), "released so far");
        if (second > first) {
            vm.warp(unlock(fec) + (uint256(second) - 1) * 7 days);
            got += claimOne(id);
            vm.assertEq(got, programs.released(fec, total, second), "released so far");
        }
        vm.warp(unlock(fec) + 99 * 7 days);
        vm.assertEq(got + claimOne(id), total, "all");
    }

    function test_aFundedProgramPaysFromItsReserve() public {
        endow(100 * POINT);
        uint256 supply = token.totalSupply();
        give(alice, 100 * POINT);
        vm.prank(alice);
        processor.pay(paymentOf(alice, fund, 100 * POINT, "1"));
        uint256 id = node.idOf(fund, 2, alice);
        vm.warp(EPOCH + 4 days);
        vm.assertEq(claimOne(id), 10 * POINT, "half of 20");
        vm.assertEq(programs.books(fund).reserve, 100 * POINT, "reserve");
        vm.assertEq(token.balanceOf(address(programs)), 100 * POINT, "held");
        vm.assertEq(token.totalSupply(), supply + 100 * POINT, "nothing minted or burned");
    }

    function test_T19_aFrozenOwnerStillReceives() public {
        uint256 id = paid(alice, fec, 10_000 * POINT, "1");
        token.confirmFreeze(alice, "court order");
        vm.warp(unlock(fec));
        vm.assertEq(claimOne(id), 3_831_380, "paid");
    }

    function test_T11_aContractIsPaid() public {
        Plain plain = new Plain();
        uint256 id = paid(address(plain), fec, 10_000 * POINT, "1");
        vm.warp(unlock(fec));
        claimOne(id);
        vm.assertEq(token.balanceOf(address(plain)), 3_831_380, "paid");
    }

    /// @dev Points sent to Programs by hand are nobody's.
    function test_T23_pointsSentToAReserveByHandChangeNothing() public {
        give(bob, 50 * POINT);
        vm.prank(bob);
        token.transfer(address(programs), 50 * POINT);
        vm.assertEq(programs.books(fund).reserve, 0, "no reserve");
        give(alice, 100 * POINT);
        vm.expectRevert(
            abi.encodeWithSelector(IPrograms.Programs_ReserveTooSmall.selector, fund, 20 * POINT, 10 * POINT)
        );
        vm.prank(alice);
        processor.pay(paymentOf(alice, fund, 100 * POINT, "1"));
        endow(10 * POINT);
        vm.prank(alice);
        processor.pay(paymentOf(alice, fund, 100 * POINT, "1"));
        vm.warp(EPOCH + 6 days);
        vm.assertEq(claimOne(node.idOf(fund, 2, alice)), 20 * POINT, "paid as ever");
        vm.assertEq(token.balanceOf(address(programs)), 50 * POINT, "and there they stay");
    }
}
