// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IPaymentProcessor, IPointsToken, Processor, Setup} from "./Setup.sol";
import {Plain, Wallet} from "./Wallet.sol";

/// @dev `payWithAuthorization`, `payBatchWithAuthorization`, sent by a stranger, and the payer's `cancelPayments`.
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
        processor.register(8, bob, "Other", DAY_LIMIT, DAY_LIMIT);
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
        refused(payment, authorization, invalid("2", alice));
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

    /// @dev An authorization counts if it is valid from the second of the cancelling on, and not if from any second before.
    function test_T14_cancelledExactlyAtAndOneSecondBefore() public {
        uint40 now_ = uint40(block.timestamp);
        vm.expectEmit();
        emit IPointsToken.PaymentsCancelled(alice);
        vm.prank(alice);
        token.cancelPayments();
        vm.assertEq(token.paymentsCancelledAt(alice), now_, "when");
        for (uint256 i = 0; i < 2; ++i) {
            IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, bytes32(i));
            refused(payment, validFrom(ALICE_KEY, payment, 0), cancelled(alice, now_));
            refused(payment, validFrom(ALICE_KEY, payment, now_ - 2), cancelled(alice, now_));
            accepted(payment, validFrom(ALICE_KEY, payment, now_ - 1));
            vm.warp(now_ + 1);
        }
        IPaymentProcessor.Payment memory later = paymentOf(alice, fec, POINT, "later");
        accepted(later, validFrom(ALICE_KEY, later, now_));
    }

    function test_T14_whatIsCancelledStaysCancelledAndIsCancelledAgain() public {
        vm.prank(alice);
        token.cancelPayments();
        uint40 first = uint40(block.timestamp);
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        IPaymentProcessor.Authorization memory between = validFrom(ALICE_KEY, payment, first + 9);
        vm.warp(first + 10);
        uint256 snapshot = vm.snapshotState();
        accepted(payment, between);
        vm.revertToState(snapshot);
        vm.warp(first + 11);
        vm.prank(alice);
        token.cancelPayments();
        refused(payment, between, cancelled(alice, first + 11));
    }

    /// @dev The payer's own calls go on, and so do the payments of everybody else.
    function test_T14_T16_cancellingTouchesNoOtherPayment() public {
        vm.prank(bob);
        token.cancelPayments();
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        accepted(payment, authorized(ALICE_KEY, payment));
        vm.prank(alice);
        token.cancelPayments();
        payment.order = "2";
        vm.prank(alice);
        processor.pay(payment);
        IPaymentProcessor.Payment[] memory payments = new IPaymentProcessor.Payment[](2);
        (payments[0], payments[1]) = (paymentOf(alice, fec, POINT, "3"), paymentOf(alice, fec, POINT, "4"));
        vm.prank(alice);
        processor.payBatch(payments);
        vm.assertEq(token.balanceOf(alice), 996 * POINT, "four paid");
    }

    /// @dev The least of the times that the authorizations of a run are valid after counts, wherever it stands.
    function test_T14_oneCancelledAuthorizationInARunRefusesAll() public {
        uint40 now_ = uint40(block.timestamp);
        vm.prank(alice);
        token.cancelPayments();
        for (uint256 which = 0; which < 4; ++which) {
            IPaymentProcessor.Payment[] memory payments = new IPaymentProcessor.Payment[](3);
            IPaymentProcessor.Authorization[] memory authorizations = new IPaymentProcessor.Authorization[](3);
            for (uint256 i = 0; i < 3; ++i) {
                payments[i] = paymentOf(alice, fec, POINT, bytes32(i));
                authorizations[i] = validFrom(ALICE_KEY, payments[i], i == which ? now_ - 2 : now_ - 1);
            }
            if (which < 3) vm.expectRevert(cancelled(alice, now_));
            vm.prank(stranger);
            processor.payBatchWithAuthorization(payments, authorizations);
        }
        vm.assertEq(token.balanceOf(alice), 997 * POINT, "the last time, without one");
    }

    function test_T14_onAnotherChain() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        IPaymentProcessor.Authorization memory authorization = authorized(ALICE_KEY, payment);
        vm.chainId(99);
        refused(payment, authorization, invalid(alice));
    }

    function test_T14_atAnotherProcessor() public {
        Processor other = Processor(deploy("PaymentProcessor", abi.encode(manager, token, node)));
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
        vm.assertEq(node.books(fund).reserve, 20 * POINT, "reserve");
        vm.assertEq(token.balanceOf(address(node)), 20 * POINT, "held");
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

    function test_aBatchWithOneBadAuthorizationNamesItsOrderAndPaysNothing() public {
        (IPaymentProcessor.Payment[] memory payments, IPaymentProcessor.Authorization[] memory authorizations) =
            batch(3);
        authorizations[2].signature = authorizations[1].signature;
        refusedBatch(payments, authorizations, invalid(payments[2].order, alice));
        (payments, authorizations) = batch(3);
        authorizations[1].validBefore = uint40(block.timestamp);
        refusedBatch(
            payments,
            authorizations,
            abi.encodeWithSelector(
                IPaymentProcessor.PaymentProcessor_NotValidNow.selector, payments[1].order, 0, block.timestamp
            )
        );
        (payments, authorizations) = batch(3);
        (payments[2], authorizations[2]) = (payments[0], authorizations[0]);
        refusedBatch(
            payments,
            authorizations,
            abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_AlreadyPaid.selector, SHOP, payments[0].order)
        );
    }

    /// @dev Two orders of alice, one of the shop itself, and one of alice again, of one merchant: three shares of one run,
    /// each with its own transfers, after the nodes.
    function test_aRunOfSeveralPayersMovesEachShareOnceInOrder() public {
        (IPaymentProcessor.Payment[] memory payments, IPaymentProcessor.Authorization[] memory authorizations) =
            several();
        for (uint256 i = 0; i < 4; ++i) {
            uint64 amount = payments[i].amount;
            vm.expectEmit();
            emit IPaymentProcessor.Paid(8, payments[i].order, payments[i].payer, fec, 1, amount, amount / 10);
        }
        uint256 ofAlice = node.idOf(fec, 1, alice);
        vm.expectEmit();
        emit IERC721.Transfer(address(0), alice, ofAlice);
        vm.expectEmit();
        emit IERC721.Transfer(address(0), shop, node.idOf(fec, 1, shop));
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(ofAlice);
        moves(alice, 27 * POINT + 18, 3 * POINT);
        moves(shop, 36 * POINT + 9, 4 * POINT);
        moves(alice, 45 * POINT + 9, 5 * POINT);
        vm.recordLogs();
        vm.prank(stranger);
        processor.payBatchWithAuthorization(payments, authorizations);
        vm.assertEq(vm.getRecordedLogs().length, 13, "nothing else");
        vm.assertEq(token.balanceOf(alice), 920 * POINT - 27, "one payer");
        vm.assertEq(token.balanceOf(shop), 60 * POINT - 9, "the other");
        vm.assertEq(token.balanceOf(bob), 108 * POINT + 36, "merchant");
        vm.assertEq(node.nodeOf(ofAlice).total, 80 * POINT, "one node");
        vm.assertEq(node.nodeOf(node.idOf(fec, 1, shop)).total, 40 * POINT, "the other's");
        vm.assertTrue(token.nodesOf(alice) == 1 && token.nodesOf(shop) == 1, "counted once each");
        vm.assertEq(node.books(fec).diverted, 12 * POINT, "books");
    }

    function test_aBatchOfSeveralPayersIsAsManySinglePayments() public {
        (IPaymentProcessor.Payment[] memory payments, IPaymentProcessor.Authorization[] memory authorizations) =
            several();
        (payments[2].program, payments[3].merchant) = (fund, SHOP);
        authorizations[2] = authorized(SHOP_KEY, payments[2]);
        authorizations[3] = authorized(ALICE_KEY, payments[3]);
        endow(100 * POINT);
        assertAsManySinglePayments(payments, authorizations);
    }

    /// @dev A run of payments that has more payers than the one before it.
    function test_aRunOfSeveralPayersAfterOneOfOne() public {
        (IPaymentProcessor.Payment[] memory payments, IPaymentProcessor.Authorization[] memory authorizations) =
            several();
        (payments[2].program, payments[3].program) = (fund, fund);
        authorizations[2] = authorized(SHOP_KEY, payments[2]);
        authorizations[3] = authorized(ALICE_KEY, payments[3]);
        endow(100 * POINT);
        assertAsManySinglePayments(payments, authorizations);
    }

    /// @dev Of a payer who is short, the error says the payer and what all of its share comes to.
    function test_aBatchNamesThePayerThatIsRefused() public {
        (IPaymentProcessor.Payment[] memory payments, IPaymentProcessor.Authorization[] memory authorizations) =
            several();
        vm.prank(shop);
        token.transfer(stranger, 60 * POINT - 8);
        refusedBatch(
            payments,
            authorizations,
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, shop, 40 * POINT + 8, 40 * POINT + 9)
        );
        give(shop, 1);
        token.freeze(shop, "stolen phone");
        refusedBatch(
            payments,
            authorizations,
            abi.encodeWithSelector(
                IPointsToken.PointsToken_AccountFrozen.selector, shop, uint40(block.timestamp + 7 days)
            )
        );
        token.unfreeze(shop);
        vm.prank(shop);
        token.cancelPayments();
        refusedBatch(payments, authorizations, cancelled(shop, uint40(block.timestamp)));
        authorizations[2] = validFrom(SHOP_KEY, payments[2], uint40(block.timestamp) - 1);
        processor.payBatchWithAuthorization(payments, authorizations);
    }

    /// @dev The batch leaves what the same payments leave one by one.
    function assertAsManySinglePayments(
        IPaymentProcessor.Payment[] memory payments,
        IPaymentProcessor.Authorization[] memory authorizations
    ) private {
        uint256 snapshot = vm.snapshotState();
        processor.payBatchWithAuthorization(payments, authorizations);
        bytes32 batched = state();
        vm.revertToState(snapshot);
        for (uint256 i = 0; i < payments.length; ++i) {
            accepted(payments[i], authorizations[i]);
        }
        vm.assertEq(state(), batched, "to the unit");
    }

    /// @dev Of merchant 8, whose payout address is bob.
    function several()
        private
        returns (IPaymentProcessor.Payment[] memory payments, IPaymentProcessor.Authorization[] memory authorizations)
    {
        processor.register(8, bob, "Other", DAY_LIMIT, DAY_LIMIT);
        give(shop, 100 * POINT);
        payments = new IPaymentProcessor.Payment[](4);
        authorizations = new IPaymentProcessor.Authorization[](4);
        uint64[4] memory amounts = [uint64(10), 20, 40, 50];
        for (uint256 i = 0; i < 4; ++i) {
            address payer = i == 2 ? shop : alice;
            payments[i] = paymentOf(payer, fec, amounts[i] * POINT + 9, bytes32(i));
            payments[i].merchant = 8;
            authorizations[i] = authorized(i == 2 ? SHOP_KEY : ALICE_KEY, payments[i]);
        }
    }

    function state() private view returns (bytes32) {
        address[5] memory accounts = [alice, shop, bob, address(node), address(processor)];
        bytes32 hash = keccak256(abi.encode(node.books(fec), node.books(fund), token.totalSupply()));
        for (uint256 i = 0; i < 5; ++i) {
            hash = keccak256(abi.encode(hash, token.balanceOf(accounts[i]), token.nodesOf(accounts[i])));
        }
        hash = keccak256(abi.encode(hash, node.nodeOf(node.idOf(fec, 1, alice))));
        hash = keccak256(abi.encode(hash, node.nodeOf(node.idOf(fund, 2, shop))));
        return keccak256(abi.encode(hash, processor.merchantOf(SHOP), processor.merchantOf(8)));
    }

    function moves(address payer, uint256 merchantShare, uint256 diverted) private {
        vm.expectEmit();
        emit IERC20.Transfer(payer, bob, merchantShare);
        vm.expectEmit();
        emit IERC20.Transfer(payer, address(0), diverted);
    }

    function refusedBatch(
        IPaymentProcessor.Payment[] memory payments,
        IPaymentProcessor.Authorization[] memory authorizations,
        bytes memory reason
    ) private {
        uint256 before = token.balanceOf(alice);
        vm.expectRevert(reason);
        vm.prank(stranger);
        processor.payBatchWithAuthorization(payments, authorizations);
        vm.assertEq(token.balanceOf(alice), before, "nothing taken");
    }

    function timed(bytes32 order, uint40 validAfter_, uint40 validBefore, bool refusedOne) private {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, order);
        IPaymentProcessor.Authorization memory authorization = IPaymentProcessor.Authorization(
            validAfter_, validBefore, signHash(ALICE_KEY, processor.paymentHash(payment, validAfter_, validBefore))
        );
        if (refusedOne) {
            refused(
                payment,
                authorization,
                abi.encodeWithSelector(
                    IPaymentProcessor.PaymentProcessor_NotValidNow.selector, order, validAfter_, validBefore
                )
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
        return invalid("1", signer);
    }

    function invalid(bytes32 order, address signer) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPaymentProcessor.PaymentProcessor_InvalidSignature.selector, order, signer);
    }

    function cancelled(address payer, uint40 time) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPointsToken.PointsToken_PaymentsCancelled.selector, payer, time);
    }

    /// @dev An authorization that is valid after a time, for ever.
    function validFrom(uint256 key, IPaymentProcessor.Payment memory payment, uint40 time)
        private
        view
        returns (IPaymentProcessor.Authorization memory)
    {
        bytes32 hash = processor.paymentHash(payment, time, type(uint40).max);
        return IPaymentProcessor.Authorization(time, type(uint40).max, signHash(key, hash));
    }
}
