// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IMerchantRegistry} from "../../contracts/interfaces/IMerchantRegistry.sol";
import {IPaymentProcessor} from "../../contracts/interfaces/IPaymentProcessor.sol";
import {IPointsToken} from "../../contracts/interfaces/IPointsToken.sol";
import {IReleaseNode} from "../../contracts/interfaces/IReleaseNode.sol";
import {PaymentProcessor} from "../../contracts/PaymentProcessor.sol";
import {ProgramRules, ProgramRulesFields} from "../../contracts/types/ProgramRules.sol";
import {svm, vm} from "./Vm.sol";

/// @dev Points and nodes that agree to everything: what is refused, the processor refuses.
contract Agreeing {
    fallback(bytes calldata) external returns (bytes memory) {
        return abi.encode(0, 0);
    }

    function termsNow(uint32) external pure returns (ProgramRules, uint24) {
        return (rulesOf(0), 1);
    }

    function rulesOf(uint32) public pure returns (ProgramRules) {
        return ProgramRulesFields.make(false, true, 1000, 10, 100, 7 days, 1_700_006_400, 1e6, 1_000_000e6);
    }
}

/// @dev The processor as it is deployed, with one merchant.
contract PaymentProcessorProperties {
    uint40 private constant NOW = 1_700_006_400;
    uint64 private constant DAY_LIMIT = 10_000_000e6;
    uint32 private constant SHOP = 7;
    address private constant ADMIN = address(0xAD);
    address private constant PAYOUT = address(0x5409);

    AccessManager private immutable MANAGER = new AccessManager(ADMIN);
    PaymentProcessor private immutable PROCESSOR;

    constructor() {
        address agreeing = address(new Agreeing());
        PROCESSOR = new PaymentProcessor(address(MANAGER), IPointsToken(agreeing), IReleaseNode(agreeing));
    }

    function setUp() public {
        vm.warp(NOW);
        vm.prank(ADMIN);
        PROCESSOR.register(SHOP, PAYOUT, "Shop", DAY_LIMIT, DAY_LIMIT);
        vm.prank(ADMIN);
        PROCESSOR.addQuota(SHOP, DAY_LIMIT, "receipt");
    }

    /// @dev Whoever pays it, how much, when and in which program.
    function check_T16_anOrderIsPaidOnce(
        address payer,
        uint64 amount,
        bytes32 order,
        address other,
        uint64 otherAmount,
        uint32 program,
        uint40 later,
        bool inBatch
    ) public {
        vm.prank(payer);
        PROCESSOR.pay(IPaymentProcessor.Payment(SHOP, 1, amount, payer, order));
        (bytes24 commitment,,) = PROCESSOR.orderOf(SHOP, order);
        vm.assume(commitment != 0); // to halmos a hash may be anything
        vm.warp(later);
        IPaymentProcessor.Payment[] memory again = new IPaymentProcessor.Payment[](1);
        again[0] = IPaymentProcessor.Payment(SHOP, program, otherAmount, other, order);
        bytes memory data =
            inBatch ? abi.encodeCall(PROCESSOR.payBatch, (again)) : abi.encodeCall(PROCESSOR.pay, (again[0]));
        vm.prank(other);
        (bool done,) = address(PROCESSOR).call(data);
        assert(!done);
    }

    /// @dev Issues, approvals and merchants are as they were. Batches are of one, signatures of 65 bytes.
    /// @custom:halmos --default-array-lengths 1 --default-bytes-lengths 65
    function check_T17_aStrangersCallIssuesAndApprovesNothing(address stranger, bytes32 anything) public {
        vm.assume(stranger != ADMIN && stranger != PAYOUT && stranger != address(MANAGER));
        bytes memory data = svm.createCalldata("PaymentProcessor");
        vm.prank(stranger);
        (bool done,) = address(PROCESSOR).call(data);
        vm.assume(done);
        assert(PROCESSOR.approvalThreshold() == 100_000e6 && PROCESSOR.approverOf(anything) == address(0));
        assert(PROCESSOR.authority() == address(MANAGER));
        IMerchantRegistry.Merchant memory merchant = PROCESSOR.merchantOf(SHOP);
        assert(merchant.payout == PAYOUT && merchant.active);
        assert(merchant.paidPerDay == DAY_LIMIT && merchant.issuedPerDay == DAY_LIMIT);
        assert(merchant.quota == DAY_LIMIT && merchant.issuedToday == 0);
    }
}
