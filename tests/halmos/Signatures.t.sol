// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Signatures} from "../../contracts/libraries/Signatures.sol";
import {vm} from "./Vm.sol";

/// @dev Which signatures of a key are taken; ecrecover may answer anything.
contract SignaturesProperties {
    address private constant KEY_HOLDER = address(0xA11CE); // has no code

    function isOf(address signer, bytes32 hash, bytes calldata signature) external view returns (bool) {
        return Signatures.isOf(signer, hash, signature);
    }

    /// @dev halmos tries signatures of 0, 65 and 1,024 bytes.
    function check_T15_nothingIsSignedByTheZeroAddress(bytes32 hash, bytes calldata signature) public view {
        assert(!this.isOf(address(0), hash, signature));
    }

    function check_T15_higherSIsRefused(bytes32 hash, bytes32 r, bytes32 s, uint8 v) public view {
        vm.assume(uint256(s) > 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0);
        assert(!this.isOf(KEY_HOLDER, hash, abi.encodePacked(r, s, v)));
    }

    function check_T15_otherLengthsAreRefused(bytes32 hash, bytes32 r, bytes32 s, bytes2 v) public view {
        assert(!this.isOf(KEY_HOLDER, hash, abi.encodePacked(r, s)));
        assert(!this.isOf(KEY_HOLDER, hash, abi.encodePacked(r, s, v)));
    }

    /// @dev A signature that is taken is ecrecover's word for the signer.
    function check_T15_signerIsWhoIsRecovered(bytes32 hash, bytes32 r, bytes32 s, uint8 v) public view {
        if (this.isOf(KEY_HOLDER, hash, abi.encodePacked(r, s, v))) assert(ecrecover(hash, v, r, s) == KEY_HOLDER);
    }
}
