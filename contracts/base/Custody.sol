// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPointsToken} from "../interfaces/IPointsToken.sol";
import {IReleaseNode} from "../interfaces/IReleaseNode.sol";
import {NodeId} from "../libraries/NodeId.sol";
import {NodeSlot, NodeSlotFields} from "../types/NodeSlot.sol";
import {ProgramRules} from "../types/ProgramRules.sol";
import {NodeStore} from "./NodeStore.sol";

/// @title Custody: a company holds a node, and somebody else is paid what it releases
abstract contract Custody is NodeStore {
    using NodeId for uint256;

    /// @inheritdoc IReleaseNode
    function setBeneficiary(uint256 id, address beneficiary) external {
        // Check: the token takes no points, so such a node could never be claimed or handed over again.
        if (beneficiary == address(TOKEN)) revert IPointsToken.PointsToken_SentToToken();
        NodeSlot slot = _ownNode(id);
        ProgramRules rules = _known(id.programOf());

        // Effect and interaction: what was released so far is of whom was named so far.
        address owner = slot.owner();
        bool named = beneficiary != address(0) && beneficiary != owner;
        slot = _settle(id, slot, rules, _elapsed(rules, id.startOf()));
        _kept[id].slot = slot.marked(NodeSlotFields.IN_CUSTODY, named);
        beneficiaryOf[id] = named ? beneficiary : address(0);
        emit BeneficiarySet(id, owner, beneficiaryOf[id]);
        emit MetadataUpdate(id);
    }
}
