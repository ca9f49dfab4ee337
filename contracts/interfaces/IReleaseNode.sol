// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {PayerShare} from "../types/PayerShare.sol";
import {IProgramBooks} from "./IProgramBooks.sol";

/// @title Release nodes (ADN): ERC-721 tokens that release points period by period
/// @notice A token id says what never changes of a node: `program << 224 | start << 200 | serial << 160 | origin`.
/// Payments of one payer in one period add to one node (serial 0), issues to another (serial 1); the pieces of a split
/// have serials of their own. A node is locked until its first release: it cannot be claimed, transferred, given, split
/// or merged; as long a refund is possible. A transfer first pays what is claimable to the seller.
/// Emits ERC-4906 MetadataUpdate or BatchMetadataUpdate whenever a node that is there changes. Amounts are base units.
interface IReleaseNode is IERC4906, IProgramBooks {
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
    /// @param to The receiver: its owner, its beneficiary, or whom the owner or a delegate named.
    /// @param amount Base units.
    /// @param claimedPeriods Up to which period it is paid out now.
    event Claimed(uint256 indexed id, address indexed to, uint64 amount, uint8 claimedPeriods);

    /// @notice The holder let `delegate` claim to `to`.
    /// @param owner The holder.
    /// @param delegate Who may claim.
    /// @param to The only receiver.
    /// @param cap Base units still allowed.
    /// @param deadline Unix seconds, inclusive.
    event ClaimApproval(
        address indexed owner, address indexed delegate, address indexed to, uint64 cap, uint40 deadline
    );

    /// @notice A node was split: `piece` is a new node, and `id` holds so much less.
    /// @param total The piece's total, which was taken from that of `id`.
    /// @param claimed What counts as paid out of the piece, taken from what counted of `id`.
    /// @param claimedPeriods Up to which period both are paid out.
    event Split(
        uint256 indexed id,
        uint256 indexed piece,
        address indexed owner,
        uint64 total,
        uint64 claimed,
        uint8 claimedPeriods
    );

    /// @notice A node ended in a merge: `into` holds so much more.
    /// @param total The ended node's total, which was added to that of `into`.
    /// @param claimed What was paid out of the ended node, which counts as paid out of `into` now.
    /// @param claimedPeriods Up to which period `into` is paid out after the merge.
    event Merged(
        uint256 indexed into,
        uint256 indexed id,
        address indexed owner,
        uint64 total,
        uint64 claimed,
        uint8 claimedPeriods
    );

    /// @notice A node waits for whoever has the secret of a link.
    /// @param secret The address of the secret, which is a key.
    /// @param expiry Until when it may be taken, unix seconds, inclusive.
    event Given(uint256 indexed id, address indexed owner, address secret, uint40 expiry);
    /// @notice A given node was taken; a Transfer follows.
    event Taken(uint256 indexed id, address indexed owner, address indexed to);
    /// @notice A given node that nobody took is its owner's to use again.
    event TakenBack(uint256 indexed id, address indexed owner);

    /// @notice What the node releases from now on is paid to `beneficiary`; to its owner where that is zero.
    event BeneficiarySet(uint256 indexed id, address indexed owner, address indexed beneficiary);

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
    /// @notice Only the owner of a node may do this.
    error ReleaseNode_NotOwner(uint256 id, address caller);
    /// @notice A piece is at least one unit, and something stays with the node that is split.
    error ReleaseNode_PieceSize(uint256 id, uint256 tried, uint256 total);
    /// @notice Nodes that merge have the same program, start, owner and beneficiary, and are different ones.
    error ReleaseNode_NotAlike(uint256 into, uint256 id);
    /// @notice More was paid in advance of the schedule, by splits, than the node is still to release, or than is kept.
    error ReleaseNode_AdvanceTooLarge(uint256 tried, uint256 limit);
    /// @notice The node waits for whoever it was given to.
    error ReleaseNode_Given(uint256 id);
    /// @notice The node is not given.
    error ReleaseNode_NotGiven(uint256 id);
    /// @notice The gift ended, or would end before it began.
    error ReleaseNode_GiftExpired(uint256 id, uint40 expiry);
    /// @notice A gift is its giver's again only after its expiry.
    error ReleaseNode_GiftRuns(uint256 id, uint40 expiry);
    /// @notice What a node in custody releases is claimed to its beneficiary alone.
    error ReleaseNode_InCustody(uint256 id, address beneficiary);

