// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPaymentProcessor} from "../interfaces/IPaymentProcessor.sol";

/// @title Hashes over a payment's terms
/// @notice What abi.encode would write out field by field stands in memory already: five words, each checked when it
/// was read. They are copied, which is all that there is to it.
library PaymentHash {
    /// @notice keccak256 of "Payment(uint32 merchant,uint32 program,uint64 amount,address payer,bytes32 order,uint40
    /// validAfter,uint40 validBefore)", without the line break. As a number: the compiler would hash it at each use.
    bytes32 internal constant TYPEHASH = 0xf4c858f57b3e6c316238e1cf373d78a87ac83233a8da6e81c6c343d7bad4967d;

    /// @notice keccak256(abi.encode(TYPEHASH, payment, validAfter, validBefore)): its EIP-712 struct hash.
    function ofStruct(IPaymentProcessor.Payment memory payment, uint40 validAfter, uint40 validBefore)
        internal
        pure
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, TYPEHASH)
            mcopy(add(free, 0x20), payment, 0xa0)
            mstore(add(free, 0xc0), validAfter)
            mstore(add(free, 0xe0), validBefore)
            hash := keccak256(free, 0x100)
        }
    }

    /// @notice keccak256(abi.encode(payment, start)).
    function ofTerms(IPaymentProcessor.Payment memory payment, uint24 start) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mcopy(free, payment, 0xa0)
            mstore(add(free, 0xa0), start)
            hash := keccak256(free, 0xc0)
        }
    }
}
