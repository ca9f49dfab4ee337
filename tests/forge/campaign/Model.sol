// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPaymentProcessor, IPrograms, Setup} from "../Setup.sol";

/// @dev What everybody should have, kept beside the contracts: points, nodes, books and orders, by formulas of its own.
/// Whatever an action changes is marked as touched, and compared with the contracts after the call. Amounts are base units.
abstract contract Model is Setup {
    struct Rules {
        bool funded;
        uint16 divertBps;
        uint16 multiplier;
        uint8 periods;
        uint32 periodLength;
        uint40 epoch;
        uint40 closesAt;
        uint64 payerPeriodCap;
        uint64 cap;
    }

    struct Ledger {
        uint64 diverted;
        uint64 committed;
        uint64 released;
        uint64 reserve;
    }

    struct Kept {
        address owner;
        uint64 total;
        uint8 periods; // that were settled
        address beneficiary; // zero: the owner
        uint64 paid;
        uint256 secret; // of the link by which it is given; zero: it is not
        uint40 expiry;
    }

    /// @dev What a merchant may be paid and issued in a UTC day.
    struct Limits {
        uint64 paid;
        uint64 issued;
    }

    struct Made {
        IPaymentProcessor.Payment payment;
        uint24 start;
        uint64 refunded;
    }

    uint256 public calls;
    uint256 internal _now;
    uint256 private _dice;

    uint256 internal _supply;
    uint256 internal _issuedInAll;
    uint256 internal _setApart;
    mapping(address account => uint256) internal _points;
    mapping(address account => uint256) internal _nodeCount;
    mapping(address account => uint256) internal _frozenUntil;
    mapping(address payer => uint256) internal _cancelledAt;

    uint32 internal _programCount;
    mapping(uint32 program => Rules) internal _rules;
    mapping(uint32 program => Ledger) internal _ledgers;
    mapping(uint32 program => mapping(uint256 k => uint192)) private _shares;

    uint256[] internal _live; // the ids of all nodes that there are
    mapping(uint256 id => uint256) private _place; // in _live, from 1
    mapping(uint256 id => Kept) internal _kept;
    mapping(uint256 prefix => uint256[]) internal _family; // of one program and start

    mapping(uint32 merchant => address) internal _payout;
    mapping(uint32 merchant => mapping(uint256 day => uint256)) internal _paidOn;
    mapping(uint32 merchant => mapping(uint256 day => uint256)) internal _issuedOn;
    mapping(uint32 merchant => uint256) internal _issuedOf;
    mapping(address person => mapping(uint256 day => uint256)) internal _issuedTo;
    Made[] internal _made;

    mapping(uint32 merchant => Limits) internal _limits;
    uint64 internal _personLimit;
    uint64 internal _threshold;
    mapping(bytes32 hash => bool) internal _approved; // by somebody else than who issues

    uint256 internal _overLimits; // payments and issues past a limit of their moment
    uint256 internal _unapproved; // issues above the threshold of their moment that nobody else approved
    uint256 internal _leaked; // points and nodes that frozen accounts sent
    uint256 internal _late; // payments of programs that were not open

    address[] internal _touchedAccounts;
    uint256[] internal _touchedNodes;
    uint32[] internal _touchedPrograms;
    uint32[] internal _touchedMerchants;
    uint256[] internal _touchedOrders;
    mapping(address account => uint256) private _touchedAt; // the number of the call
    mapping(uint256 id => uint256) private _nodeTouchedAt;

    /// @dev Begins an action: all its choices follow from the seed and from how many calls there were.
    modifier counted(uint256 seed) {
        delete _touchedAccounts;
        delete _touchedNodes;
        delete _touchedPrograms;
        delete _touchedMerchants;
        delete _touchedOrders;
        _dice = uint256(keccak256(abi.encode(seed, ++calls)));
        _;
    }

    /// @dev A number below `sides`.
    function _roll(uint256 sides) internal returns (uint256) {
        _dice = uint256(keccak256(abi.encode(_dice)));
        return _dice % sides;
    }

    function _keepRules(uint32 program, IPrograms.Terms memory terms, bytes memory table) internal {
        _rules[program] = Rules({
            funded: terms.funding == IPrograms.Funding.FUNDED,
            divertBps: terms.divertBps,
            multiplier: terms.multiplier,
            periods: terms.periods,
            periodLength: terms.periodLength,
            epoch: terms.epoch,
            closesAt: type(uint40).max,
            payerPeriodCap: terms.payerPeriodCap,
            cap: terms.cap
        });
        for (uint256 k = 1; k < terms.periods; ++k) {
            uint256 word;
            assembly ("memory-safe") {
                word := mload(add(table, mul(k, 24)))
            }
            _shares[program][k] = uint192(word);
        }
        if (terms.funding == IPrograms.Funding.EMISSION) _setApart += terms.cap;
        _programCount = program;
    }

    // Points

    function _touch(address account) internal {
        if (_touchedAt[account] == calls) return;
        _touchedAt[account] = calls;
        _touchedAccounts.push(account);
    }

    function _more(address account, uint256 amount) internal {
        _touch(account);
        _points[account] += amount;
    }

    function _less(address account, uint256 amount) internal {
        _touch(account);
        if (amount != 0 && _frozen(account)) _leaked += amount;
        _points[account] -= amount;
    }

    function _move(address from, address to, uint256 amount) internal {
        _less(from, amount);
        _more(to, amount);
    }

    function _mint(address to, uint256 amount) internal {
        _more(to, amount);
        _supply += amount;
    }

    function _burn(address from, uint256 amount) internal {
        _less(from, amount);
        _supply -= amount;
    }

    function _frozen(address account) internal view returns (bool) {
        return _now < _frozenUntil[account];
    }

    // Payments

    /// @dev A payment went through: the payer's points are parted, and its node grows.
    function _book(IPaymentProcessor.Payment memory payment) internal {
        Rules memory rules = _rules[payment.program];
        if (_now < rules.epoch || _now >= rules.closesAt) ++_late;
        (uint64 diverted, uint64 total) = _parts(rules, payment.amount);
        _move(payment.payer, _payout[payment.merchant], payment.amount - diverted);
        if (rules.funded) _move(payment.payer, address(node), diverted);
        else _burn(payment.payer, diverted);
        Ledger storage ledger = _ledgerOf(payment.program);
        ledger.diverted += diverted;
        ledger.committed += total;
        if (rules.funded) ledger.reserve += diverted;
        uint24 start = _startNow(payment.program);
        _grow(node.idOf(payment.program, start, payment.payer), payment.payer, total);
        uint256 paidToday = _paidOn[payment.merchant][_now / 1 days] += payment.amount;
        if (paidToday > _limits[payment.merchant].paid) ++_overLimits;
        _touchedMerchants.push(payment.merchant);
        _touchedOrders.push(_made.length);
        _made.push(Made(payment, start, 0));
    }

    /// @dev A refund went through: the node is what a payment of the rest would have made.
    function _unbook(uint256 order, uint64 amount) internal {
        Made storage made = _made[order];
        IPaymentProcessor.Payment memory payment = made.payment;
        Rules memory rules = _rules[payment.program];
        uint64 left = payment.amount - made.refunded;
        (uint64 diverted, uint64 total) = _parts(rules, left);
        (uint64 divertedAfter, uint64 totalAfter) = _parts(rules, left - amount);
        (diverted, total) = (diverted - divertedAfter, total - totalAfter);
        made.refunded += amount;
        _touchedOrders.push(order);
        _move(_payout[payment.merchant], payment.payer, amount - diverted);
        Ledger storage ledger = _ledgerOf(payment.program);
        if (rules.funded) {
            _move(address(node), payment.payer, diverted);
            ledger.reserve -= diverted;
        } else {
            _mint(payment.payer, diverted);
        }
        ledger.diverted -= diverted;
        ledger.committed -= total;
        _shrink(node.idOf(payment.program, made.start, payment.payer), total);
    }

    /// @dev Points, or a node of a FUNDED program whose reserve grows by as much, out of a merchant's quota.
    function _bookIssue(IPaymentProcessor.Issue memory item) internal {
        uint256 amount = uint256(item.points) + item.total;
        _mint(item.customer, item.points);
        _mint(address(node), item.total);
        if (item.total != 0) {
            Ledger storage ledger = _ledgerOf(item.program);
            ledger.committed += item.total;
            ledger.reserve += item.total;
            _grow(node.issuedIdOf(item.program, _startNow(item.program), item.customer), item.customer, item.total);
        }
        uint256 issuedToday = _issuedTo[item.customer][_now / 1 days] += amount;
        if (issuedToday > _personLimit) ++_overLimits;
        _countIssued(item.merchant, amount, keccak256(abi.encode(item)));
    }

    /// @dev `hash` is what an approval names.
    function _countIssued(uint32 merchant, uint256 amount, bytes32 hash) internal {
        if (amount > _threshold) {
            if (!_approved[hash]) ++_unapproved;
            delete _approved[hash];
        }
        uint256 issuedToday = _issuedOn[merchant][_now / 1 days] += amount;
        if (issuedToday > _limits[merchant].issued) ++_overLimits;
        _issuedOf[merchant] += amount;
        _issuedInAll += amount;
        _touchedMerchants.push(merchant);
    }

    function _parts(Rules memory rules, uint64 amount) internal pure returns (uint64 diverted, uint64 total) {
        diverted = uint64(uint256(amount) * rules.divertBps / 10_000);
        total = diverted * rules.multiplier;
    }

    function _ledgerOf(uint32 program) internal returns (Ledger storage) {
        _touchedPrograms.push(program);
        return _ledgers[program];
    }

    /// @dev With which period a node made now starts.
    function _startNow(uint32 program) internal view returns (uint24) {
        Rules storage rules = _rules[program];
        return _now < rules.epoch ? 0 : uint24((_now - rules.epoch) / rules.periodLength + 1);
    }

    // Nodes

    function _touchNode(uint256 id) internal {
        if (_nodeTouchedAt[id] == calls) return;
        _nodeTouchedAt[id] = calls;
        _touchedNodes.push(id);
    }

    function _make(uint256 id, address owner, uint64 total) internal returns (Kept storage kept) {
        _live.push(id);
        _place[id] = _live.length;
        _family[id >> 200].push(id);
        kept = _kept[id];
        (kept.owner, kept.total) = (owner, total);
        ++_nodeCount[owner];
        _touch(owner);
        _touchNode(id);
    }

    function _grow(uint256 id, address owner, uint64 total) private {
        if (_place[id] == 0) {
            _make(id, owner, total);
        } else {
            _kept[id].total += total;
            _touchNode(id);
            _toppedUp();
        }
    }

    function _shrink(uint256 id, uint64 total) private {
        if (total == 0) return;
        Kept storage kept = _kept[id];
        kept.total -= total;
        _touchNode(id);
        if (kept.total == 0) _drop(id);
    }

    function _drop(uint256 id) internal {
        uint256 last = _live[_live.length - 1];
        _live[_place[id] - 1] = last;
        _place[last] = _place[id];
        _live.pop();
        delete _place[id];
        uint256[] storage family = _family[id >> 200];
        uint256 i = 0;
        while (family[i] != id) ++i;
        family[i] = family[family.length - 1];
        family.pop();
        address owner = _kept[id].owner;
        --_nodeCount[owner];
        _touch(owner);
        _touchNode(id);
        delete _kept[id];
    }

    /// @dev A node changes hands: who was paid of it is paid what is due, and nobody else keeps a say in it.
    function _handOver(uint256 id, address to) internal {
        _settle(id);
        Kept storage kept = _kept[id];
        if (_frozen(kept.owner)) ++_leaked;
        --_nodeCount[kept.owner];
        ++_nodeCount[to];
        _touch(kept.owner);
        _touch(to);
        (kept.owner, kept.beneficiary, kept.secret) = (to, address(0), 0);
    }

    /// @dev Whoever is to be paid of a node is paid what is due.
    function _settle(uint256 id) internal {
        _settleTo(id, _receiverOf(id));
    }

    function _settleTo(uint256 id, address to) internal {
        Kept storage kept = _kept[id];
        uint256 amount = _due(id);
        kept.periods = uint8(_elapsed(id));
        kept.paid += uint64(amount);
        _touchNode(id);
        _release(uint32(id >> 224), kept.owner, to, amount);
    }

    function _release(uint32 program, address owner, address to, uint256 amount) internal {
        if (amount == 0) return;
        if (to != owner && _frozen(owner)) _leaked += amount;
        Ledger storage ledger = _ledgerOf(program);
        ledger.committed -= uint64(amount);
        ledger.released += uint64(amount);
        if (!_rules[program].funded) return _mint(to, amount);
        ledger.reserve -= uint64(amount);
        _move(address(node), to, amount);
    }

    function _receiverOf(uint256 id) internal view returns (address) {
        Kept storage kept = _kept[id];
        return kept.beneficiary == address(0) ? kept.owner : kept.beneficiary;
    }

    /// @dev What a node has released and not paid.
    function _due(uint256 id) internal view returns (uint256) {
        Kept storage kept = _kept[id];
        uint256 released = _released(uint32(id >> 224), kept.total, _elapsed(id));
        return released > kept.paid ? released - kept.paid : 0;
    }

    function _elapsed(uint256 id) internal view returns (uint256 periods) {
        Rules storage rules = _rules[uint32(id >> 224)];
        uint256 length = rules.periodLength;
        uint256 beginning = rules.epoch + uint256(uint24(id >> 200)) * length;
        if (_now < beginning) return 0;
        periods = (_now - beginning) / length;
        if (periods > rules.periods) periods = rules.periods;
    }

    function _released(uint32 program, uint256 total, uint256 k) internal view returns (uint256) {
        if (k == 0) return 0;
        return k >= _rules[program].periods ? total : total * _shares[program][k] >> 192;
    }

    /// @dev A node was added to.
    function _toppedUp() internal virtual;
}
