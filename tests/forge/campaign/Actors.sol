// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IPaymentProcessor, IReleaseNode, NodeToken, Processor, Token} from "../Setup.sol";

/// @dev A contract that tries to get what is not its own. Each has one way to, and says what of it went through.
abstract contract Attacker {
    Token internal immutable TOKEN;
    NodeToken internal immutable NODE;
    Processor internal immutable PROCESSOR;

    constructor(Token token, NodeToken node, Processor processor) {
        (TOKEN, NODE, PROCESSOR) = (token, node, processor);
    }

    function _went(address target, bytes memory data) internal returns (bool went) {
        (went,) = target.call(data);
    }

    function _ids(uint256 id) internal pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = id;
    }
}

/// @dev Everybody's operator, approved for all nodes, that does with them what only their owners may.
contract Operator is Attacker {
    uint256 public constant WAYS = 6;

    constructor(Token token, NodeToken node, Processor processor) Attacker(token, node, processor) {}

    function operate(uint256 way, uint256 id, uint256 other) external returns (bool) {
        uint64[] memory piece = new uint64[](1);
        piece[0] = 1;
        if (way == 0) return _went(address(NODE), abi.encodeCall(NODE.claimTo, (_ids(id), address(this))));
        if (way == 1) return _went(address(NODE), abi.encodeCall(NODE.split, (id, piece)));
        if (way == 2) return _went(address(NODE), abi.encodeCall(NODE.merge, (id, _ids(other))));
        if (way == 3) return _went(address(NODE), abi.encodeCall(NODE.give, (id, address(this), type(uint40).max)));
        if (way == 4) return _went(address(NODE), abi.encodeCall(NODE.setBeneficiary, (id, address(this))));
        return _went(address(NODE), abi.encodeCall(NODE.take, (id, address(this), "")));
    }
}

/// @dev Calls back, while it receives a node, whatever it was armed with.
contract Reentrant is Attacker {
    address[] private _targets;
    bytes[] private _calls;
    uint256 public sprung;
    uint256 public went; // of those calls; a bit for each

    constructor(Token token, NodeToken node, Processor processor) Attacker(token, node, processor) {}

    function disarm() external {
        delete _targets;
        delete _calls;
        (sprung, went) = (0, 0);
    }

    function arm(address target, bytes calldata data) external {
        _targets.push(target);
        _calls.push(data);
    }

    function onERC721Received(address, address, uint256, bytes calldata) external returns (bytes4) {
        ++sprung;
        for (uint256 i = 0; i < _targets.length; ++i) {
            if (_went(_targets[i], _calls[i])) went |= 1 << i;
        }
        return this.onERC721Received.selector;
    }
}

/// @dev A signer of ERC-1271 that says yes to anything, or to nothing, as the mood takes it; and that hands in its word
/// where somebody else's is asked for.
contract FickleSigner is Attacker {
    uint256 public constant WAYS = 3;

    bool public yes;

    constructor(Token token, NodeToken node, Processor processor) Attacker(token, node, processor) {}

    function setMood(bool mood) external {
        yes = mood;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return yes ? this.isValidSignature.selector : bytes4(0);
    }

    function speakFor(uint256 way, IPaymentProcessor.Payment calldata payment) external returns (bool) {
        address victim = payment.payer;
        bytes memory word = abi.encode(address(this));
        uint40 ever = type(uint40).max;
        if (way == 0) {
            IPaymentProcessor.Authorization memory authorization = IPaymentProcessor.Authorization(0, ever, word);
            return
                _went(
                    address(PROCESSOR), abi.encodeCall(IPaymentProcessor.payWithAuthorization, (payment, authorization))
                );
        }
        if (way == 1) {
            return _went(
                address(NODE),
                abi.encodeCall(
                    IReleaseNode.permitClaim, (victim, address(this), address(this), type(uint64).max, ever, word)
                )
            );
        }
        return _went(
            address(TOKEN),
            abi.encodeWithSignature(
                "permit(address,address,uint256,uint256,bytes)", victim, address(this), type(uint256).max, ever, word
            )
        );
    }
}

/// @dev Watches gifts on their way, and wants them for itself, or back before their time.
contract GiftThief is Attacker {
    constructor(Token token, NodeToken node, Processor processor) Attacker(token, node, processor) {}

    function snatch(uint256 id, address to, bytes calldata signature) external returns (bool) {
        return _went(address(NODE), abi.encodeCall(NODE.take, (id, to, signature)));
    }

    function callBack(uint256 id) external returns (bool) {
        return _went(address(NODE), abi.encodeCall(NODE.takeBack, (id)));
    }
}

