"""What is told, whatever the stored chain does: reorgs of any depth, rebuilds, kills between steps (T24, T33).

The chain is rows written by hand, so that hundreds of histories take seconds. After each step what was told and not
taken back must be just what is on the chain up to where the endpoint may look.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from builders import signer
from chain_rows import ChainRows, block_hash
from chainpoints.store import Connection, tables
from chainpoints.store.session import Store
from chainpoints.store.webhooks import Block, EndpointRow, add_endpoint, change, endpoint
from chainpoints.types import ONE_POINT
from chainpoints.webhooks import tell
from chainpoints.webhooks.tell import Teller

pytestmark = pytest.mark.integration

ALICE = signer("alice").address
FINALITY_DEPTH = 8


@dataclass
class Chain:
    """A stored chain whose blocks each hold some payments. A branch is a number in the hashes of its blocks."""

    store: Store
    dice: random.Random
    branches: list[int] = field(default_factory=list)  # of block 1, 2, ...
    newest_branch: int = 0
    final: int = 0
    furthest: Counter[str] = field(default_factory=Counter)  # by finality, the highest block that was ever that final

    @property
    def height(self) -> int:
        return len(self.branches)

    def start(self) -> None:
        with self.store.write() as connection:
            ChainRows(connection).state(head=0, safe=0, final=0)
            self._grow(connection, 3)

    def grow(self, blocks: int) -> None:
        with self.store.write() as connection:
            self._grow(connection, blocks)

    def reorg(self, depth: int, blocks: int) -> None:
        """Replaces the newest blocks by others, in one transaction as the indexer does; some orders are mined again."""
        with self.store.write() as connection:
            self._drop(connection, self.height - depth)
            self.newest_branch += 1
            self._grow(connection, blocks)

    def come_back(self, branches: list[int]) -> None:
        """A branch that there was before comes back, block by block the same; what grows on it then is new."""
        self.newest_branch += 1
        common = next((n for n, (a, b) in enumerate(zip(self.branches, branches, strict=False)) if a != b), None)
        with self.store.write() as connection:
            self._drop(connection, min(self.height, len(branches)) if common is None else common)
            for branch in branches[self.height :]:
                self._block(connection, branch)
            self._state(connection)

    def shrink(self, depth: int) -> None:
        self.newest_branch += 1
        with self.store.write() as connection:
            self._drop(connection, self.height - depth)
            self._state(connection)

    def forget(self) -> list[int]:
        """As a rebuild begins: nothing is stored any more."""
        before = list(self.branches)
        with self.store.write() as connection:
            self._drop(connection, 0)
            connection.execute(delete(tables.chain_state))
        self.final = 0
        return before

    def read_again(self, branches: list[int], up_to: int) -> None:
        """As a rebuild goes on: some blocks are there again, and the node is known to have more."""
        with self.store.write() as connection:
            if self.height == 0:
                ChainRows(connection).state(head=len(branches), safe=0, final=0)
            for branch in branches[self.height : up_to]:
                self._block(connection, branch)
            self._state(connection, node_head=len(branches))

    def payments(self, up_to: int) -> Counter[tuple[str, int]]:
        """Block hash and log index of what is on the chain."""
        t, b = tables.payments.c, tables.blocks.c
        query = select(b.hash, t.log_index).join(tables.payments, t.block_number == b.number)
        with self.store.read() as connection:
            rows = connection.execute(query.where(b.number <= up_to))
            return Counter((row.hash, row.log_index) for row in rows)

    def look(self, finality: str) -> int:
        """The highest block of that finality now; what was final stays so, as the indexer has it."""
        self.final = max(self.final, self.height - FINALITY_DEPTH)
        return {"head": self.height, "safe": max(self.final, self.height - FINALITY_DEPTH // 2), "final": self.final}[
            finality
        ]

    def _grow(self, connection: Connection, blocks: int) -> None:
        for _ in range(blocks):
            self._block(connection, self.newest_branch)
        self._state(connection)

    def _block(self, connection: Connection, branch: int) -> None:
        rows, number = ChainRows(connection), self.height + 1
        rows.blocks(number, number, branch)
        dice = random.Random(f"{branch} {number}")  # the same block has the same payments
        for _ in range(dice.choice((0, 1, 1, 2, 3))):
            rows.payment(number, f"0x{dice.randrange(12):064x}", ALICE, ONE_POINT)
        self.branches.append(branch)

    def _drop(self, connection: Connection, height: int) -> None:
        connection.execute(delete(tables.blocks).where(tables.blocks.c.number > height))
        del self.branches[height:]

    def _state(self, connection: Connection, node_head: int | None = None) -> None:
        values = {"node_head": node_head or self.height, "safe": self.look("safe"), "final": self.look("final")}
        connection.execute(update(tables.chain_state).values(values))
        for finality in ("head", "safe", "final"):
            self.furthest[finality] = max(self.furthest[finality], self.look(finality))


def told(store: Store, made: EndpointRow) -> Counter[tuple[str, int]]:
    """What a receiver knows that believes each message in its order: asserts that it is never told nonsense."""
    t = tables.webhook_messages.c
    known: Counter[tuple[str, int]] = Counter()
    by_id: dict[str, tuple[str, int]] = {}
    sequences: Counter[str] = Counter()
    with store.read() as connection:
        rows = connection.execute(select(tables.webhook_messages).where(t.endpoint == made.id).order_by(t.number)).all()
    for row in rows:
        sequences[row.object] += 1
        data = json.loads(row.payload)["data"]
        assert row.sequence == data["sequence"] == sequences[row.object]
        place = (data["block_hash"], data["log_index"])
        if row.type == "payment.created":
            assert known[place] == 0, "told twice"
            known[place] += 1
            by_id[row.id] = place
        else:
            assert row.type == "payment.reversed"
            assert by_id[data["reverses"]] == place
            assert known[place] == 1, "taken back, but not told"
            known[place] -= 1
    return +known


def at_block(connection: Connection, chain: Chain, finality: str) -> EndpointRow:
    here = Block(chain.height, block_hash(chain.height, chain.branches[-1]))
    return add_endpoint(
        connection, merchant=1, url="https://a.example/", events=None, finality=finality,
        told=here, anchor=Block(0, None),
    )  # fmt: skip


def settle(teller: Teller) -> None:
    for _ in range(100):
        if not teller.step():
            return
    raise AssertionError("it never comes to rest")


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several steps for what is usually one."""
    monkeypatch.setattr(tell, "_BLOCKS_AT_ONCE", 5)


