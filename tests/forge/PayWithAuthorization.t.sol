// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IPaymentProcessor, IPointsToken, PaymentProcessor, Setup} from "./Setup.sol";
import {Plain, Wallet} from "./Wallet.sol";

/// @dev `payWithAuthorization`, `payBatchWithAuthorization`, sent by a stranger, and `cancelPayment`.
contract PayWithAuthorizationTest is Setup {
    uint256 private constant ORDER_OF_CURVE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function setUp() public override {
        super.setUp();
        give(alice, 1000 * POINT);
    }

    function test_T14_signedByAnother() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        refused(payment, authorized(SHOP_KEY, payment), invalid(alice));
    }

    /// @dev The message as EIP-712 defines it, written out: what wallets sign.
    function test_T13_theHashIsThatOfTheMessageThatAWalletShows() public view {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, 3 * POINT, "1");
        bytes32 message = keccak256(
            abi.encode(
                keccak256(
                    "Payment(uint32 merchant,uint32 program,uint64 amount,address payer,bytes32 order,uint40 validAfter,uint40 validBefore)"
                ),
                SHOP,
                fec,
                3 * POINT,
                alice,
                bytes32("1"),
                5,
                9
            )
        );
        bytes32 hash = keccak256(abi.encodePacked(hex"1901", domain(), message));
        vm.assertEq(processor.paymentHash(payment, 5, 9), hash, "payment");
    }

    function test_T14_itsDomain() public view {
        (, string memory name, string memory version, uint256 chain, address verifier,,) = processor.eip712Domain();
        vm.assertEq(name, "chainpoints payments", "name");
        vm.assertEq(version, "1", "version");
        vm.assertTrue(chain == block.chainid && verifier == address(processor), "domain");
    }

    function test_T13_everyTermIsBound() public {
        registry.register(8, bob, "Other", DAY_LIMIT, DAY_LIMIT);
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        IPaymentProcessor.Authorization memory authorization = authorized(ALICE_KEY, payment);
        payment.merchant = 8;
        refused(payment, authorization, invalid(alice));
        payment.merchant = SHOP;
        payment.program = fund;
        refused(payment, authorization, invalid(alice));
        payment.program = fec;
        payment.amount = 2 * POINT;
        refused(payment, authorization, invalid(alice));
        payment.amount = POINT;
        payment.payer = bob;
        refused(payment, authorization, invalid(bob));
        payment.payer = alice;
        payment.order = "2";
        refused(payment, authorization, invalid(alice));
        payment.order = "1";
        authorization.validAfter = 1;
        refused(payment, authorization, invalid(alice));
        authorization.validAfter = 0;
        authorization.validBefore += 1;
        refused(payment, authorization, invalid(alice));
        authorization.validBefore -= 1;
        accepted(payment, authorization);
    }

    function test_T14_validAfterAndBeforeExactlyAndOnePast() public {
        uint40 now_ = EPOCH + 1 days;
        timed("1", now_, now_ + 1, true);
        timed("2", now_ - 1, now_, true);
        timed("3", now_ - 1, now_ + 1, false);
    }

    function test_T14_anOrderIsPaidOnce() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        IPaymentProcessor.Authorization memory authorization = authorized(ALICE_KEY, payment);
        accepted(payment, authorization);
        bytes memory reason =
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_AlreadyPaid.selector, SHOP, bytes32("1"));
        refused(payment, authorization, reason);
        // Not after its refund either.
        vm.prank(shop);
        processor.refund(payment, 1, POINT);
        refused(payment, authorization, reason);
    }

    function test_T14_cancelledByThePayerAlone() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        IPaymentProcessor.Authorization memory authorization = authorized(ALICE_KEY, payment);
        vm.expectRevert(abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NotPayer.selector, alice, stranger));
        vm.prank(stranger);
        processor.cancelPayment(payment);
        vm.expectEmit();
        emit IPaymentProcessor.PaymentCancelled(SHOP, "1", alice, fec, POINT);
        vm.prank(alice);
        processor.cancelPayment(payment);
        bytes memory reason =
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_Cancelled.selector, SHOP, bytes32("1"), alice);
        refused(payment, authorization, reason);
        // Nor by an authorization that is signed later; the payer's own call goes on.
        vm.warp(block.timestamp + 1);
        refused(payment, authorized(ALICE_KEY, payment), reason);
        vm.prank(alice);
        processor.pay(payment);
    }

    /// @dev Whoever guesses an order cannot stop its payer, and a payer stops only the payment that it names.
    function test_T14_T16_cancellingTouchesNoOtherPayment() public {
        vm.prank(bob);
        processor.cancelPayment(paymentOf(bob, fec, POINT, "1"));
        vm.prank(alice);
        processor.cancelPayment(paymentOf(alice, fec, 2 * POINT, "1"));
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        accepted(payment, authorized(ALICE_KEY, payment));
    }

    function test_T14_onAnotherChain() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        IPaymentProcessor.Authorization memory authorization = authorized(ALICE_KEY, payment);
        vm.chainId(99);
        refused(payment, authorization, invalid(alice));
    }

    function test_T14_atAnotherProcessor() public {
        PaymentProcessor other =
            PaymentProcessor(deploy("PaymentProcessor", abi.encode(manager, token, programs, node, registry)));
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        IPaymentProcessor.Authorization memory authorization = authorized(ALICE_KEY, payment);
        vm.expectRevert(invalid(alice));
        other.payWithAuthorization(payment, authorization);
    }

    function test_balanceExactlyAndOneShort() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, 1000 * POINT + 1, "1");
        refused(
            payment,
            authorized(ALICE_KEY, payment),
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, alice, 1000 * POINT, 1000 * POINT + 1
            )
        );
        payment.amount -= 1;
        accepted(payment, authorized(ALICE_KEY, payment));
    }

    function test_T19_aFrozenPayerCannotPay() public {
        token.freeze(alice, "stolen phone");
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        refused(
            payment,
            authorized(ALICE_KEY, payment),
            abi.encodeWithSelector(
                IPointsToken.PointsToken_AccountFrozen.selector, alice, uint40(block.timestamp + 7 days)
            )
        );
    }

    function test_T15_highSOddVShortAndZeroSigner() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        IPaymentProcessor.Authorization memory authorization = authorized(ALICE_KEY, payment);
        bytes memory good = authorization.signature;
        (bytes32 r, bytes32 s) = abi.decode(bytes.concat(good, new bytes(63)), (bytes32, bytes32));
        uint8 v = uint8(good[64]);

        authorization.signature = abi.encodePacked(r, bytes32(ORDER_OF_CURVE - uint256(s)), v ^ 7);
        refused(payment, authorization, invalid(alice));
        authorization.signature = abi.encodePacked(r, s, v + 2);
        refused(payment, authorization, invalid(alice));
        authorization.signature = abi.encodePacked(r, s, v - 27);
        refused(payment, authorization, invalid(alice));
        authorization.signature = abi.encodePacked(r, s);
        refused(payment, authorization, invalid(alice));
        authorization.signature = abi.encodePacked(r, bytes32(uint256(s) | uint256(v - 27) << 255));
        refused(payment, authorization, invalid(alice));
        authorization.signature = new bytes(65);
        refused(payment, authorization, invalid(alice));
        payment.payer = address(0);
        refused(payment, authorization, invalid(address(0)));
        payment.payer = alice;
        authorization.signature = good;
        accepted(payment, authorization);
    }

    function test_T15_aContractWalletSignsByERC1271() public {
        Wallet wallet = new Wallet(bob);
        give(address(wallet), 10 * POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(address(wallet), fec, 10 * POINT, "1");
        refused(payment, authorized(ALICE_KEY, payment), invalid(address(wallet)));

        wallet = new Wallet(alice);
        give(address(wallet), 10 * POINT);
        payment = paymentOf(address(wallet), fec, 10 * POINT, "1");
        accepted(payment, authorized(ALICE_KEY, payment));
        vm.assertEq(node.ownerOf(node.idOf(fec, 1, address(wallet))), address(wallet), "the wallet's node");
    }

    /// @dev As an account that delegated its code (EIP-7702).
    function test_T15_anAccountWithCodeSignsByItsKey() public {
        vm.etch(alice, type(Plain).runtimeCode);
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        refused(payment, authorized(SHOP_KEY, payment), invalid(alice));
        accepted(payment, authorized(ALICE_KEY, payment));
    }

    function test_anyoneMaySendItAndTheSplitIsThatOfPay() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, 100 * POINT, "1");
        uint256 supply = token.totalSupply();
        accepted(payment, authorized(ALICE_KEY, payment));
        vm.assertEq(token.balanceOf(alice), 900 * POINT, "payer");
        vm.assertEq(token.balanceOf(shop), 90 * POINT, "merchant");
        vm.assertEq(token.totalSupply(), supply - 10 * POINT, "diverted is burned");
        vm.assertEq(token.balanceOf(address(processor)), 0, "the processor keeps nothing");
        vm.assertEq(node.nodeOf(node.idOf(fec, 1, alice)).total, 100 * POINT, "node");
    }

    function test_divertedGoesToTheReserveOfAFundedProgram() public {
        endow(10 * POINT);
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fund, 100 * POINT, "1");
        accepted(payment, authorized(ALICE_KEY, payment));
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
        vm.expectRevert(invalid(alice));
        processor.payBatchWithAuthorization(payments, authorizations);
        vm.assertEq(token.balanceOf(alice), 1000 * POINT, "nothing taken");
    }

    function timed(bytes32 order, uint40 validAfter, uint40 validBefore, bool refusedOne) private {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, order);
        IPaymentProcessor.Authorization memory authorization = IPaymentProcessor.Authorization(
            validAfter, validBefore, signHash(ALICE_KEY, processor.paymentHash(payment, validAfter, validBefore))
        );
        if (refusedOne) {
            refused(
                payment,
                authorization,
                abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_NotValidNow.selector, validAfter, validBefore)
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
            authorizations[i] = authorized(ALICE_KEY, payments[i]);
        }
    }

    function invalid(address signer) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_InvalidSignature.selector, signer);
    }
}