/// @dev Keeps signed calls that it saw succeed, and sends them again, as they were or with one word changed.
contract Replayer is Attacker {
    struct Seen {
        address target;
        bytes data;
    }

    uint256 private constant ROOM = 6;

    Seen[ROOM] private _seen;
    uint256 public count;

    constructor(Token token, NodeToken node, Processor processor) Attacker(token, node, processor) {}

    function see(address target, bytes calldata data) external {
        _seen[count++ % ROOM] = Seen(target, data);
    }

    /// @dev `word` from 1: the one to change; 0: none.
    function replay(uint256 which, uint256 word) external returns (bool) {
        Seen storage seen = _seen[which % (count < ROOM ? count : ROOM)];
        bytes memory data = seen.data;
        if (word != 0) {
            assembly ("memory-safe") {
                let at := add(add(data, 0x04), mul(word, 0x20))
                mstore(at, xor(mload(at), 1))
            }
        }
        return _went(seen.target, data);
    }
}

/// @dev Has allowances, and takes more than they say.
contract Spender is Attacker {
    constructor(Token token, NodeToken node, Processor processor) Attacker(token, node, processor) {}

    function spend(address from, address to, uint256 amount) external returns (bool) {
        return _went(address(TOKEN), abi.encodeCall(TOKEN.transferFrom, (from, to, amount)));
    }

    function destroy(address from, uint256 amount) external returns (bool) {
        return _went(address(TOKEN), abi.encodeCall(TOKEN.burnFrom, (from, amount)));
    }
}

/// @dev Is frozen, and tries every way out for its points and nodes.
contract FreezeDodger is Attacker {
    uint256 public constant WAYS = 7;

    constructor(Token token, NodeToken node, Processor processor) Attacker(token, node, processor) {}

    function escape(uint256 way, uint256 id, uint32 funded, address friend, IPaymentProcessor.Payment calldata payment)
        external
        returns (bool)
    {
        if (way == 0) return _went(address(TOKEN), abi.encodeCall(TOKEN.transfer, (friend, 1)));
        if (way == 1) return _went(address(TOKEN), abi.encodeCall(TOKEN.burn, (1)));
        if (way == 2) return _went(address(PROCESSOR), abi.encodeCall(IPaymentProcessor.pay, (payment)));
        if (way == 3) return _went(address(NODE), abi.encodeCall(IERC721.transferFrom, (address(this), friend, id)));
        if (way == 4) return _went(address(NODE), abi.encodeCall(NODE.claimTo, (_ids(id), friend)));
        if (way == 5) {
            TOKEN.approve(address(NODE), 1);
            return _went(address(NODE), abi.encodeCall(NODE.deposit, (funded, 1)));
        }
        TOKEN.approve(friend, 1);
        return Spender(friend).spend(address(this), friend, 1);
    }
}

/// @dev A merchant's payout address that pays itself, and wants what it paid back and what the node released as well.
contract RefundAbuser is Attacker {
    constructor(Token token, NodeToken node, Processor processor) Attacker(token, node, processor) {}

    /// @dev Pays, claims, refunds a part, refunds all over again, refunds the rest. How much of what must not go went.
    function cycle(IPaymentProcessor.Payment calldata payment, uint256 id, uint24 start, uint64 part)
        external
        returns (bool paid, uint256 went)
    {
        paid = _went(address(PROCESSOR), abi.encodeCall(IPaymentProcessor.pay, (payment)));
        if (!paid) return (paid, went);
        if (_went(address(NODE), abi.encodeCall(NODE.claim, (_ids(id))))) ++went;
        PROCESSOR.refund(payment, start, part);
        if (refund(payment, start, payment.amount)) ++went;
        PROCESSOR.refund(payment, start, payment.amount - part);
        if (refund(payment, start, 1)) ++went;
    }

    function refund(IPaymentProcessor.Payment calldata payment, uint24 start, uint64 amount) public returns (bool) {
        return _went(address(PROCESSOR), abi.encodeCall(IPaymentProcessor.refund, (payment, start, amount)));
    }
}

/// @dev Sends points where none are expected.
contract Donor is Attacker {
    constructor(Token token, NodeToken node, Processor processor) Attacker(token, node, processor) {}

    function donate(address to, uint256 amount) external returns (bool) {
        return _went(address(TOKEN), abi.encodeCall(TOKEN.transfer, (to, amount)));
    }

    function deposit(uint32 program, uint64 amount) external returns (bool) {
        TOKEN.approve(address(NODE), amount);
        return _went(address(NODE), abi.encodeCall(NODE.deposit, (program, amount)));
    }
}
