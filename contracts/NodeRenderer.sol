// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Base64} from "solady/utils/Base64.sol";
import {LibString} from "solady/utils/LibString.sol";
import {INodeRenderer} from "./interfaces/INodeRenderer.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {IReleaseNode} from "./interfaces/IReleaseNode.sol";
import {NodeCard} from "./libraries/NodeCard.sol";
import {NodeState} from "./libraries/NodeState.sol";
import {NumberText} from "./libraries/NumberText.sol";

/// @title What a node looks like: its metadata and its picture
contract NodeRenderer is INodeRenderer {
    using LibString for string;
    using LibString for uint256;

    string private constant EMBLEM = '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="640" '
        'viewBox="0 0 640 640" role="img" fill="none">'
        '<title>ADN</title><defs><linearGradient id="paper" x2="1" y2="1"><stop stop-color="hsl(160,52%,17%)"/>'
        '<stop offset="1" stop-color="hsl(208,60%,11%)"/></linearGradient><linearGradient id="line" x2="1">'
        '<stop stop-color="hsl(160,85%,62%)"/><stop offset="1" stop-color="hsl(208,95%,76%)"/></linearGradient>'
        '</defs><path fill="url(#paper)" d="M0 0h640v640H0z"/>'
        '<g stroke="url(#line)" stroke-linecap="round"><path stroke-width="44" d="M150 446Q390 432 464 190"/></g>'
        '<circle cx="464" cy="190" r="84" fill="hsl(208,100%,82%)" fill-opacity=".2"/>'
        '<circle cx="464" cy="190" r="44" fill="#fff"/></svg>';

    /// @inheritdoc INodeRenderer
    function tokenURI(IReleaseNode nodes, IPrograms programs, uint256 id) external view returns (string memory) {
        NodeState.State memory state = NodeState.read(nodes, programs, id);
        string memory name = state.name.escapeJSON();
        return _json(
            abi.encodePacked(
                '{"name":"',
                name,
                " ADN ",
                NodeState.shortId(state),
                '","description":"',
                _description(state, name),
                '","image":"',
                _svg(NodeCard.draw(state)),
                '","attributes":[',
                _attributes(state, name),
                "]}"
            )
        );
    }

    /// @inheritdoc INodeRenderer
    function contractURI() external pure returns (string memory) {
        return _json(
            abi.encodePacked(
                '{"name":"chainpoints release nodes","symbol":"ADN","description":"A release node (ADN) releases points '
                "period by period, by a schedule that never changes. What its card shows is read from the chain. Points "
                'are spent or given, never cashed.","image":"',
                _svg(EMBLEM),
                '"}'
            )
        );
    }

    function _description(NodeState.State memory state, string memory name) private pure returns (bytes memory) {
        bool funded = state.terms.funding == IPrograms.Funding.FUNDED;
        return abi.encodePacked(
            "A release node (ADN) of ",
            name,
            ": it releases up to ",
            NumberText.trimmed(state.node.total, 6),
            NumberText.unit(state.node.total),
            ", period by period until ",
            NumberText.date(NodeState.timeOf(state, state.terms.periods)),
            funded ? ". They are held in the program's reserve. " : ". They are minted when claimed. ",
            "Points are spent or given, never cashed."
        );
    }

    function _attributes(NodeState.State memory state, string memory name) private pure returns (bytes memory) {
        bytes memory next;
        if (state.next != 0) {
            string memory time = NodeState.timeOf(state, state.next).toString();
            next = abi.encodePacked(
                _number("Next release", "date", time), ",", _points("Next release amount", state.nextAmount), ","
            );
        }
        return bytes.concat(_named(state, name), _amounts(state), next, _periods(state));
    }

    function _named(NodeState.State memory state, string memory name) private pure returns (bytes memory) {
        bool funded = state.terms.funding == IPrograms.Funding.FUNDED;
        return abi.encodePacked(
            _label("Program", uint256(state.node.program).toString()),
            ",",
            _label("Program name", name),
            ",",
            _label("Funding", funded ? "Funded" : "Emission"),
            ",",
            _label("Status", _status(state)),
            ","
        );
    }

    function _amounts(NodeState.State memory state) private pure returns (bytes memory) {
        return abi.encodePacked(
            _points("ADN size", NodeState.size(state)),
            ",",
            _points("Total", state.node.total),
            ",",
            _points("Claimed", state.node.claimed),
            ",",
            _points("Claimable", state.node.claimable),
            ","
        );
    }

    function _periods(NodeState.State memory state) private pure returns (bytes memory) {
        return abi.encodePacked(
            _number("Start period", "number", uint256(state.node.start).toString()),
            ",",
            _number("Periods", "number", uint256(state.terms.periods).toString()),
            ",",
            _number("Released %", "number", NumberText.fixedPoint(state.released * 10_000 / state.node.total, 2))
        );
    }

    function _status(NodeState.State memory state) private pure returns (string memory) {
        if (state.elapsed == 0) return "Locked";
        if (state.elapsed < state.terms.periods) return "Releasing";
        return state.node.claimable == 0 ? "Complete" : "Released";
    }

    function _label(string memory trait, string memory value) private pure returns (bytes memory) {
        return abi.encodePacked('{"trait_type":"', trait, '","value":"', value, '"}');
    }

    function _points(string memory trait, uint256 amount) private pure returns (bytes memory) {
        return _number(trait, "number", NumberText.fixedPoint(amount, 6));
    }

    function _number(string memory trait, string memory kind, string memory value) private pure returns (bytes memory) {
        return abi.encodePacked('{"trait_type":"', trait, '","display_type":"', kind, '","value":', value, "}");
    }

    function _json(bytes memory json) private pure returns (string memory) {
        return string.concat("data:application/json;base64,", Base64.encode(json));
    }

    function _svg(string memory svg) private pure returns (string memory) {
        return string.concat("data:image/svg+xml;base64,", Base64.encode(bytes(svg)));
    }
}
