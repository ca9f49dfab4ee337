// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PaymentMath} from "../../contracts/libraries/PaymentMath.sol";
import {IPaymentProcessor, IPrograms, IReleaseNode, Processor, Token, RuleBook, NodeToken, Setup} from "./Setup.sol";
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
    uint256 public loot; // what the attacker was paid of nodes it only operates, and what it did to them
    uint256 public misdirected; // accounts that were not paid exactly what they should have been
    uint256 public stale; // payments by authorizations that were taken back
    uint256 public leaked; // what frozen accounts sent
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
    uint256[] private _gifts; // ids, some of them taken or taken back
    mapping(uint256 id => uint256) private _secrets;
    mapping(address payer => uint256) private _cancelledAt;

    modifier counted() {
        ++calls;
        uint256[5] memory before = _balances();
        bool[5] memory frozen;
        for (uint256 i = 0; i < 5; ++i) {
            frozen[i] = _now < token.frozenUntil(payers[i]);
        }
        _;
        for (uint256 i = 0; i < 5; ++i) {
            uint256 balance = token.balanceOf(payers[i]);
            if (frozen[i] && balance < before[i]) leaked += before[i] - balance;
        }
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
            _notStale(payment, authorization);
        } catch {}
    }

    /// @dev Two to six orders of several merchants and programs, of one payer that calls or of several that signed.
    function payBatch(uint256 size, uint256 who, uint256 kinds, uint64 amount, bool signed) external counted {
        size = 2 + _mix(size) % 5;
        (who, kinds) = (_mix(who), _mix(kinds));
        IPaymentProcessor.Payment[] memory payments = new IPaymentProcessor.Payment[](size);
        IPaymentProcessor.Authorization[] memory authorizations = new IPaymentProcessor.Authorization[](size);
        for (uint256 i = 0; i < size; ++i) {
            // Neighbours are often of one payer, merchant and program.
            uint256 key = (signed ? (who >> i / 2 * 8) : who) % 4;
            uint256 kind = kinds >> i / 3 * 8;
            payments[i] = _payment(payers[key], kind & 1 == 1, kind & 2 == 2, amount ^ uint64(i));
            payments[i].amount = payments[i].amount / 8 + POINT;
            authorizations[i] = _authorization(_keys[key], payments[i]);
        }
        if (signed) {
            try processor.payBatchWithAuthorization(payments, authorizations) {
                for (uint256 i = 0; i < size; ++i) {
                    _paid(payments[i], "payBatchWithAuthorization");
                    _notStale(payments[i], authorizations[i]);
                }
            } catch {}
        } else {
            vm.prank(payments[0].payer);
            try processor.payBatch(payments) {
                for (uint256 i = 0; i < size; ++i) {
                    _paid(payments[i], "payBatch");
                }
            } catch {}
        }
    }

    function cancelPayments(uint256 who) external counted {
        address payer = payers[_mix(who) % payers.length];
        vm.prank(payer);
        token.cancelPayments();
        _cancelledAt[payer] = _now;
        ++done["cancelPayments"];
    }

    function burn(uint256 who, uint64 amount) external counted {
        address holder = payers[_mix(who) % payers.length];
        amount = uint64(_mix(amount) % (20 * POINT));
        vm.prank(holder);
        try token.burn(amount) {
            burned += amount;
            ++done["burn"];
        } catch {}
    }

    /// @dev Never the first payer, so that something goes on. Lifts a freeze where there is one.
    function freeze(uint256 who) external counted {
        if (_mix(who) / 8 % 2 == 0) {
            try token.freeze(payers[1 + _mix(who) % (payers.length - 1)], "reported") {
                ++done["freeze"];
            } catch {}
            return;
        }
        for (uint256 i = 1; i < payers.length; ++i) {
            if (_now >= token.frozenUntil(payers[i])) continue;
            token.unfreeze(payers[i]);
            ++done["unfreeze"];
            return;
        }
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
        PaymentMath.Split memory parts = PaymentMath.split(0, 0, 0);
        if (amount <= left) {
            parts = PaymentMath.refund(payment.amount, order.refunded, amount, terms.divertBps, terms.multiplier);
        }
        address payout = processor.payoutOf(payment.merchant);
        vm.prank(payout);
        try processor.refund(payment, order.start, amount) {
            order.refunded += amount;
            if (terms.funding == IPrograms.Funding.EMISSION) minted += parts.diverted;
            totals[payment.program] -= parts.total;
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
            if (item.total != 0) _see(node.issuedIdOf(fund, _start(fund), customer));
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
        if (_mix(size) % 2 == 0) ids = _several(which, 2 + _mix(size) / 2 % 6);
        uint256 emitted = _emissionClaimable(ids);
        uint256[5] memory expected = _balancesWhenClaimed(ids);
        try node.claim(ids) {
            minted += emitted;
            _compare(expected);
            ++done["claim"];
            if (ids.length > 1) ++done["claimBatch"];
        } catch {}
    }

    function claimTo(uint256 which, uint256 receiver, bool byDelegate) external counted {
        (uint256[] memory ids, address owner) = _pick(which, address(0));
        if (owner == address(0)) return;
        uint256 to = _mix(receiver) % payers.length;
        address caller = byDelegate ? address(0xDE1E) : owner;
        if (byDelegate) {
            vm.prank(owner);
            node.approveClaim(caller, payers[to], 50 * POINT, type(uint40).max);
        }
        uint256 emitted = _emissionClaimable(ids);
        uint256[5] memory expected = _balances();
        expected[to] += node.nodeOf(ids[0]).claimable;
        bool inCustody = node.beneficiaryOf(ids[0]) != address(0);
        vm.prank(caller);
        try node.claimTo(ids, payers[to]) {
            minted += emitted;
            _compare(expected);
            if (inCustody) ++misdirected;
            ++done["claimTo"];
        } catch {}
    }

    function transfer(uint256 which, uint256 receiver, bool byAttacker) external counted {
        (uint256[] memory ids, address owner) = _pick(which, address(0));
        if (owner == address(0)) return;
        address to = payers[_mix(receiver) % payers.length];
        uint256 emitted = _emissionClaimable(ids);
        uint256[5] memory expected = _balancesWhenClaimed(ids);
        uint256 before = token.balanceOf(address(attacker));
        vm.prank(byAttacker ? address(attacker) : owner);
        try node.transferFrom(owner, to, ids[0]) {
            minted += emitted;
            _compare(expected);
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
        uint256[5] memory expected = _balancesWhenClaimed(ids);
        uint256 before = token.balanceOf(address(attacker));
        try attacker.execute(address(node), call) {
            minted += emitted;
            _compare(expected);
            ++done["steal"];
        } catch {}
        loot += token.balanceOf(address(attacker)) - before;
    }

    function split(uint256 which, uint256 size, uint64 part, uint256 by) external counted {
        (uint256[] memory ids, address owner) = _pick(which, address(0));
        if (owner == address(0)) return;
        uint256 total = node.nodeOf(ids[0]).total;
        uint64[] memory sizes = new uint64[](1 + _mix(size) % 3);
        for (uint256 i = 0; i < sizes.length; ++i) {
            // A few units, or a good part of it.
            uint256 most = _mix(part ^ i) % 3 == 0 ? 20 : total / 3;
            sizes[i] = uint64(1 + _mix(part ^ i) / 3 % (most + 1));
        }
        uint256[5] memory expected = _balances();
        vm.prank(_caller(by, owner));
        try node.split(ids[0], sizes) returns (uint256[] memory pieces) {
            for (uint256 i = 0; i < pieces.length; ++i) {
                _see(pieces[i]);
            }
            _compare(expected);
            _byItsOwner(by, owner);
            ++done["split"];
        } catch {}
    }

    function merge(uint256 which, uint256 by) external counted {
        (uint256[] memory ids, address owner) = _pick(which, address(0));
        if (owner == address(0)) return;
        uint256[] memory others = _alike(ids[0], owner);
        if (others.length == 0) return;
        IReleaseNode.Node memory state = node.nodeOf(ids[0]);
        (uint256 total, uint256 claimed) = (state.total, state.claimed);
        for (uint256 i = 0; i < others.length; ++i) {
            IReleaseNode.Node memory other = node.nodeOf(others[i]);
            (total, claimed) = (total + other.total, claimed + other.claimed);
        }
        uint256 released = programs.released(state.program, uint64(total), programs.elapsed(state.program, state.start));
        uint256 amount = released > claimed ? released - claimed : 0;
        uint256[5] memory expected = _balances();
        expected[_indexOf(_receiverOf(ids[0], owner))] += amount;
        vm.prank(_caller(by, owner));
        try node.merge(ids[0], others) returns (uint256 paidNow) {
            if (paidNow != amount) ++misdirected;
            if (state.program == fec) minted += amount;
            _compare(expected);
            _byItsOwner(by, owner);
            ++done["merge"];
        } catch {}
    }

    function give(uint256 which, uint32 time, uint256 by) external counted {
        (uint256[] memory ids, address owner) = _pick(which, address(0));
        if (owner == address(0)) return;
        uint256 secret = 1 + uint256(uint128(_mix(calls)));
        vm.prank(_caller(by, owner));
        try node.give(ids[0], vm.addr(secret), uint40(_now + 1 hours + _mix(time) % 5 days)) {
            _secrets[ids[0]] = secret;
            _gifts.push(ids[0]);
            _byItsOwner(by, owner);
            ++done["give"];
        } catch {}
    }

    /// @dev Whoever has the secret takes the gift to any account; the attacker tries a secret of its own.
    function take(uint256 which, uint256 receiver, uint256 by) external counted {
        (uint256 id, address owner) = _gift(which);
        if (owner == address(0)) return;
        bool wrong = _mix(by) % 5 == 0;
        address to = wrong ? address(attacker) : payers[_mix(receiver) % payers.length];
        bytes memory signature = _giftSignature(wrong ? _secrets[id] + 1 : _secrets[id], id, to);
        uint256 emitted = _emissionClaimable(one(id));
        uint256[5] memory expected = _balancesWhenClaimed(one(id));
        try node.take(id, to, signature) {
            minted += emitted;
            _compare(expected);
            if (wrong) ++loot;
            ++done["take"];
        } catch {}
    }

    function takeBack(uint256 which) external counted {
        (uint256 id, address owner) = _gift(which);
        if (owner == address(0)) return;
        try node.takeBack(id) {
            ++done["takeBack"];
        } catch {}
    }

    /// @dev Never the attacker, so that what it is paid is none of its own.
    function setBeneficiary(uint256 which, uint256 receiver, uint256 by) external counted {
        (uint256[] memory ids, address owner) = _pick(which, address(0));
        if (owner == address(0)) return;
        uint256 to = _mix(receiver) % 5;
        uint256 emitted = _emissionClaimable(ids);
        uint256[5] memory expected = _balancesWhenClaimed(ids);
        vm.prank(_caller(by, owner));
        try node.setBeneficiary(ids[0], to == 4 ? address(0) : payers[to]) {
            minted += emitted;
            _compare(expected);
            _byItsOwner(by, owner);
            ++done["setBeneficiary"];
        } catch {}
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

    function deployment() external view returns (Token, RuleBook, NodeToken, Processor, uint32, uint32) {
        return (token, programs, node, processor, fec, fund);
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
        PaymentMath.Split memory parts = PaymentMath.split(payment.amount, terms.divertBps, terms.multiplier);
        if (terms.funding == IPrograms.Funding.EMISSION) burned += parts.diverted;
        totals[payment.program] += parts.total;
        paidOn[payment.merchant][_now / 1 days] += payment.amount;
        made.push(Made(payment, _start(payment.program), 0));
        _see(node.idOf(payment.program, _start(payment.program), payment.payer));
        ++done[action];
    }

    function _issued(uint32 merchant, uint256 amount, string memory action) private {
        issuedOn[merchant][_now / 1 days] += amount;
        issuedOf[merchant] += amount;
        issuedInAll += amount;
        ++done[action];
    }

    function _see(uint256 id) private {
        if (_seen[id]) {
            ++done["topUp"];
        } else {
            _seen[id] = true;
            nodes.push(id);
        }
    }

    /// @dev The attacker tries, one time in five, what only the owner may do.
    function _caller(uint256 by, address owner) private view returns (address) {
        return _mix(by) % 5 == 0 ? address(attacker) : owner;
    }

    function _byItsOwner(uint256 by, address owner) private {
        if (_caller(by, owner) != owner) ++loot;
    }

    function _notStale(IPaymentProcessor.Payment memory payment, IPaymentProcessor.Authorization memory authorization)
        private
    {
        if (uint256(authorization.validAfter) + 1 < _cancelledAt[payment.payer]) ++stale;
    }

    function _balances() private view returns (uint256[5] memory balances) {
        for (uint256 i = 0; i < 5; ++i) {
            balances[i] = token.balanceOf(payers[i]);
        }
    }

    /// @dev What the payers have once each of these nodes was paid to whom it is to be.
    function _balancesWhenClaimed(uint256[] memory ids) private view returns (uint256[5] memory balances) {
        balances = _balances();
        for (uint256 i = 0; i < ids.length; ++i) {
            try node.nodeOf(ids[i]) returns (IReleaseNode.Node memory state) {
                balances[_indexOf(_receiverOf(ids[i], state.owner))] += state.claimable;
            } catch {}
        }
    }

    function _compare(uint256[5] memory expected) private {
        uint256[5] memory balances = _balances();
        for (uint256 i = 0; i < 5; ++i) {
            if (balances[i] != expected[i]) ++misdirected;
        }
    }

    function _receiverOf(uint256 id, address owner) private view returns (address) {
        address beneficiary = node.beneficiaryOf(id);
        return beneficiary == address(0) ? owner : beneficiary;
    }

    function _indexOf(address payer) private view returns (uint256 i) {
        while (payers[i] != payer) ++i;
    }

    /// @dev Nodes that have something to claim, from anywhere on in the order in which they were made.
    function _several(uint256 which, uint256 most) private view returns (uint256[] memory ids) {
        ids = new uint256[](most);
        uint256 found;
        for (uint256 i = 0; i < nodes.length && found < most; ++i) {
            uint256 id = nodes[(_mix(which) % nodes.length + i) % nodes.length];
            try node.nodeOf(id) returns (IReleaseNode.Node memory state) {
                if (state.claimable != 0) ids[found++] = id;
            } catch {}
        }
        return _first(ids, found);
    }

    /// @dev Nodes that merge into this one, at most five.
    function _alike(uint256 id, address owner) private view returns (uint256[] memory ids) {
        ids = new uint256[](5);
        uint256 found;
        for (uint256 i = 0; i < nodes.length && found < 5; ++i) {
            if (nodes[i] == id || nodes[i] >> 200 != id >> 200) continue;
            try node.nodeOf(nodes[i]) returns (IReleaseNode.Node memory state) {
                bool same = state.owner == owner && node.beneficiaryOf(nodes[i]) == node.beneficiaryOf(id);
                if (same) ids[found++] = nodes[i];
            } catch {}
        }
        return _first(ids, found);
    }

    function _first(uint256[] memory ids, uint256 count) private pure returns (uint256[] memory first) {
        first = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            first[i] = ids[i];
        }
    }

    /// @dev A node that waits for its taker, and its owner; mostly one of the latest.
    function _gift(uint256 which) private view returns (uint256 id, address owner) {
        for (uint256 i = 0; i < _gifts.length; ++i) {
            id = _gifts[(_mix(which) % _gifts.length + i) % _gifts.length];
            (address secret,) = node.giftOf(id);
            if (secret != address(0)) return (id, node.ownerOf(id));
        }
    }

    function _giftSignature(uint256 key, uint256 id, address to) private view returns (bytes memory) {
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("chainpoints release node"),
                keccak256("1"),
                block.chainid,
                node
            )
        );
        return sign(key, separator, keccak256(abi.encode(keccak256("Gift(uint256 id,address to)"), id, to)));
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
        // One time in four of long ago, which a payer that took its payments back since has taken back.
        uint40 validAfter = _mix(uint256(payment.order)) % 4 == 0 ? 0 : uint40(_now - 1);
        bytes32 hash = processor.paymentHash(payment, validAfter, type(uint40).max);
        return IPaymentProcessor.Authorization(validAfter, type(uint40).max, signHash(key, hash));
    }
}
