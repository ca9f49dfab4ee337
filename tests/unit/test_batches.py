"""Which requests go into one transaction."""

from typing import Any

import pytest

from chainpoints.relayer.kinds import BATCH_ITEMS, BATCH_NODES
from chainpoints.relayer.requests import gas_limit, groups
from chainpoints.store.relay import Request

pytestmark = pytest.mark.unit


def request(
    sequence: int, kind: str = "payment", *, failures: int = 0, payload: dict[str, Any] | None = None
) -> Request:
    return Request(
        sequence=sequence,
        id=str(sequence),
        kind=kind,
        lane="relayer",
        merchant=1,
        order_hash=None,
        wallet=None,
        payload=payload or {},
        state="accepted",
        not_before=0,
        accepted_at=0,
        failures=failures,
        refusal=None,
        transaction_hash=None,
        block_number=None,
        block_hash=None,
    )


def shape(found: list[list[Request]]) -> list[list[int]]:
    return [[one.sequence for one in group] for group in found]


def test_nothing_gives_no_transaction() -> None:
    assert groups([], set()) == []


def test_requests_of_one_kind_share_a_transaction_whatever_stands_between() -> None:
    ready = [request(1), request(2, "claim"), request(3), request(4, "claim"), request(5)]
    assert shape(groups(ready, set())) == [[1, 3, 5], [2, 4]]


@pytest.mark.parametrize("kind", ["refund", "issue_reserve", "register_merchant", "add_quota"])
def test_refunds_and_calls_about_merchants_go_singly(kind: str) -> None:
    assert shape(groups([request(1, kind), request(2), request(3, kind), request(4)], set())) == [[1], [2, 4], [3]]


def test_exactly_as_many_items_as_a_batch_takes_and_one_past() -> None:
    ready = [request(n) for n in range(BATCH_ITEMS + 1)]
    assert [len(group) for group in groups(ready[:-1], set())] == [BATCH_ITEMS]
    assert [len(group) for group in groups(ready, set())] == [BATCH_ITEMS, 1]


def test_claims_are_counted_by_their_nodes() -> None:
    half = {"nodes": ["1"] * (BATCH_NODES // 2)}
    ready = [request(n, "claim", payload=half) for n in range(2)]
    assert shape(groups(ready, set())) == [[0, 1]]
    ready.append(request(2, "claim", payload={"nodes": ["1"]}))
    assert shape(groups(ready, set())) == [[0, 1], [2]]


def test_what_is_under_suspicion_or_failed_before_goes_alone() -> None:
    ready = [request(1), request(2), request(3, failures=1), request(4)]
    assert shape(groups(ready, {"2"})) == [[1, 4], [2], [3]]


def test_the_gas_limit_leaves_room_above_what_was_used() -> None:
    assert gas_limit(300_000, 1) == 470_000
    assert all(gas_limit(used, 1) > used * 64 // 63 + 50_000 for used in (0, 21_000, 10**6, 10**7))
