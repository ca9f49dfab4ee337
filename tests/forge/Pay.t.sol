// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IMerchantRegistry, IPaymentProcessor, IPointsToken, IPrograms, IReleaseNode, Setup, Vm} from "./Setup.sol";
import {Plain, Wallet} from "./Wallet.sol";

/// @dev `pay` and `payBatch`.
contract PayTest is Setup {
    function test_payerIsNotTheCaller() public {
        vm.expectRevert(abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NotPayer.selector, alice, stranger));
        vm.prank(stranger);
        processor.pay(paymentOf(alice, fec, POINT, "1"));
    }

    function test_unknownProgram() public {
        refused(paymentOf(alice, 9, POINT, "1"), abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, 9));
    }

    function test_beforeTheEpochAndExactlyAtIt() public {
        give(alice, 10 * POINT);
        vm.warp(EPOCH - 1);
        refused(
            paymentOf(alice, fec, POINT, "1"),
            abi.encodeWithSelector(IPrograms.Programs_NotStarted.selector, fec, EPOCH)
        );
        vm.warp(EPOCH);
        accepted(paymentOf(alice, fec, POINT, "1"));
    }

    function test_T02_oneBelowTheMinimumAndExactlyTheMinimum() public {
        give(alice, 10 * POINT);
        refused(
            paymentOf(alice, fec, POINT - 1, "1"),
            abi.encodeWithSelector(IPrograms.Programs_BelowMinimum.selector, fec, POINT - 1, POINT)
        );
        refused(
            paymentOf(alice, fec, 0, "1"),
            abi.encodeWithSelector(IPrograms.Programs_BelowMinimum.selector, fec, 0, POINT)
        );
        accepted(paymentOf(alice, fec, POINT, "1"));
    }

    function test_T02_theSmallestPossiblePaymentMakesANodeOfAtLeastAUnit() public {
        IPrograms.Terms memory rules = fecTerms();
        rules.minPayment = 10;
        rules.periods = 1;
        uint32 program = programs.open(rules, "");
        uint256 id = paid(alice, program, 10, "1");
        vm.assertEq(node.nodeOf(id).total, 10, "one unit, times ten");
    }

    function test_T14_anOrderIsPaidOnceEvenAfterItsRefund() public {
        uint256 id = paid(alice, fec, 20 * POINT, "1");
        give(alice, 40 * POINT);
        bytes memory reason =
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_AlreadyPaid.selector, SHOP, bytes32("1"));
        refused(paymentOf(alice, fec, 20 * POINT, "1"), reason);
        refused(paymentOf(alice, fund, 5 * POINT, "1"), reason);
        vm.prank(shop);
        processor.refund(paymentOf(alice, fec, 20 * POINT, "1"), 1, 20 * POINT);
        vm.expectRevert(abi.encodeWithSelector(0xceea21b6));
        node.ownerOf(id);
        refused(paymentOf(alice, fec, 20 * POINT, "1"), reason);
    }

    function test_T16_theSameReferenceAtTwoMerchantsIsTwoOrders() public {
        registry.register(8, bob, "Other", DAY_LIMIT, DAY_LIMIT);
        paid(alice, fec, POINT, "1");
        give(alice, POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        payment.merchant = 8;
        accepted(payment);
        (bytes24 first,,) = processor.orderOf(SHOP, "1");
        (bytes24 second,,) = processor.orderOf(8, "1");
        vm.assertTrue(first != 0 && second != 0 && first != second, "two commitments");
        vm.assertEq(token.balanceOf(bob), 900_000, "to the other merchant");
    }

    function test_unknownAndInactiveMerchant() public {
        give(alice, 10 * POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        payment.merchant = 8;
        refused(payment, abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Unknown.selector, 8));
        registry.setActive(SHOP, false);
        payment.merchant = SHOP;
        refused(payment, abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Inactive.selector, SHOP));
        registry.setActive(SHOP, true);
        accepted(payment);
    }

    function test_T18_paidPerDayExactlyAndOnePastAndAtMidnight() public {
        registry.setLimits(SHOP, 5 * POINT, 0);
        give(alice, 20 * POINT);
        vm.warp(EPOCH + 2 days - 1);
        refused(
            paymentOf(alice, fec, 5 * POINT + 1, "1"),
            abi.encodeWithSelector(
                IMerchantRegistry.MerchantRegistry_PaidPerDayExceeded.selector, SHOP, 5 * POINT + 1, 5 * POINT
            )
        );
        accepted(paymentOf(alice, fec, 5 * POINT, "1"));
        refused(
            paymentOf(alice, fec, POINT, "2"),
            abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_PaidPerDayExceeded.selector, SHOP, POINT, 0)
        );
        vm.warp(EPOCH + 2 days);
        accepted(paymentOf(alice, fec, 4 * POINT, "2"));
        registry.setLimits(SHOP, 3 * POINT, 0);
        refused(
            paymentOf(alice, fec, POINT, "3"),
            abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_PaidPerDayExceeded.selector, SHOP, POINT, 0)
        );
        vm.assertEq(registry.merchantOf(SHOP).paidToday, 4 * POINT, "more than the lower limit");
        // What was paid before counts against a limit that is raised again.
        registry.setLimits(SHOP, 6 * POINT, 0);
        refused(
            paymentOf(alice, fec, 2 * POINT + 1, "3"),
            abi.encodeWithSelector(
                IMerchantRegistry.MerchantRegistry_PaidPerDayExceeded.selector, SHOP, 2 * POINT + 1, 2 * POINT
            )
        );
        accepted(paymentOf(alice, fec, 2 * POINT, "3"));
        vm.assertEq(registry.merchantOf(SHOP).paidToday, 6 * POINT, "all of it");
    }

    function test_T03_programCapExactlyAndOnePast() public {
        IPrograms.Terms memory rules = fecTerms();
        (rules.cap, rules.payerPeriodCap, rules.periods, rules.minPayment) = (1000, 1000, 1, 10);
        uint32 program = programs.open(rules, "");
        give(alice, 10_000);
        // One payment whose node alone passes the cap, and two that pass it together.
        refused(
            paymentOf(alice, program, 1010, "1"),
            abi.encodeWithSelector(IPrograms.Programs_CapExceeded.selector, program, 1010, 1000)
        );
        accepted(paymentOf(alice, program, 990, "1"));
        refused(
            paymentOf(alice, program, 20, "2"),
            abi.encodeWithSelector(IPrograms.Programs_CapExceeded.selector, program, 1010, 1000)
        );
        accepted(paymentOf(alice, program, 10, "2"));
        vm.assertEq(programs.books(program).committed, 1000, "exactly the cap");
        // What a refund undid can be promised again.
        vm.prank(shop);
        processor.refund(paymentOf(alice, program, 990, "1"), 1, 10);
        accepted(paymentOf(alice, program, 10, "again"));
        // What was released still counts.
        vm.warp(EPOCH + 14 days);
        claimOne(node.idOf(program, 1, alice));
        refused(
            paymentOf(alice, program, 10, "3"),
            abi.encodeWithSelector(IPrograms.Programs_CapExceeded.selector, program, 1010, 1000)
        );
    }

    function test_T03_aNodeOfMoreThan64BitsIsRefused() public {
        IPrograms.Terms memory rules = fecTerms();
        (rules.multiplier, rules.divertBps, rules.periods) = (type(uint16).max, 10_000, 1);
        uint32 program = programs.open(rules, "");
        uint64 amount = 300_000_000 * POINT;
        refused(
            paymentOf(alice, program, amount, "1"),
            abi.encodeWithSelector(
                IPrograms.Programs_CapExceeded.selector, program, uint256(amount) * type(uint16).max, rules.cap
            )
        );
    }

    /// @dev All that can be issued was, and EMISSION programs promise all that they may: nothing fails for the supply.
    function test_T03_paymentsRefundsAndReleasesFitTheSupplyCapWhateverWasIssued() public {
        IPrograms.Terms memory rules = fecTerms();
        (rules.cap, rules.payerPeriodCap, rules.periods) = (4 * POINT, 4 * POINT, 1);
        uint32 program = programs.open(rules, "");
        uint64 cap = uint64(token.SUPPLY_CAP());
        give(alice, cap - token.setApart());
        accepted(paymentOf(alice, program, 4 * POINT, "1"));
        vm.prank(shop);
        processor.refund(paymentOf(alice, program, 4 * POINT, "1"), 1, POINT);
        accepted(paymentOf(alice, program, POINT, "2"));
        vm.warp(EPOCH + 14 days);
        vm.assertEq(claimOne(node.idOf(program, 1, alice)), 4 * POINT, "all that was promised");
        vm.assertEq(token.totalSupply(), cap - token.setApart() - 400_000 + 4 * POINT, "within the cap");
        // What payments burned is not there to be issued again.
        vm.expectRevert(
            abi.encodeWithSelector(IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(cap) + 1, cap)
        );
        processor.issue(issueOf(bob, 1, 0, "1"));
    }

    function test_T04_payerPeriodCapExactlyAndOnePast() public {
        IPrograms.Terms memory rules = fecTerms();
        (rules.payerPeriodCap, rules.periods) = (10 * POINT, 1);
        uint32 program = programs.open(rules, "");
        give(alice, 30 * POINT);
        give(bob, 30 * POINT);
        accepted(paymentOf(alice, program, 8 * POINT, "1"));
        refused(
            paymentOf(alice, program, 2 * POINT + 10, "2"),
            abi.encodeWithSelector(
                IPrograms.Programs_PayerPeriodCapExceeded.selector, program, alice, 10 * POINT + 10, 10 * POINT
            )
        );
        accepted(paymentOf(alice, program, 2 * POINT, "2"));
        accepted(paymentOf(bob, program, 10 * POINT, "3"));
        vm.warp(EPOCH + 7 days);
        accepted(paymentOf(alice, program, 10 * POINT, "4"));
    }

    function test_T03_reserveExactlyAndOnePast() public {
        // A node of 2 takes 1 out of the reserve besides what is diverted.
        endow(POINT - 1);
        give(alice, 20 * POINT);
        refused(
            paymentOf(alice, fund, 10 * POINT, "1"),
            abi.encodeWithSelector(IPrograms.Programs_ReserveTooSmall.selector, fund, 2 * POINT, 2 * POINT - 1)
        );
        endow(1);
        accepted(paymentOf(alice, fund, 10 * POINT, "1"));
        IPrograms.Books memory books = programs.books(fund);
        vm.assertEq(books.reserve, books.committed, "exactly covered");
        vm.assertEq(token.balanceOf(address(programs)), books.reserve, "held");
    }

    function test_balanceExactlyAndOneShort() public {
        give(alice, 10 * POINT - 1);
        refused(
            paymentOf(alice, fec, 10 * POINT, "1"),
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, alice, 10 * POINT - 1, 10 * POINT)
        );
        give(alice, 1);
        accepted(paymentOf(alice, fec, 10 * POINT, "1"));
        vm.assertEq(token.balanceOf(alice), 0, "all");
    }

    /// @dev So there is no permit whose use by another could stop a payment.
    function test_T12_aPaymentNeedsNoAllowanceAndUsesNone() public {
        give(alice, 2 * POINT);
        accepted(paymentOf(alice, fec, POINT, "1"));
        vm.prank(alice);
        token.approve(address(processor), 5);
        accepted(paymentOf(alice, fec, POINT, "2"));
        vm.assertEq(token.allowance(alice, address(processor)), 5, "as it was");
    }

    function test_aPayoutAddressThatIsTheTokenIsPaidNothing() public {
        registry.register(8, address(token), "Lost", DAY_LIMIT, DAY_LIMIT);
        give(alice, POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        payment.merchant = 8;
        refused(payment, abi.encodeWithSelector(IPointsToken.PointsToken_SentToToken.selector));
    }

    function test_T19_aFrozenPayerCannotPay() public {
        give(alice, POINT);
        token.freeze(alice, "stolen phone");
        refused(
            paymentOf(alice, fec, POINT, "1"),
            abi.encodeWithSelector(
                IPointsToken.PointsToken_AccountFrozen.selector, alice, uint40(block.timestamp + 7 days)
            )
        );
    }

    function test_aPaymentSplitsAndMakesANode() public {
        give(alice, 100 * POINT);
        vm.expectEmit();
        emit IPaymentProcessor.Paid(SHOP, "1", alice, fec, 1, 100 * POINT, 10 * POINT, 100 * POINT);
        accepted(paymentOf(alice, fec, 100 * POINT, "1"));
        vm.assertEq(token.balanceOf(alice), 0, "payer");
        vm.assertEq(token.balanceOf(shop), 90 * POINT, "merchant");
        vm.assertEq(token.totalSupply(), 90 * POINT, "diverted is burned");
        vm.assertEq(node.ownerOf(node.idOf(fec, 1, alice)), alice, "owner");
        IPrograms.Books memory books = programs.books(fec);
        vm.assertEq(books.diverted, 10 * POINT, "books.diverted");
        vm.assertEq(books.committed, 100 * POINT, "books.committed");
        vm.assertEq(books.reserve, 0, "no reserve");
        (bytes24 commitment, uint64 refunded, bool issued) = processor.orderOf(SHOP, "1");
        bytes32 terms = keccak256(abi.encode(paymentOf(alice, fec, 100 * POINT, "1"), uint24(1)));
        vm.assertEq(bytes32(commitment), bytes32(bytes24(terms)), "commitment");
        vm.assertTrue(refunded == 0 && !issued, "order");
    }

    function test_paymentsOfOnePeriodTopUpOneNodeAndTheNextMakesAnother() public {
        uint256 id = paid(alice, fec, 10 * POINT, "1");
        vm.warp(EPOCH + 7 days - 1);
        vm.assertEq(paid(alice, fec, 10 * POINT, "2"), id, "topped up in the last second");
        vm.assertEq(node.balanceOf(alice), 1, "one node");
        vm.assertEq(node.nodeOf(id).total, 20 * POINT, "of both");
        vm.warp(EPOCH + 7 days);
        vm.assertTrue(paid(alice, fec, 10 * POINT, "3") != id, "another node");
        vm.assertEq(node.balanceOf(alice), 2, "two nodes");
    }

    /// @dev ERC-4906 is about changes of a node that is there.
    function test_aNodeThatGrowsIsAChangeOfItAndOneThatIsMadeIsNot() public {
        give(alice, 2 * POINT);
        vm.recordLogs();
        accepted(paymentOf(alice, fec, POINT, "1"));
        vm.assertEq(metadataUpdates(), 0, "made");
        vm.expectEmit();
        emit IReleaseNode.MetadataUpdate(node.idOf(fec, 1, alice));
        accepted(paymentOf(alice, fec, POINT, "2"));
    }

    /// @dev No address check stops a payment to oneself; only the caps bound it.
    function test_T04_aMerchantMayPayItselfWithinTheCaps() public {
        uint256 id = paid(shop, fec, 100 * POINT, "1");
        vm.assertEq(token.balanceOf(shop), 90 * POINT, "a tenth is diverted");
        vm.assertEq(node.nodeOf(id).total, 100 * POINT, "and comes back tenfold");
    }

    function test_T10_T11_contractsPayAndGetNodesWithoutAnyCallback() public {
        Plain plain = new Plain();
        uint256 id = paid(address(plain), fec, 10 * POINT, "1");
        vm.assertEq(node.ownerOf(id), address(plain), "a contract without callbacks");
        Wallet wallet = new Wallet(alice);
        wallet.onReceiveCall(address(processor), "");
        paid(address(wallet), fec, 10 * POINT, "2");
        vm.assertTrue(!wallet.calledBack(), "no hook in pay");
        registry.register(8, address(plain), "Contract", DAY_LIMIT, DAY_LIMIT);
        give(address(wallet), 10 * POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(address(wallet), fec, 10 * POINT, "3");
        payment.merchant = 8;
        wallet.execute(address(processor), abi.encodeCall(IPaymentProcessor.pay, (payment)));
        vm.assertEq(token.balanceOf(address(plain)), 9 * POINT, "a contract is paid");
    }

    function test_T21_batchOfNoneOneHundredAndOnePast() public {
        give(alice, 101 * POINT);
        vm.expectRevert(abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_BatchSize.selector, 0, 100));
        vm.prank(alice);
        processor.payBatch(batch(0));
        vm.expectRevert(abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_BatchSize.selector, 101, 100));
        vm.prank(alice);
        processor.payBatch(batch(101));
        vm.prank(alice);
        processor.payBatch(batch(100));
        vm.assertEq(token.balanceOf(alice), POINT, "a hundred paid");
        vm.assertEq(node.nodeOf(node.idOf(fec, 1, alice)).total, 100 * POINT, "in one node");
    }

    function test_aBatchIsPaidWholeOrNotAtAll() public {
        paid(alice, fec, POINT, bytes32(uint256(1)));
        give(alice, 3 * POINT);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_AlreadyPaid.selector, SHOP, bytes32(uint256(1)))
        );
        vm.prank(alice);
        processor.payBatch(batch(3));
        vm.assertEq(token.balanceOf(alice), 3 * POINT, "nothing taken");
    }

    function metadataUpdates() private returns (uint256 count) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IReleaseNode.MetadataUpdate.selector) ++count;
        }
    }

    function accepted(IPaymentProcessor.Payment memory payment) private {
        vm.prank(payment.payer);
        processor.pay(payment);
    }

    function refused(IPaymentProcessor.Payment memory payment, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(payment.payer);
        processor.pay(payment);
    }

    function batch(uint256 size) private view returns (IPaymentProcessor.Payment[] memory payments) {
        payments = new IPaymentProcessor.Payment[](size);
        for (uint256 i = 0; i < size; ++i) {
            payments[i] = paymentOf(alice, fec, POINT, bytes32(i));
        }
    }
}
