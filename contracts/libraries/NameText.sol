// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DynamicBufferLib} from "solady/utils/DynamicBufferLib.sol";

/// @title Names that others chose, made harmless
/// @notice A name comes as any bytes. One malformed byte would make a whole XML document unreadable, a control
/// character a JSON document, and a direction mark turns around the text that follows it.
library NameText {
    using DynamicBufferLib for DynamicBufferLib.DynamicBuffer;

    // A bit for each of WMmw@%&~.
    uint256 private constant WIDE = 0x40802000008020010000006000000000;
    // A bit for each of !'(),-./:;I[\]`fijlrt| and the space.
    uint256 private constant NARROW = 0x10141641380002000c00f38300000000;
    bytes private constant REPLACEMENT = hex"efbfbd"; // U+FFFD

    /// @notice Well-formed UTF-8 (RFC 3629) of visible characters and spaces only: malformed bytes become U+FFFD each;
    /// controls, invisible characters and direction marks are left out. Markup is not escaped.
    function clean(string memory name) internal pure returns (string memory) {
        bytes memory raw = bytes(name);
        DynamicBufferLib.DynamicBuffer memory kept;
        for (uint256 i = 0; i < raw.length;) {
            (uint256 point, uint256 size) = _decode(raw, i);
            if (size == 0) {
                kept.p(REPLACEMENT);
                ++i;
                continue;
            }
            if (_isVisible(point)) {
                for (uint256 j = 0; j < size; ++j) {
                    kept.p(abi.encodePacked(raw[i + j]));
                }
            }
            i += size;
        }
        return kept.s();
    }

    /// @notice Whether nothing but spaces is there.
    function isBlank(string memory cleaned) internal pure returns (bool) {
        bytes memory text = bytes(cleaned);
        for (uint256 i = 0; i < text.length; ++i) {
            if (text[i] != " ") return false;
        }
        return true;
    }

    /// @notice How wide a text can get in a bold sans-serif, hundredths of an em: an estimate from above by the widest
    /// common font, since a contract has no font to measure with.
    function width(string memory cleaned) internal pure returns (uint256 hundredths) {
        bytes memory text = bytes(cleaned);
        for (uint256 i = 0; i < text.length;) {
            (uint256 point, uint256 size) = _decode(text, i);
            i += size;
            if (size > 1) hundredths += size == 4 ? 140 : 110;
            else if (WIDE >> point & 1 == 1) hundredths += 112;
            else hundredths += NARROW >> point & 1 == 1 ? 50 : point < 0x61 ? 88 : 72;
        }
    }

    /// @dev The code point that begins at `i`, and how many bytes it has; 0 when it is malformed: cut off, overlong, a
    /// surrogate or too large.
    function _decode(bytes memory raw, uint256 i) private pure returns (uint256 point, uint256 size) {
        uint256 first = uint8(raw[i]);
        if (first < 0x80) return (first, 1);
        if (first < 0xc2 || first > 0xf4) return (0, 0);
        size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        if (i + size > raw.length) return (0, 0);
        point = first & (0x7f >> size);
        for (uint256 j = 1; j < size; ++j) {
            uint256 next = uint8(raw[i + j]);
            if (next & 0xc0 != 0x80) return (0, 0);
            point = point << 6 | next & 0x3f;
        }
        if (point < (size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000)) return (0, 0);
        if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return (0, 0);
    }

    /// @dev Whether a code point is seen and leaves its neighbours as they are.
    function _isVisible(uint256 point) private pure returns (bool) {
        if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return false; // controls
        if (point == 0xad || point == 0x61c || point == 0x180e || point == 0xfeff) return false; // soft hyphen, marks
        if (point >= 0x200b && point <= 0x200f) return false; // zero width, direction
        if (point >= 0x2028 && point <= 0x202e) return false; // line separators, direction
        if (point >= 0x2060 && point <= 0x206f) return false; // invisible operators, direction
        if (point >= 0xfff9 && point <= 0xfffb) return false; // annotations
        if (point >= 0xe0000 && point <= 0xe0fff) return false; // tags
        return point & 0xfffe != 0xfffe; // not characters at all
    }
}
