"""Keeps the store equal to the chain: asks the node, moves as `local_chain` decides, one transaction a move."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event

from chainpoints.chain.client import ChainClient, Heads
from chainpoints.chain.events import Event as ChainEvent
from chainpoints.chain.events import EventDecoder
from chainpoints.config import Chain
from chainpoints.errors import ChainError, ConfigError, InconsistentChain, ProvidersDisagree
from chainpoints.indexer.local_chain import BlockId, LocalChain, Look, Move, Wait
from chainpoints.indexer.project import BlockEvents, Projector
from chainpoints.indexer.ranges import Ranges
from chainpoints.store import backfill, chain_rows
from chainpoints.store.chain_rows import ChainState, LatestStates
from chainpoints.store.session import Store

_STATE_EVERY_SECONDS = 1.0

_EVENTS_IN_A_COMMIT = 25_000
_LONGEST_WITHOUT_COMMIT_SECONDS = 2.0
_ALLOCATIONS_UNCOLLECTED = 500_000

_BACKFILL_BLOCKS = 1_000
"""From so many new blocks on, when they are more than are stored, what can be made up for afterwards is left out."""

Progress = Callable[[int, int, str], None]
"""Told how many blocks are done, of how many, and a word on where that is."""


class Follower:
    """Follows one deployment on one chain: each `step` brings the store to the node's head of that moment."""

    def __init__(
        self,
        client: ChainClient,
        decoder: EventDecoder,
        store: Store,
        chain: Chain,
        first_block: int,
        stop: Event,
        second: ChainClient | None = None,
    ) -> None:
        """`second` is another endpoint, which has to tell the same blocks and logs."""
        self._second = second
        self._second_ranges = None if second is None else Ranges(second, decoder)
        self._client, self._decoder, self._store, self._chain = client, decoder, store, chain
        self._first_block, self._stop = first_block, stop
        self._projector = Projector()
        self._ranges = Ranges(client, decoder)
        self._is_open = self._is_backfilling = False
        self._saved_at = 0.0

    def close(self) -> None:
        self._ranges.close()
        if self._second_ranges is not None:
            self._second_ranges.close()

    def step(self, progress: Progress | None = None) -> bool:
        """One look at the chain. True when blocks came or went. Ends early, between two ranges, when told to stop.

        Raises ConfigError when the endpoint's chain is not the one that the store was filled from; ReorgBeyondFinality;
        and RpcError, InconsistentChain, Conflict, StoreUnavailable, after which the next step reads the store again.
        That two endpoints disagree is recorded in chain_state.trouble.
        """
        try:
            return self._step(progress)
        except ProvidersDisagree as error:
            with self._store.write() as connection:
                chain_rows.save_chain_state(connection, self._state._replace(trouble=str(error)))
            raise

    def _step(self, progress: Progress | None) -> bool:
        if not self._is_open:
            self._open()
        self._is_open = False
        heads = self._client.heads(tags=self._chain.finality_depth is None)
        move = self._as_far_as_both(self._decide(heads))
        if move is None:
            self._save_if_due(heads)
        elif move.last <= move.keep:
            self._commit(heads, move.keep, [])
        elif move.last == move.keep + 1 == heads.latest.number:
            block = self._client.block(heads.latest)
            blocks = [BlockEvents(block.header, self._decoder.events(block.logs))]
            self._require_agreement(blocks)
            self._commit(heads, move.keep, blocks)
        else:
            self._add(heads, move, progress)
        if self._is_backfilling and (move is None or self._local.height >= move.last):
            self._end_backfill()
            self._save(heads)
        self._is_open = True
        return move is not None

    def require_chain(self) -> None:
        """Raises ConfigError when the endpoint is of another chain."""
        if (found := self._client.chain_id()) != self._chain.chain_id:
            raise ConfigError(f"the RPC endpoint is of chain {found}, not {self._chain.chain_id} ({self._chain.name})")

    def halt(self, reason: str) -> None:
        """Records why the indexer stops for good."""
        with self._store.write() as connection:
            chain_rows.save_chain_state(connection, self._state._replace(halted=reason))

    def _open(self) -> None:
        """Reads where the store stands."""
        self._heal()
        self.require_chain()
        genesis = self._client.header(0).hash
        with self._store.read() as connection:
            state = chain_rows.chain_state(connection, self._chain.chain_id)
            self._state = state or ChainState(self._chain.chain_id, genesis, self._first_block, 0, 0, 0, None)
            tip = chain_rows.tip(connection)
            lowest = self._state.final if tip is None else min(self._state.final, tip[0])
            stored = [BlockId(*row) for row in chain_rows.block_hashes(connection, lowest)]
            left_out = backfill.left_out(connection)
        if (self._state.genesis_hash, self._state.first_block) != (genesis, self._first_block):
            raise ConfigError(
                "this database was filled from another chain or deployment; run `chainpoints rebuild`, or set "
                "CHAINPOINTS_DATABASE to a database of its own"
            )
        self._local = LocalChain(self._first_block, stored, self._state.final, may_lose_blocks=self._chain.is_local)
        if tip is None:
            self._projector.begin()
        else:
            self._projector.forget()
        self._is_backfilling = left_out.anything
        self._state = self._state._replace(without_keys=left_out.keys)

    def _heal(self) -> None:
        """What was left in the middle of a backfill keeps nobody from looking states up, whatever the endpoint does."""
        with self._store.read() as connection:
            is_empty = chain_rows.tip(connection) is None
            state = chain_rows.chain_state(connection, self._chain.chain_id)
        if is_empty or state is None or not state.without_keys:
            return
        backfill.make_up_keys(self._store)
        with self._store.write() as connection:
            chain_rows.save_chain_state(connection, state._replace(without_keys=False))

    def _decide(self, heads: Heads) -> Move | None:
        node = {heads.latest.number: heads.latest}
        while True:
            step = self._local.next_step(node)
            match step:
                case Wait():
                    return None
                case Move():
                    return step
                case Look(first, last):
                    node.update((header.number, header) for header in self._client.headers(first, last))

    def _as_far_as_both(self, move: Move | None) -> Move | None:
        """The move without the blocks that the second endpoint does not have yet: one that is behind is waited for."""
        if move is None or self._second is None or move.last <= move.keep:
            return move
        last = min(move.last, self._second.heads(tags=False).latest.number)
        return Move(move.keep, last) if last > move.keep else None

    def _agreed(self, ranges: Iterable[list[BlockEvents]]) -> Iterator[list[BlockEvents]]:
        for blocks in ranges:
            self._require_agreement(blocks)
            yield blocks

    def _require_agreement(self, blocks: Sequence[BlockEvents]) -> None:
        """Raises ProvidersDisagree unless the second endpoint, if there is one, tells the same blocks and events."""
        if self._second is None or self._second_ranges is None:
            return
        last = blocks[-1].header
        other = self._second.header(last.number).hash
        if other != last.hash:  # else all before it have the same hashes too
            raise _disagreement(last.number, last.hash, other)
        theirs = itertools.chain.from_iterable(self._second_ranges.fetch(blocks[0].header.number, last.number))
        for ours, their in zip(blocks, theirs, strict=True):
            if ours.header.hash != their.header.hash:
                raise InconsistentChain(f"block {ours.header.number} came twice and differs: the chain is changing")
            if ours.events != their.events:
                raise _disagreement(ours.header.number, _numbered(ours.events), _numbered(their.events))

    def _add(self, heads: Heads, move: Move, progress: Progress | None) -> None:
        """Fetches before it deletes: the first new blocks and the end of the old ones are one transaction."""
        keep, local = move.keep, self._local
        if not self._is_backfilling and move.last - keep > max(_BACKFILL_BLOCKS, local.height - self._first_block):
            self._begin_backfill()
        with _collector_at_rest():
            for blocks in _gathered(self._agreed(self._ranges.fetch(keep + 1, move.last))):
                self._commit(heads, keep, blocks)
                keep = local.height
                if progress is not None:
                    progress(keep - self._first_block + 1, move.last - self._first_block + 1, f"block {keep}")
                if self._stop.is_set():
                    return

    def _begin_backfill(self) -> None:
        keys = self._projector.knows_all
        state = self._state._replace(without_keys=keys)
        with self._store.write() as connection:
            chain_rows.require_tip(connection, self._local.tip)
            backfill.leave_out(connection, keys=keys)
            chain_rows.save_chain_state(connection, state)
        self._is_backfilling, self._state = True, state

    def _make_up_keys(self) -> None:
        backfill.make_up_keys(self._store)
        self._state = self._state._replace(without_keys=False)

    def _end_backfill(self) -> None:
        backfill.make_up(self._store)
        self._is_backfilling, self._state = False, self._state._replace(without_keys=False)

    def _commit(self, heads: Heads, keep: int, blocks: Sequence[BlockEvents]) -> None:
        """Drops what stands above `keep` and adds `blocks`, with the state of the chain, in one transaction."""
        local = self._local
        self._require_children(keep, blocks)
        if self._is_backfilling and keep < local.height:
            self._end_backfill()  # what drops the rows of a block together with it must be there
        elif self._state.without_keys and not self._projector.knows_all:
            self._make_up_keys()
        state = self._state_at(heads, blocks[-1].header.number if blocks else keep)
        with self._store.write() as connection:
            chain_rows.require_tip(connection, local.tip)
            if keep < local.height:
                chain_rows.drop_above(connection, keep)
                self._projector.forget()
            chain_rows.append(connection, self._projector.project(blocks, LatestStates(connection)))
            chain_rows.save_chain_state(connection, state)
        local.moved(keep, [BlockId(block.header.number, block.header.hash) for block in blocks])
        self._saved(state)

    def _require_children(self, keep: int, blocks: Sequence[BlockEvents]) -> None:
        """The chain may have changed between the decision and the fetch, and between two ranges."""
        headers = [block.header for block in blocks]
        is_child = not headers or self._local.is_parent(keep, headers[0].parent_hash)
        if not is_child or any(child.parent_hash != header.hash for header, child in itertools.pairwise(headers)):
            raise InconsistentChain(f"a block above {keep} came as the child of another block: the chain is changing")

    def _save_if_due(self, heads: Heads) -> None:
        due = time.monotonic() - self._saved_at >= _STATE_EVERY_SECONDS
        if due or self._state_at(heads, self._local.height) != self._state:
            self._save(heads)

    def _save(self, heads: Heads) -> None:
        state = self._state_at(heads, self._local.height)
        with self._store.write() as connection:
            chain_rows.save_chain_state(connection, state)
        self._saved(state)

    def _saved(self, state: ChainState) -> None:
        self._state = state
        self._saved_at = time.monotonic()
        self._local.finalized(state.final)

    def _state_at(self, heads: Heads, height: int) -> ChainState:
        """Where the indexer stands at `height`. Safe and final blocks are on our branch; what was final stays so."""
        depth, old = self._chain.finality_depth, self._state
        if depth is not None:
            safe, final = height - depth // 2, height - depth
        else:
            safe, final = (
                block.number if block is not None and self._local.agrees(block) else 0
                for block in (heads.safe, heads.final)
            )
        final = max(min(final, heads.latest.number), old.final)
        return old._replace(
            node_head=max(heads.latest.number, height), safe=max(safe, final), final=final, halted=None, trouble=None
        )


