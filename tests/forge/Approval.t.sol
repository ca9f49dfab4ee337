// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMerchantRegistry, IPaymentProcessor, IPointsToken, Setup} from "./Setup.sol";

/// @dev `approveIssue`: what is issued above the threshold needs a second person.
contract ApprovalTest is Setup {
    uint64 private constant THRESHOLD = 100_000 * POINT;

    address private approver = address(0xA99);

    function setUp() public override {
        super.setUp();
        token.setPersonLimit(type(uint64).max);
        manager.grantRole(6, approver, 0);
    }

    // Reverts

    function test_T17_roles() public {
        vm.expectRevert(abi.encodeWithSignature("AccessManagedUnauthorized(address)", stranger));
        vm.prank(stranger);
        processor.approveIssue("hash");
        vm.expectRevert(abi.encodeWithSignature("AccessManagedUnauthorized(address)", approver));
        vm.prank(approver);
        processor.setApprovalThreshold(0);
        IPaymentProcessor.Issue memory item = issueOf(alice, 1, 0, "1");
        vm.expectRevert(abi.encodeWithSignature("AccessManagedUnauthorized(address)", approver));
        vm.prank(approver);
        processor.issue(item);
    }

    function test_exactlyAtTheThresholdAndOnePast() public {
        processor.issue(issueOf(alice, THRESHOLD, 0, "1"));
        IPaymentProcessor.Issue memory item = issueOf(alice, THRESHOLD + 1, 0, "2");
        refused(item, needed("2", THRESHOLD + 1));
        approve(processor.issueHash(item));
        processor.issue(item);
        vm.assertEq(token.balanceOf(alice), 2 * THRESHOLD + 1, "both");
    }

    /// @dev Points at once and a node count together, and where the sum passes 64 bits too.
    function test_pointsAndANodeTogether() public {
        IPaymentProcessor.Issue memory item = issueOf(alice, THRESHOLD - POINT, POINT + 1, "1");
        refused(item, needed("1", THRESHOLD + 1));
        item.total = POINT;
        processor.issue(item);
        item = issueOf(alice, type(uint64).max, 1, "2");
        refused(item, abi.encodeWithSignature("SafeCastOverflowedUintDowncast(uint8,uint256)", 64, uint256(1) << 64));
    }

    function test_aReserveExactlyAtTheThresholdAndOnePast() public {
        processor.issueReserve(SHOP, "1", fund, THRESHOLD, "evidence");
        vm.expectRevert(needed("2", THRESHOLD + 1));
        processor.issueReserve(SHOP, "2", fund, THRESHOLD + 1, "evidence");
        approve(processor.reserveHash(SHOP, "2", fund, THRESHOLD + 1, "evidence"));
        processor.issueReserve(SHOP, "2", fund, THRESHOLD + 1, "evidence");
        vm.assertEq(node.books(fund).reserve, 2 * THRESHOLD + 1, "both");
    }

    function test_anApprovalOfOnesOwn() public {
        IPaymentProcessor.Issue memory item = issueOf(alice, THRESHOLD + 1, 0, "1");
        bytes32 hash = processor.issueHash(item);
        processor.approveIssue(hash);
        refused(item, own(address(this)));
        processor.approveIssue(processor.reserveHash(SHOP, "1", fund, THRESHOLD + 1, "evidence"));
        vm.expectRevert(own(address(this)));
        processor.issueReserve(SHOP, "1", fund, THRESHOLD + 1, "evidence");
        approve(hash);
        processor.issue(item);
    }

    /// @dev The manager's `execute` gives everybody one address: one account with both roles would be two.
    function test_T17_anApprovalOfOnesOwnThroughTheManager() public {
        IPaymentProcessor.Issue memory item = issueOf(alice, THRESHOLD + 1, 0, "1");
        bytes memory approval = abi.encodeCall(processor.approveIssue, (processor.issueHash(item)));
        manager.execute(address(processor), approval);
        refused(item, own(address(manager)));
        processor.approveIssue(processor.issueHash(item));
        vm.expectRevert(own(address(this)));
        manager.execute(address(processor), abi.encodeCall(processor.issue, (item)));
        manager.execute(address(processor), approval);
        vm.expectRevert(own(address(manager)));
        manager.execute(address(processor), abi.encodeCall(processor.issue, (item)));
    }

    function own(address approver) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_OwnApproval.selector, bytes32("1"), approver);
    }

    function test_T16_anApprovalIsOfEveryField() public {
        IPaymentProcessor.Issue memory item = issueOf(alice, THRESHOLD, THRESHOLD, "1");
        approve(processor.issueHash(item));
        bytes memory reason = needed("1", 2 * THRESHOLD);
        IPaymentProcessor.Issue memory other = issueOf(bob, THRESHOLD, THRESHOLD, "1");
        refused(other, reason);
        other = issueOf(alice, THRESHOLD - 1, THRESHOLD + 1, "1");
        refused(other, reason);
        other = issueOf(alice, THRESHOLD, THRESHOLD, "2");
        refused(other, needed("2", 2 * THRESHOLD));
        other = issueOf(alice, THRESHOLD, THRESHOLD, "1");
        other.merchant = SHOP + 1;
        refused(other, reason);
        other.merchant = SHOP;
        other.program = fec;
        refused(other, reason);
        other.program = fund;
        other.evidence = "other";
        refused(other, reason);
        processor.issue(item);
    }

    function test_T16_aReservesApprovalIsOfEveryFieldAndOfNoIssue() public {
        uint64 amount = THRESHOLD + 1;
        approve(processor.reserveHash(SHOP, "1", fund, amount, "evidence"));
        reserveRefused(SHOP, "2", fund, amount, "evidence");
        reserveRefused(SHOP + 1, "1", fund, amount, "evidence");
        reserveRefused(SHOP, "1", fec, amount, "evidence");
        reserveRefused(SHOP, "1", fund, amount + 1, "evidence");
        reserveRefused(SHOP, "1", fund, amount, "other");
        refused(issueOf(alice, 0, amount, "1"), needed("1", amount));
        processor.issueReserve(SHOP, "1", fund, amount, "evidence");
    }

    function test_T14_anApprovalIsUsedOnce() public {
        IPaymentProcessor.Issue memory item = issueOf(alice, THRESHOLD + 1, 0, "1");
        bytes32 hash = processor.issueHash(item);
        approve(hash);
        processor.issue(item);
        vm.assertEq(processor.approverOf(hash), address(0), "used");
        refused(item, needed("1", THRESHOLD + 1));
        // Approved again, the order is still issued once.
        approve(hash);
        refused(
            item, abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_AlreadyIssued.selector, SHOP, bytes32("1"))
        );
    }

    function test_anIssueThatFailsKeepsItsApproval() public {
        IPaymentProcessor.Issue memory item = issueOf(alice, THRESHOLD + 1, 0, "1");
        bytes32 hash = processor.issueHash(item);
        approve(hash);
        processor.setActive(SHOP, false);
        refused(item, abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Inactive.selector, SHOP));
        vm.assertEq(processor.approverOf(hash), approver, "kept");
        processor.setActive(SHOP, true);
        processor.issue(item);
    }

    function test_aBatchIsWholeOrNot() public {
        IPaymentProcessor.Issue[] memory items = new IPaymentProcessor.Issue[](2);
        items[0] = issueOf(alice, POINT, 0, "1");
        items[1] = issueOf(bob, THRESHOLD + 1, 0, "2");
        vm.expectRevert(needed("2", THRESHOLD + 1));
        processor.issueBatch(items);
        vm.assertEq(token.balanceOf(alice), 0, "nothing");
        approve(processor.issueHash(items[1]));
        processor.issueBatch(items);
        vm.assertEq(token.balanceOf(bob), THRESHOLD + 1, "both");
    }

    function test_anotherThresholdHoldsAtOnce() public {
        vm.expectEmit();
        emit IPaymentProcessor.ApprovalThresholdSet(0);
        processor.setApprovalThreshold(0);
        IPaymentProcessor.Issue memory item = issueOf(alice, 1, 0, "1");
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentProcessor.PaymentProcessor_ApprovalNeeded.selector, bytes32("1"), uint64(1), uint64(0)
            )
        );
        processor.issue(item);
        processor.setApprovalThreshold(type(uint64).max);
        item = issueOf(alice, DAY_LIMIT, 0, "2");
        processor.issue(item);
        vm.assertEq(processor.approvalThreshold(), type(uint64).max, "threshold");
    }

    /// @dev An approval that a raised threshold made needless is left over, and issues nothing by itself.
    function test_anApprovalThatWasNotNeeded() public {
        IPaymentProcessor.Issue memory item = issueOf(alice, THRESHOLD + 1, 0, "1");
        bytes32 hash = processor.issueHash(item);
        approve(hash);
        processor.setApprovalThreshold(THRESHOLD + 1);
        processor.issue(item);
        vm.assertEq(processor.approverOf(hash), approver, "left over");
        processor.setApprovalThreshold(0);
        refused(
            item, abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_AlreadyIssued.selector, SHOP, bytes32("1"))
        );
    }

    // What it does

    function test_anApprovalIsAnEventAndTheLastOneCounts() public {
        bytes32 hash = processor.issueHash(issueOf(alice, THRESHOLD + 1, 0, "1"));
        vm.assertEq(processor.approverOf(hash), address(0), "nobody");
        vm.expectEmit();
        emit IPaymentProcessor.IssueApproved(hash, approver);
        approve(hash);
        vm.assertEq(processor.approverOf(hash), approver, "the approver");
        processor.approveIssue(hash);
        vm.assertEq(processor.approverOf(hash), address(this), "the last one");
    }

    function test_theHashesAreOfTheEncodedTerms() public view {
        IPaymentProcessor.Issue memory item = issueOf(alice, 5, 6, "1");
        vm.assertEq(
            processor.issueHash(item),
            keccak256(
                abi.encode(
                    item.merchant, item.program, item.points, item.total, item.customer, item.order, item.evidence
                )
            ),
            "issue"
        );
        vm.assertEq(
            processor.reserveHash(SHOP, "1", fund, 7, "evidence"),
            keccak256(abi.encode(SHOP, bytes32("1"), fund, uint64(7), bytes32("evidence"))),
            "reserve"
        );
    }

    /// @dev A node of nobody, or of the token, could never be claimed, and its reserve would be bound for ever.
    function test_aNodeIssuedToNobodyAndToTheToken() public {
        refused(issueOf(address(0), 0, POINT, "1"), noReceiver("ERC721InvalidReceiver(address)", address(0)));
        refused(issueOf(address(token), 0, POINT, "1"), noReceiver("ERC721InvalidReceiver(address)", address(token)));
        refused(issueOf(address(0), POINT, 0, "1"), noReceiver("ERC20InvalidReceiver(address)", address(0)));
        refused(
            issueOf(address(token), POINT, 0, "1"),
            abi.encodeWithSelector(IPointsToken.PointsToken_SentToToken.selector)
        );
        vm.assertEq(node.books(fund).committed, 0, "nothing owed");
    }

    function approve(bytes32 hash) private {
        vm.prank(approver);
        processor.approveIssue(hash);
    }

    function refused(IPaymentProcessor.Issue memory item, bytes memory reason) private {
        vm.expectRevert(reason);
        processor.issue(item);
    }

    function reserveRefused(uint32 merchant, bytes32 order, uint32 program, uint64 amount, bytes32 evidence) private {
        vm.expectRevert(needed(order, amount));
        processor.issueReserve(merchant, order, program, amount, evidence);
    }

    function noReceiver(string memory reason, address to) private pure returns (bytes memory) {
        return abi.encodeWithSignature(reason, to);
    }

    function needed(bytes32 order, uint64 amount) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_ApprovalNeeded.selector, order, amount, THRESHOLD);
    }
}
