// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IPointsToken, IReleaseNode, Setup} from "./Setup.sol";
import {Plain, Wallet} from "./Wallet.sol";

/// @dev `give`, `take` and `takeBack`: alice gives a node by a link that carries a key; whoever has the key takes it.
contract GiftTest is Setup {
    uint64 private constant FIRST = 3_831_380;
    uint64 private constant SECOND = 4_022_950;
    uint256 private constant LINK_KEY = 0x114B;
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141; // of secp256k1

    address private secret = vm.addr(LINK_KEY);
    uint256 private id;
    uint40 private expiry;

    function setUp() public override {
        super.setUp();
        id = paid(alice, fec, 10_000 * POINT, "1");
        vm.warp(unlock(fec));
        expiry = uint40(block.timestamp + 3 days);
    }

    // Reverts of give

    function test_giveAnUnknownNode() public {
        uint256 other = node.idOf(fec, 9, alice);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, other));
        node.give(other, secret, expiry);
    }

    function test_T09_onlyTheOwnerGivesWhoeverIsApproved() public {
        vm.prank(alice);
        node.approve(stranger, id);
        vm.prank(alice);
        node.setApprovalForAll(stranger, true);
        notGiven(
            stranger, secret, expiry, abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotOwner.selector, id, stranger)
        );
    }

    function test_giveExactlyAtTheFirstReleaseAndOneSecondBefore() public {
        vm.warp(block.timestamp - 1);
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_Locked.selector, id, block.timestamp + 1);
        notGiven(alice, secret, expiry, reason);
        vm.warp(block.timestamp + 1);
        give();
    }

    function test_giveTwice() public {
        give();
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_Given.selector, id);
        notGiven(alice, secret, expiry, reason);
        vm.warp(expiry + 1);
        notGiven(alice, secret, expiry + 9, reason);
        vm.assertEq(expiryOf(id), expiry, "the first stands");
    }

    function test_giveWithoutASecret() public {
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_InvalidSignature.selector, address(0));
        notGiven(alice, address(0), expiry, reason);
    }

    function test_giveUntilExactlyNowAndOneSecondLater() public {
        uint40 now_ = uint40(block.timestamp);
        notGiven(alice, secret, now_, abi.encodeWithSelector(IReleaseNode.ReleaseNode_GiftExpired.selector, id, now_));
        notGiven(alice, secret, 0, abi.encodeWithSelector(IReleaseNode.ReleaseNode_GiftExpired.selector, id, uint40(0)));
        vm.prank(alice);
        node.give(id, secret, now_ + 1);
        vm.assertEq(expiryOf(id), now_ + 1, "given");
    }

    // Reverts of take

    function test_takeWhatIsNotGiven() public {
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotGiven.selector, id);
        notTaken(bob, signed(LINK_KEY, id, bob), reason);
        uint256 other = node.idOf(fec, 9, alice);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, other));
        node.take(other, bob, "");
    }

    function test_takeExactlyAtTheExpiryAndOnePast() public {
        give();
        vm.warp(expiry + 1);
        notTaken(
            bob,
            signed(LINK_KEY, id, bob),
            abi.encodeWithSelector(IReleaseNode.ReleaseNode_GiftExpired.selector, id, expiry)
        );
        vm.warp(expiry);
        take(bob);
        vm.assertEq(node.ownerOf(id), bob, "at the expiry");
    }

    function test_takeToNobody() public {
        give();
        notTaken(
            address(0),
            signed(LINK_KEY, id, address(0)),
            abi.encodeWithSignature("ERC721InvalidReceiver(address)", address(0))
        );
    }

    /// @dev Who sees the signature on its way can but carry it out.
    function test_T14_theSignatureIsOfOneReceiver() public {
        give();
        bytes memory ofBob = signed(LINK_KEY, id, bob);
        notTaken(stranger, ofBob, badSignature());
        notTaken(alice, ofBob, badSignature());
        vm.prank(stranger);
        node.take(id, bob, ofBob);
        vm.assertEq(node.ownerOf(id), bob, "whoever sends it");
    }

    function test_T14_theSignatureIsOfOneNodeChainAndContract() public {
        give();
        uint256 other = node.idOf(fec, 2, alice);
        notTaken(bob, signed(LINK_KEY, other, bob), badSignature());
        bytes32 hash = giftHash(id, bob);
        notTaken(bob, sign(LINK_KEY, domainOf("chainpoints release node", 1, address(node)), hash), badSignature());
        notTaken(
            bob,
            sign(LINK_KEY, domainOf("chainpoints release node", block.chainid, address(token)), hash),
            badSignature()
        );
        notTaken(
            bob, sign(LINK_KEY, domainOf("chainpoints payments", block.chainid, address(node)), hash), badSignature()
        );
        bytes memory good = signed(LINK_KEY, id, bob);
        vm.chainId(4242);
        notTaken(bob, good, badSignature());
        vm.chainId(31_337);
        node.take(id, bob, good);
    }

    function test_T15_anotherKeyAndTheOwnersKey() public {
        give();
        notTaken(bob, signed(SHOP_KEY, id, bob), badSignature());
        notTaken(bob, signed(ALICE_KEY, id, bob), badSignature());
        notTaken(bob, "", badSignature());
        notTaken(bob, new bytes(65), badSignature());
    }

    function test_T15_malleableSignatures() public {
        give();
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domainOfNodes(), giftHash(id, bob)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(LINK_KEY, digest);
        bytes32 high = bytes32(ORDER - uint256(s));
        notTaken(bob, abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27)), badSignature());
        notTaken(bob, abi.encodePacked(r, s, v - 27), badSignature());
        notTaken(bob, abi.encodePacked(r, s, v, uint8(0)), badSignature());
        notTaken(bob, abi.encodePacked(r, bytes32(uint256(s) | uint256(v - 27) << 255)), badSignature());
        node.take(id, bob, abi.encodePacked(r, s, v));
    }

    function test_T14_aSignatureIsUsedOnce() public {
        give();
        bytes memory ofBob = take(bob);
        notTaken(bob, ofBob, abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotGiven.selector, id));
        // The node came back, and is given again by another link: the old one opens nothing.
        vm.prank(bob);
        node.transferFrom(bob, alice, id);
        vm.prank(alice);
        node.give(id, vm.addr(0xB), expiry);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_InvalidSignature.selector, vm.addr(0xB)));
        node.take(id, bob, ofBob);
    }

    /// @dev A key is made for one gift: whoever gives by an old link again gives to whoever knew that link.
    function test_T14_anOldLinkThatIsUsedAgainIsKnownToWhoHadIt() public {
        give();
        bytes memory ofBob = take(bob);
        vm.prank(bob);
        node.transferFrom(bob, alice, id);
        give();
        vm.prank(stranger);
        node.take(id, bob, ofBob);
        vm.assertEq(node.ownerOf(id), bob, "to no other than the old signature names");
    }

    function test_T19_aFrozenGiverUntilExactlyTheEnd() public {
        expiry = uint40(block.timestamp + 7 days);
        give();
        token.freeze(alice, "phished");
        bytes memory reason = abi.encodeWithSelector(IPointsToken.PointsToken_AccountFrozen.selector, alice, expiry);
        vm.warp(expiry - 1);
        notTaken(bob, signed(LINK_KEY, id, bob), reason);
        vm.warp(expiry);
        take(bob);
        vm.assertEq(node.ownerOf(id), bob, "then it is");
    }

    // Reverts of takeBack

    function test_takeBackExactlyAtTheExpiryAndOnePast() public {
        bytes memory none = abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotGiven.selector, id);
        vm.expectRevert(none);
        node.takeBack(id);
        give();
        vm.warp(expiry);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_GiftRuns.selector, id, expiry));
        vm.prank(alice);
        node.takeBack(id);
        vm.warp(expiry + 1);
        vm.expectEmit();
        emit IReleaseNode.TakenBack(id, alice);
        vm.prank(stranger);
        node.takeBack(id);
        (address kept, uint40 until) = node.giftOf(id);
        vm.assertTrue(kept == address(0) && until == 0, "no gift");
        vm.expectRevert(none);
        node.takeBack(id);
        notTaken(bob, signed(LINK_KEY, id, bob), none);
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
    }

    function test_takeBackAnUnknownNode() public {
        uint256 other = node.idOf(fec, 9, alice);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, other));
        node.takeBack(other);
    }

    // What is refused of a given node

    function test_aGivenNodeIsNotTransferredWhoeverIsApproved() public {
        give();
        vm.prank(alice);
        node.approve(stranger, id);
        vm.prank(alice);
        node.setApprovalForAll(bob, true);
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_Given.selector, id);
        address[3] memory callers = [alice, bob, stranger];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(reason);
            vm.prank(callers[i]);
            node.transferFrom(alice, callers[i], id);
            vm.expectRevert(reason);
            vm.prank(callers[i]);
            node.safeTransferFrom(alice, callers[i], id);
        }
        take(bob);
        vm.assertEq(node.getApproved(id), address(0), "the approval ends with the gift");
        vm.expectRevert(abi.encodeWithSignature("ERC721InsufficientApproval(address,uint256)", stranger, id));
        vm.prank(stranger);
        node.transferFrom(bob, stranger, id);
    }

    function test_aGivenNodeIsNeitherSplitNorMergedNorPutIntoCustody() public {
        uint64[] memory part = new uint64[](1);
        part[0] = 5;
        vm.prank(alice);
        uint256 piece = node.split(id, part)[0];
        give();
        bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_Given.selector, id);
        vm.expectRevert(reason);
        vm.prank(alice);
        node.split(id, part);
        vm.expectRevert(reason);
        vm.prank(alice);
        node.merge(id, one(piece));
        vm.expectRevert(reason);
        vm.prank(alice);
        node.merge(piece, one(id));
        vm.expectRevert(reason);
        vm.prank(alice);
        node.setBeneficiary(id, bob);
    }

    // What it does

    function test_giveAndTake() public {
        vm.expectEmit();
        emit IReleaseNode.Given(id, alice, secret, expiry);
        vm.recordLogs();
        give();
        vm.assertEq(vm.getRecordedLogs().length, 1, "no other event");
        (address kept, uint40 until) = node.giftOf(id);
        vm.assertTrue(kept == secret && until == expiry, "gift");
        vm.assertTrue(node.ownerOf(id) == alice && node.balanceOf(alice) == 1, "still the giver's");
        bytes memory signature = signed(LINK_KEY, id, bob);
        vm.expectEmit();
        emit IReleaseNode.Taken(id, alice, bob);
        vm.expectEmit();
        emit IReleaseNode.Claimed(id, alice, FIRST, 1);
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(id);
        vm.expectEmit();
        emit IERC721.Transfer(alice, bob, id);
        vm.prank(stranger);
        node.take(id, bob, signature);
        vm.assertTrue(node.ownerOf(id) == bob && node.balanceOf(bob) == 1 && node.balanceOf(alice) == 0, "taken");
        vm.assertEq(token.balanceOf(alice), FIRST, "giver");
        vm.assertEq(token.balanceOf(bob), 0, "taker");
        (kept, until) = node.giftOf(id);
        vm.assertTrue(kept == address(0) && until == 0, "no gift");
        vm.warp(unlock(fec) + 7 days);
        claimOne(id);
        vm.assertEq(token.balanceOf(bob), SECOND, "from then on the taker's");
    }

    function test_whatItReleasesUntilItIsTakenIsTheGivers() public {
        expiry = uint40(block.timestamp + 30 days);
        give();
        vm.prank(stranger);
        claimOne(id);
        vm.assertEq(token.balanceOf(alice), FIRST, "claimed by anyone");
        vm.warp(unlock(fec) + 7 days);
        vm.prank(alice);
        node.claimTo(one(id), stranger);
        vm.assertEq(token.balanceOf(stranger), SECOND, "directed by the giver");
        vm.warp(unlock(fec) + 14 days);
        take(bob);
        vm.assertEq(token.balanceOf(alice), FIRST + 4_224_097, "and the rest when it is taken");
        vm.assertEq(node.nodeOf(id).claimable, 0, "nothing else");
    }

    function test_aNodeInCustodyPaysTheBeneficiaryUntilItIsTaken() public {
        vm.prank(alice);
        node.setBeneficiary(id, stranger);
        expiry = uint40(block.timestamp + 30 days);
        give();
        vm.warp(unlock(fec) + 7 days);
        take(bob);
        vm.assertEq(token.balanceOf(stranger), SECOND, "beneficiary");
        vm.assertEq(node.beneficiaryOf(id), address(0), "cleared");
        vm.warp(unlock(fec) + 14 days);
        claimOne(id);
        vm.assertEq(token.balanceOf(bob), 4_224_097, "taker");
    }

    function test_aNodeInCustodyThatIsTakenBackStaysInCustody() public {
        vm.prank(alice);
        node.setBeneficiary(id, stranger);
        give();
        vm.warp(expiry + 1);
        node.takeBack(id);
        vm.assertEq(node.beneficiaryOf(id), stranger, "beneficiary");
        vm.warp(unlock(fec) + 7 days);
        claimOne(id);
        vm.assertEq(token.balanceOf(stranger), SECOND, "is paid");
    }

    /// @dev What a marketplace has read of a node is stale only where the transfer paid something of it.
    function test_nothingIsStaleWhereNothingWasPaid() public {
        claimOne(id);
        give();
        vm.recordLogs();
        take(bob);
        vm.assertEq(vm.getRecordedLogs().length, 2, "Taken and Transfer");
    }

    function test_takenToTheGiverItself() public {
        give();
        take(alice);
        vm.assertTrue(node.ownerOf(id) == alice && node.balanceOf(alice) == 1, "counted once");
        vm.assertEq(token.balanceOf(alice), FIRST, "paid");
        vm.assertEq(expiryOf(id), 0, "no gift any more");
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
    }

    function test_T11_takenToAContractThatIsAskedNothing() public {
        Plain plain = new Plain();
        give();
        take(address(plain));
        vm.assertEq(node.ownerOf(id), address(plain), "owner");
        plain.execute(address(node), abi.encodeCall(IERC721.transferFrom, (address(plain), bob, id)));
        vm.assertEq(node.ownerOf(id), bob, "and it can be sent on");
    }

    function test_T15_aSecretThatIsAContract() public {
        Wallet wallet = new Wallet(secret);
        vm.prank(alice);
        node.give(id, address(wallet), expiry);
        bytes memory bad = signed(SHOP_KEY, id, bob);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_InvalidSignature.selector, address(wallet)));
        node.take(id, bob, bad);
        take(bob);
        vm.assertEq(node.ownerOf(id), bob, "by ERC-1271");
    }

    function test_T22_aGiftWithoutAnEnd() public {
        vm.prank(alice);
        node.give(id, secret, type(uint40).max);
        vm.warp(uint256(type(uint40).max) - 1);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_GiftRuns.selector, id, type(uint40).max));
        node.takeBack(id);
        take(bob);
        vm.assertEq(token.balanceOf(alice), 10_000 * POINT, "all was released by then");
    }

    /// @dev Whoever is named and whoever calls: only the pair that the secret signed takes the node.
    function testFuzz_T14_onlyWhatTheSecretSigned(uint256 key, address to, address named, address caller) public {
        key = 1 + key % (ORDER - 1);
        vm.assume(to != address(0) && named != address(0) && to != address(token) && caller != address(0));
        give();
        bytes memory signature = signed(key, id, named);
        vm.prank(caller);
        (bool done,) = address(node).call(abi.encodeCall(IReleaseNode.take, (id, to, signature)));
        vm.assertTrue(done == (key == LINK_KEY && to == named), "only that");
        vm.assertEq(node.ownerOf(id), done ? to : alice, "owner");
    }

    function give() private {
        vm.prank(alice);
        node.give(id, secret, expiry);
    }

    function take(address to) private returns (bytes memory signature) {
        signature = signed(LINK_KEY, id, to);
        node.take(id, to, signature);
    }

    function notGiven(address caller, address key, uint40 until, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(caller);
        node.give(id, key, until);
    }

    function notTaken(address to, bytes memory signature, bytes memory reason) private {
        vm.expectRevert(reason);
        node.take(id, to, signature);
    }

    function expiryOf(uint256 which) private view returns (uint40 until) {
        (, until) = node.giftOf(which);
    }

    function badSignature() private view returns (bytes memory) {
        return abi.encodeWithSelector(IReleaseNode.ReleaseNode_InvalidSignature.selector, secret);
    }

    function signed(uint256 key, uint256 which, address to) private view returns (bytes memory) {
        return sign(key, domainOfNodes(), giftHash(which, to));
    }

    function giftHash(uint256 which, address to) private pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("Gift(uint256 id,address to)"), which, to));
    }

    function domainOfNodes() private view returns (bytes32) {
        return domainOf("chainpoints release node", block.chainid, address(node));
    }

    function domainOf(string memory name, uint256 chain, address place) private pure returns (bytes32) {
        bytes32 typehash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        return keccak256(abi.encode(typehash, keccak256(bytes(name)), keccak256("1"), chain, place));
    }
}
