// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Logs} from "./Logs.sol";
import {IPaymentProcessor, IPointsToken, IProgramBooks, IPrograms, IReleaseNode, Setup} from "./Setup.sol";
import {Wallet} from "./Wallet.sol";

/// @dev `refund`, `refundWithAuthorization` and `quoteRefund`.
contract RefundTest is Setup {
    function test_ofNothing() public {
        paid(alice, fec, POINT, "1");
        refused(
            paymentOf(alice, fec, POINT, "1"),
            1,
            0,
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NothingToDo.selector, bytes32("1"))
        );
    }

    function test_T07_termsThatWereNotPaid() public {
        paid(alice, fec, POINT, "1");
        bytes memory unknown =
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_UnknownPayment.selector, SHOP, bytes32("1"));
        refused(paymentOf(alice, fec, POINT, "1"), 2, 1, unknown);
        refused(paymentOf(alice, fec, 2 * POINT, "1"), 1, 1, unknown);
        refused(paymentOf(bob, fec, POINT, "1"), 1, 1, unknown);
        refused(paymentOf(alice, fund, POINT, "1"), 1, 1, unknown);
        refused(
            paymentOf(alice, fec, POINT, "2"),
            1,
            1,
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_UnknownPayment.selector, SHOP, bytes32("2"))
        );
    }

    function test_notTheMerchant() public {
        paid(alice, fec, POINT, "1");
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        vm.expectRevert(abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NotPayout.selector, SHOP, alice));
        vm.prank(alice);
        processor.refund(payment, 1, POINT);
        // The payout address moved: the old one no longer refunds, the new one does.
        vm.prank(shop);
        processor.setPayout(SHOP, bob);
        refused(
            payment, 1, POINT, abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NotPayout.selector, SHOP, shop)
        );
        give(bob, POINT);
        vm.prank(bob);
        processor.refund(payment, 1, POINT);
        vm.assertEq(token.balanceOf(alice), POINT, "paid back");
    }

    function test_T07_exactlyWhatWasPaidAndOnePast() public {
        paid(alice, fec, POINT, "1");
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        refused(payment, 1, POINT + 1, exceeds(POINT + 1, POINT));
        accepted(payment, 1, POINT - 3);
        refused(payment, 1, 4, exceeds(4, 3));
        refused(payment, 1, type(uint64).max, exceeds(type(uint64).max, 3));
        accepted(payment, 1, 3);
        refused(payment, 1, 1, exceeds(1, 0));
    }

    function test_T06_exactlyAtTheFirstReleaseAndOneSecondBefore() public {
        uint256 id = paid(alice, fec, 2 * POINT, "1");
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, 2 * POINT, "1");
        vm.warp(unlock(fec) - 1);
        accepted(payment, 1, POINT);
        vm.warp(unlock(fec));
        bytes memory late = abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unlocked.selector, id, unlock(fec));
        refused(payment, 1, POINT, late);
        // Sold or not.
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        refused(payment, 1, POINT, late);
    }

    function test_withoutThePoints() public {
        paid(alice, fec, POINT, "1");
        vm.prank(shop);
        token.transfer(bob, 1);
        refused(
            paymentOf(alice, fec, POINT, "1"),
            1,
            POINT,
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, shop, 899_999, 900_000)
        );
    }

    function test_T19_aFrozenMerchantGivesNothingBack() public {
        paid(alice, fec, POINT, "1");
        token.freeze(shop, "stolen key");
        refused(
            paymentOf(alice, fec, POINT, "1"),
            1,
            POINT,
            abi.encodeWithSelector(
                IPointsToken.PointsToken_AccountFrozen.selector, shop, uint40(block.timestamp + 7 days)
            )
        );
    }

    function test_aWholeRefundLeavesNothingAndTheNodeCanBeMadeAgain() public {
        uint256 id = paid(alice, fec, 100 * POINT, "1");
        vm.prank(alice);
        node.approve(stranger, id);
        vm.expectEmit();
        emit IERC721.Transfer(alice, address(0), id);
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(id);
        vm.expectEmit();
        emit IERC20.Transfer(shop, alice, 90 * POINT);
        vm.expectEmit();
        emit IERC20.Transfer(address(0), alice, 10 * POINT);
        vm.expectEmit();
        emit IPaymentProcessor.Refunded(SHOP, "1", alice, fec, 1, 100 * POINT, 10 * POINT, 100 * POINT);
        accepted(paymentOf(alice, fec, 100 * POINT, "1"), 1, 100 * POINT);
        vm.assertEq(token.balanceOf(alice), 100 * POINT, "payer");
        vm.assertEq(token.balanceOf(shop), 0, "merchant");
        vm.assertEq(token.totalSupply(), 100 * POINT, "minted again");
        vm.assertEq(node.balanceOf(alice), 0, "no node");
        IProgramBooks.Books memory books = node.books(fec);
        vm.assertTrue(books.diverted == 0 && books.committed == 0 && books.released == 0, "no books");

        vm.assertEq(paid(alice, fec, 50 * POINT, "2"), id, "the same node");
        vm.assertEq(node.nodeOf(id).total, 50 * POINT, "anew");
        vm.assertEq(node.getApproved(id), address(0), "without the old approval");
    }

    function test_aPartLeavesANodeThatSaysThatItChanged() public {
        uint256 id = paid(alice, fec, 100 * POINT, "1");
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(id);
        accepted(paymentOf(alice, fec, 100 * POINT, "1"), 1, 99 * POINT);
        vm.assertEq(node.nodeOf(id).total, POINT, "what is left");
        vm.assertEq(token.nodesOf(alice), 1, "still counted");
        vm.assertEq(token.totalSupply(), 99 * POINT + POINT * 9 / 10, "supply");
    }

    /// @dev What the maker of a node did with it while it was locked ends with it.
    function test_aWholeRefundEndsCustody() public {
        uint256 id = paid(alice, fec, 100 * POINT, "1");
        vm.prank(alice);
        node.setBeneficiary(id, bob);
        accepted(paymentOf(alice, fec, 100 * POINT, "1"), 1, 100 * POINT);
        vm.assertEq(node.beneficiaryOf(id), address(0), "ended");
        paid(alice, fec, 100 * POINT, "2");
        vm.warp(unlock(fec));
        uint256 before = token.balanceOf(alice);
        uint256 released = claimOne(id);
        vm.assertEq(token.balanceOf(alice), before + released, "to the owner");
    }

    /// @dev The orders of a batch are refunded one by one, as if they had been paid so.
    function test_aPaymentOfABatchIsRefundedAsAnyOther() public {
        IPaymentProcessor.Payment[] memory payments = new IPaymentProcessor.Payment[](3);
        for (uint256 i = 0; i < 3; ++i) {
            payments[i] = paymentOf(alice, fec, 10 * POINT + 9, bytes32(i));
        }
        give(alice, 30 * POINT + 27);
        vm.prank(alice);
        processor.payBatch(payments);
        accepted(payments[1], 1, 10 * POINT + 9);
        uint256 id = node.idOf(fec, 1, alice);
        vm.assertEq(node.nodeOf(id).total, 20 * POINT, "a third less");
        accepted(payments[2], 1, 10 * POINT + 9);
        accepted(payments[0], 1, 10 * POINT + 9);
        vm.assertEq(token.balanceOf(alice), 30 * POINT + 27, "payer");
        vm.assertEq(token.balanceOf(shop), 0, "merchant");
        vm.assertEq(token.nodesOf(alice), 0, "no node");
        vm.assertEq(node.books(fec).committed, 0, "nothing owed");
    }

    function test_aFundedProgramGivesBackFromItsReserve() public {
        endow(10 * POINT);
        paid(alice, fund, 100 * POINT, "1");
        accepted(paymentOf(alice, fund, 100 * POINT, "1"), 2, 50 * POINT);
        IProgramBooks.Books memory books = node.books(fund);
        vm.assertEq(books.reserve, 15 * POINT, "reserve");
        vm.assertEq(books.committed, 10 * POINT, "committed");
        vm.assertEq(token.balanceOf(address(node)), 15 * POINT, "held");
        vm.assertEq(token.balanceOf(alice), 50 * POINT, "payer");
    }

    /// @dev 19 units divert 1; a refund of 10 takes it back, and the last 9 units find the node gone.
    function test_T02_theLastUnitsAfterTheNodeIsGone() public {
        IPrograms.Terms memory rules = fecTerms();
        (rules.minPayment, rules.periods) = (10, 1);
        uint32 program = programs.open(rules, "P", "");
        uint256 id = paid(alice, program, 19, "1");
        accepted(paymentOf(alice, program, 19, "1"), 1, 10);
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, id));
        node.nodeOf(id);
        vm.warp(EPOCH + 14 days - 1);
        accepted(paymentOf(alice, program, 19, "1"), 1, 8);
        vm.warp(EPOCH + 14 days);
        refused(
            paymentOf(alice, program, 19, "1"),
            1,
            1,
            abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unlocked.selector, id, EPOCH + 14 days)
        );
        vm.assertEq(token.balanceOf(alice), 18, "paid back");
    }

    /// @dev They come from the merchant alone: there is no Transfer of nothing.
    function test_unitsOfWhichNoneWasDiverted() public {
        paid(alice, fec, POINT + 5, "1");
        vm.recordLogs();
        vm.prank(shop);
        processor.refund(paymentOf(alice, fec, POINT + 5, "1"), 1, 5);
        vm.assertEq(Logs.count(vm.getRecordedLogs(), address(token), IERC20.Transfer.selector), 1, "one transfer");
        vm.assertTrue(token.balanceOf(alice) == 5 && token.totalSupply() == POINT * 9 / 10 + 5, "given back");
    }

    function testFuzz_T05_payAndRefundInAnyStepsNetsToZero(uint64 amount, uint64 first, uint64 second, bool funded)
        public
    {
        amount = POINT + amount % (99_999 * POINT);
        first = 1 + first % (amount - 2);
        second = 1 + second % (amount - first - 1 == 0 ? 1 : amount - first - 1);
        (uint32 program, uint24 start) = funded ? (fund, 2) : (fec, 1);
        endow(100_000 * POINT);
        uint256 supply = token.totalSupply() + amount;
        uint256 id = paid(alice, program, amount, "1");
        IPaymentProcessor.Payment memory payment = paymentOf(alice, program, amount, "1");
        accepted(payment, start, first);
        accepted(payment, start, second);
        if (amount > first + second) accepted(payment, start, amount - first - second);
        vm.assertEq(token.balanceOf(alice), amount, "payer");
        vm.assertEq(token.balanceOf(shop), 0, "merchant");
        vm.assertEq(token.totalSupply(), supply, "supply");
        vm.assertEq(node.books(program).committed, 0, "committed");
        vm.assertEq(node.books(program).diverted, 0, "diverted");
        vm.assertEq(node.books(fund).reserve, 100_000 * POINT, "reserve");
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, id));
        node.nodeOf(id);
    }

    function test_anInactiveMerchantRefundsAndAFrozenPayerReceives() public {
        paid(alice, fec, POINT, "1");
        processor.setActive(SHOP, false);
        token.freeze(alice, "lost");
        accepted(paymentOf(alice, fec, POINT, "1"), 1, POINT);
        vm.assertEq(token.balanceOf(alice), POINT, "paid back");
    }

    function test_T14_byAuthorizationOnce() public {
        paid(alice, fec, 100 * POINT, "1");
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, 100 * POINT, "1");
        (uint64 fromMerchant, uint64 diverted, uint64 total) = processor.quoteRefund(payment, 1, 30 * POINT);
        vm.assertTrue(fromMerchant == 27 * POINT && diverted == 3 * POINT && total == 30 * POINT, "quote");
        IPaymentProcessor.Authorization memory authorization = authorizedRefund(SHOP_KEY, payment, 1, 30 * POINT);
        vm.prank(stranger);
        processor.refundWithAuthorization(payment, 1, 30 * POINT, authorization);
        vm.assertEq(token.balanceOf(alice), 30 * POINT, "payer");
        vm.assertEq(token.balanceOf(shop), 63 * POINT, "merchant");
        vm.assertEq(token.balanceOf(address(processor)), 0, "the processor keeps nothing");
        // The same again has another hash, which nobody signed.
        vm.expectRevert(invalid(shop));
        processor.refundWithAuthorization(payment, 1, 30 * POINT, authorization);
    }

    /// @dev The message as EIP-712 defines it, written out: what wallets sign.
    function test_T13_theHashIsThatOfTheMessageThatAWalletShows() public {
        paid(alice, fec, 100 * POINT, "1");
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, 100 * POINT, "1");
        accepted(payment, 1, 30 * POINT);
        bytes32 typehash = keccak256(
            "Refund(uint32 merchant,uint32 program,uint64 paid,address payer,bytes32 order,uint24 start,uint64 amount,uint64 refunded,uint40 validAfter,uint40 validBefore)"
        );
        bytes32 message = keccak256(
            abi.encode(
                typehash, SHOP, fec, 100 * POINT, alice, bytes32("1"), 1, 20 * POINT, 30 * POINT, uint40(5), uint40(9)
            )
        );
        bytes32 hash = keccak256(abi.encodePacked(hex"1901", domain(), message));
        vm.assertEq(processor.refundHash(payment, 1, 20 * POINT, 5, 9), hash, "refund");
    }

    function test_T13_T14_everyTermOfItsAuthorizationIsBound() public {
        paid(alice, fec, 100 * POINT, "1");
        paid(alice, fec, 100 * POINT, "2");
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, 100 * POINT, "1");
        IPaymentProcessor.Authorization memory authorization = authorizedRefund(SHOP_KEY, payment, 1, 30 * POINT);
        vm.expectRevert(invalid(shop));
        processor.refundWithAuthorization(payment, 1, 30 * POINT + 1, authorization);
        vm.expectRevert(invalid(shop));
        processor.refundWithAuthorization(payment, 2, 30 * POINT, authorization);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_InvalidSignature.selector, bytes32("2"), shop)
        );
        processor.refundWithAuthorization(paymentOf(alice, fec, 100 * POINT, "2"), 1, 30 * POINT, authorization);
        // An authorization of the payer is none of the merchant's.
        IPaymentProcessor.Authorization memory ofAlice = authorizedRefund(ALICE_KEY, payment, 1, 30 * POINT);
        vm.expectRevert(invalid(shop));
        processor.refundWithAuthorization(payment, 1, 30 * POINT, ofAlice);
        vm.warp(authorization.validBefore);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentProcessor.PaymentProcessor_NotValidNow.selector, bytes32("1"), 0, authorization.validBefore
            )
        );
        processor.refundWithAuthorization(payment, 1, 30 * POINT, authorization);
        vm.warp(authorization.validBefore - 1);
        processor.refundWithAuthorization(payment, 1, 30 * POINT, authorization);
        vm.assertEq(token.balanceOf(alice), 30 * POINT, "paid back");
    }

    function test_T15_byAuthorizationOfAContractOrOfNobody() public {
        Wallet wallet = new Wallet(alice);
        vm.prank(shop);
        processor.setPayout(SHOP, address(wallet));
        paid(bob, fec, 100 * POINT, "1");
        IPaymentProcessor.Payment memory payment = paymentOf(bob, fec, 100 * POINT, "1");
        IPaymentProcessor.Authorization memory wrong = authorizedRefund(SHOP_KEY, payment, 1, 100 * POINT);
        vm.expectRevert(invalid(address(wallet)));
        processor.refundWithAuthorization(payment, 1, 100 * POINT, wrong);
        IPaymentProcessor.Authorization memory right = authorizedRefund(ALICE_KEY, payment, 1, 100 * POINT);
        processor.refundWithAuthorization(payment, 1, 100 * POINT, right);
        vm.assertEq(token.balanceOf(bob), 100 * POINT, "paid back");
    }

    function test_quoteOfAnUnknownPaymentOrOfTooMuch() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_UnknownPayment.selector, SHOP, bytes32("1"))
        );
        processor.quoteRefund(payment, 1, 1);
        paid(alice, fec, POINT, "1");
        vm.expectRevert(exceeds(POINT + 1, POINT));
        processor.quoteRefund(payment, 1, POINT + 1);
    }

    function accepted(IPaymentProcessor.Payment memory payment, uint24 start, uint64 amount) private {
        vm.prank(shop);
        processor.refund(payment, start, amount);
    }

    function refused(IPaymentProcessor.Payment memory payment, uint24 start, uint64 amount, bytes memory reason)
        private
    {
        vm.expectRevert(reason);
        vm.prank(shop);
        processor.refund(payment, start, amount);
    }

    function invalid(address signer) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_InvalidSignature.selector, bytes32("1"), signer);
    }

    function exceeds(uint256 tried, uint64 left) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IPaymentProcessor.PaymentProcessor_RefundExceedsPaid.selector, SHOP, bytes32("1"), tried, left
        );
    }
}
