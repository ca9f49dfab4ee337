// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PayerShare} from "../types/PayerShare.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC3009, IERC3009Cancel} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";

/// @title Points: an ERC-20 of 6 decimals under a hard supply cap
/// @notice With EIP-2612 permit, EIP-3009 transfers by authorization and an EIP-5267 domain; each signature is 65 bytes
/// of an account, or whatever an ERC-1271 contract accepts. Amounts are base units: 1 point = 1,000,000. An account can
/// be frozen: it then cannot send points, but still receives them.
///
/// The cap is parted once: opening an EMISSION program sets its whole cap apart, and the rest is for issues, so
/// issued + setApart <= SUPPLY_CAP is all that is ever checked. Why neither a release nor a refund needs a check of its
/// own: supply = issued + released - (diverted and burned by payments, less what their refunds minted back) - burned by
/// holders, and that bracket is never negative, since refunds of a payment mint back at most what it burned. A program
/// keeps released + committed within its cap, so supply + committed <= issued + released + committed
/// <= issued + setApart <= SUPPLY_CAP. That sum is how `totalSupply` is worked out.
interface IPointsToken is IERC20, IERC20Permit, IERC3009, IERC3009Cancel {
    /// @notice An account was frozen, or its freeze was confirmed.
    /// @param account The account that can no longer send.
    /// @param until When the freeze ends by itself, in unix seconds; the largest uint40 once confirmed.
    /// @param by Who froze it.
    /// @param reason Why, in words for the holder.
    event Frozen(address indexed account, uint40 until, address by, string reason);

    /// @notice A freeze was lifted before its end.
    /// @param account The account that can send again.
    /// @param by Who lifted it.
    event Unfrozen(address indexed account, address by);

    /// @notice The payer took back every payment signed to be valid before now.
    /// @param payer The payer.
    event PaymentsCancelled(address indexed payer);

    /// @notice The limit of issued points a person a day was set, base units.
    /// @param issuedPerDay The most that may be issued to one person in a UTC day, base units.
    event PersonLimitSet(uint64 issuedPerDay);

    /// @notice `caller` is not the payment processor, which alone issues and moves payments and refunds.
    error PointsToken_NotProcessor(address caller);
    /// @notice `caller` is not the nodes' contract, which holds the programs and alone sets supply apart and releases.
    error PointsToken_NotNodes(address caller);
    /// @notice `issuedAndSetApart`, all that was ever issued with the caps of all EMISSION programs, would exceed
    /// `cap`; base units.
    error PointsToken_SupplyCapExceeded(uint256 issuedAndSetApart, uint256 cap);
    /// @notice Points sent to the token's own contract would be lost.
    error PointsToken_SentToToken();
    /// @notice `account` is frozen until `until`, unix seconds.
    error PointsToken_AccountFrozen(address account, uint40 until);
    /// @notice A freeze of `account` runs, or ended less than 30 days ago; only the admin may freeze it before `from`,
    /// unix seconds.
    error PointsToken_FrozenTooSoon(address account, uint40 from);
    /// @notice `account` is not frozen.
    error PointsToken_NotFrozen(address account);
    /// @notice `account` is the processor or the nodes' contract, which holds the reserves: these are never frozen.
    error PointsToken_NotFreezable(address account);
    /// @notice `payer` took the authorization back at `cancelledAt`, unix seconds.
    error PointsToken_PaymentsCancelled(address payer, uint40 cancelledAt);
    /// @notice `left` base units more may be issued to `person` in this UTC day; `tried` is more.
    error PointsToken_PersonLimitExceeded(address person, uint256 tried, uint64 left);
    /// @notice The signature is not that of `signer`.
    error PointsToken_InvalidSignature(address signer);

    /// @notice The most that can ever exist: 9 * 10^18 base units (9 trillion points).
    /// @return Base units.
    // forge-lint: disable-next-line
    function SUPPLY_CAP() external view returns (uint256);

    /// @notice Sets `amount` of the cap apart for an EMISSION program, for ever. For the nodes' contract.
    /// Reverts with PointsToken_NotNodes, PointsToken_SupplyCapExceeded.
    /// @param amount The program's cap, base units.
    function setSupplyApart(uint64 amount) external;

