"""Questions that come at once are answered by one read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from chainpoints.api.gathering import MOST_AT_ONCE, Gathering

pytestmark = pytest.mark.unit


class Reads:
    """Notes what it is asked together; the answer to a number is its double."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, questions: Sequence[int]) -> dict[int, int]:
        self.asked.append(list(questions))
        if -1 in questions:
            raise LookupError("no answers")
        return {question: 2 * question for question in questions}


def gathered(questions: Sequence[int], *, in_threads: bool) -> tuple[list[int | BaseException], Reads]:
    reads = Reads()

    async def ask() -> list[int | BaseException]:
        gathering: Gathering[int, int] = Gathering(in_threads=in_threads)
        asked = (gathering.ask(question, reads) for question in questions)
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(ask()), reads


@pytest.mark.parametrize("in_threads", [False, True])
def test_who_asks_at_once_is_answered_by_one_read(in_threads: bool) -> None:
    answers, reads = gathered([1, 2, 3, 2], in_threads=in_threads)
    assert answers == [2, 4, 6, 4]
    assert reads.asked == [[1, 2, 3]]


def test_no_read_takes_more_than_the_most() -> None:
    answers, reads = gathered(range(2 * MOST_AT_ONCE + 1), in_threads=False)
    assert answers == [2 * number for number in range(2 * MOST_AT_ONCE + 1)]
    assert [len(asked) for asked in reads.asked] == [MOST_AT_ONCE, MOST_AT_ONCE, 1]


def test_what_a_read_leaves_out_is_asked_again_with_what_came_meanwhile() -> None:
    asked: list[list[int]] = []

    async def ask() -> None:
        gathering: Gathering[int, int] = Gathering(in_threads=False)

        def small_ones_first(questions: Sequence[int]) -> dict[int, int]:
            asked.append(list(questions))
            if len(asked) == 1:
                later.append(asyncio.ensure_future(gathering.ask(5, small_ones_first)))
            return {each: each for each in questions if each < 10 or len(questions) == 1}

        later: list[asyncio.Future[int]] = []
        answers = await asyncio.gather(*(gathering.ask(each, small_ones_first) for each in (1, 12, 3)))
        assert (answers, await later[0]) == ([1, 12, 3], 5)

    asyncio.run(ask())
    assert (asked[0], asked[-1]) == ([1, 12, 3], [12])


def test_answerings_of_several_are_a_pace_apart_and_who_asks_alone_waits_for_nothing() -> None:
    pace = 1.0

    async def ask() -> list[float]:
        gathering: Gathering[int, int] = Gathering(in_threads=True, pace_seconds=pace)
        reads, begun = Reads(), time.monotonic()
        ends = []
        for together in (1, 1, 2, 1, 1):
            await asyncio.gather(*(gathering.ask(each, reads) for each in range(together)))
            ends.append(time.monotonic() - begun)
        assert [len(asked) for asked in reads.asked] == [1, 1, 2, 1, 1]
        return ends

    _, _, several, after_several, after_one = asyncio.run(ask())
    assert several < pace <= after_several
    assert after_one < 2 * pace


def test_what_a_read_raises_all_of_it_get_and_the_next_goes_on() -> None:
    async def ask() -> None:
        gathering: Gathering[int, int] = Gathering(in_threads=True)
        reads = Reads()
        failed = await asyncio.gather(gathering.ask(1, reads), gathering.ask(-1, reads), return_exceptions=True)
        assert [str(each) for each in failed] == ["no answers"] * 2
        assert await gathering.ask(5, reads) == 10

    asyncio.run(ask())


def test_who_goes_away_leaves_the_others_their_answer() -> None:
    async def ask() -> None:
        gathering: Gathering[int, int] = Gathering(in_threads=True)
        reads = Reads()
        leaving, staying = (asyncio.create_task(gathering.ask(7, reads)) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == 14

    asyncio.run(ask())
