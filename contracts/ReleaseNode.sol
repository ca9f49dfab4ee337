// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "solady/tokens/ERC721.sol";
import {ClaimDelegation} from "./base/ClaimDelegation.sol";
import {IPointsToken} from "./interfaces/IPointsToken.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {IReleaseNode} from "./interfaces/IReleaseNode.sol";
import {NodeId} from "./libraries/NodeId.sol";
import {NodeMetadata} from "./libraries/NodeMetadata.sol";
import {ScheduleMath} from "./libraries/ScheduleMath.sol";

/// @title Release nodes (ADN): ERC-721 tokens that release points period by period
/// @notice A node is one slot: its owner, and 96 bits beside it: `claimedPeriods << 64 | total`.
contract ReleaseNode is ERC721, ClaimDelegation {
    using NodeId for uint256;

    uint256 private constant CLAIM_LIMIT = 500;
    bytes4 private constant ERC4906 = 0x49064906;

    /// @notice The points, which say who is frozen.
    IPointsToken public immutable TOKEN;
    /// @notice The programs, which release.
    IPrograms public immutable PROGRAMS;
    /// @notice The payment processor, which makes and undoes nodes.
    address public immutable PROCESSOR;

    modifier onlyProcessor() {
        if (msg.sender != PROCESSOR) revert ReleaseNode_NotProcessor(msg.sender);
        _;
    }

    constructor(IPointsToken token, IPrograms programs, address processor) {
        TOKEN = token;
        PROGRAMS = programs;
        PROCESSOR = processor;
    }

    /// @inheritdoc IReleaseNode
    function topUp(uint32 program, uint24 start, address payer, uint64 total, uint64 cap)
        external
        onlyProcessor
        returns (uint256 id)
    {
        // Check:
        id = NodeId.make(program, start, payer);
        bool exists = _exists(id);
        uint64 before = exists ? _totalOf(id) : 0;
        uint256 tried = uint256(before) + total;
        if (cap != 0 && tried > cap) revert IPrograms.Programs_PayerPeriodCapExceeded(program, payer, tried, cap);

        // Effect: a node that still grows has claimed nothing. No hook runs, so a contract that pays cannot interfere.
        uint64 grown = before + total;
        if (exists) {
            _setExtraData(id, grown);
            emit MetadataUpdate(id);
        } else {
            _mintAndSetExtraDataUnchecked(payer, id, grown);
        }
    }

    /// @inheritdoc IReleaseNode
    function undo(uint32 program, uint24 start, address payer, uint64 total) external onlyProcessor {
        // Check:
        uint256 id = NodeId.make(program, start, payer);
        if (PROGRAMS.elapsed(program, start) != 0) revert ReleaseNode_Unlocked(id, _unlocksAt(id));
        // The last units of a payment may have made nothing of the node, which may be gone by now.
        if (total == 0) return;
        _requireOwner(id);

        // Effect:
        uint64 left = _totalOf(id) - total;
        _setExtraData(id, left);
        if (left == 0) _burn(id);
        emit MetadataUpdate(id);
    }

    /// @inheritdoc IReleaseNode
    function claim(uint256[] calldata ids) external returns (uint256 amount) {
        _requireBatch(ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            address owner = _requireOwner(ids[i]);
            amount += _claim(ids[i], owner, owner);
        }
    }

    /// @inheritdoc IReleaseNode
    function claimTo(uint256[] calldata ids, address to) external returns (uint256 amount) {
        _requireBatch(ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            // Check: a frozen owner's points go nowhere but to the owner.
            address owner = _requireOwner(ids[i]);
            _requireClaimer(ids[i], owner, to);
            _requireNotFrozen(owner);

            // Effect and interaction:
            uint64 paid = _claim(ids[i], owner, to);

            // Check and effect: only now is the amount known; neither Programs nor the token calls a foreign contract.
            _spendClaimAllowance(owner, to, paid);
            amount += paid;
        }
    }

    /// @inheritdoc ERC721
    /// @dev Pays what is claimable to the seller: what a node still holds depends on time alone.
    function transferFrom(address from, address to, uint256 id) public payable override {
        // Check:
        _requireOwner(id);
        uint8 elapsed = PROGRAMS.elapsed(id.programOf(), id.startOf());
        if (elapsed == 0) revert ReleaseNode_Locked(id, _unlocksAt(id));
        _requireNotFrozen(from);

        // Effect:
        super.transferFrom(from, to, id);

        // Effect and interaction:
        if (elapsed != _claimedPeriodsOf(id)) _settle(id, from, from);
    }

    /// @inheritdoc IReleaseNode
    function nodeOf(uint256 id) public view returns (Node memory) {
        uint32 program = id.programOf();
        address owner = _requireOwner(id);
        uint64 total = _totalOf(id);
        uint8 claimedPeriods = _claimedPeriodsOf(id);
        uint64 claimed = PROGRAMS.released(program, total, claimedPeriods);
        uint64 released = PROGRAMS.released(program, total, PROGRAMS.elapsed(program, id.startOf()));
        return Node(owner, program, id.startOf(), total, claimed, released - claimed, claimedPeriods);
    }

    /// @inheritdoc IReleaseNode
    function idOf(uint32 program, uint24 start, address payer) external pure returns (uint256) {
        return NodeId.make(program, start, payer);
    }

    /// @inheritdoc ERC721
    function name() public pure override returns (string memory) {
        return "chainpoints release node";
    }

    /// @inheritdoc ERC721
    function symbol() public pure override returns (string memory) {
        return "ADN";
    }

    /// @inheritdoc ERC721
    function tokenURI(uint256 id) public view override returns (string memory) {
        return NodeMetadata.uri(id, nodeOf(id));
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == ERC4906 || super.supportsInterface(interfaceId);
    }

    function _claim(uint256 id, address owner, address to) private returns (uint64 amount) {
        uint8 elapsed;
        (amount, elapsed) = _settle(id, owner, to);
        if (elapsed == 0) revert ReleaseNode_Locked(id, _unlocksAt(id));
        if (amount == 0) revert ReleaseNode_NothingToClaim(id);
    }

    /// @dev Pays all that is released by now and not yet paid.
    function _settle(uint256 id, address owner, address to) private returns (uint64 amount, uint8 elapsed) {
        // Interaction: Programs says how many periods passed; neither it nor the token calls a foreign contract, so
        // nobody sees the node in between.
        uint64 total = _totalOf(id);
        (amount, elapsed) = PROGRAMS.release(id.programOf(), id.startOf(), total, _claimedPeriodsOf(id), to);

        // Effect:
        _setExtraData(id, uint96(elapsed) << 64 | total);
        emit Claimed(id, owner, to, amount, elapsed);
        emit MetadataUpdate(id);
    }

    function _requireOwner(uint256 id) private view returns (address owner) {
        owner = _ownerOf(id);
        if (owner == address(0)) revert ReleaseNode_Unknown(id);
    }

    function _requireNotFrozen(address account) private view {
        uint40 until = TOKEN.frozenUntil(account);
        if (block.timestamp < until) revert ReleaseNode_AccountFrozen(account, until);
    }

    function _unlocksAt(uint256 id) private view returns (uint256) {
        IPrograms.Terms memory terms = PROGRAMS.terms(id.programOf());
        return ScheduleMath.unlocksAt(terms.epoch, terms.periodLength, id.startOf());
    }

    function _totalOf(uint256 id) private view returns (uint64) {
        return uint64(_getExtraData(id));
    }

    function _claimedPeriodsOf(uint256 id) private view returns (uint8) {
        return uint8(_getExtraData(id) >> 64);
    }

    function _requireBatch(uint256 size) private pure {
        if (size == 0 || size > CLAIM_LIMIT) revert ReleaseNode_BatchSize(size, CLAIM_LIMIT);
    }
}
