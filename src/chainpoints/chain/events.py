"""Logs into typed events, by contract and topic: the events that the store's rows come from, and no others.

Words of fixed size are cut out of the hex text; only a text of any length goes through eth_abi. Amounts are base units,
nodes are decimal token ids.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from eth_abi.abi import decode
from eth_utils.crypto import keccak

from chainpoints.chain.client import Log
from chainpoints.chain.manifest import Manifest
from chainpoints.types import Address, Hash32

_CACHED = 50_000  # addresses, 200 bytes each


class Event(msgspec.Struct, frozen=True, gc=False):
    """Where an event stands: `log_index` counts within its block."""

    block: int
    log_index: int
    transaction: Hash32


class Transfer(Event, frozen=True, gc=False):
    sender: Address
    receiver: Address
    amount: int


class NodeTransfer(Event, frozen=True, gc=False):
    node: str
    sender: Address
    receiver: Address


class Claimed(Event, frozen=True, gc=False):
    node: str
    receiver: Address
    amount: int
    claimed_periods: int


class Split(Event, frozen=True, gc=False):
    """`total` and `claimed` went from the node to the piece, a new node, which was paid up to `claimed_periods`."""

    node: str
    piece: str
    owner: Address
    total: int
    claimed: int
    claimed_periods: int


class Merged(Event, frozen=True, gc=False):
    """`total` and `claimed` went from the node, which ended, to `into`, which is paid up to `claimed_periods`."""

    into: str
    node: str
    owner: Address
    total: int
    claimed: int
    claimed_periods: int


class Given(Event, frozen=True, gc=False):
    node: str
    owner: Address
    secret: Address
    expiry: int


class GiftEnded(Event, frozen=True, gc=False):
    """A given node was taken (its transfer follows), or taken back."""

    node: str


class BeneficiarySet(Event, frozen=True, gc=False):
    """The zero address: its owner is paid what the node releases."""

    node: str
    owner: Address
    beneficiary: Address


class Paid(Event, frozen=True, gc=False):
    """The node grew by `diverted` times the program's multiplier."""

    merchant: int
    order: Hash32
    payer: Address
    program: int
    start: int
    amount: int
    diverted: int


class Refunded(Event, frozen=True, gc=False):
    merchant: int
    order: Hash32
    payer: Address
    program: int
    start: int
    amount: int
    diverted: int
    total: int


class PaymentsCancelled(Event, frozen=True, gc=False):
    payer: Address


class Frozen(Event, frozen=True, gc=False):
    """`until` in unix seconds."""

    account: Address
    until: int
    by: Address
    reason: str


class Unfrozen(Event, frozen=True, gc=False):
    account: Address
    by: Address


class Issued(Event, frozen=True, gc=False):
    merchant: int
    order: Hash32
    customer: Address
    program: int
    start: int
    points: int
    total: int
    evidence: Hash32


class ReserveIssued(Event, frozen=True, gc=False):
    merchant: int
    order: Hash32
    program: int
    amount: int
    evidence: Hash32


class ReserveDeposited(Event, frozen=True, gc=False):
    program: int
    sponsor: Address
    amount: int


class ProgramOpened(Event, frozen=True, gc=False):
    program: int
    funded: bool
    divert_bps: int
    multiplier: int
    periods: int
    period_length: int
    epoch: int
    min_payment: int
    payer_period_cap: int
    cap: int
    growth_numerator: int
    growth_denominator: int
    terms_hash: Hash32
    name: str


class ProgramReplaced(Event, frozen=True, gc=False):
    program: int
    by: int
    closes_at: int


class MerchantRegistered(Event, frozen=True, gc=False):
    merchant: int
    payout: Address
    name: str


class PayoutChanged(Event, frozen=True, gc=False):
    merchant: int
    payout: Address


class MerchantActivated(Event, frozen=True, gc=False):
    merchant: int
    active: bool


class LimitsSet(Event, frozen=True, gc=False):
    merchant: int
    paid_per_day: int
    issued_per_day: int


class QuotaAdded(Event, frozen=True, gc=False):
    merchant: int
    amount: int


def _words(data: str) -> list[int]:
    return [int(data[at : at + 64], 16) for at in range(2, len(data), 64)]


class _Addresses(dict[str, Address]):
    """The address in each word, kept: the same accounts come again and again."""

    def __missing__(self, word: str) -> Address:
        if len(self) >= _CACHED:
            self.clear()
        address = self[word] = Address("0x" + word[26:])
        return address


_addresses = _Addresses()


def _address(word: str) -> Address:
    return _addresses[word]


