// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IPointsToken, IPrograms, Setup, Tables} from "./Setup.sol";

/// @dev `open`, `deposit`, and who may book.
contract ProgramsTest is Setup {
    function test_T17_notAProgramManager() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        vm.prank(stranger);
        programs.open(fundTerms(), new bytes(72));
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
        rules.minPayment = supplyCap + 1;
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
        programs.open(rules, Tables.straight(255));
        (rules.divertBps, rules.multiplier, rules.minPayment) = (1, 1, 10_000);
        (rules.periodLength, rules.epoch, rules.periods) = (1 hours, 1, 1);
        (rules.growthNumerator, rules.growthDenominator) = (1, 1);
        (rules.cap, rules.payerPeriodCap) = (1, 1);
        uint32 program = programs.open(rules, "");
        vm.assertEq(abi.encode(programs.terms(program)), abi.encode(rules), "as given");
        rules.minPayment = supplyCap;
        programs.open(rules, "");
    }

    function test_T03_capsOfEmissionProgramsAreSetApartExactlyAndOnePast() public {
        uint64 cap = uint64(token.SUPPLY_CAP());
        programs.open(fundTerms(), Tables.straight(4));
        vm.assertEq(token.setApart(), fecTerms().cap, "a FUNDED program needs nothing");
        give(bob, 5 * POINT);
        IPrograms.Terms memory rules = fecTerms();
        rules.periods = 1;
        rules.cap = cap - fecTerms().cap - 5 * POINT + 1;
        vm.expectRevert(
            abi.encodeWithSelector(IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(cap) + 1, cap)
        );
        programs.open(rules, "");
        rules.cap -= 1;
        programs.open(rules, "");
        vm.assertEq(uint256(token.setApart()) + token.issued(), cap, "exactly the cap");
        rules.cap = rules.payerPeriodCap = 1;
        vm.expectRevert(
            abi.encodeWithSelector(IPointsToken.PointsToken_SupplyCapExceeded.selector, uint256(cap) + 1, cap)
        );
        programs.open(rules, "");
    }

    function test_aTableThatIsTooShortTooLongOrFalls() public {
        bytes memory table = Tables.straight(4);
        IPrograms.Terms memory rules = fundTerms();
        bytes memory reason = abi.encodeWithSelector(IPrograms.Programs_InvalidTerm.selector, "table");
        vm.expectRevert(reason);
        programs.open(rules, new bytes(71));
        vm.expectRevert(reason);
        programs.open(rules, new bytes(73));
        vm.expectRevert(reason);
        programs.open(rules, "");
        vm.expectRevert(reason);
        programs.open(rules, bytes.concat(bytes24(uint192(2)), bytes24(uint192(2)), bytes24(uint192(1))));
        vm.expectRevert(reason);
        programs.open(rules, bytes.concat(bytes24(uint192(2)), bytes24(uint192(1)), bytes24(uint192(3))));
        programs.open(rules, bytes.concat(bytes24(uint192(2)), bytes24(uint192(2)), bytes24(uint192(2))));
        programs.open(rules, table);
    }

    function test_aProgramIsReadBackAsItWasGiven() public {
        IPrograms.Terms memory rules = fundTerms();
        vm.expectEmit();
        emit IPrograms.ProgramOpened(3, rules);
        vm.assertEq(programs.open(rules, Tables.straight(4)), 3, "ids count from 1");
        vm.assertEq(programs.programCount(), 3, "count");
        vm.assertEq(programs.table(3), Tables.straight(4), "table");
        vm.assertEq(programs.table(fec), Tables.FEC, "the FEC table");
        vm.assertEq(abi.encode(programs.terms(fec)), abi.encode(fecTerms()), "the FEC terms");
    }

    /// @dev A table stands where the nonce of its creation says, whose encoding grows with the 128th and the 256th.
    function test_theTableOfEachOfThreeHundredProgramsIsFound() public {
        IPrograms.Terms memory rules = fundTerms();
        rules.periods = 2;
        for (uint192 i = 3; i <= 300; ++i) {
            programs.open(rules, abi.encodePacked(bytes24(i << 100)));
        }
        for (uint32 i = 3; i <= 300; ++i) {
            vm.assertEq(programs.table(i), abi.encodePacked(bytes24(uint192(i) << 100)), "its own");
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
        programs.open(rules, Tables.FEC);
        uint32 program = programs.open(fundTerms(), Tables.straight(4));
        vm.assertEq(programs.table(program), Tables.straight(4), "its own");
    }

    function test_unknownProgram() public {
        for (uint32 program = 0; program < 10; program += 9) {
            bytes memory reason = abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, program);
            vm.expectRevert(reason);
            programs.terms(program);
            vm.expectRevert(reason);
            programs.books(program);
            vm.expectRevert(reason);
            programs.table(program);
            vm.expectRevert(reason);
            programs.currentPeriod(program);
            vm.expectRevert(reason);
            programs.elapsed(program, 1);
            vm.expectRevert(reason);
            programs.released(program, 1, 1);
            vm.expectRevert(reason);
            programs.deposit(program, 1);
        }
    }

    function test_T17_onlyTheProcessorBooksAndOnlyTheNodesRelease() public {
        bytes memory reason = abi.encodeWithSelector(IPrograms.Programs_NotProcessor.selector, address(this));
        vm.expectRevert(reason);
        programs.commitPayment(fec, POINT);
        vm.expectRevert(reason);
        programs.commitIssue(fund, address(this), 1);
        vm.expectRevert(reason);
        programs.uncommit(fec, 1, 1, address(this));
        vm.expectRevert(reason);
        programs.depositReceived(fund, address(this), 1);
        vm.expectRevert(abi.encodeWithSelector(IPrograms.Programs_NotReleaseNode.selector, address(this)));
        programs.release(fec, 1, 1, 0, address(this));
    }

    function test_aDepositIsForFundedProgramsOnly() public {
        vm.expectRevert(abi.encodeWithSelector(IPrograms.Programs_NotFunded.selector, fec));
        programs.deposit(fec, 1);
    }

    function test_aDepositTakesThePointsOfTheCaller() public {
        give(bob, 5 * POINT);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(programs), 0, POINT)
        );
        vm.prank(bob);
        programs.deposit(fund, POINT);
        vm.prank(bob);
        token.approve(address(programs), 5 * POINT);
        vm.expectEmit();
        emit IPrograms.ReserveDeposited(fund, bob, 5 * POINT);
        vm.prank(bob);
        programs.deposit(fund, 5 * POINT);
        vm.assertEq(programs.books(fund).reserve, 5 * POINT, "reserve");
        vm.assertEq(token.balanceOf(address(programs)), 5 * POINT, "held");
        vm.assertEq(token.balanceOf(bob), 0, "sponsor");
    }

    /// @dev What one program holds pays no node of another.
    function test_T03_reservesAreApart() public {
        endow(100 * POINT);
        uint32 other = programs.open(fundTerms(), Tables.straight(4));
        give(alice, 100 * POINT);
        vm.expectRevert(
            abi.encodeWithSelector(IPrograms.Programs_ReserveTooSmall.selector, other, 20 * POINT, 10 * POINT)
        );
        vm.prank(alice);
        processor.pay(paymentOf(alice, other, 100 * POINT, "1"));
    }

    function refused(IPrograms.Terms memory rules, string memory term) private {
        vm.expectRevert(abi.encodeWithSelector(IPrograms.Programs_InvalidTerm.selector, term));
        programs.open(rules, new bytes(72));
    }
}
