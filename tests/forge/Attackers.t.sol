// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IMerchantRegistry, IPaymentProcessor, IPointsToken, IReleaseNode, Setup} from "./Setup.sol";
import {Plain} from "./Wallet.sol";

/// @dev Makes the calls that it was loaded with, whenever it is called in any way, and counts which of them went
/// through.
contract Trap is Plain {
    address[] private _targets;
    bytes[] private _calls;
    uint256 public sprung;
    uint256 public done;

    function load(address target, bytes calldata data) external {
        _targets.push(target);
        _calls.push(data);
    }

    function onERC721Received(address, address, uint256, bytes calldata) external returns (bytes4) {
        _spring();
        return this.onERC721Received.selector;
    }

    fallback() external {
        _spring();
    }

    function _spring() private {
        ++sprung;
        for (uint256 i = 0; i < _targets.length; ++i) {
            (bool went,) = _targets[i].call(_calls[i]);
            if (went) done |= 1 << i;
        }
    }
}

/// @dev A signer of ERC-1271 that answers whatever it likes.
contract FickleSigner is Plain {
    enum Answer {
        Yes,
        No,
        Nothing,
        Short,
        OtherBits,
        Revert,
        BurnGas,
        Call
    }

    Answer private _answer;
    address private _target;
    bytes private _call;

    function set(Answer answer, address target, bytes calldata data) external {
        (_answer, _target, _call) = (answer, target, data);
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        Answer answer = _answer;
        if (answer == Answer.Nothing) assembly { return(0, 0) }
        if (answer == Answer.Revert) revert("no");
        if (answer == Answer.BurnGas) while (true) {}
        bytes32 word = bytes32(this.isValidSignature.selector);
        if (answer == Answer.No) word = 0;
        if (answer == Answer.OtherBits) word |= bytes32(uint256(1));
        if (answer == Answer.Call) {
            (bool went,) = _target.call(_call);
            if (went) word = 0;
        }
        uint256 size = answer == Answer.Short ? 31 : 32;
        assembly {
            mstore(0, word)
            return(0, size)
        }
    }
}

