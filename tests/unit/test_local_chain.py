"""indexer/local_chain: which blocks go and which come (T24, T25, T26), by tables of chains written as text.

"abc" is a chain of blocks 1, 2, 3 with these names; a node that says "abX" has another block 3.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from chainpoints.errors import ReorgBeyondFinality
from chainpoints.indexer.local_chain import BlockId, LocalChain, Look, Move, Wait

pytestmark = pytest.mark.unit


class Told(NamedTuple):
    number: int
    hash: str
    parent_hash: str


def node_blocks(names: str) -> dict[int, Told]:
    """Each block's hash names all its ancestors, as real hashes do."""
    return {n: Told(n, names[:n], names[: n - 1]) for n in range(1, len(names) + 1)}


def local_chain(names: str, *, final: int = 0, may_lose_blocks: bool = False, first: int = 1) -> LocalChain:
    lowest = max(min(final, len(names)), first)
    stored = [BlockId(n, names[:n]) for n in range(lowest, len(names) + 1)]
    return LocalChain(first, stored, final, may_lose_blocks=may_lose_blocks)


def decide(chain: LocalChain, names: str) -> tuple[Wait | Move, list[Look]]:
    """The decision when the node's chain is `names`, and what had to be asked for on the way."""
    blocks = node_blocks(names)
    known = {len(names): blocks[len(names)]}
    looks = []
    while isinstance(step := chain.next_step(known), Look):
        looks.append(step)
        wanted = range(step.first, step.last + 1)
        assert not set(wanted) <= known.keys(), f"{step} asks for what is known"
        known.update({number: blocks[number] for number in wanted})
    return step, looks


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param("", "abc", Move(0, 3), id="nothing stored: everything is new"),
        pytest.param("abc", "abc", Wait(), id="same head"),
        pytest.param("abc", "abcd", Move(3, 4), id="one new block"),
        pytest.param("abc", "abcdefgh", Move(3, 8), id="several new blocks"),
        pytest.param("abc", "abX", Move(2, 3), id="reorg of the tip, same height"),
        pytest.param("abc", "abXY", Move(2, 4), id="reorg of the tip, one higher"),
        pytest.param("abcdef", "abXYZ", Move(2, 5), id="reorg to a shorter branch"),
        pytest.param("abcdef", "abXYZUVW", Move(2, 8), id="reorg of four blocks"),
        pytest.param("abcdef", "XYZUVW", Move(0, 6), id="reorg of everything, nothing final yet"),
        pytest.param("abcdef", "abcd", Wait(), id="a head that steps back is a lag"),
    ],
)
def test_what_to_do(ours: str, theirs: str, expected: Wait | Move) -> None:
    assert decide(local_chain(ours), theirs)[0] == expected


def test_the_usual_new_block_needs_no_further_question() -> None:
    assert decide(local_chain("abc"), "abcd") == (Move(3, 4), [])


def test_a_search_of_sixty_blocks_takes_few_questions() -> None:
    ours = "a" * 100
    step, looks = decide(local_chain(ours, final=36), "a" * 40 + "X" * 70)
    assert step == Move(40, 110)
    assert len(looks) <= 7
    assert min(look.first for look in looks) >= 36, "nothing below the last final block is asked for"


def test_the_local_chain_may_lose_its_last_blocks() -> None:
    assert decide(local_chain("abcdef", may_lose_blocks=True), "abcd")[0] == Move(4, 4)
    assert decide(local_chain("abcdef", may_lose_blocks=True), "abcX")[0] == Move(3, 4)


def test_the_local_chain_may_not_lose_final_blocks() -> None:
    with pytest.raises(ReorgBeyondFinality):
        decide(local_chain("abcdef", final=4, may_lose_blocks=True), "abc")


def test_another_node_far_behind_is_a_lag() -> None:
    assert decide(local_chain("abcdef", final=4), "ab")[0] == Wait()


@pytest.mark.parametrize(("theirs", "expected"), [("abcXYZ", Move(3, 6)), ("abcX", Move(3, 4))])
def test_a_reorg_exactly_to_the_final_block_is_followed(theirs: str, expected: Move) -> None:
    assert decide(local_chain("abcdef", final=3), theirs)[0] == expected


@pytest.mark.parametrize("theirs", ["abXYZU", "abXYZUVW", "abXY", "abX"])
def test_a_reorg_of_the_final_block_is_refused(theirs: str) -> None:
    with pytest.raises(ReorgBeyondFinality) as caught:
        decide(local_chain("abcdef", final=3), theirs)
    assert (caught.value.number, caught.value.ours, caught.value.theirs) == (3, "abc", "abX")
    assert "Nothing was deleted" in str(caught.value)


def test_blocks_that_were_added_while_the_whole_chain_is_final() -> None:
    """While backfilling, the tip is below the final block: what is stored cannot change either."""
    with pytest.raises(ReorgBeyondFinality):
        decide(local_chain("abc", final=50), "abX" + "y" * 60)


def test_moves_are_remembered() -> None:
    chain = local_chain("abcdef")
    chain.moved(4, [BlockId(5, "abcdX"), BlockId(6, "abcdXY")])
    assert chain.tip == BlockId(6, "abcdXY")
    assert decide(chain, "abcdXYZ")[0] == Move(6, 7)
    chain.moved(2, [])
    assert chain.tip == BlockId(2, "ab")
    chain.moved(0, [])
    assert chain.tip is None
    assert decide(chain, "XY")[0] == Move(0, 2)


def test_what_was_final_stays_final() -> None:
    chain = local_chain("abcdef")
    chain.finalized(4)
    chain.finalized(2)
    assert chain.final == 4
    assert decide(chain, "abcdXYZ")[0] == Move(4, 7)
    with pytest.raises(ReorgBeyondFinality):
        decide(chain, "abcXYZU")


def test_a_final_block_of_another_branch_is_noticed() -> None:
    chain = local_chain("abcdef")
    assert chain.agrees(Told(3, "abc", "ab"))
    assert not chain.agrees(Told(3, "abX", "ab"))
    assert chain.agrees(Told(9, "abcdefghi", "abcdefgh"))


def test_the_parent_of_a_new_block_is_checked_from_the_second_block_on() -> None:
    chain = local_chain("abc")
    assert chain.is_parent(3, "abc")
    assert not chain.is_parent(3, "abX")
    assert chain.is_parent(0, "whatever stood before the deployment")
