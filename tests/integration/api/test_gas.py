"""T31: the gas that a merchant's requests may cost a day, and the budget that ends them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders import Deployment, signer
from chainpoints.store import gas
from chainpoints.store.session import Store
from chainpoints.types import DAY_SECONDS
from gateway import World, running_gateway

pytestmark = pytest.mark.integration

WEEK = 7 * DAY_SECONDS


def order_of(world: World, number: int, points: str = "5") -> tuple[Any, dict[str, Any]]:
    merchant = world.client_of(number)
    reference = f"order-{world.deployment.anvil.head()}-{points}"
    return merchant, merchant.post("/v1/orders", {"reference": reference, "program": 1, "points": points})


def test_a_merchant_whose_budget_is_used_up_waits_for_the_next_day(world: World) -> None:
    number, shop = world.merchant("music shop")
    other, other_shop = world.merchant("book shop")
    world.issue(shop, "ann", "200", "till-1")
    day = shop.get(f"/v1/merchants/{number}/gas")
    assert day["budget"] is None
    assert day["is_default"]
    assert float(day["spent"]) > 0
    world.operator.post(f"/v1/merchants/{number}/gas", {"budget": day["spent"]})
    assert shop.get(f"/v1/merchants/{number}/gas")["left"] == "0.000000000"
    _, order = order_of(world, number)
    payment = world.payment(order, "ann")
    problem = world.public.problem("gas-budget-exhausted", 422, world.public.try_post("/v1/payments", payment))
    now = problem["chain_time"]
    assert problem["free_at"] == (now // DAY_SECONDS + 1) * DAY_SECONDS
    assert problem["budget"] == problem["spent"] == day["spent"]
    assert str(problem["free_at"]) in problem["detail"]
    # The other merchant goes on.
    world.issue(other_shop, "ann", "10", "till-2")
    world.pay(other_shop, "ann", "5", "of-another")
    # A new day: the same payment is taken.
    world.operator.post(f"/v1/merchants/{number}/gas", {"budget": "1"})
    world.move_to(problem["free_at"])
    world.mined(world.public.post("/v1/payments", world.payment(order, "ann")))
    today = shop.get(f"/v1/merchants/{number}/gas")
    assert 0 < float(today["spent"]) < float(day["spent"])
    # And taken away again, the default counts.
    world.operator.post(f"/v1/merchants/{number}/gas", {"budget": None})
    assert shop.get(f"/v1/merchants/{number}/gas")["is_default"]
    shop.problem("not-found", 404, shop.send("GET", f"/v1/merchants/{other}/gas"))


def test_what_is_on_its_way_counts_before_it_is_mined(deployment: Deployment, store: Store) -> None:
    """Requests that nobody carries out yet use the budget up too: no more than it covers are ever accepted."""
    settings = replace(deployment.settings, gas_budget_gwei=None)
    with running_gateway(replace(deployment, settings=settings), store) as world:
        number, shop = world.merchant("music shop")
        world.issue(shop, "ann", "200", "till-1")
        spent_before = shop.get(f"/v1/merchants/{number}/gas")["spent"]
        price = gas_price(store)
        one = -(-125_000 * price // 10**9)
        budget = int(spent_before.replace(".", "")) + 3 * one
        world.operator.post(f"/v1/merchants/{number}/gas", {"budget": f"{budget // 10**9}.{budget % 10**9:09d}"})
        orders = [shop.post("/v1/orders", {"reference": f"order-{n}", "program": 1, "points": "5"}) for n in range(5)]
        signed = [world.payment(order, "ann") for order in orders]
        # Automatic mining off: what is accepted stays on its way.
        deployment.anvil.rpc.call("evm_setAutomine", False)
        answers = [world.public.try_post("/v1/payments", body) for body in signed]
        assert [answer.status_code for answer in answers] == [202] * 3 + [422] * 2
        assert float(shop.get(f"/v1/merchants/{number}/gas")["promised"]) == pytest.approx(3 * one / 10**9)
        deployment.anvil.rpc.call("evm_setAutomine", True)
        deployment.anvil.mine()
        for answer in answers[:3]:
            world.mined(answer.json())
        assert shop.get(f"/v1/merchants/{number}/gas")["promised"] == "0.000000000"


def gas_price(store: Store) -> int:
    with store.read() as connection:
        return gas.price_and_budget(connection, gas.NO_MERCHANT)[0]


def test_claims_have_the_default_budget_together(deployment: Deployment, store: Store) -> None:
    settings = replace(deployment.settings, gas_budget_gwei=10)
    with running_gateway(replace(deployment, settings=settings), store) as world:
        number, shop = world.merchant("music shop")
        world.operator.post(f"/v1/merchants/{number}/gas", {"budget": "1"})
        world.issue(shop, "ann", "200", "till-1")
        world.pay(shop, "ann", "100", "order-1")
        world.move_to(deployment.anvil.now() + 3 * WEEK)
        answer = world.public.try_post("/v1/claims", {"wallet": signer("ann").address})
        problem = world.public.problem("gas-budget-exhausted", 422, answer)
        assert "what wallets ask for may cost" in problem["detail"]
