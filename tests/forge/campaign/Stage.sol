// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPaymentProcessor, IPrograms, Setup} from "../Setup.sol";
import {Tables} from "../Tables.sol";
import {Wallet} from "../Wallet.sol";
import {
    Attacker,
    Donor,
    FickleSigner,
    FreezeDodger,
    GiftThief,
    Operator,
    Reentrant,
    RefundAbuser,
    Replayer,
    Spender
} from "./Actors.sol";
import {Model} from "./Model.sol";

/// @dev Where a campaign plays: programs of five shapes, merchants, accounts, attackers, what each has at first, and how
/// many calls of each kind succeeded.
abstract contract Stage is Model {
    /// @dev What is counted.
    enum Did {
        Pay,
        PayWithAuthorization,
        PayBatch,
        PayBatchWithAuthorization,
        TopUp,
        PayDust,
        PayLateRefused,
        SelfPay,
        Refund,
        RefundWithAuthorization,
        Issue,
        IssueToSelf,
        IssueBatch,
        IssueReserve,
        ApproveIssue,
        ApproveReserve,
        UnapprovedRefused,
        OverLimitRefused,
        Deposit,
        Claim,
        ClaimBatch,
        ClaimTo,
        ClaimByDelegate,
        PermitClaim,
        Transfer,
        TransferByOperator,
        Split,
        Merge,
        Give,
        Take,
        TakeBack,
        SetBeneficiary,
        MovePoints,
        Approve,
        Permit,
        TransferWithAuthorization,
        ReceiveWithAuthorization,
        ReceiveByOtherRefused,
        CancelPayments,
        SetLimits,
        SetPersonLimit,
        Burn,
        Freeze,
        ConfirmFreeze,
        Unfreeze,
        Replace,
        Warp,
        Operate,
        Reenter,
        SpeakFor,
        FicklePay,
        StealGift,
        Replay,
        OtherChain,
        Spend,
        Overspend,
        Escape,
        AbuseRefund,
        LateRefund,
        Donate,
        DonateWrongly
    }

    uint64 internal constant PAID_PER_DAY = 6000 * POINT;
    uint64 internal constant ISSUED_PER_DAY = 3000 * POINT;
    uint64 internal constant PERSON_PER_DAY = 1000 * POINT; // as the token is deployed
    uint64 internal constant THRESHOLD = 100_000 * POINT; // as the processor is deployed
    uint64 internal constant QUOTA = 300_000 * POINT;
    uint64 internal constant STAKE = 50_000 * POINT;
    uint32 internal constant SYBIL = SHOP + 1; // the first of three
    uint32 internal constant SYBILS = 3;

    address internal constant APPROVER = address(0xA99);

    uint256 internal constant SIGNERS = 5;
    uint256[SIGNERS] internal _keys = [ALICE_KEY, 0xB0B, 0xCA401, 0xD0D0, SHOP_KEY];

    /// @dev The signers, of whom the fourth is a contract wallet and the fifth a merchant, and the attackers.
    address[] internal _holders;
    /// @dev All that ever have points.
    address[] internal _accounts;
    mapping(address account => bool) internal _isAttacker;

    Operator internal _operator;
    Reentrant internal _reentrant;
    FickleSigner internal _fickle;
    GiftThief internal _giftThief;
    Replayer internal _replayer;
    Spender internal _spender;
    FreezeDodger internal _dodger;
    RefundAbuser internal _abuser;
    Donor internal _donor;

    uint32 internal _once; // EMISSION, one period of a day, half diverted, three times
    uint32 internal _dust; // FUNDED, 255 hours, all diverted, once, from a unit on
    uint32 internal _old; // EMISSION, 8 periods of 3 days, each twice the one before; replaced during the campaign
    uint32 internal _new; // what replaces it; 0 until then

    bytes32 internal _nodeDomain;
    bytes32 internal _tokenDomain;
    uint256 internal _orders;
    mapping(Did => uint256) internal _done;

    uint256 internal _loot; // what attackers did that is not theirs to do
    uint256 internal _stale; // payments by authorizations that were taken back
    uint256 internal _replayed; // signed calls that counted twice, or for something else than was signed

    function setUp() public override {
        super.setUp();
        _now = EPOCH + 1 days;
        _keepRules(fec, fecTerms(), Tables.FEC);
        _keepRules(fund, fundTerms(), Tables.straight(4));
        _openPrograms();
        _nodeDomain = _domainOf("chainpoints release node", address(node));
        _tokenDomain = token.DOMAIN_SEPARATOR();
        for (uint256 i = 0; i < SIGNERS; ++i) {
            _holders.push(i == 3 ? address(new Wallet(vm.addr(_keys[i]))) : vm.addr(_keys[i]));
        }
        _makeAttackers();
        _accounts = _holders;
        _accounts.push(address(node));
        _accounts.push(address(processor));
        _accounts.push(address(this));
        _registerMerchants();
        (_personLimit, _threshold) = (PERSON_PER_DAY, THRESHOLD);
        manager.grantRole(6, APPROVER, 0);
        for (uint256 i = 0; i < _holders.length; ++i) {
            _endow(_holders[i], STAKE);
            vm.prank(_holders[i]);
            node.setApprovalForAll(address(_operator), true);
        }
        _endow(address(this), 2 * STAKE);
        token.approve(address(node), type(uint256).max);
    }

    function _openPrograms() private {
        IPrograms.Terms memory terms = fecTerms();
        (terms.divertBps, terms.multiplier, terms.periods, terms.periodLength) = (5000, 3, 1, 1 days);
        (terms.payerPeriodCap, terms.cap, terms.termsHash) = (6000 * POINT, 20_000 * POINT, "once");
        _once = _open(terms, "Once", "");

        terms = fundTerms();
        (terms.divertBps, terms.multiplier, terms.periods, terms.periodLength) = (10_000, 1, 255, 1 hours);
        (terms.minPayment, terms.termsHash) = (1, "dust");
        _dust = _open(terms, "Dust", Tables.straight(255));

        terms = _doublingTerms(EPOCH);
        _old = _open(terms, "Old", Tables.doubling(8));
    }

    function _doublingTerms(uint40 epoch) internal pure returns (IPrograms.Terms memory terms) {
        terms = fecTerms();
        (terms.divertBps, terms.multiplier, terms.periods, terms.periodLength) = (2500, 4, 8, 3 days);
        (terms.growthNumerator, terms.growthDenominator) = (2, 1);
        (terms.payerPeriodCap, terms.termsHash) = (8000 * POINT, "doubling");
        terms.epoch = epoch;
    }

    function _open(IPrograms.Terms memory terms, string memory name, bytes memory table)
        private
        returns (uint32 program)
    {
        program = programs.open(terms, name, table);
        _keepRules(program, terms, table);
    }

    function _makeAttackers() private {
        _operator = new Operator(token, node, processor);
        _reentrant = new Reentrant(token, node, processor);
        _fickle = new FickleSigner(token, node, processor);
        _giftThief = new GiftThief(token, node, processor);
        _replayer = new Replayer(token, node, processor);
        _spender = new Spender(token, node, processor);
        _dodger = new FreezeDodger(token, node, processor);
        _abuser = new RefundAbuser(token, node, processor);
        _donor = new Donor(token, node, processor);
        Attacker[9] memory all =
            [Attacker(_operator), _reentrant, _fickle, _giftThief, _replayer, _spender, _dodger, _abuser, _donor];
        for (uint256 i = 0; i < all.length; ++i) {
            _holders.push(address(all[i]));
            _isAttacker[address(all[i])] = true;
        }
    }

    /// @dev The sybils are paid to a payer, to a contract that calls back, and to one that wants refunds.
    function _registerMerchants() private {
        address[SYBILS] memory payouts = [_holders[1], address(_reentrant), address(_abuser)];
        processor.setLimits(SHOP, PAID_PER_DAY, ISSUED_PER_DAY);
        _payout[SHOP] = shop;
        _limits[SHOP] = Limits(PAID_PER_DAY, ISSUED_PER_DAY);
        for (uint32 i = 0; i < SYBILS; ++i) {
            processor.register(SYBIL + i, payouts[i], "Sybil", PAID_PER_DAY, ISSUED_PER_DAY);
            processor.addQuota(SYBIL + i, QUOTA, "receipt");
            _payout[SYBIL + i] = payouts[i];
            _limits[SYBIL + i] = Limits(PAID_PER_DAY, ISSUED_PER_DAY);
        }
    }

    function _endow(address account, uint64 amount) private {
        give(account, amount);
        _mint(account, amount);
        _issuedInAll += amount;
    }

    // Choices

    function _anyHolder() internal returns (address) {
        return _holders[_roll(_holders.length)];
    }

    function _anyMerchant() internal returns (uint32) {
        return SHOP + uint32(_roll(1 + SYBILS));
    }

    function _anyProgram() internal returns (uint32) {
        return uint32(1 + _roll(_programCount));
    }

    /// @dev An order that was not paid yet. Dust where the program takes it, some dust where it does not.
    function _anyPayment(address payer) internal returns (IPaymentProcessor.Payment memory payment) {
        uint32 program = _anyProgram();
        bool dust = _roll(program == _dust ? 2 : 40) == 0;
        uint64 amount = uint64(dust ? 1 + _roll(20) : POINT + _roll(1000 * POINT));
        return IPaymentProcessor.Payment(_anyMerchant(), program, amount, payer, bytes32(++_orders));
    }

    /// @dev A node of a few tried, the first that `dueOnly` has something to claim, or is unlocked; zero where there is
    /// none.
    function _anyNode(bool dueOnly) internal returns (uint256 id) {
        if (_live.length == 0) return 0;
        for (uint256 i = 0; i < 5; ++i) {
            id = _live[_roll(_live.length)];
            if (dueOnly ? _due(id) != 0 : _elapsed(id) != 0) return id;
        }
    }

    function _authorize(uint256 signer, IPaymentProcessor.Payment memory payment)
        internal
        returns (IPaymentProcessor.Authorization memory)
    {
        // One time in four of long ago, which a payer that took its payments back since has taken back.
        uint40 validAfter = _roll(4) == 0 ? 0 : uint40(_now - 1);
        bytes32 hash = processor.paymentHash(payment, validAfter, type(uint40).max);
        return IPaymentProcessor.Authorization(validAfter, type(uint40).max, signHash(_keys[signer], hash));
    }

    function _domainOf(string memory name, address verifier) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifier
            )
        );
    }

    function _count(Did what) internal {
        ++_done[what];
    }

    function _toppedUp() internal override {
        _count(Did.TopUp);
    }
}
