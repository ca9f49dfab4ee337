// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DynamicBufferLib} from "solady/utils/DynamicBufferLib.sol";
import {LibString} from "solady/utils/LibString.sol";
import {NodeState} from "./NodeState.sol";
import {ScheduleMath} from "./ScheduleMath.sol";

/// @title The release curve as SVG paths
/// @notice Whole numbers only: a unit is a tenth of a pixel. Time runs right from 0 to WIDTH, the released share up
/// from 0 to -HEIGHT, since y grows downwards.
library NodeCurve {
    using DynamicBufferLib for DynamicBufferLib.DynamicBuffer;
    using LibString for uint256;

    uint256 internal constant WIDTH = 5680;
    uint256 internal constant HEIGHT = 1460;

    uint256 private constant POINTS = 100; // about so many points a path has at most

    /// @notice The line from the end of period `from` to the end of period `to`.
    function line(NodeState.State memory state, uint256 from, uint256 to) internal pure returns (string memory) {
        uint256 step = (state.terms.periods + POINTS - 1) / POINTS;
        DynamicBufferLib.DynamicBuffer memory path;
        path.p(_point("M", state, from));
        // The thinned grid is the same for all lines, so that areas end on the curve that is drawn over them.
        for (uint256 k = (from / step + 1) * step; k < to; k += step) {
            path.p(_point("L", state, k));
        }
        path.p(_point("L", state, to));
        return path.s();
    }

    /// @notice The area under that line.
    function area(NodeState.State memory state, uint256 from, uint256 to) internal pure returns (string memory) {
        return string.concat(line(state, from, to), "V0H", xOf(state, from).toString(), "Z");
    }

    /// @notice One dot for each release, as zero-length strokes.
    function dots(NodeState.State memory state) internal pure returns (string memory) {
        DynamicBufferLib.DynamicBuffer memory path;
        for (uint256 k = 1; k <= state.terms.periods; ++k) {
            path.p(_point("M", state, k)).p("h0");
        }
        return path.s();
    }

    /// @notice Where the end of period k stands.
    function xOf(NodeState.State memory state, uint256 k) internal pure returns (uint256) {
        return WIDTH * k / state.terms.periods;
    }

    /// @notice How high above the base line the curve is at the end of period k.
    function heightOf(NodeState.State memory state, uint256 k) internal pure returns (uint256) {
        return ScheduleMath.released(state.table, HEIGHT, k, state.terms.periods);
    }

    /// @notice Where the point of the curve at `time` of `duration` stands, which is less.
    function pointAt(NodeState.State memory state, uint256 time, uint256 duration)
        internal
        pure
        returns (uint256 x, uint256 height)
    {
        uint256 scaled = time * state.terms.periods;
        uint256 low = heightOf(state, scaled / duration);
        uint256 high = heightOf(state, scaled / duration + 1);
        return (WIDTH * time / duration, low + (high - low) * (scaled % duration) / duration);
    }

    /// @notice A coordinate above the base line.
    function above(uint256 height) internal pure returns (string memory) {
        return height == 0 ? "0" : string.concat("-", height.toString());
    }

    /// @dev A path command with the curve's point at the end of period k.
    function _point(string memory command, NodeState.State memory state, uint256 k)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(command, xOf(state, k).toString(), ",", above(heightOf(state, k)));
    }
}
