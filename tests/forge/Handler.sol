// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PaymentMath} from "../../contracts/libraries/PaymentMath.sol";
import {IPaymentProcessor, IPrograms, IReleaseNode, Setup} from "./Setup.sol";
import {Wallet} from "./Wallet.sol";

/// @dev The actors of a campaign. Each action picks among a few accounts, programs and orders, does one call, and counts
/// beside the contracts what it should have done. A call may be refused; an action never fails by itself.
contract Handler is Setup {
    struct Made {
        IPaymentProcessor.Payment payment;
        uint24 start;
        uint64 refunded;
    }

    uint32 internal constant OTHER = 8;
    uint64 internal constant PAID_PER_DAY = 40_000 * POINT;
    uint64 internal constant ISSUED_PER_DAY = 3000 * POINT;
    uint64 internal constant QUOTA = 50_000 * POINT;

    uint256[4] private _keys = [uint256(0xA11CE), 0xB0B, 0xCA401, 0xD0D0];
    address[] public payers; // three accounts, a contract wallet (key 3), and the attacker
    Wallet public attacker;

    uint256 public calls;
    uint256 public minted;
    uint256 public burned;
    uint256 public issuedInAll;
    uint256 public loot; // what the attacker was paid of nodes it only operates
    Made[] public made;
    uint256[] public nodes; // every id that was ever made
    mapping(uint256 id => bool) private _seen;
    mapping(uint32 program => uint256) public totals; // made less undone
    mapping(address person => mapping(uint256 day => uint256)) public issuedTo;
    mapping(uint32 merchant => mapping(uint256 day => uint256)) public paidOn;
    mapping(uint32 merchant => mapping(uint256 day => uint256)) public issuedOn;
    mapping(uint32 merchant => uint256) public issuedOf;
    mapping(string action => uint256) public done;

    uint256 private _orders;
    uint256 private _now;

    modifier counted() {
        ++calls;
        _;
    }

    function setUp() public override {
        super.setUp();
        _now = EPOCH + 1 days;
        attacker = new Wallet(vm.addr(_keys[2]));
        for (uint256 i = 0; i < 3; ++i) {
            payers.push(vm.addr(_keys[i]));
        }
        payers.push(address(new Wallet(vm.addr(_keys[3]))));
        payers.push(address(attacker));
        processor.register(OTHER, payers[1], "A payer that is a merchant", PAID_PER_DAY, ISSUED_PER_DAY);
        processor.addQuota(OTHER, QUOTA, "receipt");
        processor.setLimits(SHOP, PAID_PER_DAY, ISSUED_PER_DAY);
        for (uint256 i = 0; i < payers.length; ++i) {
            _give(payers[i], 100_000 * POINT);
            // Every holder lets the attacker operate its nodes.
            vm.prank(payers[i]);
            node.setApprovalForAll(address(attacker), true);
        }
        _give(address(this), 100_000 * POINT);
        token.approve(address(node), type(uint256).max);
    }

    function pay(uint256 who, bool other, bool funded, uint64 amount) external counted {
        address payer = payers[_mix(who) % payers.length];
        IPaymentProcessor.Payment memory payment = _payment(payer, other, funded, amount);
        vm.prank(payer);
        try processor.pay(payment) {
            _paid(payment, "pay");
        } catch {}
    }

    function payWithAuthorization(uint256 who, bool other, bool funded, uint64 amount) external counted {
        who = _mix(who) % 4;
        IPaymentProcessor.Payment memory payment = _payment(payers[who], other, funded, amount);
        IPaymentProcessor.Authorization memory authorization = _authorization(_keys[who], payment);
        try processor.payWithAuthorization(payment, authorization) {
            _paid(payment, "payWithAuthorization");
        } catch {}
    }

    function refund(uint256 which, uint64 amount, bool whole) external counted {
        if (made.length == 0) return;
        // The latest are the likeliest to be locked still.
        Made storage order = made[made.length - 1 - _mix(which) % (made.length < 4 ? made.length : 4)];
        IPaymentProcessor.Payment memory payment = order.payment;
        IPrograms.Terms memory terms = programs.terms(payment.program);
        uint64 left = payment.amount - order.refunded;
        // One time in four more than is left.
        amount = whole ? left : uint64(_mix(amount) % (uint256(left) * 4 / 3 + 1));
        PaymentMath.Split memory split = PaymentMath.split(0, 0, 0);
        if (amount <= left) {
            split = PaymentMath.refund(payment.amount, order.refunded, amount, terms.divertBps, terms.multiplier);
        }
        address payout = processor.merchantOf(payment.merchant).payout;
        vm.prank(payout);
        try processor.refund(payment, order.start, amount) {
            order.refunded += amount;
            if (terms.funding == IPrograms.Funding.EMISSION) minted += split.diverted;
            totals[payment.program] -= split.total;
            ++done["refund"];
        } catch {}
    }

    function issue(uint256 who, bool other, uint64 points, uint64 total) external counted {
        address customer = payers[_mix(who) % payers.length];
        IPaymentProcessor.Issue memory item = issueOf(
            customer, uint64(_mix(points) % (300 * POINT)), uint64(_mix(total) % (300 * POINT)), bytes32(++_orders)
        );
        if (other) item.merchant = OTHER;
        try processor.issue(item) {
            minted += uint256(item.points) + item.total;
            totals[fund] += item.total;
            if (item.total != 0) _see(fund, customer);
            issuedTo[customer][_now / 1 days] += uint256(item.points) + item.total;
            _issued(item.merchant, uint256(item.points) + item.total, "issue");
        } catch {}
    }

    function issueReserve(bool other, uint64 amount) external counted {
        amount = uint64(_mix(amount) % (400 * POINT));
        uint32 merchant = other ? OTHER : SHOP;
        try processor.issueReserve(merchant, bytes32(++_orders), fund, amount, "evidence") {
            minted += amount;
            _issued(merchant, amount, "issueReserve");
        } catch {}
    }

    function deposit(uint64 amount) external counted {
        try node.deposit(fund, uint64(_mix(amount) % (5000 * POINT))) {
            ++done["deposit"];
        } catch {}
    }

    function claim(uint256 which, uint256 size) external counted {
        (uint256[] memory ids, address owner) = _pick(which, address(0));
        if (owner == address(0)) return;
        if (_mix(size) % 4 == 0) {
            ids = new uint256[](2);
            for (uint256 i = 0; i < 2; ++i) {
                ids[i] = nodes[(_mix(which) % nodes.length + i) % nodes.length];
            }
        }
        uint256 emitted = _emissionClaimable(ids);
        try node.claim(ids) {
            minted += emitted;
            ++done["claim"];
        } catch {}
    }

    function claimTo(uint256 which, uint256 receiver, bool byDelegate) external counted {
        (uint256[] memory ids, address owner) = _pick(which, address(0));
        if (owner == address(0)) return;
        address to = payers[_mix(receiver) % payers.length];
        address caller = byDelegate ? address(0xDE1E) : owner;
        if (byDelegate) {
            vm.prank(owner);
            node.approveClaim(caller, to, 50 * POINT, type(uint40).max);
        }
        uint256 emitted = _emissionClaimable(ids);
        vm.prank(caller);
        try node.claimTo(ids, to) {
            minted += emitted;
            ++done["claimTo"];
        } catch {}
    }

    function transfer(uint256 which, uint256 receiver, bool byAttacker) external counted {
        (uint256[] memory ids, address owner) = _pick(which, address(0));
        if (owner == address(0)) return;
        address to = payers[_mix(receiver) % payers.length];
        uint256 emitted = _emissionClaimable(ids);
        uint256 before = token.balanceOf(address(attacker));
        vm.prank(byAttacker ? address(attacker) : owner);
        try node.transferFrom(owner, to, ids[0]) {
            minted += emitted;
            ++done["transfer"];
        } catch {}
        if (owner != address(attacker)) loot += token.balanceOf(address(attacker)) - before;
    }

    /// @dev The attacker receives a node and at once claims it to itself.
    function steal(uint256 which, uint256 direct) external counted {
        (uint256[] memory ids, address owner) = _pick(which, address(attacker));
        if (owner == address(0)) return;
        bytes memory theft = abi.encodeCall(node.claimTo, (ids, address(attacker)));
        attacker.onReceiveCall(address(node), theft);
        bytes memory call = _mix(direct) % 4 == 0
            ? theft
            : abi.encodeWithSignature("safeTransferFrom(address,address,uint256)", owner, address(attacker), ids[0]);
        uint256 emitted = _emissionClaimable(ids);
        uint256 before = token.balanceOf(address(attacker));
        try attacker.execute(address(node), call) {
            minted += emitted;
            ++done["steal"];
        } catch {}
        loot += token.balanceOf(address(attacker)) - before;
    }

    function giveByHand(uint64 amount) external counted {
        vm.prank(payers[0]);
        try token.transfer(address(node), amount % POINT) {
            ++done["giveByHand"];
        } catch {}
    }

    function warp(uint32 by) external counted {
        _now += 1 hours + _mix(by) % 4 days;
        vm.warp(_now);
        ++done["warp"];
    }

    /// @dev The fuzzer repeats small numbers; a campaign of a few hundred calls needs choices that are spread.
    function _mix(uint256 choice) private view returns (uint256) {
        return uint256(keccak256(abi.encode(choice, calls)));
    }

    function nodeCount() external view returns (uint256) {
        return nodes.length;
    }

    function madeCount() external view returns (uint256) {
        return made.length;
    }

    function payerCount() external view returns (uint256) {
        return payers.length;
    }

    function day() external view returns (uint256) {
        return _now / 1 days;
    }

    function deployment() external view returns (address, address, address, address, address, uint32, uint32) {
        return (address(token), address(node), address(node), address(registry), address(processor), fec, fund);
    }

    function _payment(address payer, bool other, bool funded, uint64 amount)
        private
        returns (IPaymentProcessor.Payment memory payment)
    {
        payment = paymentOf(
            payer, funded ? fund : fec, uint64(POINT / 2 + _mix(amount) % (4000 * POINT)), bytes32(++_orders)
        );
        if (other) payment.merchant = OTHER;
    }

    function _paid(IPaymentProcessor.Payment memory payment, string memory action) private {
        IPrograms.Terms memory terms = programs.terms(payment.program);
        PaymentMath.Split memory split = PaymentMath.split(payment.amount, terms.divertBps, terms.multiplier);
        if (terms.funding == IPrograms.Funding.EMISSION) burned += split.diverted;
        totals[payment.program] += split.total;
        paidOn[payment.merchant][_now / 1 days] += payment.amount;
        made.push(Made(payment, _start(payment.program), 0));
        _see(payment.program, payment.payer);
        ++done[action];
    }

    function _issued(uint32 merchant, uint256 amount, string memory action) private {
        issuedOn[merchant][_now / 1 days] += amount;
        issuedOf[merchant] += amount;
        issuedInAll += amount;
        ++done[action];
    }

    function _see(uint32 program, address payer) private {
        uint256 id = node.idOf(program, _start(program), payer);
        if (_seen[id]) {
            ++done["topUp"];
        } else {
            _seen[id] = true;
            nodes.push(id);
        }
    }

    function _give(address account, uint64 amount) private {
        give(account, amount);
        minted += amount;
        issuedInAll += amount;
    }

    /// @dev A node and its owner, who is zero when the node was undone; mostly one that has something to claim. Not of
    /// `except`.
    function _pick(uint256 which, address except) private view returns (uint256[] memory ids, address owner) {
        which = _mix(which);
        uint256 tries = which % 4 == 0 && nodes.length != 0 ? 1 : nodes.length;
        for (uint256 i = 0; i < tries; ++i) {
            uint256 id = nodes[(which % nodes.length + i) % nodes.length];
            try node.nodeOf(id) returns (IReleaseNode.Node memory state) {
                if (state.owner == except) continue;
                (ids, owner) = (one(id), state.owner);
                if (state.claimable != 0) break;
            } catch {}
        }
    }

    function _emissionClaimable(uint256[] memory ids) private view returns (uint256 sum) {
        for (uint256 i = 0; i < ids.length; ++i) {
            if (ids[i] >> 224 != fec) continue;
            try node.nodeOf(ids[i]) returns (IReleaseNode.Node memory state) {
                sum += state.claimable;
            } catch {}
        }
    }

    function _start(uint32 program) private view returns (uint24) {
        return programs.currentPeriod(program) + 1;
    }

    function _authorization(uint256 key, IPaymentProcessor.Payment memory payment)
        private
        view
        returns (IPaymentProcessor.Authorization memory)
    {
        bytes32 hash = processor.paymentHash(payment, 0, type(uint40).max);
        return IPaymentProcessor.Authorization(0, type(uint40).max, signHash(key, hash));
    }
}
