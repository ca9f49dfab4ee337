"""One lane: a key, its nonces and its requests. Each step looks at the chain once and does what can be done then."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from threading import Lock

import structlog

from chainpoints.chain.calls import Calls
from chainpoints.chain.reverts import Reverts
from chainpoints.config import Chain
from chainpoints.errors import Conflict, Reverted
from chainpoints.relayer.fees import MOST_WEI, FeePolicy, first_fees, within
from chainpoints.relayer.node import Node, View
from chainpoints.relayer.requests import (
    CONTRACT_GAS,
    GAS_LIMIT,
    Chooser,
    Chosen,
    groups,
    said_to_be_by_contract,
    signer_of,
)
from chainpoints.relayer.sender import Sender
from chainpoints.relayer.settle import OnStep
from chainpoints.relayer.watch import Watch
from chainpoints.store import Connection, gas, relay, relay_transactions
from chainpoints.store.relay import Request
from chainpoints.store.relay_transactions import Transaction
from chainpoints.store.session import Store

log = structlog.get_logger()

MOST_FAILURES, MOST_FAILURES_OF_CODE = 5, 1
"""So often may a request be mined and fail, although its simulation passed, before it is refused. What code signed only
once: it may pass each simulation and fail each time it is mined, for our gas."""

_LEAST_GAS = 150_000
"""The smallest limit that a transaction with a request gets."""

_READY_AT_ONCE, _SUSPECTS_AT_ONCE, _UNPROVED_AT_ONCE = 500, 50, 10
"""The last, of new ones and of those that failed before: each costs a simulation, and anybody can make many."""
_IN_FLIGHT = 16
"""Nodes keep about 16 transactions of one account in order of arrival."""

_FAILED_TOO_OFTEN = "This was mined and failed (times: {}), although it passes a simulation. Tell the operator."


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between steps: `shortest` right after something happened, doubling up to `longest`. `rest`: between looks
    at the chain while there is nothing to send or to wait for. A request waits for others to go with it in one
    transaction until none has come for `quiet`, and at most for `gather`."""

    shortest: float
    longest: float
    rest: float
    quiet: float
    gather: float


def pace_of(chain: Chain) -> Pace:
    """The local chain mines at once; a public one is asked as often as its settings say.

    A stream of payments comes from the API every twentieth of a second: it goes on being one for longer than that.
    """
    if chain.is_local:
        return Pace(0.003, 0.03, 0.25, quiet=0.06, gather=0.3)
    poll = chain.poll_seconds
    return Pace(poll, poll, 4 * poll, quiet=poll / 2, gather=poll)


@dataclass(frozen=True, slots=True)
class _Hindrance:
    """Why nothing could be sent: `needs_wei` are not there, or (0) fees are over the cap for `gas`. Told until that is
    mended, also while another key sends the requests."""

    why: str
    needs_wei: int = 0
    gas: int = 1

    def stands(self, view: View, policy: FeePolicy) -> bool:
        if self.needs_wei:
            return view.balance < self.needs_wei
        return first_fees(view.base_fee, view.priority_fee, within(policy, self.gas)) is None


@dataclass(frozen=True, slots=True)
class Common:
    """What all lanes of a relayer have in common."""

    chain: Chain
    store: Store
    calls: Calls
    reverts: Reverts
    policy: FeePolicy
    on_step: OnStep


