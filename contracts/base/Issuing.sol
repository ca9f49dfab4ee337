// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IPaymentProcessor} from "../interfaces/IPaymentProcessor.sol";
import {IPointsToken} from "../interfaces/IPointsToken.sol";
import {IReleaseNode} from "../interfaces/IReleaseNode.sol";
import {MerchantRegistry} from "./MerchantRegistry.sol";
import {Orders} from "./Orders.sol";

/// @title Issues: points, nodes and reserves minted out of a merchant's prepaid quota
abstract contract Issuing is Orders, MerchantRegistry {
    /// @notice The nodes and their programs.
    IReleaseNode public immutable RELEASE_NODE;

    /// @inheritdoc IPaymentProcessor
    uint64 public approvalThreshold = 100_000e6;
    /// @inheritdoc IPaymentProcessor
    mapping(bytes32 hash => address) public approverOf;

    constructor(IPointsToken token, IReleaseNode releaseNode) MerchantRegistry(token) {
        RELEASE_NODE = releaseNode;
    }

    /// @inheritdoc IPaymentProcessor
    function issue(Issue calldata item) external restricted {
        _issue(item);
    }

    /// @inheritdoc IPaymentProcessor
    function issueBatch(Issue[] calldata items) external restricted {
        _requireBatch(items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            _issue(items[i]);
        }
    }

    /// @inheritdoc IPaymentProcessor
    function issueReserve(uint32 merchant, bytes32 order, uint32 program, uint64 amount, bytes32 evidence)
        external
        restricted
    {
        // Check:
        if (amount == 0) revert PaymentProcessor_NothingToDo(order);
        _useApproval(order, amount, reserveHash(merchant, order, program, amount, evidence));

        // Effect:
        _recordIssue(merchant, order);
        address payout = _consumeIssued(merchant, order, amount);

        // Interaction:
        RELEASE_NODE.depositIssued(program, payout, amount);
        TOKEN.settleReserve(amount);
        emit ReserveIssued(merchant, order, program, amount, evidence);
    }

    /// @inheritdoc IPaymentProcessor
    function approveIssue(bytes32 hash) external restricted {
        approverOf[hash] = msg.sender;
        emit IssueApproved(hash, msg.sender);
    }

    /// @inheritdoc IPaymentProcessor
    function setApprovalThreshold(uint64 threshold) external restricted {
        approvalThreshold = threshold;
        emit ApprovalThresholdSet(threshold);
    }

    /// @inheritdoc IPaymentProcessor
    function issueHash(Issue calldata item) public pure returns (bytes32) {
        return keccak256(abi.encode(item));
    }

    /// @inheritdoc IPaymentProcessor
    /// @dev Five words; an issue's are seven, so no hash is of both.
    function reserveHash(uint32 merchant, bytes32 order, uint32 program, uint64 amount, bytes32 evidence)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(merchant, order, program, amount, evidence));
    }

    function _issue(Issue calldata item) private {
        // Check:
        uint64 amount = SafeCast.toUint64(uint256(item.points) + item.total);
        if (amount == 0) revert PaymentProcessor_NothingToDo(item.order);
        if (item.total == 0 && item.program != 0) revert PaymentProcessor_NoNode(item.order, item.program);
        _useApproval(item.order, amount, issueHash(item));

        // Effect:
        _recordIssue(item.merchant, item.order);
        address payout = _consumeIssued(item.merchant, item.order, amount);

        // Interaction:
        uint24 start;
        bool made;
        if (item.total != 0) {
            (start, made) = RELEASE_NODE.commitIssue(item.program, payout, item.customer, item.total);
        }
        TOKEN.settleIssue(item.customer, item.points, item.total, made);
        emit Issued(
            item.merchant, item.order, item.customer, item.program, start, item.points, item.total, item.evidence
        );
    }

    /// @dev Uses up the approval of an issue above the threshold, which has to be somebody else's.
    function _useApproval(bytes32 order, uint64 amount, bytes32 hash) private {
        // Check:
        if (amount <= approvalThreshold) return;
        address approver = approverOf[hash];
        if (approver == address(0)) revert PaymentProcessor_ApprovalNeeded(order, amount, approvalThreshold);
        // Whoever comes through the manager's `execute` has the manager's address, so no two are told apart there.
        bool told = approver != authority() && msg.sender != authority();
        if (!told || approver == msg.sender) revert PaymentProcessor_OwnApproval(order, approver);

        // Effect:
        delete approverOf[hash];
    }
}
