// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {Claims} from "./base/Claims.sol";
import {Custody} from "./base/Custody.sol";
import {Gifts} from "./base/Gifts.sol";
import {NodeStore} from "./base/NodeStore.sol";
import {Pieces} from "./base/Pieces.sol";
import {INodeRenderer} from "./interfaces/INodeRenderer.sol";
import {IPointsToken} from "./interfaces/IPointsToken.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {IReleaseNode} from "./interfaces/IReleaseNode.sol";
import {BooksMath} from "./libraries/BooksMath.sol";
import {NodeId} from "./libraries/NodeId.sol";
import {NodeSlot} from "./types/NodeSlot.sol";
import {PayerShare} from "./types/PayerShare.sol";
import {ProgramRules} from "./types/ProgramRules.sol";

/// @title Release nodes (ADN): ERC-721 tokens that release points period by period, and the books of what they are owed
/// @notice Claims, splits, merges, gifts and custody stand in the bases; here is what payments and issues make.
contract ReleaseNode is Claims, Pieces, Gifts, Custody {
    using BooksMath for BooksMath.Ledger;

    bytes4 private constant ERC4906 = 0x49064906;

    /// @notice The payment processor, which makes and undoes nodes.
    address public immutable PROCESSOR;
    /// @notice What draws the nodes.
    INodeRenderer public immutable RENDERER;

    modifier onlyProcessor() {
        if (msg.sender != PROCESSOR) revert ReleaseNode_NotProcessor(msg.sender);
        _;
    }

    constructor(IPointsToken token, address programs, address processor, INodeRenderer renderer)
        NodeStore(token, programs)
    {
        PROCESSOR = processor;
        RENDERER = renderer;
    }

    /// @inheritdoc IReleaseNode
    function topUp(uint32 program, uint24 start, PayerShare[] calldata shares)
        external
        onlyProcessor
        returns (uint256 made)
    {
        ProgramRules rules = _known(program);
        uint256 multiplier = rules.multiplier();
        uint256 diverted;
        for (uint256 i = 0; i < shares.length; ++i) {
            // Check and effect:
            uint64 share = shares[i].diverted;
            diverted += share;
            if (_grow(program, start, NodeId.OF_PAYMENTS, shares[i].payer, share * multiplier, rules.payerPeriodCap()))
            {
                made |= 1 << i;
            }
        }

        // Check and effect: what is diverted is at most what is promised, which the program's cap keeps within 64 bits.
        _commit(program, rules, diverted, 0, diverted * multiplier);
    }

    /// @inheritdoc IReleaseNode
    function commitIssue(uint32 program, address sponsor, address customer, uint64 total)
        external
        onlyProcessor
        returns (uint24 start, bool made)
    {
        // Check: a node of nobody, or of the token, could never be claimed.
        if (customer == address(0) || customer == address(TOKEN)) revert ERC721InvalidReceiver(customer);
        ProgramRules rules = _known(program);
        _requireFunded(program, rules);
        start = _nextStart(program, rules);

        // Check and effect:
        _commit(program, rules, 0, total, total);
        emit ReserveDeposited(program, sponsor, total);
        made = _grow(program, start, NodeId.OF_ISSUES, customer, total, type(uint64).max);
    }

    /// @inheritdoc IReleaseNode
    function depositIssued(uint32 program, address sponsor, uint64 amount) external onlyProcessor {
        _addReserve(program, sponsor, amount);
    }

    /// @inheritdoc IReleaseNode
    function undo(uint32 program, uint24 start, address payer, uint64 diverted, uint64 total)
        external
        onlyProcessor
        returns (bool ended)
    {
        // Check:
        ProgramRules rules = _known(program);
        uint256 id = NodeId.make(program, start, NodeId.OF_PAYMENTS, payer);
        if (_elapsed(rules, start) != 0) revert ReleaseNode_Unlocked(id, _unlocksAt(id, rules));

        // Effect:
        _write(program, _ledger(program).uncommit(rules.funded(), diverted, total));
        // The last units of a payment may have made nothing of the node, which may be gone by now.
        if (total == 0) return false;
        NodeSlot slot = _node(id);
        uint256 left = slot.total() - total;
        ended = left == 0;
        if (ended) _remove(id, slot);
        else _kept[id].slot = slot.withTotal(left);
        emit MetadataUpdate(id);
    }

    /// @inheritdoc IReleaseNode
    function idOf(uint32 program, uint24 start, address payer) external pure returns (uint256) {
        return NodeId.make(program, start, NodeId.OF_PAYMENTS, payer);
    }

    /// @inheritdoc IReleaseNode
    function issuedIdOf(uint32 program, uint24 start, address customer) external pure returns (uint256) {
        return NodeId.make(program, start, NodeId.OF_ISSUES, customer);
    }

    /// @inheritdoc ERC721
    function tokenURI(uint256 id) public view override returns (string memory) {
        _node(id);
        return RENDERER.tokenURI(this, IPrograms(PROGRAMS), id);
    }

    /// @inheritdoc IReleaseNode
    function contractURI() external view returns (string memory) {
        return RENDERER.contractURI();
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, IERC165) returns (bool) {
        return interfaceId == ERC4906 || super.supportsInterface(interfaceId);
    }

    /// @dev Makes a node, or adds to the one that there is. No hook runs, so a contract that pays cannot interfere. A
    /// node that still grows has claimed nothing, and is its maker's.
    function _grow(uint32 program, uint24 start, uint40 serial, address payer, uint256 total, uint256 cap)
        private
        returns (bool made)
    {
        // Check:
        uint256 id = NodeId.make(program, start, serial, payer);
        Kept storage kept = _kept[id];
        NodeSlot slot = kept.slot;
        uint256 tried = slot.total() + total;
        if (tried > cap) revert Programs_PayerPeriodCapExceeded(program, payer, tried, uint64(cap));

        // Effect:
        made = !slot.exists();
        kept.slot = slot.withOwner(payer).withTotal(tried);
        if (made) emit Transfer(address(0), payer, id);
        else emit MetadataUpdate(id);
    }
}
