// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMerchantRegistry, IProgramBooks, IReleaseNode} from "../Setup.sol";
import {Attacks} from "./Attacks.sol";

/// @dev The invariants of tests/contracts/INVARIANTS.md, by their numbers: after every call for all that it touched, and
/// for everything there is every so many calls and at the end.
abstract contract Checks is Attacks {
    uint256 private constant WALK = 100; // calls from one look at everything to the next

    function check() external view {
        _checkCounters();
        _checkSupply();
        for (uint256 i = 0; i < _touchedPrograms.length; ++i) {
            _checkProgram(_touchedPrograms[i]);
        }
        for (uint256 i = 0; i < _touchedNodes.length; ++i) {
            _checkNode(_touchedNodes[i]);
        }
        for (uint256 i = 0; i < _touchedAccounts.length; ++i) {
            _checkAccount(_touchedAccounts[i]);
        }
        for (uint256 i = 0; i < _touchedOrders.length; ++i) {
            _checkOrder(_touchedOrders[i]);
        }
        for (uint256 i = 0; i < _touchedMerchants.length; ++i) {
            _checkMerchant(_touchedMerchants[i]);
        }
        if (calls % WALK == 0) _checkStanding();
    }

    /// @dev Everything there is, the orders of the whole campaign too.
    function checkAll() external view {
        _checkStanding();
        for (uint256 i = 0; i < _made.length; ++i) {
            _checkOrder(i);
        }
    }

    function _checkStanding() private view {
        uint256 reserves;
        for (uint32 program = 1; program <= _programCount; ++program) {
            reserves += _checkProgram(program);
        }
        _same(token.balanceOf(address(node)), reserves + _donated, "1: held for the reserves, and what was donated");
        uint256[] memory owed = new uint256[](_programCount + 1);
        for (uint256 i = 0; i < _live.length; ++i) {
            owed[_live[i] >> 224] += _checkNode(_live[i]);
        }
        for (uint32 program = 1; program <= _programCount; ++program) {
            _same(node.books(program).committed, owed[program], "3: committed is what the nodes are owed");
        }
        _checkAccounts();
        for (uint32 merchant = SHOP; merchant < SYBIL + SYBILS; ++merchant) {
            _checkMerchant(merchant);
        }
    }

    function _checkAccounts() private view {
        uint256 sum;
        uint256 nodes;
        for (uint256 i = 0; i < _accounts.length; ++i) {
            _checkAccount(_accounts[i]);
            sum += token.balanceOf(_accounts[i]);
            nodes += token.nodesOf(_accounts[i]);
        }
        _same(sum, token.totalSupply(), "4: the balances are the supply");
        _same(nodes, _live.length, "3: nodes are counted");
    }

    function _checkCounters() private view {
        _same(_overLimits, 0, "6: a payment or an issue past a limit");
        _same(_unapproved, 0, "14: an issue above the threshold that nobody else approved");
        _same(_loot, 0, "7: an attacker did what is not its to do");
        _same(_leaked, 0, "9: a frozen account sent");
        _same(_stale, 0, "10: an authorization that was taken back");
        _same(_late, 0, "12: a payment of a program that is not open");
        _same(_replayed, 0, "13: a signed call that counted again, or for something else");
    }

    function _checkSupply() private view {
        uint256 supply = token.totalSupply();
        _same(supply, _supply, "4: minted less burned");
        uint256 owed;
        for (uint32 program = 1; program <= _programCount; ++program) {
            if (!_rules[program].funded) owed += _ledgers[program].committed;
        }
        _most(supply + owed, _issuedInAll + _setApart, "2: supply and committed");
        if (calls % WALK != 0) return;
        _same(token.issued(), _issuedInAll, "2: issued");
        _same(token.setApart(), _setApart, "2: set apart");
        _most(_issuedInAll + _setApart, token.SUPPLY_CAP(), "2: supply cap");
    }

    function _checkProgram(uint32 program) private view returns (uint256 reserve) {
        IProgramBooks.Books memory books = node.books(program);
        Rules storage rules = _rules[program];
        Ledger memory ledger = _ledgers[program];
        if (rules.funded) _most(books.committed, books.reserve, "1: covered");
        _most(uint256(books.released) + books.committed, rules.cap, "2: within the program's cap");
        _same(books.committed, ledger.committed, "3: committed");
        _same(books.released, ledger.released, "3: released");
        _same(books.diverted, ledger.diverted, "3: diverted");
        _same(books.reserve, ledger.reserve, "1: reserve");
        return books.reserve;
    }

    /// @dev What it is still owed.
    function _checkNode(uint256 id) private view returns (uint256) {
        Kept memory kept = _kept[id];
        if (kept.total == 0) {
            _same(uint160(_ownerOf(id)), 0, "3: a node that ended is no more");
            return 0;
        }
        IReleaseNode.Node memory state = node.nodeOf(id);
        _same(uint160(state.owner), uint160(kept.owner), "7: whose it is");
        _same(state.total, kept.total, "3: total");
        _same(state.claimed, kept.paid, "8: what it paid");
        _same(state.claimable, _due(id), "8: what is due");
        bool ofPayments = uint40(id >> 160) == 0 && _elapsed(id) == 0;
        if (ofPayments) _most(kept.total, _rules[uint32(id >> 224)].payerPeriodCap, "11: a payer's cap");
        return state.total - state.claimed;
    }

    function _checkAccount(address account) private view {
        bool attacks = _isAttacker[account];
        _same(
            token.balanceOf(account),
            _points[account],
            attacks ? "7: an attacker has what it put in and what is due" : "8: each has what is due to it"
        );
        _same(token.nodesOf(account), _nodeCount[account], "3: nodes are counted");
        (uint64 limit, uint64 today) = token.personLimit(account);
        _same(today, _issuedTo[account][_now / 1 days], "6: issued to a person today");
        _same(limit, _personLimit, "6: a person's limit");
    }

    function _checkOrder(uint256 order) private view {
        Made memory made = _made[order];
        (, uint64 refunded,) = processor.orderOf(made.payment.merchant, made.payment.order);
        _most(refunded, made.payment.amount, "5: refunded within paid");
        _same(refunded, made.refunded, "5: refunded as counted");
    }

    function _checkMerchant(uint32 merchant) private view {
        uint256 day = _now / 1 days;
        IMerchantRegistry.Merchant memory state = processor.merchantOf(merchant);
        _same(state.paidToday, _paidOn[merchant][day], "6: paid today");
        _same(state.paidPerDay, _limits[merchant].paid, "6: what may be paid in a day");
        _same(state.issuedToday, _issuedOn[merchant][day], "6: issued today");
        _same(state.issuedPerDay, _limits[merchant].issued, "6: what may be issued in a day");
        uint256 quota = merchant == SHOP ? DAY_LIMIT : QUOTA;
        _same(uint256(state.quota) + _issuedOf[merchant], quota, "6: quota");
    }

    function _ownerOf(uint256 id) private view returns (address) {
        try node.ownerOf(id) returns (address owner) {
            return owner;
        } catch {
            return address(0);
        }
    }

    function _same(uint256 left, uint256 right, string memory what) private pure {
        if (left != right) vm.assertEq(left, right, what);
    }

    function _most(uint256 amount, uint256 limit, string memory what) private pure {
        if (amount > limit) vm.assertLe(amount, limit, what);
    }
}
