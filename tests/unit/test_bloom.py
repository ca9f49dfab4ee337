"""chain/bloom: whether a block's logs are all there (T26). That filters are as nodes make them is seen on anvil, in
tests/integration/test_index.py."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from chainpoints.chain.bloom import is_whole, mask_of, may_hold

pytestmark = pytest.mark.unit

TOKEN, OTHER = "0x" + "11" * 20, "0x" + "22" * 20
TRANSFER, PAID, HOLDER = "0x" + "aa" * 32, "0x" + "bb" * 32, "0x" + "cc" * 32


class Log(NamedTuple):
    address: str
    topics: list[str]
    log_index: int


LOGS = [Log(TOKEN, [TRANSFER], 0), Log(OTHER, [PAID], 1), Log(TOKEN, [TRANSFER, HOLDER], 2)]
BLOOM = mask_of(TOKEN) | mask_of(OTHER) | mask_of(TRANSFER) | mask_of(PAID) | mask_of(HOLDER)


def test_all_logs_are_whole() -> None:
    assert is_whole(BLOOM, LOGS)
    assert is_whole(0, [])


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_missing_log_is_noticed(missing: int) -> None:
    assert not is_whole(BLOOM, [log for log in LOGS if log.log_index != missing])


def test_a_doubled_log_is_noticed() -> None:
    assert not is_whole(BLOOM, [*LOGS, LOGS[2]])


def test_logs_that_are_not_of_the_block_are_noticed() -> None:
    assert not is_whole(BLOOM, [*LOGS, Log("0x" + "33" * 20, [TRANSFER], 3)])


def test_no_logs_where_the_filter_shows_some() -> None:
    assert not is_whole(BLOOM, [])
    assert may_hold(BLOOM, [TOKEN])
    assert not may_hold(BLOOM, ["0x" + "33" * 20])
