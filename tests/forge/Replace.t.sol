// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPaymentProcessor, IPointsToken, IProgramBooks, IPrograms, IReleaseNode, Setup} from "./Setup.sol";
import {Tables} from "./Tables.sol";

/// @dev `Programs.replace`, and what it leaves of the program that is replaced.
contract ReplaceTest is Setup {
    uint256 private constant WEEK = 7 days;

    // Reverts

    function test_T17_onlyProgramManagers() public {
        IPrograms.Terms memory rules = successor(EPOCH + 60 days);
        vm.expectRevert(abi.encodeWithSignature("AccessManagedUnauthorized(address)", stranger));
        vm.prank(stranger);
        programs.replace(fec, rules, "FEC 2", Tables.FEC);
        vm.expectRevert(abi.encodeWithSelector(IProgramBooks.ReleaseNode_NotPrograms.selector, stranger));
        vm.prank(stranger);
        node.closeProgram(fec, 0);
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = programs.replace.selector;
        manager.setTargetFunctionRole(address(programs), selectors, 3);
        manager.grantRole(3, bob, 0);
        vm.prank(bob);
        vm.assertEq(programs.replace(fec, rules, "FEC 2", Tables.FEC), 3, "a manager");
    }

    function test_unknownPrograms() public {
        IPrograms.Terms memory rules = successor(EPOCH + 60 days);
        refused(0, rules, abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, 0));
        refused(3, rules, abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, 3));
        refused(type(uint32).max, rules, abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, type(uint32).max));
    }

    function test_exactlyThirtyDaysNoticeAndOneSecondLess() public {
        uint256 earliest = block.timestamp + 30 days;
        refused(
            fec,
            successor(earliest - 1),
            abi.encodeWithSelector(IPrograms.Programs_NoticeTooShort.selector, earliest - 1, earliest)
        );
        refused(fec, successor(0), abi.encodeWithSelector(IPrograms.Programs_NoticeTooShort.selector, 0, earliest));
        replace(fec, successor(earliest));
    }

    function test_twice() public {
        uint32 by = replace(fec, successor(EPOCH + 60 days));
        refused(fec, successor(EPOCH + 90 days), abi.encodeWithSelector(IPrograms.Programs_Replaced.selector, fec, by));
        vm.warp(EPOCH + 300 days);
        refused(fec, successor(EPOCH + 400 days), abi.encodeWithSelector(IPrograms.Programs_Replaced.selector, fec, by));
    }

    function test_T22_anEpochBeyondTheGridOfTheOldOne() public {
        IPrograms.Terms memory rules = fecTerms();
        rules.periodLength = 1 hours;
        uint32 old = programs.open(rules, "Hours", Tables.FEC);
        uint256 end = EPOCH + uint256(type(uint24).max) * 1 hours;
        bytes4 overflow = bytes4(keccak256("SafeCastOverflowedUintDowncast(uint8,uint256)"));
        refused(old, successor(end + 1), abi.encodeWithSelector(overflow, 24, uint256(type(uint24).max) + 1));
        replace(old, successor(end));
        (, uint256 closesAt) = programs.replacementOf(old);
        vm.assertEq(closesAt, end, "with its last period");
    }

    function test_termsOutOfRangeReplaceNothing() public {
        IPrograms.Terms memory rules = successor(EPOCH + 60 days);
        rules.periods = 0;
        refused(fec, rules, abi.encodeWithSelector(IPrograms.Programs_InvalidTerm.selector, "periods"));
        (uint32 by,) = programs.replacementOf(fec);
        vm.assertEq(by, 0, "not replaced");
    }

    function test_T03_theSupplyIsSetApartAgain() public {
        IPrograms.Terms memory rules = successor(EPOCH + 60 days);
        uint64 left = uint64(token.SUPPLY_CAP() - token.issued() - token.setApart());
        rules.cap = left + 1;
        refused(
            fec,
            rules,
            abi.encodeWithSelector(
                IPointsToken.PointsToken_SupplyCapExceeded.selector, token.SUPPLY_CAP() + 1, token.SUPPLY_CAP()
            )
        );
        uint256 supply = token.totalSupply();
        rules.cap = left;
        replace(fec, rules);
        vm.assertEq(
            token.setApart(), token.SUPPLY_CAP() - token.issued(), "both caps: nothing of the old one's is given back"
        );
        vm.assertEq(token.totalSupply(), supply, "and nothing exists of it yet");
    }

    function test_T21_128EmissionProgramsAndOnePast() public {
        IPrograms.Terms memory rules = successor(EPOCH + 60 days);
        rules.periods = 1;
        for (uint256 i = 1; i < 127; ++i) {
            programs.open(rules, "One", "");
        }
        uint32 last = programs.replace(fec, rules, "The 128th", "");
        vm.assertEq(last, 129, "with the FUNDED one");
        bytes memory reason = abi.encodeWithSelector(IProgramBooks.Programs_TooMany.selector, 128);
        vm.expectRevert(reason);
        programs.open(rules, "One", "");
        vm.expectRevert(reason);
        programs.replace(last, rules, "One", "");
        vm.assertEq(programs.programCount(), 129, "none was opened");
        (uint32 by,) = programs.replacementOf(last);
        vm.assertEq(by, 0, "nor replaced");
        // A FUNDED one has no part in the supply; and its table is where its number says, past the nonces of one byte.
        rules = fundTerms();
        rules.epoch = uint40(EPOCH + 60 days);
        uint32 funded = programs.replace(last, rules, "Funded", Tables.straight(4));
        vm.assertEq(funded, 130, "still opened");
        vm.assertEq(programs.releaseTable(funded), Tables.straight(4), "table");
        endow(POINT);
        vm.warp(EPOCH + 61 days);
        give(bob, 100 * POINT);
        vm.prank(bob);
        token.approve(address(node), 100 * POINT);
        vm.prank(bob);
        node.deposit(funded, 100 * POINT);
        uint256 id = paid(alice, funded, 100 * POINT, "1");
        vm.warp(EPOCH + 63 days);
        vm.assertEq(claimOne(id), 5 * POINT, "a quarter of 20");
    }

    function test_namesOfNoneOneThirtyOneAndThirtyTwoBytes() public {
        IPrograms.Terms memory rules = successor(EPOCH + 60 days);
        bytes memory reason = abi.encodeWithSelector(IPrograms.Programs_InvalidTerm.selector, "name");
        vm.expectRevert(reason);
        programs.replace(fec, rules, "", Tables.FEC);
        vm.expectRevert(reason);
        programs.replace(fec, rules, "12345678901234567890123456789012", Tables.FEC);
        uint32 by = programs.replace(fec, rules, "1234567890123456789012345678901", Tables.FEC);
        vm.assertEq(programs.programName(by), "1234567890123456789012345678901", "31 bytes");
        vm.assertEq(programs.programName(programs.open(rules, "F", Tables.FEC)), "F", "one");
        vm.assertEq(programs.programName(fec), "FEC", "the old one keeps its own");
        vm.expectRevert(abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, 9));
        programs.programName(9);
        vm.expectRevert(abi.encodeWithSelector(IPrograms.Programs_Unknown.selector, 9));
        programs.replacementOf(9);
    }

    // What it does

    /// @dev The new epoch lies in the middle of period 8, with whose end the old program closes.
    function test_itClosesWithThePeriodInWhichTheNewEpochLies() public {
        IPrograms.Terms memory rules = successor(EPOCH + 60 days);
        vm.expectEmit();
        emit IPrograms.ProgramOpened(3, rules, "FEC 2");
        vm.expectEmit();
        emit IPrograms.ProgramReplaced(fec, 3, EPOCH + 9 * WEEK);
        uint32 by = replace(fec, rules);
        (uint32 replacement, uint256 closesAt) = programs.replacementOf(fec);
        vm.assertTrue(replacement == by && closesAt == EPOCH + 9 * WEEK, "replacement");
        (replacement, closesAt) = programs.replacementOf(by);
        vm.assertTrue(replacement == 0 && closesAt == 0, "which is not replaced");

        give(alice, 10 * POINT);
        vm.warp(EPOCH + 60 days - 1);
        notPaid(by, "0", abi.encodeWithSelector(IPrograms.Programs_NotStarted.selector, by, rules.epoch));
        vm.warp(EPOCH + 60 days);
        pay(by, "1");
        pay(fec, "2");
        vm.warp(EPOCH + 9 * WEEK - 1);
        pay(fec, "3");
        vm.assertEq(node.nodeOf(node.idOf(fec, 9, alice)).total, 2 * POINT, "both of the last period");
        vm.warp(EPOCH + 9 * WEEK);
        bytes memory closed = abi.encodeWithSelector(IProgramBooks.Programs_Closed.selector, fec, EPOCH + 9 * WEEK);
        notPaid(fec, "4", closed);
        vm.expectRevert(closed);
        node.termsNow(fec);
        pay(by, "4");
        vm.warp(EPOCH + 5000 days);
        notPaid(fec, "5", closed);
    }

    /// @dev An epoch on a boundary of the old grid: not a second between the two, nor a period of both.
    function test_anEpochOnABoundaryAndOneSecondLater() public {
        replace(fec, successor(EPOCH + 8 * WEEK));
        (, uint256 closesAt) = programs.replacementOf(fec);
        vm.assertEq(closesAt, EPOCH + 8 * WEEK, "at the boundary");
        uint32 other = programs.open(fecTerms(), "Other", Tables.FEC);
        replace(other, successor(EPOCH + 8 * WEEK + 1));
        (, closesAt) = programs.replacementOf(other);
        vm.assertEq(closesAt, EPOCH + 9 * WEEK, "the period in which the epoch lies is still paid");
    }

    function test_nodesThatAreThereGoOnAsTheyAre() public {
        uint256 id = paid(alice, fec, 10_000 * POINT, "1");
        vm.warp(EPOCH + 8 * WEEK);
        replace(fec, successor(EPOCH + 13 * WEEK));
        vm.warp(EPOCH + 13 * WEEK - 1);
        give(alice, 10 * POINT);
        pay(fec, "2");
        IPrograms.Terms memory before = programs.terms(fec);
        vm.warp(EPOCH + 13 * WEEK);
        vm.assertEq(abi.encode(programs.terms(fec)), abi.encode(before), "terms");
        uint256 last = node.idOf(fec, 13, alice);
        vm.prank(shop);
        processor.refund(paymentOf(alice, fec, POINT, "2"), 13, POINT / 2);
        vm.assertEq(node.nodeOf(last).total, POINT / 2, "refunds of the last period's payments");
        vm.assertEq(node.nodeOf(id).claimable, programs.released(fec, 10_000 * POINT, 12), "releases");
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        vm.assertEq(node.ownerOf(id), bob, "transfers");
        vm.warp(EPOCH + 101 * WEEK);
        claimOne(id);
        vm.assertEq(node.nodeOf(id).claimed, 10_000 * POINT, "to the end");
        vm.warp(EPOCH + 113 * WEEK);
        claimOne(last);
        vm.assertEq(node.books(fec).committed, 0, "nothing owed");
    }

    function test_aFundedProgramIssuesNoNodesOnceItIsClosed() public {
        token.setPersonLimit(1000 * POINT);
        IPrograms.Terms memory rules = fundTerms();
        rules.epoch = uint40(EPOCH + 40 days);
        uint32 by = programs.replace(fund, rules, "Fund 2", Tables.straight(4));
        give(bob, 3 * POINT);
        vm.prank(bob);
        token.approve(address(node), 3 * POINT);
        vm.prank(bob);
        node.deposit(by, POINT); // before it begins
        vm.warp(EPOCH + 40 days - 1);
        processor.issue(issueOf(alice, 0, POINT, "1"));
        vm.prank(bob);
        node.deposit(fund, POINT);
        vm.warp(EPOCH + 40 days);
        IPaymentProcessor.Issue memory item = issueOf(alice, 0, POINT, "2");
        bytes memory closed = abi.encodeWithSelector(IProgramBooks.Programs_Closed.selector, fund, EPOCH + 40 days);
        vm.expectRevert(closed);
        processor.issue(item);
        vm.expectRevert(closed);
        processor.issueReserve(SHOP, "3", fund, POINT, "evidence");
        vm.expectRevert(closed);
        vm.prank(bob);
        node.deposit(fund, POINT);
        item.program = by;
        processor.issue(item);
        vm.assertEq(node.books(fund).reserve, 2 * POINT, "no more deposits");
        vm.assertEq(node.books(by).reserve, 2 * POINT, "but in the one that replaces it");
    }

    /// @dev A program that is replaced before it began, by one that begins no later: it never opens.
    function test_aProgramThatHasNotBegun() public {
        uint32 late = programs.open(successor(EPOCH + 60 days), "Late", Tables.FEC);
        uint32 second = programs.open(successor(EPOCH + 60 days), "Second", Tables.FEC);
        uint32 third = programs.open(successor(EPOCH + 60 days), "Third", Tables.FEC);
        replace(late, successor(EPOCH + 60 days - 1));
        replace(second, successor(EPOCH + 60 days));
        replace(third, successor(EPOCH + 60 days + 1));
        (, uint256 closesAt) = programs.replacementOf(late);
        vm.assertEq(closesAt, EPOCH + 60 days, "closed from the beginning");
        (, closesAt) = programs.replacementOf(second);
        vm.assertEq(closesAt, EPOCH + 60 days, "closed from the beginning");
        (, closesAt) = programs.replacementOf(third);
        vm.assertEq(closesAt, EPOCH + 60 days + WEEK, "open for a period");
        give(alice, 10 * POINT);
        vm.warp(EPOCH + 60 days - 1);
        notPaid(late, "1", abi.encodeWithSelector(IPrograms.Programs_NotStarted.selector, late, EPOCH + 60 days));
        vm.warp(EPOCH + 60 days);
        bytes4 closed = IProgramBooks.Programs_Closed.selector;
        notPaid(late, "1", abi.encodeWithSelector(closed, late, EPOCH + 60 days));
        notPaid(second, "1", abi.encodeWithSelector(closed, second, EPOCH + 60 days));
        pay(third, "1");
    }

    /// @dev It can promise nothing, ever: what it was given would be lost.
    function test_aProgramThatNeverBeginsTakesNoDeposits() public {
        IPrograms.Terms memory rules = fundTerms();
        rules.epoch = uint40(EPOCH + 60 days);
        uint32 late = programs.open(rules, "Late", Tables.straight(4));
        give(alice, 2 * POINT);
        vm.prank(alice);
        token.approve(address(node), 2 * POINT);
        vm.prank(alice);
        node.deposit(late, POINT);
        programs.replace(late, rules, "Instead", Tables.straight(4));
        bytes memory closed = abi.encodeWithSelector(IProgramBooks.Programs_Closed.selector, late, EPOCH + 60 days);
        vm.expectRevert(closed);
        vm.prank(alice);
        node.deposit(late, POINT);
        vm.expectRevert(closed);
        processor.issueReserve(SHOP, "1", late, POINT, "evidence");
        vm.assertEq(node.books(late).reserve, POINT, "what it had before");
    }

    function test_aReplacementIsReplaced() public {
        uint32 by = replace(fec, successor(EPOCH + 8 * WEEK));
        uint32 next = replace(by, successor(EPOCH + 12 * WEEK));
        give(alice, 10 * POINT);
        vm.warp(EPOCH + 12 * WEEK - 1);
        pay(by, "1");
        vm.warp(EPOCH + 12 * WEEK);
        notPaid(by, "2", abi.encodeWithSelector(IProgramBooks.Programs_Closed.selector, by, EPOCH + 12 * WEEK));
        pay(next, "2");
    }

    /// @dev Whatever the two grids: the old one takes every payment before the new epoch and none after the end of the
    /// period that it lies in.
    function testFuzz_T22_neverBothClosed(uint32 length, uint40 notice, uint40 time) public {
        IPrograms.Terms memory rules = fecTerms();
        rules.periodLength = uint32(1 hours + length % 400 days);
        uint32 old = programs.open(rules, "Old", Tables.FEC);
        uint256 epoch = block.timestamp + 30 days + notice % (3650 days);
        uint32 by = replace(old, successor(epoch));
        (, uint256 closesAt) = programs.replacementOf(old);
        vm.assertTrue(closesAt >= epoch && closesAt - epoch < rules.periodLength, "less than a period later");
        vm.assertEq((closesAt - EPOCH) % rules.periodLength, 0, "on the old grid");
        uint256 when = block.timestamp + time % 8000 days;
        vm.warp(when);
        vm.assertTrue(open(old) == (when < closesAt), "the old one");
        vm.assertTrue(open(by) == (when >= epoch), "the new one");
    }

    function open(uint32 program) private view returns (bool) {
        try node.termsNow(program) {
            return true;
        } catch {
            return false;
        }
    }

    function successor(uint256 epoch) private pure returns (IPrograms.Terms memory rules) {
        rules = fecTerms();
        rules.epoch = uint40(epoch);
        rules.termsHash = keccak256("FEC 2");
    }

    function replace(uint32 old, IPrograms.Terms memory rules) private returns (uint32) {
        return programs.replace(old, rules, "FEC 2", Tables.FEC);
    }

    function refused(uint32 old, IPrograms.Terms memory rules, bytes memory reason) private {
        vm.expectRevert(reason);
        programs.replace(old, rules, "FEC 2", Tables.FEC);
    }

    function pay(uint32 program, bytes32 order) private {
        vm.prank(alice);
        processor.pay(paymentOf(alice, program, POINT, order));
    }

    function notPaid(uint32 program, bytes32 order, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(alice);
        processor.pay(paymentOf(alice, program, POINT, order));
    }
}
