// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What one payer brings into payments of one merchant and program
/// @notice `merchantShare` and `diverted` are base units; `validAfter` is the least of the payer's authorizations, unix
/// seconds, and the largest uint40 where the payer itself calls.
struct PayerShare {
    address payer;
    uint64 merchantShare;
    uint64 diverted;
    uint40 validAfter;
}
