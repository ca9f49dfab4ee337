// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {IPaymentProcessor, PaymentProcessor, Setup} from "./Setup.sol";
import {Wallet} from "./Wallet.sol";

/// @dev `payWithAuthorization` and `payBatchWithAuthorization`, sent by a stranger.
contract PayWithAuthorizationTest is Setup {
    bytes4 private constant INVALID = ERC3009.ERC3009InvalidSignature.selector;
    uint256 private constant ORDER_OF_CURVE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function setUp() public override {
        super.setUp();
        give(alice, 1000 * POINT);
    }

    function test_T14_signedByAnother() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        refused(payment, authorized(SHOP_KEY, alice, POINT, processor.paymentHash(payment)), bytes4Of(INVALID));
    }

    /// @dev The hash of the terms is the nonce, so a relayer cannot change any of them.
    function test_T13_everyTermIsBound() public {
        registry.register(8, bob, "Other", DAY_LIMIT, DAY_LIMIT);
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        IPaymentProcessor.Authorization memory authorization =
            authorized(ALICE_KEY, alice, POINT, processor.paymentHash(payment));
        payment.merchant = 8;
        refused(payment, authorization, bytes4Of(INVALID));
        payment.merchant = SHOP;
        payment.program = fund;
        refused(payment, authorization, bytes4Of(INVALID));
        payment.program = fec;
        payment.amount = 2 * POINT;
        refused(payment, authorization, bytes4Of(INVALID));
        payment.amount = POINT;
        payment.payer = bob;
        refused(payment, authorization, bytes4Of(INVALID));
        payment.payer = alice;
        payment.order = "2";
        refused(payment, authorization, bytes4Of(INVALID));
        payment.order = "1";
        accepted(payment, authorization);
    }

    function test_T14_validAfterAndBeforeExactlyAndOnePast() public {
        uint48 now_ = EPOCH + 1 days;
        timed("1", now_, now_ + 1, true);
        timed("2", now_ - 1, now_, true);
        timed("3", now_ - 1, now_ + 1, false);
    }

    /// @dev OpenZeppelin reads times with bit 47 set as block numbers; here they are seconds.
    function test_T14_blockNumbersAreNotTimes() public {
        uint48 flag = 1 << 47;
        timed("1", flag, flag | type(uint40).max, true);
    }

    function test_T14_anOrderIsPaidOnceAndItsAuthorizationUsedOnce() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        IPaymentProcessor.Authorization memory authorization =
            authorized(ALICE_KEY, alice, POINT, processor.paymentHash(payment));
        accepted(payment, authorization);
        vm.assertTrue(token.authorizationState(alice, processor.paymentHash(payment)), "used");
        refused(
            payment,
            authorization,
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_AlreadyPaid.selector, SHOP, bytes32("1"))
        );
    }

    function test_T14_cancelled() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        bytes32 nonce = processor.paymentHash(payment);
        bytes32 structHash =
            keccak256(abi.encode(keccak256("CancelAuthorization(address authorizer,bytes32 nonce)"), alice, nonce));
        token.cancelAuthorization(alice, nonce, sign(ALICE_KEY, token.DOMAIN_SEPARATOR(), structHash));
        refused(
            payment,
            authorized(ALICE_KEY, alice, POINT, nonce),
            abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, alice, nonce)
        );
    }

    function test_T14_onAnotherChain() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        bytes32 here = processor.paymentHash(payment);
        IPaymentProcessor.Authorization memory authorization = authorized(ALICE_KEY, alice, POINT, here);
        vm.chainId(99);
        vm.assertTrue(processor.paymentHash(payment) != here, "the hash names the chain");
        refused(payment, authorization, bytes4Of(INVALID));
    }

    function test_T14_atAnotherProcessor() public {
        PaymentProcessor other =
            PaymentProcessor(deploy("PaymentProcessor", abi.encode(manager, token, programs, node, registry)));
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        vm.assertTrue(other.paymentHash(payment) != processor.paymentHash(payment), "the hash names the contract");
    }

    /// @dev Whoever sees the authorization cannot take it to the token and leave the order unpaid.
    function test_T13_frontRunAtTheToken() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        bytes32 nonce = processor.paymentHash(payment);
        IPaymentProcessor.Authorization memory authorization = authorized(ALICE_KEY, alice, POINT, nonce);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(processor)));
        vm.prank(stranger);
        token.receiveWithAuthorization(
            alice, address(processor), POINT, 0, authorization.validBefore, nonce, authorization.signature
        );
        vm.expectRevert(bytes4Of(INVALID));
        vm.prank(stranger);
        token.transferWithAuthorization(
            alice, address(processor), POINT, 0, authorization.validBefore, nonce, authorization.signature
        );
        accepted(payment, authorization);
    }

    function test_T15_highSOddVShortAndZeroSigner() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        IPaymentProcessor.Authorization memory authorization =
            authorized(ALICE_KEY, alice, POINT, processor.paymentHash(payment));
        bytes memory good = authorization.signature;
        (bytes32 r, bytes32 s) = abi.decode(bytes.concat(good, new bytes(63)), (bytes32, bytes32));
        uint8 v = uint8(good[64]);

        authorization.signature = abi.encodePacked(r, bytes32(ORDER_OF_CURVE - uint256(s)), v ^ 7);
        refused(payment, authorization, bytes4Of(INVALID));
        authorization.signature = abi.encodePacked(r, s, v + 2);
        refused(payment, authorization, bytes4Of(INVALID));
        authorization.signature = abi.encodePacked(r, s, v - 27);
        refused(payment, authorization, bytes4Of(INVALID));
        authorization.signature = abi.encodePacked(r, s);
        refused(payment, authorization, bytes4Of(INVALID));
        authorization.signature = abi.encodePacked(r, bytes32(uint256(s) | uint256(v - 27) << 255));
        refused(payment, authorization, bytes4Of(INVALID));
        authorization.signature = new bytes(65);
        refused(payment, authorization, bytes4Of(INVALID));
        payment.payer = address(0);
        refused(payment, authorization, bytes4Of(INVALID));
        payment.payer = alice;
        authorization.signature = good;
        accepted(payment, authorization);
    }

    function test_T15_aContractWalletSignsByERC1271() public {
        Wallet wallet = new Wallet(bob);
        give(address(wallet), 10 * POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(address(wallet), fec, 10 * POINT, "1");
        bytes32 nonce = processor.paymentHash(payment);
        refused(payment, authorized(ALICE_KEY, address(wallet), 10 * POINT, nonce), bytes4Of(INVALID));

        wallet = new Wallet(alice);
        give(address(wallet), 10 * POINT);
        payment = paymentOf(address(wallet), fec, 10 * POINT, "1");
        nonce = processor.paymentHash(payment);
        accepted(payment, authorized(ALICE_KEY, address(wallet), 10 * POINT, nonce));
        vm.assertEq(node.ownerOf(node.idOf(fec, 1, address(wallet))), address(wallet), "the wallet's node");
    }

    function test_anyoneMaySendItAndTheSplitIsThatOfPay() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, 100 * POINT, "1");
        bytes32 nonce = processor.paymentHash(payment);
        uint256 supply = token.totalSupply();
        accepted(payment, authorized(ALICE_KEY, alice, 100 * POINT, nonce));
        vm.assertEq(token.balanceOf(alice), 900 * POINT, "payer");
        vm.assertEq(token.balanceOf(shop), 90 * POINT, "merchant");
        vm.assertEq(token.totalSupply(), supply - 10 * POINT, "diverted is burned");
        vm.assertEq(token.balanceOf(address(processor)), 0, "the processor keeps nothing");
        vm.assertEq(node.nodeOf(node.idOf(fec, 1, alice)).total, 100 * POINT, "node");
    }

    function test_divertedGoesToTheReserveOfAFundedProgram() public {
        endow(10 * POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fund, 100 * POINT, "1");
        accepted(payment, authorized(ALICE_KEY, alice, 100 * POINT, processor.paymentHash(payment)));
        vm.assertEq(programs.books(fund).reserve, 20 * POINT, "reserve");
        vm.assertEq(token.balanceOf(address(programs)), 20 * POINT, "held");
        vm.assertEq(token.balanceOf(address(processor)), 0, "the processor keeps nothing");
    }

    function test_T21_batchSizes() public {
        (IPaymentProcessor.Payment[] memory payments, IPaymentProcessor.Authorization[] memory authorizations) =
            batch(101);
        bytes memory tooMany = abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_BatchSize.selector, 101, 100);
        vm.expectRevert(tooMany);
        processor.payBatchWithAuthorization(payments, authorizations);
        vm.expectRevert(abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_BatchSize.selector, 0, 100));
        processor.payBatchWithAuthorization(
            new IPaymentProcessor.Payment[](0), new IPaymentProcessor.Authorization[](0)
        );
        (payments,) = batch(2);
        vm.expectRevert(abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_BatchSize.selector, 101, 2));
        processor.payBatchWithAuthorization(payments, authorizations);
        (payments, authorizations) = batch(100);
        processor.payBatchWithAuthorization(payments, authorizations);
        vm.assertEq(token.balanceOf(alice), 900 * POINT, "a hundred paid");
    }

    function test_aBatchWithOneBadAuthorizationPaysNothing() public {
        (IPaymentProcessor.Payment[] memory payments, IPaymentProcessor.Authorization[] memory authorizations) =
            batch(3);
        authorizations[2].signature = authorizations[1].signature;
        vm.expectRevert(bytes4Of(INVALID));
        processor.payBatchWithAuthorization(payments, authorizations);
        vm.assertEq(token.balanceOf(alice), 1000 * POINT, "nothing taken");
    }

    function timed(bytes32 order, uint48 validAfter, uint48 validBefore, bool refusedOne) private {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, order);
        bytes32 structHash = receiveHash(alice, POINT, validAfter, validBefore, processor.paymentHash(payment));
        IPaymentProcessor.Authorization memory authorization = IPaymentProcessor.Authorization(
            validAfter, validBefore, sign(ALICE_KEY, token.DOMAIN_SEPARATOR(), structHash)
        );
        if (refusedOne) {
            refused(
                payment,
                authorization,
                abi.encodeWithSelector(ERC3009.ERC3009InvalidAuthorizationTime.selector, validAfter, validBefore)
            );
        } else {
            accepted(payment, authorization);
        }
    }

    function accepted(IPaymentProcessor.Payment memory payment, IPaymentProcessor.Authorization memory authorization)
        private
    {
        vm.prank(stranger);
        processor.payWithAuthorization(payment, authorization);
    }

    function refused(
        IPaymentProcessor.Payment memory payment,
        IPaymentProcessor.Authorization memory authorization,
        bytes memory reason
    ) private {
        vm.expectRevert(reason);
        vm.prank(stranger);
        processor.payWithAuthorization(payment, authorization);
    }

    function batch(uint256 size)
        private
        view
        returns (IPaymentProcessor.Payment[] memory payments, IPaymentProcessor.Authorization[] memory authorizations)
    {
        payments = new IPaymentProcessor.Payment[](size);
        authorizations = new IPaymentProcessor.Authorization[](size);
        for (uint256 i = 0; i < size; ++i) {
            payments[i] = paymentOf(alice, fec, POINT, bytes32(i));
            authorizations[i] = authorized(ALICE_KEY, alice, POINT, processor.paymentHash(payments[i]));
        }
    }

    function bytes4Of(bytes4 selector) private pure returns (bytes memory) {
        return abi.encodePacked(selector);
    }
}
