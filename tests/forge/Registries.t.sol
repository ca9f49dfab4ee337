// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAnchorRegistry} from "../../contracts/interfaces/IAnchorRegistry.sol";
import {IMerchantRegistry, IPrograms, Setup} from "./Setup.sol";

/// @dev The merchants' and the anchors' registries, and who may call what is restricted.
contract RegistriesTest is Setup {
    function test_aMerchantIsRegisteredOnce() public {
        vm.expectRevert(abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_AlreadyRegistered.selector, SHOP));
        registry.register(SHOP, bob, "Again", 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_ZeroPayout.selector));
        registry.register(8, address(0), "Nobody", 0, 0);
        vm.expectEmit();
        emit IMerchantRegistry.MerchantRegistered(8, bob, "Bob's");
        vm.expectEmit();
        emit IMerchantRegistry.LimitsSet(8, 1, 2);
        registry.register(8, bob, "Bob's", 1, 2);
        IMerchantRegistry.Merchant memory merchant = registry.merchantOf(8);
        vm.assertTrue(merchant.payout == bob && merchant.active && merchant.quota == 0, "as given");
        vm.assertTrue(merchant.paidPerDay == 1 && merchant.issuedPerDay == 2, "limits");
    }

    function test_unknownMerchant() public {
        bytes memory reason = abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_Unknown.selector, 8);
        vm.expectRevert(reason);
        registry.merchantOf(8);
        vm.expectRevert(reason);
        registry.setPayout(8, bob);
        vm.expectRevert(reason);
        registry.setActive(8, true);
        vm.expectRevert(reason);
        registry.setLimits(8, 0, 0);
        vm.expectRevert(reason);
        registry.addQuota(8, 1, "receipt");
    }

    function test_T18_aQuotaIsAtMostTheSupplyCap() public {
        uint64 left = uint64(token.SUPPLY_CAP()) - DAY_LIMIT;
        for (uint256 i = 0; i < 2; ++i) {
            uint64 tried = i == 0 ? left + 1 : type(uint64).max;
            vm.expectRevert(
                abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_QuotaCapExceeded.selector, SHOP, tried, left)
            );
            registry.addQuota(SHOP, tried, "too much");
        }
        registry.addQuota(SHOP, left, "exactly at it");
        vm.assertEq(registry.merchantOf(SHOP).quota, token.SUPPLY_CAP(), "quota");
        vm.expectRevert(
            abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_QuotaCapExceeded.selector, SHOP, 1, 0)
        );
        registry.addQuota(SHOP, 1, "full");
        processor.issue(issueOf(alice, 3 * POINT, 0, "1"));
        registry.addQuota(SHOP, 3 * POINT, "as much as was issued");
    }

    function test_T17_onlyThePayoutMovesThePayout() public {
        vm.expectRevert(
            abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_NotPayout.selector, SHOP, address(this))
        );
        registry.setPayout(SHOP, address(this));
        vm.expectRevert(abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_ZeroPayout.selector));
        vm.prank(shop);
        registry.setPayout(SHOP, address(0));
        vm.expectEmit();
        emit IMerchantRegistry.PayoutChanged(SHOP, bob);
        vm.prank(shop);
        registry.setPayout(SHOP, bob);
        paid(alice, fec, 10 * POINT, "1");
        vm.assertEq(token.balanceOf(bob), 9 * POINT, "to the new address");
    }

    function test_T17_onlyTheProcessorBooks() public {
        bytes memory reason =
            abi.encodeWithSelector(IMerchantRegistry.MerchantRegistry_NotProcessor.selector, address(this));
        vm.expectRevert(reason);
        registry.consumePaid(SHOP, 1);
        vm.expectRevert(reason);
        registry.consumeIssued(SHOP, alice, 1);
    }

    function test_theCountersAreThoseOfToday() public {
        paid(alice, fec, 10 * POINT, "1");
        processor.issue(issueOf(alice, 3 * POINT, 0, "1"));
        IMerchantRegistry.Merchant memory merchant = registry.merchantOf(SHOP);
        vm.assertTrue(merchant.paidToday == 10 * POINT && merchant.issuedToday == 3 * POINT, "today");
        vm.warp(EPOCH + 2 days);
        merchant = registry.merchantOf(SHOP);
        vm.assertTrue(merchant.paidToday == 0 && merchant.issuedToday == 0, "a new day");
        vm.assertEq(merchant.quota, DAY_LIMIT - 3 * POINT, "the quota is for ever");
        // Either counter begins anew with the other.
        processor.issue(issueOf(alice, POINT, 0, "2"));
        merchant = registry.merchantOf(SHOP);
        vm.assertTrue(merchant.paidToday == 0 && merchant.issuedToday == POINT, "a new day, booked");
    }

    function test_settingsSayThatTheyChanged() public {
        vm.expectEmit();
        emit IMerchantRegistry.QuotaAdded(SHOP, 5, "receipt");
        registry.addQuota(SHOP, 5, "receipt");
        vm.expectEmit();
        emit IMerchantRegistry.MerchantActivated(SHOP, false);
        registry.setActive(SHOP, false);
        vm.expectEmit();
        emit IMerchantRegistry.PersonLimitSet(9);
        registry.setPersonLimit(9);
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
        bytes[14] memory calls = [
            abi.encodeCall(registry.register, (9, bob, "", 0, 0)),
            abi.encodeCall(registry.setActive, (SHOP, false)),
            abi.encodeCall(registry.setLimits, (SHOP, 0, 0)),
            abi.encodeCall(registry.addQuota, (SHOP, 1, "")),
            abi.encodeCall(registry.setPersonLimit, (1)),
            abi.encodeCall(processor.issue, (issueOf(bob, 1, 0, "x"))),
            abi.encodeCall(processor.issueReserve, (SHOP, "x", fund, 1, "")),
            abi.encodeCall(programs.open, (rules, new bytes(72))),
            abi.encodeCall(token.freeze, (bob, "")),
            abi.encodeCall(token.confirmFreeze, (bob, "")),
            abi.encodeCall(token.unfreeze, (bob)),
            abi.encodeCall(anchors.append, ("root", 1)),
            abi.encodeCall(token.setAuthority, (address(this))),
            abi.encodeCall(processor.setAuthority, (address(this)))
        ];
        which = which % 14;
        address target = which < 5
            ? address(registry)
            : which < 7
                ? address(processor)
                : which == 7
                    ? address(programs)
                    : which == 11 ? address(anchors) : which == 13 ? address(processor) : address(token);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller));
        vm.prank(caller);
        (bool done,) = target.call(calls[which]);
        vm.assertTrue(done, "expectRevert turns the result round");
    }
}