    /// @notice Moves payments: of each share, `merchantShare` to `payout`, while `diverted` is burned (EMISSION) or
    /// goes to the reserve (FUNDED). For the processor, which asked the payers; allowances are not needed. Emits
    /// Transfer for each part. Reverts with PointsToken_NotProcessor, PointsToken_PaymentsCancelled,
    /// ERC20InsufficientBalance, PointsToken_AccountFrozen, PointsToken_SentToToken.
    /// @param payout The merchant's payout address.
    /// @param shares At most 256 payers' shares.
    /// @param made Bit i says whether share i made a node of its payer, to be counted.
    /// @param funded Whether the program is FUNDED; else it is EMISSION.
    function settle(address payout, PayerShare[] calldata shares, uint256 made, bool funded) external;

    /// @notice Moves a refund: `merchantShare` from `payout` to `payer`, who also gets `diverted` again: created, as
    /// the payment burned it, or out of the reserve of a FUNDED program. For the processor, which asked the payout
    /// address. Emits Transfer for each part. Reverts with PointsToken_NotProcessor, ERC20InsufficientBalance,
    /// PointsToken_AccountFrozen.
    /// @param payout The merchant's payout address.
    /// @param payer The payer.
    /// @param merchantShare What the merchant gives back, base units.
    /// @param diverted What the payer gets again of the diverted points, base units.
    /// @param funded Whether the program is FUNDED; else it is EMISSION.
    /// @param nodeEnded Whether the refund ended a node of the payer, no longer to be counted.
    function settleRefund(
        address payout,
        address payer,
        uint64 merchantShare,
        uint64 diverted,
        bool funded,
        bool nodeEnded
    ) external;

    /// @notice Creates what is issued for an order that was paid in money: `points` of the customer, and `total` in the
    /// reserve for the customer's node. For the processor. Emits Transfer from the zero address for each. Reverts with
    /// PointsToken_NotProcessor, PointsToken_SupplyCapExceeded, PointsToken_PersonLimitExceeded,
    /// PointsToken_SentToToken.
    /// @param customer The customer.
    /// @param points Minted to the customer at once, base units.
    /// @param total The node's total, base units.
    /// @param newNode Whether the issue made a node of the customer, to be counted.
    function settleIssue(address customer, uint64 points, uint64 total, bool newNode) external;

    /// @notice Creates points in the reserve, as issued by no person. For the processor. Emits Transfer from the zero
    /// address. Reverts with PointsToken_NotProcessor, PointsToken_SupplyCapExceeded.
    /// @param amount Base units.
    function settleReserve(uint64 amount) external;

    /// @notice Pays what nodes of `owner` released to `to`: created out of what was set apart, or out of the reserve of
    /// a FUNDED program. For the nodes' contract. Emits Transfer. Reverts with PointsToken_NotNodes, and with
    /// PointsToken_AccountFrozen where a frozen owner's points would go to somebody else.
    /// @param owner The nodes' owner.
    /// @param to Who is paid.
    /// @param amount Base units.
    /// @param funded Whether the program is FUNDED; else it is EMISSION.
    function releaseTo(address owner, address to, uint64 amount, bool funded) external;

    /// @notice Counts a node that changes hands. For the nodes' contract. Reverts with PointsToken_NotNodes,
    /// PointsToken_SentToToken, PointsToken_AccountFrozen (of `from`).
    /// @param from The owner before.
    /// @param to The owner after.
    function handOver(address from, address to) external;

    /// @notice Counts nodes of an owner that a split or a merge made and ended. For the nodes' contract. Reverts with
    /// PointsToken_NotNodes.
    /// @param owner The nodes' owner.
    /// @param more How many nodes were made.
    /// @param fewer How many nodes ended.
    function recount(address owner, uint32 more, uint32 fewer) external;

    /// @notice Takes back every payment of the caller that was signed to be valid before now; what is signed from now
    /// on counts, and what the caller sends itself. Emits PaymentsCancelled.
    function cancelPayments() external;

    /// @notice Sets how many points may be issued to one person in a day, over all merchants (1,000 points at first).
    /// For the admin. Emits PersonLimitSet.
    /// @param issuedPerDay The most that may be issued to one person in a UTC day, base units.
    function setPersonLimit(uint64 issuedPerDay) external;

    /// @notice Destroys points of the caller. Emits Transfer to the zero address. Reverts with
    /// ERC20InsufficientBalance, PointsToken_AccountFrozen.
    /// @param amount Base units.
    function burn(uint256 amount) external;

    /// @notice Destroys points of `from` out of the allowance given to the caller. Emits Transfer to the zero address.
    /// Reverts as `burn` does, and with ERC20InsufficientAllowance.
    /// @param from The holder.
    /// @param amount Base units.
    function burnFrom(address from, uint256 amount) external;

