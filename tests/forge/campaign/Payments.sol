// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPaymentProcessor} from "../Setup.sol";
import {Stage} from "./Stage.sol";

/// @dev Payments, refunds and issues, of honest accounts and of sybil merchants. A call may be refused; the model is
/// changed when it was not.
abstract contract Payments is Stage {
    function pay(uint256 seed) external counted(seed) {
        IPaymentProcessor.Payment memory payment = _anyPayment(_anyHolder());
        _pay(payment, Did.Pay);
    }

    /// @dev A few units, to the program that takes them.
    function payDust(uint256 seed) external counted(seed) {
        IPaymentProcessor.Payment memory payment = _anyPayment(_anyHolder());
        (payment.program, payment.amount) = (_dust, uint64(1 + _roll(20)));
        _pay(payment, Did.PayDust);
    }

    /// @dev To a program that is closed, or to the one that replaces it, before it opens. The model says if it counts.
    function payLate(uint256 seed) external counted(seed) {
        if (_new == 0) return;
        IPaymentProcessor.Payment memory payment = _anyPayment(_anyHolder());
        payment.program = _now < _rules[_new].epoch ? _new : _old;
        vm.prank(payment.payer);
        try processor.pay(payment) {
            _book(payment);
        } catch {
            _count(Did.PayLateRefused);
        }
    }

    function payWithAuthorization(uint256 seed) external counted(seed) {
        uint256 signer = _roll(SIGNERS);
        IPaymentProcessor.Payment memory payment = _anyPayment(_holders[signer]);
        IPaymentProcessor.Authorization memory authorization = _authorize(signer, payment);
        try processor.payWithAuthorization(payment, authorization) {
            _book(payment);
            _notStale(payment.payer, authorization);
            _count(Did.PayWithAuthorization);
            _replayer.see(
                address(processor), abi.encodeCall(IPaymentProcessor.payWithAuthorization, (payment, authorization))
            );
        } catch {}
    }

    /// @dev Two to five orders; neighbours are often of one merchant and program.
    function payBatch(uint256 seed) external counted(seed) {
        IPaymentProcessor.Payment[] memory payments = _anyPayments(_anyHolder());
        vm.prank(payments[0].payer);
        try processor.payBatch(payments) {
            for (uint256 i = 0; i < payments.length; ++i) {
                _book(payments[i]);
            }
            _count(Did.PayBatch);
        } catch {}
    }

    /// @dev Of several payers, of whom neighbours are often the same.
    function payBatchWithAuthorization(uint256 seed) external counted(seed) {
        IPaymentProcessor.Payment[] memory payments = _anyPayments(address(0));
        IPaymentProcessor.Authorization[] memory authorizations = new IPaymentProcessor.Authorization[](payments.length);
        uint256 signer = _roll(SIGNERS);
        for (uint256 i = 0; i < payments.length; ++i) {
            if (_roll(2) == 0) signer = _roll(SIGNERS);
            payments[i].payer = _holders[signer];
            authorizations[i] = _authorize(signer, payments[i]);
        }
        try processor.payBatchWithAuthorization(payments, authorizations) {
            for (uint256 i = 0; i < payments.length; ++i) {
                _book(payments[i]);
                _notStale(payments[i].payer, authorizations[i]);
            }
            _count(Did.PayBatchWithAuthorization);
        } catch {}
    }

    /// @dev A sybil merchant's payout address pays it, or another sybil, to farm nodes. Now and then the address moves.
    function selfPay(uint256 seed) external counted(seed) {
        uint32 merchant = SYBIL + uint32(_roll(SYBILS));
        address payer = _payout[merchant];
        if (_roll(16) == 0) {
            vm.prank(payer);
            processor.setPayout(merchant, _payout[merchant] = _anyHolder());
        }
        IPaymentProcessor.Payment memory payment = _anyPayment(payer);
        payment.merchant = _roll(2) == 0 ? merchant : SYBIL + uint32(_roll(SYBILS));
        payment.amount += uint64(_roll(4000 * POINT));
        _pay(payment, Did.SelfPay);
    }

    function refund(uint256 seed) external counted(seed) {
        if (_made.length == 0) return;
        (uint256 order, uint64 amount) = _anyRefund();
        Made memory made = _made[order];
        vm.prank(_payout[made.payment.merchant]);
        try processor.refund(made.payment, made.start, amount) {
            _unbook(order, amount);
            _count(Did.Refund);
        } catch {}
    }

    /// @dev By the signature of the honest merchant's payout address, or by the word of a sybil's that says yes to
    /// anything: sent again, it would be a new yes.
    function refundWithAuthorization(uint256 seed) external counted(seed) {
        if (_made.length == 0) return;
        (uint256 order, uint64 amount) = _anyRefund();
        for (uint256 i = 0; i < 8 && _made[order].payment.merchant != SHOP; ++i) {
            (order, amount) = _anyRefund();
        }
        Made memory made = _made[order];
        IPaymentProcessor.Authorization memory authorization =
            authorizedRefund(SHOP_KEY, made.payment, made.start, amount);
        try processor.refundWithAuthorization(made.payment, made.start, amount, authorization) {
            _unbook(order, amount);
            _count(Did.RefundWithAuthorization);
            if (made.payment.merchant != SHOP) return;
            _replayer.see(
                address(processor),
                abi.encodeCall(
                    IPaymentProcessor.refundWithAuthorization, (made.payment, made.start, amount, authorization)
                )
            );
        } catch {}
    }

    function issue(uint256 seed) external counted(seed) {
        IPaymentProcessor.Issue memory item = _anyIssue(_anyMerchant(), _anyHolder(), 200 * POINT);
        try processor.issue(item) {
            _bookIssue(item);
            _count(Did.Issue);
        } catch {}
    }

    /// @dev A sybil merchant's payout address is issued as much as it may be, or a unit more.
    function issueToSelf(uint256 seed) external counted(seed) {
        uint32 merchant = SYBIL + uint32(_roll(SYBILS));
        address person = _payout[merchant];
        uint256 left = _lesser(_left(_personLimit, _issuedTo[person][_now / 1 days]), _issuableBy(merchant));
        bool over = left == 0 || _roll(3) == 0;
        IPaymentProcessor.Issue memory item = _anyIssue(merchant, person, POINT);
        (item.program, item.points, item.total) = (0, uint64(over ? left + 1 : left), 0);
        try processor.issue(item) {
            _bookIssue(item);
            _count(Did.IssueToSelf);
        } catch {
            if (over) _count(Did.OverLimitRefused);
        }
    }

    function issueReserve(uint256 seed) external counted(seed) {
        uint32 merchant = _anyMerchant();
        uint64 amount = uint64(_roll(600 * POINT));
        uint32 program = _roll(2) == 0 ? fund : _dust;
        _issueReserve(merchant, bytes32(++_orders), program, amount, Did.IssueReserve);
    }

    /// @dev One to four issues, of which one that is refused refuses all.
    function issueBatch(uint256 seed) external counted(seed) {
        IPaymentProcessor.Issue[] memory items = new IPaymentProcessor.Issue[](1 + _roll(4));
        for (uint256 i = 0; i < items.length; ++i) {
            items[i] = _anyIssue(_anyMerchant(), _anyHolder(), 60 * POINT);
        }
        try processor.issueBatch(items) {
            for (uint256 i = 0; i < items.length; ++i) {
                _bookIssue(items[i]);
            }
            _count(Did.IssueBatch);
        } catch {}
    }

    /// @dev An issue above the threshold: approved by somebody else, by who issues, or by nobody. One time in four the
    /// threshold that it needed stays.
    function approveIssue(uint256 seed) external counted(seed) {
        IPaymentProcessor.Issue memory item = _anyIssue(_anyMerchant(), _anyHolder(), 100 * POINT);
        uint64 amount = item.points + item.total;
        if (amount == 0) return;
        _setThreshold(uint64(_roll(amount)));
        bool isApproved = _approve(keccak256(abi.encode(item)));
        try processor.issue(item) {
            _bookIssue(item);
            _count(Did.ApproveIssue);
        } catch {
            if (!isApproved) _count(Did.UnapprovedRefused);
        }
        if (_roll(4) != 0) _setThreshold(THRESHOLD);
    }

    /// @dev The same of a reserve.
    function approveReserve(uint256 seed) external counted(seed) {
        (uint32 merchant, bytes32 order) = (_anyMerchant(), bytes32(++_orders));
        uint64 amount = uint64(1 + _roll(300 * POINT));
        _setThreshold(uint64(_roll(amount)));
        bool isApproved = _approve(keccak256(abi.encode(merchant, order, fund, amount, bytes32("evidence"))));
        bool went = _issueReserve(merchant, order, fund, amount, Did.ApproveReserve);
        if (!went && !isApproved) _count(Did.UnapprovedRefused);
        if (_roll(4) != 0) _setThreshold(THRESHOLD);
    }

    /// @dev A merchant's, lower than at first or higher: what was paid and issued today stays.
    function setLimits(uint256 seed) external counted(seed) {
        uint32 merchant = _anyMerchant();
        Limits memory limits = Limits(_anyLimit(PAID_PER_DAY), _anyLimit(ISSUED_PER_DAY));
        processor.setLimits(merchant, limits.paid, limits.issued);
        _limits[merchant] = limits;
        _touchedMerchants.push(merchant);
        _count(Did.SetLimits);
    }

    function setPersonLimit(uint256 seed) external counted(seed) {
        _personLimit = _anyLimit(PERSON_PER_DAY);
        token.setPersonLimit(_personLimit);
        _touch(_anyHolder());
        _count(Did.SetPersonLimit);
    }

    function deposit(uint256 seed) external counted(seed) {
        uint64 amount = uint64(_roll(3000 * POINT));
        try node.deposit(fund, amount) {
            _move(address(this), address(node), amount);
            _ledgerOf(fund).reserve += amount;
            _count(Did.Deposit);
        } catch {}
    }

    function cancelPayments(uint256 seed) external counted(seed) {
        address payer = _anyHolder();
        vm.prank(payer);
        token.cancelPayments();
        _cancelledAt[payer] = _now;
        _count(Did.CancelPayments);
    }

    function _anyPayments(address payer) private returns (IPaymentProcessor.Payment[] memory payments) {
        payments = new IPaymentProcessor.Payment[](2 + _roll(4));
        for (uint256 i = 0; i < payments.length; ++i) {
            payments[i] = _anyPayment(payer);
            payments[i].amount = payments[i].amount / 8 + POINT;
            if (i == 0 || _roll(2) == 0) continue;
            (payments[i].merchant, payments[i].program) = (payments[i - 1].merchant, payments[i - 1].program);
        }
    }

    /// @dev Of the latest eight orders, which are the likeliest to be locked still; all that is left, a part, or one
    /// time in eight a unit too much.
    function _anyRefund() private returns (uint256 order, uint64 amount) {
        order = _made.length - 1 - _roll(_lesser(_made.length, 8));
        uint64 left = _made[order].payment.amount - _made[order].refunded;
        uint256 kind = _roll(8);
        amount = kind == 0 ? left + 1 : kind < 4 ? left : uint64(_roll(uint256(left) + 1));
    }

    function _pay(IPaymentProcessor.Payment memory payment, Did what) private {
        vm.prank(payment.payer);
        try processor.pay(payment) {
            _book(payment);
            _count(what);
        } catch {}
    }

    function _anyIssue(uint32 merchant, address customer, uint64 most)
        private
        returns (IPaymentProcessor.Issue memory)
    {
        uint64 points = uint64(_roll(most));
        uint64 total = _roll(2) == 0 ? 0 : uint64(_roll(most));
        uint32 program = total == 0 ? 0 : _roll(2) == 0 ? fund : _dust;
        return IPaymentProcessor.Issue(merchant, program, points, total, customer, bytes32(++_orders), "evidence");
    }

    function _issuableBy(uint32 merchant) private view returns (uint256) {
        uint256 today = _left(_limits[merchant].issued, _issuedOn[merchant][_now / 1 days]);
        return _lesser(today, QUOTA - _issuedOf[merchant]);
    }

    function _issueReserve(uint32 merchant, bytes32 order, uint32 program, uint64 amount, Did what)
        private
        returns (bool)
    {
        try processor.issueReserve(merchant, order, program, amount, "evidence") {
            _mint(address(node), amount);
            _ledgerOf(program).reserve += amount;
            _countIssued(merchant, amount, keccak256(abi.encode(merchant, order, program, amount, bytes32("evidence"))));
            _count(what);
            return true;
        } catch {
            return false;
        }
    }

    /// @dev Half of the time by the approver; else by who issues, which does not count, or by nobody.
    function _approve(bytes32 hash) private returns (bool byOther) {
        uint256 way = _roll(4);
        byOther = way > 1;
        if (way == 0) return false;
        if (byOther) vm.prank(APPROVER);
        processor.approveIssue(hash);
        _approved[hash] = byOther;
    }

    function _setThreshold(uint64 threshold) private {
        processor.setApprovalThreshold(threshold);
        _threshold = threshold;
    }

    /// @dev One time in three lower than `usual`.
    function _anyLimit(uint64 usual) private returns (uint64) {
        return uint64(_roll(3) == 0 ? _roll(usual) : usual + _roll(usual));
    }

    function _left(uint256 limit, uint256 used) private pure returns (uint256) {
        return used < limit ? limit - used : 0;
    }

    function _notStale(address payer, IPaymentProcessor.Authorization memory authorization) private {
        if (uint256(authorization.validAfter) + 1 < _cancelledAt[payer]) ++_stale;
    }

    function _lesser(uint256 left, uint256 right) internal pure returns (uint256) {
        return left < right ? left : right;
    }
}
