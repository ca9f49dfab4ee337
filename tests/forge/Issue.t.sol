// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20Errors, IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Logs} from "./Logs.sol";
import {IMerchantRegistry, IPaymentProcessor, IPointsToken, IProgramBooks, IPrograms, Setup} from "./Setup.sol";

/// @dev `issue`, `issueBatch` and `issueReserve`.
contract IssueTest is Setup {
    uint64 private constant PERSON = 1000 * POINT;

    function test_T17_notAnIssuer() public {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.expectRevert(reason);
        vm.prank(stranger);
        processor.issue(issueOf(alice, POINT, 0, "1"));
        vm.expectRevert(reason);
        vm.prank(stranger);
        processor.issueBatch(batch(1));
        vm.expectRevert(reason);
        vm.prank(stranger);
        processor.issueReserve(SHOP, "1", fund, POINT, "evidence");
    }

    function test_nothing() public {
        bytes memory reason =
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NothingToDo.selector, bytes32("1"));
        refused(issueOf(alice, 0, 0, "1"), reason);
        vm.expectRevert(reason);
        processor.issueReserve(SHOP, "1", fund, 0, "evidence");
    }

    function test_aProgramIsNamedOnlyWithATotal() public {
        IPaymentProcessor.Issue memory item = issueOf(alice, POINT, 0, "1");
        item.program = fund;
        refused(item, abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NoNode.selector, bytes32("1"), fund));
    }

    function test_moreThan64Bits() public {
        refused(
            issueOf(alice, type(uint64).max, 1, "1"),
            abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 64, 1 << 64)
        );
    }

    function test_T14_anOrderIsIssuedOnceByAnyWay() public {
        processor.issue(issueOf(alice, POINT, 0, "1"));
        bytes memory reason =
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_AlreadyIssued.selector, SHOP, bytes32("1"));
        refused(issueOf(alice, POINT, 0, "1"), reason);
        refused(issueOf(bob, 0, POINT, "1"), reason);
        vm.expectRevert(reason);
        processor.issueReserve(SHOP, "1", fund, POINT, "evidence");
        // Paid in points and issued for money are two things.
        paid(alice, fec, POINT, "1");
        (bytes24 commitment,, bool issued) = processor.orderOf(SHOP, "1");
        vm.assertTrue(commitment != 0 && issued, "both");
    }

    function test_aNodeNeedsAFundedProgramThatHasBegun() public {
        IPaymentProcessor.Issue memory item = issueOf(alice, 0, POINT, "1");
        item.program = fec;
        refused(item, abi.encodeWithSelector(IProgramBooks.Programs_NotFunded.selector, fec));
        vm.expectRevert(abi.encodeWithSelector(IProgramBooks.Programs_NotFunded.selector, fec));
        processor.issueReserve(SHOP, "1", fec, POINT, "evidence");
        item.program = 9;
        refused(item, abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, 9));
        IPrograms.Terms memory rules = fundTerms();
        rules.epoch = EPOCH + 2 days;
        item.program = programs.open(rules, "P", new bytes(72));
        refused(item, abi.encodeWithSelector(IPrograms.Programs_NotStarted.selector, item.program, rules.epoch));
    }

    function test_unknownAndInactiveMerchant() public {
        IPaymentProcessor.Issue memory item = issueOf(alice, POINT, 0, "1");
        item.merchant = 8;
        refused(item, abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Unknown.selector, 8));
        processor.setActive(SHOP, false);
        refused(
            issueOf(alice, POINT, 0, "1"),
            abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Inactive.selector, SHOP)
        );
    }

    function test_T18_quotaExactlyAndOnePast() public {
        processor.register(8, shop, "Small", 0, DAY_LIMIT);
        processor.addQuota(8, 5 * POINT, "receipt");
        IPaymentProcessor.Issue memory item = issueOf(alice, 3 * POINT, 2 * POINT + 1, "1");
        item.merchant = 8;
        refused(
            item,
            abi.encodeWithSelector(
                IMerchantRegistry.MerchantRegistry_QuotaExceeded.selector, 8, bytes32("1"), 5 * POINT + 1, 5 * POINT
            )
        );
        item.total = 2 * POINT;
        processor.issue(item);
        vm.assertEq(processor.merchantOf(8).quota, 0, "used up");
        vm.expectRevert(
            abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_QuotaExceeded.selector, 8, bytes32("2"), 1, 0)
        );
        processor.issueReserve(8, "2", fund, 1, "evidence");
    }

    function test_T17_T18_issuedPerDayExactlyOnePastAtMidnightAndLowered() public {
        processor.setLimits(SHOP, 0, 5 * POINT);
        vm.warp(EPOCH + 1 days);
        refused(issueOf(alice, 5 * POINT + 1, 0, "1"), perDay("1", 5 * POINT + 1, 5 * POINT));
        processor.issue(issueOf(alice, 5 * POINT, 0, "1"));
        vm.warp(EPOCH + 2 days - 1);
        vm.expectRevert(perDay("2", 1, 0));
        processor.issueReserve(SHOP, "2", fund, 1, "evidence");
        vm.warp(EPOCH + 2 days);
        processor.issue(issueOf(alice, 3 * POINT, 0, "2"));
        processor.setLimits(SHOP, 0, 2 * POINT);
        refused(issueOf(alice, 1, 0, "3"), perDay("3", 1, 0));
        processor.setLimits(SHOP, 0, 4 * POINT);
        refused(issueOf(alice, POINT + 1, 0, "3"), perDay("3", POINT + 1, POINT));
        processor.issue(issueOf(alice, POINT, 0, "3"));
    }

    function test_T18_personLimitOverMerchantsExactlyOnePastAndAtMidnight() public {
        processor.register(8, shop, "Other", 0, DAY_LIMIT);
        processor.addQuota(8, DAY_LIMIT, "receipt");
        vm.warp(EPOCH + 2 days - 1);
        processor.issue(issueOf(alice, PERSON - 10, 5, "1"));
        IPaymentProcessor.Issue memory item = issueOf(alice, 3, 3, "1");
        item.merchant = 8;
        refused(item, person(6, 5));
        item.total = 2;
        processor.issue(item);
        refused(issueOf(alice, 1, 0, "2"), person(1, 0));
        processor.issue(issueOf(bob, PERSON, 0, "2"));
        vm.warp(EPOCH + 2 days);
        (uint64 limit, uint64 today) = token.personLimit(alice);
        vm.assertTrue(limit == PERSON && today == 0, "a new day");
        refused(issueOf(alice, PERSON + 1, 0, "3"), person(PERSON + 1, PERSON));
        processor.issue(issueOf(alice, PERSON, 0, "3"));
    }

    function test_T18_aLowerPersonLimitHoldsAtOnce() public {
        processor.issue(issueOf(alice, 10, 0, "1"));
        token.setPersonLimit(5);
        refused(issueOf(alice, 1, 0, "2"), person(1, 0));
        token.setPersonLimit(11);
        refused(issueOf(alice, 2, 0, "2"), person(2, 1));
        processor.issue(issueOf(alice, 1, 0, "2"));
    }

    function test_pointsAtOnce() public {
        vm.expectEmit();
        emit IPaymentProcessor.Issued(SHOP, "1", alice, 0, 0, POINT, 0, "evidence");
        processor.issue(issueOf(alice, POINT, 0, "1"));
        vm.assertEq(token.balanceOf(alice), POINT, "customer");
        vm.assertEq(processor.merchantOf(SHOP).quota, DAY_LIMIT - POINT, "quota");
        vm.assertEq(processor.merchantOf(SHOP).issuedToday, POINT, "today");
    }

    /// @dev What is not issued is not moved either: there is no Transfer of nothing.
    function test_oneUnitAtOnceAndOneUnitAsANode() public {
        vm.recordLogs();
        processor.issue(issueOf(alice, 1, 0, "1"));
        vm.assertEq(transfers(), 1, "to the customer");
        vm.assertTrue(token.balanceOf(alice) == 1 && token.balanceOf(address(node)) == 0, "a unit at once");
        vm.recordLogs();
        processor.issue(issueOf(alice, 0, 1, "2"));
        vm.assertEq(transfers(), 1, "into the reserve");
        vm.assertTrue(token.balanceOf(alice) == 1 && token.balanceOf(address(node)) == 1, "a unit in reserve");
        vm.assertEq(node.nodeOf(node.issuedIdOf(fund, 2, alice)).total, 1, "a node of a unit");
    }

    function test_aNodeThatIsWhollyCovered() public {
        vm.expectEmit();
        emit IProgramBooks.ReserveDeposited(fund, shop, 4 * POINT);
        vm.expectEmit();
        emit IERC721.Transfer(address(0), alice, node.issuedIdOf(fund, 2, alice));
        vm.expectEmit();
        emit IERC20.Transfer(address(0), alice, POINT);
        vm.expectEmit();
        emit IERC20.Transfer(address(0), address(node), 4 * POINT);
        vm.expectEmit();
        emit IPaymentProcessor.Issued(SHOP, "1", alice, fund, 2, POINT, 4 * POINT, "evidence");
        processor.issue(issueOf(alice, POINT, 4 * POINT, "1"));
        IProgramBooks.Books memory books = node.books(fund);
        vm.assertTrue(books.reserve == 4 * POINT && books.committed == 4 * POINT && books.diverted == 0, "books");
        uint256 id = node.issuedIdOf(fund, 2, alice);
        vm.warp(EPOCH + 3 days);
        vm.assertEq(claimOne(id), POINT, "a quarter a day");
        vm.assertEq(token.balanceOf(alice), 2 * POINT, "customer");
    }

    /// @dev So what a refund takes back is never what was issued, which has an owner of its own.
    function test_whatIsIssuedIsAnotherNodeThanWhatIsPaid() public {
        endow(POINT);
        uint256 ofPayment = paid(alice, fund, 10 * POINT, "1");
        processor.issue(issueOf(alice, 0, 4 * POINT, "1"));
        uint256 ofIssue = node.issuedIdOf(fund, 2, alice);
        vm.assertEq(ofIssue, ofPayment | 1 << 160, "serial 1");
        vm.assertEq(node.nodeOf(ofPayment).total, 2 * POINT, "paid");
        vm.assertEq(node.nodeOf(ofIssue).total, 4 * POINT, "issued");
        vm.assertEq(node.balanceOf(alice), 2, "two nodes");
        // A second issue of the period adds to the first.
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(ofIssue);
        processor.issue(issueOf(alice, 0, POINT, "2"));
        vm.assertEq(node.nodeOf(ofIssue).total, 5 * POINT, "grown");
        vm.assertEq(node.balanceOf(alice), 2, "still two");
        vm.prank(shop);
        processor.refund(paymentOf(alice, fund, 10 * POINT, "1"), 2, 10 * POINT);
        vm.assertEq(node.nodeOf(ofIssue).total, 5 * POINT, "as it was");
        vm.assertEq(node.balanceOf(alice), 1, "one is left");
        IProgramBooks.Books memory books = node.books(fund);
        vm.assertTrue(books.reserve == 6 * POINT && books.committed == 5 * POINT && books.diverted == 0, "books");
    }

    /// @dev What nobody owns, nobody could ever claim.
    function test_nothingIsIssuedToNobodyOrToTheToken() public {
        bytes memory reason = abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(0));
        refused(issueOf(address(0), POINT, 0, "1"), reason);
        reason = abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0));
        refused(issueOf(address(0), 0, POINT, "1"), reason);
        refused(issueOf(address(0), POINT, POINT, "1"), reason);
        refused(
            issueOf(address(token), POINT, 0, "1"),
            abi.encodeWithSelector(IPointsToken.PointsToken_SentToToken.selector)
        );
    }

    function test_T03_issuesExactlyToTheSupplyCapAndOnePast() public {
        uint64 cap = uint64(token.SUPPLY_CAP());
        give(bob, cap - token.setApart() - 10);
        bytes memory reason =
            abi.encodeWithSelector(IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(cap) + 1, cap);
        refused(issueOf(alice, 5, 6, "1"), reason);
        processor.issue(issueOf(alice, 5, 4, "1"));
        vm.expectRevert(
            abi.encodeWithSelector(IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(cap) + 1, cap)
        );
        processor.issueReserve(SHOP, "2", fund, 2, "evidence");
        processor.issueReserve(SHOP, "2", fund, 1, "evidence");
        vm.assertEq(uint256(token.issued()) + token.setApart(), cap, "exactly the cap");
    }

    function test_T03_issuesExactlyToTheProgramsCapAndOnePast() public {
        IPrograms.Terms memory rules = fundTerms();
        rules.cap = rules.payerPeriodCap = 3 * POINT;
        uint32 program = programs.open(rules, "P", new bytes(72));
        IPaymentProcessor.Issue memory item = issueOf(alice, 0, 3 * POINT + 1, "1");
        item.program = program;
        refused(
            item, abi.encodeWithSelector(IProgramBooks.Programs_CapExceeded.selector, program, 3 * POINT + 1, 3 * POINT)
        );
        item.total -= 1;
        processor.issue(item);
        (item.total, item.order, item.customer) = (1, "2", bob);
        refused(
            item, abi.encodeWithSelector(IProgramBooks.Programs_CapExceeded.selector, program, 3 * POINT + 1, 3 * POINT)
        );
    }

    /// @dev What is issued to a frozen person arrives, as anything does.
    function test_T19_aFrozenCustomerIsIssuedTo() public {
        token.confirmFreeze(alice, "court order");
        processor.issue(issueOf(alice, POINT, POINT, "1"));
        vm.assertEq(token.balanceOf(alice), POINT, "received");
    }

    /// @dev The limit per payer and period bounds payments; what is issued is bounded by quota and person.
    function test_T04_thePayerPeriodCapDoesNotBoundIssues() public {
        IPrograms.Terms memory rules = fundTerms();
        rules.payerPeriodCap = 2 * POINT;
        uint32 program = programs.open(rules, "P", new bytes(72));
        IPaymentProcessor.Issue memory item = issueOf(alice, 0, 3 * POINT, "1");
        item.program = program;
        processor.issue(item);
        vm.assertEq(node.nodeOf(node.issuedIdOf(program, 2, alice)).total, 3 * POINT, "past the cap of payments");
    }

    function test_aReserveIsIssuedOutOfTheQuota() public {
        vm.expectEmit();
        emit IProgramBooks.ReserveDeposited(fund, shop, 2 * PERSON);
        vm.expectEmit();
        emit IERC20.Transfer(address(0), address(node), 2 * PERSON);
        vm.expectEmit();
        emit IPaymentProcessor.ReserveIssued(SHOP, "1", fund, 2 * PERSON, "evidence");
        processor.issueReserve(SHOP, "1", fund, 2 * PERSON, "evidence");
        vm.assertEq(node.books(fund).reserve, 2 * PERSON, "reserve");
        vm.assertEq(token.balanceOf(address(node)), 2 * PERSON, "held");
        vm.assertEq(processor.merchantOf(SHOP).quota, DAY_LIMIT - 2 * PERSON, "quota");
    }

    function test_T21_batchOfNoneOneHundredAndOnePast() public {
        vm.expectRevert(abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_BatchSize.selector, 0, 100));
        processor.issueBatch(batch(0));
        vm.expectRevert(abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_BatchSize.selector, 101, 100));
        processor.issueBatch(batch(101));
        processor.issueBatch(batch(100));
        vm.assertEq(token.balanceOf(alice), 100 * POINT, "a hundred issued");
    }

    function test_aBatchIsIssuedWholeOrNotAtAll() public {
        IPaymentProcessor.Issue[] memory items = batch(3);
        items[2].order = items[0].order;
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_AlreadyIssued.selector, SHOP, items[0].order)
        );
        processor.issueBatch(items);
        vm.assertEq(token.balanceOf(alice), 0, "nothing issued");
    }

    /// @dev Each error is that of the third of three orders, and says so.
    function test_aBatchNamesTheOrderOrThePersonThatIsRefused() public {
        IPaymentProcessor.Issue[] memory items = batch(3);
        bytes32 third = items[2].order;
        items[2].points = 0;
        refusedBatch(items, abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NothingToDo.selector, third));
        items = batch(3);
        items[2].merchant = 8;
        refusedBatch(items, abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Unknown.selector, 8));
        items = batch(3);
        items[2].customer = bob;
        items[2].points = PERSON + 1;
        refusedBatch(
            items,
            abi.encodeWithSelector(IPointsToken.PointsToken_PersonLimitExceeded.selector, bob, PERSON + 1, PERSON)
        );
        // What was issued before it in the batch counts.
        items = batch(3);
        items[2].points = PERSON - 2 * POINT + 1;
        refusedBatch(items, person(PERSON - 2 * POINT + 1, PERSON - 2 * POINT));
        processor.setLimits(SHOP, 0, 3 * POINT - 1);
        refusedBatch(batch(3), perDay(third, POINT, POINT - 1));
        processor.setLimits(SHOP, 0, 3 * POINT);
        processor.issueBatch(batch(3));
    }

    function transfers() private returns (uint256) {
        return Logs.count(vm.getRecordedLogs(), address(token), IERC20.Transfer.selector);
    }

    function refused(IPaymentProcessor.Issue memory item, bytes memory reason) private {
        vm.expectRevert(reason);
        processor.issue(item);
    }

    function refusedBatch(IPaymentProcessor.Issue[] memory items, bytes memory reason) private {
        vm.expectRevert(reason);
        processor.issueBatch(items);
        vm.assertEq(token.balanceOf(alice), 0, "nothing issued");
    }

    function batch(uint256 size) private view returns (IPaymentProcessor.Issue[] memory items) {
        items = new IPaymentProcessor.Issue[](size);
        for (uint256 i = 0; i < size; ++i) {
            items[i] = issueOf(alice, POINT, 0, bytes32(i));
        }
    }

    function perDay(bytes32 order, uint256 tried, uint64 left) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IMerchantRegistry.MerchantRegistry_IssuedPerDayExceeded.selector, SHOP, order, tried, left
        );
    }

    function person(uint256 tried, uint64 left) private view returns (bytes memory) {
        return abi.encodeWithSelector(IPointsToken.PointsToken_PersonLimitExceeded.selector, alice, tried, left);
    }
}
