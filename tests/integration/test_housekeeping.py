"""What nobody asks for any more is forgotten in small steps; what matters stays."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import delete, func, insert, select

from chainpoints.relayer.housekeeping import ANSWERS_KEPT_SECONDS, REFUSED_KEPT_SECONDS, Housekeeping
from chainpoints.store import tables
from chainpoints.store.relay import LANES
from chainpoints.store.session import Store

pytestmark = pytest.mark.integration

STATES = ("accepted", "sent", "mined", "refused")
KINDS = {kind: lane for lane, kinds in LANES.items() for kind in kinds}
PUBLIC = {"payment", "claim", "transfer", "permit", "permit_claim", "take", "take_back"}


def add_requests(store: Store, accepted_at: int, copies: int = 1) -> None:
    rows = [
        {
            "id": f"{accepted_at} {kind} {state} {copy}"[:36],
            "kind": kind,
            "lane": lane,
            "payload": "{}",
            "state": state,
            "not_before": 0,
            "accepted_at": accepted_at,
            "failures": 0,
        }
        for kind, lane in KINDS.items()
        for state in STATES
        for copy in range(copies)
    ]
    with store.write() as connection:
        connection.execute(insert(tables.relay_requests), rows)


def add_answers(store: Store, created_at: int, count: int) -> None:
    rows = [
        {"owner": "operator", "key": f"{created_at} {n}", "request_hash": "0", "status": 202, "body": "{}"}
        | {"created_at": created_at}
        for n in range(count)
    ]
    with store.write() as connection:
        connection.execute(insert(tables.idempotency), rows)


def left(store: Store) -> list[tuple[str, str, int]]:
    t = tables.relay_requests.c
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(select(t.kind, t.state, t.accepted_at))]


def answers(store: Store) -> int:
    with store.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(tables.idempotency)) or 0)


def test_only_old_refused_requests_that_anybody_could_make_are_forgotten(store: Store) -> None:
    old, young = int(time.time()) - REFUSED_KEPT_SECONDS - 2, int(time.time()) - REFUSED_KEPT_SECONDS + 60
    for accepted_at in (old, young):
        add_requests(store, accepted_at)
    Housekeeping(store).step()
    everything = {(kind, state, at) for kind in KINDS for state in STATES for at in (old, young)}
    assert everything - set(left(store)) == {(kind, "refused", old) for kind in PUBLIC}


def test_what_webhooks_have_not_told_of_yet_stays_until_they_have(store: Store) -> None:
    """Else nothing more would be forgotten at all while `chainpoints deliver` does not run."""
    add_requests(store, 1)
    add_answers(store, 1, 1)
    untold = "1 payment refused 0"
    with store.write() as connection:
        connection.execute(insert(tables.webhook_refusals).values(request=untold))
    Housekeeping(store).step()
    assert ("payment", "refused", 1) in left(store)
    assert ("claim", "refused", 1) not in left(store)
    assert answers(store) == 0
    with store.write() as connection:
        connection.execute(delete(tables.webhook_refusals))
    Housekeeping(store).step()
    assert ("payment", "refused", 1) not in left(store)


def test_answers_are_kept_for_a_week(store: Store) -> None:
    add_answers(store, int(time.time()) - ANSWERS_KEPT_SECONDS - 2, 3)
    add_answers(store, int(time.time()) - ANSWERS_KEPT_SECONDS + 60, 4)
    Housekeeping(store).step()
    assert answers(store) == 4


def test_many_are_forgotten_in_small_steps_one_soon_after_the_other(store: Store) -> None:
    add_answers(store, 1, 1_200)
    add_requests(store, 1, copies=150)
    keeper, pauses = Housekeeping(store), []
    while not pauses or pauses[-1] < 10:
        before = answers(store)
        pauses.append(keeper.step())
        assert before - answers(store) <= 500
    assert len(pauses) == 3
    assert answers(store) == 0
    assert not [state for kind, state, _ in left(store) if kind == "payment" and state == "refused"]
