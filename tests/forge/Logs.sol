// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @dev What a call logged.
library Logs {
    /// @dev How many events of this kind a contract emitted.
    function count(Vm.Log[] memory logs, address emitter, bytes32 topic) internal pure returns (uint256 found) {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == emitter && logs[i].topics[0] == topic) ++found;
        }
    }

    /// @dev Whether these are all the events, in this order.
    function are(Vm.Log[] memory logs, address[] memory emitters, bytes32[] memory topics)
        internal
        pure
        returns (bool)
    {
        if (logs.length != emitters.length || logs.length != topics.length) return false;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != emitters[i] || logs[i].topics[0] != topics[i]) return false;
        }
        return true;
    }
}
