// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMerchantRegistry} from "./IMerchantRegistry.sol";

/// @title Payments, refunds and issues
/// @notice A payment of P diverts floor(P * divertBps / 10,000) into a node of the payer and gives the merchant the rest.
/// Each order of a merchant is paid at most once and issued at most once. What is kept of a payment is one slot: a hash
/// of its terms and how much was refunded, so later calls bring the terms and cannot disagree with them.
/// A batch is carried out whole or not at all; what is wrong with it names the order. Amounts are base units of points.
interface IPaymentProcessor is IMerchantRegistry {
    /// @notice What a payer agrees to.
    struct Payment {
        uint32 merchant;
        uint32 program;
        uint64 amount;
        address payer;
        bytes32 order; // names the merchant's order: a hash that nobody can guess
    }

    /// @notice A signed EIP-712 message of this contract's domain (EIP-5267): over a payment
    /// Payment(uint32 merchant,uint32 program,uint64 amount,address payer,bytes32 order,uint40 validAfter,
    /// uint40 validBefore), by the payer; over a refund Refund(uint32 merchant,uint32 program,uint64 paid,address payer,
    /// bytes32 order,uint24 start,uint64 amount,uint64 refunded,uint40 validAfter,uint40 validBefore), where `refunded` is
    /// what was refunded before, by the payout address. Times are unix seconds: valid while
    /// validAfter < now < validBefore. The signature is 65 bytes of an account, or whatever an ERC-1271 contract accepts.
    struct Authorization {
        uint40 validAfter;
        uint40 validBefore;
        bytes signature;
    }

    /// @notice What is issued for an order that was paid in money: points at once, a node of a FUNDED program, or both.
    struct Issue {
        uint32 merchant;
        uint32 program; // 0 where there is no node
        uint64 points; // minted to the customer at once
        uint64 total; // minted into the program's reserve and released by the customer's node
        address customer;
        bytes32 order;
        bytes32 evidence; // hash of the merchant's receipt or card capture
    }

    /// @notice A payment was made. amount = diverted + what the merchant got; the payer's node for `start` grew by diverted *
    /// multiplier, as the program has it.
    event Paid(
        uint32 indexed merchant,
        bytes32 indexed order,
        address indexed payer,
        uint32 program,
        uint24 start,
        uint64 amount,
        uint64 diverted
    );

    /// @notice A refund was made: the payer got `amount` back, of which `diverted` were the node's; the node shrank by `total`.
    event Refunded(
        uint32 indexed merchant,
        bytes32 indexed order,
        address indexed payer,
        uint32 program,
        uint24 start,
        uint64 amount,
        uint64 diverted,
        uint64 total
    );

    /// @notice Points were issued for a payment in money; `start` is the node's, 0 without a node.
    event Issued(
        uint32 indexed merchant,
        bytes32 indexed order,
        address indexed customer,
        uint32 program,
        uint24 start,
        uint64 points,
        uint64 total,
        bytes32 evidence
    );

    /// @notice Points were issued out of a merchant's quota into a program's reserve.
    event ReserveIssued(
        uint32 indexed merchant, bytes32 indexed order, uint32 indexed program, uint64 amount, bytes32 evidence
    );

    /// @notice A large issue was approved, for whoever may issue but the approver itself.
    /// @param hash As `issueHash` or `reserveHash` gives it.
    event IssueApproved(bytes32 indexed hash, address indexed approver);
    /// @notice Above how many points an issue needs a second person was set, base units.
    event ApprovalThresholdSet(uint64 threshold);

    error PaymentProcessor_NotPayer(bytes32 order, address payer, address caller);
    error PaymentProcessor_AlreadyPaid(uint32 merchant, bytes32 order);
    error PaymentProcessor_AlreadyIssued(uint32 merchant, bytes32 order);
    /// @notice The payment is smaller than the program takes.
    error PaymentProcessor_BelowMinimum(bytes32 order, uint64 amount, uint64 minimum);
    /// @notice The terms are not those of a payment that was made.
    error PaymentProcessor_UnknownPayment(uint32 merchant, bytes32 order);
    error PaymentProcessor_NotPayout(uint32 merchant, address caller);
    error PaymentProcessor_RefundExceedsPaid(uint32 merchant, bytes32 order, uint256 tried, uint64 left);
    error PaymentProcessor_NothingToDo(bytes32 order);
    /// @notice An issue that names a program makes a node of it: its total is not 0.
    error PaymentProcessor_NoNode(bytes32 order, uint32 program);
    /// @notice Now is not after `validAfter` and before `validBefore`, unix seconds.
    error PaymentProcessor_NotValidNow(bytes32 order, uint40 validAfter, uint40 validBefore);
    /// @notice The signature is not the signer's over exactly these terms.
    error PaymentProcessor_InvalidSignature(bytes32 order, address signer);
    /// @notice An issue above `threshold` needs the approval of a second person.
    error PaymentProcessor_ApprovalNeeded(bytes32 order, uint64 amount, uint64 threshold);
    /// @notice Who approved an issue cannot carry it out as well.
    error PaymentProcessor_OwnApproval(bytes32 order, address approver);
    /// @notice A batch has 1 to `limit` items.
    error PaymentProcessor_BatchSize(uint256 tried, uint256 limit);
    /// @notice Pays an order with the caller's points; no allowance is needed. Emits Paid.
    /// Reverts with PaymentProcessor_NotPayer, PaymentProcessor_AlreadyPaid, PaymentProcessor_BelowMinimum,
    /// MerchantRegistry_Unknown, MerchantRegistry_Inactive, MerchantRegistry_PaidPerDayExceeded, as `termsNow` and `topUp`
    /// of IReleaseNode do, and as `settle` of IPointsToken does.
    function pay(Payment calldata payment) external;