    /// @notice Books payments, and makes each payer's node of what they release or adds to the one that is there. For the
    /// processor, which then moves the points. Emits Transfer (a new node) or MetadataUpdate (one that grows). Reverts with
    /// ReleaseNode_NotProcessor, Programs_CapExceeded, Programs_ReserveTooSmall, Programs_PayerPeriodCapExceeded.
    /// @param start As `termsNow` said in the same transaction.
    /// @param shares At most 256.
    /// @return made Bit i says whether the node of share i is new.
    function topUp(uint32 program, uint24 start, PayerShare[] calldata shares) external returns (uint256 made);

    /// @notice Books points that arrive in the reserve of a FUNDED program, given by `sponsor`, and a node of just as many.
    /// For the processor. Emits ReserveDeposited, and Transfer or MetadataUpdate. Reverts with ReleaseNode_NotProcessor,
    /// Programs_Unknown, Programs_NotFunded, Programs_NotStarted, Programs_Closed, Programs_CapExceeded,
    /// ERC721InvalidReceiver (the customer is nobody, or the token).
    /// @return start The node's.
    /// @return made Whether the node is new.
    function commitIssue(uint32 program, address sponsor, address customer, uint64 total)
        external
        returns (uint24 start, bool made);

    /// @notice Books points that arrive in the reserve of a FUNDED program, given by `sponsor`. For the processor. Emits
    /// ReserveDeposited. Reverts with ReleaseNode_NotProcessor, Programs_Unknown, Programs_NotFunded, Programs_Closed.
    function depositIssued(uint32 program, address sponsor, uint64 amount) external;

    /// @notice Takes `total` from a locked node, which ends when nothing is left, and `diverted` from the books. For the
    /// processor, which then moves the points. Emits MetadataUpdate, and Transfer to the zero address when it ends. A
    /// `total` of 0 leaves the node alone. Reverts with ReleaseNode_NotProcessor, ReleaseNode_Unlocked,
    /// ReleaseNode_Unknown.
    /// @return ended Whether nothing is left of the node.
    function undo(uint32 program, uint24 start, address payer, uint64 diverted, uint64 total)
        external
        returns (bool ended);

    /// @notice Pays what the nodes have released to their owners (to the beneficiary of a node in custody), whoever calls.
    /// Emits Claimed for each; one Transfer of points for nodes of one owner and program that follow one another.
    /// Reverts with ReleaseNode_Unknown, ReleaseNode_Locked, ReleaseNode_NothingToClaim (each names the node),
    /// ReleaseNode_BatchSize, and with PointsToken_AccountFrozen where a frozen owner's points would go to a beneficiary.
    /// @param ids At most 500 node ids.
    /// @return amount Points paid, base units.
    function claim(uint256[] calldata ids) external returns (uint256 amount);

    /// @notice Pays what the nodes have released to `to`. For their owner, or a delegate whom the owner allowed to claim
    /// to `to` (an ERC-721 approval is not enough). Emits Claimed for each. Reverts as `claim` does, and with
    /// ReleaseNode_NotClaimer, ReleaseNode_ClaimCapExceeded, ReleaseNode_ClaimApprovalExpired,
    /// ReleaseNode_InCustody, PointsToken_AccountFrozen.
    function claimTo(uint256[] calldata ids, address to) external returns (uint256 amount);

    /// @notice Lets `delegate` claim the caller's nodes to `to`, until `deadline`, at most `cap` base units (0 ends it).
    /// Emits ClaimApproval.
    function approveClaim(address delegate, address to, uint64 cap, uint40 deadline) external;

    /// @notice `approveClaim` by EIP-712 signature of the owner (EOA or ERC-1271), for anyone to send:
    /// ClaimApproval(address owner,address delegate,address to,uint64 cap,uint40 deadline,uint256 nonce),
    /// where the nonce is `nonces(owner)`.
    /// Emits ClaimApproval. Reverts with ReleaseNode_InvalidSignature, ReleaseNode_ClaimApprovalExpired.
    function permitClaim(
        address owner,
        address delegate,
        address to,
        uint64 cap,
        uint40 deadline,
        bytes calldata signature
    ) external;

