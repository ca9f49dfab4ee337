// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAnchorRegistry} from "../../contracts/interfaces/IAnchorRegistry.sol";
import {IMerchantRegistry, IPaymentProcessor, IPointsToken, IPrograms, Setup} from "./Setup.sol";

/// @dev The merchants' and the anchors' registries, and who may call what is restricted.
contract RegistriesTest is Setup {
    function test_aMerchantIsRegisteredOnce() public {
        vm.expectRevert(abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_AlreadyRegistered.selector, SHOP));
        processor.register(SHOP, bob, "Again", 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_ZeroPayout.selector));
        processor.register(8, address(0), "Nobody", 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_SentToToken.selector));
        processor.register(8, address(token), "Nobody", 0, 0);
        vm.expectEmit();
        emit IMerchantRegistry.MerchantRegistered(8, bob, "Bob's");
        vm.expectEmit();
        emit IMerchantRegistry.LimitsSet(8, 1, 2);
        processor.register(8, bob, "Bob's", 1, 2);
        IMerchantRegistry.Merchant memory merchant = processor.merchantOf(8);
        vm.assertTrue(merchant.payout == bob && merchant.active && merchant.quota == 0, "as given");
        vm.assertTrue(merchant.paidPerDay == 1 && merchant.issuedPerDay == 2, "limits");
    }

    function test_unknownMerchant() public {
        bytes memory reason = abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Unknown.selector, 8);
        vm.expectRevert(reason);
        processor.merchantOf(8);
        vm.expectRevert(reason);
        processor.setPayout(8, bob);
        vm.expectRevert(reason);
        processor.setActive(8, true);
        vm.expectRevert(reason);
        processor.setLimits(8, 0, 0);
        vm.expectRevert(reason);
        processor.addQuota(8, 1, "receipt");
    }

    function test_T18_aQuotaIsAtMostTheSupplyCap() public {
        uint64 left = uint64(token.SUPPLY_CAP()) - DAY_LIMIT;
        for (uint256 i = 0; i < 2; ++i) {
            uint64 tried = i == 0 ? left + 1 : type(uint64).max;
            vm.expectRevert(
                abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_QuotaCapExceeded.selector, SHOP, tried, left)
            );
            processor.addQuota(SHOP, tried, "too much");
        }
        processor.addQuota(SHOP, left, "exactly at it");
        vm.assertEq(processor.merchantOf(SHOP).quota, token.SUPPLY_CAP(), "quota");
        vm.expectRevert(
            abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_QuotaCapExceeded.selector, SHOP, 1, 0)
        );
        processor.addQuota(SHOP, 1, "full");
        processor.issue(issueOf(alice, 3 * POINT, 0, "1"));
        processor.addQuota(SHOP, 3 * POINT, "as much as was issued");
    }

    function test_T17_onlyThePayoutMovesThePayout() public {
        vm.expectRevert(
            abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_NotPayout.selector, SHOP, address(this))
        );
        processor.setPayout(SHOP, address(this));
        vm.expectRevert(abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_ZeroPayout.selector));
        vm.prank(shop);
        processor.setPayout(SHOP, address(0));
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_SentToToken.selector));
        vm.prank(shop);
        processor.setPayout(SHOP, address(token));
        vm.expectEmit();
        emit IMerchantRegistry.PayoutChanged(SHOP, bob);
        vm.prank(shop);
        processor.setPayout(SHOP, bob);
        paid(alice, fec, 10 * POINT, "1");
        vm.assertEq(token.balanceOf(bob), 9 * POINT, "to the new address");
    }

    /// @dev A receipt credits its merchant once, however much it says; another merchant's may have the same name.
    function test_T14_evidenceIsUsedOnce() public {
        processor.register(8, bob, "Other", 0, 0);
        bytes memory used =
            abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_EvidenceUsed.selector, SHOP, bytes32("receipt"));
        vm.expectRevert(used);
        processor.addQuota(SHOP, DAY_LIMIT, "receipt");
        vm.expectRevert(used);
        processor.addQuota(SHOP, 1, "receipt");
        processor.addQuota(8, 5, "receipt");
        processor.addQuota(SHOP, 1, "another");
        vm.assertEq(processor.merchantOf(SHOP).quota, DAY_LIMIT + 1, "quota");
        vm.assertEq(processor.merchantOf(8).quota, 5, "the other's");
        // What was refused used nothing.
        vm.expectRevert(
            abi.encodeWithSelector(
                IMerchantRegistry.MerchantRegistry_QuotaCapExceeded.selector,
                8,
                type(uint64).max,
                uint64(token.SUPPLY_CAP()) - 5
            )
        );
        processor.addQuota(8, type(uint64).max, "corrected");
        processor.addQuota(8, 1, "corrected");
        // No evidence is evidence too.
        processor.addQuota(8, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_EvidenceUsed.selector, 8, bytes32(0)));
        processor.addQuota(8, 1, 0);
        vm.assertEq(processor.merchantOf(8).quota, 7, "the other's");
    }

    /// @dev All that a payment touches of a merchant stands in one word: no field touches another.
    function test_theFieldsOfAMerchantAreApart() public {
        address payout = address(type(uint160).max);
        processor.register(8, payout, "Most", type(uint64).max, type(uint64).max);
        merchantIs(payout, true, 0);
        processor.setActive(8, false);
        merchantIs(payout, false, 0);
        processor.setActive(8, true);
        give(alice, POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        payment.merchant = 8;
        vm.prank(alice);
        processor.pay(payment);
        merchantIs(payout, true, POINT);
        vm.prank(payout);
        processor.setPayout(8, address(1));
        merchantIs(address(1), true, POINT);
        processor.setActive(8, false);
        merchantIs(address(1), false, POINT);
        vm.warp(EPOCH + 2 days);
        merchantIs(address(1), false, 0);
    }

    function test_thePayoutOfAMerchant() public {
        vm.assertEq(processor.payoutOf(SHOP), shop, "as registered");
        vm.expectRevert(abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Unknown.selector, 8));
        processor.payoutOf(8);
    }

    function test_theCountersAreThoseOfToday() public {
        paid(alice, fec, 10 * POINT, "1");
        processor.issue(issueOf(alice, 3 * POINT, 0, "1"));
        IMerchantRegistry.Merchant memory merchant = processor.merchantOf(SHOP);
        vm.assertTrue(merchant.paidToday == 10 * POINT && merchant.issuedToday == 3 * POINT, "today");
        vm.warp(EPOCH + 2 days);
        merchant = processor.merchantOf(SHOP);
        vm.assertTrue(merchant.paidToday == 0 && merchant.issuedToday == 0, "a new day");
        vm.assertEq(merchant.quota, DAY_LIMIT - 3 * POINT, "the quota is for ever");
        // Either counter begins anew with the other.
        processor.issue(issueOf(alice, POINT, 0, "2"));
        merchant = processor.merchantOf(SHOP);
        vm.assertTrue(merchant.paidToday == 0 && merchant.issuedToday == POINT, "a new day, booked");
    }

    function test_settingsSayThatTheyChanged() public {
        vm.expectEmit();
        emit IMerchantRegistry.QuotaAdded(SHOP, 5, "new receipt");
        processor.addQuota(SHOP, 5, "new receipt");
        vm.expectEmit();
        emit IMerchantRegistry.MerchantActivated(SHOP, false);
        processor.setActive(SHOP, false);
        vm.expectEmit();
        emit IMerchantRegistry.LimitsSet(SHOP, 3, 4);
        processor.setLimits(SHOP, 3, 4);
        vm.expectEmit();
        emit IPointsToken.PersonLimitSet(9);
        token.setPersonLimit(9);
    }

    function test_anAnchorIsNeverReplaced() public {
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.AnchorRegistry_ZeroRoot.selector));
        anchors.append(0, 5);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.AnchorRegistry_Unknown.selector, 0));
        anchors.anchor(0);
        vm.expectEmit();
        emit IAnchorRegistry.Anchored(0, "root", 5);
        vm.assertEq(anchors.append("root", 5), 0, "first");
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.AnchorRegistry_FewerLeaves.selector, 4, 5));
        anchors.append("fewer", 4);
        vm.warp(EPOCH + 2 days);
        vm.assertEq(anchors.append("same", 5), 1, "second");
        vm.assertEq(anchors.count(), 2, "count");
        (bytes32 root, uint64 leaves, uint40 time) = anchors.anchor(0);
        vm.assertTrue(root == "root" && leaves == 5 && time == EPOCH + 1 days, "the first as it was");
        (root, leaves, time) = anchors.anchor(1);
        vm.assertTrue(root == "same" && leaves == 5 && time == EPOCH + 2 days, "the second");
    }

    /// @dev Every restricted function, called by an account without a role.
    function testFuzz_T17_whoHasNoRoleChangesNothing(address caller, uint8 which) public {
        vm.assume(caller != address(this) && caller != address(manager));
        IPrograms.Terms memory rules = fundTerms();
        bytes[20] memory calls = [
            abi.encodeCall(processor.register, (9, bob, "", 0, 0)),
            abi.encodeCall(processor.setActive, (SHOP, false)),
            abi.encodeCall(processor.setLimits, (SHOP, 0, 0)),
            abi.encodeCall(processor.addQuota, (SHOP, 1, "")),
            abi.encodeCall(processor.issue, (issueOf(bob, 1, 0, "x"))),
            abi.encodeCall(processor.issueBatch, (new IPaymentProcessor.Issue[](1))),
            abi.encodeCall(processor.issueReserve, (SHOP, "x", fund, 1, "")),
            abi.encodeCall(processor.approveIssue, ("hash")),
            abi.encodeCall(processor.setApprovalThreshold, (1)),
            abi.encodeCall(processor.setAuthority, (address(this))),
            abi.encodeCall(programs.open, (rules, "P", new bytes(72))),
            abi.encodeCall(programs.replace, (fund, rules, "P", new bytes(72))),
            abi.encodeCall(programs.setAuthority, (address(this))),
            abi.encodeCall(anchors.append, ("root", 1)),
            abi.encodeCall(IAccessManaged.setAuthority, (address(this))),
            abi.encodeCall(token.freeze, (bob, "")),
            abi.encodeCall(token.confirmFreeze, (bob, "")),
            abi.encodeCall(token.unfreeze, (bob)),
            abi.encodeCall(token.setPersonLimit, (1)),
            abi.encodeCall(token.setAuthority, (address(this)))
        ];
        which = which % 20;
        address target = which < 10
            ? address(processor)
            : which < 13 ? address(programs) : which < 15 ? address(anchors) : address(token);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller));
        vm.prank(caller);
        (bool done,) = target.call(calls[which]);
        vm.assertTrue(done, "expectRevert turns the result round");
    }

    function merchantIs(address payout, bool active, uint64 paidToday) private view {
        IMerchantRegistry.Merchant memory merchant = processor.merchantOf(8);
        vm.assertEq(merchant.payout, payout, "payout");
        vm.assertTrue(merchant.active == active, "active");
        vm.assertEq(merchant.paidToday, paidToday, "paid today");
        vm.assertTrue(merchant.paidPerDay == type(uint64).max && merchant.issuedPerDay == type(uint64).max, "limits");
    }
}
