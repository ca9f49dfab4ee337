// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DynamicBufferLib} from "solady/utils/DynamicBufferLib.sol";
import {LibString} from "solady/utils/LibString.sol";
import {IPrograms} from "../interfaces/IPrograms.sol";
import {NameText} from "./NameText.sol";
import {NodeCurve} from "./NodeCurve.sol";
import {NodeState} from "./NodeState.sol";
import {NumberText} from "./NumberText.sol";

/// @title A node's picture: a card with its program's release curve, and how far the node is on it
/// @notice Shapes and text with presentation attributes only, so that every viewer that shows an <img> draws it: no
/// style sheet, no script, nothing that is loaded. Text is made small enough for its place by its longest possible
/// width, since fonts differ from machine to machine. The place of each text is held by a test in a browser.
library NodeCard {
    using DynamicBufferLib for DynamicBufferLib.DynamicBuffer;
    using LibString for string;
    using LibString for uint256;

    uint256 private constant DOTS = 24; // up to so many releases are shown one by one
    uint256 private constant DIGIT_WIDTH = 66; // hundredths of an em: the average of a bold number with its separators

    /// @notice The SVG of a node as it stands.
    function draw(NodeState.State memory state) internal view returns (string memory) {
        return string.concat(
            '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="400" viewBox="0 0 640 400" role="img" '
            'fill="#fff" font-family="system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif"><title>ADN ',
            NodeState.shortId(state),
            ": ",
            state.name.escapeHTML(),
            '</title><g clip-path="url(#card)">',
            // What is coloured holds no text of others, in which @ and ~ would be replaced too.
            _colored(string.concat(_definitions(state), _background(), _chart(state)), state.node.program),
            _header(state),
            _progress(state),
            _figures(state),
            _footer(state),
            '<rect x=".75" y=".75" width="638.5" height="398.5" rx="25.25" fill="none" stroke="#fff" '
            'stroke-opacity=".16" stroke-width="1.5"/></g></svg>'
        );
    }

    /// @dev Colours are written with @ for the program's hue and ~ for one beside it, which lights it. The golden angle
    /// sets neighbouring programs far apart; the first one is green.
    function _colored(string memory svg, uint256 program) private pure returns (string memory) {
        uint256 hue = program * 137 + 23;
        return svg.replace("@", (hue % 360).toString()).replace("~", ((hue + 48) % 360).toString());
    }

    /// @dev Clips and gradients that the card refers to.
    function _definitions(NodeState.State memory state) private pure returns (string memory) {
        return string.concat(
            '<defs><clipPath id="card"><rect width="640" height="400" rx="26"/></clipPath>'
            '<clipPath id="name"><path d="M88 54h300v34h-300z"/></clipPath>'
            '<linearGradient id="paper" x2="1" y2="1"><stop stop-color="hsl(@,52%,17%)"/>'
            '<stop offset="1" stop-color="hsl(~,60%,11%)"/></linearGradient>'
            '<radialGradient id="glow" cx=".92" cy="-.1" r=".9"><stop stop-color="hsl(~,90%,60%)" stop-opacity=".5"/>'
            '<stop offset="1" stop-color="hsl(~,90%,60%)" stop-opacity="0"/></radialGradient>'
            '<linearGradient id="line" x2="1"><stop stop-color="hsl(@,85%,62%)"/>'
            '<stop offset="1" stop-color="hsl(~,95%,76%)"/></linearGradient>'
            '<linearGradient id="past" x2="0" y2="1"><stop stop-color="hsl(@,60%,52%)" stop-opacity=".75"/>'
            '<stop offset="1" stop-color="hsl(@,60%,40%)" stop-opacity=".35"/></linearGradient>'
            '<linearGradient id="ready" x2="0" y2="1"><stop stop-color="hsl(~,100%,82%)"/>'
            '<stop offset="1" stop-color="hsl(~,95%,70%)" stop-opacity=".6"/></linearGradient><path id="curve" d="',
            NodeCurve.line(state, 0, state.terms.periods),
            '"/></defs>'
        );
    }

    /// @dev The curve again and again, larger each time, like the engraving of a banknote; and the mark, a curve too.
    function _background() private pure returns (string memory) {
        DynamicBufferLib.DynamicBuffer memory lines;
        for (uint256 i = 1; i <= 13; ++i) {
            lines.p('<use href="#curve" transform="translate(-');
            lines.p(bytes((i * 60).toString())).p(" -").p(bytes((i * 150).toString())).p(") scale(");
            lines.p(bytes(NumberText.fixedPoint(10 + i, 1))).p(')"/>');
        }
        return string.concat(
            '<path fill="url(#paper)" d="M0 0h640v400H0z"/><path fill="url(#glow)" d="M0 0h640v400H0z"/>'
            '<g fill="none" stroke-width="8" stroke="hsl(@,80%,75%)" stroke-opacity=".08" '
            'transform="translate(36 300) scale(.1)">',
            lines.s(),
            '</g><g transform="translate(36 38)"><rect width="40" height="40" rx="11" fill="url(#line)"/>'
            '<path d="M9 30Q25 29 30 10" fill="none" stroke="hsl(@,60%,12%)" stroke-width="3.4" '
            'stroke-linecap="round"/>' '<circle cx="30" cy="10.5" r="4.2" fill="hsl(@,60%,12%)"/></g>'
            '<circle cx="40" cy="332" r="4" fill="hsl(@,60%,52%)"/>'
            '<circle cx="236" cy="332" r="4" fill="hsl(~,100%,82%)"/>'
        );
    }

    /// @dev The release curve, its dots and its bar.
    function _chart(NodeState.State memory state) private view returns (string memory) {
        uint256 claimed = state.node.claimedPeriods;
        bool ready = state.elapsed > claimed;
        return string.concat(
            '<g fill="none" stroke-linecap="round" stroke-linejoin="round" transform="translate(36 300) scale(.1)">',
            claimed == 0 ? "" : _area('claimed" fill="url(#past)', NodeCurve.area(state, 0, claimed)),
            ready ? _area('claimable" fill="url(#ready)', NodeCurve.area(state, claimed, state.elapsed)) : "",
            '<use href="#curve" stroke="url(#line)" stroke-width="26"/>',
            state.terms.periods > DOTS ? "" : _area('releases" stroke="#fff" stroke-width="70', NodeCurve.dots(state)),
            '<path stroke="#fff" stroke-opacity=".14" stroke-width="50" d="M0 95H5680"/>',
            claimed == 0 ? "" : _track("hsl(@,60%,52%)", state, 0, claimed),
            ready ? _track("hsl(~,100%,82%)", state, claimed, state.elapsed) : "",
            _now(state),
            _here(state),
            "</g>"
        );
    }

    /// @dev A path with its id; the id's text brings further attributes.
    function _area(string memory id, string memory path) private pure returns (string memory) {
        return string.concat('<path id="', id, '" d="', path, '"/>');
    }

    /// @dev A stretch of the bar below the curve: early areas of a growing release are too low to be seen.
    function _track(string memory color, NodeState.State memory state, uint256 from, uint256 to)
        private
        pure
        returns (string memory)
    {
        return string.concat(
            '<path stroke="',
            color,
            '" stroke-width="50" d="M',
            NodeCurve.xOf(state, from).toString(),
            " 95H",
            NodeCurve.xOf(state, to).toString(),
            '"/>'
        );
    }

    /// @dev Where time stands between two releases. Nothing before the start and after the end.
    function _now(NodeState.State memory state) private view returns (string memory) {
        uint256 start = NodeState.timeOf(state, 0);
        uint256 end = NodeState.timeOf(state, state.terms.periods);
        if (block.timestamp < start || block.timestamp >= end) return "";
        (uint256 x, uint256 height) = NodeCurve.pointAt(state, block.timestamp - start, end - start);
        string memory position = x.toString();
        return string.concat(
            '<g id="now" stroke="#fff"><path stroke-width="10" stroke-opacity=".7" stroke-dasharray="1 34" d="M',
            position,
            " 0V",
            NodeCurve.above(height),
            '"/><path stroke-width="30" d="M',
            position,
            ' 45v100"/></g>'
        );
    }

    /// @dev The last release, on the curve.
    function _here(NodeState.State memory state) private pure returns (string memory) {
        return string.concat(
            '<g transform="translate(',
            NodeCurve.xOf(state, state.elapsed).toString(),
            " ",
            NodeCurve.above(NodeCurve.heightOf(state, state.elapsed)),
            ')"><circle r="150" fill="hsl(~,100%,82%)" fill-opacity=".24"/><circle r="62" fill="#fff"/></g>'
        );
    }

    /// @dev The program's name, the node's ADN size and its total.
    function _header(NodeState.State memory state) private pure returns (string memory) {
        uint256 millionths = NodeState.size(state);
        string memory size = millionths == 0 ? "<0.000001" : NumberText.grouped(millionths);
        return string.concat(
            '<text x="90" y="50" font-size="11" letter-spacing="2.4" font-weight="600" fill-opacity=".7">ADN</text>'
            '<g clip-path="url(#name)"><text x="90" y="75" font-weight="600" font-size="',
            _fit(21, 280, NameText.width(state.name)),
            state.name.escapeHTML(),
            '</text></g><text x="604" y="62" text-anchor="end" font-weight="700" font-size="',
            _fit(34, 165, bytes(size).length * DIGIT_WIDTH),
            size.escapeHTML(),
            '<tspan dx="5" font-size="15" font-weight="500" fill-opacity=".75">ADN</tspan></text>'
            '<text x="604" y="84" text-anchor="end" font-size="12" fill-opacity=".7">up to ',
            NumberText.grouped(state.node.total),
            NumberText.unit(state.node.total),
            "</text>"
        );
    }

    /// @dev Above the left part of the curve, where a release that grows leaves room.
    function _progress(NodeState.State memory state) private pure returns (string memory) {
        return string.concat(
            '<text x="36" y="152" font-size="42" font-weight="700" letter-spacing="-1">',
            NumberText.percent(state.released, state.node.total).escapeHTML(),
            '<tspan dx="3" font-size="22" font-weight="500">%</tspan></text>'
            '<text x="37" y="174" font-size="12" fill-opacity=".75">',
            _said(state),
            "</text>"
        );
    }

    /// @dev What the node is doing now, in words.
    function _said(NodeState.State memory state) private pure returns (string memory) {
        if (state.elapsed == 0) return string.concat("locked until ", NumberText.date(NodeState.timeOf(state, 1)));
        uint256 periods = state.terms.periods;
        if (state.elapsed == periods) {
            return state.node.claimable == 0 ? "released and claimed" : "released, ready to be claimed";
        }
        return string.concat("released after ", state.elapsed.toString(), " of ", periods.toString(), " periods");
    }

    /// @dev What is claimed and what is claimable, and the next release or the date of the last.
    function _figures(NodeState.State memory state) private pure returns (string memory) {
        bool last = state.next == 0;
        string memory date = NumberText.date(NodeState.timeOf(state, last ? state.terms.periods : state.next));
        return string.concat(
            _figure("36", "50", "CLAIMED", NumberText.grouped(state.node.claimed)),
            _figure("232", "246", "CLAIMABLE", NumberText.grouped(state.node.claimable)),
            last
                ? _figure("428", "428", "LAST RELEASE", date)
                : _figure("428", "428", string.concat("NEXT ON ", date), NumberText.grouped(state.nextAmount))
        );
    }

    /// @dev An amount with its label.
    function _figure(string memory x, string memory labelX, string memory label, string memory value)
        private
        pure
        returns (string memory)
    {
        return string.concat(
            '<text y="336" font-size="10.5" letter-spacing="1.2" fill-opacity=".7" x="',
            labelX,
            '">',
            label,
            '</text><text y="358" font-weight="600" x="',
            x,
            '" font-size="',
            _fit(18, 176, bytes(value).length * DIGIT_WIDTH),
            value,
            "</text>"
        );
    }

    /// @dev The node's short id, and what funds its releases.
    function _footer(NodeState.State memory state) private pure returns (string memory) {
        bool funded = state.terms.funding == IPrograms.Funding.FUNDED;
        return string.concat(
            '<g font-size="10.5" fill-opacity=".55">'
            '<text x="36" y="382" font-family="ui-monospace,Menlo,Consolas,monospace">',
            NodeState.shortId(state),
            '</text><text x="604" y="382" text-anchor="end">chainpoints, ',
            funded ? "held in a reserve" : "minted when claimed",
            "</text></g>"
        );
    }

    /// @dev The font size, pixels, at most `size`, at which a text of so many hundredths of an em is at most `room`
    /// wide; with the end of the tag that it stands in.
    function _fit(uint256 size, uint256 room, uint256 hundredths) private pure returns (string memory) {
        uint256 fitting = room * 10_000 / hundredths;
        return string.concat(NumberText.trimmed(fitting < size * 100 ? fitting : size * 100, 2), '">');
    }
}
