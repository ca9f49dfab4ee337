// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IPointsToken, IReleaseNode, NodeToken, Setup} from "./Setup.sol";
import {Wallet} from "./Wallet.sol";

/// @dev `claimTo`, `approveClaim` and `permitClaim`. The node's first two releases are 3,831,380 and 4,022,950.
contract ClaimToTest is Setup {
    uint64 private constant FIRST = 3_831_380;
    uint64 private constant SECOND = 4_022_950;

    address private keeper = address(0xCEE9);
    uint256 private id;

    function setUp() public override {
        super.setUp();
        id = paid(alice, fec, 10_000 * POINT, "1");
        vm.warp(unlock(fec));
    }

    function test_aStranger() public {
        refused(stranger, stranger, notClaimer(id, stranger));
        refused(stranger, alice, notClaimer(id, stranger));
    }

    function test_T09_anApprovalOfTheTokenNeverDirectsAClaim() public {
        vm.prank(alice);
        node.approve(stranger, id);
        vm.prank(alice);
        node.setApprovalForAll(bob, true);
        refused(stranger, stranger, notClaimer(id, stranger));
        refused(bob, bob, notClaimer(id, bob));
        refused(bob, alice, notClaimer(id, bob));
        // What an operator can do is move the node; what is claimable goes to the seller.
        vm.prank(bob);
        node.transferFrom(alice, bob, id);
        vm.assertEq(token.balanceOf(alice), FIRST, "seller");
        vm.assertEq(token.balanceOf(bob), 0, "operator");
    }

    function test_unknownLockedAndBatchSize() public {
        uint256 other = node.idOf(fec, 9, alice);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, other));
        node.claimTo(one(other), alice);
        uint256 locked = paid(alice, fec, POINT, "2");
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Locked.selector, locked, EPOCH + 28 days));
        vm.prank(alice);
        node.claimTo(one(locked), bob);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_BatchSize.selector, 0, 500));
        node.claimTo(new uint256[](0), alice);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_BatchSize.selector, 501, 500));
        node.claimTo(new uint256[](501), alice);
    }

    function test_nobodyIsNoReceiver() public {
        refused(alice, address(0), abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0)));
        // Nor by an approval.
        allow(keeper, address(0), FIRST, type(uint40).max);
        refused(keeper, address(0), abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0)));
        refused(keeper, alice, notClaimer(id, keeper));
    }

    function test_idZeroAndUnknownIdsFirstAndLater() public {
        uint256[] memory ids = new uint256[](2);
        uint256[4] memory unknown = [uint256(0), id ^ 1, id + (1 << 200), id + (7 << 224)];
        for (uint256 i = 0; i < 8; ++i) {
            (ids[i % 2], ids[1 - i % 2]) = (id, unknown[i / 2]);
            vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, unknown[i / 2]));
            vm.prank(alice);
            node.claimTo(ids, bob);
        }
        vm.assertEq(token.balanceOf(bob), 0, "nothing paid");
    }

    /// @dev What two owners let one delegate claim, of two programs, in one call: each owner's cap is spent on its own.
    function test_T09_aBatchOfMixedOwnersAndPrograms() public {
        (uint256[] memory ids, uint64[] memory amounts) = mixed();
        allow(keeper, bob, type(uint64).max, type(uint40).max);
        vm.expectRevert(notClaimer(ids[1], keeper));
        vm.prank(keeper);
        node.claimTo(ids, bob);
        vm.prank(shop);
        node.approveClaim(keeper, bob, amounts[1] - 1, type(uint40).max);
        vm.expectRevert(
            abi.encodeWithSelector(
                IReleaseNode.ReleaseNode_ClaimCapExceeded.selector, shop, keeper, amounts[1], amounts[1] - 1
            )
        );
        vm.prank(keeper);
        node.claimTo(ids, bob);
        vm.prank(shop);
        node.approveClaim(keeper, bob, amounts[1], type(uint40).max);
        // One cap over all runs of an owner, whichever program they are of.
        allow(keeper, bob, amounts[0] + amounts[2] + amounts[3] - 1, type(uint40).max);
        vm.expectRevert(capExceeded(amounts[3], amounts[3] - 1));
        vm.prank(keeper);
        node.claimTo(ids, bob);
        allow(keeper, bob, amounts[0] + amounts[2] + amounts[3], type(uint40).max);
        vm.expectEmit();
        emit IERC4906.BatchMetadataUpdate(0, type(uint256).max);
        vm.prank(keeper);
        uint256 sum = node.claimTo(ids, bob);
        vm.assertEq(sum, uint256(amounts[0]) + amounts[1] + amounts[2] + amounts[3], "the sum");
        vm.assertEq(token.balanceOf(bob), sum, "all of it to the receiver");
        (uint64 left,) = node.claimAllowance(alice, keeper, bob);
        vm.assertEq(left, 0, "spent");
        (left,) = node.claimAllowance(shop, keeper, bob);
        vm.assertEq(left, 0, "spent");
    }

    function test_anOwnerDirectsNoNodeOfAnotherInABatch() public {
        (uint256[] memory ids,) = mixed();
        vm.expectRevert(notClaimer(ids[1], alice));
        vm.prank(alice);
        node.claimTo(ids, bob);
        (ids[0], ids[1]) = (ids[1], ids[0]);
        vm.expectRevert(notClaimer(ids[0], alice));
        vm.prank(alice);
        node.claimTo(ids, bob);
    }

    function test_theOwnerClaimsToAnyone() public {
        vm.expectEmit();
        emit IReleaseNode.Claimed(id, bob, FIRST, 1);
        vm.prank(alice);
        vm.assertEq(node.claimTo(one(id), bob), FIRST, "amount");
        vm.assertEq(token.balanceOf(bob), FIRST, "receiver");
        refused(alice, bob, abi.encodeWithSelector(IReleaseNode.ReleaseNode_NothingToClaim.selector, id));
    }

    function test_T19_aFrozenOwnerDirectsNoClaim() public {
        allow(keeper, bob, FIRST, type(uint40).max);
        token.freeze(alice, "phished");
        uint40 until = uint40(unlock(fec) + 7 days);
        bytes memory reason = abi.encodeWithSelector(IPointsToken.PointsToken_AccountFrozen.selector, alice, until);
        vm.warp(until - 1);
        refused(alice, bob, reason);
        refused(keeper, bob, reason);
        vm.warp(until);
        vm.prank(alice);
        node.claimTo(one(id), bob);
    }

    function test_T09_aDelegateClaimsOnlyToTheReceiverNamed() public {
        allow(keeper, bob, FIRST, type(uint40).max);
        refused(keeper, keeper, notClaimer(id, keeper));
        refused(keeper, alice, notClaimer(id, keeper));
        refused(bob, bob, notClaimer(id, bob));
        vm.prank(keeper);
        node.claimTo(one(id), bob);
        vm.assertEq(token.balanceOf(bob), FIRST, "receiver");
    }

    function test_T09_capExactlyAndOnePast() public {
        allow(keeper, bob, FIRST - 1, type(uint40).max);
        refused(keeper, bob, capExceeded(FIRST, FIRST - 1));
        allow(keeper, bob, FIRST, type(uint40).max);
        vm.prank(keeper);
        node.claimTo(one(id), bob);
        (uint64 left,) = node.claimAllowance(alice, keeper, bob);
        vm.assertEq(left, 0, "spent");
        vm.warp(unlock(fec) + 7 days);
        refused(keeper, bob, capExceeded(SECOND, 0));
    }

    function test_T09_capOverABatch() public {
        uint256 other = paid(alice, fec, 10_000 * POINT, "2");
        vm.warp(EPOCH + 28 days);
        uint256[] memory ids = new uint256[](2);
        (ids[0], ids[1]) = (id, other);
        uint64 both = 2 * FIRST + SECOND + 4_224_097;
        allow(keeper, bob, both - 1, type(uint40).max);
        vm.expectRevert(capExceeded(both, both - 1));
        vm.prank(keeper);
        node.claimTo(ids, bob);
        allow(keeper, bob, both, type(uint40).max);
        vm.prank(keeper);
        vm.assertEq(node.claimTo(ids, bob), both, "both");
    }

    function test_T09_deadlineExactlyAndOnePast() public {
        uint40 deadline = uint40(unlock(fec) + 100);
        allow(keeper, bob, type(uint64).max, deadline);
        vm.warp(deadline + 1);
        refused(
            keeper,
            bob,
            abi.encodeWithSelector(IReleaseNode.ReleaseNode_ClaimApprovalExpired.selector, alice, keeper, deadline)
        );
        vm.warp(deadline);
        vm.prank(keeper);
        node.claimTo(one(id), bob);
    }

    function test_T09_anApprovalEndedByACapOfNothing() public {
        allow(keeper, bob, FIRST, type(uint40).max);
        allow(keeper, bob, 0, type(uint40).max);
        refused(keeper, bob, notClaimer(id, keeper));
        (uint64 cap, uint40 deadline) = node.claimAllowance(alice, keeper, bob);
        vm.assertTrue(cap == 0 && deadline == 0, "none");
    }

    function test_T09_aDelegateOfOneOwnerNotOfAnother() public {
        allow(keeper, bob, type(uint64).max, type(uint40).max);
        uint256 other = paid(shop, fec, POINT, "2");
        vm.warp(EPOCH + 28 days);
        uint256[] memory ids = new uint256[](2);
        (ids[0], ids[1]) = (id, other);
        vm.expectRevert(notClaimer(other, keeper));
        vm.prank(keeper);
        node.claimTo(ids, bob);
        // And not of whoever owns the node next.
        vm.prank(alice);
        node.transferFrom(alice, shop, id);
        vm.warp(EPOCH + 35 days);
        refused(keeper, bob, notClaimer(id, keeper));
    }

    function test_permitBySignature() public {
        bytes memory signature = permit(ALICE_KEY, alice, keeper, FIRST, type(uint40).max);
        vm.expectEmit();
        emit IReleaseNode.ClaimApproval(alice, keeper, bob, FIRST, type(uint40).max);
        vm.prank(stranger);
        node.permitClaim(alice, keeper, bob, FIRST, type(uint40).max, signature);
        vm.assertEq(node.nonces(alice), 1, "nonce");
        vm.prank(keeper);
        node.claimTo(one(id), bob);
        // T14: once.
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_InvalidSignature.selector, alice));
        node.permitClaim(alice, keeper, bob, FIRST, type(uint40).max, signature);
    }

    function test_T14_permitExactlyAtItsDeadlineAndOnePast() public {
        uint40 deadline = uint40(unlock(fec) + 100);
        bytes memory signature = permit(ALICE_KEY, alice, keeper, FIRST, deadline);
        vm.warp(deadline + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IReleaseNode.ReleaseNode_ClaimApprovalExpired.selector, alice, keeper, deadline)
        );
        node.permitClaim(alice, keeper, bob, FIRST, deadline, signature);
        vm.warp(deadline);
        node.permitClaim(alice, keeper, bob, FIRST, deadline, signature);
    }

    function test_T14_T15_permitOfAnotherKeyTermChainOrContract() public {
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_InvalidSignature.selector, alice);
        bytes memory wrongKey = permit(SHOP_KEY, alice, keeper, FIRST, type(uint40).max);
        bytes memory good = permit(ALICE_KEY, alice, keeper, FIRST, type(uint40).max);
        vm.expectRevert(reason);
        node.permitClaim(alice, keeper, bob, FIRST, type(uint40).max, wrongKey);
        vm.expectRevert(reason);
        node.permitClaim(alice, keeper, bob, FIRST + 1, type(uint40).max, good);
        vm.expectRevert(reason);
        node.permitClaim(alice, keeper, stranger, FIRST, type(uint40).max, good);
        vm.expectRevert(reason);
        node.permitClaim(alice, stranger, bob, FIRST, type(uint40).max, good);
        NodeToken other = NodeToken(deploy("ReleaseNode", abi.encode(token, programs, processor, renderer)));
        vm.expectRevert(reason);
        other.permitClaim(alice, keeper, bob, FIRST, type(uint40).max, good);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_InvalidSignature.selector, address(0)));
        node.permitClaim(address(0), keeper, bob, FIRST, type(uint40).max, new bytes(65));
        vm.chainId(99);
        vm.expectRevert(reason);
        node.permitClaim(alice, keeper, bob, FIRST, type(uint40).max, good);
        vm.chainId(31_337);
        node.permitClaim(alice, keeper, bob, FIRST, type(uint40).max, good);
    }

    function test_T15_permitOfAContractWallet() public {
        Wallet wallet = new Wallet(shop);
        bytes memory good = permit(SHOP_KEY, address(wallet), keeper, FIRST, type(uint40).max);
        bytes memory wrong = permit(ALICE_KEY, address(wallet), keeper, FIRST, type(uint40).max);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_InvalidSignature.selector, address(wallet)));
        node.permitClaim(address(wallet), keeper, bob, FIRST, type(uint40).max, wrong);
        node.permitClaim(address(wallet), keeper, bob, FIRST, type(uint40).max, good);
        vm.prank(alice);
        node.transferFrom(alice, address(wallet), id);
        vm.warp(EPOCH + 21 days);
        vm.expectRevert(
            abi.encodeWithSelector(
                IReleaseNode.ReleaseNode_ClaimCapExceeded.selector, address(wallet), keeper, SECOND, FIRST
            )
        );
        vm.prank(keeper);
        node.claimTo(one(id), bob);
    }

    /// @dev No call of an approved operator takes points of the owner's nodes anywhere but to the owner.
    function testFuzz_T09_whateverAnOperatorCallsTheOwnerIsPaid(uint8 which, address to, uint40 weeks_) public {
        vm.assume(to != address(0) && to != address(token) && to != alice && to.code.length == 0);
        vm.prank(alice);
        node.setApprovalForAll(stranger, true);
        vm.warp(unlock(fec) + uint256(weeks_ % 120) * 7 days);
        uint64 claimable = node.nodeOf(id).claimable;
        bytes[4] memory calls = [
            abi.encodeCall(IReleaseNode.claim, (one(id))),
            abi.encodeCall(IReleaseNode.claimTo, (one(id), to)),
            abi.encodeWithSignature("transferFrom(address,address,uint256)", alice, to, id),
            abi.encodeWithSignature("safeTransferFrom(address,address,uint256)", alice, to, id)
        ];
        vm.prank(stranger);
        (bool done,) = address(node).call(calls[which % 4]);
        vm.assertTrue(done == (which % 4 != 1), "only claimTo is refused");
        vm.assertEq(token.balanceOf(alice), done ? claimable : 0, "to the owner");
        vm.assertEq(token.balanceOf(to), 0, "to nobody else");
    }

    /// @dev A node of alice, one of the shop, one of alice of the other program, and another of alice of the first.
    function mixed() private returns (uint256[] memory ids, uint64[] memory amounts) {
        ids = new uint256[](4);
        amounts = new uint64[](4);
        endow(10 * POINT);
        ids[0] = id;
        ids[1] = paid(shop, fec, 500 * POINT, "2");
        ids[2] = paid(alice, fund, 10 * POINT, "3");
        ids[3] = paid(alice, fec, 700 * POINT, "4");
        vm.warp(EPOCH + 28 days);
        for (uint256 i = 0; i < 4; ++i) {
            amounts[i] = node.nodeOf(ids[i]).claimable;
        }
    }

    function allow(address delegate, address to, uint64 cap, uint40 deadline) private {
        vm.prank(alice);
        node.approveClaim(delegate, to, cap, deadline);
    }

    function refused(address caller, address to, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(caller);
        node.claimTo(one(id), to);
    }

    function permit(uint256 key, address owner, address delegate, uint64 cap, uint40 deadline)
        private
        view
        returns (bytes memory)
    {
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("chainpoints release node"),
                keccak256("1"),
                block.chainid,
                address(node)
            )
        );
        bytes32 typehash = keccak256(
            "ClaimApproval(address owner,address delegate,address to,uint64 cap,uint40 deadline,uint256 nonce)"
        );
        bytes32 structHash = keccak256(abi.encode(typehash, owner, delegate, bob, cap, deadline, node.nonces(owner)));
        return sign(key, separator, structHash);
    }

    function notClaimer(uint256 which, address caller) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotClaimer.selector, which, caller);
    }

    function capExceeded(uint256 tried, uint64 left) private view returns (bytes memory) {
        return abi.encodeWithSelector(IReleaseNode.ReleaseNode_ClaimCapExceeded.selector, alice, keeper, tried, left);
    }
}
