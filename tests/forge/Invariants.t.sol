// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMerchantRegistry} from "../../contracts/interfaces/IMerchantRegistry.sol";
import {IPaymentProcessor} from "../../contracts/interfaces/IPaymentProcessor.sol";
import {IProgramBooks} from "../../contracts/interfaces/IProgramBooks.sol";
import {IPrograms} from "../../contracts/interfaces/IPrograms.sol";
import {IReleaseNode} from "../../contracts/interfaces/IReleaseNode.sol";
import {NodeToken, Processor, RuleBook, Token} from "./Contracts.sol";
import {Handler} from "./Handler.sol";
import {Vm} from "./Vm.sol";

/// @dev The invariants of tests/INVARIANTS.md, by their numbers, after every call of a campaign.
/// forge-config: default.invariant.runs = 4
/// forge-config: default.invariant.depth = 500
/// forge-config: default.invariant.fail-on-revert = true
contract InvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 private constant DEPTH = 500;

    Handler private handler;
    Token private token;
    RuleBook private programs;
    NodeToken private node;
    Processor private processor;
    uint32 private fec;
    uint32 private fund;

    function setUp() public {
        handler = new Handler();
        handler.setUp();
        (token, programs, node, processor, fec, fund) = handler.deployment();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](27);
        selectors[0] = handler.pay.selector;
        selectors[1] = handler.payWithAuthorization.selector;
        selectors[2] = handler.payBatch.selector;
        selectors[3] = handler.refund.selector;
        selectors[4] = handler.issue.selector;
        selectors[5] = handler.issueReserve.selector;
        selectors[6] = handler.deposit.selector;
        selectors[7] = handler.claim.selector;
        selectors[8] = handler.claim.selector;
        selectors[9] = handler.claimTo.selector;
        selectors[10] = handler.transfer.selector;
        selectors[11] = handler.steal.selector;
        selectors[12] = handler.split.selector;
        selectors[13] = handler.split.selector;
        selectors[14] = handler.merge.selector;
        selectors[15] = handler.merge.selector;
        selectors[16] = handler.give.selector;
        selectors[17] = handler.take.selector;
        selectors[18] = handler.takeBack.selector;
        selectors[19] = handler.setBeneficiary.selector;
        selectors[20] = handler.cancelPayments.selector;
        selectors[21] = handler.burn.selector;
        selectors[22] = handler.freeze.selector;
        selectors[23] = handler.giveByHand.selector;
        selectors[24] = handler.warp.selector;
        selectors[25] = handler.warp.selector;
        selectors[26] = handler.warp.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_T03_T07_T09_T18_T23_allOfThem() external view {
        IProgramBooks.Books memory emission = node.books(fec);
        IProgramBooks.Books memory funded = node.books(fund);
        uint256 supply = token.totalSupply();

        vm.assertLe(funded.committed, funded.reserve, "1: covered");
        vm.assertLe(funded.reserve, token.balanceOf(address(node)), "1: held");

        vm.assertLe(uint256(emission.released) + emission.committed, programs.terms(fec).cap, "2: cap");
        vm.assertLe(uint256(funded.released) + funded.committed, programs.terms(fund).cap, "2: cap");
        uint256 parted = uint256(token.issued()) + token.setApart();
        vm.assertLe(supply + emission.committed, parted, "2: supply and committed");
        vm.assertLe(parted, token.SUPPLY_CAP(), "2: supply cap");
        vm.assertEq(token.issued(), handler.issuedInAll(), "2: issued");
        vm.assertEq(token.setApart(), programs.terms(fec).cap, "2: set apart");

        (uint256 owedByEmission, uint256 owedByFunded) = owed();
        vm.assertEq(emission.committed, owedByEmission, "3: nodes of EMISSION");
        vm.assertEq(funded.committed, owedByFunded, "3: nodes of FUNDED");
        vm.assertEq(uint256(emission.released) + emission.committed, handler.totals(fec), "3: totals of EMISSION");
        vm.assertEq(uint256(funded.released) + funded.committed, handler.totals(fund), "3: totals of FUNDED");

        vm.assertEq(balances(), supply, "4: balances");
        vm.assertEq(supply, handler.minted() - handler.burned(), "4: minted and burned");
        vm.assertEq(token.balanceOf(address(processor)), 0, "4: the processor keeps nothing");

        uint256 orders = handler.madeCount();
        refundsAreWithinPayments(orders < 4 ? 0 : orders - 4); // refunds are of the latest four
        limitsHold(7);
        limitsHold(8);
        vm.assertEq(handler.loot(), 0, "7: an operator was paid");
        vm.assertEq(handler.misdirected(), 0, "8: somebody else was paid");
        vm.assertEq(handler.leaked(), 0, "9: a frozen account sent");
        vm.assertEq(handler.stale(), 0, "10: an authorization that was taken back");
    }

    /// @dev Without this, a campaign whose calls are all refused would pass. A sequence that failed is replayed
    /// shortened: only a whole campaign is asked.
    function afterInvariant() external view {
        if (handler.calls() < DEPTH) return;
        refundsAreWithinPayments(0);
        string[24] memory actions = [
            "pay",
            "payWithAuthorization",
            "payBatch",
            "payBatchWithAuthorization",
            "topUp",
            "refund",
            "issue",
            "issueReserve",
            "deposit",
            "claim",
            "claimBatch",
            "claimTo",
            "transfer",
            "steal",
            "split",
            "merge",
            "give",
            "take",
            "takeBack",
            "setBeneficiary",
            "cancelPayments",
            "burn",
            "freeze",
            "unfreeze"
        ];
        for (uint256 i = 0; i < actions.length; ++i) {
            vm.assertGt(handler.done(actions[i]), 0, actions[i]);
        }
    }

    /// @dev What all nodes are owed; and 3: each account is counted as many nodes as it owns.
    function owed() private view returns (uint256 byEmission, uint256 byFunded) {
        uint256 owned;
        for (uint256 i = 0; i < handler.nodeCount(); ++i) {
            try node.nodeOf(handler.nodes(i)) returns (IReleaseNode.Node memory state) {
                ++owned;
                if (state.program == fec) byEmission += state.total - state.claimed;
                else byFunded += state.total - state.claimed;
            } catch {}
        }
        uint256 counted;
        for (uint256 i = 0; i < handler.payerCount(); ++i) {
            counted += token.nodesOf(handler.payers(i));
        }
        vm.assertEq(counted, owned, "3: nodes are counted");
    }

    function balances() private view returns (uint256 sum) {
        for (uint256 i = 0; i < handler.payerCount(); ++i) {
            sum += token.balanceOf(handler.payers(i));
        }
        return sum + token.balanceOf(processor.payoutOf(7)) + token.balanceOf(address(handler))
            + token.balanceOf(address(node));
    }

    function refundsAreWithinPayments(uint256 from) private view {
        for (uint256 i = from; i < handler.madeCount(); ++i) {
            (IPaymentProcessor.Payment memory payment,, uint64 counted) = handler.made(i);
            (, uint64 refunded,) = processor.orderOf(payment.merchant, payment.order);
            vm.assertLe(refunded, payment.amount, "5: refunded within paid");
            vm.assertEq(refunded, counted, "5: refunded as counted");
        }
    }

    function limitsHold(uint32 merchant) private view {
        uint256 day = handler.day();
        IMerchantRegistry.Merchant memory state = processor.merchantOf(merchant);
        vm.assertEq(state.paidToday, handler.paidOn(merchant, day), "6: paid today");
        vm.assertEq(state.issuedToday, handler.issuedOn(merchant, day), "6: issued today");
        vm.assertLe(state.paidToday, state.paidPerDay, "6: paid per day");
        vm.assertLe(state.issuedToday, state.issuedPerDay, "6: issued per day");
        uint256 quota = merchant == 7 ? 10_000_000e6 : 50_000e6;
        vm.assertEq(state.quota, quota - handler.issuedOf(merchant), "6: quota");
        for (uint256 i = 0; i < handler.payerCount(); ++i) {
            (uint64 limit, uint64 today) = token.personLimit(handler.payers(i));
            vm.assertEq(today, handler.issuedTo(handler.payers(i), day), "6: issued to a person today");
            vm.assertLe(today, limit, "6: person");
        }
    }
}
