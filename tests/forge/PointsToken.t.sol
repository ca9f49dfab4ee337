// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {PayerShare} from "../../contracts/types/PayerShare.sol";
import {IPointsToken, IPrograms, Setup} from "./Setup.sol";
import {Wallet} from "./Wallet.sol";

/// @dev Minting, burning, freezing and authorizations of the token itself.
contract PointsTokenTest is Setup {
    uint40 private constant NOW = EPOCH + 1 days;
    bytes32 private constant NONCE = "nonce";

    function test_T17_eachReasonToMintOrMoveHasItsOnlyCaller() public {
        address[4] memory callers = [address(processor), address(node), address(programs), address(this)];
        PayerShare[] memory shares = sharesOf(bob, 1, 0);
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory notProcessor =
                abi.encodeWithSelector(IPointsToken.PointsToken_NotProcessor.selector, callers[i]);
            bytes memory notNodes = abi.encodeWithSelector(IPointsToken.PointsToken_NotNodes.selector, callers[i]);
            if (i != 0) vm.expectRevert(notProcessor);
            vm.prank(callers[i]);
            token.settleIssue(bob, 1, 2, true);
            if (i != 0) vm.expectRevert(notProcessor);
            vm.prank(callers[i]);
            token.settle(alice, shares, 1, false);
            if (i != 0) vm.expectRevert(notProcessor);
            vm.prank(callers[i]);
            token.settleRefund(alice, bob, 1, 2, true, true);
            if (i != 0) vm.expectRevert(notProcessor);
            vm.prank(callers[i]);
            token.settleReserve(4);
            if (i != 1) vm.expectRevert(notNodes);
            vm.prank(callers[i]);
            token.releaseTo(bob, bob, 4, true);
            if (i != 1) vm.expectRevert(notNodes);
            vm.prank(callers[i]);
            token.setSupplyApart(1);
            if (i != 1) vm.expectRevert(notNodes);
            vm.prank(callers[i]);
            token.recount(bob, 5, 3);
            if (i != 1) vm.expectRevert(notNodes);
            vm.prank(callers[i]);
            token.handOver(bob, alice);
        }
        vm.assertEq(token.balanceOf(bob), 7, "1 issued, paid and given back, 2 diverted and given back, 4 released");
        vm.assertEq(token.balanceOf(address(node)), 0, "2 and 4 in the reserve, 2 and 4 out of it");
        vm.assertTrue(token.issued() == 7 && token.setApart() == fecTerms().cap + 1, "counted");
        vm.assertTrue(token.nodesOf(bob) == 2 && token.nodesOf(alice) == 1, "1 + 1 - 1 + 5 - 3 - 1 nodes");
    }

    function test_T03_issuedExactlyToTheCapAndOnePast() public {
        uint64 cap = uint64(token.SUPPLY_CAP());
        vm.assertEq(cap, 9e18, "9 trillion points");
        vm.assertEq(token.setApart(), fecTerms().cap, "for EMISSION programs");
        bytes memory reason =
            abi.encodeWithSelector(IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(cap) + 1, cap);
        uint64 rest = cap - token.setApart();
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settleReserve(rest + 1);
        give(bob, rest);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settleReserve(1);
        // Burning gives nothing back.
        vm.prank(bob);
        token.burn(rest);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settleReserve(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(cap) + type(uint64).max, cap
            )
        );
        vm.prank(address(processor));
        token.settleReserve(type(uint64).max);
        // By either other way.
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settleIssue(bob, 1, 0, false);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settleIssue(bob, 0, 1, false);
        vm.expectRevert(reason);
        vm.prank(address(node));
        token.setSupplyApart(1);
    }

    function test_T03_setApartExactlyToTheCapAndOnePast() public {
        uint64 cap = uint64(token.SUPPLY_CAP());
        give(bob, 5);
        uint64 rest = cap - token.setApart() - 5;
        vm.expectRevert(
            abi.encodeWithSelector(IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(cap) + 1, cap)
        );
        vm.prank(address(node));
        token.setSupplyApart(rest + 1);
        vm.prank(address(node));
        token.setSupplyApart(rest);
        vm.assertEq(token.setApart(), cap - 5, "exactly the cap");
    }

    /// @dev supply = issued + set apart - burned by holders - what EMISSION programs have not minted = all balances, after
    /// every kind of operation.
    function test_T05_theSupplyIsWhatAllAccountsHold() public {
        supplyIs(0);
        give(alice, 1000 * POINT);
        supplyIs(1000 * POINT);
        processor.issue(issueOf(bob, 3 * POINT, 4 * POINT, "1"));
        supplyIs(1007 * POINT);
        processor.issueReserve(SHOP, "2", fund, 50 * POINT, "evidence");
        supplyIs(1057 * POINT);
        // A payment of an EMISSION program burns; one of a FUNDED program does not.
        vm.prank(alice);
        processor.pay(paymentOf(alice, fec, 100 * POINT, "3"));
        supplyIs(1047 * POINT);
        vm.prank(alice);
        processor.pay(paymentOf(alice, fund, 100 * POINT, "4"));
        supplyIs(1047 * POINT);
        // A refund creates again what was burned.
        vm.prank(shop);
        processor.refund(paymentOf(alice, fec, 100 * POINT, "3"), 1, 40 * POINT);
        supplyIs(1051 * POINT);
        vm.prank(shop);
        processor.refund(paymentOf(alice, fund, 100 * POINT, "4"), 2, 40 * POINT);
        supplyIs(1051 * POINT);
        vm.prank(alice);
        token.burn(5 * POINT);
        supplyIs(1046 * POINT);
        vm.prank(bob);
        token.approve(alice, POINT);
        vm.prank(alice);
        token.burnFrom(bob, POINT);
        supplyIs(1045 * POINT);
        vm.prank(alice);
        token.transfer(bob, POINT);
        vm.prank(alice);
        token.transfer(alice, POINT);
        endowed(alice, POINT);
        supplyIs(1045 * POINT);
        // A new program sets supply apart, which is not minted by that.
        IPrograms.Terms memory rules = fecTerms();
        (rules.periods, rules.cap) = (1, 2_000_000 * POINT);
        programs.open(rules, "P", "");
        supplyIs(1045 * POINT);
        // A claim of an EMISSION node mints, by a transfer or not; one of a FUNDED node does not.
        vm.warp(unlock(fec) + 49 * 7 days);
        uint256 id = node.idOf(fec, 1, alice);
        uint256 released = claimOne(id);
        vm.assertGt(released, 0, "released");
        supplyIs(1045 * POINT + released);
        claimOne(node.idOf(fund, 2, alice));
        claimOne(node.issuedIdOf(fund, 2, bob));
        supplyIs(1045 * POINT + released);
        vm.warp(unlock(fec) + 99 * 7 days);
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        supplyIs(1105 * POINT);
    }

    function test_nothingReachesTheTokenItself() public {
        PayerShare[] memory shares = sharesOf(alice, 1, 1);
        give(alice, POINT);
        vm.prank(alice);
        token.approve(bob, 1);
        bytes memory reason = abi.encodeWithSelector(IPointsToken.PointsToken_SentToToken.selector);
        vm.expectRevert(reason);
        vm.prank(alice);
        token.transfer(address(token), 1);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settleIssue(address(token), 1, 0, false);
        vm.expectRevert(reason);
        vm.prank(address(node));
        token.releaseTo(alice, address(token), 1, false);
        vm.expectRevert(reason);
        vm.prank(address(node));
        token.releaseTo(address(token), address(token), 1, false);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settleRefund(alice, address(token), 1, 0, false, false);
        vm.expectRevert(reason);
        vm.prank(bob);
        token.transferFrom(alice, address(token), 1);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settle(address(token), shares, 0, false);
    }

    function test_T19_aFrozenAccountSendsNothingUntilExactlyTheEnd() public {
        PayerShare[] memory shares = sharesOf(alice, 1, 1);
        give(alice, 3 * POINT);
        vm.prank(alice);
        token.approve(bob, 10);
        vm.expectEmit();
        emit IPointsToken.Frozen(alice, NOW + 7 days, address(this), "stolen");
        token.freeze(alice, "stolen");
        vm.warp(NOW + 7 days - 1);
        bytes memory reason =
            abi.encodeWithSelector(IPointsToken.PointsToken_AccountFrozen.selector, alice, NOW + 7 days);
        vm.expectRevert(reason);
        vm.prank(alice);
        token.transfer(bob, 1);
        vm.expectRevert(reason);
        vm.prank(bob);
        token.transferFrom(alice, bob, 1);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settle(bob, shares, 0, true);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settleRefund(alice, bob, 1, 1, true, false);
        vm.expectRevert(reason);
        vm.prank(address(node));
        token.releaseTo(alice, bob, 1, false);
        vm.expectRevert(reason);
        vm.prank(address(node));
        token.handOver(alice, bob);
        vm.expectRevert(reason);
        vm.prank(alice);
        token.burn(1);
        vm.expectRevert(reason);
        vm.prank(bob);
        token.burnFrom(alice, 1);
        give(alice, 1);
        give(bob, 1);
        vm.prank(bob);
        token.transfer(alice, 1);
        vm.assertEq(token.balanceOf(alice), 3 * POINT + 2, "it still receives");
        vm.warp(NOW + 7 days);
        vm.prank(alice);
        token.transfer(bob, 1);
    }

    function test_T19_aGuardianFreezesAgainOnlyThirtyDaysLater() public {
        token.freeze(alice, "1");
        uint40 from = NOW + 37 days;
        bytes memory reason = abi.encodeWithSelector(IPointsToken.PointsToken_FrozenTooSoon.selector, alice, from);
        vm.expectRevert(reason);
        token.freeze(alice, "2");
        vm.warp(from - 1);
        vm.expectRevert(reason);
        token.freeze(alice, "2");
        vm.warp(from);
        token.freeze(alice, "2");
        vm.assertEq(token.frozenUntil(alice), from + 7 days, "again");
    }

    function test_T19_unfreezing() public {
        give(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_NotFrozen.selector, alice));
        token.unfreeze(alice);
        token.freeze(alice, "1");
        vm.warp(NOW + 1 days);
        vm.expectEmit();
        emit IPointsToken.Unfrozen(alice, address(this));
        token.unfreeze(alice);
        vm.prank(alice);
        token.transfer(bob, 1);
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_NotFrozen.selector, alice));
        token.unfreeze(alice);
        vm.warp(NOW + 31 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_FrozenTooSoon.selector, alice, NOW + 31 days));
        token.freeze(alice, "2");
        vm.warp(NOW + 31 days);
        token.freeze(alice, "2");
        vm.warp(NOW + 38 days);
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_NotFrozen.selector, alice));
        token.unfreeze(alice);
    }

    function test_T19_aConfirmedFreezeLastsUntilItIsLifted() public {
        give(alice, 1);
        token.freeze(alice, "1");
        token.confirmFreeze(alice, "court order");
        vm.warp(NOW + 100 * 365 days);
        vm.expectRevert(
            abi.encodeWithSelector(IPointsToken.PointsToken_AccountFrozen.selector, alice, type(uint40).max)
        );
        vm.prank(alice);
        token.transfer(bob, 1);
        // A guardian cannot shorten it by freezing.
        vm.expectRevert(
            abi.encodeWithSelector(IPointsToken.PointsToken_FrozenTooSoon.selector, alice, type(uint40).max)
        );
        token.freeze(alice, "2");
        token.unfreeze(alice);
        vm.prank(alice);
        token.transfer(bob, 1);
    }

    function test_T17_T19_whoFreezes() public {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.expectRevert(reason);
        vm.prank(stranger);
        token.freeze(alice, "");
        vm.expectRevert(reason);
        vm.prank(stranger);
        token.unfreeze(alice);
        // A guardian that is not the admin cannot confirm.
        manager.grantRole(4, stranger, 0);
        vm.expectRevert(reason);
        vm.prank(stranger);
        token.confirmFreeze(alice, "");
        vm.prank(stranger);
        token.freeze(alice, "");
    }

    function test_T19_theProcessorAndTheNodesAreNeverFrozen() public {
        address[2] memory accounts = [address(processor), address(node)];
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory reason = abi.encodeWithSelector(IPointsToken.PointsToken_NotFreezable.selector, accounts[i]);
            vm.expectRevert(reason);
            token.freeze(accounts[i], "");
            vm.expectRevert(reason);
            token.confirmFreeze(accounts[i], "");
        }
    }

    function test_burning() public {
        give(alice, 5);
        vm.expectEmit();
        emit IERC20.Transfer(alice, address(0), 2);
        vm.prank(alice);
        token.burn(2);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, bob, 0, 1));
        vm.prank(bob);
        token.burnFrom(alice, 1);
        vm.prank(alice);
        token.approve(bob, 1);
        vm.prank(bob);
        token.burnFrom(alice, 1);
        vm.assertTrue(token.balanceOf(alice) == 2 && token.totalSupply() == 2, "three burned");
    }

    function test_itsNameAndDomain() public view {
        vm.assertEq(token.name(), "chainpoints", "name");
        vm.assertEq(token.symbol(), "POINTS", "symbol");
        vm.assertEq(token.decimals(), 6, "decimals");
        (, string memory name, string memory version, uint256 chain, address verifier,,) = token.eip712Domain();
        vm.assertEq(name, "chainpoints", "domain name");
        vm.assertEq(version, "1", "domain version");
        vm.assertTrue(chain == block.chainid && verifier == address(token), "domain");
    }

    function test_T14_transferByAuthorizationInBothForms() public {
        give(alice, 10);
        bytes memory signature = transferSignature(ALICE_KEY, alice);
        token.transferWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, signature);
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, alice, NONCE));
        token.transferWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, signature);
        (bytes32 r, bytes32 s) = abi.decode(bytes.concat(signature, new bytes(63)), (bytes32, bytes32));
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, alice, NONCE));
        token.transferWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, uint8(signature[64]), r, s);
        vm.assertEq(token.balanceOf(bob), 3, "once");
    }

    /// @dev Whoever sees it cannot send it in the receiver's place.
    function test_T13_receivingIsForTheReceiverAlone() public {
        give(alice, 10);
        bytes memory signature = receiveSignature(ALICE_KEY, alice, NONCE);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, bob));
        vm.prank(stranger);
        token.receiveWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, signature);
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_InvalidSignature.selector, alice));
        vm.prank(stranger);
        token.transferWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, signature);
        vm.prank(bob);
        token.receiveWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, signature);
        vm.assertEq(token.balanceOf(bob), 3, "received");
    }

    function test_T14_receivingNeedsTheHoldersSignatureInBothForms() public {
        give(alice, 10);
        bytes memory invalid = abi.encodeWithSelector(IPointsToken.PointsToken_InvalidSignature.selector, alice);
        bytes[2] memory wrong = [receiveSignature(SHOP_KEY, alice, NONCE), transferSignature(ALICE_KEY, alice)];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(invalid);
            vm.prank(bob);
            token.receiveWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, wrong[i]);
            (bytes32 r, bytes32 s, uint8 v) = parts(wrong[i]);
            vm.expectRevert(invalid);
            vm.prank(bob);
            token.receiveWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, v, r, s);
        }
        vm.assertEq(token.balanceOf(alice), 10, "nothing taken");
    }

    /// @dev OpenZeppelin reads times with bit 47 set as block numbers; here they are seconds.
    function test_T14_blockNumbersAreNotTimes() public {
        give(alice, 10);
        uint256 flag = 1 << 47;
        bytes memory signature = transferSignature(ALICE_KEY, alice, flag, flag | type(uint40).max);
        vm.expectRevert(
            abi.encodeWithSelector(ERC3009.ERC3009InvalidAuthorizationTime.selector, flag, flag | type(uint40).max)
        );
        token.transferWithAuthorization(alice, bob, 3, flag, flag | type(uint40).max, NONCE, signature);
    }

    function test_T15_transferByAuthorizationOfAContractWallet() public {
        Wallet wallet = new Wallet(alice);
        give(address(wallet), 10);
        bytes memory wrong = transferSignature(SHOP_KEY, address(wallet));
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_InvalidSignature.selector, address(wallet)));
        token.transferWithAuthorization(address(wallet), bob, 3, 0, NOW + 1, NONCE, wrong);
        bytes memory right = transferSignature(ALICE_KEY, address(wallet));
        token.transferWithAuthorization(address(wallet), bob, 3, 0, NOW + 1, NONCE, right);
        vm.assertEq(token.balanceOf(bob), 3, "paid");
    }

    function test_T15_highSOddVShortAndZeroSignerInBothForms() public {
        give(alice, 10);
        bytes memory good = transferSignature(ALICE_KEY, alice);
        (bytes32 r, bytes32 s, uint8 v) = parts(good);
        bytes32 high = bytes32(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - uint256(s));
        refused(alice, v ^ 7, r, high);
        refused(alice, v + 2, r, s);
        refused(alice, v - 27, r, s);
        refused(alice, v, r, 0);
        refused(address(0), 29, r, s);
        bytes[3] memory odd = [bytes(""), abi.encodePacked(r, s), bytes.concat(good, hex"00")];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_InvalidSignature.selector, alice));
            token.transferWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, odd[i]);
        }
        token.transferWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, v, r, s);
    }

    function test_T15_aContractWalletSignsInThePlainFormToo() public {
        Wallet wallet = new Wallet(alice);
        give(address(wallet), 10);
        bytes memory invalid =
            abi.encodeWithSelector(IPointsToken.PointsToken_InvalidSignature.selector, address(wallet));
        (bytes32 r, bytes32 s, uint8 v) = parts(transferSignature(SHOP_KEY, address(wallet)));
        vm.expectRevert(invalid);
        token.transferWithAuthorization(address(wallet), bob, 3, 0, NOW + 1, NONCE, v, r, s);
        (r, s, v) = parts(transferSignature(ALICE_KEY, address(wallet)));
        token.transferWithAuthorization(address(wallet), bob, 3, 0, NOW + 1, NONCE, v, r, s);
        vm.assertEq(token.balanceOf(bob), 3, "sent");

        (r, s, v) = parts(receiveSignature(ALICE_KEY, address(wallet), "2"));
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, bob));
        vm.prank(stranger);
        token.receiveWithAuthorization(address(wallet), bob, 3, 0, NOW + 1, "2", v, r, s);
        vm.prank(bob);
        token.receiveWithAuthorization(address(wallet), bob, 3, 0, NOW + 1, "2", v, r, s);
        vm.assertEq(token.balanceOf(bob), 6, "received");

        (r, s, v) = parts(cancelSignature(SHOP_KEY, address(wallet), "3"));
        vm.expectRevert(invalid);
        token.cancelAuthorization(address(wallet), "3", v, r, s);
        (r, s, v) = parts(cancelSignature(ALICE_KEY, address(wallet), "3"));
        token.cancelAuthorization(address(wallet), "3", v, r, s);
        vm.assertTrue(token.authorizationState(address(wallet), "3"), "cancelled");
    }

    function test_permitInBothFormsByAnAccountAndByAContractWallet() public {
        Wallet wallet = new Wallet(alice);
        address[2] memory owners = [alice, address(wallet)];
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory invalid = abi.encodeWithSelector(IPointsToken.PointsToken_InvalidSignature.selector, owners[i]);
            bytes memory wrong = permitSignature(SHOP_KEY, owners[i], 3, NOW);
            bytes memory good = permitSignature(ALICE_KEY, owners[i], 3, NOW);
            vm.expectRevert(invalid);
            token.permit(owners[i], bob, 3, NOW, wrong);
            vm.expectRevert(invalid);
            token.permit(owners[i], bob, 4, NOW, good);
            vm.expectRevert(invalid);
            token.permit(owners[i], stranger, 3, NOW, good);
            vm.expectEmit();
            emit IERC20.Approval(owners[i], bob, 3);
            token.permit(owners[i], bob, 3, NOW, good);
            vm.assertTrue(token.allowance(owners[i], bob) == 3 && token.nonces(owners[i]) == 1, "allowed");
            // T14: once, in whichever form.
            (bytes32 r, bytes32 s, uint8 v) = parts(good);
            vm.expectRevert(invalid);
            token.permit(owners[i], bob, 3, NOW, good);
            vm.expectRevert(invalid);
            token.permit(owners[i], bob, 3, NOW, v, r, s);
            (r, s, v) = parts(permitSignature(ALICE_KEY, owners[i], 5, NOW));
            token.permit(owners[i], bob, 5, NOW, v, r, s);
            vm.assertTrue(token.allowance(owners[i], bob) == 5 && token.nonces(owners[i]) == 2, "allowed");
        }
    }

    function test_T14_permitExactlyAtItsDeadlineAndOnePast() public {
        bytes memory signature = permitSignature(ALICE_KEY, alice, 3, NOW + 9);
        (bytes32 r, bytes32 s, uint8 v) = parts(signature);
        vm.warp(NOW + 10);
        bytes memory expired = abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, NOW + 9);
        vm.expectRevert(expired);
        token.permit(alice, bob, 3, NOW + 9, signature);
        vm.expectRevert(expired);
        token.permit(alice, bob, 3, NOW + 9, v, r, s);
        vm.warp(NOW + 9);
        token.permit(alice, bob, 3, NOW + 9, signature);
    }

    /// @dev Whoever sends the permit first spends the sender's own, not the allowance: the deposit goes on.
    function test_T12_aPermitThatAnotherSentFirstStillLetsItsSignerDeposit() public {
        give(alice, 5 * POINT);
        bytes memory signature = permitSignatureTo(ALICE_KEY, alice, address(node), 5 * POINT, NOW);
        vm.prank(stranger);
        token.permit(alice, address(node), 5 * POINT, NOW, signature);
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_InvalidSignature.selector, alice));
        vm.prank(alice);
        token.permit(alice, address(node), 5 * POINT, NOW, signature);
        vm.assertEq(token.allowance(alice, address(node)), 5 * POINT, "what was signed");
        bytes memory none =
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(node), 0, 5 * POINT);
        vm.expectRevert(none);
        vm.prank(stranger);
        node.deposit(fund, 5 * POINT);
        vm.prank(alice);
        node.deposit(fund, 5 * POINT);
        vm.assertEq(token.balanceOf(alice), 0, "deposited");
        vm.assertEq(token.balanceOf(address(node)), 5 * POINT, "held");
        vm.assertEq(node.books(fund).reserve, 5 * POINT, "reserve");
        vm.assertEq(token.allowance(alice, address(node)), 0, "used");
    }

    function test_T15_permitOfNobodyOrOfAnOddSignature() public {
        (bytes32 r, bytes32 s, uint8 v) = parts(permitSignature(ALICE_KEY, address(0), 3, NOW));
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_InvalidSignature.selector, address(0)));
        token.permit(address(0), bob, 3, NOW, 29, r, s);
        (r, s, v) = parts(permitSignature(ALICE_KEY, alice, 3, NOW));
        bytes memory invalid = abi.encodeWithSelector(IPointsToken.PointsToken_InvalidSignature.selector, alice);
        bytes32 high = bytes32(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - uint256(s));
        vm.expectRevert(invalid);
        token.permit(alice, bob, 3, NOW, v ^ 7, r, high);
        vm.expectRevert(invalid);
        token.permit(alice, bob, 3, NOW, abi.encodePacked(r, s));
        token.permit(alice, bob, 3, NOW, v, r, s);
    }

    function test_T14_validAfterAndBeforeExactlyAndOnePast() public {
        give(alice, 10);
        timed(NOW, NOW + 1, true);
        timed(NOW - 1, NOW, true);
        timed(NOW - 1, NOW + 1, false);
    }

    function test_T18_personLimitOfIssuesExactlyOnePastAndAtMidnight() public {
        vm.expectEmit();
        emit IPointsToken.PersonLimitSet(10);
        token.setPersonLimit(10);
        vm.warp(EPOCH + 2 days - 1);
        issuedRefused(5, 6, 11, 10);
        vm.prank(address(processor));
        token.settleIssue(alice, 5, 5, false);
        issuedRefused(0, 1, 1, 0);
        (uint64 limit, uint64 today) = token.personLimit(alice);
        vm.assertTrue(limit == 10 && today == 10, "used up");
        // What is issued to no person, or is paid or released to one, does not count.
        vm.prank(address(processor));
        token.settleReserve(100);
        vm.prank(address(node));
        token.releaseTo(alice, alice, 100, true);
        vm.warp(EPOCH + 2 days);
        (, today) = token.personLimit(alice);
        vm.assertEq(today, 0, "a new day");
        issuedRefused(11, 0, 11, 10);
        issuedRefused(type(uint64).max, type(uint64).max, 2 * uint256(type(uint64).max), 10);
        vm.prank(address(processor));
        token.settleIssue(alice, 10, 0, false);
    }

    /// @dev All that is kept of an account stands in one word: no field touches another.
    function test_theFieldsOfAnAccountAreApart() public {
        token.setPersonLimit(type(uint64).max);
        uint64 most = uint64(token.SUPPLY_CAP()) - token.setApart();
        vm.prank(address(processor));
        token.settleIssue(alice, most, 0, true);
        vm.prank(address(node));
        token.recount(alice, type(uint32).max - 1, 0);
        token.confirmFreeze(alice, "");
        vm.warp(EPOCH + 2 days - 1);
        vm.prank(alice);
        token.cancelPayments();
        fields(most, type(uint32).max, type(uint40).max, EPOCH + 2 days - 1, most);
        token.unfreeze(alice);
        fields(most, type(uint32).max, EPOCH + 2 days - 1, EPOCH + 2 days - 1, most);
        vm.prank(address(node));
        token.recount(alice, 0, type(uint32).max);
        fields(most, 0, EPOCH + 2 days - 1, EPOCH + 2 days - 1, most);
        vm.prank(alice);
        token.transfer(bob, most);
        fields(0, 0, EPOCH + 2 days - 1, EPOCH + 2 days - 1, most);
        vm.warp(EPOCH + 2 days);
        fields(0, 0, EPOCH + 2 days - 1, EPOCH + 2 days - 1, 0);
    }

    function test_T14_cancelledByAContractWalletAndByNobodyElse() public {
        Wallet wallet = new Wallet(alice);
        give(address(wallet), 10);
        bytes memory wrong = cancelSignature(SHOP_KEY, address(wallet), NONCE);
        bytes memory right = cancelSignature(ALICE_KEY, address(wallet), NONCE);
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_InvalidSignature.selector, address(wallet)));
        token.cancelAuthorization(address(wallet), NONCE, wrong);
        token.cancelAuthorization(address(wallet), NONCE, right);
        bytes memory signature = transferSignature(ALICE_KEY, address(wallet));
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, address(wallet), NONCE));
        token.transferWithAuthorization(address(wallet), bob, 3, 0, NOW + 1, NONCE, signature);
    }

    function test_T19_aFrozenAccountAuthorizesNothing() public {
        give(alice, 10);
        token.freeze(alice, "");
        bytes memory signature = transferSignature(ALICE_KEY, alice);
        vm.expectRevert(abi.encodeWithSelector(IPointsToken.PointsToken_AccountFrozen.selector, alice, NOW + 7 days));
        token.transferWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, signature);
    }

    function fields(uint64 points, uint256 nodes, uint40 frozen, uint40 cancelled, uint64 issuedToday) private view {
        vm.assertEq(token.balanceOf(alice), points, "points");
        vm.assertEq(token.nodesOf(alice), nodes, "nodes");
        vm.assertEq(token.frozenUntil(alice), frozen, "frozen until");
        vm.assertEq(token.paymentsCancelledAt(alice), cancelled, "cancelled at");
        (, uint64 today) = token.personLimit(alice);
        vm.assertEq(today, issuedToday, "issued today");
    }

    function supplyIs(uint256 supply) private view {
        vm.assertEq(token.totalSupply(), supply, "supply");
        address[5] memory accounts = [alice, bob, shop, address(node), address(this)];
        uint256 sum;
        for (uint256 i = 0; i < 5; ++i) {
            sum += token.balanceOf(accounts[i]);
        }
        vm.assertEq(sum, supply, "all balances");
        vm.assertLe(supply, uint256(token.issued()) + token.setApart(), "within what was parted");
    }

    function endowed(address sponsor, uint64 amount) private {
        vm.prank(sponsor);
        token.approve(address(node), amount);
        vm.prank(sponsor);
        node.deposit(fund, amount);
    }

    function sharesOf(address payer, uint64 merchantShare, uint64 diverted)
        private
        pure
        returns (PayerShare[] memory shares)
    {
        shares = new PayerShare[](1);
        shares[0] = PayerShare(payer, merchantShare, diverted, type(uint40).max);
    }

    function issuedRefused(uint64 points, uint64 total, uint256 tried, uint64 left) private {
        vm.expectRevert(
            abi.encodeWithSelector(IPointsToken.PointsToken_PersonLimitExceeded.selector, alice, tried, left)
        );
        vm.prank(address(processor));
        token.settleIssue(alice, points, total, false);
    }

    function refused(address from, uint8 v, bytes32 r, bytes32 s) private {
        bytes memory reason = abi.encodeWithSelector(IPointsToken.PointsToken_InvalidSignature.selector, from);
        vm.expectRevert(reason);
        token.transferWithAuthorization(from, bob, 3, 0, NOW + 1, NONCE, v, r, s);
        vm.expectRevert(reason);
        token.transferWithAuthorization(from, bob, 3, 0, NOW + 1, NONCE, abi.encodePacked(r, s, v));
    }

    function timed(uint256 validAfter, uint256 validBefore, bool refusedOne) private {
        bytes memory signature = transferSignature(ALICE_KEY, alice, validAfter, validBefore);
        if (refusedOne) {
            vm.expectRevert(
                abi.encodeWithSelector(ERC3009.ERC3009InvalidAuthorizationTime.selector, validAfter, validBefore)
            );
        }
        token.transferWithAuthorization(alice, bob, 3, validAfter, validBefore, NONCE, signature);
    }

    function parts(bytes memory signature) private pure returns (bytes32 r, bytes32 s, uint8 v) {
        (r, s) = abi.decode(bytes.concat(signature, new bytes(63)), (bytes32, bytes32));
        v = uint8(signature[64]);
    }

    function permitSignature(uint256 key, address owner, uint256 value, uint256 deadline)
        private
        view
        returns (bytes memory)
    {
        return permitSignatureTo(key, owner, bob, value, deadline);
    }

    function permitSignatureTo(uint256 key, address owner, address spender, uint256 value, uint256 deadline)
        private
        view
        returns (bytes memory)
    {
        bytes32 typehash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash = keccak256(abi.encode(typehash, owner, spender, value, token.nonces(owner), deadline));
        return sign(key, token.DOMAIN_SEPARATOR(), structHash);
    }

    function test_theZeroAddressNeitherSpendsNorApproves() public {
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidSpender.selector, address(0)));
        vm.prank(alice);
        token.approve(address(0), 1);
        bytes memory noApprover = abi.encodeWithSelector(IERC20Errors.ERC20InvalidApprover.selector, address(0));
        vm.expectRevert(noApprover);
        token.transferFrom(address(0), bob, 0);
        vm.expectRevert(noApprover);
        token.burnFrom(address(0), 0);
    }

    function test_theAccessManagerIsExchangedForNothingWithoutCode() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, stranger));
        manager.updateAuthority(address(token), stranger);
    }

    function receiveSignature(uint256 key, address from, bytes32 nonce) private view returns (bytes memory) {
        bytes32 typehash = keccak256(
            "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
        );
        bytes32 structHash = keccak256(abi.encode(typehash, from, bob, 3, 0, NOW + 1, nonce));
        return sign(key, token.DOMAIN_SEPARATOR(), structHash);
    }

    function cancelSignature(uint256 key, address authorizer, bytes32 nonce) private view returns (bytes memory) {
        bytes32 typehash = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");
        return sign(key, token.DOMAIN_SEPARATOR(), keccak256(abi.encode(typehash, authorizer, nonce)));
    }

    function transferSignature(uint256 key, address from) private view returns (bytes memory) {
        return transferSignature(key, from, 0, NOW + 1);
    }

    function transferSignature(uint256 key, address from, uint256 validAfter, uint256 validBefore)
        private
        view
        returns (bytes memory)
    {
        bytes32 typehash = keccak256(
            "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
        );
        bytes32 structHash = keccak256(abi.encode(typehash, from, bob, 3, validAfter, validBefore, NONCE));
        return sign(key, token.DOMAIN_SEPARATOR(), structHash);
    }
}
