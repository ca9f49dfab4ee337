"""Requests into transactions: which go together, which of them the chain would refuse, and how much gas they need."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from chainpoints.chain.calls import Calls
from chainpoints.chain.reverts import Reverts
from chainpoints.errors import InvalidInput, Reverted
from chainpoints.relayer.kinds import BATCH_ITEMS, BATCH_NODES, MERGED, Call, encode
from chainpoints.relayer.node import Failed, Node
from chainpoints.store.relay import Request

GAS_LIMIT = 16_700_000
"""Below EIP-7825's 2**24, the most that a transaction may ask for."""

CALLDATA_LIMIT = 127 * 1024
"""Bytes. Nodes take no transaction above 128 KiB ("oversized data"); the last one is for all else that it has."""

CONTRACT_GAS = 550_000
"""What a payment or refund gets whose signer has code, when it is simulated as when it is sent: such code sees how much
gas there is, and may burn all of it. Without the wallet's own work a payment takes up to 270,000."""

_SIGNERS = {"payment": "payer", "refund": "payout", "transfer": "from", "permit": "owner", "permit_claim": "owner"}
"""By kind, the part of the payload that names who signed."""

_TOO_MUCH_GAS = "This needs more gas than one transaction may take. Ask for less at once."
_TOO_MUCH_GAS_OF_CODE = (
    f"This takes more than the {CONTRACT_GAS} gas that a payment or refund may take whose signer is a contract. Sign "
    "with a wallet that takes less."
)
_TOO_LARGE = "This is larger than one transaction may be. Ask for less at once."


@dataclass(frozen=True, slots=True)
class Chosen:
    """What goes into one transaction (nothing: `call` is None), and what the chain would refuse now."""

    requests: list[Request] = field(default_factory=list)
    call: Call | None = None
    gas: int = 0
    refused: list[tuple[Request, Reverted]] = field(default_factory=list)


def groups(ready: Sequence[Request], alone: Container[str]) -> list[list[Request]]:
    """Requests of one kind together, in the order of acceptance; on its own what could fail and take others with it.

    That is what failed before, and what is in `alone` or said to be signed by a contract wallet: between simulation and
    mining code can change its mind.
    """
    found: list[list[Request]] = []
    open_groups: dict[str, list[Request]] = {}
    for request in ready:
        if request.kind not in MERGED or request.id in alone or request.failures or said_to_be_by_contract(request):
            found.append([request])
            continue
        group = open_groups.get(request.kind)
        if group is None or not _fits(group, request):
            group = open_groups[request.kind] = []
            found.append(group)
        group.append(request)
    return found


def gas_limit(used: int, items: int) -> int:
    """The limit for a call that took `used` when simulated.

    A third more, since a call may hold more gas than it ends up using (refunds, the 63/64 that a call passes on), and
    20,000 an item for what changes until it is mined, such as a node that must be made instead of topped up.
    """
    return used * 4 // 3 + 50_000 + 20_000 * items


class Chooser:
    """Finds what of a group can be sent, by simulation at the head."""

    def __init__(self, node: Node, calls: Calls, reverts: Reverts) -> None:
        self._node, self._calls, self._reverts = node, calls, reverts

    def choose(self, group: Sequence[Request], timestamp: int, gas: int | None = None, most: int = GAS_LIMIT) -> Chosen:
        """The largest part of the group that can go into one transaction, in order. `gas`: all that it may have;
        `most`: what a transaction of several may need.

        What the chain refuses is told apart; what merely does not fit, or clashes with others of the group, is left for
        the next time. Raises RpcError when the node does not answer: that is nobody's refusal.
        """
        requests, refused = list(group), list[tuple[Request, Reverted]]()
        sifted = len(requests) == 1
        while requests:
            outcome = self._simulate(requests, timestamp, gas)
            if not isinstance(outcome, Reverted):
                call, needed = outcome
                size, items = _size(call), len(requests)
                if items == 1 and (reason := _never_fits(needed, size)):
                    refused.append((requests[0], Reverted("", {}, "0x", reason)))
                    break
                if items == 1 or (needed <= most and size <= CALLDATA_LIMIT):
                    return Chosen(requests, call, needed, refused)
                requests = requests[: max(1, min(items * most // needed, items * CALLDATA_LIMIT // size))]
            elif len(requests) == 1:
                refused.append((requests[0], outcome))
                break
            elif not sifted:
                requests, refused = self._sift(requests, timestamp)
                sifted = True
            else:
                requests = requests[: len(requests) // 2]
        return Chosen(refused=refused)

    def _sift(self, requests: list[Request], timestamp: int) -> tuple[list[Request], list[tuple[Request, Reverted]]]:
        """Those that pass, and those that do not, of requests that fail together: by halves, down to single ones."""
        passing: list[Request] = []
        refused: list[tuple[Request, Reverted]] = []
        middle = len(requests) // 2
        for half in (requests[:middle], requests[middle:]):
            outcome = self._simulate(half, timestamp)
            if not isinstance(outcome, Reverted):
                passing += half
            elif len(half) == 1:
                refused.append((half[0], outcome))
            else:
                more_passing, more_refused = self._sift(half, timestamp)
                passing += more_passing
                refused += more_refused
        return passing, refused

    def _simulate(
        self, requests: Sequence[Request], timestamp: int, gas: int | None = None
    ) -> tuple[Call, int] | Reverted:
        """The call and the gas limit it needs: `gas`, where that is all that it may have."""
        try:
            call = encode(self._calls, requests)
        except InvalidInput as error:
            return Reverted("", {}, "0x", f"This request can never be sent: {error}.")
        outcome = self._node.simulate(call, timestamp, gas)
        if not isinstance(outcome, Failed):
            return call, gas or gas_limit(outcome, len(requests))
        if outcome.data is None:
            return Reverted("", {}, "0x", _TOO_MUCH_GAS_OF_CODE if gas else _TOO_MUCH_GAS)
        if gas and outcome.data == "0x":  # our contracts give a reason, unless the gas was not enough
            return Reverted("", {}, "0x", _TOO_MUCH_GAS_OF_CODE)
        return self._reverts.decode(outcome.data)


def _size(call: Call) -> int:
    """Bytes of calldata."""
    return len(call.data) // 2 - 1


def _never_fits(gas: int, size: int) -> str | None:
    """Why not even one request goes into a transaction."""
    if gas > GAS_LIMIT:
        return _TOO_MUCH_GAS
    return _TOO_LARGE if size > CALLDATA_LIMIT else None


def signer_of(request: Request) -> str | None:
    """Whose signature it carries, of the kinds that are carried out by one of an account: the payer's, or the like."""
    return request.payload.get(_SIGNERS.get(request.kind, ""))


def said_to_be_by_contract(request: Request) -> bool:
    """By whoever sent it. A contract's signature cannot be told from a key's; whether there is code, the chain says."""
    return bool(request.payload.get("contract_wallet"))


def _fits(group: Sequence[Request], request: Request) -> bool:
    if request.kind != "claim":
        return len(group) < BATCH_ITEMS
    nodes = sum(len(other.payload.get("nodes", ())) for other in [*group, request])
    return len(group) < BATCH_ITEMS and nodes <= BATCH_NODES
