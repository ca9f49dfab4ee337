// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ScheduleMath} from "../../contracts/libraries/ScheduleMath.sol";
import {IPrograms, Setup, Tables} from "./Setup.sol";

/// @dev The release schedule, by table, against the exact values.
contract ScheduleTest is Setup {
    function test_T22_fecReleasesThePublishedAmounts() public view {
        uint64 total = 10_000 * POINT;
        uint8[8] memory periods = [1, 2, 10, 50, 55, 86, 99, 100];
        uint40[8] memory amounts = [
            3_831_380, 7_854_330, 48_190_694, 802_091_869, 1_044_865_861, 5_012_754_068, 9_520_160_589, 10_000_000_000
        ];
        for (uint256 i = 0; i < 8; ++i) {
            vm.assertEq(programs.released(fec, total, periods[i]), amounts[i], "released");
        }
        vm.assertEq(programs.released(fec, total, 0), 0, "nothing at first");
        vm.assertEq(programs.released(fec, total, 101), total, "no more than all");
        vm.assertTrue(programs.released(fec, total, 85) * 2 < total, "half is passed at 86");
    }

    function test_T22_doublingInThreePeriods() public {
        IPrograms.Terms memory rules = fecTerms();
        rules.periods = 3;
        (rules.growthNumerator, rules.growthDenominator) = (2, 1);
        uint32 program = programs.open(rules, "P", Tables.doubling(3));
        vm.assertEq(programs.released(program, 7, 1), 1, "1 of 7");
        vm.assertEq(programs.released(program, 7, 2), 3, "3 of 7");
        vm.assertEq(programs.released(program, 7, 3), 7, "7 of 7");
        vm.assertEq(programs.released(program, 1, 2), 0, "3/7 of 1");
        vm.assertEq(programs.released(program, type(uint64).max, 2), uint256(type(uint64).max) * 3 / 7, "3/7 of most");
    }

    /// @dev Rounded down, the table would lose a unit at 572 of these values.
    function test_T22_straightLineOfAHundredPeriodsLosesNoUnit() public pure {
        bytes memory table = Tables.straight(100);
        for (uint64 total = 0; total <= 50; ++total) {
            for (uint256 k = 1; k < 100; ++k) {
                vm.assertEq(ScheduleMath.released(table, total, k, 100), uint256(total) * k / 100, "floor");
            }
        }
    }

    function testFuzz_T22_straightLineIsTheExactFloor(uint64 total, uint8 periods, uint8 k) public pure {
        vm.assume(k < periods);
        uint256 released = ScheduleMath.released(Tables.straight(periods), total, k, periods);
        vm.assertEq(released, uint256(total) * k / periods, "floor");
    }

    /// @dev The word before the first entry is the length of the table: it releases nothing, however long the table.
    function testFuzz_T22_nothingIsReleasedBeforeTheFirstPeriod(uint64 total, uint8 periods) public pure {
        vm.assume(periods != 0);
        vm.assertEq(ScheduleMath.released(Tables.straight(periods), total, 0, periods), 0, "nothing");
        vm.assertEq(ScheduleMath.released(Tables.straight(255), type(uint64).max, 0, 255), 0, "of the longest");
    }

    function testFuzz_T22_releasesGrowAndNeverPassTheTotal(uint64 total, uint8 k) public view {
        uint64 released = programs.released(fec, total, k);
        vm.assertLe(released, total, "at most all");
        if (k != 0) vm.assertLe(programs.released(fec, total, k - 1), released, "grows");
        if (k >= 100) vm.assertEq(released, total, "exact at the end");
    }

    function test_T22_sixtyDaysAndAHundredAndTwentyInstalmentsWork() public {
        IPrograms.Terms memory rules = fundTerms();
        rules.periods = 60;
        uint32 sixty = programs.open(rules, "P", Tables.straight(60));
        rules.periods = 120;
        uint32 instalments = programs.open(rules, "P", Tables.straight(120));
        rules.periods = 255;
        uint32 longest = programs.open(rules, "P", Tables.straight(255));
        rules.periods = 1;
        uint32 atOnce = programs.open(rules, "P", "");
        for (uint8 k = 0; k < 255; ++k) {
            vm.assertEq(programs.released(sixty, 1e9 + 7, k), k < 60 ? (1e9 + 7) * uint256(k) / 60 : 1e9 + 7, "60");
            vm.assertEq(programs.released(instalments, 120, k), k < 120 ? k : 120, "120");
            vm.assertEq(programs.released(longest, type(uint64).max, k), uint256(type(uint64).max) * k / 255, "255");
            vm.assertEq(programs.released(atOnce, 5, k), k == 0 ? 0 : 5, "1");
        }
        vm.assertEq(programs.released(longest, type(uint64).max, 255), type(uint64).max, "255, all");
    }

    function test_T22_elapsedCountsAtExactlyTheBoundary() public {
        uint256 begins = EPOCH + 7 days;
        vm.warp(EPOCH - 1);
        vm.assertEq(programs.elapsed(fec, 1), 0, "before the grid");
        vm.warp(begins + 7 days - 1);
        vm.assertEq(programs.elapsed(fec, 1), 0, "one second before the first release");
        vm.warp(begins + 7 days);
        vm.assertEq(programs.elapsed(fec, 1), 1, "at the first release");
        vm.warp(begins + 100 * 7 days - 1);
        vm.assertEq(programs.elapsed(fec, 1), 99, "one second before the last");
        vm.warp(begins + 100 * 7 days);
        vm.assertEq(programs.elapsed(fec, 1), 100, "at the last");
        vm.warp(begins + 1000 * 7 days);
        vm.assertEq(programs.elapsed(fec, 1), 100, "long after");
    }

    function test_T22_aPeriodBeginsAtExactlyItsBoundary() public {
        vm.warp(EPOCH);
        vm.assertEq(programs.currentPeriod(fec), 0, "at the epoch");
        vm.warp(EPOCH + 7 days - 1);
        vm.assertEq(programs.currentPeriod(fec), 0, "last second of period 0");
        vm.warp(EPOCH + 7 days);
        vm.assertEq(programs.currentPeriod(fec), 1, "first second of period 1");
    }
}
