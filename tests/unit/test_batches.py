"""Which requests go into one transaction."""

from typing import Any

import pytest

from builders import sample_manifest
from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import load_artifacts
from chainpoints.chain.reverts import Reverts
from chainpoints.relayer.kinds import BATCH_ITEMS, BATCH_NODES, Call
from chainpoints.relayer.requests import CALLDATA_LIMIT, GAS_LIMIT, Chooser, Chosen, gas_limit, groups
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
        block_is_stored=False,
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


def test_what_a_contract_wallet_signed_goes_alone() -> None:
    by_contract, by_key = {"contract_wallet": True}, {"contract_wallet": False}
    ready = [request(n, payload=by_contract if n in (2, 5) else by_key) for n in range(1, 6)]
    assert shape(groups(ready, set())) == [[1, 3, 4], [2], [5]]


class Willing:
    """Stands in for a node: every call passes, for a fixed gas. `asked`: the bytes of each."""

    def __init__(self, gas: int) -> None:
        self.gas, self.asked = gas, list[int]()

    def simulate(self, call: Call, _timestamp: int, _gas: int | None = None) -> int:
        self.asked.append(len(bytes.fromhex(call.data[2:])))
        return self.gas


def choose(group: list[Request], node: Willing) -> Chosen:
    artifacts = load_artifacts()
    return Chooser(node, Calls(sample_manifest(), artifacts), Reverts(artifacts)).choose(group, 1)


def payment(sequence: int, signature_bytes: int) -> Request:
    payload = {"merchant": 1, "program": 1, "amount": 1, "payer": "0x" + "ab" * 20, "order": "0x" + "01" * 32}
    payload |= {"valid_after": 0, "valid_before": 1, "signature": "0x" + "1b" * signature_bytes}
    return request(sequence, payload=payload)


def test_a_transaction_is_no_larger_than_nodes_take() -> None:
    """Some signatures are large: what one transaction cannot hold waits for the next."""
    group = [payment(n, 8_192 if n < 15 else 65) for n in range(60)]
    node = Willing(1_000_000)
    chosen = choose(group, node)
    assert chosen.call is not None
    assert node.asked[0] > CALLDATA_LIMIT >= node.asked[-1] == len(chosen.call.data) // 2 - 1
    assert shape([chosen.requests]) == [list(range(len(chosen.requests)))]
    assert 10 <= len(chosen.requests) < 60
    assert chosen.refused == []


def test_exactly_at_the_largest_size_and_one_past() -> None:
    smallest = choose([payment(1, 32)], Willing(1)).call
    assert smallest is not None
    room = CALLDATA_LIMIT - len(smallest.data) // 2 + 1 + 32
    largest = room // 32 * 32  # calldata is a selector and words of 32 bytes
    assert choose([payment(1, largest)], Willing(1)).requests
    chosen = choose([payment(1, largest + 1)], Willing(1))
    assert chosen.call is None
    assert "larger than one transaction may be" in str(chosen.refused[0][1])


def test_what_needs_more_gas_than_a_transaction_may_have_is_cut_too() -> None:
    class ByItem(Willing):
        def simulate(self, call: Call, timestamp: int, gas: int | None = None) -> int:
            return super().simulate(call, timestamp, gas) * self.asked[-1]

    chosen = choose([payment(n, 65) for n in range(100)], ByItem(600))
    assert 0 < len(chosen.requests) < 100
    assert chosen.gas <= GAS_LIMIT


def test_the_gas_limit_leaves_room_above_what_was_used() -> None:
    assert gas_limit(300_000, 1) == 470_000
    assert all(gas_limit(used, 1) > used * 64 // 63 + 50_000 for used in (0, 21_000, 10**6, 10**7))
