// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Base64} from "solady/utils/Base64.sol";
import {LibString} from "solady/utils/LibString.sol";
import {PayerShare} from "../../contracts/types/PayerShare.sol";
import {ProgramRules} from "../../contracts/types/ProgramRules.sol";
import {IPaymentProcessor, IPointsToken, IProgramBooks, IReleaseNode, Setup} from "./Setup.sol";
import {Vm} from "./Vm.sol";
import {Plain, Wallet} from "./Wallet.sol";

/// @dev ERC-721 transfers of nodes, who may make and undo them, and what they say of themselves.
contract NodeTransferTest is Setup {
    uint64 private constant FIRST = 3_831_380;

    uint256 private id;

    function setUp() public override {
        super.setUp();
        id = paid(alice, fec, 10_000 * POINT, "1");
    }

    function test_exactlyAtTheFirstReleaseAndOneSecondBefore() public {
        vm.warp(unlock(fec) - 1);
        refused(alice, bob, abi.encodeWithSelector(IReleaseNode.ReleaseNode_Locked.selector, id, unlock(fec)));
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        vm.assertEq(node.ownerOf(id), bob, "owner");
    }

    function test_unknownNodeAndNotTheOwner() public {
        vm.warp(unlock(fec));
        uint256 other = node.idOf(fec, 9, alice);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, other));
        node.transferFrom(alice, bob, other);
        refused(
            stranger, stranger, abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, stranger, id)
        );
        refused(alice, address(0), abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0)));
        vm.prank(alice);
        node.setApprovalForAll(bob, true);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721IncorrectOwner.selector, bob, id, alice));
        vm.prank(bob);
        node.transferFrom(bob, stranger, id);
    }

    /// @dev Whoever is approved, even an account that looks like nobody's, is so until the node changes hands.
    function test_T09_theFirstAddressIsApprovedAsAnyOther() public {
        vm.warp(unlock(fec));
        refused(
            address(1), bob, abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, address(1), id)
        );
        vm.prank(alice);
        node.approve(address(1), id);
        vm.recordLogs();
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        vm.assertEq(node.getApproved(id), address(0), "approved");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            vm.assertTrue(logs[i].topics[0] != IERC721.Approval.selector, "the transfer says it");
        }
    }

    function test_T11_aNodeIsNotTheTokens() public {
        vm.warp(unlock(fec));
        refused(alice, address(token), abi.encodeWithSelector(IPointsToken.PointsToken_SentToToken.selector));
        vm.assertEq(node.ownerOf(id), alice, "owner");
    }

    function test_T19_aFrozenAccountGivesNothingAwayUntilExactlyTheEnd() public {
        vm.warp(unlock(fec));
        token.freeze(alice, "phished");
        uint40 until = uint40(unlock(fec) + 7 days);
        vm.warp(until - 1);
        vm.prank(alice);
        node.approve(stranger, id);
        bytes memory reason = abi.encodeWithSelector(IPointsToken.PointsToken_AccountFrozen.selector, alice, until);
        refused(alice, bob, reason);
        refused(stranger, bob, reason);
        vm.warp(until);
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
    }

    function test_T08_whatIsClaimableGoesToTheSeller() public {
        vm.warp(unlock(fec) + 49 * 7 days);
        vm.expectEmit();
        emit IReleaseNode.Claimed(id, alice, 802_091_869, 50);
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        vm.assertEq(token.balanceOf(alice), 802_091_869, "seller");
        vm.assertEq(token.balanceOf(bob), 0, "buyer");
        IReleaseNode.Node memory state = node.nodeOf(id);
        vm.assertTrue(state.claimed == 802_091_869 && state.claimable == 0 && state.owner == bob, "node");
    }

    /// @dev Whether the seller claims before the sale or not, the buyer gets the same node and the seller the same.
    function test_T08_claimingJustBeforeTheSaleChangesNothing() public {
        vm.warp(unlock(fec));
        claimOne(id);
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        vm.assertEq(token.balanceOf(alice), FIRST, "seller");
        vm.assertEq(node.nodeOf(id).claimed, FIRST, "node");
        vm.warp(unlock(fec) + 7 days);
        vm.prank(bob);
        node.transferFrom(bob, alice, id);
        vm.assertEq(token.balanceOf(bob), 7_854_330 - FIRST, "the next seller");
    }

    function test_anEmptyNodeIsStillTransferred() public {
        vm.warp(unlock(fec) + 99 * 7 days);
        claimOne(id);
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        vm.assertEq(node.nodeOf(id).claimed, 10_000 * POINT, "all claimed");
    }

    function test_T09_anOperatorMovesTheNodeAndTheApprovalEnds() public {
        vm.prank(alice);
        node.approve(stranger, id);
        vm.warp(unlock(fec));
        vm.prank(stranger);
        node.transferFrom(alice, bob, id);
        vm.assertEq(token.balanceOf(alice), FIRST, "seller");
        vm.assertEq(node.getApproved(id), address(0), "approval ended");
        refused(
            stranger, stranger, abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, stranger, id)
        );
    }

    function test_T06_aTransferDoesNotMoveLaterPayments() public {
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        uint256 other = paid(alice, fec, POINT, "2");
        vm.assertTrue(other != id, "another period, another node");
        vm.assertEq(node.ownerOf(other), alice, "of the payer");
    }

    function test_T11_safeTransferToAContractThatCannotHoldNodes() public {
        Plain plain = new Plain();
        vm.warp(unlock(fec));
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(plain)));
        vm.prank(alice);
        node.safeTransferFrom(alice, address(plain), id);
    }

    function test_T10_aReceiverThatClaimsWhileItReceivesGetsNothing() public {
        Wallet thief = new Wallet(stranger);
        thief.onReceiveCall(address(node), abi.encodeCall(IReleaseNode.claimTo, (one(id), stranger)));
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.safeTransferFrom(alice, address(thief), id);
        vm.assertTrue(thief.calledBack() && !thief.callbackDone(), "called back and refused");
        vm.assertEq(
            thief.callbackAnswer(),
            abi.encodeWithSelector(IReleaseNode.ReleaseNode_NothingToClaim.selector, id),
            "nothing left to claim"
        );
        vm.assertEq(token.balanceOf(alice), FIRST, "seller");
        vm.assertEq(token.balanceOf(stranger), 0, "thief");
    }

    function test_T10_aReceiverThatPassesTheNodeOnWhileItReceives() public {
        Wallet thief = new Wallet(stranger);
        thief.onReceiveCall(
            address(node),
            abi.encodeWithSignature("transferFrom(address,address,uint256)", address(thief), stranger, id)
        );
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.safeTransferFrom(alice, address(thief), id);
        vm.assertTrue(thief.callbackDone(), "it is the thief's by then");
        vm.assertEq(node.ownerOf(id), stranger, "owner");
        vm.assertTrue(node.balanceOf(stranger) == 1 && node.balanceOf(address(thief)) == 0, "counted once");
        vm.assertEq(token.balanceOf(alice), FIRST, "seller");
        vm.assertEq(node.books(fec).released, FIRST, "paid once");
    }

    function test_T10_aReceiverThatPaysWhileItReceives() public {
        Wallet payer = new Wallet(stranger);
        give(address(payer), 10 * POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(address(payer), fec, 10 * POINT, "2");
        payer.onReceiveCall(address(processor), abi.encodeCall(IPaymentProcessor.pay, (payment)));
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.safeTransferFrom(alice, address(payer), id);
        vm.assertTrue(payer.callbackDone(), "an ordinary payment");
        vm.assertEq(node.balanceOf(address(payer)), 2, "two nodes");
        vm.assertEq(node.books(fec).committed, 10_000 * POINT - FIRST + 10 * POINT, "books");
    }

    function test_T17_onlyTheProcessorMakesAndUndoesNodes() public {
        PayerShare[] memory shares = new PayerShare[](1);
        shares[0] = PayerShare(stranger, 9 * POINT, POINT, 0);
        address[3] memory callers = [stranger, address(programs), address(token)];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotProcessor.selector, callers[i]);
            vm.expectRevert(reason);
            vm.prank(callers[i]);
            node.topUp(fec, 1, shares);
            vm.expectRevert(reason);
            vm.prank(callers[i]);
            node.commitIssue(fund, stranger, stranger, POINT);
            vm.expectRevert(reason);
            vm.prank(callers[i]);
            node.depositIssued(fund, stranger, POINT);
            vm.expectRevert(reason);
            vm.prank(callers[i]);
            node.undo(fec, 1, alice, POINT, 10 * POINT);
        }
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, node.idOf(fec, 1, bob)));
        vm.prank(address(processor));
        node.undo(fec, 1, bob, POINT, POINT);
    }

    function test_T17_onlyTheRuleBookOpensAndClosesPrograms() public {
        ProgramRules rules = node.rulesOf(fec);
        address[3] memory callers = [stranger, address(processor), address(this)];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory reason = abi.encodeWithSelector(IProgramBooks.ReleaseNode_NotPrograms.selector, callers[i]);
            vm.expectRevert(reason);
            vm.prank(callers[i]);
            node.addProgram(9, rules, POINT);
            vm.expectRevert(reason);
            vm.prank(callers[i]);
            node.closeProgram(fec, 0);
        }
    }

    /// @dev Which is what payments, refunds and transfers count by.
    function test_nodesAreCountedAsTheyAreMadeMovedAndEnded() public {
        vm.assertTrue(node.balanceOf(alice) == 1 && token.nodesOf(alice) == 1, "made");
        paid(alice, fec, POINT, "2");
        vm.assertEq(node.balanceOf(alice), 1, "grown");
        endow(POINT);
        paid(alice, fund, POINT, "3");
        vm.assertEq(node.balanceOf(alice), 2, "another");
        give(shop, POINT);
        vm.prank(shop);
        processor.refund(paymentOf(alice, fund, POINT, "3"), 2, POINT);
        vm.assertEq(node.balanceOf(alice), 1, "undone");
        processor.issue(issueOf(alice, 0, POINT, "4"));
        vm.assertEq(node.balanceOf(alice), 2, "issued");
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        vm.assertTrue(node.balanceOf(alice) == 1 && node.balanceOf(bob) == 1, "moved");
        vm.prank(bob);
        node.transferFrom(bob, bob, id);
        vm.assertEq(node.balanceOf(bob), 1, "to itself");
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidOwner.selector, address(0)));
        node.balanceOf(address(0));
    }

    function test_anUnknownNodeHasNoOwnerAndNobodyApproved() public {
        bytes memory reason = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1);
        vm.expectRevert(reason);
        node.ownerOf(1);
        vm.expectRevert(reason);
        node.getApproved(1);
        vm.expectRevert(reason);
        node.approve(bob, 1);
    }

    function test_T09_whoMayApproveANode() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidOperator.selector, address(0)));
        vm.prank(alice);
        node.setApprovalForAll(address(0), true);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidApprover.selector, stranger));
        vm.prank(stranger);
        node.approve(stranger, id);
        vm.prank(alice);
        node.setApprovalForAll(bob, true);
        vm.prank(bob);
        node.approve(stranger, id);
        vm.assertEq(node.getApproved(id), stranger, "by an operator");
        vm.prank(alice);
        node.approve(address(0), id);
        vm.assertEq(node.getApproved(id), address(0), "ended");
        vm.warp(unlock(fec));
        refused(stranger, bob, abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, stranger, id));
    }

    function test_metadataIsReadFromLiveState() public {
        vm.assertEq(node.name(), "chainpoints release node", "name");
        vm.assertEq(node.symbol(), "ADN", "symbol");
        vm.assertTrue(node.supportsInterface(0x01ffc9a7), "ERC-165");
        vm.assertTrue(node.supportsInterface(0x80ac58cd), "ERC-721");
        vm.assertTrue(node.supportsInterface(0x5b5e139f), "ERC-721 metadata");
        vm.assertTrue(node.supportsInterface(0x49064906), "ERC-4906");
        vm.assertTrue(!node.supportsInterface(0xffffffff), "nothing else");
        vm.warp(unlock(fec));
        bytes32 before = keccak256(bytes(node.tokenURI(id)));
        claimOne(id);
        vm.assertTrue(keccak256(bytes(node.tokenURI(id))) != before, "it changes with a claim");
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, 1));
        node.tokenURI(1);
    }

    function test_metadataIsDrawnByTheRenderer() public {
        vm.warp(unlock(fec));
        vm.assertEq(node.tokenURI(id), renderer.tokenURI(node, programs, id), "a node's");
        vm.assertEq(node.contractURI(), renderer.contractURI(), "the collection's");
        string memory json = string(Base64.decode(LibString.slice(node.tokenURI(id), 29)));
        vm.assertTrue(LibString.contains(json, '"Total","display_type":"number","value":10000.000000}'), "total");
        vm.assertTrue(LibString.contains(json, '"Claimable","display_type":"number","value":3.831380}'), "claimable");
        claimOne(id);
        json = string(Base64.decode(LibString.slice(node.tokenURI(id), 29)));
        vm.assertTrue(LibString.contains(json, '"Claimed","display_type":"number","value":3.831380}'), "claimed");
    }

    function test_anIdSaysProgramStartAndPayer() public view {
        uint256 expected = uint256(fec) << 224 | uint256(1) << 200 | uint160(alice);
        vm.assertEq(node.idOf(fec, 1, alice), expected, "layout");
        vm.assertEq(id, expected, "of a payment");
        vm.assertEq(node.issuedIdOf(fec, 1, alice), expected | 1 << 160, "of an issue");
        IReleaseNode.Node memory state = node.nodeOf(id);
        vm.assertTrue(state.program == fec && state.start == 1 && state.total == 10_000 * POINT, "read back");
    }

    function refused(address caller, address to, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(caller);
        node.transferFrom(alice, to, id);
    }
}
