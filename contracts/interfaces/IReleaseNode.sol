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
    /// @param id The node's id.
    /// @param to The receiver: its owner, its beneficiary, or whom the owner or a delegate named.
    /// @param amount Base units.
    /// @param claimedPeriods Up to which period it is paid out now.
    event Claimed(uint256 indexed id, address indexed to, uint64 amount, uint8 claimedPeriods);

    /// @notice `owner` let `delegate` claim to `to`.
    /// @param owner The nodes' owner.
    /// @param delegate Who may claim.
    /// @param to The only receiver.
    /// @param cap The most that it may claim in all, base units; 0 ends the approval.
    /// @param deadline Unix seconds, inclusive.
    event ClaimApproval(
        address indexed owner, address indexed delegate, address indexed to, uint64 cap, uint40 deadline
    );

    /// @notice A node was split: `piece` is a new node, and `id` holds so much less.
    /// @param id The id of the node that was split.
    /// @param piece The new node's id.
    /// @param owner The node's owner.
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
    /// @param into The id of the node that stays.
    /// @param id The id of the node that ended.
    /// @param owner The node's owner.
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
    /// @param id The node's id.
    /// @param owner The node's owner.
    /// @param secret The address of the gift's one-time key.
    /// @param expiry Until when it may be taken, unix seconds, inclusive.
    event Given(uint256 indexed id, address indexed owner, address secret, uint40 expiry);
    /// @notice A given node was taken; a Transfer follows.
    /// @param id The node's id.
    /// @param owner The giver, who owned it until now.
    /// @param to The new owner.
    event Taken(uint256 indexed id, address indexed owner, address indexed to);
    /// @notice A given node that nobody took is its owner's to use again.
    /// @param id The node's id.
    /// @param owner The node's owner.
    event TakenBack(uint256 indexed id, address indexed owner);

    /// @notice What the node releases from now on is paid to `beneficiary`; to its owner where that is zero.
    /// @param id The node's id.
    /// @param owner The node's owner.
    /// @param beneficiary Who is paid what the node releases; zero where that is its owner.
    event BeneficiarySet(uint256 indexed id, address indexed owner, address indexed beneficiary);

    /// @notice `caller` is not the payment processor, which alone makes and undoes nodes.
    error ReleaseNode_NotProcessor(address caller);
    /// @notice No node has the id `id`.
    error ReleaseNode_Unknown(uint256 id);
    /// @notice The node `id` has not released anything yet; it unlocks at `unlocksAt`, unix seconds.
    error ReleaseNode_Locked(uint256 id, uint256 unlocksAt);
    /// @notice Refunds of the node `id` ended with its first release at `unlockedAt`, unix seconds.
    error ReleaseNode_Unlocked(uint256 id, uint256 unlockedAt);
    /// @notice Nothing is claimable of the node `id` now.
    error ReleaseNode_NothingToClaim(uint256 id);
    /// @notice `caller` neither owns the node `id` nor may claim it to this receiver.
    error ReleaseNode_NotClaimer(uint256 id, address caller);
    /// @notice `delegate` may claim `left` base units more of the nodes of `owner`; `tried` is more.
    error ReleaseNode_ClaimCapExceeded(address owner, address delegate, uint256 tried, uint64 left);
    /// @notice The approval of `delegate` by `owner` ended at `deadline`, unix seconds.
    error ReleaseNode_ClaimApprovalExpired(address owner, address delegate, uint40 deadline);
    /// @notice The signature is not that of `owner`, who owns the nodes, or is the address of a gift's one-time key.
    error ReleaseNode_InvalidSignature(address owner);
    /// @notice A batch has 1 to `limit` nodes, not `tried`.
    error ReleaseNode_BatchSize(uint256 tried, uint256 limit);
    /// @notice `caller` does not own the node `id`.
    error ReleaseNode_NotOwner(uint256 id, address caller);
    /// @notice A piece of `tried` units cannot be taken off the node `id`: it is of at least one, and of less than the
    /// node's `total`.
    error ReleaseNode_PieceSize(uint256 id, uint256 tried, uint256 total);
    /// @notice `into` and `id` are not different nodes of the same program, start, owner and beneficiary.
    error ReleaseNode_NotAlike(uint256 into, uint256 id);
    /// @notice Splits would pay `tried` units ahead, more than `limit`: what the node is still to release, at most
    /// 65,535.
    error ReleaseNode_AdvanceTooLarge(uint256 tried, uint256 limit);
    /// @notice The node `id` is given: it waits for whoever has the secret.
    error ReleaseNode_Given(uint256 id);
    /// @notice The node `id` is not given.
    error ReleaseNode_NotGiven(uint256 id);
    /// @notice The gift of the node `id` ended at `expiry`, unix seconds, or would end before it began.
    error ReleaseNode_GiftExpired(uint256 id, uint40 expiry);
    /// @notice The gift of the node `id` runs until `expiry`, unix seconds; after that it is its giver's again.
    error ReleaseNode_GiftRuns(uint256 id, uint40 expiry);
    /// @notice The node `id` is in custody: what it releases is claimed to `beneficiary` alone.
    error ReleaseNode_InCustody(uint256 id, address beneficiary);

    /// @notice Books payments, and makes each payer's node of what they release or adds to the one that is there. For
    /// the processor, which then moves the points. Emits Transfer (a new node) or MetadataUpdate (one that grows).
    /// Reverts with ReleaseNode_NotProcessor, Programs_CapExceeded, Programs_ReserveTooSmall,
    /// Programs_PayerPeriodCapExceeded.
    /// @param program The program's id.
    /// @param start As `termsNow` said in the same transaction.
    /// @param shares At most 256 payers' shares.
    /// @return made Bit i says whether the node of share i is new.
    function topUp(uint32 program, uint24 start, PayerShare[] calldata shares) external returns (uint256 made);

    /// @notice Books points that arrive in the reserve of a FUNDED program, given by `sponsor`, and a node of just as
    /// many. For the processor. Emits ReserveDeposited, and Transfer or MetadataUpdate. Reverts with
    /// ReleaseNode_NotProcessor, Programs_Unknown, Programs_NotFunded, Programs_NotStarted, Programs_Closed,
    /// Programs_CapExceeded, ERC721InvalidReceiver (the customer is nobody, or the token).
    /// @param program The program's id.
    /// @param sponsor Who gave the points.
    /// @param customer The customer.
    /// @param total The node's total, base units.
    /// @return start The period at whose beginning the node starts.
    /// @return made Whether the node is new.
    function commitIssue(uint32 program, address sponsor, address customer, uint64 total)
        external
        returns (uint24 start, bool made);

    /// @notice Books points that arrive in the reserve of a FUNDED program, given by `sponsor`. For the processor.
    /// Emits ReserveDeposited. Reverts with ReleaseNode_NotProcessor, Programs_Unknown, Programs_NotFunded,
    /// Programs_Closed.
    /// @param program The program's id.
    /// @param sponsor Who gave the points.
    /// @param amount Base units.
    function depositIssued(uint32 program, address sponsor, uint64 amount) external;

    /// @notice Takes `total` from a locked node, which ends when nothing is left, and `diverted` from the books. For
    /// the processor, which then moves the points. Emits MetadataUpdate, and Transfer to the zero address when it ends.
    /// A `total` of 0 leaves the node alone. Reverts with ReleaseNode_NotProcessor, ReleaseNode_Unlocked,
    /// ReleaseNode_Unknown.
    /// @param program The program's id.
    /// @param start The period at whose beginning the node starts.
    /// @param payer The payer.
    /// @param diverted What the books' diverted points shrink by, base units.
    /// @param total What the node's total shrinks by, base units.
    /// @return ended Whether nothing is left of the node.
    function undo(uint32 program, uint24 start, address payer, uint64 diverted, uint64 total)
        external
        returns (bool ended);

    /// @notice Pays what the nodes have released to their owners (to the beneficiary of a node in custody), whoever
    /// calls. Emits Claimed for each; one Transfer of points for nodes of one owner and program that follow one
    /// another. Reverts with ReleaseNode_Unknown, ReleaseNode_Locked, ReleaseNode_NothingToClaim (each names the node),
    /// ReleaseNode_BatchSize, and with PointsToken_AccountFrozen where a frozen owner's points would go to a
    /// beneficiary.
    /// @param ids 1 to 500 node ids.
    /// @return amount Points paid, base units.
    function claim(uint256[] calldata ids) external returns (uint256 amount);

    /// @notice Pays what the nodes have released to `to`. For their owner, or a delegate whom the owner allowed to
    /// claim to `to` (an ERC-721 approval is not enough). Emits Claimed for each. Reverts as `claim` does, and with
    /// ReleaseNode_NotClaimer, ReleaseNode_ClaimCapExceeded, ReleaseNode_ClaimApprovalExpired, ReleaseNode_InCustody,
    /// PointsToken_AccountFrozen, ERC721InvalidReceiver.
    /// @param ids 1 to 500 node ids.
    /// @param to Who receives what the nodes release.
    /// @return amount Points paid, base units.
    function claimTo(uint256[] calldata ids, address to) external returns (uint256 amount);

    /// @notice Lets `delegate` claim the caller's nodes to `to`, until `deadline`, at most `cap` base units (0 ends
    /// it). Emits ClaimApproval.
    /// @param delegate Who may claim.
    /// @param to The only receiver.
    /// @param cap The most that it may claim in all, base units; 0 ends the approval.
    /// @param deadline Unix seconds, inclusive.
    function approveClaim(address delegate, address to, uint64 cap, uint40 deadline) external;

    /// @notice `approveClaim` by EIP-712 signature of the owner (EOA or ERC-1271), for anyone to send:
    /// ClaimApproval(address owner,address delegate,address to,uint64 cap,uint40 deadline,uint256 nonce),
    /// where the nonce is `nonces(owner)`.
    /// Emits ClaimApproval. Reverts with ReleaseNode_InvalidSignature, ReleaseNode_ClaimApprovalExpired.
    /// @param owner The nodes' owner, who signed.
    /// @param delegate Who may claim.
    /// @param to The only receiver.
    /// @param cap The most that it may claim in all, base units; 0 ends the approval.
    /// @param deadline Unix seconds, inclusive.
    /// @param signature 65 bytes of an account, or whatever an ERC-1271 contract accepts.
    function permitClaim(
        address owner,
        address delegate,
        address to,
        uint64 cap,
        uint40 deadline,
        bytes calldata signature
    ) external;

    /// @notice Takes pieces of these totals off a node of the caller: new nodes of the same program, start and owner
    /// (and beneficiary). Totals add up; what was paid out is parted too, and where rounding would let the parts
    /// release a unit more than the whole, the node that is split counts it as paid in advance. Emits Split and
    /// Transfer for each piece, MetadataUpdate. Reverts with ReleaseNode_NotOwner, ReleaseNode_Locked,
    /// ReleaseNode_Given, ReleaseNode_PieceSize, ReleaseNode_BatchSize (1 to 100 pieces), ReleaseNode_AdvanceTooLarge.
    /// @param id The id of the node that is split.
    /// @param totals The total of each piece, base units: 1 to 100 pieces.
    /// @return pieces The ids of the new nodes, in the order of `totals`.
    function split(uint256 id, uint64[] calldata totals) external returns (uint256[] memory pieces);

    /// @notice Merges nodes of the caller, of the same program, start and beneficiary, into one of them, and pays what
    /// that has released and none of them was paid: what was claimable, and the unit that rounding kept back from the
    /// parts. Emits Merged and Transfer for each that ends, Claimed, MetadataUpdate. Reverts with ReleaseNode_NotOwner,
    /// ReleaseNode_Locked, ReleaseNode_Given, ReleaseNode_NotAlike, ReleaseNode_BatchSize (1 to 100 nodes),
    /// ReleaseNode_AdvanceTooLarge.
    /// @param into The id of the node that stays.
    /// @param ids 1 to 100 ids of nodes that end.
    /// @return amount Points paid, base units.
    function merge(uint256 into, uint256[] calldata ids) external returns (uint256 amount);

    /// @notice Gives a node of the caller to whoever has the secret, until `expiry` (unix seconds, inclusive). Until it
    /// is taken, or taken back after that, it releases to its owner as before and can be claimed, but not transferred,
    /// split or merged. Emits Given. Reverts with ReleaseNode_NotOwner, ReleaseNode_Locked, ReleaseNode_Given,
    /// ReleaseNode_GiftExpired, ReleaseNode_InvalidSignature (no secret).
    /// @param id The node's id.
    /// @param secret The address of the gift's one-time key, which was made for it and travels in the link.
    /// @param expiry Until when the node may be taken, unix seconds, inclusive.
    function give(uint256 id, address secret, uint40 expiry) external;

    /// @notice Takes a given node to `to`, whoever calls: by the secret's signature over Gift(uint256 id,address to) of
    /// this contract's domain (EIP-712). What is claimable is paid to the giver first. Emits Taken, Transfer, Claimed.
    /// Reverts with ReleaseNode_NotGiven, ReleaseNode_GiftExpired, ReleaseNode_InvalidSignature,
    /// PointsToken_AccountFrozen, PointsToken_SentToToken, ERC721InvalidReceiver.
    /// @param id The node's id.
    /// @param to The new owner.
    /// @param signature 65 bytes of the gift's one-time key.
    function take(uint256 id, address to, bytes calldata signature) external;

    /// @notice Ends a gift that nobody took, after its expiry, whoever calls. Emits TakenBack. Reverts with
    /// ReleaseNode_NotGiven, ReleaseNode_GiftRuns.
    /// @param id The node's id.
    function takeBack(uint256 id) external;

    /// @notice The gift of a node; zero where the node is not given.
    /// @param id The node's id.
    /// @return secret The address of the gift's one-time key.
    /// @return expiry Until when the node may be taken, unix seconds, inclusive.
    function giftOf(uint256 id) external view returns (address secret, uint40 expiry);

    /// @notice Names whom a node of the caller pays from now on; what was claimable is paid first to who was named
    /// before. Zero, or the owner, ends it, and so does a transfer. Emits BeneficiarySet, Claimed, MetadataUpdate.
    /// Reverts with ReleaseNode_NotOwner, ReleaseNode_Given, PointsToken_SentToToken, PointsToken_AccountFrozen.
    /// @param id The node's id.
    /// @param beneficiary Who is paid from now on; zero or the owner ends custody.
    function setBeneficiary(uint256 id, address beneficiary) external;

    /// @notice Who is paid what a node in custody releases; zero where that is its owner.
    /// @param id The node's id.
    /// @return The beneficiary, or zero.
    function beneficiaryOf(uint256 id) external view returns (address);

    /// @notice What `delegate` may still claim of `owner`'s nodes to `to`, and until when.
    /// @param owner The nodes' owner.
    /// @param delegate Who may claim.
    /// @param to The only receiver.
    /// @return cap Base units still allowed; 0 where nothing is.
    /// @return deadline Unix seconds, inclusive; 0 where nothing was allowed.
    function claimAllowance(address owner, address delegate, address to)
        external
        view
        returns (uint64 cap, uint40 deadline);

    /// @notice A node as it stands now. Reverts with ReleaseNode_Unknown.
    /// @param id The node's id.
    /// @return Its owner, terms, total, and what is claimed and claimable; base units.
    function nodeOf(uint256 id) external view returns (Node memory);

    /// @notice The id of the node that payments of `payer` make for `start`.
    /// @param program The program's id.
    /// @param start The period at whose beginning the node starts.
    /// @param payer The payer.
    /// @return The id of serial 0, whether or not the node is there.
    function idOf(uint32 program, uint24 start, address payer) external pure returns (uint256);

    /// @notice The id of the node that issues to `customer` make for `start`.
    /// @param program The program's id.
    /// @param start The period at whose beginning the node starts.
    /// @param customer The customer.
    /// @return The id of serial 1, whether or not the node is there.
    function issuedIdOf(uint32 program, uint24 start, address customer) external pure returns (uint256);

    /// @notice The collection's metadata as a data URI of JSON (ERC-7572): name, symbol, description, image.
    /// @return `data:application/json;base64,` and the JSON.
    function contractURI() external view returns (string memory);
}
