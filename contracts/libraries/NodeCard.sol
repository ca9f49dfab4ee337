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
/// @notice SVG 1.1 of shapes and text with presentation attributes only, so that every viewer that shows an <img> draws it:
/// no style sheet, no script, nothing that is loaded. Text is made small enough for its place by its longest possible
/// width, since fonts differ from machine to machine.
library NodeCard {
    using DynamicBufferLib for DynamicBufferLib.DynamicBuffer;
    using LibString for string;
    using LibString for uint256;

    /// @dev Two neighbouring hues, in degrees as text: one is the program's, the other lights it.
    struct Hues {
        string base;
        string light;
    }

    string private constant FONT = "system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif";
    uint256 private constant DOTS = 24; // up to so many releases are shown one by one
    uint256 private constant DIGIT_WIDTH = 66; // hundredths of an em: the average of a bold number with its separators

    /// @notice The SVG of a node as it stands.
    function draw(NodeState.State memory state) internal view returns (string memory) {
        Hues memory hues = _hues(state.node.program);
        DynamicBufferLib.DynamicBuffer memory svg;
        svg.p(
            abi.encodePacked(
                '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="400" viewBox="0 0 640 400" role="img" fill="#fff"',
                ' font-family="',
                FONT,
                '"><title>ADN ',
                NodeState.shortId(state),
                ": ",
                state.name.escapeHTML(),
                "</title>"
            )
        );
        svg.p(_definitions(state, hues)).p('<g clip-path="url(#card)">').p(_background(hues)).p(_chart(state, hues));
        svg.p(_header(state, hues)).p(_progress(state)).p(_figures(state, hues)).p(_footer(state));
        svg.p('<rect x=".75" y=".75" width="638.5" height="398.5" rx="25.25" fill="none" stroke="#fff"');
        svg.p(' stroke-opacity=".16" stroke-width="1.5"/></g></svg>');
        return svg.s();
    }

    /// @dev The golden angle sets neighbouring programs far apart; the first one is green.
    function _hues(uint256 program) private pure returns (Hues memory) {
        uint256 base = program * 137 + 23;
        return Hues((base % 360).toString(), ((base + 48) % 360).toString());
    }

    function _definitions(NodeState.State memory state, Hues memory hues) private pure returns (bytes memory) {
        return abi.encodePacked(
            '<defs><clipPath id="card"><rect width="640" height="400" rx="26"/></clipPath>',
            '<clipPath id="name"><path d="M88 54h300v34h-300z"/></clipPath><path id="curve" d="',
            NodeCurve.line(state, 0, state.terms.periods),
            '"/>',
            _gradient(
                "paper", ' x2="1" y2="1"', _stop("0", hues.base, "52%,17%", "1"), _stop("1", hues.light, "60%,11%", "1")
            ),
            _gradient("line", ' x2="1"', _stop("0", hues.base, "85%,62%", "1"), _stop("1", hues.light, "95%,76%", "1")),
            _gradient(
                "past",
                ' x2="0" y2="1"',
                _stop("0", hues.base, "60%,52%", ".75"),
                _stop("1", hues.base, "60%,40%", ".35")
            ),
            _gradient(
                "ready",
                ' x2="0" y2="1"',
                _stop("0", hues.light, "100%,82%", "1"),
                _stop("1", hues.light, "95%,70%", ".6")
            ),
            '<radialGradient id="glow" cx=".92" cy="-.1" r=".9">',
            _stop("0", hues.light, "90%,60%", ".5"),
            _stop("1", hues.light, "90%,60%", "0"),
            "</radialGradient></defs>"
        );
    }

    /// @dev The curve again and again, larger each time, like the engraving of a banknote.
    function _background(Hues memory hues) private pure returns (bytes memory) {
        DynamicBufferLib.DynamicBuffer memory lines;
        for (uint256 i = 1; i <= 13; ++i) {
            lines.p('<use href="#curve" transform="translate(-');
            lines.p(abi.encodePacked((i * 60).toString(), " -", (i * 150).toString(), ") scale("));
            lines.p(abi.encodePacked(NumberText.fixedPoint(10 + i, 1), ')"/>'));
        }
        return abi.encodePacked(
            '<path fill="url(#paper)" d="M0 0h640v400H0z"/><path fill="url(#glow)" d="M0 0h640v400H0z"/>',
            '<g fill="none" stroke="',
            _color(hues.base, "80%,75%"),
            '" stroke-opacity=".08" stroke-width="8" transform="translate(36 300) scale(.1)">',
            lines.data,
            "</g>"
        );
    }

    function _chart(NodeState.State memory state, Hues memory hues) private view returns (bytes memory) {
        DynamicBufferLib.DynamicBuffer memory chart;
        string memory past = _color(hues.base, "60%,52%");
        string memory ready = _color(hues.light, "100%,82%");
        uint256 claimed = state.node.claimedPeriods;
        uint256 width = NodeCurve.WIDTH;
        chart.p(
            '<g fill="none" stroke-linecap="round" stroke-linejoin="round" transform="translate(36 300) scale(.1)">'
        );
        if (claimed != 0) chart.p(_area("claimed", "past", NodeCurve.area(state, 0, claimed)));
        if (state.elapsed > claimed) {
            chart.p(_area("claimable", "ready", NodeCurve.area(state, claimed, state.elapsed)));
        }
        chart.p('<use href="#curve" stroke="url(#line)" stroke-width="26"/>');
        if (state.terms.periods <= DOTS) {
            chart.p(abi.encodePacked('<path stroke="#fff" stroke-width="70" d="', NodeCurve.dots(state), '"/>'));
        }
        chart.p(_track('#fff" stroke-opacity=".14', 0, width));
        if (claimed != 0) chart.p(_track(past, 0, NodeCurve.xOf(state, claimed)));
        if (state.elapsed > claimed) {
            chart.p(_track(ready, NodeCurve.xOf(state, claimed), NodeCurve.xOf(state, state.elapsed)));
        }
        return chart.p(_now(state)).p(_here(state, ready)).p("</g>").data;
    }

    function _area(string memory id, string memory fill, string memory path) private pure returns (bytes memory) {
        return abi.encodePacked('<path id="', id, '" fill="url(#', fill, ')" d="', path, '"/>');
    }

    /// @dev A stretch of the bar below the curve: early areas of a growing release are too low to be seen.
    function _track(string memory stroke, uint256 from, uint256 to) private pure returns (bytes memory) {
        return abi.encodePacked(
            '<path stroke="', stroke, '" stroke-width="50" d="M', from.toString(), " 95H", to.toString(), '"/>'
        );
    }

    /// @dev Where time stands between two releases. Nothing before the start and after the end.
    function _now(NodeState.State memory state) private view returns (bytes memory) {
        uint256 start = NodeState.timeOf(state, 0);
        uint256 end = NodeState.timeOf(state, state.terms.periods);
        if (block.timestamp < start || block.timestamp >= end) return "";
        uint256 x = NodeCurve.WIDTH * (block.timestamp - start) / (end - start);
        uint256 left = NodeCurve.xOf(state, state.elapsed);
        uint256 low = NodeCurve.heightOf(state, state.elapsed);
        uint256 height = low;
        if (x > left) {
            uint256 right = NodeCurve.xOf(state, state.elapsed + 1);
            uint256 high = NodeCurve.heightOf(state, state.elapsed + 1);
            height += (high - low) * (x - left) / (right - left);
        }
        string memory at = x.toString();
        return abi.encodePacked(
            '<g id="now" stroke="#fff"><path stroke-width="10" stroke-opacity=".7" stroke-dasharray="1 34" d="M',
            at,
            " 0V",
            NodeCurve.above(height),
            '"/><path stroke-width="30" d="M',
            at,
            ' 45v100"/></g>'
        );
    }

    /// @dev The last release, on the curve.
    function _here(NodeState.State memory state, string memory halo) private pure returns (bytes memory) {
        bytes memory center = abi.encodePacked(
            '<circle cx="',
            NodeCurve.xOf(state, state.elapsed).toString(),
            '" cy="',
            NodeCurve.above(NodeCurve.heightOf(state, state.elapsed)),
            '" fill="'
        );
        return abi.encodePacked(center, halo, '" fill-opacity=".24" r="150"/>', center, '#fff" r="62"/>');
    }

    function _header(NodeState.State memory state, Hues memory hues) private pure returns (bytes memory) {
        uint256 millionths = NodeState.size(state);
        string memory size = millionths == 0 ? "<0.000001" : NumberText.grouped(millionths);
        string memory ink = _color(hues.base, "60%,12%");
        return abi.encodePacked(
            '<g transform="translate(36 38)"><rect width="40" height="40" rx="11" fill="url(#line)"/><g fill="none" stroke="',
            ink,
            '"><path d="M9 30Q25 29 30 10" stroke-width="3.4" stroke-linecap="round"/><path d="M30 10.5h0" stroke-width="8.4"',
            ' stroke-linecap="round"/></g></g>',
            _text("90", "50", "11", ' letter-spacing="2.4" font-weight="600" fill-opacity=".7"', "ADN"),
            '<g clip-path="url(#name)">',
            _text("90", "75", _fit(21, 280, NameText.width(state.name)), ' font-weight="600"', state.name.escapeHTML()),
            "</g>",
            _text(
                "604",
                "62",
                _fit(34, 150, bytes(size).length * DIGIT_WIDTH),
                ' text-anchor="end" font-weight="700"',
                string.concat(
                    size.escapeHTML(), '<tspan font-size="15" font-weight="500" fill-opacity=".75"> ADN</tspan>'
                )
            ),
            _text(
                "604",
                "84",
                "12",
                ' text-anchor="end" fill-opacity=".7"',
                string.concat("up to ", NumberText.grouped(state.node.total), " points")
            )
        );
    }

    /// @dev Above the left part of the curve, where a release that grows leaves room.
    function _progress(NodeState.State memory state) private pure returns (bytes memory) {
        string memory said;
        if (state.elapsed == 0) {
            said = string.concat("locked until ", NumberText.date(NodeState.timeOf(state, 1)));
        } else if (state.elapsed < state.terms.periods) {
            said = string.concat(
                "released after ", state.elapsed.toString(), " of ", uint256(state.terms.periods).toString(), " periods"
            );
        } else {
            said = state.node.claimable == 0 ? "released and claimed" : "released, ready to be claimed";
        }
        return abi.encodePacked(
            _text(
                "36",
                "152",
                "42",
                ' font-weight="700" letter-spacing="-1"',
                string.concat(
                    NumberText.percent(state.released, state.node.total).escapeHTML(),
                    '<tspan dx="3" font-size="22" font-weight="500">%</tspan>'
                )
            ),
            _text("37", "174", "12", ' fill-opacity=".75"', said)
        );
    }

    function _figures(NodeState.State memory state, Hues memory hues) private pure returns (bytes memory) {
        bytes memory third;
        if (state.next == 0) {
            string memory last = NumberText.date(NodeState.timeOf(state, state.terms.periods));
            third = _figure("428", "LAST RELEASE", last);
        } else {
            string memory when = string.concat("NEXT ON ", NumberText.date(NodeState.timeOf(state, state.next)));
            third = _figure("428", when, NumberText.grouped(state.nextAmount));
        }
        return abi.encodePacked(
            _dot("40", _color(hues.base, "60%,52%")),
            _label("50", "CLAIMED"),
            _value("36", NumberText.grouped(state.node.claimed)),
            _dot("236", _color(hues.light, "100%,82%")),
            _label("246", "CLAIMABLE"),
            _value("232", NumberText.grouped(state.node.claimable)),
            third
        );
    }

    function _figure(string memory x, string memory label, string memory value) private pure returns (bytes memory) {
        return abi.encodePacked(_label(x, label), _value(x, value));
    }

    function _label(string memory x, string memory label) private pure returns (bytes memory) {
        return _text(x, "336", "10.5", ' letter-spacing="1.2" fill-opacity=".7"', label);
    }

    function _value(string memory x, string memory value) private pure returns (bytes memory) {
        return _text(x, "358", _fit(18, 176, bytes(value).length * DIGIT_WIDTH), ' font-weight="600"', value);
    }

    function _dot(string memory x, string memory fill) private pure returns (bytes memory) {
        return abi.encodePacked('<circle cx="', x, '" cy="332" r="4" fill="', fill, '"/>');
    }

    function _footer(NodeState.State memory state) private pure returns (bytes memory) {
        bool funded = state.terms.funding == IPrograms.Funding.FUNDED;
        return abi.encodePacked(
            _text(
                "36",
                "382",
                "10.5",
                ' font-family="ui-monospace,Menlo,Consolas,monospace" fill-opacity=".55"',
                NodeState.shortId(state)
            ),
            _text(
                "604",
                "382",
                "10.5",
                ' text-anchor="end" fill-opacity=".55"',
                funded ? "chainpoints, held in a reserve" : "chainpoints, minted when claimed"
            )
        );
    }

    function _text(
        string memory x,
        string memory y,
        string memory size,
        string memory attributes,
        string memory content
    ) private pure returns (bytes memory) {
        return abi.encodePacked(
            '<text x="', x, '" y="', y, '" font-size="', size, '"', attributes, ">", content, "</text>"
        );
    }

    /// @dev The font size, pixels, at most `size`, at which a text of so many hundredths of an em is at most `room` wide.
    function _fit(uint256 size, uint256 room, uint256 hundredths) private pure returns (string memory) {
        uint256 fitting = room * 10_000 / hundredths;
        return NumberText.trimmed(fitting < size * 100 ? fitting : size * 100, 2);
    }

    function _gradient(string memory id, string memory direction, bytes memory from, bytes memory to)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodePacked('<linearGradient id="', id, '"', direction, ">", from, to, "</linearGradient>");
    }

    function _stop(string memory offset, string memory hue, string memory tone, string memory opacity)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(
            '<stop offset="', offset, '" stop-color="', _color(hue, tone), '" stop-opacity="', opacity, '"/>'
        );
    }

    function _color(string memory hue, string memory tone) private pure returns (string memory) {
        return string.concat("hsl(", hue, ",", tone, ")");
    }
}
