// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IReleaseNode} from "../interfaces/IReleaseNode.sol";
import {NodeId} from "../libraries/NodeId.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {NodeSlot, NodeSlotFields} from "../types/NodeSlot.sol";
import {NodeStore} from "./NodeStore.sol";

/// @title Gifts by link: whoever has the link's secret takes the node, until an expiry
/// @notice The secret is a key, and what stands here is its address, which is a hash of it. The taker signs with the
/// key who shall get the node, so whoever sees the transaction on its way cannot turn it to another receiver.
abstract contract Gifts is NodeStore, EIP712 {
    using NodeId for uint256;

    struct Gift {
        address secret;
        uint40 expiry;
    }

    bytes32 private constant GIFT_TYPEHASH = keccak256("Gift(uint256 id,address to)");

    /// @inheritdoc IReleaseNode
    mapping(uint256 id => Gift) public giftOf;

    /// @inheritdoc IReleaseNode
    function give(uint256 id, address secret, uint40 expiry) external {
        // Check:
        NodeSlot slot = _ownNode(id);
        _requireUnlocked(id, _known(id.programOf()));
        if (secret == address(0)) revert ReleaseNode_InvalidSignature(secret);
        if (expiry <= block.timestamp) revert ReleaseNode_GiftExpired(id, expiry);

        // Effect:
        _kept[id].slot = slot.marked(NodeSlotFields.GIVEN, true);
        giftOf[id] = Gift(secret, expiry);
        emit Given(id, slot.owner(), secret, expiry);
    }

    /// @inheritdoc IReleaseNode
    function take(uint256 id, address to, bytes calldata signature) external {
        // Check:
        (NodeSlot slot, Gift memory gift) = _given(id);
        if (block.timestamp > gift.expiry) revert ReleaseNode_GiftExpired(id, gift.expiry);
        if (to == address(0)) revert ERC721InvalidReceiver(to);
        bytes32 hash = _hashTypedDataV4(keccak256(abi.encode(GIFT_TYPEHASH, id, to)));
        if (!Signatures.isOf(gift.secret, hash, signature)) revert ReleaseNode_InvalidSignature(gift.secret);

        // Effect and interaction:
        delete giftOf[id];
        emit Taken(id, slot.owner(), to);
        _transferNode(id, slot, to);
    }

    /// @inheritdoc IReleaseNode
    function takeBack(uint256 id) external {
        // Check:
        (NodeSlot slot, Gift memory gift) = _given(id);
        if (block.timestamp <= gift.expiry) revert ReleaseNode_GiftRuns(id, gift.expiry);

        // Effect:
        _kept[id].slot = slot.marked(NodeSlotFields.GIVEN, false);
        delete giftOf[id];
        emit TakenBack(id, slot.owner());
    }

    function _given(uint256 id) private view returns (NodeSlot slot, Gift memory gift) {
        slot = _node(id);
        gift = giftOf[id];
        if (!slot.has(NodeSlotFields.GIVEN)) revert ReleaseNode_NotGiven(id);
    }
}
