// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IProgramBooks, IPrograms, IReleaseNode, Setup} from "./Setup.sol";
import {Tables} from "./Tables.sol";

/// @dev `split`: new nodes of a node, whose totals add up, and so does what was paid.
contract SplitTest is Setup {
    uint64 private constant TOTAL = 10_000 * POINT;
    uint64 private constant FIRST = 3_831_380;
    uint64 private constant THIRD_PART = 3_333_333_333; // a third of the total, rounded down

    uint256 private id;

    function setUp() public override {
        super.setUp();
        id = paid(alice, fec, TOTAL, "1");
    }

    // Reverts

    function test_unknownNode() public {
        vm.warp(unlock(fec));
        uint256 other = node.idOf(fec, 9, alice);
        refused(alice, other, totals(1), abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, other));
    }

    function test_T09_onlyTheOwnerWhoeverIsApproved() public {
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.approve(stranger, id);
        vm.prank(alice);
        node.setApprovalForAll(bob, true);
        refused(stranger, id, totals(1), notOwner(stranger));
        refused(bob, id, totals(1), notOwner(bob));
        refused(address(processor), id, totals(1), notOwner(address(processor)));
    }

    function test_exactlyAtTheFirstReleaseAndOneSecondBefore() public {
        vm.warp(unlock(fec) - 1);
        refused(alice, id, totals(1), abi.encodeWithSelector(IReleaseNode.ReleaseNode_Locked.selector, id, unlock(fec)));
        vm.warp(unlock(fec));
        split(alice, id, totals(1));
    }

    function test_givenAndTakenBack() public {
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.give(id, stranger, uint40(block.timestamp + 1));
        refused(alice, id, totals(1), abi.encodeWithSelector(IReleaseNode.ReleaseNode_Given.selector, id));
        vm.warp(block.timestamp + 2);
        node.takeBack(id);
        split(alice, id, totals(1));
    }

    function test_aPieceOfNothingOfAllAndOfMore() public {
        vm.warp(unlock(fec));
        refused(alice, id, totals(0), pieceSize(0, TOTAL));
        refused(alice, id, totals(TOTAL), pieceSize(TOTAL, TOTAL));
        refused(alice, id, totals(TOTAL + 1), pieceSize(TOTAL + 1, TOTAL));
        refused(alice, id, totals(type(uint64).max), pieceSize(type(uint64).max, TOTAL));
        split(alice, id, totals(TOTAL - 1));
        vm.assertEq(node.nodeOf(id).total, 1, "a unit stays");
    }

    function test_piecesThatTogetherAreTheWhole() public {
        vm.warp(unlock(fec));
        refused(alice, id, totals(TOTAL - 5, 5), pieceSize(5, 5));
        refused(alice, id, totals(TOTAL - 5, 6), pieceSize(6, 5));
        split(alice, id, totals(TOTAL - 5, 4));
        vm.assertEq(node.nodeOf(id).total, 1, "a unit stays");
        refused(alice, id, totals(1), pieceSize(1, 1));
    }

    function test_T21_noPieceAHundredAndOnePast() public {
        vm.warp(unlock(fec));
        refused(alice, id, new uint64[](0), batchSize(0));
        refused(alice, id, new uint64[](101), batchSize(101));
        uint64[] memory parts = new uint64[](100);
        for (uint256 i = 0; i < 100; ++i) {
            parts[i] = POINT;
        }
        vm.assertEq(split(alice, id, parts).length, 100, "pieces");
        vm.assertEq(node.balanceOf(alice), 101, "nodes");
        vm.assertEq(node.nodeOf(id).total, TOTAL - 100 * POINT, "rest");
    }

    /// @dev A node cannot keep more paid in advance than it will ever release: else the pieces would release it again.
    function test_T03_dustIsNotReleasedTwice() public {
        uint256 small = smallNode(10);
        vm.warp(EPOCH + 60 hours);
        claimOne(small);
        vm.assertEq(node.nodeOf(small).claimed, 5, "half is paid");
        uint64[] memory parts = new uint64[](9);
        for (uint256 i = 0; i < 9; ++i) {
            parts[i] = 1; // of which half a unit was paid: none
        }
        refused(alice, small, parts, advanceTooLarge(5, 1));
        refused(alice, small, totals(1, 1, 1, 1, 1, 1), advanceTooLarge(3, 2));
        uint256[] memory pieces = split(alice, small, totals(1, 1, 1, 1, 1));
        vm.assertTrue(node.nodeOf(small).total == 5 && node.nodeOf(small).claimed == 5, "exactly all of it");
        vm.warp(EPOCH + 84 hours);
        for (uint256 i = 0; i < 5; ++i) {
            claimOne(pieces[i]);
        }
        vm.assertEq(token.balanceOf(alice), 10, "the total, once");
        vm.assertEq(node.books(node.nodeOf(small).program).committed, 0, "nothing owed");
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_NothingToClaim.selector, small));
        claimOne(small);
    }

    function test_anAdvanceOf65535UnitsAndOnePast() public {
        vm.warp(unlock(fec));
        claimOne(id);
        // As after so many pieces that each gained a unit; the program's books are not asked by a split.
        vm.record();
        node.nodeOf(id);
        (bytes32[] memory reads,) = vm.accesses(address(node));
        uint256 slot = uint256(vm.load(address(node), reads[0]));
        vm.store(address(node), reads[0], bytes32(slot | uint256(65_534) << 232));
        vm.assertEq(node.nodeOf(id).claimed, FIRST + 65_534, "an advance");
        split(alice, id, totals(THIRD_PART));
        vm.assertEq(node.nodeOf(id).claimed, FIRST + 65_534 - 1_277_126, "the largest advance");
        refused(alice, id, totals(THIRD_PART), advanceTooLarge(65_536, 65_535));
        vm.assertEq(split(alice, id, totals(1_000_000_000, 1)).length, 2, "no unit is gained");
    }

    // What it does

    function test_aNodeThatWasNotClaimed() public {
        vm.warp(unlock(fec));
        IProgramBooks.Books memory before = node.books(fec);
        uint256[2] memory pieces = [pieceOf(2, alice), pieceOf(3, alice)];
        vm.expectEmit();
        emit IERC721.Transfer(address(0), alice, pieces[0]);
        vm.expectEmit();
        emit IReleaseNode.Split(id, pieces[0], alice, 4000 * POINT, 0, 0);
        vm.expectEmit();
        emit IERC721.Transfer(address(0), alice, pieces[1]);
        vm.expectEmit();
        emit IReleaseNode.Split(id, pieces[1], alice, 1000 * POINT, 0, 0);
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(id);
        vm.recordLogs();
        uint256[] memory made = split(alice, id, totals(4000 * POINT, 1000 * POINT));
        vm.assertEq(vm.getRecordedLogs().length, 5, "and no other event");
        vm.assertTrue(made.length == 2 && made[0] == pieces[0] && made[1] == pieces[1], "ids");
        stands(id, 5000 * POINT, 0, 1_915_690);
        stands(pieces[0], 4000 * POINT, 0, 1_532_552);
        stands(pieces[1], 1000 * POINT, 0, 383_138);
        vm.assertEq(node.balanceOf(alice), 3, "nodes");
        vm.assertEq(token.balanceOf(alice), 0, "nothing paid");
        sameBooks(before);
    }

    /// @dev Thirds released 1,277,126.9 each: the pieces count as paid without the fraction, the rest with what is
    /// over.
    function test_aNodeThatWasClaimed() public {
        vm.warp(unlock(fec));
        claimOne(id);
        IProgramBooks.Books memory before = node.books(fec);
        vm.expectEmit();
        emit IERC721.Transfer(address(0), alice, pieceOf(2, alice));
        vm.expectEmit();
        emit IReleaseNode.Split(id, pieceOf(2, alice), alice, THIRD_PART, 1_277_126, 1);
        vm.expectEmit();
        emit IERC721.Transfer(address(0), alice, pieceOf(3, alice));
        vm.expectEmit();
        emit IReleaseNode.Split(id, pieceOf(3, alice), alice, THIRD_PART, 1_277_126, 1);
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(id);
        split(alice, id, totals(THIRD_PART, THIRD_PART));
        stands(pieceOf(2, alice), THIRD_PART, 1_277_126, 0);
        stands(id, THIRD_PART + 1, FIRST - 2 * 1_277_126, 0);
        vm.assertEq(FIRST - 2 * 1_277_126, 1_277_126 + 2, "two units more than a third releases");
        sameBooks(before);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_NothingToClaim.selector, id));
        claimOne(id);

        vm.warp(unlock(fec) + 7 days);
        vm.assertEq(claimOne(pieceOf(2, alice)), 2_618_110 - 1_277_126, "a piece's second release");
        vm.assertEq(claimOne(pieceOf(3, alice)), 2_618_110 - 1_277_126, "a piece's second release");
        vm.assertEq(claimOne(id), 2_618_110 - 1_277_128, "less what was in advance");
        vm.assertEq(token.balanceOf(alice), 7_854_330, "what the whole would have paid");
        vm.warp(unlock(fec) + 99 * 7 days);
        claimOne(id);
        claimOne(pieceOf(2, alice));
        claimOne(pieceOf(3, alice));
        vm.assertEq(token.balanceOf(alice), TOTAL, "all");
        vm.assertEq(node.books(fec).committed, 0, "nothing owed");
    }

    /// @dev An advance larger than a release is taken from as many claims as it needs.
    function test_theAdvanceIsTakenFromTheNextClaims() public {
        uint256 small = smallNode(100);
        vm.warp(EPOCH + 48 hours);
        vm.assertEq(claimOne(small), 25, "a quarter");
        uint64[] memory parts = new uint64[](8);
        for (uint256 i = 0; i < 8; ++i) {
            parts[i] = 3; // of which 0.75 were paid
        }
        uint256[] memory pieces = split(alice, small, parts);
        stands(small, 76, 25, 0); // 19 are released
        vm.warp(EPOCH + 60 hours);
        vm.assertEq(claimOne(small), 38 - 25, "half of 76, less what was paid");
        for (uint256 i = 0; i < 8; ++i) {
            vm.assertEq(claimOne(pieces[i]), 1, "half of 3");
        }
        vm.assertEq(token.balanceOf(alice), 46, "the whole would have paid 50");
        vm.warp(EPOCH + 84 hours);
        vm.assertEq(claimOne(small), 38, "the rest");
    }

    function test_T22_aNodeThatPaidAllItHas() public {
        vm.warp(unlock(fec) + 99 * 7 days);
        claimOne(id);
        uint256[] memory pieces = split(alice, id, totals(1, TOTAL - 2));
        stands(id, 1, 1, 0);
        stands(pieces[0], 1, 1, 0);
        stands(pieces[1], TOTAL - 2, TOTAL - 2, 0);
    }

    function test_splitOfAPieceAfterATransfer() public {
        vm.warp(unlock(fec));
        uint256 piece = split(alice, id, totals(3000 * POINT))[0];
        vm.prank(alice);
        node.transferFrom(alice, bob, piece);
        refused(
            alice, piece, totals(1), abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotOwner.selector, piece, alice)
        );
        uint256 second = split(bob, piece, totals(1000 * POINT))[0];
        vm.assertEq(second, pieceOf(3, alice), "its id keeps whom the first was made for");
        vm.assertEq(node.ownerOf(second), bob, "owner");
        vm.assertTrue(node.balanceOf(alice) == 1 && node.balanceOf(bob) == 2, "nodes");
        stands(piece, 2000 * POINT, 766_276, 0);
        stands(second, 1000 * POINT, 383_138, 0);
    }

    function test_serialsNeverRepeat() public {
        vm.warp(unlock(fec));
        uint256 first = split(alice, id, totals(5))[0];
        vm.prank(alice);
        node.merge(id, one(first));
        uint256 other = paid(bob, fec, POINT, "2");
        vm.warp(unlock(fec) + 14 days);
        vm.assertEq(uint40(split(alice, id, totals(5))[0] >> 160), 3, "not the ended one's");
        vm.assertEq(uint40(split(bob, other, totals(5))[0] >> 160), 4, "one count for all");
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, first));
        node.nodeOf(first);
    }

    function test_thePiecesOfANodeInCustodyAreInCustody() public {
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.setBeneficiary(id, bob);
        uint256 piece = split(alice, id, totals(4000 * POINT))[0];
        vm.assertEq(node.beneficiaryOf(piece), bob, "of the piece");
        vm.assertEq(node.beneficiaryOf(id), bob, "of the rest");
        vm.prank(alice);
        node.setBeneficiary(id, address(0));
        vm.assertEq(node.beneficiaryOf(piece), bob, "each has its own from then on");
        vm.warp(unlock(fec) + 7 days);
        uint256 due = node.nodeOf(piece).claimable;
        uint256 before = token.balanceOf(bob);
        claimOne(piece);
        vm.assertEq(token.balanceOf(bob) - before, due, "claimed to the beneficiary");
    }

    function test_anApprovalStaysWithTheNodeAndIsOfNoPiece() public {
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.approve(stranger, id);
        uint256 piece = split(alice, id, totals(5))[0];
        vm.assertEq(node.getApproved(id), stranger, "the node");
        vm.assertEq(node.getApproved(piece), address(0), "the piece");
        vm.expectRevert(abi.encodeWithSignature("ERC721InsufficientApproval(address,uint256)", stranger, piece));
        vm.prank(stranger);
        node.transferFrom(alice, stranger, piece);
    }

    function test_T19_aFrozenOwnerMaySplitButHandsNothingOver() public {
        vm.warp(unlock(fec));
        token.confirmFreeze(alice, "court order");
        uint256 piece = split(alice, id, totals(5))[0];
        vm.expectRevert(abi.encodeWithSignature("PointsToken_AccountFrozen(address,uint40)", alice, type(uint40).max));
        vm.prank(alice);
        node.transferFrom(alice, bob, piece);
    }

    function test_T06_nothingIsUndoneOfANodeThatWasSplit() public {
        vm.warp(unlock(fec));
        split(alice, id, totals(TOTAL - 1));
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unlocked.selector, id, unlock(fec)));
        vm.prank(shop);
        processor.refund(paymentOf(alice, fec, TOTAL, "1"), 1, TOTAL);
    }

    function test_aProgramOfOnePeriodAndOneOf255() public {
        uint256 short = nodeOfPeriods(1, 10);
        vm.warp(EPOCH + 3 days);
        split(alice, short, totals(3, 3));
        stands(short, 4, 0, 4);
        uint256 long = nodeOfPeriods(255, 1_000_003);
        uint24 start = node.nodeOf(long).start;
        vm.warp(EPOCH + (uint256(start) + 254) * 1 days);
        claimOne(long);
        uint256 piece = split(alice, long, totals(255))[0];
        stands(piece, 255, 254, 0);
        vm.assertEq(node.nodeOf(piece).claimedPeriods, 254, "periods");
        vm.warp(EPOCH + (uint256(start) + 255) * 1 days);
        claimOne(long);
        claimOne(piece);
        stands(piece, 255, 255, 0);
        stands(long, 1_000_003 - 255, 1_000_003 - 255, 0);
    }

    /// @dev Whatever the sizes and the period: what was paid is parted to the unit, no part is owed more than the whole
    /// was, and in the end each pays its total.
    function testFuzz_T03_aSplitIsExact(uint64 first, uint64 second, uint8 k, uint8 later) public {
        first = 1 + first % (TOTAL / 2 - 1);
        second = 1 + second % (TOTAL / 2 - 1);
        k = k % 101;
        vm.warp(unlock(fec) + uint256(k == 0 ? 0 : k - 1) * 7 days);
        if (k != 0) claimOne(id);
        uint256 claimed = node.nodeOf(id).claimed;
        uint256 claimable = node.nodeOf(id).claimable;
        uint256[] memory pieces = split(alice, id, totals(first, second));
        uint256[3] memory all = [id, pieces[0], pieces[1]];
        IReleaseNode.Node memory sum;
        for (uint256 i = 0; i < 3; ++i) {
            IReleaseNode.Node memory part = node.nodeOf(all[i]);
            vm.assertLe(part.claimed, part.total, "paid of a part");
            sum.total += part.total;
            sum.claimed += part.claimed;
            sum.claimable += part.claimable;
        }
        vm.assertEq(sum.total, TOTAL, "totals add up");
        vm.assertEq(sum.claimed, claimed, "and what was paid");
        vm.assertLe(sum.claimable, claimable, "and no more is owed now");
        vm.assertEq(node.books(fec).committed, sum.total - sum.claimed, "committed");
        uint256 later_ = k + uint256(later) % (101 - k);
        vm.warp(unlock(fec) + (later_ == 0 ? 0 : later_ - 1) * 7 days);
        for (uint256 i = 0; i < 3; ++i) {
            if (node.nodeOf(all[i]).claimable != 0) claimOne(all[i]);
        }
        vm.assertLe(
            token.balanceOf(alice), programs.released(fec, TOTAL, uint8(later_ == 0 ? 1 : later_)) + 2, "a unit a piece"
        );
        vm.warp(unlock(fec) + 99 * 7 days);
        for (uint256 i = 0; i < 3; ++i) {
            if (node.nodeOf(all[i]).claimable != 0) claimOne(all[i]);
        }
        vm.assertEq(token.balanceOf(alice), TOTAL, "all");
        vm.assertEq(node.books(fec).committed, 0, "nothing owed");
    }

    /// @dev A node of `total` units that releases on a straight line over four half days, the first of which
    /// ends after 48 hours.
    function smallNode(uint64 total) private returns (uint256) {
        IPrograms.Terms memory rules = fecTerms();
        (rules.divertBps, rules.multiplier, rules.minPayment) = (10_000, 1, 1);
        (rules.periods, rules.periodLength) = (4, 12 hours);
        (rules.growthNumerator, rules.growthDenominator) = (1, 1);
        return paid(alice, programs.open(rules, "Small", Tables.straight(4)), total, "small");
    }

    /// @dev A node that releases on a straight line over so many days.
    function nodeOfPeriods(uint8 periods, uint64 total) private returns (uint256) {
        IPrograms.Terms memory rules = fecTerms();
        (rules.divertBps, rules.multiplier, rules.minPayment) = (10_000, 1, 1);
        (rules.periods, rules.periodLength) = (periods, 1 days);
        (rules.growthNumerator, rules.growthDenominator) = (1, 1);
        return paid(alice, programs.open(rules, "Days", Tables.straight(periods)), total, bytes32(uint256(periods)));
    }

    function stands(uint256 which, uint64 total, uint64 claimed, uint64 claimable) private view {
        IReleaseNode.Node memory state = node.nodeOf(which);
        vm.assertEq(state.total, total, "total");
        vm.assertEq(state.claimed, claimed, "claimed");
        vm.assertEq(state.claimable, claimable, "claimable");
    }

    function sameBooks(IProgramBooks.Books memory before) private view {
        vm.assertEq(abi.encode(node.books(fec)), abi.encode(before), "books");
    }

    function pieceOf(uint256 serial, address origin) private view returns (uint256) {
        return uint256(fec) << 224 | uint256(1) << 200 | serial << 160 | uint160(origin);
    }

    function split(address caller, uint256 which, uint64[] memory parts) private returns (uint256[] memory) {
        vm.prank(caller);
        return node.split(which, parts);
    }

    function refused(address caller, uint256 which, uint64[] memory parts, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(caller);
        node.split(which, parts);
    }

    function totals(uint64 first) private pure returns (uint64[] memory parts) {
        parts = new uint64[](1);
        parts[0] = first;
    }

    function totals(uint64 first, uint64 second) private pure returns (uint64[] memory parts) {
        parts = new uint64[](2);
        (parts[0], parts[1]) = (first, second);
    }

    function totals(uint64 a, uint64 b, uint64 c, uint64 d, uint64 e) private pure returns (uint64[] memory parts) {
        parts = new uint64[](5);
        (parts[0], parts[1], parts[2], parts[3], parts[4]) = (a, b, c, d, e);
    }

    function totals(uint64 a, uint64 b, uint64 c, uint64 d, uint64 e, uint64 f)
        private
        pure
        returns (uint64[] memory parts)
    {
        parts = new uint64[](6);
        (parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]) = (a, b, c, d, e, f);
    }

    function notOwner(address caller) private view returns (bytes memory) {
        return abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotOwner.selector, id, caller);
    }

    function pieceSize(uint256 tried, uint256 total) private view returns (bytes memory) {
        return abi.encodeWithSelector(IReleaseNode.ReleaseNode_PieceSize.selector, id, tried, total);
    }

    function batchSize(uint256 tried) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IReleaseNode.ReleaseNode_BatchSize.selector, tried, 100);
    }

    function advanceTooLarge(uint256 tried, uint256 limit) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IReleaseNode.ReleaseNode_AdvanceTooLarge.selector, tried, limit);
    }
}
