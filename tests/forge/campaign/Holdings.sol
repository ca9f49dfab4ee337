// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IReleaseNode} from "../Setup.sol";
import {Payments} from "./Payments.sol";

/// @dev What holders do with nodes. A call may be refused; the model is changed when it was not.
abstract contract Holdings is Payments {
    bytes32 private constant CLAIM_APPROVAL =
        keccak256("ClaimApproval(address owner,address delegate,address to,uint64 cap,uint40 deadline,uint256 nonce)");

    address private constant DELEGATE = address(0xDE1E);

    uint256[] internal _gifts; // ids of nodes that wait for their takers
    uint40 private _lastSerial = 1; // of pieces

    function claim(uint256 seed) external counted(seed) {
        uint256 id = _anyNode(true);
        if (id == 0) return;
        try node.claim(one(id)) {
            _settle(id);
            _count(Did.Claim);
        } catch {}
    }

    /// @dev Two to six nodes of anybody's, mostly with something to claim.
    function claimBatch(uint256 seed) external counted(seed) {
        uint256[] memory ids = _several(2 + _roll(5));
        if (ids.length == 0) return;
        try node.claim(ids) {
            for (uint256 i = 0; i < ids.length; ++i) {
                _settle(ids[i]);
            }
            if (ids.length > 1) _count(Did.ClaimBatch);
        } catch {}
    }

    function claimTo(uint256 seed) external counted(seed) {
        uint256 id = _anyNode(true);
        if (id == 0) return;
        address to = _anyHolder();
        vm.prank(_kept[id].owner);
        try node.claimTo(one(id), to) {
            _claimedTo(id, to);
            _count(Did.ClaimTo);
        } catch {}
    }

    /// @dev By a delegate, whom the owner approves by a call or by a signature, for enough or for a unit too little.
    function claimByDelegate(uint256 seed) external counted(seed) {
        uint256 id = _anyNode(true);
        if (id == 0) return;
        (address owner, address to, uint64 due) = (_kept[id].owner, _anyHolder(), uint64(_due(id)));
        if (due == 0) return;
        uint64 cap = _roll(4) == 0 ? due - 1 : due;
        if (!_permitClaim(owner, to, cap)) {
            vm.prank(owner);
            node.approveClaim(DELEGATE, to, cap, uint40(_now));
        }
        vm.prank(DELEGATE);
        try node.claimTo(one(id), to) {
            if (cap < due) ++_loot;
            _claimedTo(id, to);
            _count(Did.ClaimByDelegate);
        } catch {}
    }

    /// @dev By the owner, or by everybody's operator, which is its right.
    function transfer(uint256 seed) external counted(seed) {
        uint256 id = _anyNode(false);
        if (id == 0) return;
        (address owner, address to) = (_kept[id].owner, _anyHolder());
        bool byOperator = _roll(2) == 0;
        vm.prank(byOperator ? address(_operator) : owner);
        try node.transferFrom(owner, to, id) {
            _handOver(id, to);
            _count(byOperator ? Did.TransferByOperator : Did.Transfer);
        } catch {}
    }

    /// @dev One to three pieces, of a few units or of a good part of the node.
    function split(uint256 seed) external counted(seed) {
        uint256 id = _anyNode(false);
        if (id == 0) return;
        uint64[] memory totals = new uint64[](1 + _roll(3));
        for (uint256 i = 0; i < totals.length; ++i) {
            totals[i] = uint64(1 + _roll(_roll(3) == 0 ? 20 : _kept[id].total / 3 + 1));
        }
        vm.prank(_kept[id].owner);
        try node.split(id, totals) returns (uint256[] memory pieces) {
            _taken(id, pieces, totals);
            _count(Did.Split);
        } catch {}
    }

    /// @dev Up to five of the same owner and receiver, one time in ten with one that is not like them.
    function merge(uint256 seed) external counted(seed) {
        uint256 id = _anyNode(false);
        for (uint256 i = 0; i < 6 && _family[id >> 200].length < 3; ++i) {
            id = _anyNode(false);
        }
        uint256[] memory others = _alike(id);
        if (others.length == 0) return;
        vm.prank(_kept[id].owner);
        try node.merge(id, others) returns (uint256 amount) {
            _merged(id, others, amount);
            _count(Did.Merge);
        } catch {}
    }

    function give(uint256 seed) external counted(seed) {
        uint256 id = _anyNode(false);
        if (id == 0) return;
        uint256 secret = 1 + _roll(type(uint128).max);
        uint40 expiry = uint40(_now + 1 + _roll(5 days));
        vm.prank(_kept[id].owner);
        try node.give(id, vm.addr(secret), expiry) {
            (_kept[id].secret, _kept[id].expiry) = (secret, expiry);
            _gifts.push(id);
            _touchNode(id);
            _count(Did.Give);
        } catch {}
    }

    function take(uint256 seed) external counted(seed) {
        if (_gifts.length == 0) return;
        uint256 gift = _roll(_gifts.length);
        (uint256 id, address to) = (_gifts[gift], _anyHolder());
        bool expired = _now > _kept[id].expiry;
        try node.take(id, to, _giftSignature(_kept[id].secret, id, to)) {
            if (expired) ++_loot;
            _ungive(gift);
            _handOver(id, to);
            _count(Did.Take);
        } catch {}
    }

    /// @dev Of a gift whose time has passed, where there is one.
    function takeBack(uint256 seed) external counted(seed) {
        if (_gifts.length == 0) return;
        uint256 from = _roll(_gifts.length);
        uint256 gift = from;
        for (uint256 i = 1; i < _gifts.length && _now <= _kept[_gifts[gift]].expiry; ++i) {
            gift = (from + i) % _gifts.length;
        }
        bool runs = _now <= _kept[_gifts[gift]].expiry;
        try node.takeBack(_gifts[gift]) {
            if (runs) ++_loot;
            _touchNode(_gifts[gift]);
            _ungive(gift);
            _count(Did.TakeBack);
        } catch {}
    }

    /// @dev Names somebody, or one time in four nobody.
    function setBeneficiary(uint256 seed) external counted(seed) {
        uint256 id = _anyNode(false);
        if (id == 0) return;
        address owner = _kept[id].owner;
        address to = _roll(4) == 0 ? address(0) : _anyHolder();
        vm.prank(owner);
        try node.setBeneficiary(id, to) {
            _settle(id);
            _kept[id].beneficiary = to == owner ? address(0) : to;
            _count(Did.SetBeneficiary);
        } catch {}
    }

    /// @dev What a node in custody releases is its beneficiary's: nobody directs it.
    function _claimedTo(uint256 id, address to) private {
        if (_kept[id].beneficiary != address(0)) ++_loot;
        _settleTo(id, to);
    }

    /// @dev Whether the owner could sign, and its approval counted.
    function _permitClaim(address owner, address to, uint64 cap) private returns (bool) {
        uint256 signer;
        while (signer < SIGNERS && _holders[signer] != owner) ++signer;
        if (signer == SIGNERS) return false;
        bytes32 hash = keccak256(abi.encode(CLAIM_APPROVAL, owner, DELEGATE, to, cap, uint40(_now), node.nonces(owner)));
        bytes memory data = abi.encodeCall(
            IReleaseNode.permitClaim, (owner, DELEGATE, to, cap, uint40(_now), sign(_keys[signer], _nodeDomain, hash))
        );
        (bool went,) = address(node).call(data);
        vm.assertTrue(went, "a signed claim approval counts");
        _replayer.see(address(node), data);
        _count(Did.PermitClaim);
        return true;
    }

    /// @dev Pieces were taken off a node: each has been paid what it had released by the node's last claim, and the node
    /// all the rest.
    function _taken(uint256 id, uint256[] memory pieces, uint64[] memory totals) internal {
        Kept storage kept = _kept[id];
        _touchNode(id);
        _lastSerial += uint40(pieces.length);
        for (uint256 i = 0; i < pieces.length; ++i) {
            Kept storage piece = _make(pieces[i], kept.owner, totals[i]);
            (piece.periods, piece.beneficiary) = (kept.periods, kept.beneficiary);
            piece.paid = uint64(_released(uint32(id >> 224), totals[i], kept.periods));
            kept.total -= totals[i];
            kept.paid -= piece.paid;
        }
    }

    /// @dev The id of the piece that is next taken off a node.
    function _nextPiece(uint256 id) internal view returns (uint256) {
        return id & ~(uint256(type(uint40).max) << 160) | uint256(_lastSerial + 1) << 160;
    }

    function _merged(uint256 id, uint256[] memory others, uint256 amount) private {
        Kept storage kept = _kept[id];
        for (uint256 i = 0; i < others.length; ++i) {
            if (!_isLike(id, others[i])) ++_loot;
            kept.total += _kept[others[i]].total;
            kept.paid += _kept[others[i]].paid;
            _drop(others[i]);
        }
        vm.assertEq(amount, _due(id), "8: a merge pays what is due");
        _settle(id);
    }

    function _ungive(uint256 gift) private {
        _kept[_gifts[gift]].secret = 0;
        _gifts[gift] = _gifts[_gifts.length - 1];
        _gifts.pop();
    }

    function _several(uint256 most) private returns (uint256[] memory ids) {
        ids = new uint256[](most);
        if (_live.length == 0) return _first(ids, 0);
        uint256 found;
        uint256 from = _roll(_live.length);
        for (uint256 i = 0; i < 12 && i < _live.length && found < most; ++i) {
            uint256 id = _live[(from + i) % _live.length];
            if (_due(id) != 0) ids[found++] = id;
        }
        return _first(ids, found);
    }

    function _alike(uint256 id) private returns (uint256[] memory ids) {
        ids = new uint256[](5);
        uint256 found;
        uint256[] storage family = _family[id >> 200];
        bool strict = _roll(10) != 0;
        for (uint256 i = 0; i < family.length && found < 5; ++i) {
            uint256 other = family[i];
            if (other != id && (!strict || _isLike(id, other))) ids[found++] = other;
        }
        return _first(ids, found);
    }

    function _isLike(uint256 id, uint256 other) private view returns (bool) {
        bool ofTheSame = _kept[other].owner == _kept[id].owner && _receiverOf(other) == _receiverOf(id);
        return ofTheSame && _kept[other].secret == 0;
    }

    function _first(uint256[] memory ids, uint256 count) private pure returns (uint256[] memory) {
        assembly ("memory-safe") {
            mstore(ids, count)
        }
        return ids;
    }

    function _giftSignature(uint256 key, uint256 id, address to) internal view returns (bytes memory) {
        return sign(key, _nodeDomain, keccak256(abi.encode(keccak256("Gift(uint256 id,address to)"), id, to)));
    }
}
