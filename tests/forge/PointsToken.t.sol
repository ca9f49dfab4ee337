// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {IPointsToken, Setup} from "./Setup.sol";
import {Wallet} from "./Wallet.sol";

/// @dev Minting, burning, freezing and authorizations of the token itself.
contract PointsTokenTest is Setup {
    uint40 private constant NOW = EPOCH + 1 days;
    bytes32 private constant NONCE = "nonce";

    function test_T17_eachReasonToMintOrMoveHasItsOnlyCaller() public {
        address[3] memory callers = [address(processor), address(programs), address(this)];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory notProcessor =
                abi.encodeWithSelector(IPointsToken.PointsToken_NotProcessor.selector, callers[i]);
            bytes memory notPrograms = abi.encodeWithSelector(IPointsToken.PointsToken_NotPrograms.selector, callers[i]);
            if (i != 0) vm.expectRevert(notProcessor);
            vm.prank(callers[i]);
            token.mintIssued(bob, 1);
            if (i != 0) vm.expectRevert(notProcessor);
            vm.prank(callers[i]);
            token.settlePayment(bob, alice, 1, 0, false);
            if (i != 0) vm.expectRevert(notProcessor);
            vm.prank(callers[i]);
            token.settleRefund(alice, bob, 1, 1);
            if (i != 1) vm.expectRevert(notPrograms);
            vm.prank(callers[i]);
            token.mintReleased(bob, 1);
            if (i != 1) vm.expectRevert(notPrograms);
            vm.prank(callers[i]);
            token.setSupplyApart(1);
        }
        vm.assertEq(token.balanceOf(bob), 3, "minted");
        vm.assertTrue(token.issued() == 1 && token.setApart() == fecTerms().cap + 1, "counted");
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
        token.mintIssued(bob, rest + 1);
        give(bob, rest);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.mintIssued(bob, 1);
        // Burning gives nothing back.
        vm.prank(bob);
        token.burn(rest);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.mintIssued(bob, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(cap) + type(uint64).max, cap
            )
        );
        vm.prank(address(processor));
        token.mintIssued(bob, type(uint64).max);
    }

    function test_nothingReachesTheTokenItself() public {
        give(alice, POINT);
        vm.prank(alice);
        token.approve(bob, 1);
        bytes memory reason = abi.encodeWithSelector(IPointsToken.PointsToken_SentToToken.selector);
        vm.expectRevert(reason);
        vm.prank(alice);
        token.transfer(address(token), 1);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.mintIssued(address(token), 1);
        vm.expectRevert(reason);
        vm.prank(address(programs));
        token.mintReleased(address(token), 1);
        vm.expectRevert(reason);
        vm.prank(bob);
        token.transferFrom(alice, address(token), 1);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settlePayment(alice, address(token), 1, 1, false);
    }

    function test_T19_aFrozenAccountSendsNothingUntilExactlyTheEnd() public {
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
        token.settlePayment(alice, bob, 1, 1, true);
        vm.expectRevert(reason);
        vm.prank(address(processor));
        token.settleRefund(alice, bob, 1, 1);
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

    function test_T19_theProcessorAndProgramsAreNeverFrozen() public {
        address[2] memory accounts = [address(processor), address(programs)];
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
        bytes32 typehash = keccak256(
            "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
        );
        bytes32 structHash = keccak256(abi.encode(typehash, alice, bob, 3, 0, NOW + 1, NONCE));
        bytes memory signature = sign(ALICE_KEY, token.DOMAIN_SEPARATOR(), structHash);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, bob));
        vm.prank(stranger);
        token.receiveWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, signature);
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
        vm.prank(stranger);
        token.transferWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, signature);
        vm.prank(bob);
        token.receiveWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, signature);
        vm.assertEq(token.balanceOf(bob), 3, "received");
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
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
        token.transferWithAuthorization(address(wallet), bob, 3, 0, NOW + 1, NONCE, wrong);
        bytes memory right = transferSignature(ALICE_KEY, address(wallet));
        token.transferWithAuthorization(address(wallet), bob, 3, 0, NOW + 1, NONCE, right);
        vm.assertEq(token.balanceOf(bob), 3, "paid");
    }

    function test_T15_highSAndZeroSignerInThePlainForm() public {
        give(alice, 10);
        bytes memory signature = transferSignature(ALICE_KEY, alice);
        (bytes32 r, bytes32 s) = abi.decode(bytes.concat(signature, new bytes(63)), (bytes32, bytes32));
        bytes32 high = bytes32(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - uint256(s));
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high));
        token.transferWithAuthorization(alice, bob, 3, 0, NOW + 1, NONCE, uint8(signature[64]) ^ 7, r, high);
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignature.selector));
        token.transferWithAuthorization(address(0), bob, 0, 0, NOW + 1, NONCE, 29, r, s);
    }

    function test_T14_cancelledByAContractWalletAndByNobodyElse() public {
        Wallet wallet = new Wallet(alice);
        give(address(wallet), 10);
        bytes32 structHash = keccak256(
            abi.encode(keccak256("CancelAuthorization(address authorizer,bytes32 nonce)"), address(wallet), NONCE)
        );
        bytes memory wrong = sign(SHOP_KEY, token.DOMAIN_SEPARATOR(), structHash);
        bytes memory right = sign(ALICE_KEY, token.DOMAIN_SEPARATOR(), structHash);
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
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
