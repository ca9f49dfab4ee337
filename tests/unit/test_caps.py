"""Refusals of providers, as they word them."""

from __future__ import annotations

import pytest

from chainpoints.chain.caps import is_too_large

pytestmark = pytest.mark.unit

TOO_LARGE = [
    (-32602, "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit"),
    (-32005, "query returned more than 10000 results. Try with this block range [0x1, 0x2]."),
    (-32614, "eth_getLogs is limited to a 10,000 range"),
    (-32600, "block range is too wide"),
    (-32047, "Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800"),
    (-32701, "exceed maximum block range: 50000"),
    (-32602, "query exceeds max block range 100000"),
    (-32602, "query exceeds max results 20000, retry with the range 1-2"),
    (-32000, "Block range limit exceeded."),
    (35, "ranges over 10000 blocks are not supported on freetier"),
    (-32000, "requested too many blocks from 1 to 9000, maximum is set to 2048"),
    (-32020, "backend response too large"),
    (-32008, "Response is too big"),
    (413, "the RPC endpoint answered HTTP 413"),
]
OTHERS = [
    (429, "the RPC endpoint answered HTTP 429"),
    (-32005, "daily request count exceeded, request rate limited"),
    (-32000, "rate limit exceeded"),
    (-32000, "header not found"),
    (-32602, "invalid argument 0: block range extends beyond current head block"),
    (-32000, "Your app has exceeded its compute units per second capacity"),
    (0, "no answer from the RPC endpoint (ReadTimeoutError)"),
]


@pytest.mark.parametrize(("code", "words"), TOO_LARGE)
def test_a_cap_is_recognised(code: int, words: str) -> None:
    assert is_too_large(code, words)


@pytest.mark.parametrize(("code", "words"), OTHERS)
def test_another_failure_is_not_taken_for_a_cap(code: int, words: str) -> None:
    assert not is_too_large(code, words)
