"""What the indexer reads of a chain, checked: an answer that contradicts itself raises, and is never used.

Nodes are known to return no logs, some of them, some twice, or those of another branch. So every log must carry the
hash and number of a header that was fetched too, in order and once; and each block in which our contracts may have
logged is proven whole by its header's bloom filter, or else asked for again by its hash, with all its logs. What no
filter tells is that a block's last logs are missing, if others before them had the same address and topics. Answers are
cut off at their end: so the last block of each that has logs of ours is told once more, by its receipts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from chainpoints.chain import bloom
from chainpoints.chain.caps import is_too_large
from chainpoints.chain.rpc import Rpc
from chainpoints.errors import InconsistentChain, RangeTooLarge, RpcError
from chainpoints.types import Address, Hash32

_T = TypeVar("_T")


class Header(NamedTuple):
    number: int
    hash: Hash32
    parent_hash: Hash32
    timestamp: int
    """Unix seconds."""
    bloom: int


class Log(msgspec.Struct, frozen=True, gc=False):
    """A log of one of our contracts. Texts are lower-case 0x hex."""

    address: Address
    topics: list[str]
    data: str
    block: int
    log_index: int
    transaction: Hash32


class Block(NamedTuple):
    """A block with all logs of our contracts in it, in order."""

    header: Header
    logs: list[Log]


class Answers(NamedTuple):
    """What an endpoint answered about the blocks `first` to `last`; nobody has looked at it yet."""

    first: int
    last: int
    headers: list[msgspec.Raw]
    logs: msgspec.Raw


class Heads(NamedTuple):
    """The newest block and, where they were asked for, the blocks that the chain calls safe and final."""

    latest: Header
    safe: Header | None
    final: Header | None


class _RawHeader(msgspec.Struct, rename="camel"):
    number: str
    hash: str
    parent_hash: str
    timestamp: str
    logs_bloom: str


class _RawLog(msgspec.Struct, rename="camel", gc=False):
    address: Address
    topics: list[str]
    data: str
    block_number: str
    block_hash: str
    transaction_hash: Hash32
    log_index: str
    removed: bool = False


class _RawReceipt(msgspec.Struct, gc=False):
    logs: list[_RawLog]


_header = msgspec.json.Decoder(_RawHeader | None)
_logs = msgspec.json.Decoder(list[_RawLog])
_receipts: msgspec.json.Decoder[list[_RawReceipt] | None] = msgspec.json.Decoder(list[_RawReceipt] | None)


class ChainClient:
    """Reads of one endpoint, for the contracts at `addresses`. Safe to use from several threads."""

    def __init__(self, rpc: Rpc, addresses: Iterable[Address]) -> None:
        self._rpc = rpc
        self._addresses = sorted(addresses)
        self._ours = frozenset(self._addresses)

    def chain_id(self) -> int:
        return int(self._rpc.call("eth_chainId"), 16)

    def heads(self, *, tags: bool) -> Heads:
        """The newest block, with `tags` also the `safe` and `finalized` ones, in one request."""
        wanted = ("latest", "safe", "finalized") if tags else ("latest",)
        found = self._headers(wanted)
        if found[0] is None:
            raise InconsistentChain("the endpoint says that the chain has no newest block")
        return Heads(found[0], *(found[1:] if tags else (None, None)))

    def header(self, number: int) -> Header:
        return self.headers(number, number)[0]

    def headers(self, first: int, last: int) -> list[Header]:
        """The headers of a range, each the child of the one before. Raises InconsistentChain when one is missing."""
        return _chained(first, self._download_headers(first, last))

    def block(self, header: Header) -> Block:
        """One block by its hash."""
        raw = self._ask_logs({"blockHash": header.hash, "address": self._addresses})
        return self.with_its_end(self._checked(header, raw))

    def download(self, first: int, last: int) -> Answers:
        """Asks for the blocks of a range: waits for the endpoint, and does nothing else.

        Raises RangeTooLarge when the endpoint caps what it answers at once.
        """
        headers = self._download_headers(first, last)
        if bytes(headers[-1]) == b"null":
            raise _no_block(last)
        query = {"fromBlock": hex(first), "toBlock": hex(last), "address": self._addresses}
        try:
            return Answers(first, last, headers, self._rpc.raw("eth_getLogs", query))
        except RpcError as error:
            if is_too_large(error.code, str(error)):
                raise RangeTooLarge("eth_getLogs", f"blocks {first} to {last}: {error}", code=error.code) from error
            raise

    def read(self, answers: Answers) -> list[Block]:
        """The blocks that were asked for, all on one branch; whether the answer was cut off says `with_its_end`.

        Raises InconsistentChain and RpcError.
        """
        of_block: dict[str, list[_RawLog]] = {}
        for log in _decode(_logs, answers.logs):
            of_block.setdefault(log.block_number, []).append(log)
        headers = _chained(answers.first, answers.headers)
        blocks = [self._checked(header, of_block.pop(hex(header.number), [])) for header in headers]
        if of_block:
            raise InconsistentChain(f"logs of blocks {answers.first} to {answers.last} were asked for, and others came")
        return blocks

    def _download_headers(self, first: int, last: int) -> list[msgspec.Raw]:
        return self._ask_headers(map(hex, range(first, last + 1)))

    def _ask_headers(self, wanted: Iterable[str]) -> list[msgspec.Raw]:
        return self._rpc.batch([("eth_getBlockByNumber", (which, False)) for which in wanted])

    def _headers(self, wanted: Sequence[str]) -> list[Header | None]:
        return [_typed_header(_decode(_header, answer)) for answer in self._ask_headers(wanted)]

    def _ask_logs(self, query: dict[str, Any]) -> list[_RawLog]:
        return _decode(_logs, self._rpc.raw("eth_getLogs", query))

    def _checked(self, header: Header, raw: list[_RawLog]) -> Block:
        """The block, its logs proven whole, by asking for all its logs again where the ones that came prove nothing."""
        logs = _typed_logs(header, raw)
        if bloom.is_whole(header.bloom, logs):
            return Block(header, self._of_ours(logs))
        if not logs and not bloom.may_hold(header.bloom, self._addresses):
            return Block(header, [])
        return self.with_its_end(Block(header, self._proven(header, self._ask_logs({"blockHash": header.hash}))))

    def with_its_end(self, block: Block) -> Block:
        """The block as it is told once more, if it has logs. Where only its length differs, the longer one is whole.

        Raises InconsistentChain and RpcError.
        """
        if not block.logs:
            return block
        again = self._of_receipts(block.header)
        if again is None:
            again = self._proven(block.header, self._ask_logs({"blockHash": block.header.hash}))
        shorter, longer = sorted((block.logs, again), key=len)
        if longer[: len(shorter)] != shorter:
            raise InconsistentChain(f"block {block.header.number}: the endpoint gives one time other logs than another")
        return Block(block.header, longer)

    def _of_receipts(self, header: Header) -> list[Log] | None:
        """Our logs in the block's receipts; None where the endpoint gives none, or none that are whole: some give none
        of old blocks, and some do not know the question."""
        try:
            receipts = _decode(_receipts, self._rpc.raw("eth_getBlockReceipts", header.hash))
            return self._proven(header, [log for receipt in receipts or () for log in receipt.logs])
        except (RpcError, InconsistentChain):
            return None

    def _proven(self, header: Header, raw: list[_RawLog]) -> list[Log]:
        """Of all logs of a block, ours. Raises InconsistentChain when they are not those of its header."""
        logs = _typed_logs(header, raw)
        if not bloom.is_whole(header.bloom, logs):
            raise InconsistentChain(
                f"block {header.number}: the endpoint gives {len(logs)} logs, which are not those of the block's header"
            )
        return self._of_ours(logs)

    def _of_ours(self, logs: list[Log]) -> list[Log]:
        ours = self._ours
        return [log for log in logs if log.address in ours]


def _chained(first: int, answers: Iterable[msgspec.Raw]) -> list[Header]:
    """The headers from block `first` on, each the child of the one before."""
    headers: list[Header] = []
    for number, answer in enumerate(answers, start=first):
        header = _typed_header(_decode(_header, answer))
        if header is None or header.number != number:
            raise _no_block(number)
        if headers and header.parent_hash != headers[-1].hash:
            raise InconsistentChain(f"block {number} is no child of the block before: the chain is changing")
        headers.append(header)
    return headers


def _no_block(number: int) -> InconsistentChain:
    return InconsistentChain(f"the endpoint does not give block {number}, which it should have")


def _typed_header(raw: _RawHeader | None) -> Header | None:
    if raw is None:
        return None
    return Header(
        int(raw.number, 16),
        Hash32(raw.hash),
        Hash32(raw.parent_hash),
        int(raw.timestamp, 16),
        int(raw.logs_bloom, 16),
    )


def _typed_logs(header: Header, raw: list[_RawLog]) -> list[Log]:
    """Raises InconsistentChain unless all are logs of this very block, in order and once."""
    number, block_hash, as_text = header.number, header.hash, hex(header.number)
    logs: list[Log] = []
    last = -1
    for log in raw:
        index = int(log.log_index, 16)
        if log.block_hash != block_hash or log.block_number != as_text or log.removed:
            raise InconsistentChain(f"block {number}: a log of block {log.block_hash} came, not of {block_hash}")
        if index <= last:
            raise InconsistentChain(f"block {number}: log {index} came after log {last}")
        last = index
        logs.append(Log(log.address, log.topics, log.data, number, index, log.transaction_hash))
    return logs


def _decode(decoder: msgspec.json.Decoder[_T], answer: msgspec.Raw) -> _T:
    try:
        return decoder.decode(answer)
    except msgspec.MsgspecError as error:
        raise InconsistentChain(f"the endpoint's answer is not of its form: {error}") from None
