// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Logs} from "./Logs.sol";
import {IPointsToken, IReleaseNode, Setup} from "./Setup.sol";
import {Plain} from "./Wallet.sol";

/// @dev `setBeneficiary`: alice holds a node, and bob is paid what it releases.
contract CustodyTest is Setup {
    uint64 private constant FIRST = 3_831_380;
    uint64 private constant SECOND = 4_022_950;

    uint256 private id;
    uint256 private second; // the stranger's

    function setUp() public override {
        super.setUp();
        id = paid(alice, fec, 10_000 * POINT, "1");
        second = paid(stranger, fec, 10_000 * POINT, "stranger's");
    }

    // Reverts

    function test_unknownNode() public {
        uint256 other = node.idOf(fec, 9, alice);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, other));
        node.setBeneficiary(other, bob);
        vm.assertEq(node.beneficiaryOf(other), address(0), "of no node");
    }

    function test_T09_onlyTheOwnerWhoeverIsApproved() public {
        vm.prank(alice);
        node.approve(stranger, id);
        vm.prank(alice);
        node.setApprovalForAll(stranger, true);
        vm.prank(alice);
        node.approveClaim(stranger, stranger, type(uint64).max, type(uint40).max);
        refused(stranger, stranger, abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotOwner.selector, id, stranger));
        name(alice, bob);
        refused(bob, stranger, abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotOwner.selector, id, bob));
    }

    function test_whileGiven() public {
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.give(id, stranger, type(uint40).max);
        refused(alice, bob, abi.encodeWithSelector(IReleaseNode.ReleaseNode_Given.selector, id));
    }

    /// @dev Points cannot be sent to the token, so a node that paid it could never be claimed or handed over again.
    function test_theTokenItself() public {
        refused(alice, address(token), abi.encodeWithSelector(IPointsToken.PointsToken_SentToToken.selector));
        vm.warp(unlock(fec));
        refused(alice, address(token), abi.encodeWithSelector(IPointsToken.PointsToken_SentToToken.selector));
    }

    function test_T09_nobodyDirectsAClaimOfANodeInCustody() public {
        vm.prank(alice);
        node.approveClaim(stranger, stranger, type(uint64).max, type(uint40).max);
        name(alice, bob);
        vm.warp(unlock(fec));
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_InCustody.selector, id, bob);
        address[3] memory callers = [alice, bob, stranger];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(reason);
            vm.prank(callers[i]);
            node.claimTo(one(id), stranger);
            vm.expectRevert(reason);
            vm.prank(callers[i]);
            node.claimTo(one(id), bob);
        }
        name(alice, address(0));
        vm.warp(unlock(fec) + 7 days);
        vm.prank(stranger);
        vm.assertEq(node.claimTo(one(id), stranger), SECOND, "again, once it is over");
    }

    /// @dev Not even behind a node that the owner may direct.
    function test_T09_nobodyDirectsAClaimOfANodeInCustodyBehindAnother() public {
        uint256 other = another();
        name(alice, bob);
        vm.warp(unlock(fec) + 7 days);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_InCustody.selector, id, bob));
        vm.prank(alice);
        node.claimTo(two(other, id), stranger);
    }

    function test_T19_aFrozenOwnersNodePaysNobodyElse() public {
        name(alice, bob);
        vm.warp(unlock(fec));
        token.freeze(alice, "phished");
        uint40 until = uint40(block.timestamp + 7 days);
        bytes memory reason = abi.encodeWithSelector(IPointsToken.PointsToken_AccountFrozen.selector, alice, until);
        vm.warp(until - 1);
        vm.expectRevert(reason);
        claimOne(id);
        refused(alice, address(0), reason);
        refused(alice, stranger, reason);
        vm.expectRevert(reason);
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        vm.warp(until);
        vm.assertEq(claimOne(id), FIRST + SECOND, "until exactly the end");
        vm.assertEq(token.balanceOf(bob), FIRST + SECOND, "beneficiary");
    }

    /// @dev Who is paid nothing need not be asked: the owner of a unit's node may go on, frozen or not.
    function test_T19_aFrozenOwnerOfANodeThatReleasedNothing() public {
        endow(1);
        processor.issue(issueOf(alice, 0, 1, "a unit"));
        id = node.issuedIdOf(fund, programs.currentPeriod(fund) + 1, alice);
        name(alice, bob);
        vm.warp(unlock(fund) + 1 days); // it starts with period 2
        token.freeze(alice, "phished");
        name(alice, stranger);
        vm.assertEq(node.beneficiaryOf(id), stranger, "beneficiary");
        vm.assertEq(token.balanceOf(bob), 0, "nothing was released");
    }

    // What it does

    function test_aLockedNode() public {
        vm.expectEmit();
        emit IReleaseNode.BeneficiarySet(id, alice, bob);
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(id);
        vm.recordLogs();
        name(alice, bob);
        vm.assertEq(vm.getRecordedLogs().length, 2, "nothing to pay");
        vm.assertEq(node.beneficiaryOf(id), bob, "beneficiary");
        vm.assertEq(node.ownerOf(id), alice, "owner");
        paid(alice, fec, 10_000 * POINT, "2");
        vm.assertEq(node.beneficiaryOf(id), bob, "and still, when it grows");
        vm.warp(unlock(fec));
        vm.assertEq(claimOne(id), 7_662_761, "the first release of 20,000");
        vm.assertEq(token.balanceOf(bob), 7_662_761, "to the beneficiary");
    }

    function test_aLockedNodeThatARefundEndsLeavesNoBeneficiary() public {
        name(alice, bob);
        vm.prank(shop);
        processor.refund(paymentOf(alice, fec, 10_000 * POINT, "1"), 1, 10_000 * POINT);
        vm.assertEq(node.beneficiaryOf(id), address(0), "ended");
        vm.assertEq(paid(alice, fec, 10_000 * POINT, "2"), id, "made again");
        vm.warp(unlock(fec));
        claimOne(id);
        vm.assertEq(token.balanceOf(bob), 0, "no longer");
    }

    function test_whoeverClaimsTheBeneficiaryIsPaid() public {
        name(alice, bob);
        vm.warp(unlock(fec));
        vm.expectEmit();
        emit IReleaseNode.Claimed(id, bob, FIRST, 1);
        vm.prank(stranger);
        vm.assertEq(claimOne(id), FIRST, "amount");
        vm.assertEq(token.balanceOf(bob), FIRST, "beneficiary");
        vm.assertEq(token.balanceOf(alice), 0, "owner");
        vm.assertEq(token.balanceOf(stranger), 0, "caller");
        vm.assertEq(node.books(fec).released, FIRST, "books");
    }

    function test_whatWasReleasedIsOfWhomWasNamedBefore() public {
        vm.warp(unlock(fec));
        vm.expectEmit();
        emit IReleaseNode.Claimed(id, alice, FIRST, 1);
        vm.expectEmit();
        emit IReleaseNode.BeneficiarySet(id, alice, bob);
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(id);
        name(alice, bob);
        vm.assertEq(token.balanceOf(alice), FIRST, "the owner until now");
        vm.warp(unlock(fec) + 7 days);
        name(alice, stranger);
        vm.assertEq(token.balanceOf(bob), SECOND, "then bob");
        vm.warp(unlock(fec) + 14 days);
        vm.expectEmit();
        emit IReleaseNode.Claimed(id, stranger, 4_224_097, 3);
        vm.expectEmit();
        emit IReleaseNode.BeneficiarySet(id, alice, address(0));
        name(alice, alice);
        vm.assertEq(token.balanceOf(stranger), 4_224_097, "then the stranger");
        vm.assertEq(node.beneficiaryOf(id), address(0), "naming oneself ends it");
        vm.warp(unlock(fec) + 99 * 7 days);
        claimOne(id);
        vm.assertEq(token.balanceOf(alice), 10_000 * POINT - SECOND - 4_224_097, "then the owner again");
    }

    function test_aTransferPaysTheBeneficiaryAndClears() public {
        name(alice, bob);
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.transferFrom(alice, stranger, id);
        vm.assertEq(token.balanceOf(bob), FIRST, "what was released by then");
        vm.assertEq(node.beneficiaryOf(id), address(0), "cleared");
        vm.warp(unlock(fec) + 7 days);
        claimOne(id);
        vm.assertEq(token.balanceOf(stranger), SECOND, "the new owner");
        vm.prank(stranger);
        node.transferFrom(stranger, alice, id);
        vm.assertEq(node.beneficiaryOf(id), address(0), "and it does not come back");
    }

    function test_aTransferToTheOwnerItselfClears() public {
        name(alice, bob);
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.transferFrom(alice, alice, id);
        vm.assertEq(node.beneficiaryOf(id), address(0), "cleared");
        vm.assertEq(node.balanceOf(alice), 1, "nodes");
    }

    /// @dev A node that stands behind one in custody is paid to its own receiver, whoever puts the batch together.
    function test_T09_aNodeBehindOneInCustodyIsNotPaidToTheBeneficiary() public {
        uint256 other = another();
        name(alice, bob);
        vm.warp(unlock(fec) + 7 days);
        vm.expectEmit();
        emit IReleaseNode.Claimed(id, bob, SECOND, 2);
        vm.expectEmit();
        emit IReleaseNode.Claimed(other, alice, SECOND, 2);
        vm.prank(bob);
        node.claim(two(id, other));
        vm.assertEq(token.balanceOf(bob), SECOND, "of the node in custody");
        vm.assertEq(token.balanceOf(alice), FIRST + SECOND, "of the other");
    }

    function test_aBatchPaysEachReceiver() public {
        uint256[] memory ids = new uint256[](6);
        (ids[0], ids[1]) = (id, another());
        for (uint256 i = 2; i < 6; ++i) {
            uint64[] memory part = new uint64[](1);
            part[0] = 1000 * POINT;
            vm.prank(alice);
            ids[i] = node.split(ids[1], part)[0];
        }
        address[6] memory named = [bob, bob, stranger, address(0), bob, address(0)];
        for (uint256 i = 0; i < 6; ++i) {
            vm.prank(alice);
            node.setBeneficiary(ids[i], named[i]);
        }
        uint256 before = token.balanceOf(alice);
        vm.warp(unlock(fec) + 7 days);
        uint256[3] memory due;
        for (uint256 i = 0; i < 6; ++i) {
            uint256 who = named[i] == bob ? 0 : named[i] == stranger ? 1 : 2;
            due[who] += node.nodeOf(ids[i]).claimable;
        }
        vm.assertEq(node.claim(ids), due[0] + due[1] + due[2], "all of it");
        vm.assertEq(token.balanceOf(bob), due[0], "bob");
        vm.assertEq(token.balanceOf(stranger) - FIRST, due[1], "stranger");
        vm.assertEq(token.balanceOf(alice) - before, due[2], "owner");
    }

    function test_nodesOfOneBeneficiaryArePaidInOneTransfer() public {
        uint256[] memory ids = new uint256[](2);
        ids[0] = paid(alice, fec, 10_000 * POINT, "first");
        vm.warp(EPOCH + 8 days);
        ids[1] = paid(alice, fec, 10_000 * POINT, "second");
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(alice);
            node.setBeneficiary(ids[i], bob);
        }
        vm.warp(EPOCH + 21 days);
        vm.recordLogs();
        uint256 amount = node.claim(ids);
        vm.assertEq(Logs.count(vm.getRecordedLogs(), address(token), IERC20.Transfer.selector), 1, "one transfer");
        vm.assertEq(token.balanceOf(bob), amount, "of all");
    }

    function test_mergeOfNodesOfOneBeneficiaryPaysIt() public {
        uint256 piece = splitOff(1000 * POINT);
        name(alice, bob);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotAlike.selector, id, piece));
        vm.prank(alice);
        node.merge(id, one(piece));
        vm.prank(alice);
        node.setBeneficiary(piece, bob);
        uint256 before = token.balanceOf(alice);
        vm.warp(unlock(fec) + 7 days);
        vm.prank(alice);
        vm.assertEq(node.merge(id, one(piece)), SECOND, "the second release of all");
        vm.assertEq(token.balanceOf(bob), SECOND, "beneficiary");
        vm.assertEq(token.balanceOf(alice), before, "owner");
        vm.assertEq(node.beneficiaryOf(id), bob, "still");
        vm.assertEq(node.beneficiaryOf(piece), address(0), "of the ended one");
    }

    function test_T19_aFrozenOwnerMergesNothingThatPaysAnotherButItself() public {
        uint256 piece = splitOff(1000 * POINT);
        uint256 plain = splitOff(1000 * POINT);
        uint256 other = splitOff(1000 * POINT);
        name(alice, bob);
        vm.prank(alice);
        node.setBeneficiary(piece, bob);
        vm.warp(unlock(fec) + 7 days);
        token.confirmFreeze(alice, "court order");
        vm.expectRevert(
            abi.encodeWithSelector(IPointsToken.PointsToken_AccountFrozen.selector, alice, type(uint40).max)
        );
        vm.prank(alice);
        node.merge(id, one(piece));
        vm.prank(alice);
        vm.assertEq(node.merge(plain, one(other)), 1_570_866, "to itself");
    }

    function test_T19_aFrozenBeneficiaryIsPaid() public {
        name(alice, bob);
        token.confirmFreeze(bob, "court order");
        vm.warp(unlock(fec));
        claimOne(id);
        vm.assertEq(token.balanceOf(bob), FIRST, "paid, and cannot send it");
        name(alice, address(0));
        vm.prank(alice);
        node.transferFrom(alice, stranger, id);
    }

    function test_T11_aBeneficiaryThatIsAContract() public {
        Plain plain = new Plain();
        name(alice, address(plain));
        vm.warp(unlock(fec));
        claimOne(id);
        vm.assertEq(token.balanceOf(address(plain)), FIRST, "it is asked nothing");
    }

    function test_aFundedNodeThatWasIssued() public {
        token.setPersonLimit(1000 * POINT);
        processor.issue(issueOf(alice, 0, 400 * POINT, "issued"));
        uint256 issued = node.issuedIdOf(fund, 2, alice);
        vm.prank(alice);
        node.setBeneficiary(issued, bob);
        vm.warp(EPOCH + 3 days);
        vm.assertEq(claimOne(issued), 100 * POINT, "a quarter");
        vm.assertEq(token.balanceOf(bob), 100 * POINT, "beneficiary");
        vm.assertEq(node.books(fund).reserve, 300 * POINT, "reserve");
    }

    /// @dev A second node of alice's, for which she paid nothing and was paid nothing.
    function another() private returns (uint256) {
        vm.warp(unlock(fec));
        vm.prank(stranger);
        node.transferFrom(stranger, alice, second);
        return second;
    }

    function splitOff(uint64 total) private returns (uint256) {
        if (block.timestamp < unlock(fec)) vm.warp(unlock(fec));
        uint64[] memory part = new uint64[](1);
        part[0] = total;
        vm.prank(alice);
        return node.split(id, part)[0];
    }

    function name(address caller, address beneficiary) private {
        vm.prank(caller);
        node.setBeneficiary(id, beneficiary);
    }

    function refused(address caller, address beneficiary, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(caller);
        node.setBeneficiary(id, beneficiary);
    }

    function two(uint256 one_, uint256 other) private pure returns (uint256[] memory ids) {
        ids = new uint256[](2);
        (ids[0], ids[1]) = (one_, other);
    }
}
