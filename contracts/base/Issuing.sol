// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IMerchantRegistry} from "../interfaces/IMerchantRegistry.sol";
import {IPaymentProcessor} from "../interfaces/IPaymentProcessor.sol";
import {IPointsToken} from "../interfaces/IPointsToken.sol";
import {IPrograms} from "../interfaces/IPrograms.sol";
import {IReleaseNode} from "../interfaces/IReleaseNode.sol";
import {Orders} from "./Orders.sol";

/// @title Issues: points, nodes and reserves minted out of a merchant's prepaid quota
abstract contract Issuing is Orders, AccessManaged {
    /// @notice The points.
    IPointsToken public immutable TOKEN;
    /// @notice The programs and their books.
    IPrograms public immutable PROGRAMS;
    /// @notice The nodes.
    IReleaseNode public immutable RELEASE_NODE;
    /// @notice The merchants.
    IMerchantRegistry public immutable REGISTRY;

    constructor(
        address authority,
        IPointsToken token,
        IPrograms programs,
        IReleaseNode releaseNode,
        IMerchantRegistry registry
    ) AccessManaged(authority) {
        TOKEN = token;
        PROGRAMS = programs;
        RELEASE_NODE = releaseNode;
        REGISTRY = registry;
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
        if (amount == 0) revert PaymentProcessor_NothingToDo();

        // Effect:
        _recordIssue(merchant, order);

        // Interaction:
        address payout = REGISTRY.consumeIssued(merchant, address(0), amount);
        TOKEN.mintIssued(address(PROGRAMS), amount);
        PROGRAMS.depositReceived(program, payout, amount);
        emit ReserveIssued(merchant, order, program, amount, evidence);
    }

    function _issue(Issue calldata item) private {
        // Check:
        uint64 amount = SafeCast.toUint64(uint256(item.points) + item.total);
        if (amount == 0) revert PaymentProcessor_NothingToDo();

        // Effect:
        _recordIssue(item.merchant, item.order);

        // Interaction:
        address payout = REGISTRY.consumeIssued(item.merchant, item.customer, amount);
        if (item.points != 0) TOKEN.mintIssued(item.customer, item.points);
        uint24 start;
        if (item.total != 0) {
            TOKEN.mintIssued(address(PROGRAMS), item.total);
            start = PROGRAMS.commitIssue(item.program, payout, item.total);
            RELEASE_NODE.topUp(item.program, start, item.customer, item.total, 0);
        }
        emit Issued(
            item.merchant, item.order, item.customer, item.program, start, item.points, item.total, item.evidence
        );
    }
}
