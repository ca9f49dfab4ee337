// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerchantRegistry} from "../../contracts/MerchantRegistry.sol";
import {PaymentProcessor} from "../../contracts/PaymentProcessor.sol";
import {PointsToken} from "../../contracts/PointsToken.sol";
import {Programs} from "../../contracts/Programs.sol";
import {ReleaseNode} from "../../contracts/ReleaseNode.sol";
import {IMerchantRegistry} from "../../contracts/interfaces/IMerchantRegistry.sol";
import {IPaymentProcessor} from "../../contracts/interfaces/IPaymentProcessor.sol";
import {IPrograms} from "../../contracts/interfaces/IPrograms.sol";
import {IReleaseNode} from "../../contracts/interfaces/IReleaseNode.sol";
import {Handler} from "./Handler.sol";
import {Vm} from "./Vm.sol";

/// @dev The invariants of tests/INVARIANTS.md, by their numbers, after every call of a campaign.
/// forge-config: default.invariant.runs = 12
/// forge-config: default.invariant.depth = 200
/// forge-config: default.invariant.fail-on-revert = true
contract InvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 private constant DEPTH = 200;

    Handler private handler;
    PointsToken private token;
    Programs private programs;
    ReleaseNode private node;
    MerchantRegistry private registry;
    PaymentProcessor private processor;
    uint32 private fec;
    uint32 private fund;

    function setUp() public {
        handler = new Handler();
        handler.setUp();
        address[5] memory found;
        (found[0], found[1], found[2], found[3], found[4], fec, fund) = handler.deployment();
        token = PointsToken(found[0]);
        programs = Programs(found[1]);
        node = ReleaseNode(found[2]);
        registry = MerchantRegistry(found[3]);
        processor = PaymentProcessor(found[4]);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](14);
        selectors[0] = handler.pay.selector;
        selectors[1] = handler.payWithAuthorization.selector;
        selectors[2] = handler.refund.selector;
        selectors[3] = handler.issue.selector;
        selectors[4] = handler.issueReserve.selector;
        selectors[5] = handler.deposit.selector;
        selectors[6] = handler.claim.selector;
        selectors[7] = handler.claimTo.selector;
        selectors[8] = handler.transfer.selector;
        selectors[9] = handler.steal.selector;
        selectors[10] = handler.giveByHand.selector;
        selectors[11] = handler.warp.selector;
        selectors[12] = handler.warp.selector;
        selectors[13] = handler.claim.selector;
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
    }

    /// @dev Without this, a campaign whose calls are all refused would pass. A sequence that failed is replayed
    /// shortened: only a whole campaign is asked.
    function afterInvariant() external view {
        if (handler.calls() < DEPTH) return;
        refundsAreWithinPayments(0);
        string[11] memory actions = [
            "pay",
            "payWithAuthorization",
            "topUp",
            "refund",
            "issue",
            "issueReserve",
            "deposit",
            "claim",
            "claimTo",
            "transfer",
            "steal"
        ];
        for (uint256 i = 0; i < actions.length; ++i) {
            vm.assertGt(handler.done(actions[i]), 0, actions[i]);
        }
    }

    function owed() private view returns (uint256 byEmission, uint256 byFunded) {
        for (uint256 i = 0; i < handler.nodeCount(); ++i) {
            try node.nodeOf(handler.nodes(i)) returns (IReleaseNode.Node memory state) {
                if (state.program == fec) byEmission += state.total - state.claimed;
                else byFunded += state.total - state.claimed;
            } catch {}
        }
    }

    function balances() private view returns (uint256 sum) {
        for (uint256 i = 0; i < handler.payerCount(); ++i) {
            sum += token.balanceOf(handler.payers(i));
        }
        address shop = processor.merchantOf(7).payout;
        return sum + token.balanceOf(shop) + token.balanceOf(address(handler)) + token.balanceOf(address(node));
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
            vm.assertLe(handler.issuedTo(handler.payers(i), day), 1000e6, "6: person");
        }
    }
}
