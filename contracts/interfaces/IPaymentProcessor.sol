// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMerchantRegistry} from "./IMerchantRegistry.sol";

/// @title Payments, refunds and issues
/// @notice A payment of P diverts floor(P * divertBps / 10,000) into a node of the payer and gives the merchant the
/// rest. Each order of a merchant is paid at most once and issued at most once. What is kept of a payment is one slot:
/// a hash of its terms and how much was refunded, so later calls bring the terms and cannot disagree with them. A batch
/// is carried out whole or not at all; what is wrong with it names the order. Amounts are base units of points.
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
    /// uint40 validBefore), by the payer; over a refund Refund(uint32 merchant,uint32 program,uint64 paid,
    /// address payer,bytes32 order,uint24 start,uint64 amount,uint64 refunded,uint40 validAfter,uint40 validBefore),
    /// where `refunded` is what was refunded before, by the payout address. Times are unix seconds: valid while
    /// validAfter < now < validBefore. The signature is 65 bytes of an account, or whatever an ERC-1271 contract
    /// accepts.
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

    /// @notice A payment was made. amount = diverted + what the merchant got; the payer's node for `start` grew by
    /// diverted * multiplier, as the program has it.
    /// @param merchant The merchant's id.
    /// @param order The order hash.
    /// @param payer The payer.
    /// @param program The program's id.
    /// @param start The period at whose beginning the node starts.
    /// @param amount What was paid, base units.
    /// @param diverted The share of it that makes the node, base units.
    event Paid(
        uint32 indexed merchant,
        bytes32 indexed order,
        address indexed payer,
        uint32 program,
        uint24 start,
        uint64 amount,
        uint64 diverted
    );

    /// @notice A refund was made: the payer got `amount` back, of which `diverted` were the node's; the node shrank by
    /// `total`.
    /// @param merchant The merchant's id.
    /// @param order The order hash.
    /// @param payer The payer.
    /// @param program The program's id.
    /// @param start The period at whose beginning the node starts.
    /// @param amount What was given back, base units.
    /// @param diverted How much of it were diverted points, base units.
    /// @param total What the node's total shrank by, base units.
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
    /// @param merchant The merchant's id.
    /// @param order The order hash.
    /// @param customer The customer.
    /// @param program The program's id; 0 without a node.
    /// @param start The period at whose beginning the node starts; 0 without a node.
    /// @param points What was minted to the customer at once, base units.
    /// @param total The node's total, minted into the program's reserve, base units.
    /// @param evidence keccak256 of the merchant's proof of the payment in money.
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
    /// @param merchant The merchant's id.
    /// @param order The order hash.
    /// @param program The program's id.
    /// @param amount What was issued, base units.
    /// @param evidence keccak256 of the merchant's proof of the payment in money.
    event ReserveIssued(
        uint32 indexed merchant, bytes32 indexed order, uint32 indexed program, uint64 amount, bytes32 evidence
    );

    /// @notice A large issue was approved, for whoever may issue but the approver itself.
    /// @param hash As `issueHash` or `reserveHash` gives it.
    /// @param approver Who approved it.
    event IssueApproved(bytes32 indexed hash, address indexed approver);
    /// @notice Above how many points an issue needs a second person was set, base units.
    /// @param threshold Base units; an issue of more needs a second person.
    event ApprovalThresholdSet(uint64 threshold);

    /// @notice `caller` is not `payer`, who pays `order`.
    error PaymentProcessor_NotPayer(bytes32 order, address payer, address caller);
    /// @notice `order` of `merchant` is paid already.
    error PaymentProcessor_AlreadyPaid(uint32 merchant, bytes32 order);
    /// @notice `order` of `merchant` is issued already.
    error PaymentProcessor_AlreadyIssued(uint32 merchant, bytes32 order);
    /// @notice `order` is of `amount` base units; the program takes no payment below `minimum`.
    error PaymentProcessor_BelowMinimum(bytes32 order, uint64 amount, uint64 minimum);
    /// @notice No payment of `order` to `merchant` was made on these terms.
    error PaymentProcessor_UnknownPayment(uint32 merchant, bytes32 order);
    /// @notice `caller` is not the payout address of `merchant`.
    error PaymentProcessor_NotPayout(uint32 merchant, address caller);
    /// @notice `left` base units of the payment of `order` to `merchant` are not refunded yet; `tried` is more.
    error PaymentProcessor_RefundExceedsPaid(uint32 merchant, bytes32 order, uint256 tried, uint64 left);
    /// @notice The amount to refund or to issue for `order` is 0.
    error PaymentProcessor_NothingToDo(bytes32 order);
    /// @notice The issue of `order` names `program`, but makes no node of it: its total is 0.
    error PaymentProcessor_NoNode(bytes32 order, uint32 program);
    /// @notice The authorization for `order` is valid only after `validAfter` and before `validBefore`, unix seconds.
    error PaymentProcessor_NotValidNow(bytes32 order, uint40 validAfter, uint40 validBefore);
    /// @notice The authorization for `order` is not signed by `signer` over exactly these terms.
    error PaymentProcessor_InvalidSignature(bytes32 order, address signer);
    /// @notice `order` is of `amount` base units; above `threshold`, an issue needs the approval of a second person.
    error PaymentProcessor_ApprovalNeeded(bytes32 order, uint64 amount, uint64 threshold);
    /// @notice `approver` approved the issue of `order`, so somebody else carries it out. Neither comes through the
    /// access manager's `execute`, where all callers look alike.
    error PaymentProcessor_OwnApproval(bytes32 order, address approver);
    /// @notice `tried` items are no batch: it has 1 to `limit`, and as many authorizations as payments.
    error PaymentProcessor_BatchSize(uint256 tried, uint256 limit);

    /// @notice Pays an order with the caller's points; no allowance is needed. Emits Paid. Reverts with
    /// PaymentProcessor_NotPayer, PaymentProcessor_AlreadyPaid, PaymentProcessor_BelowMinimum,
    /// MerchantRegistry_Unknown, MerchantRegistry_Inactive, MerchantRegistry_PaidPerDayExceeded, as `termsNow` and
    /// `topUp` of IReleaseNode do, and as `settle` of IPointsToken does.
    /// @param payment The payment's terms.
    function pay(Payment calldata payment) external;

    /// @notice Pays an order with the payer's points, by the payer's authorization, whoever calls. Emits Paid.
    /// Reverts as `pay` does, and with PaymentProcessor_NotValidNow, PaymentProcessor_InvalidSignature; the token's
    /// `cancelPayments` takes an authorization back.
    /// @param payment The payment's terms.
    /// @param authorization The payer's, over the payment.
    function payWithAuthorization(Payment calldata payment, Authorization calldata authorization) external;

    /// @notice At most 100 payments of the caller; all or none. Emits Paid for each. Orders of one merchant and program
    /// that follow one another move the points, and grow the node, once. Reverts as `pay` does, and with
    /// PaymentProcessor_BatchSize; each error names the order, the payer, or the merchant or program that takes no
    /// more.
    /// @param payments 1 to 100 payments.
    function payBatch(Payment[] calldata payments) external;

    /// @notice At most 100 authorized payments, of any payers; all or none. Emits Paid for each. Reverts as
    /// `payWithAuthorization` does, and with PaymentProcessor_BatchSize.
    /// @param payments 1 to 100 payments.
    /// @param authorizations One for each payment, in the same order.
    function payBatchWithAuthorization(Payment[] calldata payments, Authorization[] calldata authorizations) external;

    /// @notice Gives back `amount` of a payment while its node is locked: the merchant's part comes from the payout
    /// address, which calls; no allowance is needed. Emits Refunded. Reverts with PaymentProcessor_UnknownPayment,
    /// PaymentProcessor_NotPayout, PaymentProcessor_RefundExceedsPaid, PaymentProcessor_NothingToDo,
    /// ReleaseNode_Unlocked.
    /// @param payment The terms as paid.
    /// @param start The node's start, as in Paid.
    /// @param amount What is given back, base units.
    function refund(Payment calldata payment, uint24 start, uint64 amount) external;

    /// @notice `refund` by an authorization of the payout address, whoever calls. Emits Refunded. Reverts as `refund`
    /// does, and with PaymentProcessor_NotValidNow, PaymentProcessor_InvalidSignature.
    /// @param payment The terms as paid.
    /// @param start The node's start, as in Paid.
    /// @param amount What is given back, base units.
    /// @param authorization The payout address's, over the refund.
    function refundWithAuthorization(
        Payment calldata payment,
        uint24 start,
        uint64 amount,
        Authorization calldata authorization
    ) external;

    /// @notice Issues points for an order that was paid in money. For issuers. Emits Issued, and the program's
    /// ReserveDeposited where there is a node. Reverts with PaymentProcessor_AlreadyIssued,
    /// PaymentProcessor_NothingToDo, PaymentProcessor_NoNode, PaymentProcessor_ApprovalNeeded,
    /// PaymentProcessor_OwnApproval, MerchantRegistry_Unknown, MerchantRegistry_Inactive,
    /// MerchantRegistry_IssuedPerDayExceeded, MerchantRegistry_QuotaExceeded, as `commitIssue` of IReleaseNode and
    /// `settleIssue` of IPointsToken do.
    /// @param item What is issued, and for which order.
    function issue(Issue calldata item) external;

    /// @notice At most 100 issues; all or none. For issuers. Emits Issued for each. Reverts as `issue` does, and
    /// with PaymentProcessor_BatchSize.
    /// @param items 1 to 100 issues.
    function issueBatch(Issue[] calldata items) external;

    /// @notice Issues points out of a merchant's quota into a FUNDED program's reserve. For issuers. Emits
    /// ReserveIssued. Reverts as `issue` does without its person and node, and as `depositIssued` of IReleaseNode does.
    /// @param merchant The merchant's id.
    /// @param order The order hash.
    /// @param program The program's id.
    /// @param amount What is issued into the reserve, base units.
    /// @param evidence keccak256 of the merchant's proof of the payment in money.
    function issueReserve(uint32 merchant, bytes32 order, uint32 program, uint64 amount, bytes32 evidence) external;

    /// @notice Approves an issue above the threshold, once; somebody else issues it. For approvers. Emits
    /// IssueApproved.
    /// @param hash As `issueHash` or `reserveHash` gives it.
    function approveIssue(bytes32 hash) external;

    /// @notice Sets above how many points an issue needs a second person (100,000 points at first). For the admin.
    /// Emits ApprovalThresholdSet.
    /// @param threshold Base units; an issue of more needs a second person.
    function setApprovalThreshold(uint64 threshold) external;

    /// @notice Above how many points an issue needs a second person, base units.
    /// @return The threshold, as in ApprovalThresholdSet.
    function approvalThreshold() external view returns (uint64);

    /// @notice Who approved the issue with this hash; zero when nobody did, or once it was issued.
    /// @param hash As `issueHash` or `reserveHash` gives it.
    /// @return The approver, who cannot carry it out as well.
    function approverOf(bytes32 hash) external view returns (address);

    /// @notice What an approver of an issue names: the hash of all of it.
    /// @param item What is issued, and for which order.
    /// @return keccak256 of the ABI encoding of the item.
    function issueHash(Issue calldata item) external pure returns (bytes32);

    /// @notice What an approver of points issued into a reserve names: the hash of all of it.
    /// @param merchant The merchant's id.
    /// @param order The order hash.
    /// @param program The program's id.
    /// @param amount What is issued into the reserve, base units.
    /// @param evidence keccak256 of the merchant's proof of the payment in money.
    /// @return keccak256 of the ABI encoding of the parameters, in their order.
    function reserveHash(uint32 merchant, bytes32 order, uint32 program, uint64 amount, bytes32 evidence)
        external
        pure
        returns (bytes32);

    /// @notice The EIP-712 hash that a payer signs.
    /// @param payment The payment's terms.
    /// @param validAfter Unix seconds after which the authorization is valid.
    /// @param validBefore Unix seconds before which the authorization is valid.
    /// @return The EIP-712 digest in this contract's domain.
    function paymentHash(Payment calldata payment, uint40 validAfter, uint40 validBefore)
        external
        view
        returns (bytes32);

    /// @notice The EIP-712 hash that a payout address signs for the next refund: it names what was refunded before.
    /// @param payment The terms as paid.
    /// @param start The node's start, as in Paid.
    /// @param amount What is given back, base units.
    /// @param validAfter Unix seconds after which the authorization is valid.
    /// @param validBefore Unix seconds before which the authorization is valid.
    /// @return The EIP-712 digest in this contract's domain.
    function refundHash(Payment calldata payment, uint24 start, uint64 amount, uint40 validAfter, uint40 validBefore)
        external
        view
        returns (bytes32);

    /// @notice What a refund of `amount` takes: from the merchant, from the diverted points, from the node's total.
    /// Reverts with PaymentProcessor_UnknownPayment, PaymentProcessor_RefundExceedsPaid.
    /// @param payment The terms as paid.
    /// @param start The node's start, as in Paid.
    /// @param amount What is given back, base units.
    /// @return fromMerchant What the payout address gives back, base units.
    /// @return diverted How much of `amount` are diverted points, base units.
    /// @return total What the node's total shrinks by, base units.
    function quoteRefund(Payment calldata payment, uint24 start, uint64 amount)
        external
        view
        returns (uint64 fromMerchant, uint64 diverted, uint64 total);

    /// @notice What is kept of an order.
    /// @param merchant The merchant's id.
    /// @param order The order hash.
    /// @return commitment The first 24 bytes of keccak256 of the payment and its start, ABI-encoded; 0 when unpaid.
    /// @return refunded What was refunded of the payment, base units.
    /// @return issued Whether the order was issued.
    function orderOf(uint32 merchant, bytes32 order)
        external
        view
        returns (bytes24 commitment, uint64 refunded, bool issued);
}
