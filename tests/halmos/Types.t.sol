// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BooksMath} from "../../contracts/libraries/BooksMath.sol";
import {Account} from "../../contracts/types/Account.sol";
import {MerchantDay} from "../../contracts/types/MerchantDay.sol";
import {NodeSlot, NodeSlotFields} from "../../contracts/types/NodeSlot.sol";
import {ProgramRules, ProgramRulesFields} from "../../contracts/types/ProgramRules.sol";
import {vm} from "./Vm.sol";

/// @dev Words that hold several fields: what is written is read again, and no field touches another.
contract TypesProperties {
    function check_T01_takingPointsChangesNothingElse(uint256 word, uint64 amount) public pure {
        Account account = Account.wrap(word);
        vm.assume(amount <= account.points());
        Account after_ = account.less(amount);
        assert(after_.points() == account.points() - amount);
        assert(Account.unwrap(after_) >> 64 == word >> 64);
    }

    /// @dev All points together have 63 bits.
    function check_T01_givingPointsChangesNothingElse(uint256 word, uint64 amount) public pure {
        Account account = Account.wrap(word);
        vm.assume(account.points() + amount < 1 << 63);
        Account after_ = account.more(amount);
        assert(after_.points() == account.points() + amount);
        assert(Account.unwrap(after_) >> 64 == word >> 64);
    }

    function check_countingNodesChangesNothingElse(uint256 word, uint32 more, uint32 fewer) public pure {
        Account account = Account.wrap(word);
        vm.assume(account.nodes() + more < 1 << 32 && fewer <= account.nodes() + more);
        Account after_ = account.withMoreNodes(more).withFewerNodes(fewer);
        assert(after_.nodes() == account.nodes() + more - fewer);
        assert(after_.points() == account.points());
        assert(Account.unwrap(after_) >> 96 == word >> 96);
    }

    function check_T19_freezingChangesNothingElse(uint256 word, uint40 until) public pure {
        Account account = Account.wrap(word);
        Account after_ = account.withFrozenUntil(until);
        assert(after_.frozenUntil() == until);
        assert(after_.points() == account.points() && after_.nodes() == account.nodes());
        assert(Account.unwrap(after_) >> 136 == word >> 136);
    }

    function check_T14_takingPaymentsBackChangesNothingElse(uint256 word, uint40 time, uint16 day) public pure {
        Account account = Account.wrap(word);
        Account after_ = account.withPaymentsCancelledAt(time);
        assert(after_.paymentsCancelledAt() == time);
        assert(uint136(Account.unwrap(after_)) == uint136(word));
        assert(after_.issuedOn(day) == account.issuedOn(day));
    }

    function check_T18_whatIsIssuedCountsForItsDayAlone(uint256 word, uint16 day, uint64 amount, uint16 other)
        public
        pure
    {
        Account after_ = Account.wrap(word).withIssued(day, amount);
        assert(after_.issuedOn(day) == amount);
        assert(other == day || after_.issuedOn(other) == 0);
        assert(uint176(Account.unwrap(after_)) == uint176(word));
    }

    function check_T22_aNodeSaysWhatItWasMadeOf(address owner, uint64 total, uint8 periods, uint8 marks) public pure {
        NodeSlot slot = NodeSlotFields.make(owner, total, periods, marks);
        assert(slot.owner() == owner && slot.total() == total);
        assert(slot.claimedPeriods() == periods && slot.advance() == 0 && slot.marks() == marks);
        assert(slot.exists() || (owner == address(0) && total == 0 && periods == 0 && marks == 0));
    }

    function check_T08_sellingANodeChangesItsOwnerAlone(uint256 word, address to) public pure {
        NodeSlot after_ = NodeSlot.wrap(word).withOwner(to);
        assert(after_.owner() == to);
        assert(NodeSlot.unwrap(after_) >> 160 == word >> 160);
    }

    function check_growingANodeChangesItsTotalAlone(uint256 word, uint64 total) public pure {
        NodeSlot slot = NodeSlot.wrap(word);
        NodeSlot after_ = slot.withTotal(total);
        assert(after_.total() == total && after_.owner() == slot.owner());
        assert(NodeSlot.unwrap(after_) >> 224 == word >> 224);
    }

    function check_T22_payingANodeChangesWhatIsPaidAlone(uint256 word, uint8 periods, uint16 ahead) public pure {
        NodeSlot slot = NodeSlot.wrap(word);
        NodeSlot after_ = slot.withPaid(periods, ahead);
        assert(after_.claimedPeriods() == periods && after_.advance() == ahead);
        assert(after_.owner() == slot.owner() && after_.total() == slot.total() && after_.marks() == slot.marks());
    }

    function check_marksAreSetOneByOne(uint256 word, uint8 which, bool set) public pure {
        vm.assume(which < 8);
        NodeSlot slot = NodeSlot.wrap(word);
        uint256 mark = 1 << which;
        NodeSlot after_ = slot.marked(mark, set);
        assert(after_.has(mark) == set);
        assert(after_.marks() & ~mark == slot.marks() & ~mark);
        assert(uint248(NodeSlot.unwrap(after_)) == uint248(word));
    }

    function check_T22_rulesSayWhatTheProgramWasOpenedWith(
        bool funded,
        bool hasFecTable,
        uint16 divertBps,
        uint16 multiplier,
        uint8 periods,
        uint32 periodLength,
        uint40 epoch,
        uint40 minPayment,
        uint64 payerPeriodCap,
        uint24 lastStart
    ) public pure {
        ProgramRules rules = ProgramRulesFields.make(
            funded, hasFecTable, divertBps, multiplier, periods, periodLength, epoch, minPayment, payerPeriodCap
        );
        assert(rules.lastStart() == type(uint24).max);
        rules = rules.withLastStart(lastStart);
        assert(rules.lastStart() == lastStart);
        assert(rules.funded() == funded && rules.hasFecTable() == hasFecTable);
        assert(rules.divertBps() == divertBps && rules.multiplier() == multiplier && rules.periods() == periods);
        assert(rules.periodLength() == periodLength && rules.epoch() == epoch);
        assert(rules.minPayment() == minPayment && rules.payerPeriodCap() == payerPeriodCap);
    }

    function check_T18_aMerchantsDayKeepsItsFieldsApart(
        uint256 word,
        address payout,
        bool active,
        uint24 day,
        uint64 left
    ) public pure {
        MerchantDay merchant = MerchantDay.wrap(word).withPayout(payout).withActive(active).withLeft(day, left);
        assert(merchant.payout() == payout && merchant.active() == active);
        assert(merchant.day() == day && merchant.left() == left);
    }

    function check_T03_aLedgerIsWhatWasPacked(uint64 diverted, uint64 committed, uint64 left, uint64 reserve)
        public
        pure
    {
        BooksMath.Ledger memory ledger =
            BooksMath.unpack(BooksMath.pack(BooksMath.Ledger(diverted, committed, left, reserve)));
        assert(ledger.diverted == diverted && ledger.committed == committed);
        assert(ledger.left == left && ledger.reserve == reserve);
    }
}