    /// @notice Pays an order with the payer's points, by the payer's authorization, whoever calls. Emits Paid.
    /// Reverts as `pay` does, and with PaymentProcessor_NotValidNow, PaymentProcessor_InvalidSignature; the token's
    /// `cancelPayments` takes an authorization back.
    function payWithAuthorization(Payment calldata payment, Authorization calldata authorization) external;

    /// @notice At most 100 payments of the caller; all or none. Emits Paid for each. Orders of one merchant and program that
    /// follow one another move the points, and grow the node, once. Reverts as `pay` does, and with
    /// PaymentProcessor_BatchSize; each error names the order, the payer, or the merchant or program that takes no more.
    function payBatch(Payment[] calldata payments) external;

    /// @notice At most 100 authorized payments, of any payers; all or none. Emits Paid for each.
    function payBatchWithAuthorization(Payment[] calldata payments, Authorization[] calldata authorizations) external;

    /// @notice Gives back `amount` of a payment while its node is locked: the merchant's part comes from the payout
    /// address, which calls; no allowance is needed. Emits Refunded. Reverts with PaymentProcessor_UnknownPayment,
    /// PaymentProcessor_NotPayout, PaymentProcessor_RefundExceedsPaid, PaymentProcessor_NothingToDo, ReleaseNode_Unlocked.
    /// @param payment The terms as paid.
    /// @param start The node's start, as in Paid.
    /// @param amount Base units.
    function refund(Payment calldata payment, uint24 start, uint64 amount) external;

    /// @notice `refund` by an authorization of the payout address, whoever calls. Emits Refunded. Reverts as `refund`
    /// does, and with PaymentProcessor_NotValidNow, PaymentProcessor_InvalidSignature.
    function refundWithAuthorization(
        Payment calldata payment,
        uint24 start,
        uint64 amount,
        Authorization calldata authorization
    ) external;

    /// @notice Issues points for an order that was paid in money. For issuers. Emits Issued, and the program's
    /// ReserveDeposited where there is a node. Reverts with PaymentProcessor_AlreadyIssued, PaymentProcessor_NothingToDo,
    /// PaymentProcessor_NoNode, PaymentProcessor_ApprovalNeeded, PaymentProcessor_OwnApproval, MerchantRegistry_Unknown,
    /// MerchantRegistry_Inactive, MerchantRegistry_IssuedPerDayExceeded, MerchantRegistry_QuotaExceeded, as `commitIssue` of IReleaseNode and
    /// `settleIssue` of IPointsToken do.
    function issue(Issue calldata item) external;

    /// @notice At most 100 issues; all or none. For issuers. Emits Issued for each. Reverts as `issue` does, and
    /// with PaymentProcessor_BatchSize.
    function issueBatch(Issue[] calldata items) external;

    /// @notice Issues points out of a merchant's quota into a FUNDED program's reserve. For issuers. Emits ReserveIssued.
    /// Reverts as `issue` does without its person and node, and as `depositIssued` of IReleaseNode does.
    function issueReserve(uint32 merchant, bytes32 order, uint32 program, uint64 amount, bytes32 evidence) external;

    /// @notice Approves an issue above the threshold, once; somebody else issues it. For approvers. Emits IssueApproved.
    function approveIssue(bytes32 hash) external;

    /// @notice Sets above how many points an issue needs a second person (100,000 points at first). For the admin. Emits
    /// ApprovalThresholdSet.
    function setApprovalThreshold(uint64 threshold) external;

    /// @notice Above how many points an issue needs a second person, base units.
    function approvalThreshold() external view returns (uint64);

    /// @notice Who approved the issue with this hash; zero when nobody did, or once it was issued.
    function approverOf(bytes32 hash) external view returns (address);

    /// @notice What an approver of an issue names: the hash of all of it.
    function issueHash(Issue calldata item) external pure returns (bytes32);

    /// @notice What an approver of points issued into a reserve names: the hash of all of it.
    function reserveHash(uint32 merchant, bytes32 order, uint32 program, uint64 amount, bytes32 evidence)
        external
        pure
        returns (bytes32);

    /// @notice The EIP-712 hash that a payer signs.
    function paymentHash(Payment calldata payment, uint40 validAfter, uint40 validBefore)
        external
        view
        returns (bytes32);

    /// @notice The EIP-712 hash that a payout address signs for the next refund: it names what was refunded before.
    function refundHash(Payment calldata payment, uint24 start, uint64 amount, uint40 validAfter, uint40 validBefore)
        external
        view
        returns (bytes32);

    /// @notice What a refund of `amount` takes: from the merchant, from the diverted points, from the node's total.
    function quoteRefund(Payment calldata payment, uint24 start, uint64 amount)
        external
        view
        returns (uint64 fromMerchant, uint64 diverted, uint64 total);

    /// @notice What is kept of an order: a commitment to its payment (0 when unpaid), what was refunded, whether issued.
    function orderOf(uint32 merchant, bytes32 order)
        external
        view
        returns (bytes24 commitment, uint64 refunded, bool issued);
}
