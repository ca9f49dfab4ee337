// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {PointsToken} from "../../contracts/PointsToken.sol";
import {PayerShare} from "../../contracts/types/PayerShare.sol";
import {svm, vm} from "./Vm.sol";

/// @dev The points as they are deployed, called with any calldata.
contract PointsTokenProperties {
    struct Terms {
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    struct Signature {
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    uint40 private constant NOW = 1_700_006_400;
    uint64 private constant HELD = 1000e6;
    address private constant ADMIN = address(0xAD);
    address private constant PROCESSOR = address(0x9A1);
    address private constant NODES = address(0xADB);
    address private constant HOLDER = address(0xA11CE); // has no code

    AccessManager private immutable MANAGER = new AccessManager(ADMIN);
    PointsToken private immutable TOKEN = new PointsToken(address(MANAGER), PROCESSOR, NODES);

    function setUp() public {
        vm.warp(NOW);
        vm.prank(PROCESSOR);
        TOKEN.settleIssue(HOLDER, HELD, 0, false);
    }

    /// @dev The supply, and what roles guard.
    function check_T17_aStrangersCallCreatesAndFreezesNothing(address stranger) public {
        _requireStranger(stranger);
        _call(stranger);
        assert(TOKEN.issued() == HELD && TOKEN.setApart() == 0);
        assert(TOKEN.authority() == address(MANAGER));
        (uint64 issuedPerDay,) = TOKEN.personLimit(HOLDER);
        assert(issuedPerDay == HELD && TOKEN.frozenUntil(HOLDER) == 0);
    }

    /// @dev Not even the admin settles, or the nodes; nor does the admin release, or the processor.
    function check_T17_onlyTheProcessorSettlesAndOnlyTheNodesRelease(address caller) public {
        bytes4 selector = _call(caller);
        if (caller != PROCESSOR) {
            assert(selector != TOKEN.settle.selector && selector != TOKEN.settleRefund.selector);
            assert(selector != TOKEN.settleIssue.selector && selector != TOKEN.settleReserve.selector);
        }
        if (caller != NODES) {
            assert(selector != TOKEN.releaseTo.selector && selector != TOKEN.handOver.selector);
            assert(selector != TOKEN.recount.selector && selector != TOKEN.setSupplyApart.selector);
        }
    }

    /// @dev The holder allowed nobody anything; what needs its signature, only its signature does (below).
    function check_T13_aStrangersCallTakesNothing(address stranger, address spender) public {
        _requireStranger(stranger);
        vm.assume(stranger != HOLDER);
        bytes4 selector = _call(stranger);
        if (!_movesBySignature(selector)) assert(TOKEN.balanceOf(HOLDER) >= HELD);
        if (!_permits(selector)) assert(TOKEN.allowance(HOLDER, spender) == 0);
    }

    /// @dev A transfer that needs a signature needs the holder's, over all of its terms, and happens once.
    function check_T14_anAuthorizationIsTheHoldersAndIsUsedOnce(
        Terms calldata terms,
        Signature calldata signature,
        address caller,
        bool receives
    ) public {
        bytes4 selector = receives ? bytes4(0x88b7ab63) : bytes4(0xcf092995);
        bytes memory packed = abi.encodePacked(signature.r, signature.s, signature.v);
        bytes memory data = bytes.concat(
            selector,
            abi.encode(HOLDER, terms.to, terms.value, terms.validAfter, terms.validBefore, terms.nonce, packed)
        );
        vm.assume(_callWith(caller, data));
        bytes32 typehash = receives
            ? keccak256(
                "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
            )
            : keccak256(
                "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
            );
        assert(_signer(keccak256(abi.encode(typehash, HOLDER, terms)), signature) == HOLDER);
        assert(terms.validAfter < NOW && NOW < terms.validBefore);
        assert(!receives || caller == terms.to);
        assert(!_callWith(caller, data));
    }

    /// @dev An allowance by signature is the holder's, and is given once.
    function check_T14_aPermitIsTheHoldersAndCountsItsNonce(
        address spender,
        uint256 value,
        uint256 deadline,
        Signature calldata signature
    ) public {
        TOKEN.permit(HOLDER, spender, value, deadline, signature.v, signature.r, signature.s);
        bytes32 typehash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash = keccak256(abi.encode(typehash, HOLDER, spender, value, 0, deadline));
        assert(_signer(structHash, signature) == HOLDER && NOW <= deadline);
        assert(TOKEN.nonces(HOLDER) == 1);
    }

    /// @dev What the processor settles needs no allowance, whatever there is of them, and leaves each as it was.
    function check_T12_aPaymentNeedsNoAllowanceAndUsesNone(
        address payout,
        address spender,
        address other,
        uint64 allowed,
        uint64 merchantShare,
        uint64 diverted,
        bool funded
    ) public {
        vm.assume(payout != address(0) && payout != address(TOKEN) && spender != address(0) && other != spender);
        vm.assume(uint256(merchantShare) + diverted <= HELD);
        vm.prank(HOLDER);
        TOKEN.approve(spender, allowed);
        PayerShare[] memory shares = new PayerShare[](1);
        shares[0] = PayerShare(HOLDER, merchantShare, diverted, type(uint40).max);
        bytes memory data = abi.encodeCall(TOKEN.settle, (payout, shares, 0, funded));
        assert(_callWith(PROCESSOR, data));
        assert(TOKEN.allowance(HOLDER, spender) == allowed && TOKEN.allowance(HOLDER, other) == 0);
    }

    /// @dev A payment that was valid at some moment before the payer took its payments back.
    function check_T14_paymentsTakenBackAreNotSettled(
        uint40 cancelledAt,
        uint40 moment,
        address payout,
        uint64 merchantShare,
        uint64 diverted,
        uint40 validAfter,
        bool funded
    ) public {
        vm.assume(NOW <= cancelledAt && validAfter < moment && moment < cancelledAt);
        vm.warp(cancelledAt);
        vm.prank(HOLDER);
        TOKEN.cancelPayments();
        PayerShare[] memory shares = new PayerShare[](1);
        shares[0] = PayerShare(HOLDER, merchantShare, diverted, validAfter);
        vm.prank(PROCESSOR);
        try TOKEN.settle(payout, shares, 0, funded) {
            assert(false);
        } catch {}
    }

    function _requireStranger(address stranger) private view {
        vm.assume(stranger != ADMIN && stranger != PROCESSOR && stranger != NODES);
        vm.assume(stranger != address(MANAGER));
    }

    /// @dev Any call that succeeds, since one that reverts changes nothing; its selector. halmos tries arrays of 0 to 2
    /// entries, and bytes of 0, 65 and 1,024.
    function _call(address caller) private returns (bytes4 selector) {
        bytes memory data = svm.createCalldata("PointsToken");
        selector = bytes4(data);
        vm.assume(_callWith(caller, data));
    }

    function _callWith(address caller, bytes memory data) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(TOKEN).call(data);
    }

    function _signer(bytes32 structHash, Signature calldata signature) private view returns (address) {
        bytes32 hash = keccak256(abi.encodePacked(hex"1901", TOKEN.DOMAIN_SEPARATOR(), structHash));
        return ecrecover(hash, signature.v, signature.r, signature.s);
    }

    function _movesBySignature(bytes4 selector) private pure returns (bool) {
        return selector == 0xe3ee160e || selector == 0xcf092995 || selector == 0xef55bec6 || selector == 0x88b7ab63;
    }

    function _permits(bytes4 selector) private pure returns (bool) {
        return selector == 0xd505accf || selector == 0x9fd5a6cf;
    }
}
