// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IPrograms, IReleaseNode, Setup} from "./Setup.sol";
import {Tables} from "./Tables.sol";

/// @dev `merge`: nodes of one start end in one of them, which is paid what none of them was paid.
contract MergeTest is Setup {
    uint64 private constant TOTAL = 10_000 * POINT;
    uint64 private constant FIRST = 3_831_380;
    uint64 private constant SECOND = 4_022_950;
    uint64 private constant THIRD_PART = 3_333_333_333; // a third of the total, rounded down

    uint256 private id;
    uint256[] private parts; // of the fuzzed node

    function setUp() public override {
        super.setUp();
        id = paid(alice, fec, TOTAL, "1");
    }

    // Reverts

    function test_unknownNodes() public {
        uint256 other = node.idOf(fec, 9, alice);
        vm.warp(unlock(fec));
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, other);
        refused(alice, other, one(id), reason);
        refused(alice, id, one(other), reason);
    }

    function test_T09_onlyTheOwnerOfAllWhoeverIsApproved() public {
        vm.warp(unlock(fec));
        uint256 piece = splitOff(id, THIRD_PART);
        vm.prank(alice);
        node.setApprovalForAll(stranger, true);
        refused(
            stranger, id, one(piece), abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotOwner.selector, id, stranger)
        );
        vm.prank(alice);
        node.transferFrom(alice, bob, piece);
        refused(alice, id, one(piece), abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotOwner.selector, piece, alice));
        refused(bob, id, one(piece), abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotOwner.selector, id, bob));
    }

    function test_exactlyAtTheFirstReleaseAndOneSecondBefore() public {
        token.setPersonLimit(1000 * POINT);
        endow(1000 * POINT);
        uint256 bought = paid(alice, fund, 100 * POINT, "2");
        processor.issue(issueOf(alice, 0, 30 * POINT, "3"));
        uint256 issued = node.issuedIdOf(fund, 2, alice);
        vm.warp(EPOCH + 3 days - 1);
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_Locked.selector, bought, EPOCH + 3 days);
        refused(alice, bought, one(issued), reason);
        vm.warp(EPOCH + 3 days);
        vm.assertEq(
            merge(alice, bought, one(issued)), 12_500_000, "a quarter of what was paid for and of what was issued"
        );
        vm.assertEq(node.nodeOf(bought).total, 50 * POINT, "both");
    }

    function test_aNodeWithItselfAndOneTwice() public {
        vm.warp(unlock(fec));
        uint256 piece = splitOff(id, THIRD_PART);
        refused(alice, id, one(id), notAlike(id, id));
        refused(alice, id, two(piece, piece), abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, piece));
        refused(alice, id, two(piece, id), notAlike(id, id));
    }

    function test_anotherStartProgramAndBeneficiary() public {
        vm.warp(EPOCH + 8 days);
        uint256 later = paid(alice, fec, TOTAL, "2");
        IPrograms.Terms memory rules = fecTerms();
        uint32 twin = programs.open(rules, "Twin", Tables.FEC);
        uint256 ofTwin = paid(alice, twin, TOTAL, "3");
        vm.warp(EPOCH + 28 days);
        refused(alice, id, one(later), notAlike(id, later));
        refused(alice, later, one(ofTwin), notAlike(later, ofTwin));
        uint256 piece = splitOff(id, THIRD_PART);
        vm.prank(alice);
        node.setBeneficiary(piece, bob);
        refused(alice, id, one(piece), notAlike(id, piece));
        refused(alice, piece, one(id), notAlike(piece, id));
        uint256 second = splitOff(id, THIRD_PART);
        vm.prank(alice);
        node.setBeneficiary(second, stranger);
        refused(alice, piece, one(second), notAlike(piece, second));
    }

    function test_given() public {
        vm.warp(unlock(fec));
        uint256 piece = splitOff(id, THIRD_PART);
        vm.prank(alice);
        node.give(piece, stranger, type(uint40).max);
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_Given.selector, piece);
        refused(alice, id, one(piece), reason);
        refused(alice, piece, one(id), reason);
    }

    function test_T21_noneAHundredAndOnePast() public {
        vm.warp(unlock(fec));
        bytes4 reason = IReleaseNode.ReleaseNode_BatchSize.selector;
        refused(alice, id, new uint256[](0), abi.encodeWithSelector(reason, 0, 100));
        refused(alice, id, new uint256[](101), abi.encodeWithSelector(reason, 101, 100));
        uint64[] memory totals = new uint64[](100);
        for (uint256 i = 0; i < 100; ++i) {
            totals[i] = POINT;
        }
        vm.prank(alice);
        uint256[] memory pieces = node.split(id, totals);
        vm.assertEq(merge(alice, id, pieces), FIRST, "the first release of all");
        vm.assertEq(node.balanceOf(alice), 1, "nodes");
        stands(id, TOTAL, FIRST, 1);
    }

    function test_aMergeIsWholeOrNot() public {
        vm.warp(unlock(fec));
        uint256 piece = splitOff(id, THIRD_PART);
        uint256 other = node.idOf(fec, 9, alice);
        refused(alice, id, two(piece, other), abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, other));
        vm.assertEq(node.ownerOf(piece), alice, "the good one is still there");
    }

    // What it does

    function test_piecesThatWereNotClaimed() public {
        vm.warp(unlock(fec));
        uint256 piece = splitOff(id, THIRD_PART);
        uint256 second = splitOff(id, THIRD_PART);
        vm.expectEmit();
        emit IERC721.Transfer(alice, address(0), piece);
        vm.expectEmit();
        emit IReleaseNode.Merged(id, piece, alice, THIRD_PART, 0, 1);
        vm.expectEmit();
        emit IERC721.Transfer(alice, address(0), second);
        vm.expectEmit();
        emit IReleaseNode.Merged(id, second, alice, THIRD_PART, 0, 1);
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(id);
        vm.expectEmit();
        emit IReleaseNode.Claimed(id, alice, FIRST, 1);
        vm.assertEq(merge(alice, id, two(piece, second)), FIRST, "paid");
        vm.assertEq(token.balanceOf(alice), FIRST, "to the owner");
        vm.assertEq(node.balanceOf(alice), 1, "nodes");
        stands(id, TOTAL, FIRST, 1);
        vm.assertEq(node.books(fec).committed, TOTAL - FIRST, "committed");
        ended(piece);
        ended(second);
    }

    /// @dev Thirds release 1,277,126.9 each, claimed 1,277,126: together they have released two units more.
    function test_theUnitsThatRoundingKeptBack() public {
        vm.warp(unlock(fec));
        uint256 piece = splitOff(id, THIRD_PART);
        uint256 second = splitOff(id, THIRD_PART);
        claimOne(id);
        claimOne(piece);
        claimOne(second);
        vm.assertEq(token.balanceOf(alice), 3 * 1_277_126, "three times a third");
        vm.recordLogs();
        vm.assertEq(merge(alice, second, two(id, piece)), 2, "the two units");
        vm.assertEq(
            vm.getRecordedLogs().length, 7, "Merged and Transfer of two, MetadataUpdate, Claimed and its Transfer"
        );
        vm.assertEq(token.balanceOf(alice), FIRST, "what the whole would have paid");
        stands(second, TOTAL, FIRST, 1);
        ended(id);
    }

    function test_nothingIsOwedWhereAllWasPaid() public {
        vm.warp(unlock(fec));
        claimOne(id);
        uint256 piece = splitOff(id, THIRD_PART);
        vm.recordLogs();
        vm.assertEq(merge(alice, piece, one(id)), 0, "nothing");
        vm.assertEq(vm.getRecordedLogs().length, 3, "no claim");
        stands(piece, TOTAL, FIRST, 1);
    }

    function test_nodesThatWereClaimedUpToDifferentPeriods() public {
        vm.warp(unlock(fec));
        uint256 piece = splitOff(id, 4000 * POINT);
        uint256 second = splitOff(id, 1000 * POINT);
        claimOne(piece); // 1
        vm.warp(unlock(fec) + 9 * 7 days);
        claimOne(second); // 10
        uint256 before = token.balanceOf(alice);
        vm.warp(unlock(fec) + 49 * 7 days);
        vm.expectEmit();
        emit IReleaseNode.Merged(id, piece, alice, 4000 * POINT, 1_532_552, 50);
        vm.expectEmit();
        emit IReleaseNode.Merged(id, second, alice, 1000 * POINT, 4_819_069, 50);
        vm.assertEq(merge(alice, id, two(piece, second)), 802_091_869 - before, "up to what the whole has released");
        vm.assertEq(token.balanceOf(alice), 802_091_869, "in all");
        stands(id, TOTAL, 802_091_869, 50);
    }

    /// @dev A piece whose advance is larger than a release: the merge pays nothing, and keeps what is left of it.
    function test_anAdvanceThatIsLeftOver() public {
        IPrograms.Terms memory rules = fecTerms();
        (rules.divertBps, rules.multiplier, rules.minPayment) = (10_000, 1, 1);
        uint256 small = paid(alice, programs.open(rules, "Small", Tables.FEC), 1_000_000, "small");
        vm.warp(unlock(fec) + 9 * 7 days);
        vm.assertEq(claimOne(small), 4819, "the first ten releases");
        uint256[] memory pieces = new uint256[](4);
        for (uint256 i = 0; i < 4; ++i) {
            pieces[i] = splitOff(small, 207); // of which 0.9975 were paid
        }
        vm.assertEq(node.nodeOf(small).claimed, 4819, "all of it counts for the rest");
        vm.prank(alice);
        node.transferFrom(alice, bob, pieces[0]);
        vm.assertEq(merge(alice, small, two(pieces[1], pieces[2])), 0, "nothing");
        vm.assertEq(node.nodeOf(small).claimed, 4819, "as much as before");
        vm.assertEq(programs.released(node.nodeOf(small).program, 1_000_000 - 2 * 207, 10), 4817, "an advance of two");
        vm.warp(unlock(fec) + 10 * 7 days);
        vm.assertEq(
            claimOne(small), programs.released(node.nodeOf(small).program, 1_000_000 - 2 * 207, 11) - 4819, "less it"
        );
    }

    function test_anEndedNodesApprovalEndsAndTheOtherKeepsItsOwn() public {
        vm.warp(unlock(fec));
        uint256 piece = splitOff(id, THIRD_PART);
        vm.prank(alice);
        node.approve(stranger, piece);
        vm.prank(alice);
        node.approve(bob, id);
        merge(alice, id, one(piece));
        vm.assertEq(node.getApproved(id), bob, "of the one that stays");
        vm.expectRevert(abi.encodeWithSignature("ERC721NonexistentToken(uint256)", piece));
        node.getApproved(piece);
    }

    function test_whatAMergeEndedIsNotMadeAgain() public {
        vm.warp(unlock(fec));
        uint256 piece = splitOff(id, THIRD_PART);
        merge(alice, piece, one(id));
        ended(id);
        uint256 other = paid(alice, fec, TOTAL, "2");
        vm.assertTrue(other != id, "a later payment makes a node of a later start");
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unlocked.selector, id, unlock(fec)));
        vm.prank(shop);
        processor.refund(paymentOf(alice, fec, TOTAL, "1"), 1, TOTAL);
    }

    function test_nodesOfSeveralMakersMergeInOneHand() public {
        uint256 bobs = paid(bob, fec, TOTAL, "2");
        vm.warp(unlock(fec));
        vm.prank(bob);
        node.transferFrom(bob, alice, bobs);
        vm.assertEq(merge(alice, id, one(bobs)), FIRST + 1, "alice's release, and a unit that two halves kept back");
        stands(id, 2 * TOTAL, 2 * FIRST + 1, 1);
        vm.assertTrue(node.balanceOf(alice) == 1 && node.balanceOf(bob) == 0, "nodes");
    }

    function test_T22_theLastPeriod() public {
        vm.warp(unlock(fec));
        uint256 piece = splitOff(id, THIRD_PART);
        vm.warp(unlock(fec) + 500 * 7 days);
        claimOne(piece);
        vm.assertEq(merge(alice, id, one(piece)), TOTAL - THIRD_PART, "the rest");
        stands(id, TOTAL, TOTAL, 100);
        vm.assertEq(node.books(fec).committed, 0, "nothing owed");
    }

    function test_T19_aFrozenOwnerIsPaidItself() public {
        vm.warp(unlock(fec));
        uint256 piece = splitOff(id, THIRD_PART);
        token.confirmFreeze(alice, "court order");
        vm.assertEq(merge(alice, id, one(piece)), FIRST, "paid");
    }

    /// @dev Whatever is done to a node and its parts, in whatever order: totals add up, the program owes exactly what
    /// was not paid, no part is paid more than it has, all of them are at most a unit a piece ahead of the whole, and
    /// in the end its total was paid and not a unit more.
    function testFuzz_T03_anySequenceOnAFecNode(uint256 seed) public {
        anySequence(fec, id, TOTAL, seed);
    }

    function testFuzz_T03_anySequenceOnTinyNodes(uint256 seed, uint16 total, uint8 periods) public {
        total = 2 + total % 300;
        periods = 1 + periods % 30;
        IPrograms.Terms memory rules = fecTerms();
        (rules.divertBps, rules.multiplier, rules.minPayment, rules.periods) = (10_000, 1, 1, periods);
        uint32 program = programs.open(rules, "Tiny", Tables.doubling(periods));
        anySequence(program, paid(alice, program, total, "tiny"), total, seed);
    }

    function anySequence(uint32 program, uint256 first, uint64 total, uint256 seed) private {
        uint256 others = token.balanceOf(alice) + token.balanceOf(bob);
        uint8 periods = programs.terms(program).periods;
        parts.push(first);
        vm.warp(unlock(program));
        uint256 pieces;
        for (uint256 step = 0; step < 24; ++step) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 which = parts[seed % parts.length];
            pieces += anyStep(which, seed);
            uint256 released = programs.released(program, total, programs.elapsed(program, uint24(which >> 200)));
            uint256 paidOut = token.balanceOf(alice) + token.balanceOf(bob) - others;
            holds(program, total, paidOut);
            vm.assertLe(paidOut, released + pieces, "a unit a piece");
        }
        vm.warp(unlock(program) + uint256(periods) * 7 days);
        for (uint256 i = 0; i < parts.length; ++i) {
            if (node.nodeOf(parts[i]).claimable != 0) claimOne(parts[i]);
        }
        vm.assertEq(token.balanceOf(alice) + token.balanceOf(bob) - others, total, "all, and not a unit more");
        vm.assertEq(node.books(program).committed, 0, "nothing owed");
    }

    /// @dev The pieces that it made.
    function anyStep(uint256 which, uint256 seed) private returns (uint256 pieces) {
        IReleaseNode.Node memory state = node.nodeOf(which);
        uint256 roll = (seed >> 64) % 10;
        if (roll < 2) {
            vm.warp(block.timestamp + ((seed >> 128) % 12) * 7 days);
        } else if (roll < 4) {
            if (state.claimable != 0) claimOne(which);
        } else if (roll < 7) {
            if (state.total > 1) pieces = trySplit(which, state, seed >> 128);
        } else if (roll < 9) {
            tryMerge(which, state.owner, (seed >> 128) % parts.length);
        } else {
            vm.prank(state.owner);
            node.transferFrom(state.owner, state.owner == alice ? bob : alice, which);
        }
    }

    /// @dev Splits off up to three pieces; where that would leave the node paid beyond its total it is refused, and
    /// rightly.
    function trySplit(uint256 which, IReleaseNode.Node memory state, uint256 seed) private returns (uint256) {
        uint64[] memory totals = new uint64[](1 + seed % 3);
        uint64 left = state.total;
        for (uint256 i = 0; i < totals.length; ++i) {
            if (left == 1) return 0;
            totals[i] = uint64(1 + (seed >> (32 * (i + 1))) % (left - 1));
            left -= totals[i];
        }
        uint256 ofRest = state.claimed;
        for (uint256 i = 0; i < totals.length; ++i) {
            ofRest -= programs.released(state.program, totals[i], state.claimedPeriods);
        }
        if (ofRest > left) {
            uint256 there = programs.released(state.program, left, state.claimedPeriods);
            vm.expectRevert(
                abi.encodeWithSelector(IReleaseNode.ReleaseNode_AdvanceTooLarge.selector, ofRest - there, left - there)
            );
            vm.prank(state.owner);
            node.split(which, totals);
            return 0;
        }
        vm.prank(state.owner);
        uint256[] memory made = node.split(which, totals);
        for (uint256 i = 0; i < made.length; ++i) {
            parts.push(made[i]);
        }
        return made.length;
    }

    function tryMerge(uint256 into, address owner, uint256 place) private {
        uint256 which = parts[place];
        if (which == into || node.ownerOf(which) != owner) return;
        merge(owner, into, one(which));
        parts[place] = parts[parts.length - 1];
        parts.pop();
    }

    function holds(uint32 program, uint64 total, uint256 paidOut) private view {
        uint256 totals;
        uint256 claimed;
        uint256 ofAlice;
        for (uint256 i = 0; i < parts.length; ++i) {
            IReleaseNode.Node memory part = node.nodeOf(parts[i]);
            vm.assertLe(part.claimed, part.total, "paid of a part");
            totals += part.total;
            claimed += part.claimed;
            if (part.owner == alice) ++ofAlice;
        }
        vm.assertEq(totals, total, "totals add up");
        vm.assertEq(claimed, paidOut, "what counts as paid is what was paid");
        vm.assertEq(node.books(program).committed, totals - claimed, "committed");
        uint256 more = program == fec ? 0 : 1; // the node that every test begins with
        vm.assertEq(node.balanceOf(alice), ofAlice + more, "nodes of alice");
        vm.assertEq(node.balanceOf(bob), parts.length - ofAlice, "nodes of bob");
    }

    function splitOff(uint256 which, uint64 total) private returns (uint256) {
        uint64[] memory totals = new uint64[](1);
        totals[0] = total;
        vm.prank(alice);
        return node.split(which, totals)[0];
    }

    function merge(address caller, uint256 into, uint256[] memory ids) private returns (uint256) {
        vm.prank(caller);
        return node.merge(into, ids);
    }

    function refused(address caller, uint256 into, uint256[] memory ids, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(caller);
        node.merge(into, ids);
    }

    function ended(uint256 which) private {
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, which));
        node.nodeOf(which);
    }

    function stands(uint256 which, uint64 total, uint64 claimed, uint8 periods) private view {
        IReleaseNode.Node memory state = node.nodeOf(which);
        vm.assertEq(state.total, total, "total");
        vm.assertEq(state.claimed, claimed, "claimed");
        vm.assertEq(state.claimable, 0, "claimable");
        vm.assertEq(state.claimedPeriods, periods, "periods");
    }

    function notAlike(uint256 into, uint256 which) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotAlike.selector, into, which);
    }

    function two(uint256 first, uint256 second) private pure returns (uint256[] memory ids) {
        ids = new uint256[](2);
        (ids[0], ids[1]) = (first, second);
    }
}
