// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAnchorRegistry} from "../../contracts/interfaces/IAnchorRegistry.sol";
import {IMerchantRegistry} from "../../contracts/interfaces/IMerchantRegistry.sol";
import {INodeRenderer} from "../../contracts/interfaces/INodeRenderer.sol";
import {IPaymentProcessor} from "../../contracts/interfaces/IPaymentProcessor.sol";
import {IPointsToken} from "../../contracts/interfaces/IPointsToken.sol";
import {IProgramBooks} from "../../contracts/interfaces/IProgramBooks.sol";
import {IPrograms} from "../../contracts/interfaces/IPrograms.sol";
import {IReleaseNode} from "../../contracts/interfaces/IReleaseNode.sol";
import {NodeToken, Processor, RuleBook, Token} from "./Contracts.sol";
import {Tables} from "./Tables.sol";
import {Vm} from "./Vm.sol";

/// @dev A whole deployment with roles, two programs and a merchant. This contract is the admin and holds every role.
/// Time stands one day into period 0, so a payment's node starts with period 1.
abstract contract Setup {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint40 internal constant EPOCH = 1_700_006_400; // a UTC midnight
    uint64 internal constant POINT = 1e6;
    uint32 internal constant SHOP = 7;
    uint256 internal constant ALICE_KEY = 0xA11CE;
    uint256 internal constant SHOP_KEY = 0x5409;
    uint64 internal constant DAY_LIMIT = 10_000_000 * POINT;

    AccessManager internal manager;
    Token internal token;
    RuleBook internal programs;
    NodeToken internal node;
    Processor internal processor;
    IAnchorRegistry internal anchors;
    INodeRenderer internal renderer;

    address internal alice = vm.addr(ALICE_KEY);
    address internal shop = vm.addr(SHOP_KEY);
    address internal bob = address(0xB0B);
    address internal stranger = address(0x57A);

    uint32 internal fec; // EMISSION, 100 weeks, as published
    uint32 internal fund; // FUNDED, 4 days on a straight line, twice what is diverted

    function setUp() public virtual {
        vm.warp(EPOCH + 1 days);
        manager = new AccessManager(address(this));
        uint256 nonce = vm.getNonce(address(this));
        address nodeAt = vm.computeCreateAddress(address(this), nonce + 3);
        address processorAt = vm.computeCreateAddress(address(this), nonce + 4);
        token = Token(deploy("PointsToken", abi.encode(manager, processorAt, nodeAt)));
        programs = RuleBook(deploy("Programs", abi.encode(manager, token, nodeAt)));
        renderer = INodeRenderer(deploy("NodeRenderer", ""));
        node = NodeToken(deploy("ReleaseNode", abi.encode(token, programs, processorAt, renderer)));
        processor = Processor(deploy("PaymentProcessor", abi.encode(manager, token, node)));
        anchors = IAnchorRegistry(deploy("AnchorRegistry", abi.encode(manager)));
        _grantRoles();

        fec = programs.open(fecTerms(), "FEC", Tables.FEC);
        fund = programs.open(fundTerms(), "Fund", Tables.straight(4));
        processor.register(SHOP, shop, "Shop", DAY_LIMIT, DAY_LIMIT);
        processor.addQuota(SHOP, DAY_LIMIT, "receipt");
    }

    /// @dev Deploys what was compiled, so that a test file is compiled without the contracts.
    function deploy(string memory name, bytes memory args) internal returns (address) {
        return vm.deployCode(string.concat(name, ".sol:", name), args);
    }

    function fecTerms() internal pure returns (IPrograms.Terms memory) {
        return IPrograms.Terms({
            funding: IPrograms.Funding.EMISSION,
            divertBps: 1000,
            multiplier: 10,
            periods: 100,
            periodLength: 7 days,
            epoch: EPOCH,
            growthNumerator: 21,
            growthDenominator: 20,
            minPayment: POINT,
            payerPeriodCap: 1_000_000 * POINT,
            cap: 1_000_000_000 * POINT,
            termsHash: keccak256("FEC")
        });
    }

    function fundTerms() internal pure returns (IPrograms.Terms memory rules) {
        rules = fecTerms();
        rules.funding = IPrograms.Funding.FUNDED;
        rules.multiplier = 2;
        rules.periods = 4;
        rules.periodLength = 1 days;
        (rules.growthNumerator, rules.growthDenominator) = (1, 1);
        rules.termsHash = keccak256("fund");
    }

    function paymentOf(address payer, uint32 program, uint64 amount, bytes32 order)
        internal
        pure
        returns (IPaymentProcessor.Payment memory)
    {
        return IPaymentProcessor.Payment(SHOP, program, amount, payer, order);
    }

    function issueOf(address customer, uint64 points, uint64 total, bytes32 order)
        internal
        view
        returns (IPaymentProcessor.Issue memory)
    {
        return IPaymentProcessor.Issue(SHOP, total == 0 ? 0 : fund, points, total, customer, order, "evidence");
    }

    /// @dev Gives new points to `account`, as a release to it would, past every limit of issues.
    function give(address account, uint64 amount) internal {
        vm.prank(address(processor));
        token.settleReserve(amount);
        vm.prank(address(node));
        token.releaseTo(account, account, amount, true);
    }

    /// @dev Puts points into the FUNDED program's reserve.
    function endow(uint64 amount) internal {
        give(address(this), amount);
        token.approve(address(node), amount);
        node.deposit(fund, amount);
    }

    /// @dev A payment out of new points; the node's id.
    function paid(address payer, uint32 program, uint64 amount, bytes32 order) internal returns (uint256) {
        give(payer, amount);
        vm.prank(payer);
        processor.pay(paymentOf(payer, program, amount, order));
        return node.idOf(program, programs.currentPeriod(program) + 1, payer);
    }

    function claimOne(uint256 id) internal returns (uint256) {
        return node.claim(one(id));
    }

    function one(uint256 id) internal pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = id;
    }

    /// @dev When a node that starts with period 1 makes its first release.
    function unlock(uint32 program) internal view returns (uint256) {
        return EPOCH + 2 * uint256(programs.terms(program).periodLength);
    }

    function sign(uint256 key, bytes32 separator, bytes32 structHash) internal pure returns (bytes memory) {
        return signHash(key, keccak256(abi.encodePacked(hex"1901", separator, structHash)));
    }

    function signHash(uint256 key, bytes32 hash) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, hash);
        return abi.encodePacked(r, s, v);
    }

    /// @dev An authorization of the payment, signed by `key`, valid around now.
    function authorized(uint256 key, IPaymentProcessor.Payment memory payment)
        internal
        view
        returns (IPaymentProcessor.Authorization memory)
    {
        uint40 validBefore = uint40(block.timestamp + 1 hours);
        return
            IPaymentProcessor.Authorization(
                0, validBefore, signHash(key, processor.paymentHash(payment, 0, validBefore))
            );
    }

    /// @dev An authorization of the next refund of the payment, signed by `key`, valid around now.
    function authorizedRefund(uint256 key, IPaymentProcessor.Payment memory payment, uint24 start, uint64 amount)
        internal
        view
        returns (IPaymentProcessor.Authorization memory)
    {
        uint40 validBefore = uint40(block.timestamp + 1 hours);
        bytes32 hash = processor.refundHash(payment, start, amount, 0, validBefore);
        return IPaymentProcessor.Authorization(0, validBefore, signHash(key, hash));
    }

    function _grantRoles() private {
        bytes4[] memory registrar = new bytes4[](4);
        registrar[0] = processor.register.selector;
        registrar[1] = processor.setActive.selector;
        registrar[2] = processor.setLimits.selector;
        registrar[3] = processor.addQuota.selector;
        _grant(1, address(processor), registrar);
        bytes4[] memory issuer = new bytes4[](3);
        issuer[0] = processor.issue.selector;
        issuer[1] = processor.issueBatch.selector;
        issuer[2] = processor.issueReserve.selector;
        _grant(2, address(processor), issuer);
        bytes4[] memory programManager = new bytes4[](2);
        programManager[0] = programs.open.selector;
        programManager[1] = programs.replace.selector;
        _grant(3, address(programs), programManager);
        bytes4[] memory guardian = new bytes4[](2);
        guardian[0] = token.freeze.selector;
        guardian[1] = token.unfreeze.selector;
        _grant(4, address(token), guardian);
        bytes4[] memory anchorer = new bytes4[](1);
        anchorer[0] = anchors.append.selector;
        _grant(5, address(anchors), anchorer);
        bytes4[] memory approver = new bytes4[](1);
        approver[0] = processor.approveIssue.selector;
        _grant(6, address(processor), approver);
    }

    function _grant(uint64 role, address target, bytes4[] memory selectors) private {
        manager.setTargetFunctionRole(target, selectors, role);
        manager.grantRole(role, address(this), 0);
    }

    /// @dev The EIP-712 domain of the processor, written out.
    function domain() internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("chainpoints payments"),
                keccak256("1"),
                block.chainid,
                processor
            )
        );
    }
}
