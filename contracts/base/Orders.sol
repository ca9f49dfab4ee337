// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPaymentProcessor} from "../interfaces/IPaymentProcessor.sol";
import {PaymentHash} from "../libraries/PaymentHash.sol";

/// @title What is kept of each order
abstract contract Orders is IPaymentProcessor {
    /// @dev One slot: `commitment` is bytes24(keccak256(abi.encode(payment, start))), 0 while unpaid.
    struct Order {
        bytes24 commitment;
        uint64 refunded;
    }

    uint256 internal constant BATCH_LIMIT = 100;

    mapping(uint32 merchant => mapping(bytes32 order => Order)) internal _orders;
    mapping(uint32 merchant => mapping(bytes32 order => bool)) private _issued;

    /// @inheritdoc IPaymentProcessor
    function orderOf(uint32 merchant, bytes32 order)
        external
        view
        returns (bytes24 commitment, uint64 refunded, bool issued)
    {
        Order memory kept = _orders[merchant][order];
        return (kept.commitment, kept.refunded, _issued[merchant][order]);
    }

    /// @dev Records an issue; an order is issued once.
    function _recordIssue(uint32 merchant, bytes32 order) internal {
        // Check:
        if (_issued[merchant][order]) revert PaymentProcessor_AlreadyIssued(merchant, order);

        // Effect:
        _issued[merchant][order] = true;
    }

    /// @dev Records a payment; an order is paid once.
    function _recordPayment(Payment memory payment, uint24 start) internal {
        // Check:
        Order storage order = _orders[payment.merchant][payment.order];
        if (order.commitment != 0) revert PaymentProcessor_AlreadyPaid(payment.merchant, payment.order);

        // Effect:
        order.commitment = _commitment(payment, start);
    }

    /// @dev The record of a payment that was made on these terms and has `amount` left to refund.
    function _refundable(Payment memory payment, uint24 start, uint64 amount)
        internal
        view
        returns (Order storage order)
    {
        order = _orders[payment.merchant][payment.order];
        if (order.commitment != _commitment(payment, start)) {
            revert PaymentProcessor_UnknownPayment(payment.merchant, payment.order);
        }
        uint64 left = payment.amount - order.refunded;
        if (amount > left) revert PaymentProcessor_RefundExceedsPaid(payment.merchant, payment.order, amount, left);
    }

    function _requireBatch(uint256 size) internal pure {
        if (size == 0 || size > BATCH_LIMIT) revert PaymentProcessor_BatchSize(size, BATCH_LIMIT);
    }

    function _commitment(Payment memory payment, uint24 start) private pure returns (bytes24) {
        return bytes24(PaymentHash.ofTerms(payment, start));
    }
}
