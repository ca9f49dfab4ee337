// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IPointsToken} from "./interfaces/IPointsToken.sol";

/// @title Points: an ERC-20 of 6 decimals under a hard supply cap
contract PointsToken is IPointsToken, ERC20Burnable, ERC20Permit, ERC3009, AccessManaged {
    /// @inheritdoc IPointsToken
    uint256 public constant SUPPLY_CAP = 9e18;

    uint40 private constant FREEZE = 7 days;
    uint40 private constant FREEZE_PAUSE = 30 days;
    uint40 private constant UNTIL_LIFTED = type(uint40).max;

    /// @notice The payment processor, which mints what is issued and moves payments and refunds.
    address public immutable PROCESSOR;
    /// @notice The programs, which set supply apart and mint what their nodes release.
    address public immutable PROGRAMS;

    /// @inheritdoc IPointsToken
    uint64 public issued;
    /// @inheritdoc IPointsToken
    uint64 public setApart;
    /// @inheritdoc IPointsToken
    mapping(address account => uint40) public frozenUntil;

    modifier onlyProcessor() {
        if (msg.sender != PROCESSOR) revert PointsToken_NotProcessor(msg.sender);
        _;
    }

    modifier onlyPrograms() {
        if (msg.sender != PROGRAMS) revert PointsToken_NotPrograms(msg.sender);
        _;
    }

    constructor(address authority, address processor, address programs)
        ERC20("chainpoints", "POINTS")
        ERC20Permit("chainpoints")
        AccessManaged(authority)
    {
        PROCESSOR = processor;
        PROGRAMS = programs;
    }

    /// @inheritdoc IPointsToken
    function setSupplyApart(uint64 amount) external onlyPrograms {
        // Check:
        _requireSupply(amount);

        // Effect:
        setApart += amount;
    }

    /// @inheritdoc IPointsToken
    function mintIssued(address to, uint64 amount) external onlyProcessor {
        // Check:
        _requireSupply(amount);

        // Effect:
        issued += amount;
        _mint(to, amount);
    }

    /// @inheritdoc IPointsToken
    function mintReleased(address to, uint64 amount) external onlyPrograms {
        _mint(to, amount);
    }

    /// @inheritdoc IPointsToken
    function settlePayment(address payer, address payout, uint64 merchantShare, uint64 diverted, bool funded)
        external
        onlyProcessor
    {
        // Check: of the whole amount, so that the error says what is missing.
        uint256 amount = uint256(merchantShare) + diverted;
        uint256 balance = balanceOf(payer);
        if (balance < amount) revert ERC20InsufficientBalance(payer, balance, amount);

        // Effect:
        _transfer(payer, payout, merchantShare);
        if (funded) _transfer(payer, PROGRAMS, diverted);
        else _burn(payer, diverted);
    }

    /// @inheritdoc IPointsToken
    function settleRefund(address payout, address payer, uint64 merchantShare, uint64 burned) external onlyProcessor {
        _transfer(payout, payer, merchantShare);
        if (burned != 0) _mint(payer, burned);
    }

    /// @inheritdoc IPointsToken
    function freeze(address account, string calldata reason) external restricted {
        // Check:
        _requireFreezable(account);
        uint40 until = frozenUntil[account];
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
        if (block.timestamp >= frozenUntil[account]) revert PointsToken_NotFrozen(account);

        // Effect: the end of the freeze, from which the guardians' pause counts.
        frozenUntil[account] = uint40(block.timestamp);
        emit Unfrozen(account, msg.sender);
    }

    /// @inheritdoc IPointsToken
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        // Check:
        _requireSigned(
            from,
            keccak256(
                abi.encode(TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce)
            ),
            signature
        );

        // Effect:
        _transferWithAuthorization(from, to, value, validAfter, validBefore, nonce);
    }

    /// @inheritdoc IPointsToken
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        // Check:
        if (to != msg.sender) revert ERC20InvalidReceiver(to);
        _requireSigned(
            from,
            keccak256(abi.encode(RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce)),
            signature
        );

        // Effect:
        _transferWithAuthorization(from, to, value, validAfter, validBefore, nonce);
    }

    /// @inheritdoc IPointsToken
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external {
        // Check:
        _requireSigned(authorizer, keccak256(abi.encode(CANCEL_AUTHORIZATION_TYPEHASH, authorizer, nonce)), signature);

        // Effect:
        _cancelAuthorization(authorizer, nonce);
    }

    /// @inheritdoc IPointsToken
    function burn(uint256 amount) public override(IPointsToken, ERC20Burnable) {
        super.burn(amount);
    }

    /// @inheritdoc IPointsToken
    function burnFrom(address from, uint256 amount) public override(IPointsToken, ERC20Burnable) {
        super.burnFrom(from, amount);
    }

    /// @inheritdoc ERC20
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(IERC20Permit, ERC20Permit) returns (uint256) {
        return super.nonces(owner);
    }

    /// @dev Every movement passes here: nothing reaches the token itself, and a frozen account sends and burns nothing.
    function _update(address from, address to, uint256 amount) internal override {
        // Check:
        if (to == address(this)) revert PointsToken_SentToToken();
        if (from != address(0)) {
            uint40 until = frozenUntil[from];
            if (block.timestamp < until) revert PointsToken_AccountFrozen(from, until);
        }

        // Effect:
        super._update(from, to, amount);
    }

    /// @dev Unix seconds only, as EIP-3009 says: OpenZeppelin reads times with bit 47 set as block numbers.
    function _checkValidity(uint256 validAfter, uint256 validBefore) internal view override {
        if (block.timestamp <= validAfter || block.timestamp >= validBefore) {
            revert ERC3009InvalidAuthorizationTime(validAfter, validBefore);
        }
    }

    function _freeze(address account, uint40 until, string calldata reason) private {
        frozenUntil[account] = until;
        emit Frozen(account, until, msg.sender, reason);
    }

    /// @dev Sums are taken in 256 bits; what passes fits 64.
    function _requireSupply(uint256 amount) private view {
        uint256 issuedAndSetApart = amount + issued + setApart;
        if (issuedAndSetApart > SUPPLY_CAP) revert PointsToken_SupplyCapExceeded(issuedAndSetApart, SUPPLY_CAP);
    }

    function _requireFreezable(address account) private view {
        if (account == PROCESSOR || account == PROGRAMS) revert PointsToken_NotFreezable(account);
    }

    function _requireSigned(address signer, bytes32 structHash, bytes calldata signature) private view {
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, _hashTypedDataV4(structHash), signature)) {
            revert ERC3009InvalidSignature();
        }
    }
}
