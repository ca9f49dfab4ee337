// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @dev A contract that holds points and nodes but answers no callback of any kind.
contract Plain {
    function execute(address target, bytes calldata data) external returns (bytes memory) {
        (bool done, bytes memory answer) = target.call(data);
        if (!done) {
            assembly {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        return answer;
    }
}

/// @dev A contract wallet: ERC-1271 by its key, and an ERC-721 receiver that calls back when it is told to.
contract Wallet is Plain {
    address private immutable KEY;
    address private _target;
    bytes private _call;
    bool public calledBack;
    bool public callbackDone;
    bytes public callbackAnswer;

    constructor(address key) {
        KEY = key;
    }

    /// @dev On receiving a node, call `target`; what comes of it is kept.
    function onReceiveCall(address target, bytes calldata data) external {
        _target = target;
        _call = data;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecover(hash, signature);
        return signer == KEY ? this.isValidSignature.selector : bytes4(0);
    }

    function onERC721Received(address, address, uint256, bytes calldata) external returns (bytes4) {
        if (_target != address(0)) {
            calledBack = true;
            (callbackDone, callbackAnswer) = _target.call(_call);
        }
        return this.onERC721Received.selector;
    }
}
