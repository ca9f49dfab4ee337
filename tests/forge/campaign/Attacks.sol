// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IPaymentProcessor} from "../Setup.sol";
import {Holdings} from "./Holdings.sol";

/// @dev What attackers try. What is theirs to do changes the model; whatever else goes through is counted as loot.
abstract contract Attacks is Holdings {
    uint256 private constant SPLITS = 1 << 6; // the seventh call that the re-entrant contract is armed with

    uint256 internal _donated; // to the nodes' contract

    /// @dev The operator does with a node of another what only the owner may.
    function operate(uint256 seed) external counted(seed) {
        uint256 id = _anyNode(true);
        if (id == 0 || _kept[id].owner == address(_operator)) return;
        _touchNode(id);
        _touch(_kept[id].owner);
        uint256[] storage family = _family[id >> 200];
        uint256 other = family[_roll(family.length)];
        _isLoot(_operator.operate(_roll(_operator.WAYS()), id, other));
        _count(Did.Operate);
    }

    /// @dev A holder hands a node to a contract that calls back while it receives it: for what was just paid, for
    /// others' nodes, gifts and refunds; and one time in two it takes its new node apart, which is its right.
    function reenter(uint256 seed) external counted(seed) {
        uint256 id = _anyNode(false);
        if (id == 0 || _kept[id].owner == address(_reentrant) || _kept[id].secret != 0) return;
        address seller = _kept[id].owner;
        _arm(id, seller);
        uint64[] memory piece = new uint64[](1);
        piece[0] = 1;
        bool splits = _roll(2) == 0;
        if (splits) _reentrant.arm(address(node), abi.encodeCall(node.split, (id, piece)));
        vm.prank(seller);
        try IERC721(address(node)).safeTransferFrom(seller, address(_reentrant), id) {
            _handOver(id, address(_reentrant));
            uint256 went = _reentrant.went();
            if (went & SPLITS != 0) _taken(id, one(_nextPiece(id)), piece);
            _isLoot(went & ~SPLITS != 0 || _reentrant.sprung() != 1);
            _count(Did.Reenter);
        } catch {}
    }

    /// @dev The fickle signer hands its own word in for somebody else's.
    function speakFor(uint256 seed) external counted(seed) {
        address victim = _anyHolder();
        if (victim == address(_fickle)) return;
        _fickle.setMood(true);
        _touch(victim);
        _isLoot(_fickle.speakFor(_roll(_fickle.WAYS()), _anyPayment(victim)));
        _count(Did.SpeakFor);
    }

    /// @dev Anybody pays with the fickle signer's points: when it says yes, and only then.
    function ficklePay(uint256 seed) external counted(seed) {
        bool yes = _roll(4) != 0;
        _fickle.setMood(yes);
        IPaymentProcessor.Payment memory payment = _anyPayment(address(_fickle));
        try processor.payWithAuthorization(
            payment, IPaymentProcessor.Authorization(uint40(_now - 1), type(uint40).max, "")
        ) {
            _isLoot(!yes);
            _book(payment);
            _count(Did.FicklePay);
        } catch {}
    }

    /// @dev A gift is taken with the signature for somebody else, with another key's, after its time; or called back
    /// before it.
    function stealGift(uint256 seed) external counted(seed) {
        if (_gifts.length == 0) return;
        uint256 id = _gifts[_roll(_gifts.length)];
        (uint256 secret, address thief) = (_kept[id].secret, address(_giftThief));
        bool expired = _now > _kept[id].expiry;
        uint256 way = _roll(3);
        _touchNode(id);
        if (expired) {
            _isLoot(_giftThief.snatch(id, thief, _giftSignature(secret, id, thief)));
        } else if (way == 0) {
            _isLoot(_giftThief.snatch(id, thief, _giftSignature(secret, id, _anyHolderBut(thief))));
        } else if (way == 1) {
            _isLoot(_giftThief.snatch(id, thief, _giftSignature(secret + 1, id, thief)));
        } else {
            _isLoot(_giftThief.callBack(id));
        }
        _count(Did.StealGift);
    }

    /// @dev A signed call that counted is sent again, as it was or with a word changed.
    function replay(uint256 seed) external counted(seed) {
        if (_replayer.count() == 0) return;
        if (_replayer.replay(_roll(6), _roll(6))) ++_replayed;
        _count(Did.Replay);
    }

    /// @dev What was signed for this chain is sent on a fork of it.
    function replayOnOtherChain(uint256 seed) external counted(seed) {
        uint256 signer = _roll(SIGNERS);
        IPaymentProcessor.Payment memory payment = _anyPayment(_holders[signer]);
        IPaymentProcessor.Authorization memory authorization = _authorize(signer, payment);
        _touch(payment.payer);
        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        try processor.payWithAuthorization(payment, authorization) {
            ++_replayed;
        } catch {}
        vm.chainId(chain);
        _count(Did.OtherChain);
    }

    /// @dev The spender takes what it is allowed, or a unit more.
    function spend(uint256 seed) external counted(seed) {
        address owner = _anyHolder();
        for (uint256 i = 0; i < 3 && token.allowance(owner, address(_spender)) == 0; ++i) {
            owner = _anyHolder();
        }
        uint256 allowed = token.allowance(owner, address(_spender));
        (bool burns, bool over) = (_roll(3) == 0, _roll(2) == 0);
        uint256 amount = over ? allowed + 1 : _roll(allowed + 1);
        _touch(owner);
        bool went = burns ? _spender.destroy(owner, amount) : _spender.spend(owner, address(_spender), amount);
        if (over) {
            _isLoot(went);
            _count(Did.Overspend);
        } else if (went) {
            if (burns) _burn(owner, amount);
            else _move(owner, address(_spender), amount);
            _count(Did.Spend);
        }
    }

    /// @dev The dodger tries a way out of its freeze. Where it is in none, and it is too soon for the guardians, the admin
    /// freezes it.
    function dodgeFreeze(uint256 seed) external counted(seed) {
        address dodger = address(_dodger);
        if (!_frozen(dodger)) _freeze(dodger);
        if (!_frozen(dodger)) {
            token.confirmFreeze(dodger, "confirmed");
            _frozenUntil[dodger] = type(uint40).max;
            _count(Did.ConfirmFreeze);
        }
        uint256 id = _anyNode(false);
        for (uint256 i = 0; i < 6 && _kept[id].owner != dodger; ++i) {
            id = _anyNode(false);
        }
        uint256 way = _roll(_dodger.WAYS());
        // Whatever these refuse, they refuse for another reason.
        if ((way == 3 || way == 4) && _kept[id].owner != dodger) way = 0;
        _touch(dodger);
        _isLoot(_dodger.escape(way, id, fund, address(_spender), _anyPayment(dodger)));
        vm.prank(dodger);
        token.approve(address(_spender), 0);
        _count(Did.Escape);
    }

    /// @dev A payment to oneself, claimed and refunded twice: all is as it was.
    function abuseRefund(uint256 seed) external counted(seed) {
        address abuser = address(_abuser);
        IPaymentProcessor.Payment memory payment = _anyPayment(abuser);
        (payment.merchant, payment.amount) = (SYBIL + SYBILS - 1, payment.amount + 1);
        if (_payout[payment.merchant] != abuser) _returnPayout(payment.merchant, abuser);
        uint24 start = _startNow(payment.program);
        uint256 id = node.idOf(payment.program, start, abuser);
        try _abuser.cycle(payment, id, start, uint64(1 + _roll(payment.amount - 1))) returns (bool paid, uint256 went) {
            _isLoot(went != 0);
            if (!paid) return;
            _book(payment);
            _unbook(_made.length - 1, payment.amount);
            _count(Did.AbuseRefund);
        } catch {}
    }

    /// @dev A refund of what was paid, once its node has released something.
    function refundLate(uint256 seed) external counted(seed) {
        address abuser = address(_abuser);
        for (uint256 i = 0; i < 12 && _made.length != 0; ++i) {
            Made memory made = _made[_roll(_made.length)];
            uint256 id = node.idOf(made.payment.program, made.start, made.payment.payer);
            if (_payout[made.payment.merchant] != abuser || made.refunded != 0 || _elapsed(id) == 0) continue;
            _isLoot(_abuser.refund(made.payment, made.start, made.payment.amount));
            return _count(Did.LateRefund);
        }
    }

    /// @dev Points for the contracts, which nobody owes anything for; to the token and to nobody none can be sent, and
    /// an EMISSION program has no reserve to deposit into.
    function donate(uint256 seed) external counted(seed) {
        (uint256 way, uint64 amount) = (_roll(6), uint64(_roll(POINT)));
        address donor = address(_donor);
        _touch(donor);
        if (way > 2) {
            address[3] memory wrong = [address(token), address(0), address(0)];
            _isLoot(way == 5 ? _donor.deposit(fec, amount) : _donor.donate(wrong[way - 3], amount));
            return _count(Did.DonateWrongly);
        }
        if (way == 2) {
            if (!_donor.deposit(_dust, amount)) return;
            _ledgerOf(_dust).reserve += amount;
        } else {
            if (!_donor.donate(way == 0 ? address(node) : address(processor), amount)) return;
        }
        _move(donor, way == 1 ? address(processor) : address(node), amount);
        if (way == 0) _donated += amount;
        _count(Did.Donate);
    }

    function _arm(uint256 id, address seller) private {
        address thief = address(_reentrant);
        uint256 other = _live[_roll(_live.length)];
        if (_kept[other].owner == thief || other == id) other = 0;
        uint256 gift = _gifts.length == 0 ? other : _gifts[_roll(_gifts.length)];
        _touch(seller);
        _reentrant.disarm();
        _reentrant.arm(address(node), abi.encodeCall(node.claim, (one(id))));
        _reentrant.arm(address(node), abi.encodeCall(node.claimTo, (one(other), thief)));
        _reentrant.arm(address(node), abi.encodeCall(IERC721.transferFrom, (_kept[other].owner, thief, other)));
        _reentrant.arm(address(node), abi.encodeCall(node.take, (gift, thief, "")));
        _reentrant.arm(address(node), abi.encodeCall(node.merge, (id, one(other))));
        Made memory latest;
        if (_made.length != 0) latest = _made[_made.length - 1];
        // Where it is its own to refund, the same order of another merchant.
        if (_payout[latest.payment.merchant] == thief) latest.payment.merchant = SHOP;
        bytes memory refunds = abi.encodeCall(IPaymentProcessor.refund, (latest.payment, latest.start, 1));
        _reentrant.arm(address(processor), refunds);
    }

    function _returnPayout(uint32 merchant, address to) private {
        vm.prank(_payout[merchant]);
        processor.setPayout(merchant, to);
        _payout[merchant] = to;
    }

    function _anyHolderBut(address account) private returns (address holder) {
        holder = _anyHolder();
        if (holder == account) holder = _holders[0];
    }

    function _isLoot(bool went) private {
        if (went) ++_loot;
    }

    function _freeze(address account) internal {
        try token.freeze(account, "reported") {
            _frozenUntil[account] = _now + 7 days;
            _count(Did.Freeze);
        } catch {}
    }
}
