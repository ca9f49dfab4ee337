// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IPaymentProcessor} from "../interfaces/IPaymentProcessor.sol";
import {PaymentHash} from "../libraries/PaymentHash.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {Orders} from "./Orders.sol";

/// @title The messages by which payers pay and payout addresses refund
/// @notice A message is used at most once without a nonce of its own: an order is paid once, and a refund names what
/// was refunded before it.
abstract contract Authorizations is Orders, EIP712 {
    bytes32 private constant REFUND_TYPEHASH = keccak256(
        "Refund(uint32 merchant,uint32 program,uint64 paid,address payer,bytes32 order,uint24 start,uint64 amount,uint64 refunded,uint40 validAfter,uint40 validBefore)"
    );

    constructor() EIP712("chainpoints payments", "1") {}

    /// @inheritdoc IPaymentProcessor
    function paymentHash(Payment memory payment, uint40 validAfter, uint40 validBefore) public view returns (bytes32) {
        return _hashTypedDataV4(PaymentHash.ofStruct(payment, validAfter, validBefore));
    }

    /// @inheritdoc IPaymentProcessor
    function refundHash(Payment memory payment, uint24 start, uint64 amount, uint40 validAfter, uint40 validBefore)
        public
        view
        returns (bytes32)
    {
        uint64 refunded = _orders[payment.merchant][payment.order].refunded;
        return _hashTypedDataV4(
            keccak256(abi.encode(REFUND_TYPEHASH, payment, start, amount, refunded, validAfter, validBefore))
        );
    }

    function _requirePaymentAuthorized(Payment memory payment, Authorization calldata authorization) internal view {
        bytes32 hash = paymentHash(payment, authorization.validAfter, authorization.validBefore);
        _requireSigned(payment.payer, payment.order, hash, authorization);
    }

    function _requireRefundAuthorized(
        address payout,
        Payment memory payment,
        uint24 start,
        uint64 amount,
        Authorization calldata authorization
    ) internal view {
        bytes32 hash = refundHash(payment, start, amount, authorization.validAfter, authorization.validBefore);
        _requireSigned(payout, payment.order, hash, authorization);
    }

    function _requireSigned(address signer, bytes32 order, bytes32 hash, Authorization calldata authorization)
        private
        view
    {
        if (block.timestamp <= authorization.validAfter || block.timestamp >= authorization.validBefore) {
            revert PaymentProcessor_NotValidNow(order, authorization.validAfter, authorization.validBefore);
        }
        if (!Signatures.isOf(signer, hash, authorization.signature)) {
            revert PaymentProcessor_InvalidSignature(order, signer);
        }
    }
}