@pytest.fixture
def chain(store: Store) -> Chain:
    made = Chain(store, random.Random(1))
    made.start()
    return made


def endpoints_of_each_finality(chain: Chain) -> list[EndpointRow]:
    with chain.store.write() as connection:
        return [at_block(connection, chain, finality) for finality in ("head", "safe", "final")]


def check(chain: Chain, endpoints: list[EndpointRow], first: int) -> None:
    """Each knows all that is on the chain from `first` up to where it may look, and nothing that is not.

    A chain that has become shorter may have been looked at further up; that stands as long as the block does.
    """
    for each in endpoints:
        before = chain.payments(first)
        known = told(chain.store, each) - before
        assert chain.payments(chain.look(each.finality)) - before <= known, f"{each.finality}: left out"
        assert known <= chain.payments(chain.furthest[each.finality]), (
            f"{each.finality}: not on the chain, or too early"
        )


@pytest.mark.parametrize("seed", range(4))
def test_after_any_history_what_stands_is_what_is_on_the_chain(chain: Chain, seed: int) -> None:
    dice = chain.dice = random.Random(seed)
    endpoints, first = endpoints_of_each_finality(chain), chain.height
    chain.grow(FINALITY_DEPTH)  # so that no reorg goes below the block that they were made at
    teller = Teller(chain.store, may_lose_blocks=True)
    settle(teller)
    for _ in range(60):
        something_happens(chain, teller)
        if dice.random() < 0.8:
            settle(teller)
            check(chain, endpoints, first)
    settle(teller)
    check(chain, endpoints, first)
    types = Counter(row.type for row in messages(chain.store))
    assert min(types["payment.created"], types["payment.reversed"]) > 50, "the histories were too dull"


