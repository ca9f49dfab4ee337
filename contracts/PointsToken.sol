// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IPointsToken} from "./interfaces/IPointsToken.sol";
import {IProgramBooks} from "./interfaces/IProgramBooks.sol";
import {PointsAuthorizations} from "./base/PointsAuthorizations.sol";
import {Account} from "./types/Account.sol";
import {PayerShare} from "./types/PayerShare.sol";

/// @title Points: an ERC-20 of 6 decimals under a hard supply cap
/// @notice Calls no contract but, for the supply alone, the nodes'.
contract PointsToken is PointsAuthorizations, ERC20Burnable, AccessManaged {
    /// @dev A place of its own, so that who reads an account and writes it again finds it once.
    struct Kept {
        Account account;
    }

    /// @dev One slot.
    struct Sums {
        uint64 issued;
        uint64 setApart;
        uint64 burned; // by holders
        uint64 personLimit;
    }

    /// @inheritdoc IPointsToken
    uint256 public constant SUPPLY_CAP = 9e18;

    uint40 private constant FREEZE = 7 days;
    uint40 private constant FREEZE_PAUSE = 30 days;
    uint40 private constant UNTIL_LIFTED = type(uint40).max;

    /// @notice The payment processor, which issues, and moves payments and refunds.
    address public immutable PROCESSOR;
    /// @notice The nodes and their programs, which set supply apart and release.
    address public immutable NODES;

    mapping(address account => Kept) private _kept;
    Sums private _sums = Sums({issued: 0, setApart: 0, burned: 0, personLimit: 1000e6});

    modifier onlyProcessor() {
        if (msg.sender != PROCESSOR) revert PointsToken_NotProcessor(msg.sender);
        _;
    }

    modifier onlyNodes() {
        if (msg.sender != NODES) revert PointsToken_NotNodes(msg.sender);
        _;
    }

    constructor(address authority, address processor, address nodes)
        ERC20("chainpoints", "POINTS")
        PointsAuthorizations("chainpoints")
        AccessManaged(authority)
    {
        PROCESSOR = processor;
        NODES = nodes;
    }

    /// @inheritdoc IPointsToken
    function settle(address payout, PayerShare[] calldata shares, uint256 made, bool funded) external onlyProcessor {
        address collector = funded ? NODES : address(0);
        uint256 paid;
        uint256 collected;
        for (uint256 i = 0; i < shares.length; ++i) {
            (uint256 merchantShare, uint256 diverted) = _settleShare(payout, collector, shares[i], made >> i & 1);
            (paid, collected) = (paid + merchantShare, collected + diverted);
        }

        // Check and effect: what is diverted is kept in reserve, or no longer there.
        _add(payout, paid);
        if (funded) _add(collector, collected);
    }

    /// @inheritdoc IPointsToken
    function settleRefund(
        address payout,
        address payer,
        uint64 merchantShare,
        uint64 diverted,
        bool funded,
        bool nodeEnded
    ) external onlyProcessor {
        _take(payout, merchantShare);
        _put(payout, payer, merchantShare);
        _release(payer, diverted, funded);
        if (nodeEnded) _kept[payer].account = _kept[payer].account.withFewerNodes(1);
    }

    /// @inheritdoc IPointsToken
    function settleIssue(address customer, uint64 points, uint64 total, bool newNode) external onlyProcessor {
        // Check: a limit that was lowered below what was issued leaves nothing.
        Kept storage kept = _kept[customer];
        Account account = kept.account;
        uint256 amount = uint256(points) + total;
        uint256 issuedToday = account.issuedOn(_today());
        uint256 limit = _sums.personLimit;
        uint256 left = issuedToday < limit ? limit - issuedToday : 0;
        if (amount > left) revert PointsToken_PersonLimitExceeded(customer, amount, uint64(left));

        // Check and effect:
        _issue(amount);
        if (newNode) account = account.withMoreNodes(1);
        kept.account = account.withIssued(_today(), uint64(issuedToday + amount));
        if (points != 0) _put(address(0), customer, points);
        if (total != 0) _put(address(0), NODES, total);
    }

    /// @inheritdoc IPointsToken
    function settleReserve(uint64 amount) external onlyProcessor {
        _issue(amount);
        _put(address(0), NODES, amount);
    }

    /// @inheritdoc IPointsToken
    function releaseTo(address owner, address to, uint64 amount, bool funded) external onlyNodes {
        // Check: a frozen owner's points go to nobody else.
        if (to != owner) _requireNotFrozen(owner, _kept[owner].account);

        // Effect:
        _release(to, amount, funded);
    }

    /// @inheritdoc IPointsToken
    function handOver(address from, address to) external onlyNodes {
        // Check: the token takes no points, so its node could never be claimed or handed over again.
        if (to == address(this)) revert PointsToken_SentToToken();
        Account account = _kept[from].account;
        _requireNotFrozen(from, account);

        // Effect:
        _kept[from].account = account.withFewerNodes(1);
        _kept[to].account = _kept[to].account.withMoreNodes(1);
    }

    /// @inheritdoc IPointsToken
    function recount(address owner, uint32 more, uint32 fewer) external onlyNodes {
        _kept[owner].account = _kept[owner].account.withMoreNodes(more).withFewerNodes(fewer);
    }

    /// @inheritdoc IPointsToken
    function setSupplyApart(uint64 amount) external onlyNodes {
        // Check:
        _requireSupply(amount);

        // Effect:
        _sums.setApart += amount;
    }

    /// @inheritdoc IPointsToken
    function cancelPayments() external {
        _kept[msg.sender].account = _kept[msg.sender].account.withPaymentsCancelledAt(uint40(block.timestamp));
        emit PaymentsCancelled(msg.sender);
    }

    /// @inheritdoc IPointsToken
    function setPersonLimit(uint64 issuedPerDay) external restricted {
        _sums.personLimit = issuedPerDay;
        emit PersonLimitSet(issuedPerDay);
    }

    /// @inheritdoc IPointsToken
    function freeze(address account, string calldata reason) external restricted {
        // Check:
        _requireFreezable(account);
        uint40 until = _kept[account].account.frozenUntil();
        // Saturating, so that a confirmed freeze (the largest uint40) is never over.
        uint40 from = until < UNTIL_LIFTED - FREEZE_PAUSE ? until + FREEZE_PAUSE : UNTIL_LIFTED;
        if (until != 0 && block.timestamp < from) revert PointsToken_FrozenTooSoon(account, from);

        // Effect:
        _freeze(account, uint40(block.timestamp) + FREEZE, reason);
    }

    /// @inheritdoc IPointsToken
    function confirmFreeze(address account, string calldata reason) external restricted {
        // Check:
        _requireFreezable(account);

        // Effect:
        _freeze(account, UNTIL_LIFTED, reason);
    }

    /// @inheritdoc IPointsToken
    function unfreeze(address account) external restricted {
        // Check:
        Account frozen = _kept[account].account;
        if (block.timestamp >= frozen.frozenUntil()) revert PointsToken_NotFrozen(account);

        // Effect: the end of the freeze, from which the guardians' pause counts.
        _kept[account].account = frozen.withFrozenUntil(uint40(block.timestamp));
        emit Unfrozen(account, msg.sender);
    }

    /// @inheritdoc IPointsToken
    function burn(uint256 amount) public override(IPointsToken, ERC20Burnable) {
        super.burn(amount);
    }

    /// @inheritdoc IPointsToken
    function burnFrom(address from, uint256 amount) public override(IPointsToken, ERC20Burnable) {
        super.burnFrom(from, amount);
    }

    /// @inheritdoc IERC20
    /// @dev Not kept, but worked out: it would be one slot more on each payment and claim.
    function totalSupply() public view override(ERC20, IERC20) returns (uint256) {
        Sums memory sums = _sums;
        return uint256(sums.issued) + sums.setApart - sums.burned - IProgramBooks(NODES).unminted();
    }

    /// @inheritdoc IERC20
    function balanceOf(address account) public view override(ERC20, IERC20) returns (uint256) {
        return _kept[account].account.points();
    }

    /// @inheritdoc ERC20
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// @inheritdoc IPointsToken
    function issued() external view returns (uint64) {
        return _sums.issued;
    }

    /// @inheritdoc IPointsToken
    function setApart() external view returns (uint64) {
        return _sums.setApart;
    }

    /// @inheritdoc IPointsToken
    function nodesOf(address account) external view returns (uint256) {
        return _kept[account].account.nodes();
    }

    /// @inheritdoc IPointsToken
    function frozenUntil(address account) external view returns (uint40) {
        return _kept[account].account.frozenUntil();
    }

    /// @inheritdoc IPointsToken
    function paymentsCancelledAt(address account) external view returns (uint40) {
        return _kept[account].account.paymentsCancelledAt();
    }

    /// @inheritdoc IPointsToken
    function personLimit(address person) external view returns (uint64 issuedPerDay, uint64 issuedToday) {
        return (_sums.personLimit, uint64(_kept[person].account.issuedOn(_today())));
    }

    /// @dev Transfers and holders' burning, of OpenZeppelin's ERC-20; its own balances and supply stay unused.
    function _update(address from, address to, uint256 amount) internal override {
        // Check and effect: what an account holds has 64 bits.
        _take(from, amount);
        if (to == address(0)) {
            _sums.burned += uint64(amount);
            emit Transfer(from, to, amount);
        } else {
            _put(from, to, amount);
        }
    }

    /// @dev Takes points from an account.
    function _take(address from, uint256 amount) private {
        Kept storage kept = _kept[from];
        kept.account = _less(from, kept.account, amount);
    }

    /// @dev Takes a payer's share, and counts the node that it made.
    function _settleShare(address payout, address collector, PayerShare calldata share, uint256 made)
        private
        returns (uint256 merchantShare, uint256 diverted)
    {
        // Check: an authorization that was valid before the payer's last cancelling does not count.
        address payer = share.payer;
        Kept storage kept = _kept[payer];
        Account account = kept.account;
        uint40 cancelledAt = account.paymentsCancelledAt();
        if (uint256(share.validAfter) + 1 < cancelledAt) revert PointsToken_PaymentsCancelled(payer, cancelledAt);

        // Check and effect: of the whole amount, so that the error says what is missing.
        (merchantShare, diverted) = (share.merchantShare, share.diverted);
        kept.account = _less(payer, account.withMoreNodes(made), merchantShare + diverted);
        emit Transfer(payer, payout, merchantShare);
        emit Transfer(payer, collector, diverted);
    }

    /// @dev An account that points are taken from: it is not frozen, and has them.
    function _less(address from, Account account, uint256 amount) private view returns (Account) {
        _requireNotFrozen(from, account);
        uint256 points = account.points();
        if (points < amount) revert ERC20InsufficientBalance(from, points, amount);
        return account.less(amount);
    }

    /// @dev Gives an account points that were taken from `from`, or created where that is zero.
    function _put(address from, address to, uint256 amount) private {
        _add(to, amount);
        emit Transfer(from, to, amount);
    }

    function _add(address to, uint256 amount) private {
        // Check: whatever reached the token itself would be lost.
        if (to == address(this)) revert PointsToken_SentToToken();
        if (to == address(0)) revert ERC20InvalidReceiver(to);

        // Effect:
        Kept storage kept = _kept[to];
        kept.account = kept.account.more(amount);
    }

    /// @dev What programs pay out, or give back, is created or comes out of the reserves.
    function _release(address to, uint256 amount, bool funded) private {
        address from = address(0);
        if (funded) {
            from = NODES;
            _take(from, amount);
        }
        if (amount != 0) _put(from, to, amount);
    }

    function _issue(uint256 amount) private {
        // Check:
        _requireSupply(amount);

        // Effect: what passed has 64 bits.
        _sums.issued += uint64(amount);
    }

    function _freeze(address account, uint40 until, string calldata reason) private {
        _kept[account].account = _kept[account].account.withFrozenUntil(until);
        emit Frozen(account, until, msg.sender, reason);
    }

    /// @dev Sums are taken in 256 bits; what passes fits 64.
    function _requireSupply(uint256 amount) private view {
        Sums memory sums = _sums;
        uint256 issuedAndSetApart = amount + sums.issued + sums.setApart;
        if (issuedAndSetApart > SUPPLY_CAP) revert PointsToken_SupplyCapExceeded(issuedAndSetApart, SUPPLY_CAP);
    }

    function _requireNotFrozen(address holder, Account account) private view {
        uint40 until = account.frozenUntil();
        if (block.timestamp < until) revert PointsToken_AccountFrozen(holder, until);
    }

    function _requireFreezable(address account) private view {
        if (account == PROCESSOR || account == NODES) revert PointsToken_NotFreezable(account);
    }

    function _today() private view returns (uint16) {
        return uint16(block.timestamp / 1 days);
    }
}
