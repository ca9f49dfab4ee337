// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {IReleaseNode} from "../interfaces/IReleaseNode.sol";
import {NodeId} from "../libraries/NodeId.sol";
import {ScheduleMath} from "../libraries/ScheduleMath.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {NodeSlot, NodeSlotFields} from "../types/NodeSlot.sol";
import {ProgramRules} from "../types/ProgramRules.sol";
import {NodeStore} from "./NodeStore.sol";

/// @title Claims, and whom a holder lets claim, to whom, how much and until when
abstract contract Claims is NodeStore, EIP712, Nonces {
    using NodeId for uint256;

    /// @dev An approval that was never given, or was ended, is all zero.
    struct ClaimAllowance {
        uint64 cap;
        uint40 deadline;
    }

    /// @dev Nodes of a batch that stand one after another and are paid together: of one program, owner and receiver.
    /// Kept in memory alone, where nothing is packed.
    // solhint-disable-next-line gas-struct-packing
    struct Run {
        uint32 program;
        uint256 holder; // the owner; in custody with a bit above it
        address to;
        uint256 amount;
        uint256 sum; // of the runs before
        ProgramRules rules;
        bytes table;
    }

    uint256 private constant CLAIM_LIMIT = 500;

    bytes32 private constant CLAIM_APPROVAL_TYPEHASH =
        keccak256("ClaimApproval(address owner,address delegate,address to,uint64 cap,uint40 deadline,uint256 nonce)");

    /// @inheritdoc IReleaseNode
    mapping(address owner => mapping(address delegate => mapping(address to => ClaimAllowance))) public claimAllowance;

    constructor() EIP712("chainpoints release node", "1") {}

    /// @inheritdoc IReleaseNode
    function claim(uint256[] calldata ids) external returns (uint256 amount) {
        return _claim(ids, address(0));
    }

    /// @inheritdoc IReleaseNode
    function claimTo(uint256[] calldata ids, address to) external returns (uint256 amount) {
        // Check:
        if (to == address(0)) revert ERC721InvalidReceiver(to);

        // Effect and interaction:
        return _claim(ids, to);
    }

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
        if (!Signatures.isOf(owner, _hashTypedDataV4(structHash), signature)) {
            revert ReleaseNode_InvalidSignature(owner);
        }

        // Effect:
        _approveClaim(owner, delegate, to, cap, deadline);
    }

    /// @dev Claims each node to its receiver, or to `directed` where that is not zero. Neither this contract nor the
    /// token calls a foreign one.
    function _claim(uint256[] calldata ids, address directed) private returns (uint256 sum) {
        // Check:
        if (ids.length == 0 || ids.length > CLAIM_LIMIT) revert ReleaseNode_BatchSize(ids.length, CLAIM_LIMIT);

        Run memory run;
        run.holder = type(uint256).max; // nobody: so the first one begins a run
        for (uint256 i = 0; i < ids.length; ++i) {
            // Check, effect and interaction: what is no node has no owner, and every run has one.
            uint256 id = ids[i];
            Kept storage kept = _kept[id];
            NodeSlot slot = kept.slot;
            if (slot.ownerAndCustody() != run.holder || id.programOf() != run.program) _turn(run, id, slot, directed);

            // Check:
            ProgramRules rules = run.rules;
            uint256 elapsed = ScheduleMath.elapsed(
                block.timestamp, rules.epoch(), rules.periodLength(), id.startOf(), rules.periods()
            );
            uint256 amount;
            (slot, amount) = _due(slot, elapsed, rules, run.table);
            if (amount == 0) _refuse(id, rules, elapsed);

            // Effect: sums of what is released are below what is committed, which has 64 bits.
            kept.slot = slot;
            unchecked {
                run.amount += amount;
            }
            emit Claimed(id, run.to, uint64(amount), uint8(elapsed));
        }
        _payOutRun(run, directed);
        sum = run.sum;
        if (ids.length == 1) emit MetadataUpdate(ids[0]);
        else emit BatchMetadataUpdate(0, type(uint256).max);
    }

    /// @dev Pays the run so far, unless this node is paid with it, and begins the one that this node is of.
    function _turn(Run memory run, uint256 id, NodeSlot slot, address directed) private {
        // Check:
        if (!slot.exists()) revert ReleaseNode_Unknown(id);
        // No slot's `ownerAndCustody` has that bit: each node behind one in custody comes here, to be paid to its own.
        uint256 holder = uint160(slot.owner()) | (slot.marks() & NodeSlotFields.IN_CUSTODY) << 160;
        address to = directed;
        if (to == address(0)) to = _receiverOf(id, slot);
        else _requireClaimer(id, slot, to);
        uint32 program = id.programOf();
        if (holder == run.holder && program == run.program && to == run.to) return;

        // Effect and interaction:
        _payOutRun(run, directed);
        (run.holder, run.to, run.amount) = (holder, to, 0);
        if (program == run.program) return;
        (run.program, run.rules) = (program, _known(program));
        run.table = _tableOf(program, run.rules);
    }

    /// @dev The node when all that it has released by now is paid, and how much that is.
    function _due(NodeSlot slot, uint256 elapsed, ProgramRules rules, bytes memory table)
        private
        pure
        returns (NodeSlot, uint256)
    {
        (uint256 total, uint256 periods) = (slot.total(), rules.periods());
        // Unchecked: sums of two amounts; the smaller is taken from the larger. What is released never shrinks, so an
        // advance that is left over is at most the one before.
        unchecked {
            uint256 paid = ScheduleMath.released(table, total, slot.claimedPeriods(), periods) + slot.advance();
            uint256 released = ScheduleMath.released(table, total, elapsed, periods);
            if (released >= paid) return (slot.withPaid(elapsed, 0), released - paid);
            return (slot.withPaid(elapsed, paid - released), 0);
        }
    }

    function _refuse(uint256 id, ProgramRules rules, uint256 elapsed) private pure {
        if (elapsed == 0) revert ReleaseNode_Locked(id, _unlocksAt(id, rules));
        revert ReleaseNode_NothingToClaim(id);
    }

    function _payOutRun(Run memory run, address directed) private {
        if (run.amount == 0) return;
        address owner = address(uint160(run.holder));
        // Check and effect:
        if (directed != address(0)) _spendClaimAllowance(owner, directed, run.amount);

        // Effect and interaction:
        _payOut(run.program, run.rules, owner, run.to, run.amount);
        run.sum += run.amount;
    }

    /// @dev Reverts unless the caller owns the node or has a running approval to claim it to `to`. What a node in
    /// custody releases is its beneficiary's, whoever directs it.
    function _requireClaimer(uint256 id, NodeSlot slot, address to) private view {
        if (slot.has(NodeSlotFields.IN_CUSTODY)) revert ReleaseNode_InCustody(id, beneficiaryOf[id]);
        address owner = slot.owner();
        if (msg.sender == owner) return;
        uint40 deadline = claimAllowance[owner][msg.sender][to].deadline;
        if (deadline == 0) revert ReleaseNode_NotClaimer(id, msg.sender);
        if (block.timestamp > deadline) revert ReleaseNode_ClaimApprovalExpired(owner, msg.sender, deadline);
    }

    /// @dev Takes what a delegate claimed from its cap; an owner has none.
    function _spendClaimAllowance(address owner, address to, uint256 amount) private {
        if (msg.sender == owner) return;
        ClaimAllowance storage allowance = claimAllowance[owner][msg.sender][to];
        // Check:
        uint64 left = allowance.cap;
        if (amount > left) revert ReleaseNode_ClaimCapExceeded(owner, msg.sender, amount, left);

        // Effect:
        allowance.cap = left - uint64(amount);
    }

    function _approveClaim(address owner, address delegate, address to, uint64 cap, uint40 deadline) private {
        claimAllowance[owner][delegate][to] = cap == 0 ? ClaimAllowance(0, 0) : ClaimAllowance(cap, deadline);
        emit ClaimApproval(owner, delegate, to, cap, deadline);
    }
}