    /// @notice Stops an account from sending for 7 days. For guardians. Emits Frozen.
    /// Reverts with PointsToken_FrozenTooSoon while frozen and within 30 days after an earlier freeze ended, and with
    /// PointsToken_NotFreezable.
    /// @param account The account.
    /// @param reason Why, in words for the holder.
    function freeze(address account, string calldata reason) external;

    /// @notice Makes a freeze last until it is lifted. For the admin. Emits Frozen.
    /// Reverts with PointsToken_NotFreezable.
    /// @param account The account.
    /// @param reason Why, in words for the holder.
    function confirmFreeze(address account, string calldata reason) external;

    /// @notice Lifts a freeze. For guardians. Emits Unfrozen. Reverts with PointsToken_NotFrozen.
    /// @param account The account.
    function unfreeze(address account) external;

    /// @notice EIP-2612 permit whose signature is 65 bytes of an account, or whatever an ERC-1271 contract accepts.
    /// Emits Approval. Reverts with ERC2612ExpiredSignature, PointsToken_InvalidSignature.
    /// @param owner The holder, who signed.
    /// @param spender Who may spend.
    /// @param value Base units.
    /// @param deadline Unix seconds, inclusive.
    /// @param signature 65 bytes of an account, or whatever an ERC-1271 contract accepts.
    function permit(address owner, address spender, uint256 value, uint256 deadline, bytes calldata signature) external;

    /// @notice EIP-3009 transfer by authorization whose signature is 65 bytes of an account, or whatever an ERC-1271
    /// contract accepts. Times are unix seconds: valid while validAfter < now < validBefore. Emits AuthorizationUsed
    /// and Transfer. Reverts with PointsToken_InvalidSignature, ERC3009InvalidAuthorizationTime,
    /// ERC3009UsedAuthorization.
    /// @param from Who signed, and pays.
    /// @param to Who receives.
    /// @param value Base units.
    /// @param validAfter Unix seconds after which the authorization is valid.
    /// @param validBefore Unix seconds before which the authorization is valid.
    /// @param nonce The authorization's nonce (EIP-3009): any 32 bytes that the signer has not used.
    /// @param signature 65 bytes of an account, or whatever an ERC-1271 contract accepts.
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice EIP-3009: as `transferWithAuthorization` with bytes, but only for `to` itself to call (else
    /// ERC20InvalidReceiver).
    /// @param from Who signed, and pays.
    /// @param to Who receives, and calls.
    /// @param value Base units.
    /// @param validAfter Unix seconds after which the authorization is valid.
    /// @param validBefore Unix seconds before which the authorization is valid.
    /// @param nonce The authorization's nonce (EIP-3009): any 32 bytes that the signer has not used.
    /// @param signature 65 bytes of an account, or whatever an ERC-1271 contract accepts.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice EIP-3009: uses up an authorization, by signature of an account or an ERC-1271 contract. Emits
    /// AuthorizationCanceled. Reverts with PointsToken_InvalidSignature, ERC3009UsedAuthorization.
    /// @param authorizer Who signed the authorization, and this.
    /// @param nonce The authorization's nonce (EIP-3009): any 32 bytes that the signer has not used.
    /// @param signature 65 bytes of an account, or whatever an ERC-1271 contract accepts.
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external;

    /// @notice All that was ever issued, base units. Burning gives nothing of it back.
    /// @return At most what SUPPLY_CAP leaves beside `setApart`.
    function issued() external view returns (uint64);

    /// @notice The caps of all EMISSION programs together, base units.
    /// @return At most what SUPPLY_CAP leaves beside `issued`.
    function setApart() external view returns (uint64);

    /// @notice How many release nodes the account holds.
    /// @param account The account.
    /// @return What ERC-721 calls the balance in the nodes' contract.
    function nodesOf(address account) external view returns (uint256);

    /// @notice When the account last took its signed payments back, unix seconds; 0 for never.
    /// @param account The account.
    /// @return Payments signed to be valid before it do not count, unless the payer sends them itself.
    function paymentsCancelledAt(address account) external view returns (uint40);

    /// @notice The limit of issued points a person a day, and what was issued to `person` today, base units.
    /// @param person The person's wallet.
    /// @return issuedPerDay The most that may be issued to one person in a UTC day, base units.
    /// @return issuedToday What was issued to `person` in this UTC day, base units.
    function personLimit(address person) external view returns (uint64 issuedPerDay, uint64 issuedToday);

    /// @notice When the account's freeze ends, in unix seconds; in the past or 0 when it is not frozen.
    /// @param account The account.
    /// @return The largest uint40 once the freeze is confirmed.
    function frozenUntil(address account) external view returns (uint40);
}