/// @dev Contracts and people that try to get what is not theirs. None of them gains a unit.
contract AttackersTest is Setup {
    uint64 private constant FIRST = 3_831_380;
    uint64 private constant SECOND = 4_022_950;

    uint256 private id;

    function setUp() public override {
        super.setUp();
        id = paid(alice, fec, 10_000 * POINT, "1");
    }

    // A receiver that calls back

    function test_T10_aReceiverThatTriesEverything() public {
        Trap thief = new Trap();
        uint256 other = paid(alice, fec, 10_000 * POINT, "2"); // tops the same node up
        vm.assertEq(other, id, "one node");
        uint256 bobs = paid(bob, fec, 10_000 * POINT, "3");
        vm.prank(alice);
        node.setApprovalForAll(address(thief), true);
        vm.warp(unlock(fec));
        uint64[] memory part = new uint64[](1);
        part[0] = 5;
        thief.load(address(node), abi.encodeCall(IReleaseNode.claim, (one(id))));
        thief.load(address(node), abi.encodeCall(IReleaseNode.claimTo, (one(id), address(thief))));
        thief.load(address(node), abi.encodeCall(IReleaseNode.claimTo, (one(bobs), address(thief))));
        thief.load(address(node), abi.encodeCall(IReleaseNode.split, (bobs, part)));
        thief.load(address(node), abi.encodeCall(IReleaseNode.merge, (id, one(bobs))));
        thief.load(address(node), abi.encodeCall(IReleaseNode.setBeneficiary, (bobs, address(thief))));
        thief.load(address(node), abi.encodeCall(IERC721.transferFrom, (alice, address(thief), id)));
        thief.load(
            address(processor),
            abi.encodeCall(IPaymentProcessor.refund, (paymentOf(alice, fec, 10_000 * POINT, "1"), 1, POINT))
        );
        uint256 committed = node.books(fec).committed;
        vm.prank(alice);
        node.safeTransferFrom(alice, address(thief), id);
        vm.assertTrue(thief.sprung() == 1 && thief.done() == 0, "called once, and every call refused");
        vm.assertEq(token.balanceOf(address(thief)), 0, "thief");
        vm.assertEq(token.balanceOf(alice), 7_662_761, "seller");
        vm.assertEq(node.books(fec).committed, committed - 7_662_761, "committed");
        vm.assertTrue(node.balanceOf(address(thief)) == 1 && node.balanceOf(alice) == 0, "nodes");
    }

    /// @dev It splits, gives and merges what it was just handed: that is its own, and adds up.
    function test_T10_aReceiverThatTakesTheNodeApartWhileItReceivesIt() public {
        Trap thief = new Trap();
        vm.warp(unlock(fec));
        uint64[] memory part = new uint64[](1);
        part[0] = 4000 * POINT;
        uint256 piece = id | uint256(2) << 160;
        thief.load(address(node), abi.encodeCall(IReleaseNode.split, (id, part)));
        thief.load(address(node), abi.encodeCall(IReleaseNode.merge, (piece, one(id))));
        thief.load(address(node), abi.encodeCall(IERC721.transferFrom, (address(thief), stranger, piece)));
        vm.prank(alice);
        node.safeTransferFrom(alice, address(thief), id);
        vm.assertEq(thief.done(), 7, "all three");
        vm.assertEq(node.nodeOf(piece).total, 10_000 * POINT, "total");
        vm.assertEq(node.nodeOf(piece).claimed, FIRST, "what the seller was paid");
        vm.assertEq(token.balanceOf(address(thief)) + token.balanceOf(stranger), 0, "nothing");
        vm.assertTrue(node.balanceOf(address(thief)) == 0 && node.balanceOf(stranger) == 1, "nodes");
        vm.assertEq(node.books(fec).committed, 10_000 * POINT - FIRST, "committed");
    }

    // Contracts that are paid

    function test_T10_nobodyThatIsPaidIsCalled() public {
        Trap trap = new Trap();
        vm.prank(shop);
        processor.setPayout(SHOP, address(trap));
        uint256 other = paid(address(trap), fec, POINT, "2");
        trap.execute(address(node), abi.encodeCall(IReleaseNode.setBeneficiary, (other, address(trap))));
        vm.prank(alice);
        node.setBeneficiary(id, address(trap));
        token.setPersonLimit(1000 * POINT);
        processor.issue(issueOf(address(trap), POINT, POINT, "3"));
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.give(id, vm.addr(5), type(uint40).max);
        claimOne(id);
        vm.prank(alice);
        node.approveClaim(address(trap), address(trap), 1, 1);
        vm.assertEq(trap.sprung(), 0, "never");
        vm.assertEq(token.balanceOf(address(trap)), 900_000 + POINT + FIRST, "paid all the same");
    }

    // Signers of ERC-1271

    function test_T15_aSignerThatAnswersGarbage() public {
        FickleSigner signer = new FickleSigner();
        give(address(signer), 10 * POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(address(signer), fec, POINT, "2");
        bytes memory reason = abi.encodeWithSelector(
            IPaymentProcessor.PaymentProcessor_InvalidSignature.selector, bytes32("2"), address(signer)
        );
        for (uint256 i = 1; i < 6; ++i) {
            signer.set(FickleSigner.Answer(i), address(0), "");
            notPaid(payment, reason);
        }
        signer.set(FickleSigner.Answer.Yes, address(0), "");
        processor.payWithAuthorization(payment, IPaymentProcessor.Authorization(0, type(uint40).max, ""));
        vm.assertEq(token.balanceOf(address(signer)), 9 * POINT, "its own points, by its own word");
    }

    function test_T10_aSignerThatBurnsAllGasAndOneThatCalls() public {
        FickleSigner signer = new FickleSigner();
        give(address(signer), 10 * POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(address(signer), fec, POINT, "2");
        IPaymentProcessor.Authorization memory authorization = IPaymentProcessor.Authorization(0, type(uint40).max, "");
        signer.set(FickleSigner.Answer.BurnGas, address(0), "");
        (bool went,) = address(processor).call{gas: 1_000_000}(
            abi.encodeCall(IPaymentProcessor.payWithAuthorization, (payment, authorization))
        );
        vm.assertTrue(!went, "refused, for want of gas or of a signature");
        // A call that changes anything fails within the question: it is asked by STATICCALL.
        bytes memory again = abi.encodeCall(IPaymentProcessor.payWithAuthorization, (payment, authorization));
        signer.set(FickleSigner.Answer.Call, address(processor), abi.encodeCall(IPointsToken.cancelPayments, ()));
        processor.payWithAuthorization{gas: 30_000_000}(payment, authorization);
        (went,) = address(processor).call{gas: 30_000_000}(again);
        vm.assertTrue(!went, "once");
        signer.set(FickleSigner.Answer.Call, address(token), abi.encodeCall(IPointsToken.cancelPayments, ()));
        processor.payWithAuthorization{gas: 30_000_000}(paymentOf(address(signer), fec, POINT, "3"), authorization);
        vm.assertEq(token.paymentsCancelledAt(address(signer)), 0, "nothing was changed within");
        vm.assertEq(token.balanceOf(address(signer)), 8 * POINT, "two payments");
    }

    function test_T15_nobodySignsForAnAddressWithoutAKey() public {
        address[4] memory payers = [address(0), address(1), address(4), address(node)];
        for (uint256 i = 0; i < 4; ++i) {
            IPaymentProcessor.Payment memory payment = paymentOf(payers[i], fec, POINT, "2");
            notPaid(
                payment,
                abi.encodeWithSelector(
                    IPaymentProcessor.PaymentProcessor_InvalidSignature.selector, bytes32("2"), payers[i]
                )
            );
        }
    }

    // A merchant that pays itself

    function test_T04_aMerchantThatPaysItselfIsBoundByTheCaps() public {
        give(shop, 1_000_000 * POINT);
        vm.prank(shop);
        processor.pay(paymentOf(shop, fec, 1_000_000 * POINT, "2"));
        vm.assertEq(token.balanceOf(shop), 900_000 * POINT + 9000 * POINT, "a tenth is gone");
        uint256 its = node.idOf(fec, 1, shop);
        vm.assertEq(node.nodeOf(its).total, 1_000_000 * POINT, "and promised ten times");
        IPaymentProcessor.Payment memory payment = paymentOf(shop, fec, 10 * POINT, "3");
        vm.expectRevert(
            abi.encodeWithSignature(
                "Programs_PayerPeriodCapExceeded(uint32,address,uint256,uint64)",
                fec,
                shop,
                1_000_010 * POINT,
                1_000_000 * POINT
            )
        );
        vm.prank(shop);
        processor.pay(payment);
    }

    function test_T05_payingOneselfAndRefundingLeavesAllAsItWas() public {
        give(shop, 1000 * POINT);
        uint256 before = token.balanceOf(shop);
        uint256 supply = token.totalSupply();
        bytes32 books = keccak256(abi.encode(node.books(fec)));
        for (uint256 i = 0; i < 5; ++i) {
            IPaymentProcessor.Payment memory payment = paymentOf(shop, fec, 777_777_777, bytes32(i + 2));
            vm.prank(shop);
            processor.pay(payment);
            vm.prank(shop);
            processor.refund(payment, 1, 333_333_333);
            vm.prank(shop);
            processor.refund(payment, 1, 777_777_777 - 333_333_333);
        }
        vm.assertEq(token.balanceOf(shop), before, "points");
        vm.assertEq(token.totalSupply(), supply, "supply");
        vm.assertEq(keccak256(abi.encode(node.books(fec))), books, "books");
        vm.assertEq(node.balanceOf(shop), 0, "nodes");
    }

    /// @dev In one batch: the payout address is a payer, and payers come again after others.
    function test_T16_aBatchInWhichPayersComeAgainAndThePayoutPays() public {
        uint256 shopBefore = token.balanceOf(shop);
        address[5] memory payers = [alice, shop, alice, shop, shop];
        IPaymentProcessor.Payment[] memory payments = new IPaymentProcessor.Payment[](5);
        IPaymentProcessor.Authorization[] memory authorizations = new IPaymentProcessor.Authorization[](5);
        give(alice, 3 * POINT);
        give(shop, 12 * POINT);
        vm.warp(EPOCH + 8 days);
        uint256 sum;
        for (uint256 i = 0; i < 5; ++i) {
            payments[i] = paymentOf(payers[i], fec, uint64(i + 1) * POINT, bytes32(i + 2));
            if (payers[i] == alice) payments[i].amount = POINT;
            authorizations[i] = authorized(payers[i] == alice ? ALICE_KEY : SHOP_KEY, payments[i]);
            sum += payments[i].amount;
        }
        processor.payBatchWithAuthorization(payments, authorizations);
        vm.assertEq(token.balanceOf(alice), POINT, "alice paid two");
        vm.assertEq(token.balanceOf(shop), shopBefore + 12 * POINT - 11 * POINT + sum * 9 / 10, "shop");
        vm.assertEq(node.nodeOf(node.idOf(fec, 2, alice)).total, 2 * POINT, "alice's node");
        vm.assertEq(node.nodeOf(node.idOf(fec, 2, shop)).total, 11 * POINT, "the shop's");
        vm.assertEq(node.balanceOf(alice), 2, "each node counted once");
        vm.assertEq(node.balanceOf(shop), 1, "each node counted once");
    }

    /// @dev What a payer has when its turn comes is all that it can pay with: what the batch pays it comes after.
    function test_T16_aPayoutThatPaysWithWhatTheBatchWillPayIt() public {
        address poor = vm.addr(77);
        vm.prank(shop);
        processor.setPayout(SHOP, poor);
        IPaymentProcessor.Payment[] memory payments = new IPaymentProcessor.Payment[](2);
        IPaymentProcessor.Authorization[] memory authorizations = new IPaymentProcessor.Authorization[](2);
        give(alice, 2 * POINT);
        payments[0] = paymentOf(alice, fec, 2 * POINT, "2");
        payments[1] = paymentOf(poor, fec, POINT, "3");
        authorizations[0] = authorized(ALICE_KEY, payments[0]);
        authorizations[1] = authorized(77, payments[1]);
        vm.expectRevert(abi.encodeWithSignature("ERC20InsufficientBalance(address,uint256,uint256)", poor, 0, POINT));
        processor.payBatchWithAuthorization(payments, authorizations);
    }

    /// @dev A payout address that nobody holds the key of: refunds would come out of the reserves of all programs.
    function test_T07_refundsOutOfTheReserves() public {
        endow(1000 * POINT);
        vm.prank(shop);
        processor.setPayout(SHOP, address(node));
        give(alice, 100 * POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, 100 * POINT, "2");
        vm.prank(alice);
        processor.pay(payment);
        vm.expectRevert(abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NotPayout.selector, SHOP, shop));
        vm.prank(shop);
        processor.refund(payment, 1, 100 * POINT);
        IPaymentProcessor.Authorization memory authorization = authorizedRefund(SHOP_KEY, payment, 1, 100 * POINT);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentProcessor.PaymentProcessor_InvalidSignature.selector, bytes32("2"), address(node)
            )
        );
        processor.refundWithAuthorization(payment, 1, 100 * POINT, authorization);
        vm.expectRevert(abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_NotPayout.selector, SHOP, shop));
        vm.prank(shop);
        processor.setPayout(SHOP, shop);
        vm.assertEq(node.books(fund).reserve, 1000 * POINT, "reserve");
    }

    // An operator, a delegate, a beneficiary

    /// @dev Whatever an operator for all calls: what was released is the owner's, and the node goes where it is sent.
    function testFuzz_T09_anOperatorForAll(uint8 which, uint8 weeks_) public {
        vm.prank(alice);
        node.setApprovalForAll(stranger, true);
        vm.warp(unlock(fec) + uint256(weeks_ % 100) * 7 days);
        uint64[] memory part = new uint64[](1);
        part[0] = 5;
        bytes[9] memory calls = [
            abi.encodeCall(IReleaseNode.claimTo, (one(id), stranger)),
            abi.encodeCall(IReleaseNode.split, (id, part)),
            abi.encodeCall(IReleaseNode.merge, (id, one(id))),
            abi.encodeCall(IReleaseNode.give, (id, stranger, type(uint40).max)),
            abi.encodeCall(IReleaseNode.setBeneficiary, (id, stranger)),
            abi.encodeCall(IReleaseNode.take, (id, stranger, "")),
            abi.encodeCall(IReleaseNode.takeBack, (id)),
            abi.encodeCall(IReleaseNode.claim, (one(id))),
            abi.encodeCall(IERC721.transferFrom, (alice, stranger, id))
        ];
        uint64 claimable = node.nodeOf(id).claimable;
        vm.prank(stranger);
        (bool went,) = address(node).call(calls[which % 9]);
        vm.assertTrue(went == (which % 9 > 6), "only what anyone, or an operator, may");
        vm.assertEq(token.balanceOf(stranger), 0, "the operator");
        vm.assertEq(token.balanceOf(alice), went ? claimable : 0, "the owner");
    }

    /// @dev Whoever puts a batch together, of nodes of two programs, three owners and three receivers, in any order:
    /// each is paid exactly what its own nodes owe it.
    function testFuzz_T09_aBatchInAnyOrderPaysEachItsOwn(uint256 seed) public {
        endow(100_000 * POINT);
        address[3] memory people = [alice, bob, stranger];
        uint256[] memory ids = new uint256[](12);
        uint256 count;
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 j = 0; j < 2; ++j) {
                uint32 program = j == 0 ? fec : fund;
                uint256 made = paid(people[i], program, 100 * POINT, bytes32(100 + 2 * i + j));
                ids[count++] = made;
            }
        }
        vm.warp(unlock(fec));
        for (uint256 i = 0; i < 6; ++i) {
            uint64[] memory part = new uint64[](1);
            part[0] = uint64(1 + (seed >> i) % POINT);
            vm.prank(node.ownerOf(ids[i]));
            ids[count++] = node.split(ids[i], part)[0];
        }
        for (uint256 i = 0; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 named = seed % 6;
            if (named < 3) {
                vm.prank(node.ownerOf(ids[i]));
                node.setBeneficiary(ids[i], people[named]);
            }
            uint256 place = i + (seed >> 128) % (12 - i);
            (ids[i], ids[place]) = (ids[place], ids[i]);
        }
        vm.warp(unlock(fec) + 7 days);
        uint256[3] memory owed;
        uint256 left;
        for (uint256 i = 0; i < 12; ++i) {
            IReleaseNode.Node memory state = node.nodeOf(ids[i]);
            if (state.claimable == 0) continue;
            address to = node.beneficiaryOf(ids[i]);
            if (to == address(0)) to = state.owner;
            owed[to == alice ? 0 : to == bob ? 1 : 2] += state.claimable;
            ids[left++] = ids[i];
        }
        assembly {
            mstore(ids, left)
        }
        uint256[3] memory before = [token.balanceOf(alice), token.balanceOf(bob), token.balanceOf(stranger)];
        vm.prank(people[seed % 3]);
        vm.assertEq(node.claim(ids), owed[0] + owed[1] + owed[2], "all");
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(token.balanceOf(people[i]) - before[i], owed[i], "each its own");
        }
    }

    function test_T09_aDelegateOfOneOwnerInABatchWithAnothers() public {
        uint256 bobs = paid(bob, fec, 10_000 * POINT, "2");
        vm.prank(alice);
        node.approveClaim(stranger, stranger, FIRST, type(uint40).max);
        vm.warp(unlock(fec));
        uint256[] memory ids = new uint256[](2);
        (ids[0], ids[1]) = (id, bobs);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_NotClaimer.selector, bobs, stranger));
        vm.prank(stranger);
        node.claimTo(ids, stranger);
        vm.prank(bob);
        node.approveClaim(stranger, stranger, FIRST - 1, type(uint40).max);
        vm.expectRevert(
            abi.encodeWithSelector(IReleaseNode.ReleaseNode_ClaimCapExceeded.selector, bob, stranger, FIRST, FIRST - 1)
        );
        vm.prank(stranger);
        node.claimTo(ids, stranger);
        vm.assertEq(token.balanceOf(stranger), 0, "nothing");
    }

    /// @dev A batch begins with no run, whatever it begins with: an id of no program, and nodes of the contracts
    /// themselves.
    function test_T09_idsOfNoProgramAndNodesOfTheContracts() public {
        vm.warp(unlock(fec));
        uint256 ofNone = uint256(1) << 200 | uint160(alice);
        uint256 unknown = uint256(99) << 224 | uint256(1) << 200 | uint160(alice);
        uint256[3] memory none = [uint256(0), ofNone, unknown];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory reason = abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, none[i]);
            vm.expectRevert(reason);
            claimOne(none[i]);
            uint256[] memory ids = new uint256[](2);
            (ids[0], ids[1]) = (id, none[i]);
            vm.expectRevert(reason);
            node.claim(ids);
            vm.expectRevert(reason);
            node.nodeOf(none[i]);
            vm.expectRevert(reason);
            node.takeBack(none[i]);
            vm.expectRevert(reason);
            node.tokenURI(none[i]);
        }
        vm.prank(alice);
        node.transferFrom(alice, address(node), id);
        vm.warp(unlock(fec) + 7 days);
        vm.assertEq(claimOne(id), SECOND, "a node of the nodes' contract is paid to it");
        vm.assertEq(token.balanceOf(address(node)), SECOND, "and to nobody else");
    }

    // Words with bits where none belong

    function test_T16_dirtyBitsInABatch() public {
        give(alice, 10 * POINT);
        IPaymentProcessor.Payment[] memory payments = new IPaymentProcessor.Payment[](1);
        payments[0] = paymentOf(alice, fec, POINT, "2");
        bytes memory data = abi.encodeCall(IPaymentProcessor.payBatch, (payments));
        for (uint256 field = 0; field < 4; ++field) {
            bytes memory dirty = bytes.concat(data);
            // selector, offset, length, then five words: the highest byte of each but the order's
            dirty[4 + 64 + 32 * field] = 0x01;
            vm.prank(alice);
            (bool went, bytes memory answer) = address(processor).call(dirty);
            vm.assertTrue(!went && answer.length == 0, "refused by the decoder");
        }
        vm.prank(alice);
        (bool clean,) = address(processor).call(data);
        vm.assertTrue(clean, "as it should be");
    }

    function notPaid(IPaymentProcessor.Payment memory payment, bytes memory reason) private {
        vm.expectRevert(reason);
        processor.payWithAuthorization(payment, IPaymentProcessor.Authorization(0, type(uint40).max, ""));
    }
}
