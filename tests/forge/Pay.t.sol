// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors, IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {PayerShare} from "../../contracts/types/PayerShare.sol";
import {Logs} from "./Logs.sol";
import {
    IMerchantRegistry,
    IPaymentProcessor,
    IPointsToken,
    IProgramBooks,
    IPrograms,
    IReleaseNode,
    Setup,
    Tables,
    Vm
} from "./Setup.sol";
import {Plain, Wallet} from "./Wallet.sol";

/// @dev `pay` and `payBatch`.
contract PayTest is Setup {
    function test_payerIsNotTheCaller() public {
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NotPayer.selector, bytes32("1"), alice, stranger)
        );
        vm.prank(stranger);
        processor.pay(paymentOf(alice, fec, POINT, "1"));
    }

    function test_unknownProgram() public {
        refused(paymentOf(alice, 9, POINT, "1"), abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, 9));
        // Nor is there one where nothing is filled in.
        IPaymentProcessor.Payment memory empty;
        refused(empty, abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, 0));
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
            abi.encodeWithSelector(
                IPaymentProcessor.PaymentProcessor_BelowMinimum.selector, bytes32("1"), POINT - 1, POINT
            )
        );
        refused(
            paymentOf(alice, fec, 0, "1"),
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_BelowMinimum.selector, bytes32("1"), 0, POINT)
        );
        accepted(paymentOf(alice, fec, POINT, "1"));
    }

    function test_T02_theSmallestPossiblePaymentMakesANodeOfAtLeastAUnit() public {
        IPrograms.Terms memory rules = fecTerms();
        rules.minPayment = 10;
        rules.periods = 1;
        uint32 program = programs.open(rules, "P", "");
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
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, id));
        node.ownerOf(id);
        refused(paymentOf(alice, fec, 20 * POINT, "1"), reason);
    }

    function test_T16_theSameReferenceAtTwoMerchantsIsTwoOrders() public {
        processor.register(8, bob, "Other", DAY_LIMIT, DAY_LIMIT);
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
        processor.setActive(SHOP, false);
        payment.merchant = SHOP;
        refused(payment, abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Inactive.selector, SHOP));
        processor.setActive(SHOP, true);
        accepted(payment);
    }

    function test_T18_paidPerDayExactlyAndOnePastAndAtMidnight() public {
        processor.setLimits(SHOP, 5 * POINT, 0);
        give(alice, 20 * POINT);
        vm.warp(EPOCH + 1 days);
        refused(
            paymentOf(alice, fec, 5 * POINT + 1, "1"),
            abi.encodeWithSelector(
                IMerchantRegistry.MerchantRegistry_PaidPerDayExceeded.selector,
                SHOP,
                bytes32("1"),
                5 * POINT + 1,
                5 * POINT
            )
        );
        accepted(paymentOf(alice, fec, 5 * POINT, "1"));
        vm.warp(EPOCH + 2 days - 1);
        refused(
            paymentOf(alice, fec, POINT, "2"),
            abi.encodeWithSelector(
                IMerchantRegistry.MerchantRegistry_PaidPerDayExceeded.selector, SHOP, bytes32("2"), POINT, 0
            )
        );
        vm.warp(EPOCH + 2 days);
        accepted(paymentOf(alice, fec, 4 * POINT, "2"));
        processor.setLimits(SHOP, 3 * POINT, 0);
        refused(
            paymentOf(alice, fec, POINT, "3"),
            abi.encodeWithSelector(
                IMerchantRegistry.MerchantRegistry_PaidPerDayExceeded.selector, SHOP, bytes32("3"), POINT, 0
            )
        );
        vm.assertEq(processor.merchantOf(SHOP).paidToday, 4 * POINT, "more than the lower limit");
        // What was paid before counts against a limit that is raised again.
        processor.setLimits(SHOP, 6 * POINT, 0);
        refused(
            paymentOf(alice, fec, 2 * POINT + 1, "3"),
            abi.encodeWithSelector(
                IMerchantRegistry.MerchantRegistry_PaidPerDayExceeded.selector,
                SHOP,
                bytes32("3"),
                2 * POINT + 1,
                2 * POINT
            )
        );
        accepted(paymentOf(alice, fec, 2 * POINT, "3"));
        vm.assertEq(processor.merchantOf(SHOP).paidToday, 6 * POINT, "all of it");
        // A limit that was lowered below what was paid is a whole one again the day after.
        processor.setLimits(SHOP, 3 * POINT, 0);
        vm.warp(EPOCH + 3 days);
        accepted(paymentOf(alice, fec, 2 * POINT, "4"));
        vm.assertEq(processor.merchantOf(SHOP).paidToday, 2 * POINT, "of the new day");
    }

    function test_T03_programCapExactlyAndOnePast() public {
        IPrograms.Terms memory rules = fecTerms();
        (rules.cap, rules.payerPeriodCap, rules.periods, rules.minPayment) = (1000, 1000, 1, 10);
        uint32 program = programs.open(rules, "P", "");
        give(alice, 10_000);
        give(bob, 10_000);
        // One payer comes no further than the cap, which is the most that a payer's limit can be.
        refused(
            paymentOf(alice, program, 1010, "1"),
            abi.encodeWithSelector(IProgramBooks.Programs_PayerPeriodCapExceeded.selector, program, alice, 1010, 1000)
        );
        accepted(paymentOf(alice, program, 990, "1"));
        refused(
            paymentOf(bob, program, 20, "2"),
            abi.encodeWithSelector(IProgramBooks.Programs_CapExceeded.selector, program, 1010, 1000)
        );
        accepted(paymentOf(bob, program, 10, "2"));
        vm.assertEq(node.books(program).committed, 1000, "exactly the cap");
        // What a refund undid can be promised again.
        vm.prank(shop);
        processor.refund(paymentOf(alice, program, 990, "1"), 1, 10);
        accepted(paymentOf(bob, program, 10, "again"));
        // What was released still counts.
        vm.warp(EPOCH + 14 days);
        claimOne(node.idOf(program, 1, alice));
        claimOne(node.idOf(program, 1, bob));
        refused(
            paymentOf(alice, program, 10, "3"),
            abi.encodeWithSelector(IProgramBooks.Programs_CapExceeded.selector, program, 1010, 1000)
        );
    }

    function test_T03_aNodeOfMoreThan64BitsIsRefused() public {
        IPrograms.Terms memory rules = fecTerms();
        (rules.multiplier, rules.divertBps, rules.periods) = (type(uint16).max, 10_000, 1);
        uint32 program = programs.open(rules, "P", "");
        processor.setLimits(SHOP, type(uint64).max, 0);
        uint64 amount = 300_000_000 * POINT;
        refused(
            paymentOf(alice, program, amount, "1"),
            abi.encodeWithSelector(
                IProgramBooks.Programs_PayerPeriodCapExceeded.selector,
                program,
                alice,
                uint256(amount) * type(uint16).max,
                rules.payerPeriodCap
            )
        );
    }

    /// @dev Each payer's node fits the largest cap there is, and the nodes of all do not fit 64 bits.
    function test_T03_aRunOfMoreThan64BitsIsRefused() public {
        IPrograms.Terms memory rules = fundTerms();
        rules.multiplier = type(uint16).max;
        rules.cap = rules.payerPeriodCap = uint64(token.SUPPLY_CAP());
        uint32 program = programs.open(rules, "P", Tables.straight(4));
        PayerShare[] memory shares = new PayerShare[](3);
        uint64 diverted = rules.cap / type(uint16).max;
        for (uint160 i = 0; i < 3; ++i) {
            shares[i] = PayerShare(address(i + 1), 0, diverted, 0);
        }
        vm.expectRevert(
            abi.encodeWithSelector(
                IProgramBooks.Programs_CapExceeded.selector,
                program,
                3 * uint256(diverted) * type(uint16).max,
                rules.cap
            )
        );
        vm.prank(address(processor));
        node.topUp(program, 2, shares);
    }

    /// @dev All that can be issued was, and EMISSION programs promise all that they may: nothing fails for the supply.
    function test_T03_paymentsRefundsAndReleasesFitTheSupplyCapWhateverWasIssued() public {
        IPrograms.Terms memory rules = fecTerms();
        (rules.cap, rules.payerPeriodCap, rules.periods) = (4 * POINT, 4 * POINT, 1);
        uint32 program = programs.open(rules, "P", "");
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
        uint32 program = programs.open(rules, "P", "");
        give(alice, 30 * POINT);
        give(bob, 30 * POINT);
        accepted(paymentOf(alice, program, 8 * POINT, "1"));
        refused(
            paymentOf(alice, program, 2 * POINT + 10, "2"),
            abi.encodeWithSelector(
                IProgramBooks.Programs_PayerPeriodCapExceeded.selector, program, alice, 10 * POINT + 10, 10 * POINT
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
            abi.encodeWithSelector(IProgramBooks.Programs_ReserveTooSmall.selector, fund, 2 * POINT, 2 * POINT - 1)
        );
        endow(1);
        accepted(paymentOf(alice, fund, 10 * POINT, "1"));
        IProgramBooks.Books memory books = node.books(fund);
        vm.assertEq(books.reserve, books.committed, "exactly covered");
        vm.assertEq(token.balanceOf(address(node)), books.reserve, "held");
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
        emit IPaymentProcessor.Paid(SHOP, "1", alice, fec, 1, 100 * POINT, 10 * POINT);
        accepted(paymentOf(alice, fec, 100 * POINT, "1"));
        vm.assertEq(token.balanceOf(alice), 0, "payer");
        vm.assertEq(token.balanceOf(shop), 90 * POINT, "merchant");
        vm.assertEq(token.totalSupply(), 90 * POINT, "diverted is burned");
        vm.assertEq(node.ownerOf(node.idOf(fec, 1, alice)), alice, "owner");
        IProgramBooks.Books memory books = node.books(fec);
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
        emit IERC4906.MetadataUpdate(node.idOf(fec, 1, alice));
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
        processor.register(8, address(plain), "Contract", DAY_LIMIT, DAY_LIMIT);
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

    /// @dev A run of many orders rounds each of them down, and comes to the same in every book, node and balance.
    function testFuzz_T05_aRunOfOnePayerIsAsManySinglePayments(uint64[8] memory amounts, bool funded) public {
        uint32 program = funded ? fund : fec;
        endow(10_000 * POINT);
        IPaymentProcessor.Payment[] memory payments = new IPaymentProcessor.Payment[](8);
        for (uint256 i = 0; i < 8; ++i) {
            payments[i] = paymentOf(alice, program, POINT + amounts[i] % (1000 * POINT), bytes32(i));
        }
        give(alice, 8010 * POINT);
        uint256 snapshot = vm.snapshotState();
        vm.prank(alice);
        processor.payBatch(payments);
        bytes32 batched = stateOf(program, payments);
        vm.revertToState(snapshot);
        for (uint256 i = 0; i < 8; ++i) {
            accepted(payments[i]);
        }
        vm.assertEq(stateOf(program, payments), batched, "to the unit");
    }

    /// @dev The orders of one merchant and program that follow one another are one run: the points move once.
    function test_aBatchOfMixedMerchantsAndProgramsMovesEachRunOnceInOrder() public {
        processor.register(8, bob, "Other", DAY_LIMIT, DAY_LIMIT);
        endow(10 * POINT);
        give(alice, 100 * POINT);
        IPaymentProcessor.Payment[] memory payments = new IPaymentProcessor.Payment[](6);
        payments[0] = paymentOf(alice, fec, 10 * POINT + 9, "0");
        payments[1] = paymentOf(alice, fec, 20 * POINT + 9, "1");
        payments[2] = paymentOf(alice, fec, 5 * POINT, "2");
        payments[3] = paymentOf(alice, fund, 4 * POINT, "3");
        payments[4] = paymentOf(alice, fec, 3 * POINT, "4");
        payments[5] = paymentOf(alice, fec, 2 * POINT, "5");
        payments[2].merchant = payments[3].merchant = 8;

        pays(payments[0], 1, POINT);
        pays(payments[1], 1, 2 * POINT);
        makes(fec, 1);
        moves(shop, 27 * POINT + 18);
        moves(address(0), 3 * POINT);
        pays(payments[2], 1, POINT / 2);
        grows(fec, 1);
        moves(bob, 45 * POINT / 10);
        moves(address(0), POINT / 2);
        pays(payments[3], 2, 4 * POINT / 10);
        makes(fund, 2);
        moves(bob, 36 * POINT / 10);
        moves(address(node), 4 * POINT / 10);
        pays(payments[4], 1, 3 * POINT / 10);
        pays(payments[5], 1, 2 * POINT / 10);
        grows(fec, 1);
        moves(shop, 45 * POINT / 10);
        moves(address(0), POINT / 2);
        vm.recordLogs();
        vm.prank(alice);
        processor.payBatch(payments);
        vm.assertEq(vm.getRecordedLogs().length, 18, "nothing else");

        vm.assertEq(token.balanceOf(alice), 56 * POINT - 18, "payer");
        vm.assertEq(token.balanceOf(shop), 315 * POINT / 10 + 18, "one merchant");
        vm.assertEq(token.balanceOf(bob), 81 * POINT / 10, "the other");
        vm.assertEq(node.nodeOf(node.idOf(fec, 1, alice)).total, 40 * POINT, "a node of all three runs");
        vm.assertEq(node.nodeOf(node.idOf(fund, 2, alice)).total, 8 * POINT / 10, "a node of the other program");
        vm.assertEq(token.nodesOf(alice), 2, "counted");
        vm.assertEq(node.books(fec).diverted, 4 * POINT, "books");
        vm.assertEq(node.books(fund).reserve, 104 * POINT / 10, "reserve");
        vm.assertEq(processor.merchantOf(SHOP).paidToday, 35 * POINT + 18, "paid today");
        vm.assertEq(processor.merchantOf(8).paidToday, 9 * POINT, "paid today");
    }

    /// @dev Each error is that of the third of four orders, and names it.
    function test_aBatchNamesTheOrderThatIsRefused() public {
        give(alice, 100 * POINT);
        IPaymentProcessor.Payment[] memory payments = batch(4);
        bytes32 third = payments[2].order;
        payments[2].payer = bob;
        refusedBatch(
            payments, abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NotPayer.selector, third, bob, alice)
        );
        payments = batch(4);
        payments[2].amount = POINT - 1;
        refusedBatch(
            payments,
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_BelowMinimum.selector, third, POINT - 1, POINT)
        );
        payments = batch(4);
        payments[2].order = payments[0].order;
        refusedBatch(
            payments,
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_AlreadyPaid.selector, SHOP, payments[0].order)
        );
        payments = batch(4);
        payments[2].program = 9;
        refusedBatch(payments, abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, 9));
        payments = batch(4);
        payments[2].merchant = 9;
        refusedBatch(payments, abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Unknown.selector, 9));
        processor.register(9, bob, "Other", 0, 0);
        refusedBatch(
            payments,
            abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_PaidPerDayExceeded.selector, 9, third, POINT, 0)
        );
        processor.setActive(9, false);
        refusedBatch(payments, abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Inactive.selector, 9));
        // What the orders before it used of the limit counts.
        processor.setLimits(SHOP, 3 * POINT - 1, 0);
        refusedBatch(
            batch(4),
            abi.encodeWithSelector(
                IMerchantRegistry.MerchantRegistry_PaidPerDayExceeded.selector, SHOP, third, POINT, POINT - 1
            )
        );
        processor.setLimits(SHOP, 4 * POINT, 0);
        vm.prank(alice);
        processor.payBatch(batch(4));
    }

    /// @dev The run as a whole passes the limits of the payer, the program, the reserve and the balance, or does not.
    function test_aRunExactlyAtEachLimitAndOnePast() public {
        IPrograms.Terms memory rules = fecTerms();
        (rules.cap, rules.payerPeriodCap, rules.periods, rules.minPayment) = (50, 30, 1, 10);
        uint32 program = programs.open(rules, "P", "");
        give(alice, 39);
        IPaymentProcessor.Payment[] memory payments = ofProgram(program, alice, 3);
        payments[2].amount = 20;
        refusedBatch(
            payments,
            abi.encodeWithSelector(IProgramBooks.Programs_PayerPeriodCapExceeded.selector, program, alice, 40, 30)
        );
        payments[2].amount = 19;
        vm.prank(alice);
        processor.payBatch(payments); // 10 + 10 + 19 make three nodes' worth of 10
        vm.assertEq(node.nodeOf(node.idOf(program, 1, alice)).total, 30, "exactly");
        vm.assertEq(token.balanceOf(alice), 0, "exactly");

        give(bob, 30);
        payments = ofProgram(program, bob, 3);
        refusedBatch(payments, abi.encodeWithSelector(IProgramBooks.Programs_CapExceeded.selector, program, 60, 50));
        payments = ofProgram(program, bob, 2);
        vm.prank(bob);
        processor.payBatch(payments);
        vm.assertEq(node.books(program).committed, 50, "exactly");

        endow(2 * POINT - 1);
        give(alice, 20 * POINT);
        payments = ofProgram(fund, alice, 2);
        payments[0].amount = payments[1].amount = 10 * POINT;
        refusedBatch(
            payments,
            abi.encodeWithSelector(IProgramBooks.Programs_ReserveTooSmall.selector, fund, 4 * POINT, 4 * POINT - 1)
        );
        endow(1);
        payments[1].amount += 1;
        refusedBatch(
            payments,
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, alice, 20 * POINT, 20 * POINT + 1)
        );
        payments[1].amount -= 1;
        vm.prank(alice);
        processor.payBatch(payments);
    }

    function test_T19_aFrozenPayerPaysNoBatch() public {
        give(alice, 3 * POINT);
        token.freeze(alice, "stolen phone");
        refusedBatch(
            batch(3),
            abi.encodeWithSelector(
                IPointsToken.PointsToken_AccountFrozen.selector, alice, uint40(block.timestamp + 7 days)
            )
        );
    }

    function stateOf(uint32 program, IPaymentProcessor.Payment[] memory payments) private view returns (bytes32 hash) {
        uint24 start = programs.currentPeriod(program) + 1;
        hash = keccak256(
            abi.encode(
                node.books(program),
                node.nodeOf(node.idOf(program, start, alice)),
                token.balanceOf(alice),
                token.balanceOf(shop),
                token.balanceOf(address(node)),
                token.totalSupply(),
                token.nodesOf(alice),
                processor.merchantOf(SHOP)
            )
        );
        for (uint256 i = 0; i < payments.length; ++i) {
            (bytes24 commitment, uint64 refunded,) = processor.orderOf(SHOP, payments[i].order);
            hash = keccak256(abi.encode(hash, commitment, refunded));
        }
    }

    function pays(IPaymentProcessor.Payment memory payment, uint24 start, uint64 diverted) private {
        vm.expectEmit();
        emit IPaymentProcessor.Paid(
            payment.merchant, payment.order, payment.payer, payment.program, start, payment.amount, diverted
        );
    }

    function makes(uint32 program, uint24 start) private {
        vm.expectEmit();
        emit IERC721.Transfer(address(0), alice, node.idOf(program, start, alice));
    }

    function grows(uint32 program, uint24 start) private {
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(node.idOf(program, start, alice));
    }

    function moves(address to, uint256 amount) private {
        vm.expectEmit();
        emit IERC20.Transfer(alice, to, amount);
    }

    function refusedBatch(IPaymentProcessor.Payment[] memory payments, bytes memory reason) private {
        address payer = payments[0].payer;
        uint256 before = token.balanceOf(payer);
        vm.expectRevert(reason);
        vm.prank(payer);
        processor.payBatch(payments);
        vm.assertEq(token.balanceOf(payer), before, "nothing taken");
    }

    function ofProgram(uint32 program, address payer, uint256 size)
        private
        pure
        returns (IPaymentProcessor.Payment[] memory payments)
    {
        payments = new IPaymentProcessor.Payment[](size);
        for (uint256 i = 0; i < size; ++i) {
            payments[i] = paymentOf(payer, program, 10, keccak256(abi.encode(program, payer, i)));
        }
    }

    function metadataUpdates() private returns (uint256) {
        return Logs.count(vm.getRecordedLogs(), address(node), IERC4906.MetadataUpdate.selector);
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