def something_happens(chain: Chain, teller: Teller) -> None:
    """A step in a chain's life, as the dice have it; the teller sees some of what is between."""
    dice, earlier = chain.dice, list(chain.branches)
    what = dice.choice(("grow", "grow", "reorg", "reorg", "back and forth", "shrink", "rebuild"))
    depth = dice.randint(1, FINALITY_DEPTH - 1)
    if what == "grow":
        chain.grow(dice.randint(1, 12))
    elif what == "reorg":
        chain.reorg(depth, dice.randint(depth, depth + 3))
    elif what == "back and forth":
        chain.reorg(depth, depth + 1)
        if dice.random() < 0.7:
            settle(teller)
        chain.come_back(earlier)
    elif what == "shrink":
        chain.shrink(depth)
        if dice.random() < 0.7:
            settle(teller)
        if dice.random() < 0.5:
            chain.come_back(earlier)
        else:
            chain.grow(depth)
    else:
        chain.forget()
        teller.step()
        for up_to in (1, len(earlier) // 2, len(earlier)):
            chain.read_again(earlier, up_to)
            teller.step()


@pytest.mark.parametrize("depth", [1, 4, 7])
def test_a_reorg_of_the_block_that_they_were_made_at_tells_nothing_older(chain: Chain, depth: int) -> None:
    """Seven blocks above the anchor, more than are told at once."""
    chain.grow(4)
    before, endpoints = chain.payments(chain.height), endpoints_of_each_finality(chain)
    teller = Teller(chain.store, may_lose_blocks=False)
    settle(teller)
    chain.reorg(depth, depth + 2)
    settle(teller)
    chain.grow(2)
    settle(teller)
    for each in endpoints:
        known = told(chain.store, each)
        assert known == chain.payments(chain.look(each.finality)) - before, each.finality
        assert known or each.finality != "head"
    chain.grow(FINALITY_DEPTH + 3)
    settle(teller)
    with chain.store.read() as connection:
        kept = connection.scalar(select(func.count()).select_from(tables.webhook_blocks_before))
    assert kept == 0, "kept after they are final"
    for each in endpoints:
        assert told(chain.store, each) == chain.payments(chain.look(each.finality)) - before, each.finality


def test_what_was_there_before_and_comes_back_is_told_once_it_was_told_elsewhere(chain: Chain) -> None:
    """Else the last that a merchant hears of a payment on the chain is that it was taken back."""
    order = "0x" + "ee" * 32

    def paid_in(block: int) -> tuple[str, int]:
        with chain.store.write() as connection:
            rows = ChainRows(connection, places={block: 99})
            rows.payment(block, order, ALICE, ONE_POINT)
        return block_hash(block, chain.branches[block - 1]), rows.places[block]

    chain.grow(4)
    paid_in(6)
    before, (head, *_) = list(chain.branches), endpoints_of_each_finality(chain)
    teller = Teller(chain.store, may_lose_blocks=False)
    settle(teller)
    assert told(chain.store, head) == Counter()
    chain.reorg(3, 4)
    elsewhere = paid_in(7)
    settle(teller)
    assert told(chain.store, head)[elsewhere] == 1
    chain.come_back([*before, *[77] * 3])
    again = paid_in(6)
    settle(teller)
    assert told(chain.store, head)[again] == 1, "taken back, and not told again"
    assert told(chain.store, head)[elsewhere] == 0


def test_a_block_that_came_while_the_endpoint_was_made_is_told(chain: Chain) -> None:
    chain.grow(8)
    with chain.store.write() as connection:
        told_up_to = Block(6, block_hash(6, chain.branches[5]))
        made = add_endpoint(
            connection, merchant=1, url="https://a.example/", events=None, finality="head",
            told=told_up_to, anchor=Block(8, block_hash(8, chain.branches[7])),
        )  # fmt: skip
    assert made.anchor == told_up_to
    settle(Teller(chain.store, may_lose_blocks=False))
    new = chain.payments(chain.height) - chain.payments(6)
    assert new
    assert told(chain.store, made) == new


def messages(store: Store) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(tables.webhook_messages)))


def test_a_rebuild_tells_nothing(chain: Chain) -> None:
    """Also where a shorter stored chain does not mean that blocks were lost."""
    endpoints_of_each_finality(chain)
    chain.grow(30)
    teller = Teller(chain.store, may_lose_blocks=False)
    settle(teller)
    before = messages(chain.store)
    branches = chain.forget()
    for up_to in (1, 10, 25, 33):
        settle(teller)
        chain.read_again(branches, up_to)
    settle(teller)
    assert messages(chain.store) == before


def test_a_reorg_below_what_was_final_is_told_after_the_rebuild(chain: Chain) -> None:
    endpoints, first = endpoints_of_each_finality(chain), chain.height
    chain.grow(40)
    teller = Teller(chain.store, may_lose_blocks=False)
    settle(teller)
    branches = chain.forget()
    chain.read_again([*branches[:10], *[99] * 36], 46)
    settle(teller)
    for each in endpoints:  # from the first block of which something was told that is gone
        on_chain = chain.payments(chain.look(each.finality)) - chain.payments(first)
        assert told(chain.store, each) - chain.payments(first) == on_chain


def test_a_plan_that_came_too_late_is_not_carried_out(chain: Chain) -> None:
    """Two deliverers at once, which only a lost lock makes possible: the second writes nothing."""
    endpoints, first = endpoints_of_each_finality(chain), chain.height
    chain.grow(4)
    teller = Teller(chain.store, may_lose_blocks=True)
    with chain.store.read() as connection:
        late = teller._plan(connection)
    settle(teller)
    with chain.store.write() as connection:
        tell._write(connection, late)
    check(chain, endpoints, first)


def test_another_finality_and_a_deleted_endpoint_in_the_middle(chain: Chain) -> None:
    (head, *_), first = endpoints_of_each_finality(chain), chain.height
    chain.grow(20)
    teller = Teller(chain.store, may_lose_blocks=True)
    settle(teller)
    for finality in ("final", "head", "safe", "final", "head"):
        with chain.store.write() as connection:
            change(connection, head.id, {"finality": finality})
        chain.reorg(5, 7)
        settle(teller)
        chain.grow(FINALITY_DEPTH)
        settle(teller)
    check(chain, [replace(head, finality="head")], first)
    with chain.store.read() as connection:
        late = teller._plan(connection)
    with chain.store.write() as connection:
        connection.execute(delete(tables.webhook_endpoints).where(tables.webhook_endpoints.c.id == head.id))
        tell._write(connection, late)
        assert endpoint(connection, 1, head.id) is None
