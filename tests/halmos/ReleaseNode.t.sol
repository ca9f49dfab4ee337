// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {INodeRenderer} from "../../contracts/interfaces/INodeRenderer.sol";
import {PointsToken} from "../../contracts/PointsToken.sol";
import {ReleaseNode} from "../../contracts/ReleaseNode.sol";
import {PayerShare} from "../../contracts/types/PayerShare.sol";
import {ProgramRules, ProgramRulesFields} from "../../contracts/types/ProgramRules.sol";
import {vm} from "./Vm.sol";

/// @dev Takes an address, so that those of the contracts after it are known.
contract Counter {}

/// @dev The nodes and the points as they are deployed, with a node that has released 29 of 100 periods; then any call
/// about it.
contract ReleaseNodeProperties {
    struct Signature {
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @dev What calls about a node are given.
    struct Arguments {
        address account;
        address to;
        bool approved;
        uint64 amount;
        uint40 time;
        uint256 id;
    }

    uint40 private constant EPOCH = 1_700_006_400;
    uint64 private constant PAID = 1000e6;
    uint32 private constant FEC = 1;
    uint8 private constant TAKE_BACK = 10;
    uint8 private constant TAKE = 11;
    address private constant PROGRAMS = address(0x9809);
    address private constant PROCESSOR = address(0x9A1);
    address private constant SHOP = address(0x5409);
    address private constant OWNER = address(0xA11CE); // has no code
    address private constant BENEFICIARY = address(0xBE2);
    address private constant CLAIMER = address(0xC1A);
    address private constant SELLER = address(0x5E1);
    address private constant BUYER = address(0xB0B);
    address private constant SECRET = address(0x5EC);

    PointsToken private immutable TOKEN;
    ReleaseNode private immutable NODES;
    uint256 private immutable ID;

    constructor() {
        address nodes = address(uint160(address(new Counter())) + 2);
        TOKEN = new PointsToken(address(this), PROCESSOR, nodes);
        NODES = new ReleaseNode(TOKEN, PROGRAMS, PROCESSOR, INodeRenderer(address(0)));
        require(address(NODES) == nodes);
        ID = NODES.idOf(FEC, 1, OWNER);
    }

    /// @dev A payment, as the processor makes it.
    function setUp() public {
        vm.warp(EPOCH);
        ProgramRules rules = ProgramRulesFields.make(false, true, 1000, 10, 100, 7 days, EPOCH, 1e6, 1_000_000e6);
        vm.prank(PROGRAMS);
        NODES.addProgram(FEC, rules, 1_000_000e6);
        _pay(OWNER, PAID / 10);
        vm.warp(EPOCH + 30 * 7 days);
    }

    /// @dev Not even who is approved for the node, and for all of its owner's, turns a payout to anybody else: neither
    /// by this call, nor for what the node releases later, unless it is sold by then.
    function check_T09_anOperatorTurnsNoPayout(
        address operator,
        address anyone,
        bool custody,
        uint8 call,
        Arguments calldata arguments,
        Signature calldata signature
    ) public {
        vm.assume(operator != OWNER && operator != PROCESSOR && operator != PROGRAMS && operator != address(NODES));
        _lend(operator, custody, call == TAKE || call == TAKE_BACK);
        address receiver = custody ? BENEFICIARY : OWNER;
        vm.assume(anyone != receiver);
        uint256 before = TOKEN.balanceOf(anyone);
        _callAs(operator, _calldata(call, arguments, signature));
        assert(TOKEN.balanceOf(anyone) == before);
        if (NODES.ownerOf(ID) == OWNER) vm.warp(EPOCH + 31 * 7 days);
        _callAs(operator, _claim(arguments.to));
        assert(TOKEN.balanceOf(anyone) == before);
    }

    /// @dev Of two equal nodes one is claimed just before both are sold: the nodes, what the sellers and the buyer have
    /// and what the program owes of each are the same.
    /// At the first release, in the middle and after the last: halmos reads no table at a symbolic place.
    function check_T08_claimingJustBeforeTheSaleChangesNothing(bool begins, bool ends, bool small, address anyone)
        public
    {
        uint64 diverted = small ? 11 : PAID / 10;
        (uint256 first, uint256 second) = (_pay(CLAIMER, diverted), _pay(SELLER, diverted));
        vm.warp(_week(begins ? 2 : ends ? 102 : 40));
        uint64 committed = NODES.books(FEC).committed;
        vm.prank(anyone);
        NODES.claim(_one(first));
        _sell(CLAIMER, first);
        uint64 between = NODES.books(FEC).committed;
        _sell(SELLER, second);
        assert(committed - between == between - NODES.books(FEC).committed);
        assert(TOKEN.balanceOf(CLAIMER) == TOKEN.balanceOf(SELLER) && TOKEN.balanceOf(BUYER) == 0);
        assert(keccak256(abi.encode(NODES.nodeOf(first))) == keccak256(abi.encode(NODES.nodeOf(second))));
    }

    /// @dev What is claimed is refunded no more, at whatever time, in whatever amounts.
    /// Claimed at the first release, in the middle or after the last: halmos reads no table at a symbolic place.
    function check_T05_aClaimedNodeIsNotUndone(
        bool begins,
        bool ends,
        address claimer,
        uint40 later,
        uint64 diverted,
        uint64 total
    ) public {
        uint256 id = _pay(CLAIMER, PAID / 10);
        vm.warp(_week(begins ? 2 : ends ? 102 : 40));
        vm.prank(claimer);
        NODES.claim(_one(id));
        vm.assume(later >= block.timestamp);
        vm.warp(later);
        vm.prank(PROCESSOR);
        try NODES.undo(FEC, 1, CLAIMER, diverted, total) {
            assert(false);
        } catch {}
    }

    /// @dev Who directs what another's node releases is its delegate, to the address that it was approved for.
    function check_T09_onlyTheDelegateDirectsAndOnlyWhereItMay(
        address delegate,
        address approved,
        uint64 cap,
        uint40 deadline,
        address caller,
        address to
    ) public {
        vm.assume(caller != OWNER);
        vm.prank(OWNER);
        NODES.approveClaim(delegate, approved, cap, deadline);
        vm.prank(caller);
        NODES.claimTo(_one(ID), to);
        assert(caller == delegate && to == approved);
    }

    /// @dev What a delegate is paid, in time, is within the cap, which falls by as much; the node has released some, or
    /// all. The addresses are those of one delegate (above): with symbolic ones yices 2.6.4 names counterexamples that
    /// are none.
    function check_T09_aDelegateClaimsWithinCapAndDeadline(uint64 cap, uint40 deadline, bool ends) public {
        vm.prank(OWNER);
        NODES.approveClaim(CLAIMER, BENEFICIARY, cap, deadline);
        vm.warp(_week(ends ? 102 : 30));
        vm.prank(CLAIMER);
        uint256 paid = NODES.claimTo(_one(ID), BENEFICIARY);
        assert(0 < paid && paid <= cap && block.timestamp <= deadline);
        assert(TOKEN.balanceOf(BENEFICIARY) == paid);
        (uint64 left, uint40 until) = NODES.claimAllowance(OWNER, CLAIMER, BENEFICIARY);
        assert(left == cap - paid && until == deadline);
    }

    /// @dev A claim approval by signature is the owner's, over all of its terms, and counts its nonce.
    function check_T14_aClaimApprovalIsTheOwnersAndCountsItsNonce(
        address delegate,
        address to,
        uint64 cap,
        uint40 deadline,
        Signature calldata signature
    ) public {
        bytes memory packed = abi.encodePacked(signature.r, signature.s, signature.v);
        NODES.permitClaim(OWNER, delegate, to, cap, deadline, packed);
        bytes32 typehash = keccak256(
            "ClaimApproval(address owner,address delegate,address to,uint64 cap,uint40 deadline,uint256 nonce)"
        );
        bytes32 structHash = keccak256(abi.encode(typehash, OWNER, delegate, to, cap, deadline, 0));
        bytes32 hash = keccak256(abi.encodePacked(hex"1901", _separator(), structHash));
        assert(ecrecover(hash, signature.v, signature.r, signature.s) == OWNER && block.timestamp <= deadline);
        assert(NODES.nonces(OWNER) == 1);
    }

    function _pay(address payer, uint64 diverted) private returns (uint256) {
        PayerShare[] memory shares = new PayerShare[](1);
        shares[0] = PayerShare(payer, PAID - diverted, diverted, type(uint40).max);
        vm.prank(PROCESSOR);
        TOKEN.settleIssue(payer, PAID, 0, false);
        vm.prank(PROCESSOR);
        uint256 made = NODES.topUp(FEC, 1, shares);
        vm.prank(PROCESSOR);
        TOKEN.settle(SHOP, shares, made, false);
        return NODES.idOf(FEC, 1, payer);
    }

    function _sell(address seller, uint256 id) private {
        vm.prank(seller);
        NODES.transferFrom(seller, BUYER, id);
    }

    function _lend(address operator, bool custody, bool given) private {
        vm.prank(OWNER);
        NODES.setApprovalForAll(operator, true);
        vm.prank(OWNER);
        NODES.approve(operator, ID);
        if (custody) {
            vm.prank(OWNER);
            NODES.setBeneficiary(ID, BENEFICIARY);
        }
        if (given) {
            vm.prank(OWNER);
            NODES.give(ID, SECRET, type(uint40).max);
        }
    }

    function _callAs(address caller, bytes memory data) private {
        vm.prank(caller);
        (bool done,) = address(NODES).call(data);
        done; // or not
    }

    /// @dev Every function of holders, operators and takers, about the node, but for signed claim approvals (below); and
    /// three that move points into or out of the books.
    function _calldata(uint8 call, Arguments calldata a, Signature calldata signature)
        private
        view
        returns (bytes memory)
    {
        uint256[] memory ids = _one(ID);
        if (call == 0) return abi.encodeCall(NODES.claim, (ids));
        if (call == 1) return _claim(a.to);
        if (call == 2) return abi.encodeCall(NODES.transferFrom, (a.account, a.to, ID));
        if (call == 3) return abi.encodeWithSelector(0x42842e0e, a.account, a.to, ID);
        if (call == 4) return abi.encodeWithSelector(0xb88d4fde, a.account, a.to, ID, "");
        if (call == 5) return abi.encodeCall(NODES.approve, (a.to, ID));
        if (call == 6) return abi.encodeCall(NODES.setApprovalForAll, (a.to, a.approved));
        if (call == 7) return abi.encodeCall(NODES.approveClaim, (a.account, a.to, a.amount, a.time));
        if (call == 8) return abi.encodeCall(NODES.setBeneficiary, (ID, a.to));
        if (call == 9) return abi.encodeCall(NODES.give, (ID, a.to, a.time));
        if (call == TAKE_BACK) return abi.encodeCall(NODES.takeBack, (ID));
        if (call == TAKE) {
            bytes memory packed = abi.encodePacked(signature.r, signature.s, signature.v);
            return abi.encodeCall(NODES.take, (ID, a.to, packed));
        }
        if (call == 12) {
            uint64[] memory totals = new uint64[](1);
            totals[0] = a.amount;
            return abi.encodeCall(NODES.split, (ID, totals));
        }
        if (call == 13) return abi.encodeCall(NODES.merge, (ID, _one(a.id)));
        if (call == 14) return abi.encodeCall(NODES.undo, (FEC, 1, a.account, a.amount, a.amount));
        if (call == 15) return abi.encodeCall(NODES.deposit, (FEC, a.amount));
        return abi.encodeCall(NODES.commitIssue, (FEC, a.account, a.to, a.amount));
    }

    function _claim(address to) private view returns (bytes memory) {
        if (to == address(0)) return abi.encodeCall(NODES.claim, (_one(ID)));
        return abi.encodeCall(NODES.claimTo, (_one(ID), to));
    }

    /// @dev When a period of the program begins.
    function _week(uint256 period) private pure returns (uint256) {
        return EPOCH + 7 days * period;
    }

    function _one(uint256 id) private pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = id;
    }

    function _separator() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("chainpoints release node"),
                keccak256("1"),
                block.chainid,
                NODES
            )
        );
    }
}
