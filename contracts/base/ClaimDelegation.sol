// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {IReleaseNode} from "../interfaces/IReleaseNode.sol";

/// @title Whom a holder lets claim, to whom, how much and until when
abstract contract ClaimDelegation is IReleaseNode, EIP712, Nonces {
    /// @dev An approval that was never given, or was ended, is all zero.
    struct ClaimAllowance {
        uint64 cap;
        uint40 deadline;
    }

    bytes32 private constant CLAIM_APPROVAL_TYPEHASH =
        keccak256("ClaimApproval(address owner,address delegate,address to,uint64 cap,uint40 deadline,uint256 nonce)");

    /// @inheritdoc IReleaseNode
    mapping(address owner => mapping(address delegate => mapping(address to => ClaimAllowance))) public claimAllowance;

    constructor() EIP712("chainpoints release node", "1") {}

    /// @inheritdoc IReleaseNode
    function approveClaim(address delegate, address to, uint64 cap, uint40 deadline) external {
        _approveClaim(msg.sender, delegate, to, cap, deadline);
    }

    /// @inheritdoc IReleaseNode
    function permitClaim(
        address owner,
        address delegate,
        address to,
        uint64 cap,
        uint40 deadline,
        bytes calldata signature
    ) external {
        // Check:
        if (block.timestamp > deadline) revert ReleaseNode_ClaimApprovalExpired(owner, delegate, deadline);
        bytes32 structHash =
            keccak256(abi.encode(CLAIM_APPROVAL_TYPEHASH, owner, delegate, to, cap, deadline, _useNonce(owner)));
        if (!SignatureChecker.isValidSignatureNowCalldata(owner, _hashTypedDataV4(structHash), signature)) {
            revert ReleaseNode_InvalidSignature(owner);
        }

        // Effect:
        _approveClaim(owner, delegate, to, cap, deadline);
    }

    /// @inheritdoc IReleaseNode
    function nonces(address owner) public view override(IReleaseNode, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    /// @dev Reverts unless the caller owns the node or has a running approval to claim it to `to`.
    function _requireClaimer(uint256 id, address owner, address to) internal view {
        if (msg.sender == owner) return;
        uint40 deadline = claimAllowance[owner][msg.sender][to].deadline;
        if (deadline == 0) revert ReleaseNode_NotClaimer(id, msg.sender);
        if (block.timestamp > deadline) revert ReleaseNode_ClaimApprovalExpired(owner, msg.sender, deadline);
    }

    /// @dev Takes what a delegate claimed from its cap; an owner has none.
    function _spendClaimAllowance(address owner, address to, uint64 amount) internal {
        if (msg.sender == owner) return;
        ClaimAllowance storage allowance = claimAllowance[owner][msg.sender][to];
        // Check:
        uint64 left = allowance.cap;
        if (amount > left) revert ReleaseNode_ClaimCapExceeded(owner, msg.sender, amount, left);

        // Effect:
        allowance.cap = left - amount;
    }

    function _approveClaim(address owner, address delegate, address to, uint64 cap, uint40 deadline) private {
        claimAllowance[owner][delegate][to] = cap == 0 ? ClaimAllowance(0, 0) : ClaimAllowance(cap, deadline);
        emit ClaimApproval(owner, delegate, to, cap, deadline);
    }
}
