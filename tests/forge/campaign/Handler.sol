// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPrograms} from "../Setup.sol";
import {Tables} from "../Tables.sol";
import {Checks} from "./Checks.sol";

/// @dev All the actors of a campaign: payers, merchants and sybils (Payments), holders (Holdings), attackers (Attacks);
/// and here what they do with points, the guardian, the program manager, and time. Each action picks by its seed, makes a
/// call that may be refused, and changes the model when it was not. An action never fails by itself.
contract Handler is Checks {
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    bytes32 private constant TRANSFER = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 private constant RECEIVE = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    function movePoints(uint256 seed) external counted(seed) {
        (address from, address to, uint256 amount) = (_anyHolder(), _anyHolder(), _roll(200 * POINT));
        vm.prank(from);
        try token.transfer(to, amount) {
            _move(from, to, amount);
            _count(Did.MovePoints);
        } catch {}
    }

    function approve(uint256 seed) external counted(seed) {
        vm.prank(_anyHolder());
        token.approve(address(_spender), _roll(300 * POINT));
        _count(Did.Approve);
    }

    function permit(uint256 seed) external counted(seed) {
        uint256 signer = _roll(SIGNERS);
        (address owner, uint256 amount) = (_holders[signer], _roll(300 * POINT));
        bytes32 hash = keccak256(abi.encode(PERMIT, owner, _spender, amount, token.nonces(owner), _now));
        bytes memory data = abi.encodeWithSignature(
            "permit(address,address,uint256,uint256,bytes)",
            owner,
            _spender,
            amount,
            _now,
            sign(_keys[signer], _tokenDomain, hash)
        );
        (bool went,) = address(token).call(data);
        vm.assertTrue(went && token.allowance(owner, address(_spender)) == amount, "a permit counts");
        _replayer.see(address(token), data);
        _count(Did.Permit);
    }

    function transferWithAuthorization(uint256 seed) external counted(seed) {
        (address from, address to, uint256 amount, bytes memory data) = _anyAuthorized("transfer", TRANSFER);
        (bool went,) = address(token).call(data);
        if (!went) return;
        _move(from, to, amount);
        _replayer.see(address(token), data);
        _count(Did.TransferWithAuthorization);
    }

    /// @dev By its receiver, or one time in three by somebody else, who must not.
    function receiveWithAuthorization(uint256 seed) external counted(seed) {
        (address from, address to, uint256 amount, bytes memory data) = _anyAuthorized("receive", RECEIVE);
        bool byOther = _roll(3) == 0;
        if (!byOther) vm.prank(to);
        (bool went,) = address(token).call(data);
        if (byOther) {
            _touch(from);
            if (went) ++_loot;
            return _count(Did.ReceiveByOtherRefused);
        }
        if (!went) return;
        _move(from, to, amount);
        _replayer.see(address(token), data);
        _count(Did.ReceiveWithAuthorization);
    }

    function burn(uint256 seed) external counted(seed) {
        (address holder, uint256 amount) = (_anyHolder(), _roll(20 * POINT));
        vm.prank(holder);
        try token.burn(amount) {
            _burn(holder, amount);
            _count(Did.Burn);
        } catch {}
    }

    /// @dev Never the first payer, so that something goes on.
    function freeze(uint256 seed) external counted(seed) {
        _freeze(_holders[1 + _roll(_holders.length - 1)]);
    }

    function unfreeze(uint256 seed) external counted(seed) {
        uint256 from = _roll(_holders.length);
        for (uint256 i = 0; i < _holders.length; ++i) {
            address account = _holders[(from + i) % _holders.length];
            if (!_frozen(account)) continue;
            token.unfreeze(account);
            _frozenUntil[account] = _now;
            return _count(Did.Unfreeze);
        }
    }

    /// @dev Announces what replaces the program that is to be replaced, 30 to 60 days ahead; once.
    function replace(uint256 seed) external counted(seed) {
        if (_new != 0) return;
        IPrograms.Terms memory terms = _doublingTerms(uint40(_now + 30 days + _roll(30 days)));
        bytes memory table = Tables.doubling(8);
        _new = programs.replace(_old, terms, "New", table);
        _keepRules(_new, terms, table);
        Rules storage old = _rules[_old];
        // With the end of the period in which the other's last moment before its epoch lies.
        uint256 periods = (terms.epoch - 1 - old.epoch) / old.periodLength + 1;
        old.closesAt = uint40(old.epoch + periods * old.periodLength);
        _count(Did.Replace);
    }

    /// @dev From a second to a year: mostly hours or days, so that programs of every length have something to release.
    function warp(uint256 seed) external counted(seed) {
        uint256 kind = _roll(32);
        uint256 most = kind < 10 ? 1 hours : kind < 20 ? 1 days : kind < 28 ? 4 days : kind < 31 ? 30 days : 365 days;
        _now += 1 + _roll(most);
        vm.warp(_now);
        _count(Did.Warp);
    }

    function done(Did what) external view returns (uint256) {
        return _done[what];
    }

    /// @dev A call of EIP-3009 that its holder signed.
    function _anyAuthorized(string memory kind, bytes32 typehash)
        private
        returns (address from, address to, uint256 amount, bytes memory data)
    {
        uint256 signer = _roll(SIGNERS);
        (from, to, amount) = (_holders[signer], _anyHolder(), _roll(200 * POINT));
        bytes32 nonce = bytes32(++_orders);
        bytes32 hash = keccak256(abi.encode(typehash, from, to, amount, 0, type(uint256).max, nonce));
        data = abi.encodeWithSignature(
            string.concat(kind, "WithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"),
            from,
            to,
            amount,
            0,
            type(uint256).max,
            nonce,
            sign(_keys[signer], _tokenDomain, hash)
        );
    }
}
