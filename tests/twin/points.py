"""PointsToken: who has what, who is frozen, what was issued to whom."""

from __future__ import annotations

from collections import Counter

from chainpoints.types import ONE_POINT, SUPPLY_CAP, ZERO_ADDRESS, Address
from twin.state import DAY, Contracts, Refused, State, all_or_nothing, require

PERSON_LIMIT = 1_000 * ONE_POINT
FREEZE, FREEZE_PAUSE, UNTIL_LIFTED = 7 * DAY, 30 * DAY, 2**40 - 1


class Points(State):
    def __init__(self, contracts: Contracts, now: int) -> None:
        super().__init__(contracts, now)
        self.balances: Counter[Address] = Counter()
        self.frozen_until: Counter[Address] = Counter()
        self.cancelled_at: Counter[Address] = Counter()
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
        self._take(sender, amount)
        self._put(receiver, amount)

    @all_or_nothing
    def burn(self, holder: Address, amount: int) -> None:
        self._take(holder, amount)

    @all_or_nothing
    def cancel_payments(self, payer: Address) -> None:
        self.cancelled_at[payer] = self.now

    # ------------------------------------------------------------------------------------------------ roles

    @all_or_nothing
    def freeze(self, account: Address) -> None:
        """By a guardian."""
        self._require_freezable(account)
        until = self.frozen_until[account]
        over = until == 0 or (until != UNTIL_LIFTED and self.now >= until + FREEZE_PAUSE)
        require(over, "PointsToken_FrozenTooSoon")
        self.frozen_until[account] = self.now + FREEZE

    @all_or_nothing
    def confirm_freeze(self, account: Address) -> None:
        """By the admin."""
        self._require_freezable(account)
        self.frozen_until[account] = UNTIL_LIFTED

    @all_or_nothing
    def unfreeze(self, account: Address) -> None:
        require(self.now < self.frozen_until[account], "PointsToken_NotFrozen")
        self.frozen_until[account] = self.now

    @all_or_nothing
    def set_person_limit(self, issued_per_day: int) -> None:
        self.person_limit = issued_per_day

    # ------------------------------------------------------------------------------------------------ for the others

    def _take(self, holder: Address, amount: int) -> None:
        self._require_not_frozen(holder)
        require(self.balances[holder] >= amount, "ERC20InsufficientBalance")
        self.balances[holder] -= amount

    def _put(self, receiver: Address, amount: int) -> None:
        require(receiver != self.contracts.token, "PointsToken_SentToToken")
        require(receiver != ZERO_ADDRESS, "ERC20InvalidReceiver")
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
        issued = self.persons[customer, self.today] + points + total
        require(issued <= self.person_limit, "PointsToken_PersonLimitExceeded")
        self._issue(points + total)
        self.persons[customer, self.today] = issued
        if points:
            self._put(customer, points)
        self._put(self.contracts.nodes, total)

    def _set_apart(self, cap: int) -> None:
        self._require_supply(cap)
        self.set_apart += cap

    def _require_supply(self, amount: int) -> None:
        require(self.issued_in_all + self.set_apart + amount <= SUPPLY_CAP, "PointsToken_SupplyCapExceeded")

    def _require_not_frozen(self, holder: Address) -> None:
        require(self.now >= self.frozen_until[holder], "PointsToken_AccountFrozen")

    def _require_not_cancelled(self, payer: Address, valid_after: int) -> None:
        """An authorization was valid from the second after `valid_after` on."""
        if valid_after + 1 < self.cancelled_at[payer]:
            raise Refused("PointsToken_PaymentsCancelled")

    def _require_freezable(self, account: Address) -> None:
        is_ours = account in (self.contracts.nodes, self.contracts.processor)
        require(not is_ours, "PointsToken_NotFreezable")
