// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Authorizations} from "./base/Authorizations.sol";
import {Issuing} from "./base/Issuing.sol";
import {IMerchantRegistry} from "./interfaces/IMerchantRegistry.sol";
import {IPaymentProcessor} from "./interfaces/IPaymentProcessor.sol";
import {IPointsToken} from "./interfaces/IPointsToken.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {IReleaseNode} from "./interfaces/IReleaseNode.sol";
import {PaymentMath} from "./libraries/PaymentMath.sol";

/// @title Payments, refunds and issues
/// @notice Calls only contracts of this deployment, which call nobody else (signers of ERC-1271 are asked by STATICCALL),
/// so nothing here can be re-entered. The token reverts rather than return false.
contract PaymentProcessor is Issuing, Authorizations {
    constructor(
        address authority,
        IPointsToken token,
        IPrograms programs,
        IReleaseNode releaseNode,
        IMerchantRegistry registry
    ) Issuing(authority, token, programs, releaseNode, registry) {}

    /// @inheritdoc IPaymentProcessor
    function pay(Payment calldata payment) external {
        _pay(payment);
    }

    /// @inheritdoc IPaymentProcessor
    function payWithAuthorization(Payment calldata payment, Authorization calldata authorization) external {
        _payWithAuthorization(payment, authorization);
    }

    /// @inheritdoc IPaymentProcessor
    function payBatch(Payment[] calldata payments) external {
        _requireBatch(payments.length);
        for (uint256 i = 0; i < payments.length; ++i) {
            _pay(payments[i]);
        }
    }

    /// @inheritdoc IPaymentProcessor
    function payBatchWithAuthorization(Payment[] calldata payments, Authorization[] calldata authorizations) external {
        _requireBatch(payments.length);
        if (authorizations.length != payments.length) {
            revert PaymentProcessor_BatchSize(authorizations.length, payments.length);
        }
        for (uint256 i = 0; i < payments.length; ++i) {
            _payWithAuthorization(payments[i], authorizations[i]);
        }
    }

    /// @inheritdoc IPaymentProcessor
    function refund(Payment calldata payment, uint24 start, uint64 amount) external {
        // Check:
        address payout = REGISTRY.payoutOf(payment.merchant);
        if (msg.sender != payout) revert PaymentProcessor_NotPayout(payment.merchant, msg.sender);

        // Effect and interaction:
        _refund(payment, start, amount, payout);
    }

    /// @inheritdoc IPaymentProcessor
    function refundWithAuthorization(
        Payment calldata payment,
        uint24 start,
        uint64 amount,
        Authorization calldata authorization
    ) external {
        // Check:
        address payout = REGISTRY.payoutOf(payment.merchant);
        _requireRefundAuthorized(payout, payment, start, amount, authorization);

        // Effect and interaction:
        _refund(payment, start, amount, payout);
    }

    /// @inheritdoc IPaymentProcessor
    function quoteRefund(Payment calldata payment, uint24 start, uint64 amount)
        external
        view
        returns (uint64 fromMerchant, uint64 diverted, uint64 total)
    {
        uint64 refunded = _refundable(payment, start, amount).refunded;
        return _quoteRefund(payment, PROGRAMS.terms(payment.program), refunded, amount);
    }

    function _pay(Payment calldata payment) private {
        // Check:
        if (msg.sender != payment.payer) revert PaymentProcessor_NotPayer(payment.payer, msg.sender);

        // Effect and interaction:
        _settle(payment);
    }

    function _payWithAuthorization(Payment calldata payment, Authorization calldata authorization) private {
        // Check: the signature binds the payer to these terms, whoever calls.
        _requirePaymentAuthorized(payment, authorization);

        // Effect and interaction:
        _settle(payment);
    }

    /// @dev Makes a payment that the payer agreed to.
    function _settle(Payment calldata payment) private {
        // Check:
        bytes32 key = _requireUnpaid(payment);

        // Effect: Programs', which says when the node starts; and the order's.
        IPrograms.Commitment memory made = PROGRAMS.commitPayment(payment.program, payment.amount);
        _orders[key].commitment = _commitment(payment, made.start);

        // Interaction:
        address payout = REGISTRY.consumePaid(payment.merchant, payment.amount);
        TOKEN.settlePayment(payment.payer, payout, payment.amount - made.diverted, made.diverted, made.funded);
        RELEASE_NODE.topUp(payment.program, made.start, payment.payer, made.total, made.payerPeriodCap);
        emit Paid(
            payment.merchant,
            payment.order,
            payment.payer,
            payment.program,
            made.start,
            payment.amount,
            made.diverted,
            made.total
        );
    }

    /// @dev Makes a refund that the payout address agreed to. A FUNDED program gives the diverted points back itself.
    function _refund(Payment calldata payment, uint24 start, uint64 amount, address payout) private {
        // Check:
        if (amount == 0) revert PaymentProcessor_NothingToDo();
        Order storage order = _refundable(payment, start, amount);

        // Effect:
        IPrograms.Terms memory terms = PROGRAMS.terms(payment.program);
        (uint64 fromMerchant, uint64 diverted, uint64 total) = _quoteRefund(payment, terms, order.refunded, amount);
        order.refunded += amount;

        // Interaction: only a locked node can be undone.
        RELEASE_NODE.undo(payment.program, start, payment.payer, total);
        PROGRAMS.uncommit(payment.program, diverted, total, payment.payer);
        uint64 burned = terms.funding == IPrograms.Funding.EMISSION ? diverted : 0;
        TOKEN.settleRefund(payout, payment.payer, fromMerchant, burned);
        emit Refunded(payment.merchant, payment.order, payment.payer, payment.program, start, amount, diverted, total);
    }

    /// @dev A refund's total is at most the payment's, which had 64 bits.
    function _quoteRefund(Payment calldata payment, IPrograms.Terms memory terms, uint64 refunded, uint64 amount)
        private
        pure
        returns (uint64, uint64, uint64)
    {
        PaymentMath.Split memory split =
            PaymentMath.refund(payment.amount, refunded, amount, terms.divertBps, terms.multiplier);
        return (split.merchant, split.diverted, uint64(split.total));
    }
}
