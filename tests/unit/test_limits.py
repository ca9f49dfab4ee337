"""Rate limits: a burst, its refill, and that made-up keys do not escape the limit of their address."""

from __future__ import annotations

from typing import Any

import pytest

from chainpoints.api.limits import Buckets, Limits
from chainpoints.store.keys import hash_of

pytestmark = pytest.mark.unit


def scope(key: str | None = None, client: str = "10.0.0.1") -> dict[str, Any]:
    headers = [(b"authorization", f"Bearer {key}".encode())] if key else []
    return {"type": "http", "headers": headers, "client": (client, 1)}


def test_a_burst_is_granted_and_one_more_is_not() -> None:
    buckets = Buckets(Limits(per_second=1, burst=3))
    assert [buckets.take("a", 0.0) for _ in range(4)] == [(True, 2), (True, 1), (True, 0), (False, 0)]
    assert buckets.take("b", 0.0) == (True, 2)


def test_tokens_come_back_with_time_up_to_the_burst() -> None:
    buckets = Buckets(Limits(per_second=2, burst=2))
    for _ in range(2):
        buckets.take("a", 0.0)
    assert buckets.take("a", 0.49) == (False, 0)
    assert buckets.take("a", 0.51) == (True, 0)
    assert buckets.take("a", 100.0) == (True, 1)


def test_only_a_key_that_was_accepted_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(Limits(), known_keys={hash_of("cp_good")})
    assert buckets.caller(scope("cp_good")) == hash_of("cp_good")
    assert buckets.caller(scope("cp_made_up")) == "10.0.0.1"
    assert buckets.caller(scope()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "bucket"),
    [
        ("2001:db8:0:7::1", "2001:db8:0:7::/64"),
        ("2001:db8:0:7:ffff:ffff:ffff:ffff", "2001:db8:0:7::/64"),
        ("2001:db8:0:8::1", "2001:db8:0:8::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("/run/gateway.sock", "/run/gateway.sock"),
    ],
)
def test_whoever_has_a_whole_network_of_addresses_has_one_bucket(address: str, bucket: str) -> None:
    assert Buckets(Limits()).caller(scope(client=address)) == bucket


def test_callers_are_forgotten_from_the_oldest_on() -> None:
    buckets = Buckets(Limits(burst=1))
    for number in range(10_001):
        buckets.take(str(number), 0.0)
    assert buckets.take("1", 0.0) == (False, 0)
    assert buckets.take("0", 0.0) == (True, 0)