def _last_word(data: str) -> Hash32:
    return Hash32("0x" + data[-64:])


def _text(data: str, *before: str) -> str:
    """The text after values of the types `before`. It is as PostgreSQL can hold it: what is not UTF-8, and NUL, become
    the replacement character."""
    *_, raw = decode([*before, "bytes"], bytes.fromhex(data[2:]), strict=False)
    return bytes(raw).decode("utf-8", "replace").replace("\0", "\ufffd")


def _transfer(log: Log) -> Event:
    _, sender, receiver = log.topics
    addresses = _addresses
    return Transfer(
        log.block, log.log_index, log.transaction, addresses[sender], addresses[receiver], int(log.data, 16)
    )


def _node_transfer(log: Log) -> Event:
    _, sender, receiver, node = log.topics
    return NodeTransfer(
        log.block, log.log_index, log.transaction, str(int(node, 16)), _address(sender), _address(receiver)
    )


def _claimed(log: Log) -> Event:
    _, node, receiver = log.topics
    place = (log.block, log.log_index, log.transaction)
    return Claimed(*place, str(int(node, 16)), _address(receiver), *_words(log.data))


def _pieces(event: type[Split] | type[Merged]) -> Callable[[Log], Event]:
    def build(log: Log) -> Event:
        _, node, other, owner = log.topics
        place = (log.block, log.log_index, log.transaction)
        return event(*place, str(int(node, 16)), str(int(other, 16)), _address(owner), *_words(log.data))

    return build


def _given(log: Log) -> Event:
    _, node, owner = log.topics
    secret, expiry = log.data[2:66], int(log.data[66:], 16)
    place = (log.block, log.log_index, log.transaction)
    return Given(*place, str(int(node, 16)), _address(owner), _address("0x" + secret), expiry)


def _gift_ended(log: Log) -> Event:
    return GiftEnded(log.block, log.log_index, log.transaction, str(int(log.topics[1], 16)))


def _beneficiary_set(log: Log) -> Event:
    _, node, owner, beneficiary = log.topics
    place = (log.block, log.log_index, log.transaction)
    return BeneficiarySet(*place, str(int(node, 16)), _address(owner), _address(beneficiary))


def _payment(event: type[Paid] | type[Refunded]) -> Callable[[Log], Event]:
    def build(log: Log) -> Event:
        _, merchant, order, payer = log.topics
        place = (log.block, log.log_index, log.transaction)
        return event(*place, int(merchant, 16), Hash32(order), _address(payer), *_words(log.data))

    return build


def _payments_cancelled(log: Log) -> Event:
    return PaymentsCancelled(log.block, log.log_index, log.transaction, _address(log.topics[1]))


def _frozen(log: Log) -> Event:
    until, by, _ = _words(log.data)[:3]
    whose = (_address(log.topics[1]), until, Address(f"0x{by:040x}"))
    return Frozen(log.block, log.log_index, log.transaction, *whose, _text(log.data, "uint40", "address"))


def _unfrozen(log: Log) -> Event:
    return Unfrozen(log.block, log.log_index, log.transaction, _address(log.topics[1]), _address(log.data))


def _issued(log: Log) -> Event:
    _, merchant, order, customer = log.topics
    place = (log.block, log.log_index, log.transaction)
    program, start, points, total, _ = _words(log.data)
    whose = (int(merchant, 16), Hash32(order), _address(customer))
    return Issued(*place, *whose, program, start, points, total, _last_word(log.data))


def _reserve_issued(log: Log) -> Event:
    _, merchant, order, program = log.topics
    place = (log.block, log.log_index, log.transaction)
    amount, _ = _words(log.data)
    return ReserveIssued(*place, int(merchant, 16), Hash32(order), int(program, 16), amount, _last_word(log.data))


def _reserve_deposited(log: Log) -> Event:
    _, program, sponsor = log.topics
    return ReserveDeposited(
        log.block, log.log_index, log.transaction, int(program, 16), _address(sponsor), int(log.data, 16)
    )


def _program_opened(log: Log) -> Event:
    terms = _words(log.data)[:12]
    funding, bps, multiplier, periods, length, epoch, minimum, payer_cap, cap, growth, per, terms_hash = terms
    which = (log.block, log.log_index, log.transaction, int(log.topics[1], 16), funding == 1)
    shape, amounts = (bps, multiplier, periods, length, epoch), (minimum, payer_cap, cap)
    said = (Hash32(f"0x{terms_hash:064x}"), _text(log.data, _TERMS))
    return ProgramOpened(*which, *shape, *amounts, growth, per, *said)


