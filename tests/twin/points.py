"""PointsToken: who has what, who is frozen, what was issued to whom."""

from __future__ import annotations

from collections import Counter

from chainpoints.types import ONE_POINT, SUPPLY_CAP, ZERO_ADDRESS, Address
from twin.orders import Authorization
from twin.state import DAY, Contracts, State, all_or_nothing, require

PERSON_LIMIT = 1_000 * ONE_POINT
FREEZE, FREEZE_PAUSE, UNTIL_LIFTED = 7 * DAY, 30 * DAY, 2**40 - 1
UNLIMITED = 2**256 - 1
"""An allowance that spending does not lessen."""


class Points(State):
    def __init__(self, contracts: Contracts, now: int) -> None:
        super().__init__(contracts, now)
        self.balances: Counter[Address] = Counter()
        self.spending: Counter[tuple[Address, Address]] = Counter()
        self.frozen_until: Counter[Address] = Counter()
        self.cancelled_at: Counter[Address] = Counter()
        self.nonces: Counter[Address] = Counter()
        self.authorizations: set[tuple[Address, bytes]] = set()
        self.person_limit = PERSON_LIMIT
        self.persons: Counter[tuple[Address, int]] = Counter()
        self.issued_in_all = 0
        self.set_apart = 0

    @property
    def supply(self) -> int:
        return sum(self.balances.values())

    # ------------------------------------------------------------------------------------------------ holders

    @all_or_nothing
    def transfer(self, sender: Address, receiver: Address, amount: int) -> None:
        self._move(sender, receiver, amount)

    @all_or_nothing
    def approve(self, holder: Address, spender: Address, amount: int) -> None:
        require(spender != ZERO_ADDRESS, "ERC20InvalidSpender", ZERO_ADDRESS)
        self.spending[holder, spender] = amount

    @all_or_nothing
    def transfer_from(self, spender: Address, holder: Address, receiver: Address, amount: int) -> None:
        self._spend(holder, spender, amount)
        self._move(holder, receiver, amount)

    @all_or_nothing
    def burn(self, holder: Address, amount: int) -> None:
        self._take(holder, amount)

    @all_or_nothing
    def burn_from(self, spender: Address, holder: Address, amount: int) -> None:
        self._spend(holder, spender, amount)
        self._take(holder, amount)

    @all_or_nothing
    def cancel_payments(self, payer: Address) -> None:
        self.cancelled_at[payer] = self.now

    # ------------------------------------------------------------------------------------------------ by signature

    @all_or_nothing
    def permit(
        self, holder: Address, spender: Address, amount: int, deadline: int, nonce: int, signer: Address
    ) -> None:
        """By a signature over this `nonce`."""
        require(self.now <= deadline, "ERC2612ExpiredSignature", deadline)
        require((signer, nonce) == (holder, self.nonces[holder]), "PointsToken_InvalidSignature", holder)
        self._use_nonce(holder)
        require(spender != ZERO_ADDRESS, "ERC20InvalidSpender", ZERO_ADDRESS)
        self.spending[holder, spender] = amount

    @all_or_nothing
    def transfer_authorized(
        self, holder: Address, receiver: Address, amount: int, nonce: bytes, authorization: Authorization
    ) -> None:
        self._move_authorized(holder, receiver, amount, nonce, authorization)

    @all_or_nothing
    def receive_authorized(
        self,
        holder: Address,
        receiver: Address,
        amount: int,
        nonce: bytes,
        authorization: Authorization,
        caller: Address,
    ) -> None:
        require(caller == receiver, "ERC20InvalidReceiver", receiver)
        self._move_authorized(holder, receiver, amount, nonce, authorization)

    @all_or_nothing
    def cancel_authorization(self, holder: Address, nonce: bytes, signer: Address) -> None:
        require(signer == holder, "PointsToken_InvalidSignature", holder)
        self._use_authorization(holder, nonce)

    def _move_authorized(
        self, holder: Address, receiver: Address, amount: int, nonce: bytes, authorization: Authorization
    ) -> None:
        after, before = authorization.valid_after, authorization.valid_before
        require(authorization.signer == holder, "PointsToken_InvalidSignature", holder)
        require(after < self.now < before, "ERC3009InvalidAuthorizationTime", after, before)
        self._use_authorization(holder, nonce)
        self._move(holder, receiver, amount)

    def _use_authorization(self, holder: Address, nonce: bytes) -> None:
        require((holder, nonce) not in self.authorizations, "ERC3009UsedAuthorization", holder, nonce)
        self.authorizations.add((holder, nonce))

    def _use_nonce(self, holder: Address) -> None:
        self.nonces[holder] += 1

    # ------------------------------------------------------------------------------------------------ roles

    @all_or_nothing
    def freeze(self, account: Address) -> None:
        """By a guardian."""
        self._require_freezable(account)
        until = self.frozen_until[account]
        over = until == 0 or (until != UNTIL_LIFTED and self.now >= until + FREEZE_PAUSE)
        require(over, "PointsToken_FrozenTooSoon", account, min(until + FREEZE_PAUSE, UNTIL_LIFTED))
        self.frozen_until[account] = self.now + FREEZE

    @all_or_nothing
    def confirm_freeze(self, account: Address) -> None:
        """By the admin."""
        self._require_freezable(account)
        self.frozen_until[account] = UNTIL_LIFTED

    @all_or_nothing
    def unfreeze(self, account: Address) -> None:
        require(self.now < self.frozen_until[account], "PointsToken_NotFrozen", account)
        self.frozen_until[account] = self.now

    @all_or_nothing
    def set_person_limit(self, issued_per_day: int) -> None:
        self.person_limit = issued_per_day

    # ------------------------------------------------------------------------------------------------ for the others

    def _move(self, sender: Address, receiver: Address, amount: int) -> None:
        require(receiver != ZERO_ADDRESS, "ERC20InvalidReceiver", receiver)
        self._take(sender, amount)
        self._put(receiver, amount)

    def _spend(self, holder: Address, spender: Address, amount: int) -> None:
        left = self.spending[holder, spender]
        if left == UNLIMITED:
            return
        require(amount <= left, "ERC20InsufficientAllowance", spender, left, amount)
        self.spending[holder, spender] = left - amount

    def _take(self, holder: Address, amount: int) -> None:
        self._require_not_frozen(holder)
        points = self.balances[holder]
        require(amount <= points, "ERC20InsufficientBalance", holder, points, amount)
        self.balances[holder] = points - amount

    def _put(self, receiver: Address, amount: int) -> None:
        require(receiver != self.contracts.token, "PointsToken_SentToToken")
        require(receiver != ZERO_ADDRESS, "ERC20InvalidReceiver", receiver)
        self.balances[receiver] += amount

    def _release(self, receiver: Address, amount: int, is_funded: bool) -> None:
        """What programs pay out, or give back, comes out of the reserves or is created."""
        if is_funded:
            self._take(self.contracts.nodes, amount)
        if amount:
            self._put(receiver, amount)

    def _issue(self, amount: int) -> None:
        self._require_supply(amount)
        self.issued_in_all += amount

    def _issue_to(self, customer: Address, points: int, total: int) -> None:
        """`points` of the customer, and `total` in the reserve for the customer's node."""
        amount, left = points + total, max(0, self.person_limit - self.persons[customer, self.today])
        require(amount <= left, "PointsToken_PersonLimitExceeded", customer, amount, left)
        self._issue(amount)
        self.persons[customer, self.today] += amount
        if points:
            self._put(customer, points)
        self._put(self.contracts.nodes, total)

    def _set_apart(self, cap: int) -> None:
        self._require_supply(cap)
        self.set_apart += cap

    def _require_supply(self, amount: int) -> None:
        tried = self.issued_in_all + self.set_apart + amount
        require(tried <= SUPPLY_CAP, "PointsToken_SupplyCapExceeded", tried, SUPPLY_CAP)

    def _require_not_frozen(self, holder: Address) -> None:
        until = self.frozen_until[holder]
        require(self.now >= until, "PointsToken_AccountFrozen", holder, until)

    def _require_not_cancelled(self, payer: Address, valid_after: int) -> None:
        """An authorization was valid from the second after `valid_after` on."""
        cancelled_at = self.cancelled_at[payer]
        require(valid_after + 1 >= cancelled_at, "PointsToken_PaymentsCancelled", payer, cancelled_at)

    def _require_freezable(self, account: Address) -> None:
        is_ours = account in (self.contracts.nodes, self.contracts.processor)
        require(not is_ours, "PointsToken_NotFreezable", account)
