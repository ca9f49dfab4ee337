// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Base64} from "solady/utils/Base64.sol";
import {LibString} from "solady/utils/LibString.sol";
import {INodeRenderer} from "../../contracts/interfaces/INodeRenderer.sol";
import {IPrograms} from "../../contracts/interfaces/IPrograms.sol";
import {IReleaseNode} from "../../contracts/interfaces/IReleaseNode.sol";
import {Nodes} from "./Nodes.sol";
import {Tables} from "./Tables.sol";
import {Vm} from "./Vm.sol";

/// @dev The metadata and the picture of a node, in every state. How it looks is tested in a browser
/// (tests/integration/web/test_node_picture.py).
contract NodeRendererTest {
    using LibString for string;

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint40 internal constant EPOCH = 1_700_006_400; // 2023-11-15, a UTC midnight
    uint64 internal constant POINT = 1e6;
    uint256 internal constant GAS_LIMIT = 30_000_000; // what public endpoints grant an eth_call, and less than most
    uint256 internal constant ID = 1 << 224 | 2 << 200 | uint160(0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266);

    INodeRenderer internal renderer;
    Nodes internal nodes = new Nodes(ID);

    function setUp() public {
        renderer = INodeRenderer(vm.deployCode("NodeRenderer.sol:NodeRenderer", ""));
        _set(_fec(), Tables.FEC, "FEC", 10_000 * POINT, 0);
        _elapse(0);
    }

    function test_givenNoSuchNode_itShouldRevertAsTheNodeContractDoes() public {
        vm.expectRevert(abi.encodeWithSelector(IReleaseNode.ReleaseNode_Unknown.selector, ID + 1));
        renderer.tokenURI(_nodes(), _programs(), ID + 1);
    }

    function test_givenALockedNode_itShouldSayUntilWhen() public view {
        _assertMetadata(
            "FEC ADN 1-2-f39f..2266",
            "A release node (ADN) of FEC: it releases up to 10000 points, period by period until 2025-10-29."
            " They are minted when claimed. Points are spent or given, never cashed.",
            string.concat(
                _program("FEC", "Emission", "Locked"),
                _number("ADN size", "1.000000"),
                _amounts("10000.000000", "0.000000", "0.000000"),
                _next("1701820800", "3.831380"),
                _end("100", "0.00")
            )
        );
        string memory svg = _svg();
        _assertHas(svg, ">locked until 2023-12-06<");
        _assertHas(svg, ">NEXT ON 2023-12-06<");
        _assertHas(svg, ">up to 10,000 points<");
        _assertHas(svg, ">chainpoints, minted when claimed<");
        _assertHasNot(svg, 'id="claimed"');
        _assertHasNot(svg, 'id="claimable"');
    }

    function test_givenAPartlyClaimedNode_itShouldSayAllAmounts() public {
        _set(_fec(), Tables.FEC, "FEC", 10_000 * POINT, 50);
        _elapse(55);
        _assertMetadata(
            "FEC ADN 1-2-f39f..2266",
            "A release node (ADN) of FEC: it releases up to 10000 points, period by period until 2025-10-29."
            " They are minted when claimed. Points are spent or given, never cashed.",
            string.concat(
                _program("FEC", "Emission", "Releasing"),
                _number("ADN size", "1.000000"),
                _amounts("10000.000000", "802.091869", "242.773992"),
                _next("1735084800", "56.074673"),
                _end("100", "10.44")
            )
        );
        string memory svg = _svg();
        _assertHas(svg, ">released after 55 of 100 periods<");
        _assertHas(svg, ">802.09<");
        _assertHas(svg, ">242.77<");
        _assertHas(svg, 'id="claimed" fill="url(#past)" d="M0,0L56,');
        _assertHas(svg, 'id="claimable" fill="url(#ready)" d="M2840,-117L');
        _assertHas(svg, "L3124,-152V0H2840Z");
    }

    function test_givenAFundedProgram_itShouldSayThatPointsAreHeld() public {
        IPrograms.Terms memory rules = _fec();
        rules.funding = IPrograms.Funding.FUNDED;
        rules.multiplier = 2;
        _set(rules, Tables.FEC, "Held", 500 * POINT, 0);
        _assertHas(_json(), "They are held in the program's reserve.");
        _assertHas(_json(), '{"trait_type":"Funding","value":"Funded"}');
        _assertHas(_json(), _number("ADN size", "0.250000"));
        _assertHas(_svg(), ">chainpoints, held in a reserve<");
    }

    function test_givenEverythingReleased_itShouldNotPromiseANextRelease() public {
        _set(_fec(), Tables.FEC, "FEC", 10_000 * POINT, 99);
        _elapse(100);
        _assertHas(_json(), '{"trait_type":"Status","value":"Released"}');
        _assertHas(_json(), string.concat(_amounts("10000.000000", "9520.160589", "479.839411"), _end("100", "100.00")));
        _assertHasNot(_json(), "Next release");
        _assertHas(_svg(), ">released, ready to be claimed<");
        _assertHas(_svg(), ">LAST RELEASE<");
        _assertHas(_svg(), ">2025-10-29<");
        _assertHasNot(_svg(), 'id="now"');
    }

    function test_givenEverythingClaimed_itShouldBeComplete() public {
        _set(_fec(), Tables.FEC, "FEC", 10_000 * POINT, 100);
        _elapse(200);
        _assertHas(_json(), '{"trait_type":"Status","value":"Complete"}');
        _assertHas(_json(), _amounts("10000.000000", "10000.000000", "0.000000"));
        _assertHas(_svg(), ">released and claimed<");
        _assertHasNot(_svg(), 'id="claimable"');
    }

    function test_exactlyAtTheFirstReleaseAndOneSecondBefore() public {
        vm.warp(_at(1) - 1);
        _assertHas(_json(), '{"trait_type":"Status","value":"Locked"}');
        vm.warp(_at(1));
        _assertHas(_json(), '{"trait_type":"Status","value":"Releasing"}');
        _assertHas(_json(), _amounts("10000.000000", "0.000000", "3.831380"));
        _assertHas(_svg(), ">0.03<");
    }

    function test_exactlyAtTheStartAndOneSecondBefore_itShouldMarkNow() public {
        vm.warp(_at(0) - 1);
        _assertHasNot(_svg(), 'id="now"');
        vm.warp(_at(0));
        _assertHas(_svg(), 'id="now"');
    }

    function test_exactlyAtTheLastReleaseAndOneSecondBefore() public {
        vm.warp(_at(100) - 1);
        _assertHas(_json(), string.concat(_next("1761696000", "479.839411"), _end("100", "95.20")));
        _assertHas(_svg(), '<g id="now"');
        vm.warp(_at(100));
        _assertHas(_json(), _end("100", "100.00"));
        _assertHasNot(_svg(), '<g id="now"');
    }

    /// @dev Of one unit nothing is released before the last period: no earlier date is to be waited for.
    function test_givenATotalOfOneUnit_itShouldNameTheOnlyReleaseThereIs() public {
        _set(_fec(), Tables.FEC, "FEC", 1, 3);
        _elapse(50);
        _assertHas(
            _json(), string.concat(_amounts("0.000001", "0.000000", "0.000000"), _next("1761696000", "0.000001"))
        );
        _assertHas(_json(), _number("ADN size", "0.000000"));
        _assertHas(_svg(), "&lt;0.000001<tspan");
        _assertHas(_svg(), ">up to 0.000001 points<");
    }

    function test_givenTheLargestTotal_itShouldSayItExactly() public {
        IPrograms.Terms memory rules = _fec();
        rules.multiplier = 1;
        _set(rules, Tables.FEC, "FEC", type(uint64).max, 0);
        _elapse(99);
        _assertHas(_json(), _number("Total", "18446744073709.551615"));
        _assertHas(_json(), _number("ADN size", "18446744073.709551"));
        _assertHas(_svg(), ">up to 18,446,744,073,709.55 points<");
    }

    function test_givenAReleaseBelowAHundredthOfAPercent_itShouldSayLess() public {
        _set(_fec(), Tables.FEC, "FEC", 27_000, 0);
        _elapse(1);
        _assertHas(_json(), _end("100", "0.03"));
        IPrograms.Terms memory rules = _fec();
        rules.periods = 20;
        _set(rules, Tables.doubling(20), "FEC", 10_000 * POINT, 0);
        _assertHas(_json(), _end("20", "0.00"));
        _assertHas(_svg(), ">&lt;0.01<tspan");
    }

    function test_givenOnePeriod_itShouldDrawOneLine() public {
        IPrograms.Terms memory rules = _fec();
        rules.periods = 1;
        _set(rules, "", "Once", POINT, 0);
        _assertHas(_svg(), '<path id="curve" d="M0,0L5680,-1460"/>');
        _assertHas(_svg(), '<path id="releases" stroke="#fff" stroke-width="70" d="M5680,-1460h0"/>');
        _assertHas(_json(), _next("1701820800", "1.000000"));
        _assertHas(_json(), "it releases up to 1 point, period by period");
        _assertHas(_svg(), ">up to 1 point<");
    }

    function test_givenAStraightLine_itShouldDrawItStraight() public {
        IPrograms.Terms memory rules = _fec();
        rules.periods = 4;
        _set(rules, Tables.straight(4), "Four", POINT, 1);
        _elapse(3);
        _assertHas(_svg(), '<path id="curve" d="M0,0L1420,-365L2840,-730L4260,-1095L5680,-1460"/>');
        _assertHas(_svg(), 'd="M0,0L1420,-365V0H0Z"');
        _assertHas(_svg(), 'd="M1420,-365L2840,-730L4260,-1095V0H1420Z"');
    }

    function test_given255Periods_itShouldThinTheCurveOut() public {
        IPrograms.Terms memory rules = _fec();
        rules.periods = 255;
        _set(rules, Tables.straight(255), "Long", 255 * POINT, 100);
        _elapse(200);
        string memory svg = _svg();
        string memory curve = svg.slice(svg.indexOf('id="curve"'));
        curve = curve.slice(0, curve.indexOf("/>"));
        vm.assertEq(curve.indicesOf("L").length, 85, "every third period");
        // Areas begin and end exactly at their period, on the thinned grid or not.
        _assertHas(svg, 'd="M2227,-572L2272,-584L');
        _assertHas(svg, ",-1133L4454,-1145V0H2227Z");
        _assertHasNot(svg, 'id="releases"');
    }

    function test_aCurveOf101PeriodsHasEverySecondPoint() public {
        IPrograms.Terms memory rules = _fec();
        rules.periods = 101;
        _set(rules, Tables.straight(101), "FEC", POINT, 0);
        string memory curve = _svg();
        curve = curve.slice(curve.indexOf('id="curve"'));
        vm.assertEq(curve.slice(0, curve.indexOf("/>")).indicesOf("L").length, 51, "50 of them and the last");
    }

    function test_upTo24ReleasesAreDrawnOneByOne() public {
        IPrograms.Terms memory rules = _fec();
        for (uint8 periods = 24; periods <= 25; ++periods) {
            rules.periods = periods;
            _set(rules, Tables.straight(periods), "FEC", POINT, 0);
            vm.assertTrue(_svg().contains('id="releases"') == (periods == 24), "dots");
        }
    }

    function test_givenAHostileName_itShouldBreakNeitherJsonNorXml() public {
        string memory hostile = '</title>"}]\\<script>&\'\n@~';
        _set(_fec(), Tables.FEC, hostile, POINT, 0);
        vm.assertEq(_programName(), '</title>"}]\\<script>&\'@~', "the name, whole");
        string memory svg = _svg();
        _assertHas(svg, ": &lt;/title&gt;&quot;}]\\&lt;script&gt;&amp;&#39;@~</title>");
        _assertHas(svg, '">&lt;/title&gt;&quot;}]\\&lt;script&gt;&amp;&#39;@~</text>');
        _assertHasNot(svg, "<script");
    }

    function test_givenMalformedUtf8_itShouldReplaceIt() public {
        // An overlong slash, a surrogate, a lone continuation, one past the last code point, a cut-off euro sign.
        bytes memory malformed = hex"41c0af42eda080438044f490808045e282";
        _set(_fec(), Tables.FEC, string(malformed), POINT, 0);
        bytes memory r = hex"efbfbd";
        bytes memory cleaned = bytes.concat("A", r, r, "B", r, r, r, "C", r, "D", r, r, r, r, "E", r, r);
        vm.assertEq(_rawProgramName(), cleaned, "replaced");
    }

    function test_givenBytesThatAreMoreOrFewerThanTheFirstSays_itShouldReplaceIt() public {
        // Two bytes and three whose next is none of theirs; an overlong letter in three bytes and in four.
        bytes memory malformed = hex"41c32842e228a143e0818144f080818145";
        _set(_fec(), Tables.FEC, string(malformed), POINT, 0);
        bytes memory r = hex"efbfbd";
        bytes memory cleaned = bytes.concat("A", r, "(B", r, "(", r, "C", r, r, r, "D", r, r, r, r, "E");
        vm.assertEq(_rawProgramName(), cleaned, "replaced");
    }

    function test_givenEveryKindOfInvisibleCharacter_itShouldLeaveItOut() public {
        // The first and the last of each kind in order, and the letters that stand right before and after it.
        string memory some = unicode"\u001f\u007f\u009fa\u00a0\u00ad\u061c\u180e\ufeffb\u200b\u200fc\u2010\u2027";
        string memory more = unicode"\u2028\u202ed\u202f\u2060\u206fe\u2070\ufff8\ufff9\ufffbf\ufffc";
        _set(_fec(), Tables.FEC, string.concat(some, more), POINT, 0);
        vm.assertEq(_programName(), unicode"a\u00a0bc\u2010\u2027d\u202fe\u2070\ufff8f\ufffc", "visible ones");
    }

    function test_givenInvisibleCharacters_itShouldLeaveThemOut() public {
        // A direction override, a zero-width joiner, a byte order mark, a C1 control, a noncharacter, a tag.
        bytes memory invisible = hex"41e280ae42e2808d43efbbbf44c28545efbfbf46f3a0808147";
        _set(_fec(), Tables.FEC, string(invisible), POINT, 0);
        vm.assertEq(_programName(), "ABCDEFG", "visible ones");
    }

    function test_givenNamesOfManyScripts_itShouldKeepThem() public {
        string[4] memory names =
            [unicode"积分商店", unicode"Café – 15 €", unicode"🎟🎉", unicode"متجر"];
        for (uint256 i = 0; i < 4; ++i) {
            _set(_fec(), Tables.FEC, names[i], POINT, 0);
            vm.assertEq(_programName(), names[i], "as it was");
            _assertHas(_svg(), string.concat(">", names[i], "</text>"));
        }
    }

    /// @dev The first and the last of each range of characters that are kept, in the order of Unicode.
    function test_charactersAtTheEdgesOfTheirRanges_itShouldKeepThem() public {
        bytes memory kept = hex"217ec2a0c2acc2aed89bd89ddfbfe0a080e1a08de1a08fe2808ae28090e280a7e280afe2819fe281b0ed9fbfee8080ef"
            hex"bbbeefbc80efbfb8efbfbcefbfbdf0908080f09fbfbdf39fbfbdf3a18080f48fbfbd";
        _set(_fec(), Tables.FEC, string(kept), POINT, 0);
        vm.assertEq(_programName(), string(kept), "as it was");
    }

    /// @dev The first and the last of each range of characters that nobody sees, with an a before each.
    function test_invisibleCharactersAtTheEdgesOfTheirRanges_itShouldLeaveThemOut() public {
        bytes memory mixed = hex"6100611f617f61c28061c29f61c2ad61d89c61e1a08e61e2808b61e2808f61e280a861e280ae61e281a061e281af61ef"
            hex"bbbf61efbfb961efbfbb61efbfbe61efbfbf61f09fbfbe61f09fbfbf61f3a0808061f3a0bfbf61f48fbfbe61f48fbfbf";
        _set(_fec(), Tables.FEC, string(mixed), POINT, 0);
        vm.assertEq(_programName(), "aaaaaaaaaaaaaaaaaaaaaaaaa", "the letters alone");
    }

    /// @dev Overlong by one, the first and the last surrogate, one past the last code point, cut off: with an a before each.
    function test_malformedUtf8AtItsEdges_itShouldReplaceEachByte() public {
        bytes memory malformed = hex"61c1bf61e09fbf61eda08061edbfbf61f08fbfbf61f490808061f580808061f980808061c32861e282";
        bytes memory replaced = hex"61efbfbdefbfbd61efbfbdefbfbdefbfbd61efbfbdefbfbdefbfbd61efbfbdefbfbdefbfbd61efbfbdefbfbdefbfbdef"
            hex"bfbd61efbfbdefbfbdefbfbdefbfbd61efbfbdefbfbdefbfbdefbfbd61efbfbdefbfbdefbfbdefbfbd61efbfbd2861efbfbdefbfbd";
        _set(_fec(), Tables.FEC, string(malformed), POINT, 0);
        vm.assertEq(_rawProgramName(), replaced, "a replacement for each byte");
    }

    /// @dev As large as is possible whatever the font: 280 pixels for the name, by how wide each kind of letter can be.
    function test_namesAreMadeSmallEnoughForTheirPlace() public {
        string[10] memory names = [
            "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiii",
            unicode"ééééééééééééééé",
            unicode"🎟🎟🎟🎟🎟🎟🎟🎟🎟🎟",
            "FEC",
            "a a a a a a a a a a a a a a a a",
            // The largest that is made smaller, and one that need not be.
            "WWWWWWWWWWWW",
            unicode"WWWWWééééééé"
        ];
        string[10] memory sizes = ["8.06", "10.26", "12.54", "18.06", "16.96", "20", "21", "14.72", "20.83", "21"];
        for (uint256 i = 0; i < 10; ++i) {
            _set(_fec(), Tables.FEC, names[i], POINT, 0);
            _assertHas(_svg(), string.concat('font-size="', sizes[i], '">', names[i], "</text></g>"));
        }
    }

    function test_amountsAreMadeSmallEnoughForTheirPlace() public {
        _set(_fec(), Tables.FEC, "FEC", 10_000 * POINT, 0);
        _assertHas(_svg(), 'font-size="34">1<tspan');
        _assertHas(_svg(), 'x="36" font-size="18">0</text>');
        _set(_fec(), Tables.FEC, "FEC", type(uint64).max, 0);
        _assertHas(_svg(), 'font-size="15.62">1,844,674,407.37<tspan');
    }

    /// @dev Rounded down: a unit less than two points is no two points.
    function test_amountsAreCutAfterTwoDecimals() public {
        _set(_fec(), Tables.FEC, "FEC", 2 * POINT - 1, 0);
        _assertHas(_svg(), ">up to 1.99 points<");
    }

    function test_givenABlankName_itShouldSayTheProgramsNumber() public {
        string[3] memory blank = ["", "   ", unicode"\u200b "];
        for (uint256 i = 0; i < 3; ++i) {
            _set(_fec(), Tables.FEC, blank[i], POINT, 0);
            vm.assertEq(_programName(), "Program 1", "its number");
        }
        _set(_fec(), Tables.FEC, "A ", POINT, 0);
        vm.assertEq(_programName(), "A ", "a letter");
    }

    function test_givenASerial_itShouldBePartOfTheShortId() public {
        uint256 id = ID | 7 << 160;
        nodes.set(_fec(), Tables.FEC, "FEC", id, POINT, 0);
        string memory json = _decoded(renderer.tokenURI(_nodes(), _programs(), id), "data:application/json;base64,");
        vm.assertTrue(json.startsWith('{"name":"FEC ADN 1-2-7-f39f..2266",'), "serial");
    }

    function test_otherProgramsHaveOtherColours() public {
        string memory first = _svg();
        uint256 id = ID + (1 << 224);
        nodes.set(_fec(), Tables.FEC, "FEC", id, 10_000 * POINT, 0);
        string memory json = _decoded(renderer.tokenURI(_nodes(), _programs(), id), "data:application/json;base64,");
        string memory second = _image(json);
        _assertHas(first, "hsl(160,");
        _assertHas(first, "hsl(208,");
        _assertHas(second, "hsl(297,");
        _assertHas(second, "hsl(345,");
        _assertHasNot(second, "hsl(160,");
        id += 1 << 224; // whose hue is past a whole turn
        nodes.set(_fec(), Tables.FEC, "FEC", id, 10_000 * POINT, 0);
        string memory third =
            _image(_decoded(renderer.tokenURI(_nodes(), _programs(), id), "data:application/json;base64,"));
        _assertHas(third, "hsl(74,");
        _assertHas(third, "hsl(122,");
    }

    /// @dev What is drawn later lies above: paper, curve, words, edge.
    function test_theBackgroundLiesBelowAll() public {
        _set(_fec(), Tables.FEC, "FEC", POINT, 0);
        string memory svg = _svg();
        string[4] memory layers =
            ['fill="url(#paper)"', '<use href="#curve" stroke="url(#line)"', ">FEC</text>", 'stroke-opacity=".16"'];
        for (uint256 i = 1; i < 4; ++i) {
            _assertHas(svg, layers[i]);
            vm.assertTrue(svg.indexOf(layers[i - 1]) < svg.indexOf(layers[i]), layers[i]);
        }
    }

    /// @dev Whole pictures, to the letter, as they were looked at in a browser. After a change that is meant:
    /// CHAINPOINTS_DRAW=true forge test --match-test test_picturesAreAsTheyWere, then look at the new ones.
    function test_picturesAreAsTheyWere() public {
        _assertPicture("locked");
        vm.warp(_at(0) - 1);
        _assertPicture("before-the-start");
        _set(_fec(), Tables.FEC, "FEC", 1000 * POINT, 40);
        vm.warp(_at(62) + 3 days + 1);
        _assertPicture("partly-claimed");
        IPrograms.Terms memory rules = _fec();
        (rules.funding, rules.periods, rules.multiplier) = (IPrograms.Funding.FUNDED, 12, 2);
        _set(rules, Tables.straight(12), "Twelve <weeks>", 1_234_567_890, 3);
        vm.warp(_at(5) + 2 days);
        _assertPicture("funded");
        _set(rules, Tables.straight(12), "Large", type(uint64).max, 3);
        _assertPicture("large");
        rules.periods = 255;
        _set(rules, Tables.straight(255), "Long", 999 * POINT + 990_000, 255);
        _elapse(300);
        _assertPicture("complete");
    }

    function test_nothingIsLoadedOrRun() public {
        _elapse(40);
        string memory svg = _svg();
        _assertHasNot(svg.replace('xmlns="http://www.w3.org/2000/svg"', ""), "http");
        string[6] memory forbidden = ["<script", "<style", "<image", "<foreignObject", "url(http", "javascript"];
        for (uint256 i = 0; i < forbidden.length; ++i) {
            _assertHasNot(svg, forbidden[i]);
        }
    }

    function test_theCollectionHasAPicture() public view {
        string memory json = _decoded(renderer.contractURI(), "data:application/json;base64,");
        vm.assertEq(vm.parseJsonString(json, ".name"), "chainpoints release nodes", "name");
        vm.assertEq(vm.parseJsonString(json, ".symbol"), "ADN", "symbol");
        _assertHas(vm.parseJsonString(json, ".description"), "Points are spent or given, never cashed.");
        string memory svg = _image(json);
        vm.assertTrue(svg.startsWith("<svg ") && svg.endsWith("</svg>"), "image");
    }

    function test_theLargestPictureTakesFarLessThanACallMay() public {
        IPrograms.Terms memory rules = _fec();
        for (uint256 i = 0; i < 3; ++i) {
            rules.periods = [100, 200, 255][i];
            bytes memory shares = i == 0 ? Tables.FEC : Tables.straight(rules.periods);
            _set(rules, shares, "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"", type(uint64).max, 97);
            _elapse(99);
            uint256 before = gasleft();
            renderer.tokenURI(_nodes(), _programs(), ID);
            vm.assertLe(before - gasleft(), GAS_LIMIT, "gas");
        }
    }

    function testFuzz_itShouldDrawEveryState(uint64 total, uint8 periods, uint8 claimed, uint32 time, bytes31 name)
        public
    {
        vm.assume(total != 0 && periods != 0);
        IPrograms.Terms memory rules = _fec();
        rules.periods = periods;
        uint256 now_ = _at(0) + uint256(time) % (257 * 7 days);
        uint256 elapsed = (now_ - _at(0)) / 7 days;
        if (elapsed > periods) elapsed = periods;
        _set(rules, Tables.straight(periods), string(abi.encodePacked(name)), total, uint8(claimed % (elapsed + 1)));
        vm.warp(now_);
        vm.parseJsonString(_json(), ".name");
        vm.assertTrue(_svg().endsWith("</svg>"), "whole");
    }

    function _set(IPrograms.Terms memory rules, bytes memory shares, string memory name, uint64 total, uint8 claimed)
        private
    {
        nodes.set(rules, shares, bytes(name), ID, total, claimed);
    }

    /// @dev Moves to one day after the node's k-th release.
    function _elapse(uint256 k) private {
        vm.warp(_at(k) + 1 days);
    }

    function _at(uint256 k) private pure returns (uint256) {
        return EPOCH + (2 + k) * 7 days;
    }

    function _fec() private pure returns (IPrograms.Terms memory rules) {
        rules.divertBps = 1000;
        (rules.multiplier, rules.periods, rules.periodLength, rules.epoch) = (10, 100, 7 days, EPOCH);
    }

    function _nodes() private view returns (IReleaseNode) {
        return IReleaseNode(address(nodes));
    }

    function _programs() private view returns (IPrograms) {
        return IPrograms(address(nodes));
    }

    function _json() private view returns (string memory) {
        return _decoded(renderer.tokenURI(_nodes(), _programs(), ID), "data:application/json;base64,");
    }

    function _svg() private view returns (string memory) {
        return _image(_json());
    }

    function _image(string memory json) private pure returns (string memory) {
        return _decoded(vm.parseJsonString(json, ".image"), "data:image/svg+xml;base64,");
    }

    /// @dev The program's name as a reader of the JSON gets it.
    function _programName() private view returns (string memory) {
        return vm.parseJsonString(_json(), ".attributes[1].value");
    }

    /// @dev The same to the byte: a reader of JSON puts replacements of its own in place of what is malformed.
    function _rawProgramName() private view returns (bytes memory) {
        string memory start = '{"trait_type":"Program name","value":"';
        string memory json = _json();
        uint256 begin = json.indexOf(start) + bytes(start).length;
        return bytes(json.slice(begin, json.indexOf('"', begin)));
    }

    function _assertPicture(string memory name) private {
        string memory file = string.concat("tests/forge/pictures/", name, ".svg");
        if (vm.envOr("CHAINPOINTS_DRAW", false)) vm.writeFile(file, _svg());
        vm.assertEq(bytes(_svg()), bytes(vm.readFile(file)), name);
    }

    function _decoded(string memory uri, string memory scheme) private pure returns (string memory) {
        vm.assertTrue(uri.startsWith(scheme), scheme);
        return string(Base64.decode(uri.slice(bytes(scheme).length)));
    }

    /// @dev Everything but the image, to the letter.
    function _assertMetadata(string memory name, string memory description, string memory attributes) private view {
        string memory json = _json();
        uint256 image = json.indexOf('"image":"');
        string memory rest = json.slice(image + 9);
        vm.assertEq(
            json.slice(0, image), string.concat('{"name":"', name, '","description":"', description, '",'), "head"
        );
        vm.assertEq(rest.slice(rest.indexOf('"') + 1), string.concat(',"attributes":[', attributes, "]}"), "attributes");
    }

    function _program(string memory name, string memory funding, string memory status)
        private
        pure
        returns (string memory)
    {
        return string.concat(
            '{"trait_type":"Program","value":"1"},{"trait_type":"Program name","value":"',
            name,
            '"},{"trait_type":"Funding","value":"',
            funding,
            '"},{"trait_type":"Status","value":"',
            status,
            '"},'
        );
    }

    function _amounts(string memory total, string memory claimed, string memory claimable)
        private
        pure
        returns (string memory)
    {
        return string.concat(_number("Total", total), _number("Claimed", claimed), _number("Claimable", claimable));
    }

    function _next(string memory time, string memory amount) private pure returns (string memory) {
        return string.concat(
            '{"trait_type":"Next release","display_type":"date","value":',
            time,
            "},",
            _number("Next release amount", amount)
        );
    }

    function _end(string memory periods, string memory percent) private pure returns (string memory) {
        return string.concat(
            _number("Start period", "2"),
            _number("Periods", periods),
            '{"trait_type":"Released %","display_type":"number","value":',
            percent,
            "}"
        );
    }

    function _number(string memory trait, string memory value) private pure returns (string memory) {
        return string.concat('{"trait_type":"', trait, '","display_type":"number","value":', value, "},");
    }

    function _assertHas(string memory text, string memory part) private pure {
        vm.assertTrue(text.contains(part), string.concat("has ", part));
    }

    function _assertHasNot(string memory text, string memory part) private pure {
        vm.assertTrue(!text.contains(part), string.concat("has no ", part));
    }
}
