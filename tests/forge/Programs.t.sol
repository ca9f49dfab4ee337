// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ProgramRules} from "../../contracts/types/ProgramRules.sol";
import {IPointsToken, IProgramBooks, IPrograms, Setup, Tables} from "./Setup.sol";

/// @dev `open`, what the nodes' contract reads of a program, and `deposit`.
contract ProgramsTest is Setup {
    function test_T17_notAProgramManager() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        vm.prank(stranger);
        programs.open(fundTerms(), "P", new bytes(72));
    }

    function test_aTermJustOutOfItsRange() public {
        uint64 supplyCap = uint64(token.SUPPLY_CAP());
        IPrograms.Terms memory rules = fundTerms();
        rules.divertBps = 0;
        refused(rules, "divertBps");
        rules.divertBps = 10_001;
        refused(rules, "divertBps");
        rules = fundTerms();
        rules.multiplier = 0;
        refused(rules, "multiplier");
        rules = fundTerms();
        rules.periods = 0;
        refused(rules, "periods");
        rules = fundTerms();
        rules.periodLength = 1 hours - 1;
        refused(rules, "periodLength");
        rules = fundTerms();
        rules.epoch = 0;
        refused(rules, "epoch");
        rules = fundTerms();
        (rules.growthNumerator, rules.growthDenominator) = (0, 0);
        refused(rules, "growthDenominator");
        (rules.growthNumerator, rules.growthDenominator) = (19, 20);
        refused(rules, "growthNumerator");
        rules = fundTerms();
        rules.minPayment = 9;
        refused(rules, "minPayment");
        rules.minPayment = uint64(type(uint40).max) + 1;
        refused(rules, "minPayment");
        rules = fundTerms();
        rules.cap = 0;
        refused(rules, "cap");
        rules.cap = supplyCap + 1;
        refused(rules, "cap");
        rules = fundTerms();
        rules.payerPeriodCap = 0;
        refused(rules, "payerPeriodCap");
        rules.payerPeriodCap = rules.cap + 1;
        refused(rules, "payerPeriodCap");
        rules = fundTerms();
        rules.termsHash = 0;
        refused(rules, "termsHash");
    }

    function test_aTermExactlyAtTheEndOfItsRange() public {
        uint64 supplyCap = uint64(token.SUPPLY_CAP());
        IPrograms.Terms memory rules = fundTerms();
        (rules.divertBps, rules.multiplier, rules.minPayment) = (10_000, type(uint16).max, 1);
        (rules.periodLength, rules.epoch, rules.periods) = (type(uint32).max, type(uint40).max, 255);
        (rules.growthNumerator, rules.growthDenominator) = (type(uint32).max, type(uint32).max);
        (rules.cap, rules.payerPeriodCap) = (supplyCap, supplyCap);
        programs.open(rules, "P", Tables.straight(255));
        (rules.divertBps, rules.multiplier, rules.minPayment) = (1, 1, 10_000);
        (rules.periodLength, rules.epoch, rules.periods) = (1 hours, 1, 1);
        (rules.growthNumerator, rules.growthDenominator) = (1, 1);
        (rules.cap, rules.payerPeriodCap) = (1, 1);
        uint32 program = programs.open(rules, "P", "");
        vm.assertEq(abi.encode(programs.terms(program)), abi.encode(rules), "as given");
        rules.minPayment = type(uint40).max;
        programs.open(rules, "P", "");
    }

    function test_T03_capsOfEmissionProgramsAreSetApartExactlyAndOnePast() public {
        uint64 cap = uint64(token.SUPPLY_CAP());
        programs.open(fundTerms(), "P", Tables.straight(4));
        vm.assertEq(token.setApart(), fecTerms().cap, "a FUNDED program needs nothing");
        give(bob, 5 * POINT);
        IPrograms.Terms memory rules = fecTerms();
        rules.periods = 1;
        rules.cap = cap - fecTerms().cap - 5 * POINT + 1;
        vm.expectRevert(
            abi.encodeWithSelector(IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(cap) + 1, cap)
        );
        programs.open(rules, "P", "");
        rules.cap -= 1;
        programs.open(rules, "P", "");
        vm.assertEq(uint256(token.setApart()) + token.issued(), cap, "exactly the cap");
        rules.cap = rules.payerPeriodCap = 1;
        vm.expectRevert(
            abi.encodeWithSelector(IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(cap) + 1, cap)
        );
        programs.open(rules, "P", "");
    }

    function test_aTableThatIsTooShortTooLongOrFalls() public {
        bytes memory table = Tables.straight(4);
        IPrograms.Terms memory rules = fundTerms();
        bytes memory reason = abi.encodeWithSelector(IPrograms.Programs_InvalidTerm.selector, "table");
        vm.expectRevert(reason);
        programs.open(rules, "P", new bytes(71));
        vm.expectRevert(reason);
        programs.open(rules, "P", new bytes(73));
        vm.expectRevert(reason);
        programs.open(rules, "P", "");
        vm.expectRevert(reason);
        programs.open(rules, "P", bytes.concat(bytes24(uint192(2)), bytes24(uint192(2)), bytes24(uint192(1))));
        vm.expectRevert(reason);
        programs.open(rules, "P", bytes.concat(bytes24(uint192(2)), bytes24(uint192(1)), bytes24(uint192(3))));
        programs.open(rules, "P", bytes.concat(bytes24(uint192(2)), bytes24(uint192(2)), bytes24(uint192(2))));
        programs.open(rules, "P", table);
    }

    function test_aProgramIsReadBackAsItWasGiven() public {
        IPrograms.Terms memory rules = fundTerms();
        vm.expectEmit();
        emit IPrograms.ProgramOpened(3, rules, "Third");
        vm.assertEq(programs.open(rules, "Third", Tables.straight(4)), 3, "ids count from 1");
        vm.assertEq(programs.programCount(), 3, "count");
        vm.assertEq(programs.releaseTable(3), Tables.straight(4), "table");
        vm.assertEq(programs.programName(3), "Third", "name");
        vm.assertEq(programs.programName(fec), "FEC", "the FEC name");
        vm.assertEq(programs.releaseTable(fec), Tables.FEC, "the FEC table");
        vm.assertEq(abi.encode(programs.terms(fec)), abi.encode(fecTerms()), "the FEC terms");
    }

    /// @dev A table stands where the nonce of its creation says, whose encoding grows with the 128th and the 256th.
    function test_theTableOfEachOfThreeHundredProgramsIsFound() public {
        IPrograms.Terms memory rules = fundTerms();
        rules.periods = 2;
        for (uint192 i = 3; i <= 300; ++i) {
            programs.open(rules, "P", abi.encodePacked(bytes24(i << 100)));
        }
        for (uint32 i = 3; i <= 300; ++i) {
            vm.assertEq(programs.releaseTable(i), abi.encodePacked(bytes24(uint192(i) << 100)), "its own");
            uint64 total = uint64(token.SUPPLY_CAP());
            vm.assertEq(programs.released(i, total, 1), (uint256(total) * (uint256(i) << 100)) >> 192, "by it");
        }
    }

    /// @dev What is refused leaves no table behind that would shift those after it.
    function test_aRefusedProgramLeavesNoGap() public {
        IPrograms.Terms memory rules = fecTerms();
        rules.cap = uint64(token.SUPPLY_CAP());
        vm.expectRevert(
            abi.encodeWithSelector(
                IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(rules.cap) + fecTerms().cap, rules.cap
            )
        );
        programs.open(rules, "P", Tables.FEC);
        uint32 program = programs.open(fundTerms(), "P", Tables.straight(4));
        vm.assertEq(programs.releaseTable(program), Tables.straight(4), "its own");
    }

    function test_unknownProgram() public {
        for (uint32 program = 0; program < 10; program += 9) {
            bytes memory reason = abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, program);
            vm.expectRevert(reason);
            programs.terms(program);
            vm.expectRevert(reason);
            programs.programName(program);
            vm.expectRevert(reason);
            programs.replacementOf(program);
            vm.expectRevert(reason);
            node.termsNow(program);
            vm.expectRevert(reason);
            node.rulesOf(program);
            vm.expectRevert(reason);
            node.books(program);
            vm.expectRevert(reason);
            programs.releaseTable(program);
            vm.expectRevert(reason);
            programs.currentPeriod(program);
            vm.expectRevert(reason);
            programs.elapsed(program, 1);
            vm.expectRevert(reason);
            programs.released(program, 1, 1);
            vm.expectRevert(reason);
            node.deposit(program, 1);
        }
    }

    /// @dev What payments and claims read is a copy in one word: each field at the end of its range, beside its neighbours.
    function testFuzz_theNodesReadTheRulesAsTheyWereGiven(
        uint40 epoch,
        uint32 periodLength,
        uint16 divertBps,
        uint16 multiplier,
        uint64 payerPeriodCap,
        bool funded
    ) public {
        IPrograms.Terms memory rules = funded ? fundTerms() : fecTerms();
        rules.epoch = epoch == 0 ? type(uint40).max : epoch;
        rules.periodLength = periodLength < 1 hours ? type(uint32).max : periodLength;
        rules.divertBps = 1 + divertBps % 10_000;
        rules.multiplier = multiplier == 0 ? type(uint16).max : multiplier;
        (rules.periods, rules.minPayment) = (2, type(uint40).max);
        rules.cap = uint64(token.SUPPLY_CAP()) - token.setApart();
        rules.payerPeriodCap = 1 + payerPeriodCap % rules.cap;
        uint32 program = programs.open(rules, "P", bytes.concat(bytes24(uint192(1))));
        ProgramRules copy = node.rulesOf(program);
        vm.assertTrue(copy.funded() == funded && !copy.hasFecTable(), "flags");
        vm.assertEq(copy.epoch(), rules.epoch, "epoch");
        vm.assertEq(copy.periodLength(), rules.periodLength, "period length");
        vm.assertEq(copy.periods(), 2, "periods");
        vm.assertEq(copy.divertBps(), rules.divertBps, "diverted");
        vm.assertEq(copy.multiplier(), rules.multiplier, "multiplier");
        vm.assertEq(copy.minPayment(), type(uint40).max, "smallest payment");
        vm.assertEq(copy.payerPeriodCap(), rules.payerPeriodCap, "limit of a payer");
        vm.assertEq(copy.lastStart(), type(uint24).max, "open");
    }

    /// @dev The FEC table stands in the code; any other is read from where it was written.
    function test_onlyTheFecTableIsTakenFromTheCode() public {
        vm.assertTrue(node.rulesOf(fec).hasFecTable() && !node.rulesOf(fund).hasFecTable(), "as given");
        bytes memory table = bytes.concat(Tables.FEC);
        table[table.length - 1] = bytes1(uint8(table[table.length - 1]) + 1);
        uint32 other = programs.open(fecTerms(), "Other", table);
        vm.assertTrue(!node.rulesOf(other).hasFecTable(), "one bit is another table");
        uint32 same = programs.open(fecTerms(), "Same", Tables.FEC);
        vm.assertEq(programs.releaseTable(same), Tables.FEC, "the same table");
        uint256 id = paid(alice, same, 10_000 * POINT, "1");
        vm.warp(unlock(same) + 49 * 7 days);
        vm.assertEq(claimOne(id), 802_091_869, "as published");
    }

    function test_termsNowExactlyAtTheEpochAndOneSecondBeforeAndAtABoundary() public {
        vm.warp(EPOCH - 1);
        vm.expectRevert(abi.encodeWithSelector(IPrograms.Programs_NotStarted.selector, fec, EPOCH));
        node.termsNow(fec);
        vm.expectRevert(abi.encodeWithSelector(IPrograms.Programs_NotStarted.selector, fec, EPOCH));
        programs.currentPeriod(fec);
        uint40[4] memory times = [EPOCH, EPOCH + 7 days - 1, EPOCH + 7 days, EPOCH + 14 days - 1];
        for (uint256 i = 0; i < 4; ++i) {
            vm.warp(times[i]);
            (ProgramRules rules, uint24 start) = node.termsNow(fec);
            vm.assertEq(start, 1 + i / 2, "the next boundary");
            vm.assertEq(ProgramRules.unwrap(rules), ProgramRules.unwrap(node.rulesOf(fec)), "rules");
        }
    }

    /// @dev Each costs the supply two slots to read.
    function test_T21_emissionProgramsExactlyToTheLimitAndOnePast() public {
        IPrograms.Terms memory rules = fecTerms();
        (rules.periods, rules.cap, rules.payerPeriodCap) = (1, 10 * POINT, 10 * POINT);
        for (uint256 i = 2; i <= 128; ++i) {
            programs.open(rules, "P", "");
        }
        bytes memory reason = abi.encodeWithSelector(IProgramBooks.Programs_TooMany.selector, 128);
        vm.expectRevert(reason);
        programs.open(rules, "P", "");
        uint32 last = programs.open(fundTerms(), "FUNDED ones are not counted", Tables.straight(4));
        vm.assertEq(last, 130, "and go on");
        paid(alice, 129, 10 * POINT, "1");
        vm.assertEq(token.totalSupply(), 9 * POINT, "of all of them");
        vm.assertEq(node.unminted(), token.setApart() + POINT, "of all of them");
    }

    function test_aNameOfNoneOfThirtyOneBytesAndOnePast() public {
        bytes memory reason = abi.encodeWithSelector(IPrograms.Programs_InvalidTerm.selector, "name");
        vm.expectRevert(reason);
        programs.open(fundTerms(), "", Tables.straight(4));
        vm.expectRevert(reason);
        programs.open(fundTerms(), "0123456789012345678901234567890!", Tables.straight(4));
        uint32 program = programs.open(fundTerms(), "0123456789012345678901234567890", Tables.straight(4));
        vm.assertEq(programs.programName(program), "0123456789012345678901234567890", "31 bytes");
        programs.open(fundTerms(), "1", Tables.straight(4));
    }

    function test_aDepositIsForFundedProgramsOnly() public {
        vm.expectRevert(abi.encodeWithSelector(IProgramBooks.Programs_NotFunded.selector, fec));
        node.deposit(fec, 1);
    }

    function test_aDepositTakesThePointsOfTheCaller() public {
        give(bob, 5 * POINT);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(node), 0, POINT)
        );
        vm.prank(bob);
        node.deposit(fund, POINT);
        vm.prank(bob);
        token.approve(address(node), 5 * POINT);
        vm.expectEmit();
        emit IProgramBooks.ReserveDeposited(fund, bob, 5 * POINT);
        vm.prank(bob);
        node.deposit(fund, 5 * POINT);
        vm.assertEq(node.books(fund).reserve, 5 * POINT, "reserve");
        vm.assertEq(token.balanceOf(address(node)), 5 * POINT, "held");
        vm.assertEq(token.balanceOf(bob), 0, "sponsor");
    }

    /// @dev What one program holds pays no node of another.
    function test_T03_reservesAreApart() public {
        endow(100 * POINT);
        uint32 other = programs.open(fundTerms(), "P", Tables.straight(4));
        give(alice, 100 * POINT);
        vm.expectRevert(
            abi.encodeWithSelector(IProgramBooks.Programs_ReserveTooSmall.selector, other, 20 * POINT, 10 * POINT)
        );
        vm.prank(alice);
        processor.pay(paymentOf(alice, other, 100 * POINT, "1"));
    }

    function refused(IPrograms.Terms memory rules, string memory term) private {
        vm.expectRevert(abi.encodeWithSelector(IPrograms.Programs_InvalidTerm.selector, term));
        programs.open(rules, "P", new bytes(72));
    }
}
