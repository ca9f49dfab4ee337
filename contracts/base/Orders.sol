// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPaymentProcessor} from "../interfaces/IPaymentProcessor.sol";

/// @title What is kept of each order
abstract contract Orders is IPaymentProcessor {
    /// @dev One slot: `commitment` is bytes24(keccak256(abi.encode(payment, start))), 0 while unpaid.
    struct Order {
        bytes24 commitment;
        uint64 refunded;
    }

    uint256 internal constant BATCH_LIMIT = 100;

    mapping(bytes32 key => Order) internal _orders;
    mapping(bytes32 key => bool) internal _issued;

    /// @inheritdoc IPaymentProcessor
    function orderOf(uint32 merchant, bytes32 order)
        external
        view
        returns (bytes24 commitment, uint64 refunded, bool issued)
    {
        bytes32 key = _key(merchant, order);
        return (_orders[key].commitment, _orders[key].refunded, _issued[key]);
    }

    /// @dev Records an issue; an order is issued once.
    function _recordIssue(uint32 merchant, bytes32 order) internal {
        // Check:
        bytes32 key = _key(merchant, order);
        if (_issued[key]) revert PaymentProcessor_AlreadyIssued(merchant, order);

        // Effect:
        _issued[key] = true;
    }

    /// @dev The key of an order that is not paid yet; an order is paid once.
    function _requireUnpaid(uint32 merchant, bytes32 order) internal view returns (bytes32 key) {
        key = _key(merchant, order);
        if (_orders[key].commitment != 0) revert PaymentProcessor_AlreadyPaid(merchant, order);
    }

    /// @dev The record of a payment that was made on these terms and has `amount` left to refund.
    function _refundable(Payment calldata payment, uint24 start, uint64 amount)
        internal
        view
        returns (Order storage order)
    {
        order = _orders[_key(payment.merchant, payment.order)];
        if (order.commitment != _commitment(payment, start)) {
            revert PaymentProcessor_UnknownPayment(payment.merchant, payment.order);
        }
        uint64 left = payment.amount - order.refunded;
        if (amount > left) revert PaymentProcessor_RefundExceedsPaid(payment.merchant, payment.order, amount, left);
    }

    /// @dev Passes on why the nodes or the token refused an item; in a batch, with the order that it was.
    function _refuse(uint32 merchant, bytes32 order, bytes memory reason, bool inBatch) internal pure {
        if (inBatch) revert PaymentProcessor_BadItem(merchant, order, reason);
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }

    function _requireBatch(uint256 size) internal pure {
        if (size == 0 || size > BATCH_LIMIT) revert PaymentProcessor_BatchSize(size, BATCH_LIMIT);
    }

    function _key(uint32 merchant, bytes32 order) internal pure returns (bytes32) {
        return keccak256(abi.encode(merchant, order));
    }

    function _commitment(Payment calldata payment, uint24 start) internal pure returns (bytes24) {
        return bytes24(keccak256(abi.encode(payment, start)));
    }
}
