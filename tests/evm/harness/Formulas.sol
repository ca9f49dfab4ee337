// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NodeId} from "../../../contracts/libraries/NodeId.sol";
import {PaymentMath} from "../../../contracts/libraries/PaymentMath.sol";
import {ScheduleMath} from "../../../contracts/libraries/ScheduleMath.sol";

/// @dev The pure formulas, callable from Python, to be compared with their twins in src/chainpoints/domain.
contract Formulas {
    function split(uint64 amount, uint16 bps, uint16 multiplier) external pure returns (uint64, uint64, uint256) {
        PaymentMath.Split memory parts = PaymentMath.split(amount, bps, multiplier);
        return (parts.merchant, parts.diverted, parts.total);
    }

    function refund(uint64 paid, uint64 refunded, uint64 amount, uint16 bps, uint16 multiplier)
        external
        pure
        returns (uint64, uint64, uint256)
    {
        PaymentMath.Split memory parts = PaymentMath.refund(paid, refunded, amount, bps, multiplier);
        return (parts.merchant, parts.diverted, parts.total);
    }

    function released(bytes calldata table, uint64 total, uint256 k, uint256 periods) external pure returns (uint256) {
        return ScheduleMath.released(table, total, k, periods);
    }

    function periodAt(uint256 time, uint256 epoch, uint256 length) external pure returns (uint256) {
        return ScheduleMath.periodAt(time, epoch, length);
    }

    function elapsed(uint256 time, uint256 epoch, uint256 length, uint256 start, uint8 periods)
        external
        pure
        returns (uint256)
    {
        return ScheduleMath.elapsed(time, epoch, length, start, periods);
    }

    function nodeId(uint32 program, uint24 start, address origin) external pure returns (uint256) {
        return NodeId.make(program, start, NodeId.OF_PAYMENTS, origin);
    }
}
