// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {Logs} from "./Logs.sol";
import {IPointsToken, IProgramBooks, IPrograms, IReleaseNode, Setup, Vm} from "./Setup.sol";
import {Plain} from "./Wallet.sol";

/// @dev `claim`: whoever calls, the owner is paid.
contract ClaimTest is Setup {
    function test_unknownNode() public {
        uint256 id = node.idOf(fec, 1, alice);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, id));
        claimOne(id);
    }

    function test_noNodeHasTheIdZero() public {
        unknownAt(0);
    }

    /// @dev An id that differs from a node's in nothing but its origin, its serial, its start or its program.
    function test_unknownIdsFirstAndLater() public {
        uint256 id = node.idOf(fec, 1, alice);
        uint256[5] memory unknown = [id ^ 1, id | 1 << 160, id + (1 << 200), id + (1 << 224), id + (7 << 224)];
        for (uint256 i = 0; i < 5; ++i) {
            unknownAt(unknown[i]);
        }
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
        uint32 program = programs.open(rules, "P", table);
        uint256 id = paid(alice, program, 10, "1");
        vm.warp(EPOCH + 14 days);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_NothingToClaim.selector, id));
        claimOne(id);
        vm.warp(EPOCH + 40 * 7 days);
        vm.assertEq(claimOne(id), 5, "half of 10");
        vm.warp(EPOCH + 41 * 7 days);
        vm.assertEq(claimOne(id), 5, "the rest");
    }

    function test_T21_batchOfNoneFiveHundredAndOnePast() public {
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_BatchSize.selector, 0, 500));
        node.claim(new uint256[](0));
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_BatchSize.selector, 501, 500));
        node.claim(new uint256[](501));
        uint256 id = paid(alice, fec, 10_000 * POINT, "1");
        vm.warp(unlock(fec));
        uint64[] memory totals = new uint64[](100);
        for (uint256 i = 0; i < 100; ++i) {
            totals[i] = POINT;
        }
        uint256[] memory ids = new uint256[](500);
        for (uint256 i = 0; i < 500; i += 100) {
            vm.prank(alice);
            uint256[] memory pieces = node.split(id, totals);
            for (uint256 j = 0; j < 100; ++j) {
                ids[i + j] = pieces[j];
            }
        }
        vm.assertEq(node.claim(ids), 500 * 383, "five hundred paid");
    }

    function test_whoeverCallsTheOwnerIsPaid() public {
        uint256 id = paid(alice, fec, 10_000 * POINT, "1");
        vm.warp(unlock(fec) + 49 * 7 days);
        vm.expectEmit();
        emit IReleaseNode.Claimed(id, alice, 802_091_869, 50);
        vm.prank(stranger);
        claimOne(id);
        vm.assertEq(token.balanceOf(alice), 802_091_869, "owner");
        vm.assertEq(token.balanceOf(stranger), 0, "caller");
        IReleaseNode.Node memory state = node.nodeOf(id);
        vm.assertTrue(state.claimed == 802_091_869 && state.claimable == 0 && state.claimedPeriods == 50, "node");
        IProgramBooks.Books memory books = node.books(fec);
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
        vm.assertEq(node.books(fec).committed, 0, "nothing owed");
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
        vm.assertEq(node.books(fund).reserve, 100 * POINT, "reserve");
        vm.assertEq(token.balanceOf(address(node)), 100 * POINT, "held");
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

    /// @dev Points sent to the nodes' contract by hand are nobody's.
    function test_T23_pointsSentToAReserveByHandChangeNothing() public {
        give(bob, 50 * POINT);
        vm.prank(bob);
        token.transfer(address(node), 50 * POINT);
        vm.assertEq(node.books(fund).reserve, 0, "no reserve");
        give(alice, 100 * POINT);
        vm.expectRevert(
            abi.encodeWithSelector(IProgramBooks.Programs_ReserveTooSmall.selector, fund, 20 * POINT, 10 * POINT)
        );
        vm.prank(alice);
        processor.pay(paymentOf(alice, fund, 100 * POINT, "1"));
        endow(10 * POINT);
        vm.prank(alice);
        processor.pay(paymentOf(alice, fund, 100 * POINT, "1"));
        vm.warp(EPOCH + 6 days);
        vm.assertEq(claimOne(node.idOf(fund, 2, alice)), 20 * POINT, "paid as ever");
        vm.assertEq(token.balanceOf(address(node)), 50 * POINT, "and there they stay");
    }

    function test_aNodeThatIsClaimedSaysThatItChanged() public {
        uint256 id = paid(alice, fec, 10 * POINT, "1");
        vm.warp(unlock(fec));
        vm.recordLogs();
        claimOne(id);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        address[] memory emitters = new address[](3);
        bytes32[] memory topics = new bytes32[](3);
        (emitters[0], topics[0]) = (address(node), IReleaseNode.Claimed.selector);
        (emitters[1], topics[1]) = (address(token), IERC20.Transfer.selector);
        (emitters[2], topics[2]) = (address(node), IERC4906.MetadataUpdate.selector);
        vm.assertTrue(Logs.are(logs, emitters, topics), "claimed, paid, changed");
        vm.assertEq(logs[2].data, abi.encode(id), "which");
    }

    /// @dev Five nodes of two owners and two programs: four runs, each paid by one transfer.
    function test_aBatchOfMixedOwnersAndProgramsPaysEachItsOwn() public {
        uint256[] memory ids = mixed();
        uint64[] memory amounts = new uint64[](5);
        uint8[] memory elapsed = new uint8[](5);
        for (uint256 i = 0; i < 5; ++i) {
            IReleaseNode.Node memory state = node.nodeOf(ids[i]);
            (amounts[i], elapsed[i]) = (state.claimable, programs.elapsed(state.program, state.start));
            vm.assertGt(amounts[i], 0, "something of each");
        }
        uint64 released = node.books(fec).released + node.books(fund).released;
        for (uint256 i = 0; i < 5; ++i) {
            if (i == 2) paysNext(address(0), alice, amounts[0] + amounts[1]);
            if (i == 3) paysNext(address(0), bob, amounts[2]);
            if (i == 4) paysNext(address(node), alice, amounts[3]);
            vm.expectEmit();
            emit IReleaseNode.Claimed(ids[i], i == 2 ? bob : alice, amounts[i], elapsed[i]);
        }
        paysNext(address(0), alice, amounts[4]);
        vm.expectEmit();
        emit IERC4906.BatchMetadataUpdate(0, type(uint256).max);
        vm.recordLogs();
        vm.prank(stranger);
        uint256 sum = node.claim(ids);
        vm.assertEq(vm.getRecordedLogs().length, 5 + 4 + 1, "nothing else");

        uint256 toAlice = uint256(amounts[0]) + amounts[1] + amounts[3] + amounts[4];
        vm.assertEq(token.balanceOf(alice), toAlice, "to one");
        vm.assertEq(token.balanceOf(bob), amounts[2], "to the other");
        vm.assertEq(token.balanceOf(stranger), 0, "not to who called");
        vm.assertEq(sum, toAlice + amounts[2], "the sum");
        vm.assertEq(node.books(fec).released + node.books(fund).released, released + sum, "books");
        for (uint256 i = 0; i < 5; ++i) {
            vm.assertEq(node.nodeOf(ids[i]).claimable, 0, "each is claimed");
        }
    }

    function test_aBatchIsAsManySingleClaims() public {
        uint256[] memory ids = mixed();
        uint256 snapshot = vm.snapshotState();
        uint256 sum = node.claim(ids);
        bytes32 batch = stateOf(ids);
        vm.revertToState(snapshot);
        uint256 singly;
        for (uint256 i = 0; i < 5; ++i) {
            singly += claimOne(ids[i]);
        }
        vm.assertEq(singly, sum, "as much");
        vm.assertEq(stateOf(ids), batch, "the same nodes, books and balances");
    }

    /// @dev Whatever stands before or behind it: what a node in custody releases is its beneficiary's, and what another of
    /// the same owner and program releases is its owner's.
    function test_nodesInCustodyAmongOthersOfTheirOwner() public {
        uint256[] memory ids = new uint256[](4);
        for (uint256 i = 0; i < 4; ++i) {
            vm.warp(EPOCH + i * 7 days);
            ids[i] = paid(alice, fec, 10_000 * POINT, bytes32(i));
            vm.prank(alice);
            if (i % 2 == 0) node.setBeneficiary(ids[i], bob);
            else node.approve(bob, ids[i]);
        }
        vm.warp(EPOCH + 6 * 7 days);
        uint256[4] memory amounts;
        for (uint256 i = 0; i < 4; ++i) {
            amounts[i] = node.nodeOf(ids[i]).claimable;
        }
        uint256 snapshot = vm.snapshotState();
        for (uint256 turn = 0; turn < 4; ++turn) {
            uint256[] memory turned = new uint256[](4);
            for (uint256 i = 0; i < 4; ++i) {
                turned[i] = ids[(turn + (turn % 2 == 0 ? i : 4 - i)) % 4];
            }
            node.claim(turned);
            vm.assertEq(token.balanceOf(bob), amounts[0] + amounts[2], "beneficiary");
            vm.assertEq(token.balanceOf(alice), amounts[1] + amounts[3], "owner");
            vm.revertToState(snapshot);
        }
        // Two in custody, then two that are not.
        (ids[1], ids[2]) = (ids[2], ids[1]);
        node.claim(ids);
        vm.assertEq(token.balanceOf(bob), amounts[0] + amounts[2], "beneficiary");
        vm.assertEq(token.balanceOf(alice), amounts[1] + amounts[3], "owner");
    }

    /// @dev It could be paid nothing, so whatever pays it first, as a change of the beneficiary or a sale does, would be
    /// refused for ever.
    function test_theTokenIsNoBeneficiary() public {
        uint256 id = paid(alice, fec, 10_000 * POINT, "1");
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_SentToToken.selector));
        vm.prank(alice);
        node.setBeneficiary(id, address(token));
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
    }

    /// @dev Two nodes of alice, one of bob, one of alice of the other program, and a third of the first: all with something
    /// to claim.
    function mixed() private returns (uint256[] memory ids) {
        ids = new uint256[](5);
        endow(1000 * POINT);
        ids[0] = paid(alice, fec, 10_000 * POINT, "1");
        ids[2] = paid(bob, fec, 5000 * POINT, "2");
        ids[3] = paid(alice, fund, 100 * POINT, "3");
        vm.warp(EPOCH + 7 days);
        ids[1] = paid(alice, fec, 777 * POINT + 7, "4");
        vm.warp(EPOCH + 14 days);
        ids[4] = paid(alice, fec, 12 * POINT, "5");
        vm.warp(EPOCH + 40 days);
    }

    function stateOf(uint256[] memory ids) private view returns (bytes32 hash) {
        for (uint256 i = 0; i < ids.length; ++i) {
            hash = keccak256(abi.encode(hash, node.nodeOf(ids[i])));
        }
        bytes memory balances = abi.encode(
            token.balanceOf(alice), token.balanceOf(bob), token.balanceOf(address(node)), token.totalSupply()
        );
        return keccak256(abi.encode(hash, node.books(fec), node.books(fund), balances));
    }

    function paysNext(address from, address to, uint256 amount) private {
        vm.expectEmit();
        emit IERC20.Transfer(from, to, amount);
    }

    /// @dev An id that is no node's: alone, before nodes and behind them.
    function unknownAt(uint256 id) private {
        vm.warp(EPOCH + 1 days);
        uint256[] memory ids = new uint256[](3);
        (ids[0], ids[1], ids[2]) = (id, node.idOf(fec, 1, alice), node.idOf(fec, 1, bob));
        if (node.balanceOf(alice) == 0) {
            paid(alice, fec, 10 * POINT, "1");
            paid(bob, fec, 10 * POINT, "2");
        }
        vm.warp(unlock(fec));
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, id);
        vm.expectRevert(reason);
        claimOne(id);
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(reason);
            node.claim(ids);
            if (i < 2) (ids[i], ids[i + 1]) = (ids[i + 1], ids[i]);
        }
        vm.assertEq(token.balanceOf(alice), 0, "nothing paid");
    }
}
