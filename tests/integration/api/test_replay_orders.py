"""The replay's orders: a purchase of 0.00 is refused at the till; any other refusal ends the replay, which says why.

And its patience: what waits behind a day that comes again does not hold it up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from chain_rows import FEC, MANIFEST
from chainpoints.chain.rpc import Rpc
from chainpoints.errors import ChainpointsError
from chainpoints.replay import service
from chainpoints.replay.client import ApiClient, ApiProblem
from chainpoints.replay.days import Day, Plan
from chainpoints.replay.merchants import MERCHANTS, Till
from chainpoints.replay.purchases import Purchase, day_start
from chainpoints.replay.service import Clock
from chainpoints.store import tables
from gateway import Api, World

pytestmark = pytest.mark.integration

DOWNTOWN = MERCHANTS[0]


def purchase(cents: int) -> Purchase:
    return Purchase(row=cents + 1, customer=7, day=date(1997, 1, 1), cents=cents)


class Replay:
    """Puts purchases on record through the API, as merchant 1 with a key of some scopes, for a program."""

    def __init__(self, api: Api) -> None:
        self.api, self.url = api, str(api.public.http.base_url).rstrip("/")
        self.public = ApiClient(self.url)
        self.clients = [self.public]

    def order(self, *purchases: Purchase, program: int = FEC, scopes: tuple[str, ...] = ()) -> list[Plan]:
        client = ApiClient(self.url, self.api.merchant(1, *scopes).key)
        self.clients.append(client)
        till = Till(replace(DOWNTOWN, program=program), 1, client, "key")
        return Day(MANIFEST, self.public, [till], rate=10).order(list(purchases), known=set())


@pytest.fixture
def replay(api: Api) -> Iterator[Replay]:
    replaying = Replay(api)
    yield replaying
    for client in replaying.clients:
        client.close()


def test_a_purchase_of_nothing_is_left_out_and_the_others_are_ordered(replay: Replay) -> None:
    (plan,) = replay.order(purchase(0), purchase(1))
    assert plan.order["money"] == {"amount": "0.01", "currency": "USD"}


def test_a_program_that_does_not_exist_ends_the_replay(replay: Replay) -> None:
    with pytest.raises(ApiProblem, match="there is no program 9") as refused:
        replay.order(purchase(1), program=9)
    assert (refused.value.status, refused.value.kind) == (422, "unknown-program")


def test_a_key_that_may_not_order_ends_the_replay(replay: Replay) -> None:
    with pytest.raises(ApiProblem, match="orders:write"):
        replay.order(purchase(1), scopes=("orders:read",))


TODAY, TOMORROW = date(1997, 1, 1), date(1997, 1, 2)


@pytest.fixture
def clock(world: World) -> Iterator[Clock]:
    operator = ApiClient(world.url, world.operator.key)
    chain = Rpc(world.deployment.settings.rpc_url)
    yield Clock(chain, operator)
    chain.close()
    operator.close()


def waits(world: World, name: str, due: date) -> None:
    """A request that no relayer here carries out: its key is another's."""
    row = {"id": name, "kind": "claim", "lane": "another", "payload": "{}", "state": "accepted", "failures": 0}
    with world.store.write() as connection:
        connection.execute(
            tables.relay_requests.insert().values(row | {"not_before": day_start(due), "accepted_at": 1})
        )


def test_a_request_that_waits_behind_a_later_days_does_not_end_the_replay(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_STILL_SECONDS", 1)
    waits(world, "of a day that comes again", TOMORROW)
    waits(world, "behind it", TODAY)
    clock.wait_until_settled(TODAY)


def test_a_request_that_waits_for_nothing_ends_the_replay(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_STILL_SECONDS", 0.5)
    monkeypatch.setattr(service, "_PATIENCE_SECONDS", 1)
    waits(world, "alone", TODAY)
    with pytest.raises(ChainpointsError, match="1 relay requests did not move for 1 s"):
        clock.wait_until_settled(TODAY)
