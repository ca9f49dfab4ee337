// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Release nodes (ADN): ERC-721 tokens that release points period by period
/// @notice A token id says what never changes of a node: `program << 224 | start << 200 | serial << 160 | origin`.
/// Payments of one payer in one period add to one node (serial 0). A node is locked until its first release: it cannot
/// be claimed or transferred; as long a refund is possible. A transfer first pays what is claimable to the seller.
/// Emits ERC-4906 MetadataUpdate whenever a node that is there changes. Amounts are base units.
interface IReleaseNode {
    /// @notice A node as it stands.
    struct Node {
        address owner;
        uint32 program;
        uint24 start; // period at whose beginning the node starts; its first release is one period later
        uint64 total; // all that the node will ever release
        uint64 claimed; // paid out so far
        uint64 claimable; // released and not yet paid out
        uint8 claimedPeriods; // up to which period it was paid out
    }

    /// @notice Released points were paid out.
    /// @param id The node.
    /// @param owner Its owner.
    /// @param to The receiver.
    /// @param amount Base units.
    /// @param claimedPeriods Up to which period it is paid out now.
    event Claimed(uint256 indexed id, address indexed owner, address indexed to, uint64 amount, uint8 claimedPeriods);

    /// @notice The holder let `delegate` claim to `to`.
    /// @param owner The holder.
    /// @param delegate Who may claim.
    /// @param to The only receiver.
    /// @param cap Base units still allowed.
    /// @param deadline Unix seconds, inclusive.
    event ClaimApproval(
        address indexed owner, address indexed delegate, address indexed to, uint64 cap, uint40 deadline
    );

    /// @notice ERC-4906: the node's metadata changed.
    event MetadataUpdate(uint256 id);

    /// @notice Only the payment processor makes and undoes nodes.
    error ReleaseNode_NotProcessor(address caller);
    /// @notice No such node.
    error ReleaseNode_Unknown(uint256 id);
    /// @notice The node has not released anything yet; it unlocks at `unlocksAt` (unix seconds).
    error ReleaseNode_Locked(uint256 id, uint256 unlocksAt);
    /// @notice Refunds of a node end with its first release.
    error ReleaseNode_Unlocked(uint256 id, uint256 unlockedAt);
    /// @notice Nothing is claimable of this node now.
    error ReleaseNode_NothingToClaim(uint256 id);
    /// @notice The caller neither owns the node nor may claim it.
    error ReleaseNode_NotClaimer(uint256 id, address caller);
    /// @notice The delegate's cap is smaller than what the nodes release.
    error ReleaseNode_ClaimCapExceeded(address owner, address delegate, uint256 tried, uint64 left);
    /// @notice The approval ended at `deadline`.
    error ReleaseNode_ClaimApprovalExpired(address owner, address delegate, uint40 deadline);
    /// @notice The signature is not the owner's.
    error ReleaseNode_InvalidSignature(address owner);
    /// @notice A batch has 1 to `limit` nodes.
    error ReleaseNode_BatchSize(uint256 tried, uint256 limit);
    /// @notice A frozen account cannot give nodes away.
    error ReleaseNode_AccountFrozen(address account, uint40 until);

    /// @notice Makes a node, or adds to the node that the payer already has for this start. For the processor.
    /// Emits Transfer (a new node) or MetadataUpdate (a node that grows). Reverts with ReleaseNode_NotProcessor,
    /// Programs_PayerPeriodCapExceeded when `cap` is not 0 and the node's total would pass it.
    function topUp(uint32 program, uint24 start, address payer, uint64 total, uint64 cap) external returns (uint256 id);

    /// @notice Takes `total` from a locked node, which ends when nothing is left. For the processor. Emits
    /// MetadataUpdate, and Transfer to the zero address when it ends. A `total` of 0 only checks the lock. Reverts with
    /// ReleaseNode_NotProcessor, ReleaseNode_Unlocked, ReleaseNode_Unknown.
    function undo(uint32 program, uint24 start, address payer, uint64 total) external;

    /// @notice Pays what the nodes have released to their owners, whoever calls. Emits Claimed for each.
    /// Reverts with ReleaseNode_Unknown, ReleaseNode_Locked, ReleaseNode_NothingToClaim (each names the node),
    /// ReleaseNode_BatchSize.
    /// @param ids At most 500 node ids.
    /// @return amount Points paid, base units.
    function claim(uint256[] calldata ids) external returns (uint256 amount);

    /// @notice Pays what the nodes have released to `to`. For their owner, or a delegate whom the owner allowed to claim
    /// to `to` (an ERC-721 approval is not enough). Emits Claimed for each. Reverts as `claim` does, and with
    /// ReleaseNode_NotClaimer, ReleaseNode_ClaimCapExceeded, ReleaseNode_ClaimApprovalExpired,
    /// ReleaseNode_AccountFrozen.
    function claimTo(uint256[] calldata ids, address to) external returns (uint256 amount);

    /// @notice Lets `delegate` claim the caller's nodes to `to`, until `deadline`, at most `cap` base units (0 ends it).
    /// Emits ClaimApproval.
    function approveClaim(address delegate, address to, uint64 cap, uint40 deadline) external;

    /// @notice `approveClaim` by EIP-712 signature of the owner (EOA or ERC-1271), for anyone to send:
    /// ClaimApproval(address owner,address delegate,address to,uint64 cap,uint40 deadline,uint256 nonce).
    /// Emits ClaimApproval. Reverts with ReleaseNode_InvalidSignature, ReleaseNode_ClaimApprovalExpired.
    function permitClaim(
        address owner,
        address delegate,
        address to,
        uint64 cap,
        uint40 deadline,
        bytes calldata signature
    ) external;

    /// @notice What `delegate` may still claim of `owner`'s nodes to `to`, and until when.
    function claimAllowance(address owner, address delegate, address to)
        external
        view
        returns (uint64 cap, uint40 deadline);

    /// @notice The nonce of the owner's next `permitClaim`.
    function nonces(address owner) external view returns (uint256);

    /// @notice A node as it stands now. Reverts with ReleaseNode_Unknown.
    function nodeOf(uint256 id) external view returns (Node memory);

    /// @notice The id of the node that payments of `payer` make for `start`.
    function idOf(uint32 program, uint24 start, address payer) external pure returns (uint256);
}
