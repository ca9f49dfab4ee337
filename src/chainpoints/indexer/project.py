"""Events into rows. Each event is a row of its own; what it changes (a balance, a program's books, a node, a merchant)
is one row for each block that changed it, with the state after that block.

Everything follows from the events alone, in the chain's order, so the same chain always gives the same rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from chainpoints.chain import events as ev
from chainpoints.chain.client import Header
from chainpoints.indexer.states import Books, Merchant, Node, States
from chainpoints.store.chain_rows import LatestStates, Rows
from chainpoints.types import ZERO_ADDRESS, Address, NodeId

_LARGEST = (1 << 63) - 1
"""What a column holds. Only a merchant's limits can be larger, and no limit above the supply cap (9 * 10**18) binds."""


class BlockEvents(NamedTuple):
    """A block and the events of our contracts in it, in order."""

    header: Header
    events: Sequence[ev.Event]


class Projector:
    """Turns the blocks of a chain, in order and each once, into rows. `forget` after a rollback or a failed write."""

    def __init__(self) -> None:
        self._balances: States[str, int] = States()
        self._books: States[int, Books] = States()
        self._nodes: States[str, Node] = States()
        self._merchants: States[int, Merchant] = States()
        self._is_from_the_beginning = False
        self._rows: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._apply: dict[type, Callable[[Any], None]] = {
            ev.Transfer: self._transfer,
            ev.NodeTransfer: self._node_transfer,
            ev.Claimed: self._claimed,
            ev.Split: self._split,
            ev.Merged: self._merged,
            ev.Given: self._given,
            ev.GiftEnded: self._gift_ended,
            ev.BeneficiarySet: self._beneficiary_set,
            ev.PaymentsCancelled: self._payments_cancelled,
            ev.Frozen: self._frozen,
            ev.Unfrozen: self._unfrozen,
            ev.Paid: self._paid,
            ev.Refunded: self._refunded,
            ev.Issued: self._issued,
            ev.ReserveIssued: self._reserve_issued,
            ev.ReserveDeposited: self._reserve_deposited,
            ev.ProgramOpened: self._program_opened,
            ev.ProgramReplaced: self._program_replaced,
            ev.MerchantRegistered: self._merchant_registered,
            ev.PayoutChanged: self._payout_changed,
            ev.MerchantActivated: self._merchant_activated,
            ev.LimitsSet: self._limits_set,
            ev.QuotaAdded: self._quota_added,
        }

    def begin(self) -> None:
        """To be called when the store is empty: from then on every state is one that was made here."""
        self.forget()
        self._is_from_the_beginning = True

    @property
    def knows_all(self) -> bool:
        """Whether no state has to be read from the store."""
        return self._is_from_the_beginning and all(states.are_few for states in self._all)

    def forget(self) -> None:
        self._is_from_the_beginning = False
        for states in self._all:
            states.forget()

    @property
    def _all(self) -> tuple[States[Any, Any], ...]:
        return self._balances, self._books, self._nodes, self._merchants

    def project(self, blocks: Sequence[BlockEvents], latest: LatestStates) -> Rows:
        """The rows of these blocks, by table; `latest` gives the states before them."""
        self._is_from_the_beginning = self.knows_all
        if not self._is_from_the_beginning:
            self._load([event for block in blocks for event in block.events], latest)
        self._rows = defaultdict(list)
        apply = self._apply
        for header, events in blocks:
            self._rows["blocks"].append((header.number, header.hash, header.parent_hash, header.timestamp))
            for event in events:
                apply[type(event)](event)
            if events:
                self._write_states(header.number)
        if not self._is_from_the_beginning:
            # In the order of the key (blocks are in theirs), so that a database's pages are each touched once.
            self._rows["balances"].sort(key=itemgetter(0))
        return self._rows

    def _load(self, events: Sequence[ev.Event], latest: LatestStates) -> None:
        transfers = [event for event in events if type(event) is ev.Transfer]
        accounts = {event.sender for event in transfers} | {event.receiver for event in transfers}
        others = [event for event in events if type(event) is not ev.Transfer]
        nodes = {node for event in others for node in _nodes_of(event)}
        programs = {program for event in others if (program := getattr(event, "program", None)) is not None}
        programs |= {NodeId.from_token_id(int(node)).program for node in nodes}
        merchants = {merchant for event in others if (merchant := getattr(event, "merchant", None)) is not None}
        self._balances.load(accounts, latest.balances, int)
        self._nodes.load(nodes, latest.nodes, lambda state: Node(*state))
        self._books.load(programs, latest.books, lambda state: Books(*state))
        self._merchants.load(merchants, latest.merchants, lambda state: Merchant(*state))

    def _write_states(self, block: int) -> None:
        rows = self._rows
        balances, books, nodes, merchants = self._balances, self._books, self._nodes, self._merchants
        rows["balances"] += [(account, block, balances.now[account]) for account in balances.touched]
        for program in books.touched:
            b = books.now[program]
            rows["books"].append((program, block, b.diverted, b.committed, b.released, b.reserve))
        for node in nodes.touched:
            n = nodes.now[node]
            amounts = (n.total, n.claimed, n.claimed_periods)
            rows["nodes"].append((node, block, n.program, n.start, n.owner, *amounts, n.beneficiary, n.given_until))
        for merchant in merchants.touched:
            m = merchants.now[merchant]
            limits = (min(m.paid_per_day, _LARGEST), min(m.issued_per_day, _LARGEST), m.quota)
            rows["merchants"].append((merchant, block, m.payout, m.name, m.active, *limits))
        for states in self._all:
            states.touched.clear()

    def _book(self, program: int) -> Books:
        self._books.touched.add(program)
        return self._books.now[program]

    def _node(self, node: str) -> Node:
        self._nodes.touched.add(node)
        if node not in self._nodes.now:
            self._nodes.now[node] = Node.new(node)
        return self._nodes.now[node]

    def _merchant(self, merchant: int) -> Merchant:
        self._merchants.touched.add(merchant)
        return self._merchants.now[merchant]

    def _transfer(self, event: ev.Transfer) -> None:
        sender, receiver, amount = event.sender, event.receiver, event.amount
        self._rows["transfers"].append((event.block, event.log_index, event.transaction, sender, receiver, amount))
        now, touched = self._balances.now, self._balances.touched
        now[sender] = now.get(sender, 0) - amount  # of a mint: the zero address holds minus the supply
        now[receiver] = now.get(receiver, 0) + amount
        touched.add(sender)
        touched.add(receiver)

    def _node_transfer(self, event: ev.NodeTransfer) -> None:
        place = (event.block, event.log_index, event.transaction)
        self._rows["node_transfers"].append((*place, event.node, event.sender, event.receiver))
        node = self._node(event.node)
        node.owner, node.beneficiary, node.given_until = event.receiver, None, None

    def _claimed(self, event: ev.Claimed) -> None:
        place = (event.block, event.log_index, event.transaction)
        node = self._node(event.node)
        who = (event.node, node.owner, event.receiver)  # a transfer comes after what it pays the owner before
        self._rows["claims"].append((*place, *who, event.amount, event.claimed_periods))
        node.claimed += event.amount
        node.claimed_periods = event.claimed_periods
        books = self._book(node.program)
        books.committed -= event.amount
        books.released += event.amount
        if books.funded:
            books.reserve -= event.amount

    def _split(self, event: ev.Split) -> None:
        node, piece = self._node(event.node), self._node(event.piece)
        piece.beneficiary = node.beneficiary
        piece.claimed_periods = event.claimed_periods
        _move(event, node, piece)

    def _merged(self, event: ev.Merged) -> None:
        node, into = self._node(event.node), self._node(event.into)
        node.claimed_periods = 0  # as of every node that has ended
        into.claimed_periods = event.claimed_periods
        _move(event, node, into)

    def _given(self, event: ev.Given) -> None:
        self._node(event.node).given_until = event.expiry

    def _gift_ended(self, event: ev.GiftEnded) -> None:
        self._node(event.node).given_until = None

    def _beneficiary_set(self, event: ev.BeneficiarySet) -> None:
        named = event.beneficiary != ZERO_ADDRESS
        self._node(event.node).beneficiary = event.beneficiary if named else None

    def _payments_cancelled(self, event: ev.PaymentsCancelled) -> None:
        self._rows["cancellations"].append((event.block, event.log_index, event.transaction, event.payer))

    def _frozen(self, event: ev.Frozen) -> None:
        self._freeze(event, event.until, event.reason)

    def _unfrozen(self, event: ev.Unfrozen) -> None:
        self._freeze(event, 0, "")

    def _freeze(self, event: ev.Frozen | ev.Unfrozen, until: int, reason: str) -> None:
        place = (event.block, event.log_index, event.transaction)
        self._rows["freezes"].append((*place, event.account, until, event.by, reason))

    def _paid(self, event: ev.Paid) -> None:
        total = event.diverted * self._book(event.program).multiplier
        self._rows["payments"].append(_payment_row(event, total))
        self._commit(event.program, event.diverted, total)
        self._node(_made_by(event.program, event.start, event.payer)).total += total

    def _refunded(self, event: ev.Refunded) -> None:
        self._rows["refunds"].append(_payment_row(event, event.total))
        self._commit(event.program, -event.diverted, -event.total)
        if event.total:  # the last units of a payment may have made nothing of a node that is gone by now
            self._node(_made_by(event.program, event.start, event.payer)).total -= event.total

    def _commit(self, program: int, diverted: int, total: int) -> None:
        books = self._book(program)
        books.diverted += diverted
        books.committed += total
        if books.funded:
            books.reserve += diverted

    def _issued(self, event: ev.Issued) -> None:
        place = (event.block, event.log_index, event.transaction)
        order = (event.merchant, event.order, event.customer, event.program, event.start)
        self._rows["issues"].append((*place, *order, event.points, event.total, event.evidence))
        self._merchant(event.merchant).quota -= event.points + event.total
        if event.total:  # its reserve came before, as ReserveDeposited
            self._commit(event.program, 0, event.total)
            self._node(_issued_to(event)).total += event.total

    def _reserve_issued(self, event: ev.ReserveIssued) -> None:
        self._merchant(event.merchant).quota -= event.amount

    def _reserve_deposited(self, event: ev.ReserveDeposited) -> None:
        place = (event.block, event.log_index, event.transaction)
        self._rows["deposits"].append((*place, event.program, event.sponsor, event.amount))
        self._book(event.program).reserve += event.amount

    def _program_opened(self, event: ev.ProgramOpened) -> None:
        funding = "FUNDED" if event.funded else "EMISSION"
        shape = (event.divert_bps, event.multiplier, event.periods, event.period_length, event.epoch)
        growth = (event.growth_numerator, event.growth_denominator)
        amounts = (event.min_payment, event.payer_period_cap, event.cap)
        row = (event.program, event.block, funding, *shape, *growth, *amounts, event.terms_hash, event.name)
        self._rows["programs"].append(row)
        self._books.now[event.program] = Books(event.funded, event.multiplier)
        self._books.touched.add(event.program)

    def _program_replaced(self, event: ev.ProgramReplaced) -> None:
        self._rows["replacements"].append((event.program, event.block, event.by, event.closes_at))

    def _merchant_registered(self, event: ev.MerchantRegistered) -> None:
        self._merchants.now[event.merchant] = Merchant(event.payout, event.name)
        self._merchants.touched.add(event.merchant)

    def _payout_changed(self, event: ev.PayoutChanged) -> None:
        self._merchant(event.merchant).payout = event.payout

    def _merchant_activated(self, event: ev.MerchantActivated) -> None:
        self._merchant(event.merchant).active = event.active

    def _limits_set(self, event: ev.LimitsSet) -> None:
        merchant = self._merchant(event.merchant)
        merchant.paid_per_day, merchant.issued_per_day = event.paid_per_day, event.issued_per_day

    def _quota_added(self, event: ev.QuotaAdded) -> None:
        self._merchant(event.merchant).quota += event.amount