def _program_replaced(log: Log) -> Event:
    _, program, by = log.topics
    place = (log.block, log.log_index, log.transaction)
    return ProgramReplaced(*place, int(program, 16), int(by, 16), int(log.data, 16))


def _merchant_registered(log: Log) -> Event:
    _, merchant, payout = log.topics
    place = (log.block, log.log_index, log.transaction)
    return MerchantRegistered(*place, int(merchant, 16), _address(payout), _text(log.data))


def _payout_changed(log: Log) -> Event:
    _, merchant, payout = log.topics
    return PayoutChanged(log.block, log.log_index, log.transaction, int(merchant, 16), _address(payout))


def _merchant_activated(log: Log) -> Event:
    active = int(log.data, 16) == 1
    return MerchantActivated(log.block, log.log_index, log.transaction, int(log.topics[1], 16), active)


def _limits_set(log: Log) -> Event:
    return LimitsSet(log.block, log.log_index, log.transaction, int(log.topics[1], 16), *_words(log.data))


def _quota_added(log: Log) -> Event:
    amount, _ = _words(log.data)
    return QuotaAdded(log.block, log.log_index, log.transaction, int(log.topics[1], 16), amount)


_TERMS = "(uint8,uint16,uint16,uint8,uint32,uint40,uint64,uint64,uint64,uint32,uint32,bytes32)"
_PIECE = "uint256,uint256,address,uint64,uint64,uint8"

DECODERS: dict[tuple[str, str], Callable[[Log], Event]] = {
    ("PointsToken", "Transfer(address,address,uint256)"): _transfer,
    ("ReleaseNode", "Transfer(address,address,uint256)"): _node_transfer,
    ("PointsToken", "PaymentsCancelled(address)"): _payments_cancelled,
    ("PointsToken", "Frozen(address,uint40,address,string)"): _frozen,
    ("PointsToken", "Unfrozen(address,address)"): _unfrozen,
    ("ReleaseNode", "Claimed(uint256,address,uint64,uint8)"): _claimed,
    ("ReleaseNode", f"Split({_PIECE})"): _pieces(Split),
    ("ReleaseNode", f"Merged({_PIECE})"): _pieces(Merged),
    ("ReleaseNode", "Given(uint256,address,address,uint40)"): _given,
    ("ReleaseNode", "Taken(uint256,address,address)"): _gift_ended,
    ("ReleaseNode", "TakenBack(uint256,address)"): _gift_ended,
    ("ReleaseNode", "BeneficiarySet(uint256,address,address)"): _beneficiary_set,
    ("ReleaseNode", "ReserveDeposited(uint32,address,uint64)"): _reserve_deposited,
    ("PaymentProcessor", "Paid(uint32,bytes32,address,uint32,uint24,uint64,uint64)"): _payment(Paid),
    ("PaymentProcessor", "Refunded(uint32,bytes32,address,uint32,uint24,uint64,uint64,uint64)"): _payment(Refunded),
    ("PaymentProcessor", "Issued(uint32,bytes32,address,uint32,uint24,uint64,uint64,bytes32)"): _issued,
    ("PaymentProcessor", "ReserveIssued(uint32,bytes32,uint32,uint64,bytes32)"): _reserve_issued,
    ("Programs", f"ProgramOpened(uint32,{_TERMS},string)"): _program_opened,
    ("Programs", "ProgramReplaced(uint32,uint32,uint256)"): _program_replaced,
    ("PaymentProcessor", "MerchantRegistered(uint32,address,string)"): _merchant_registered,
    ("PaymentProcessor", "PayoutChanged(uint32,address)"): _payout_changed,
    ("PaymentProcessor", "MerchantActivated(uint32,bool)"): _merchant_activated,
    ("PaymentProcessor", "LimitsSet(uint32,uint64,uint64)"): _limits_set,
    ("PaymentProcessor", "QuotaAdded(uint32,uint64,bytes32)"): _quota_added,
}
"""By contract and canonical event signature."""


def topic(signature: str) -> str:
    """The first topic of an event's logs."""
    return "0x" + keccak(text=signature).hex()


class EventDecoder:
    """Decodes the logs of one deployment."""

    def __init__(self, manifest: Manifest) -> None:
        self._decoders = {
            (manifest.address(contract), topic(signature)): decoder
            for (contract, signature), decoder in DECODERS.items()
        }

    def events(self, logs: list[Log]) -> list[Event]:
        """The events among the logs, in their order."""
        found = []
        decoders = self._decoders
        for log in logs:
            if log.topics and (decoder := decoders.get((log.address, log.topics[0]))) is not None:
                found.append(decoder(log))
        return found
