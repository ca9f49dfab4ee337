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
    struct Signature {
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @dev When a signed message is valid.
    struct Times {
        uint40 validAfter;
        uint40 validBefore;
    }

    uint40 private constant NOW = 1_700_006_400;
    uint64 private constant DAY_LIMIT = 10_000_000e6;
    uint64 private constant SMALLEST = 1e6;
    uint32 private constant SHOP = 7;
    uint24 private constant START = 1;
    address private constant ADMIN = address(0xAD);
    address private constant PAYOUT = address(0x5409);
    address private constant PAYER = address(0xA11CE); // has no code

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

    function check_T02_aPaymentBelowTheMinimumIsRefused(address payer, uint32 program, uint64 amount, bytes32 order)
        public
    {
        vm.prank(payer);
        PROCESSOR.pay(IPaymentProcessor.Payment(SHOP, program, amount, payer, order));
        assert(amount >= SMALLEST);
    }

    /// @dev A payment that anybody sends is the payer's, by its signature over all of the terms, within their times, and
    /// is made once. Of one amount, so that what a bug does is found in seconds: of any amount it is asked below.
    function check_T14_aSignedPaymentIsThePayersAndIsMadeOnce(
        uint32 program,
        bytes32 order,
        Times calldata times,
        Signature calldata signature,
        address sender,
        address other,
        uint40 later
    ) public {
        IPaymentProcessor.Payment memory payment = IPaymentProcessor.Payment(SHOP, program, 1000e6, PAYER, order);
        bytes memory data = _signedPayment(payment, times, signature);
        vm.assume(_callAs(sender, data));
        assert(_signer(_paymentHash(payment, times), signature) == PAYER);
        assert(times.validAfter < NOW && NOW < times.validBefore);
        (bytes24 commitment,,) = PROCESSOR.orderOf(SHOP, order);
        vm.assume(commitment != 0); // to halmos a hash may be anything
        vm.warp(later);
        assert(!_callAs(other, data));
    }

    /// @dev Who signed one payment, and nothing else, makes that one: its signature pays no other order, amount, merchant
    /// or program, and none at another time. Orders other than its own are not paid.
    function check_T13_aSignedPaymentBindsItsOrder(
        IPaymentProcessor.Payment calldata signed,
        Times calldata signedTimes,
        IPaymentProcessor.Payment calldata sent,
        Times calldata sentTimes,
        Signature calldata signature,
        address sender,
        bytes32 other
    ) public {
        vm.assume(signed.payer == PAYER && sent.payer == PAYER && other != signed.order);
        bytes32 hash = _paymentHash(sent, sentTimes);
        vm.assume(hash == _paymentHash(signed, signedTimes) || _signer(hash, signature) != PAYER);
        vm.assume(_callAs(sender, _signedPayment(sent, sentTimes, signature)));
        assert(keccak256(abi.encode(sent, sentTimes)) == keccak256(abi.encode(signed, signedTimes)));
        (bytes24 commitment,,) = PROCESSOR.orderOf(sent.merchant, other);
        assert(commitment == 0);
    }

    /// @dev A refund that anybody sends is the payout address's, by its signature over all of the terms, within their
    /// times.
    function check_T14_aSignedRefundIsThePayoutAddresses(
        uint64 amount,
        bytes32 order,
        Times calldata times,
        Signature calldata signature,
        address sender
    ) public {
        IPaymentProcessor.Payment memory payment = _pay(order);
        vm.assume(_callAs(sender, _signedRefund(payment, amount, times, signature)));
        assert(_signer(_refundHash(payment, amount, 0, times), signature) == PAYOUT);
        assert(times.validAfter < NOW && NOW < times.validBefore);
    }

    /// @dev The message that would make it once more is another. Of one amount, so that what a bug does is found in
    /// seconds.
    function check_T14_aSignedRefundIsMadeOnce(
        bytes32 order,
        Times calldata times,
        Signature calldata signature,
        address sender
    ) public {
        uint64 amount = 250e6;
        IPaymentProcessor.Payment memory payment = _pay(order);
        bytes memory data = _signedRefund(payment, amount, times, signature);
        vm.assume(_callAs(sender, data));
        vm.assume(_signer(_refundHash(payment, amount, amount, times), signature) != PAYOUT);
        assert(!_callAs(sender, data));
    }

    /// @dev Two refunds of a payment, of any amounts.
    function check_T07_refundsAreAtMostThePayment(uint64 paid, uint64 first, uint64 second, bytes32 order, uint40 later)
        public
    {
        IPaymentProcessor.Payment memory payment = IPaymentProcessor.Payment(SHOP, 1, paid, PAYER, order);
        vm.prank(PAYER);
        PROCESSOR.pay(payment);
        vm.warp(later);
        vm.prank(PAYOUT);
        PROCESSOR.refund(payment, START, first);
        vm.prank(PAYOUT);
        PROCESSOR.refund(payment, START, second);
        assert(uint256(first) + second <= paid);
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

    function _pay(bytes32 order) private returns (IPaymentProcessor.Payment memory payment) {
        payment = IPaymentProcessor.Payment(SHOP, 1, 1000e6, PAYER, order);
        vm.prank(PAYER);
        PROCESSOR.pay(payment);
    }

    function _callAs(address caller, bytes memory data) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(PROCESSOR).call(data);
    }

    function _signedPayment(
        IPaymentProcessor.Payment memory payment,
        Times calldata times,
        Signature calldata signature
    ) private view returns (bytes memory) {
        return abi.encodeCall(PROCESSOR.payWithAuthorization, (payment, _authorization(times, signature)));
    }

    function _signedRefund(
        IPaymentProcessor.Payment memory payment,
        uint64 amount,
        Times calldata times,
        Signature calldata signature
    ) private view returns (bytes memory) {
        IPaymentProcessor.Authorization memory authorization = _authorization(times, signature);
        return abi.encodeCall(PROCESSOR.refundWithAuthorization, (payment, START, amount, authorization));
    }

    function _authorization(Times calldata times, Signature calldata signature)
        private
        pure
        returns (IPaymentProcessor.Authorization memory)
    {
        bytes memory packed = abi.encodePacked(signature.r, signature.s, signature.v);
        return IPaymentProcessor.Authorization(times.validAfter, times.validBefore, packed);
    }

    function _signer(bytes32 hash, Signature calldata signature) private pure returns (address) {
        return ecrecover(hash, signature.v, signature.r, signature.s);
    }

    function _paymentHash(IPaymentProcessor.Payment memory payment, Times calldata times)
        private
        view
        returns (bytes32)
    {
        bytes32 typehash = keccak256(
            "Payment(uint32 merchant,uint32 program,uint64 amount,address payer,bytes32 order,uint40 validAfter,uint40 validBefore)"
        );
        return _typed(keccak256(abi.encode(typehash, payment, times)));
    }

    function _refundHash(IPaymentProcessor.Payment memory payment, uint64 amount, uint64 refunded, Times calldata times)
        private
        view
        returns (bytes32)
    {
        bytes32 typehash = keccak256(
            "Refund(uint32 merchant,uint32 program,uint64 paid,address payer,bytes32 order,uint24 start,uint64 amount,uint64 refunded,uint40 validAfter,uint40 validBefore)"
        );
        return _typed(keccak256(abi.encode(typehash, payment, START, amount, refunded, times)));
    }

    /// @dev As EIP-712 has it.
    function _typed(bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 separator =
            keccak256(abi.encode(domain, keccak256("chainpoints payments"), keccak256("1"), block.chainid, PROCESSOR));
        return keccak256(abi.encodePacked(hex"1901", separator, structHash));
    }
}