def _payment_row(event: ev.Paid | ev.Refunded, total: int) -> tuple[Any, ...]:
    place = (event.block, event.log_index, event.transaction)
    order = (event.merchant, event.order, event.payer, event.program, event.start)
    return (*place, *order, event.amount, event.diverted, total)


def _move(event: ev.Split | ev.Merged, source: Node, target: Node) -> None:
    """What was promised and paid goes from one node to another; the program's books stay as they are."""
    source.total -= event.total
    source.claimed -= event.claimed
    target.total += event.total
    target.claimed += event.claimed


def _made_by(program: int, start: int, payer: Address) -> str:
    return str(NodeId.of_payment(program, start, payer))


def _issued_to(event: ev.Issued) -> str:
    return str(NodeId.of_issue(event.program, event.start, event.customer))


def _nodes_of(event: ev.Event) -> tuple[str, ...]:
    """The nodes that an event changes."""
    if isinstance(event, ev.Split):
        return event.node, event.piece
    if isinstance(event, ev.Merged):
        return event.node, event.into
    if isinstance(event, (ev.Paid, ev.Refunded)):
        return (_made_by(event.program, event.start, event.payer),)
    if isinstance(event, ev.Issued):
        return (_issued_to(event),) if event.total else ()
    node = getattr(event, "node", None)
    return () if node is None else (node,)