class Lane:
    """Sends the requests of one lane with one key, by whose `name` it is known; `turn` is what the lane's keys share:
    one of them at a time chooses what to send. `step` raises what may pass (RpcError, SignerError, StoreError): call it
    again.
    """

    def __init__(self, name: str, lane: str, turn: Lock, node: Node, sender: Sender, common: Common) -> None:
        self.name, self._lane, self._turn = name, lane, turn
        self._store, self._node, self._sender = common.store, node, sender
        self._policy, self._on_step, self._pace = common.policy, common.on_step, pace_of(common.chain)
        self._watch = Watch(common.store, node, sender, common.calls, common.policy, common.on_step)
        self._chooser = Chooser(node, common.calls, common.reverts)
        self._suspects: dict[int, int] = {}
        self._pause = self._pace.shortest
        self._look_at = float("-inf")
        self._trouble: str | None = None
        self._hindrance: _Hindrance | None = None
        self._price = 0
        self._waiting_since: float | None = None
        self._newest, self._newest_since = 0, 0.0

    @property
    def address(self) -> str:
        return self._sender.address

    def start(self) -> None:
        """What an earlier process left unfinished is sent again, the same bytes. What this one told before it lost the
        lead counts no more: another one led since."""
        self._trouble, self._hindrance, self._price, self._look_at = None, None, 0, float("-inf")
        with self._store.write() as connection:
            relay_transactions.send_again(connection, self._sender.address)
            relay_transactions.set_trouble(connection, self.name, self._sender.address, None)

    def step(self) -> float:
        """Does what can be done now; gives the seconds until it is worth while again."""
        with self._store.read() as connection:
            waiting = relay.newest_accepted(connection, self._lane)
            gathered = self._gathered(waiting)
            if not gathered and time.monotonic() < self._look_at:
                return self._next_pause(happened=waiting is not None)
            unfinished = relay_transactions.unfinished(connection, self._sender.address)
            mined = relay_transactions.highest_mined(connection, self._sender.address)
        hashes = [attempt.hash for tx in unfinished for attempt in tx.attempts]
        view = self._node.look(mined, hashes)
        self._tell_price(view)
        happened = self._watch.settle(view, unfinished)
        if happened:
            with self._store.read() as connection:
                unfinished = relay_transactions.unfinished(connection, self._sender.address)
        if self._hindrance and not self._hindrance.stands(view, self._policy):
            self._hindrance = None
        poor = self._too_poor(view)
        self._hindrance = poor or self._hindrance
        if self._watch.send_again(view, unfinished) and gathered and not poor and self._turn.acquire(blocking=False):
            try:
                sent, why = self._send(view, unfinished)
            finally:
                self._turn.release()
            happened |= sent
            self._hindrance = why or (self._hindrance if self._hindrance and self._hindrance.needs_wei else None)
            self._waiting_since = None
        self.tell(self._watch.trouble or (self._hindrance.why if self._hindrance else None))
        self._look_at = time.monotonic() + (0 if unfinished or happened else self._pace.rest)
        return self._next_pause(happened)

    def _gathered(self, newest: int | None) -> bool:
        """True when requests wait (`newest` is the last of them), and long enough for others to go with them."""
        now = time.monotonic()
        if newest is None:
            self._waiting_since = None
            return False
        if newest != self._newest:
            self._newest, self._newest_since = newest, now
        if self._waiting_since is None:
            self._waiting_since = now
        return now - self._newest_since >= self._pace.quiet or now - self._waiting_since >= self._pace.gather

    def tell(self, trouble: str | None) -> None:
        """Logs and keeps why nothing is being sent, when that has changed."""
        if trouble == self._trouble:
            return
        if trouble:
            log.warning("lane in trouble", lane=self.name, trouble=trouble)
        else:
            log.info("lane goes on", lane=self.name)
        with self._store.write() as connection:
            relay_transactions.set_trouble(connection, self.name, self._sender.address, trouble)
        self._trouble = trouble

    def _too_poor(self, view: View) -> _Hindrance | None:
        """Told before anything waits. A key that cannot pay for the least leaves what waits to the lane's others."""
        fees = first_fees(view.base_fee, view.priority_fee, self._policy)
        needs = _LEAST_GAS * fees.max_fee if fees else 0
        return self._needs(view, needs, needs) if view.balance < needs else None

    def _needs(self, view: View, wei: int, for_this: int) -> _Hindrance:
        told = (
            f"the {self.name} account {self._sender.address} has {_ether(view.balance)} ETH and needs {_ether(wei)} "
            "for the next transaction; send it ETH, the requests wait until then"
        )
        return _Hindrance(told, for_this)

    def _tell_price(self, view: View) -> None:
        """Keeps what gas costs, when that has changed by an eighth: the API reckons with it from now on."""
        price = view.base_fee + max(view.priority_fee, self._policy.lowest_priority_fee)
        if 8 * abs(price - self._price) > self._price:
            with self._store.write() as connection:
                gas.set_price(connection, self.name, price)
            self._price = price

    def _next_pause(self, happened: bool) -> float:
        self._pause = self._pace.shortest if happened else min(2 * self._pause, self._pace.longest)
        return self._pause

    def _send(self, view: View, unfinished: list[Transaction]) -> tuple[bool, _Hindrance | None]:
        """Sends what is ready. Whether anything was sent or refused, and what stands in the way of the rest."""
        with self._store.read() as connection:
            oldest = relay_transactions.oldest_unfinished(connection)
            newest = relay_transactions.newest(connection)
            mined = relay_transactions.mined_blocks(connection)
            known = self._suspects.keys()
            ready = relay.ready_requests(
                connection, self._lane, view.timestamp, _READY_AT_ONCE, _UNPROVED_AT_ONCE, known
            )
            ready += self._suspects_again(connection, view, oldest)
        happened, promised = False, sum(tx.attempts[-1].most_wei for tx in unfinished)
        first_hindrance = None
        room = _IN_FLIGHT - len(unfinished)
        by_code = self._signed_by_code(ready)
        alone = by_code | {request.id for request in ready if request.sequence in self._suspects}
        waiting = deque(groups(ready, alone))
        while waiting and room > 0:
            group = waiting.popleft()
            chosen = self._choose(group, view, promised, by_code=group[0].id in by_code)
            for request, reverted in chosen.refused:
                happened |= self._refuse(request, reverted, oldest, newest, mined)
            if chosen.call is None:
                continue
            for request in chosen.requests:
                self._suspects.pop(request.sequence, None)
            cost, hindrance = self._submit(chosen, view, promised)
            if hindrance:  # one that costs too much must not stop the others
                first_hindrance = first_hindrance or hindrance
                over_with = {request.id for request in (*chosen.requests, *(each for each, _ in chosen.refused))}
                rest = [request for request in group if request.id not in over_with]
                if rest and hindrance.gas > 1:  # one that is too dear alone; others of its kind may not be
                    waiting.appendleft(rest)
                continue
            happened, promised, room = True, promised + cost, room - 1
        return happened, first_hindrance

    def _suspects_again(self, connection: Connection, view: View, oldest: int | None) -> list[Request]:
        """Some of those that failed before and may be refused if they fail again. The others hold up nobody."""
        due = [sequence for sequence, limit in self._suspects.items() if oldest is None or oldest > limit]
        ready = relay.still_ready(connection, self._lane, view.timestamp, due) if due else []
        for sequence in set(due) - {request.sequence for request in ready}:
            del self._suspects[sequence]  # it waits for another now, or has ended
        unproved = [request for request in ready if request.is_unproved]
        proved = [request for request in ready if not request.is_unproved]
        return proved[:_SUSPECTS_AT_ONCE] + unproved[:_UNPROVED_AT_ONCE]

    def _signed_by_code(self, ready: list[Request]) -> set[str]:
        """The ids of those whose signer has code or is said to have."""
        signers = {request.id: signer for request in ready if (signer := signer_of(request))}
        coded = self._node.with_code(signers.values())
        said = {request.id for request in ready if said_to_be_by_contract(request)}
        return said | {request_id for request_id, signer in signers.items() if signer in coded}

    def _choose(self, group: list[Request], view: View, promised: int, *, by_code: bool) -> Chosen:
        """What of the group goes into one transaction that can be paid, and raised."""
        fees = first_fees(view.base_fee, view.priority_fee, self._policy)
        most = GAS_LIMIT
        if fees:
            most = min(most, MOST_WEI // (2 * fees.max_fee), max(0, view.balance - promised) // fees.max_fee)
        chosen = self._chooser.choose(group, view.timestamp + 1, CONTRACT_GAS if by_code else None, most)
        failures = group[0].failures  # what failed is alone in its group
        if chosen.call and failures >= (MOST_FAILURES_OF_CODE if by_code else MOST_FAILURES):
            return Chosen(refused=[(group[0], Reverted("", {}, "0x", _FAILED_TOO_OFTEN.format(failures)))])
        return chosen

    def _submit(self, chosen: Chosen, view: View, promised: int) -> tuple[int, _Hindrance | None]:
        """Records, then broadcasts. Gives the most that it can cost in wei, or why nothing was sent."""
        call = chosen.call
        if call is None or first_fees(view.base_fee, view.priority_fee, self._policy) is None:
            told = f"gas costs {view.base_fee} wei and the cap is {self._policy.cap}: requests wait until fees fall"
            return 0, _Hindrance(told)
        fees = first_fees(view.base_fee, view.priority_fee, within(self._policy, chosen.gas))
        if fees is None:
            told = (
                f"gas costs {view.base_fee} wei, at which {chosen.gas} of it cost more than 1 ETH, which nodes do not "
                "take: requests wait until fees fall"
            )
            return 0, _Hindrance(told, gas=chosen.gas)
        cost = chosen.gas * fees.max_fee
        if view.balance < promised + cost:
            return 0, self._needs(view, promised + cost, cost)
        with self._store.read() as connection:
            nonce = relay_transactions.next_nonce(connection, self._sender.address, view.count)
        attempt = self._sender.attempt(nonce, call, chosen.gas, fees)
        kind, ids = chosen.requests[0].kind, [request.id for request in chosen.requests]
        try:
            with self._store.write() as connection:
                relay_transactions.record(connection, self._sender.address, kind, ids, nonce, attempt)
        except Conflict:
            return 0, None  # another process moved one of them: the next step sees how
        self._on_step("recorded")
        self._watch.broadcast(attempt, None, view)
        log.info("sent", lane=self.name, kind=kind, requests=len(ids), hash=attempt.hash)
        return cost, None

    def _refuse(
        self, request: Request, reverted: Reverted, oldest: int | None, newest: int, mined: list[tuple[int, str]]
    ) -> bool:
        """Refuses a request, but only by a chain that holds everything that was sent before it first failed.

        Until then it may fail only for want of what is still under way, or of a block that a reorg took. `mined` was
        read before the simulation: what stands after it too, stood while it failed.
        """
        limit = self._suspects.setdefault(request.sequence, newest)
        if oldest is not None and oldest <= limit:
            return False
        if not self._node.has_blocks(mined):
            return False
        refusal = {"name": reverted.name, "arguments": reverted.arguments, "sentence": str(reverted)}
        with self._store.write() as connection:
            relay.refuse(connection, request.id, refusal)
        del self._suspects[request.sequence]
        log.info("refused", lane=self.name, kind=request.kind, request=request.id, reason=reverted.name)
        return True


def _ether(wei: int) -> str:
    return f"{wei // 10**18}.{wei % 10**18:018d}"[:-10]