    /// @notice Takes pieces of these totals off a node of the caller: new nodes of the same program, start and owner (and
    /// beneficiary). Totals add up; what was paid out is parted too, and where rounding would let the parts release a unit
    /// more than the whole, the node that is split counts it as paid in advance. Emits Split and Transfer for each piece,
    /// MetadataUpdate. Reverts with ReleaseNode_NotOwner, ReleaseNode_Locked, ReleaseNode_Given, ReleaseNode_PieceSize,
    /// ReleaseNode_BatchSize (1 to 100 pieces), ReleaseNode_AdvanceTooLarge.
    /// @return pieces The new ids.
    function split(uint256 id, uint64[] calldata totals) external returns (uint256[] memory pieces);

    /// @notice Merges nodes of the caller, of the same program, start and beneficiary, into one of them, and pays what that
    /// has released and none of them was paid: what was claimable, and the unit that rounding kept back from the parts.
    /// Emits Merged and Transfer for each that ends, Claimed, MetadataUpdate. Reverts with ReleaseNode_NotOwner,
    /// ReleaseNode_Locked, ReleaseNode_Given, ReleaseNode_NotAlike, ReleaseNode_BatchSize (1 to 100 nodes),
    /// ReleaseNode_AdvanceTooLarge.
    /// @param into The node that stays.
    /// @param ids The nodes that end.
    /// @return amount Points paid, base units.
    function merge(uint256 into, uint256[] calldata ids) external returns (uint256 amount);

    /// @notice Gives a node of the caller to whoever has the secret, until `expiry` (unix seconds, inclusive). Until it is
    /// taken, or taken back after that, it releases to its owner as before and can be claimed, but not transferred, split
    /// or merged. Emits Given. Reverts with ReleaseNode_NotOwner, ReleaseNode_Locked, ReleaseNode_Given,
    /// ReleaseNode_GiftExpired, ReleaseNode_InvalidSignature (no secret).
    /// @param secret The address of a key that was made for this gift and travels in the link.
    function give(uint256 id, address secret, uint40 expiry) external;

    /// @notice Takes a given node to `to`, whoever calls: by the secret's signature over Gift(uint256 id,address to) of this
    /// contract's domain. What is claimable is paid to the giver first. Emits Taken, Transfer. Reverts with
    /// ReleaseNode_NotGiven, ReleaseNode_GiftExpired, ReleaseNode_InvalidSignature, PointsToken_AccountFrozen.
    function take(uint256 id, address to, bytes calldata signature) external;

    /// @notice Ends a gift that nobody took, after its expiry, whoever calls. Emits TakenBack. Reverts with
    /// ReleaseNode_NotGiven, ReleaseNode_GiftRuns.
    function takeBack(uint256 id) external;

    /// @notice The secret's address and the expiry of a gift; zero where the node is not given.
    function giftOf(uint256 id) external view returns (address secret, uint40 expiry);

    /// @notice Names whom a node of the caller pays from now on; what was claimable is paid first to who was named before.
    /// Zero, or the owner, ends it, and so does a transfer. Emits BeneficiarySet, Claimed, MetadataUpdate. Reverts with
    /// ReleaseNode_NotOwner, ReleaseNode_Given, PointsToken_SentToToken, PointsToken_AccountFrozen.
    function setBeneficiary(uint256 id, address beneficiary) external;

    /// @notice Who is paid what a node in custody releases; zero where that is its owner.
    function beneficiaryOf(uint256 id) external view returns (address);

    /// @notice What `delegate` may still claim of `owner`'s nodes to `to`, and until when.
    function claimAllowance(address owner, address delegate, address to)
        external
        view
        returns (uint64 cap, uint40 deadline);

    /// @notice A node as it stands now. Reverts with ReleaseNode_Unknown.
    function nodeOf(uint256 id) external view returns (Node memory);

    /// @notice The id of the node that payments of `payer` make for `start`.
    function idOf(uint32 program, uint24 start, address payer) external pure returns (uint256);

    /// @notice The id of the node that issues to `customer` make for `start`.
    function issuedIdOf(uint32 program, uint24 start, address customer) external pure returns (uint256);

    /// @notice ERC-7572: the collection, as a data URI of JSON.
    function contractURI() external view returns (string memory);
}
