// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPaymentProcessor, Setup} from "./Setup.sol";

/// @dev What calls cost at most, each as a transaction of its own, with its 21,000 and its calldata. Gas is exact: what
/// passes its limit is a change to explain. `-vv` prints what is measured.
/// forge-config: default.isolate = true
contract GasTest is Setup {
    event log_named_uint(string what, uint256 gas);

    function test_gas_pay() public {
        give(alice, 10 * POINT);
        pay(alice, "1");
        costs("pay: the first of program, payer and merchant", 168_500);
        pay(alice, "2");
        costs("pay: top-up", 111_500);
        vm.warp(EPOCH + 8 days);
        paid(bob, fec, POINT, "3");
        pay(alice, "4");
        costs("pay: a new node of a known payer", 134_000);
        give(stranger, 10 * POINT);
        pay(stranger, "5");
        costs("pay: a new node of a new payer", 151_000);
        vm.prank(shop);
        processor.refund(paymentOf(alice, fec, POINT, "4"), 2, POINT / 2);
        costs("refund: a part", 101_000);
        vm.prank(shop);
        processor.refund(paymentOf(alice, fec, POINT, "4"), 2, POINT / 2);
        costs("refund: the rest, the node ends", 106_000);
    }

    function test_gas_payFunded() public {
        endow(1000 * POINT);
        paid(bob, fund, POINT, "1");
        give(alice, 10 * POINT);
        pay(alice, "0");
        vm.prank(alice);
        processor.pay(paymentOf(alice, fund, POINT, "2"));
        costs("pay: a new node of a known payer, FUNDED", 134_500);
    }

    function test_gas_payByAuthorization() public {
        paid(bob, fec, POINT, "0");
        give(alice, 200 * POINT);
        authorizedPay("1");
        authorizedPay("2");
        costs("payWithAuthorization: top-up", 121_500);
        vm.warp(EPOCH + 8 days);
        paid(bob, fec, POINT, "3");
        authorizedPay("4");
        costs("payWithAuthorization: a new node of a known payer", 144_500);
        IPaymentProcessor.Payment[] memory payments = new IPaymentProcessor.Payment[](100);
        IPaymentProcessor.Authorization[] memory authorizations = new IPaymentProcessor.Authorization[](100);
        for (uint256 i = 0; i < 100; ++i) {
            payments[i] = paymentOf(alice, fec, POINT, bytes32(i + 1000));
            authorizations[i] = authorized(ALICE_KEY, payments[i]);
        }
        processor.payBatchWithAuthorization(payments, authorizations);
        costs("payBatchWithAuthorization: 100 top-ups", 5_850_000);
    }

    function test_gas_claimAndTransfer() public {
        uint256 id = paid(alice, fec, POINT, "1");
        vm.warp(unlock(fec));
        claimOne(id);
        costs("claim: the first of program and owner", 83_000);
        vm.warp(unlock(fec) + 7 days);
        claimOne(id);
        costs("claim: one period later", 66_500);
        vm.warp(unlock(fec) + 50 * 7 days);
        claimOne(id);
        costs("claim: fifty periods later", 66_500);
        vm.prank(alice);
        node.transferFrom(alice, bob, id);
        costs("transferFrom: nothing claimable", 67_000);
        vm.warp(unlock(fec) + 60 * 7 days);
        vm.prank(bob);
        node.transferFrom(bob, alice, id);
        costs("transferFrom: with settlement", 116_000);
        vm.warp(unlock(fec) + 200 * 7 days);
        claimOne(id);
        costs("claim: the last", 66_000);
    }

    function test_gas_claimTo() public {
        uint256 id = paid(alice, fec, POINT, "1");
        give(bob, 1);
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.claimTo(one(id), bob);
        vm.prank(alice);
        node.approveClaim(stranger, bob, POINT, type(uint40).max);
        costs("approveClaim", 47_500);
        vm.warp(unlock(fec) + 7 days);
        vm.prank(stranger);
        node.claimTo(one(id), bob);
        costs("claimTo: by a delegate", 77_000);
    }

    function test_gas_claimFiveHundred() public {
        uint256[] memory ids = new uint256[](500);
        give(alice, 500 * POINT);
        for (uint256 i = 0; i < 500; ++i) {
            vm.warp(EPOCH + i * 7 days);
            pay(alice, bytes32(i));
            ids[i] = node.idOf(fec, uint24(i + 1), alice);
        }
        vm.warp(EPOCH + 502 * 7 days);
        node.claim(ids);
        costs("claim: 500 nodes of one owner", 9_750_000);
    }

    function test_gas_issue() public {
        processor.issue(issueOf(alice, POINT, 0, "1"));
        costs("issue: points, the first", 158_000);
        processor.issue(issueOf(alice, POINT, 0, "2"));
        costs("issue: points, again", 106_500);
        processor.issue(issueOf(alice, 0, POINT, "3"));
        costs("issue: a node, the first", 189_500);
        processor.issue(issueOf(alice, 0, POINT, "4"));
        costs("issue: a node, top-up", 132_500);
    }

    function test_gas_token() public {
        give(alice, 10);
        give(bob, 10);
        vm.prank(alice);
        token.transfer(bob, 1);
        costs("transfer of points", 37_000);
    }

    function pay(address payer, bytes32 order) private {
        vm.prank(payer);
        processor.pay(paymentOf(payer, fec, POINT, order));
    }

    function authorizedPay(bytes32 order) private {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, order);
        IPaymentProcessor.Authorization memory authorization = authorized(ALICE_KEY, payment);
        processor.payWithAuthorization(payment, authorization);
    }

    function costs(string memory what, uint256 limit) private {
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint(what, gas);
        vm.assertLe(gas, limit, what);
    }
}