def _disagreement(number: int, ours: str, theirs: str) -> ProvidersDisagree:
    return ProvidersDisagree(
        f"block {number} is {ours} for CHAINPOINTS_RPC_URL and {theirs} for CHAINPOINTS_RPC_CHECK_URL: nothing is "
        "stored until they agree; see which of them is wrong"
    )


def _numbered(events: Sequence[ChainEvent]) -> str:
    """So that it can be looked up which is missing or another."""
    return f"with the logs {', '.join(str(event.log_index) for event in events)}" if events else "without logs of ours"


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """The garbage collector looks rarely while many objects that live on are made: it would find nothing each time."""
    usual = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS_UNCOLLECTED)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _gathered(ranges: Iterable[list[BlockEvents]]) -> Iterator[list[BlockEvents]]:
    """Ranges put together to what is worth a commit: so many events, all that came in a while or before an error."""
    gathered: list[BlockEvents] = []
    events, began = 0, time.monotonic()
    try:
        for blocks in ranges:
            gathered += blocks
            events += sum(len(block.events) for block in blocks)
            if events >= _EVENTS_IN_A_COMMIT or time.monotonic() - began >= _LONGEST_WITHOUT_COMMIT_SECONDS:
                yield gathered
                gathered, events, began = [], 0, time.monotonic()
    except ChainError:
        if gathered:
            yield gathered
        raise
    if gathered:
        yield gathered
