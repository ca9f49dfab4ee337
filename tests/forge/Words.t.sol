// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Account} from "../../contracts/types/Account.sol";
import {MerchantDay} from "../../contracts/types/MerchantDay.sol";
import {NodeSlot, NodeSlotFields} from "../../contracts/types/NodeSlot.sol";
import {ProgramRules, ProgramRulesFields} from "../../contracts/types/ProgramRules.sol";
import {Vm} from "./Vm.sol";

/// @dev The words that are kept: whatever is written into a field is read from it, and no bit of another field moves.
contract WordsTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function testFuzz_T22_account(uint256 word, uint40 time, uint16 day, uint64 amount) public pure {
        Account account = Account.wrap(word);
        vm.assertEq(account.points(), uint64(word), "points");
        vm.assertEq(account.nodes(), uint32(word >> 64), "nodes");
        vm.assertEq(account.frozenUntil(), uint40(word >> 96), "frozenUntil");
        vm.assertEq(account.paymentsCancelledAt(), uint40(word >> 136), "paymentsCancelledAt");
        vm.assertEq(account.issuedOn(uint16(word >> 240)), uint64(word >> 176), "issued that day");
        vm.assertEq(account.issuedOn(uint16(word >> 240) ^ 1), 0, "none on another");
        is_(account.withFrozenUntil(time), put(word, 96, 40, time), "frozenUntil");
        is_(account.withPaymentsCancelledAt(time), put(word, 136, 40, time), "paymentsCancelledAt");
        is_(account.withIssued(day, amount), put(put(word, 240, 16, day), 176, 64, amount), "issued");
    }

    /// @dev At the edges of what the callers allow: all that there is, and none.
    function testFuzz_T22_accountSums(uint256 word, uint64 amount, uint32 count) public pure {
        uint64 points = uint64(word) & type(uint64).max >> 1;
        amount &= type(uint64).max >> 1;
        word = put(word, 0, 64, points);
        is_(Account.wrap(word).more(amount), put(word, 0, 64, uint256(points) + amount), "more");
        is_(Account.wrap(word).less(points), put(word, 0, 64, 0), "all of it less");
        uint32 nodes = uint32(word >> 64);
        is_(Account.wrap(word).withFewerNodes(nodes), put(word, 64, 32, 0), "all nodes fewer");
        count %= type(uint32).max - nodes == 0 ? 1 : type(uint32).max - nodes;
        is_(Account.wrap(word).withMoreNodes(count), put(word, 64, 32, uint256(nodes) + count), "more nodes");
        word = put(word, 64, 32, 0);
        is_(Account.wrap(word).withMoreNodes(type(uint32).max), put(word, 64, 32, type(uint32).max), "the most nodes");
    }

    function testFuzz_T22_node(uint256 word, address owner, uint64 total, uint8 periods, uint16 ahead, uint8 marks)
        public
        pure
    {
        NodeSlot slot = NodeSlot.wrap(word);
        vm.assertEq(slot.owner(), address(uint160(word)), "owner");
        vm.assertEq(slot.total(), uint64(word >> 160), "total");
        vm.assertEq(slot.claimedPeriods(), uint8(word >> 224), "claimedPeriods");
        vm.assertEq(slot.advance(), uint16(word >> 232), "advance");
        vm.assertEq(slot.marks(), word >> 248, "marks");
        is_(slot.withOwner(owner), put(word, 0, 160, uint160(owner)), "owner");
        is_(slot.withTotal(total), put(word, 160, 64, total), "total");
        is_(slot.withPaid(periods, ahead), put(put(word, 224, 8, periods), 232, 16, ahead), "paid");
        is_(slot.withMarks(marks), put(word, 248, 8, marks), "marks");
        uint256 all = word >> 248;
        is_(slot.marked(NodeSlotFields.GIVEN, true), put(word, 248, 8, all | 2), "marked");
        is_(slot.marked(NodeSlotFields.IN_CUSTODY, false), put(word, 248, 8, all & ~uint256(4)), "no longer marked");
        vm.assertTrue(slot.has(NodeSlotFields.APPROVED) == (all & 1 != 0), "has");
        vm.assertEq(slot.ownerAndCustody(), uint160(word) | (word >> 250 & 1) << 250, "ownerAndCustody");
        is_(
            NodeSlotFields.make(owner, total, periods, marks),
            put(put(put(put(0, 0, 160, uint160(owner)), 160, 64, total), 224, 8, periods), 248, 8, marks),
            "made"
        );
        vm.assertTrue(slot.exists() == (word != 0), "exists");
    }

    function testFuzz_T22_merchant(uint256 word, address payout, bool active, uint24 day, uint64 left) public pure {
        MerchantDay merchant = MerchantDay.wrap(word);
        vm.assertEq(merchant.payout(), address(uint160(word)), "payout");
        vm.assertTrue(merchant.active() == (uint8(word >> 160) != 0), "active");
        vm.assertEq(merchant.day(), uint24(word >> 168), "day");
        vm.assertEq(merchant.left(), uint64(word >> 192), "left");
        is_(merchant.withPayout(payout), put(word, 0, 160, uint160(payout)), "payout");
        is_(merchant.withActive(active), put(word, 160, 8, active ? 1 : 0), "active");
        is_(merchant.withLeft(day, left), put(put(word, 168, 24, day), 192, 64, left), "left");
    }

    function testFuzz_T22_rules(bool funded, bool hasFecTable, uint16[2] memory shares, uint8 periods, uint32 length)
        public
        pure
    {
        uint40 epoch = uint40(uint256(keccak256(abi.encode(shares, length))));
        uint40 minPayment = uint40(uint256(keccak256(abi.encode(epoch))));
        uint64 cap = uint64(uint256(keccak256(abi.encode(minPayment))));
        uint24 lastStart = uint24(uint256(keccak256(abi.encode(cap))));
        ProgramRules rules =
            ProgramRulesFields.make(funded, hasFecTable, shares[0], shares[1], periods, length, epoch, minPayment, cap);
        vm.assertEq(rules.lastStart(), type(uint24).max, "open");
        for (uint256 i = 0; i < 2; ++i) {
            vm.assertTrue(rules.funded() == funded && rules.hasFecTable() == hasFecTable, "flags");
            vm.assertTrue(rules.divertBps() == shares[0] && rules.multiplier() == shares[1], "shares");
            vm.assertTrue(rules.periods() == periods && rules.periodLength() == length, "periods");
            vm.assertTrue(rules.epoch() == epoch && rules.minPayment() == minPayment, "epoch, minPayment");
            vm.assertEq(rules.payerPeriodCap(), cap, "payerPeriodCap");
            rules = rules.withLastStart(lastStart);
            vm.assertEq(rules.lastStart(), lastStart, "closed");
        }
    }

    /// @dev `word` with `value` in its `width` bits from bit `shift` on.
    function put(uint256 word, uint256 shift, uint256 width, uint256 value) private pure returns (uint256) {
        uint256 mask = ((1 << width) - 1) << shift;
        return word & ~mask | value << shift;
    }

    function is_(Account account, uint256 word, string memory what) private pure {
        vm.assertEq(Account.unwrap(account), word, what);
    }

    function is_(NodeSlot slot, uint256 word, string memory what) private pure {
        vm.assertEq(NodeSlot.unwrap(slot), word, what);
    }

    function is_(MerchantDay merchant, uint256 word, string memory what) private pure {
        vm.assertEq(MerchantDay.unwrap(merchant), word, what);
    }
}
