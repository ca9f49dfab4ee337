// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Authorizations} from "./base/Authorizations.sol";
import {Issuing} from "./base/Issuing.sol";
import {IPaymentProcessor} from "./interfaces/IPaymentProcessor.sol";
import {IPointsToken} from "./interfaces/IPointsToken.sol";
import {IReleaseNode} from "./interfaces/IReleaseNode.sol";
import {PaymentMath} from "./libraries/PaymentMath.sol";
import {PayerShare} from "./types/PayerShare.sol";
import {ProgramRules} from "./types/ProgramRules.sol";

/// @title Payments, refunds and issues, and the merchants they are of
/// @notice Calls only contracts of this deployment, which call nobody else (signers of ERC-1271 are asked by
/// STATICCALL), so nothing here can be re-entered. The token reverts rather than return false.
contract PaymentProcessor is Issuing, Authorizations {
    /// @dev Payments of one merchant and program that stand one after another and are settled together; those of one
    /// payer that stand one after another make one share. Kept in memory alone, where nothing is packed.
    // solhint-disable-next-line gas-struct-packing
    struct Run {
        uint32 merchant;
        uint32 program;
        uint24 start;
        ProgramRules rules;
        address payout;
        PayerShare[] shares;
        uint256 count; // of shares that are filled
        PayerShare last; // of them
    }

    /// @dev What a payer sends itself needs no authorization that could have been taken back.
    uint40 private constant DIRECT = type(uint40).max;

    constructor(address authority, IPointsToken token, IReleaseNode releaseNode)
        Issuing(token, releaseNode)
        AccessManaged(authority)
    {}

    /// @inheritdoc IPaymentProcessor
    function pay(Payment memory payment) external {
        // Check:
        _requirePayer(payment);

        // Check, effect and interaction:
        Run memory run = _newRun(1);
        _join(run, payment, DIRECT);
        _settle(run);
    }

    /// @inheritdoc IPaymentProcessor
    function payWithAuthorization(Payment memory payment, Authorization calldata authorization) external {
        // Check: the signature binds the payer to these terms, whoever calls.
        _requirePaymentAuthorized(payment, authorization);

        // Check, effect and interaction:
        Run memory run = _newRun(1);
        _join(run, payment, authorization.validAfter);
        _settle(run);
    }

    /// @inheritdoc IPaymentProcessor
    function payBatch(Payment[] calldata payments) external {
        _requireBatch(payments.length);
        Run memory run = _newRun(payments.length);
        for (uint256 i = 0; i < payments.length; ++i) {
            // Check:
            Payment memory payment = payments[i];
            _requirePayer(payment);

            // Check, effect and interaction:
            _join(run, payment, DIRECT);
        }
        _settle(run);
    }

    /// @inheritdoc IPaymentProcessor
    function payBatchWithAuthorization(Payment[] calldata payments, Authorization[] calldata authorizations) external {
        _requireBatch(payments.length);
        if (authorizations.length != payments.length) {
            revert PaymentProcessor_BatchSize(authorizations.length, payments.length);
        }
        Run memory run = _newRun(payments.length);
        for (uint256 i = 0; i < payments.length; ++i) {
            // Check:
            Payment memory payment = payments[i];
            Authorization calldata authorization = authorizations[i];
            _requirePaymentAuthorized(payment, authorization);

            // Check, effect and interaction:
            _join(run, payment, authorization.validAfter);
        }
        _settle(run);
    }

    /// @inheritdoc IPaymentProcessor
    function refund(Payment memory payment, uint24 start, uint64 amount) external {
        // Check:
        address payout = payoutOf(payment.merchant);
        if (msg.sender != payout) revert PaymentProcessor_NotPayout(payment.merchant, msg.sender);

        // Effect and interaction:
        _refund(payment, start, amount, payout);
    }

    /// @inheritdoc IPaymentProcessor
    function refundWithAuthorization(
        Payment memory payment,
        uint24 start,
        uint64 amount,
        Authorization calldata authorization
    ) external {
        // Check:
        address payout = payoutOf(payment.merchant);
        _requireRefundAuthorized(payout, payment, start, amount, authorization);

        // Effect and interaction:
        _refund(payment, start, amount, payout);
    }

    /// @inheritdoc IPaymentProcessor
    function quoteRefund(Payment memory payment, uint24 start, uint64 amount)
        external
        view
        returns (uint64 fromMerchant, uint64 diverted, uint64 total)
    {
        uint64 refunded = _refundable(payment, start, amount).refunded;
        return _quoteRefund(payment, RELEASE_NODE.rulesOf(payment.program), refunded, amount);
    }

    /// @dev Makes a payment that the payer agreed to one of the run; where it is of another, the run before is settled
    /// first.
    function _join(Run memory run, Payment memory payment, uint40 validAfter) private {
        if (run.count == 0 || payment.merchant != run.merchant || payment.program != run.program) {
            _settle(run);
            (run.merchant, run.program) = (payment.merchant, payment.program);
            (run.rules, run.start) = RELEASE_NODE.termsNow(payment.program);
        }
        (uint64 merchantShare, uint64 diverted) = _record(run, payment);
        PayerShare memory share = run.last;
        if (run.count == 0 || share.payer != payment.payer) {
            share = run.shares[run.count];
            ++run.count;
            (share.payer, share.merchantShare, share.diverted, share.validAfter) = (payment.payer, 0, 0, DIRECT);
            run.last = share;
        }
        // Unchecked: what a merchant is paid in a day has 64 bits, and so has each sum.
        unchecked {
            share.merchantShare += merchantShare;
            share.diverted += diverted;
        }
        if (validAfter < share.validAfter) share.validAfter = validAfter;
    }

    /// @dev Records the payment of an order and takes it apart.
    function _record(Run memory run, Payment memory payment) private returns (uint64 merchantShare, uint64 diverted) {
        // Check:
        ProgramRules rules = run.rules;
        uint64 amount = payment.amount;
        if (amount < rules.minPayment()) {
            revert PaymentProcessor_BelowMinimum(payment.order, amount, uint64(rules.minPayment()));
        }

        // Check and effect:
        _recordPayment(payment, run.start);
        run.payout = _consumePaid(payment.merchant, payment.order, amount);
        diverted = PaymentMath.divertedOf(amount, rules.divertBps());
        merchantShare = amount - diverted;
        emit Paid(payment.merchant, payment.order, payment.payer, payment.program, run.start, amount, diverted);
    }

    /// @dev Settles the payments of a run, if there are any, and empties it.
    function _settle(Run memory run) private {
        if (run.count == 0) return;
        PayerShare[] memory shares = run.shares;
        uint256 room = shares.length;
        _setLength(shares, run.count);
        // Interaction: the books and the nodes first, then the points.
        uint256 made = RELEASE_NODE.topUp(run.program, run.start, shares);
        TOKEN.settle(run.payout, shares, made, run.rules.funded());
        _setLength(shares, room);
        run.count = 0;
    }

    /// @dev Makes a refund that the payout address agreed to.
    function _refund(Payment memory payment, uint24 start, uint64 amount, address payout) private {
        // Check:
        if (amount == 0) revert PaymentProcessor_NothingToDo(payment.order);
        Order storage order = _refundable(payment, start, amount);

        // Effect:
        ProgramRules rules = RELEASE_NODE.rulesOf(payment.program);
        (uint64 fromMerchant, uint64 diverted, uint64 total) = _quoteRefund(payment, rules, order.refunded, amount);
        order.refunded += amount;

        // Interaction: only a locked node can be undone.
        bool ended = RELEASE_NODE.undo(payment.program, start, payment.payer, diverted, total);
        TOKEN.settleRefund(payout, payment.payer, fromMerchant, diverted, rules.funded(), ended);
        emit Refunded(payment.merchant, payment.order, payment.payer, payment.program, start, amount, diverted, total);
    }

    function _newRun(uint256 size) private pure returns (Run memory run) {
        run.shares = new PayerShare[](size);
    }

    /// @dev Only shortens an array, or gives it back the length that it had.
    function _setLength(PayerShare[] memory shares, uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(shares, length)
        }
    }

    function _requirePayer(Payment memory payment) private view {
        if (msg.sender != payment.payer) revert PaymentProcessor_NotPayer(payment.order, payment.payer, msg.sender);
    }

    /// @dev A refund's total is at most the payment's, which had 64 bits.
    function _quoteRefund(Payment memory payment, ProgramRules rules, uint64 refunded, uint64 amount)
        private
        pure
        returns (uint64, uint64, uint64)
    {
        PaymentMath.Split memory split =
            PaymentMath.refund(payment.amount, refunded, amount, rules.divertBps(), rules.multiplier());
        return (split.merchant, split.diverted, uint64(split.total));
    }
}
