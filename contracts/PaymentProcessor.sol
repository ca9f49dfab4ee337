// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Authorizations} from "./base/Authorizations.sol";
import {Issuing} from "./base/Issuing.sol";
import {IPaymentProcessor} from "./interfaces/IPaymentProcessor.sol";
import {IPointsToken} from "./interfaces/IPointsToken.sol";
import {IReleaseNode} from "./interfaces/IReleaseNode.sol";
import {PaymentMath} from "./libraries/PaymentMath.sol";
import {ProgramRules} from "./types/ProgramRules.sol";

/// @title Payments, refunds and issues, and the merchants they are of
/// @notice Calls only contracts of this deployment, which call nobody else (signers of ERC-1271 are asked by STATICCALL),
/// so nothing here can be re-entered. The token reverts rather than return false.
contract PaymentProcessor is Issuing, Authorizations {
    /// @dev What a payer sends itself needs no authorization that could have been taken back.
    uint40 private constant DIRECT = type(uint40).max;

    constructor(address authority, IPointsToken token, IReleaseNode releaseNode)
        Issuing(token, releaseNode)
        AccessManaged(authority)
    {}

    /// @inheritdoc IPaymentProcessor
    function pay(Payment calldata payment) external {
        // Check:
        _requirePayer(payment);

        // Check, effect and interaction:
        _payRun(_alone(payment), DIRECT, false);
    }

    /// @inheritdoc IPaymentProcessor
    function payWithAuthorization(Payment calldata payment, Authorization calldata authorization) external {
        // Check: the signature binds the payer to these terms, whoever calls.
        _requirePaymentAuthorized(payment, authorization);

        // Check, effect and interaction:
        _payRun(_alone(payment), authorization.validAfter, false);
    }

    /// @inheritdoc IPaymentProcessor
    function payBatch(Payment[] calldata payments) external {
        // Check:
        _requireBatch(payments.length);
        uint256 first = 0;
        for (uint256 next = 1; next <= payments.length; ++next) {
            _requirePayer(payments[next - 1]);

            // Check, effect and interaction:
            if (_continues(payments, next)) continue;
            _payRun(payments[first:next], DIRECT, true);
            first = next;
        }
    }

    /// @inheritdoc IPaymentProcessor
    function payBatchWithAuthorization(Payment[] calldata payments, Authorization[] calldata authorizations) external {
        // Check:
        _requireBatch(payments.length);
        if (authorizations.length != payments.length) {
            revert PaymentProcessor_BatchSize(authorizations.length, payments.length);
        }
        uint256 first = 0;
        uint40 validAfter = DIRECT;
        for (uint256 next = 1; next <= payments.length; ++next) {
            Authorization calldata authorization = authorizations[next - 1];
            _requirePaymentAuthorized(payments[next - 1], authorization);
            if (authorization.validAfter < validAfter) validAfter = authorization.validAfter;

            // Check, effect and interaction:
            if (_continues(payments, next)) continue;
            _payRun(payments[first:next], validAfter, true);
            (first, validAfter) = (next, DIRECT);
        }
    }

    /// @inheritdoc IPaymentProcessor
    function refund(Payment calldata payment, uint24 start, uint64 amount) external {
        // Check:
        address payout = payoutOf(payment.merchant);
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
        address payout = payoutOf(payment.merchant);
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
        return _quoteRefund(payment, RELEASE_NODE.rulesOf(payment.program), refunded, amount);
    }

    /// @dev Makes payments of one payer, merchant and program that the payer agreed to: one after another as orders, all
    /// together as points and as a node.
    /// @param validAfter The least of their authorizations.
    function _payRun(Payment[] calldata run, uint40 validAfter, bool inBatch) private {
        // Interaction: the node and the books, which say how each payment is taken apart.
        Payment calldata last = run[run.length - 1];
        (ProgramRules rules, uint24 start, bool made) = _commit(run, last, inBatch);

        // Check and effect:
        address payout;
        uint256 merchantShare;
        uint256 diverted;
        for (uint256 i = 0; i < run.length; ++i) {
            PaymentMath.Split memory split;
            (payout, split) = _record(run[i], rules, start);
            merchantShare += split.merchant;
            diverted += split.diverted;
        }

        // Interaction: the points. What a merchant is paid in a day, and so each sum, fits 64 bits.
        try TOKEN.settlePayment(
            last.payer, payout, uint64(merchantShare), uint64(diverted), rules.funded(), made, validAfter
        ) {} catch (bytes memory reason) {
            _refuse(last.merchant, last.order, reason, inBatch);
        }
    }

    function _commit(Payment[] calldata run, Payment calldata last, bool inBatch)
        private
        returns (ProgramRules, uint24, bool)
    {
        uint64[] memory amounts = new uint64[](run.length);
        for (uint256 i = 0; i < run.length; ++i) {
            amounts[i] = run[i].amount;
        }
        try RELEASE_NODE.commit(last.program, last.payer, amounts) returns (ProgramRules r, uint24 start, bool made) {
            return (r, start, made);
        } catch (bytes memory reason) {
            _refuse(last.merchant, last.order, reason, inBatch);
        }
    }

    /// @dev Records the payment of an order; where the merchant's share of it goes.
    function _record(Payment calldata payment, ProgramRules rules, uint24 start)
        private
        returns (address payout, PaymentMath.Split memory split)
    {
        // Check:
        (uint32 merchant, bytes32 order, uint64 amount) = (payment.merchant, payment.order, payment.amount);
        bytes32 key = _requireUnpaid(merchant, order);
        if (amount < rules.minPayment()) revert PaymentProcessor_BelowMinimum(order, amount, rules.minPayment());

        // Effect:
        payout = _consumePaid(merchant, order, amount);
        _orders[key] = Order(_commitment(payment, start), 0);
        split = PaymentMath.split(amount, rules.divertBps(), rules.multiplier());
        // A total of more than 64 bits is more than any program takes, so there is none.
        emit Paid(
            merchant, order, payment.payer, payment.program, start, amount, split.diverted, uint64(split.total)
        );
    }

    /// @dev Makes a refund that the payout address agreed to.
    function _refund(Payment calldata payment, uint24 start, uint64 amount, address payout) private {
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

    function _requirePayer(Payment calldata payment) private view {
        if (msg.sender != payment.payer) revert PaymentProcessor_NotPayer(payment.order, payment.payer, msg.sender);
    }

    /// @dev Whether the payment at `next` is of the same payer, merchant and program as the one before it.
    function _continues(Payment[] calldata payments, uint256 next) private pure returns (bool) {
        if (next == payments.length) return false;
        Payment calldata one = payments[next - 1];
        Payment calldata other = payments[next];
        return one.payer == other.payer && one.merchant == other.merchant && one.program == other.program;
    }

    /// @dev A payment as a run of its own: its words stand in the calldata as those of an array's only item do.
    function _alone(Payment calldata payment) private pure returns (Payment[] calldata run) {
        assembly ("memory-safe") {
            run.offset := payment
            run.length := 1
        }
    }

    /// @dev A refund's total is at most the payment's, which had 64 bits.
    function _quoteRefund(Payment calldata payment, ProgramRules rules, uint64 refunded, uint64 amount)
        private
        pure
        returns (uint64, uint64, uint64)
    {
        PaymentMath.Split memory split =
            PaymentMath.refund(payment.amount, refunded, amount, rules.divertBps(), rules.multiplier());
        return (split.merchant, split.diverted, uint64(split.total));
    }
}
