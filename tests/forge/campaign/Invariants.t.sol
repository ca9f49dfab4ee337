// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "../Vm.sol";
import {Handler} from "./Handler.sol";
import {Stage} from "./Stage.sol";

/// @dev The invariants of tests/contracts/INVARIANTS.md after every call of a campaign; foundry.toml says how many
/// campaigns of how many calls.
abstract contract Campaign {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 private constant DEPTH = 2000; // as in foundry.toml

    Handler internal handler;
    bytes4[] private _selectors;

    function setUp() public {
        handler = new Handler();
        handler.setUp();
        _addPayments();
        _addHoldings();
        _addOthers();
        _addAttacks();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSenders() external pure returns (address[] memory senders) {
        senders = new address[](1);
        senders[0] = address(0x5E4D);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), _selectors);
    }

    function invariant_T03_T04_T05_T06_T07_T08_T09_T10_T14_T18_T19_T23_allOfThem() external view {
        handler.check();
    }

    /// @dev Without the floors, a campaign whose calls are all refused would pass. A sequence that failed is replayed
    /// shortened: only a whole campaign is asked.
    function afterInvariant() external view {
        handler.checkAll();
        if (handler.calls() < DEPTH) return;
        _atLeast(4, Stage.Did.Pay, "pay");
        _atLeast(3, Stage.Did.PayWithAuthorization, "pay with authorization");
        _atLeast(6, Stage.Did.PayBatch, "pay batch");
        _atLeast(4, Stage.Did.PayBatchWithAuthorization, "pay batch with authorization");
        _atLeast(21, Stage.Did.TopUp, "top up");
        _atLeast(5, Stage.Did.PayDust, "pay dust");
        _atLeast(6, Stage.Did.PayLateRefused, "pay late refused");
        _atLeast(7, Stage.Did.SelfPay, "self pay");
        _atLeast(6, Stage.Did.Refund, "refund");
        _atLeast(4, Stage.Did.RefundWithAuthorization, "refund with authorization");
        _atLeast(3, Stage.Did.Issue, "issue");
        _atLeast(3, Stage.Did.IssueToSelf, "issue to self");
        _atLeast(3, Stage.Did.IssueBatch, "issue batch");
        _atLeast(6, Stage.Did.IssueReserve, "issue reserve");
        _atLeast(2, Stage.Did.ApproveIssue, "approve issue");
        _atLeast(2, Stage.Did.ApproveReserve, "approve reserve");
        _atLeast(6, Stage.Did.UnapprovedRefused, "unapproved refused");
        _atLeast(2, Stage.Did.OverLimitRefused, "over limit refused");
        _atLeast(5, Stage.Did.Deposit, "deposit");
        _atLeast(5, Stage.Did.Claim, "claim");
        _atLeast(5, Stage.Did.ClaimBatch, "claim batch");
        _atLeast(4, Stage.Did.ClaimTo, "claim to");
        _atLeast(7, Stage.Did.ClaimByDelegate, "claim by delegate");
        _atLeast(4, Stage.Did.PermitClaim, "permit claim");
        _atLeast(5, Stage.Did.Transfer, "transfer");
        _atLeast(5, Stage.Did.TransferByOperator, "transfer by operator");
        _atLeast(5, Stage.Did.Split, "split");
        _atLeast(3, Stage.Did.Merge, "merge");
        _atLeast(11, Stage.Did.Give, "give");
        _atLeast(1, Stage.Did.Take, "take");
        _atLeast(3, Stage.Did.TakeBack, "take back");
        _atLeast(5, Stage.Did.SetBeneficiary, "set beneficiary");
        _atLeast(5, Stage.Did.MovePoints, "move points");
        _atLeast(6, Stage.Did.Approve, "approve");
        _atLeast(5, Stage.Did.Permit, "permit");
        _atLeast(5, Stage.Did.TransferWithAuthorization, "transfer with authorization");
        _atLeast(6, Stage.Did.ReceiveWithAuthorization, "receive with authorization");
        _atLeast(3, Stage.Did.ReceiveByOtherRefused, "receive by other refused");
        _atLeast(6, Stage.Did.CancelPayments, "cancel payments");
        _atLeast(6, Stage.Did.SetLimits, "set limits");
        _atLeast(5, Stage.Did.SetPersonLimit, "set person limit");
        _atLeast(5, Stage.Did.Burn, "burn");
        _atLeast(4, Stage.Did.Freeze, "freeze");
        _atLeast(2, Stage.Did.ConfirmFreeze, "confirm freeze");
        _atLeast(5, Stage.Did.Unfreeze, "unfreeze");
        _atLeast(1, Stage.Did.Replace, "replace");
        _atLeast(12, Stage.Did.Warp, "warp");
        _atLeast(8, Stage.Did.Operate, "operate");
        _atLeast(5, Stage.Did.Reenter, "reenter");
        _atLeast(8, Stage.Did.SpeakFor, "speak for");
        _atLeast(3, Stage.Did.FicklePay, "fickle pay");
        _atLeast(8, Stage.Did.StealGift, "steal gift");
        _atLeast(9, Stage.Did.Replay, "replay");
        _atLeast(8, Stage.Did.OtherChain, "other chain");
        _atLeast(4, Stage.Did.Spend, "spend");
        _atLeast(4, Stage.Did.Overspend, "overspend");
        _atLeast(9, Stage.Did.Escape, "escape");
        _atLeast(4, Stage.Did.AbuseRefund, "abuse refund");
        _atLeast(7, Stage.Did.LateRefund, "late refund");
        _atLeast(3, Stage.Did.Donate, "donate");
        _atLeast(4, Stage.Did.DonateWrongly, "donate wrongly");
    }

    function _atLeast(uint256 floor, Stage.Did what, string memory name) private view {
        uint256 done = handler.done(what);
        // The floors are the least of fifty campaigns; of five hundred, one has less.
        if (_isLong()) floor = (floor + 1) / 2;
        if (done < floor) vm.assertLe(floor, done, string.concat("too few: ", name));
    }

    function _isLong() private view returns (bool) {
        return keccak256(bytes(vm.envOr("FOUNDRY_PROFILE", string("")))) == keccak256("long");
    }

    function _add(bytes4 selector, uint256 weight) internal {
        for (uint256 i = 0; i < weight; ++i) {
            _selectors.push(selector);
        }
    }

    function _addPayments() private {
        _add(handler.pay.selector, 1);
        _add(handler.payDust.selector, 1);
        _add(handler.payLate.selector, 1);
        _add(handler.payWithAuthorization.selector, 1);
        _add(handler.payBatch.selector, 2);
        _add(handler.payBatchWithAuthorization.selector, 2);
        _add(handler.selfPay.selector, 2);
        _add(handler.refund.selector, 2);
        _add(handler.refundWithAuthorization.selector, 2);
        _add(handler.issue.selector, 1);
        _add(handler.issueToSelf.selector, 1);
        _add(handler.issueReserve.selector, 1);
        _add(handler.issueBatch.selector, 1);
        _add(handler.approveIssue.selector, 1);
        _add(handler.approveReserve.selector, 1);
        _add(handler.setLimits.selector, 1);
        _add(handler.setPersonLimit.selector, 1);
        _add(handler.deposit.selector, 1);
        _add(handler.cancelPayments.selector, 1);
    }

    function _addHoldings() private {
        _add(handler.claim.selector, 1);
        _add(handler.claimBatch.selector, 1);
        _add(handler.claimTo.selector, 1);
        _add(handler.claimByDelegate.selector, 2);
        _add(handler.transfer.selector, 2);
        _add(handler.split.selector, 1);
        _add(handler.merge.selector, 3);
        _add(handler.give.selector, 2);
        _add(handler.take.selector, 2);
        _add(handler.takeBack.selector, 2);
        _add(handler.setBeneficiary.selector, 1);
    }

    function _addOthers() private {
        _add(handler.movePoints.selector, 1);
        _add(handler.approve.selector, 1);
        _add(handler.permit.selector, 1);
        _add(handler.transferWithAuthorization.selector, 1);
        _add(handler.receiveWithAuthorization.selector, 2);
        _add(handler.burn.selector, 1);
        _add(handler.freeze.selector, 1);
        _add(handler.unfreeze.selector, 1);
        _add(handler.replace.selector, 1);
        _add(handler.warp.selector, 2);
    }

    function _addAttacks() private {
        uint256 weight = _attackWeight();
        _add(handler.operate.selector, weight);
        _add(handler.reenter.selector, weight);
        _add(handler.speakFor.selector, weight);
        _add(handler.ficklePay.selector, weight);
        _add(handler.stealGift.selector, weight);
        _add(handler.replay.selector, weight);
        _add(handler.replayOnOtherChain.selector, weight);
        _add(handler.spend.selector, weight);
        _add(handler.dodgeFreeze.selector, weight);
        _add(handler.abuseRefund.selector, weight);
        _add(handler.refundLate.selector, weight);
        _add(handler.donate.selector, weight);
    }

    function _attackWeight() internal pure virtual returns (uint256);
}

/// @dev A market with attackers in it.
contract MarketInvariantsTest is Campaign {
    function _attackWeight() internal pure override returns (uint256) {
        return 1;
    }
}

/// @dev A siege: two calls in five are attacks.
contract SiegeInvariantsTest is Campaign {
    function _attackWeight() internal pure override returns (uint256) {
        return 2;
    }
}
