"""T39: what index, relay and serve log, with everything logged, and what the API answers, never shows a secret."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import make_url

from builders import ANVIL_KEY, ROOT, Deployment, free_port, private_key, signer
from chainpoints.api.keys import create_operator_key
from chainpoints.chain.signer import ROLES, local_key
from chainpoints.config import Secret
from chainpoints.store.session import Store
from gateway import FEC, PATIENCE_SECONDS, WEEK, Client, World
from lying_endpoint import Refuse, lying_endpoint

pytestmark = pytest.mark.integration

PEOPLE = ("shop", "alice")
DATABASE_PASSWORD = "the-password-of-the-database"
RPC_PASSWORD = "the-password-of-the-endpoint"
RPC_PATH = "the-key-in-the-path-of-the-endpoint"
HOOK_PATH = "the-key-in-the-path-of-the-webhook"
NODE_IS_DOWN = ("relaying interrupted", "indexer tries again")


@contextmanager
def processes(deployment: Deployment, database: Secret, endpoint: str, logs: Path) -> Iterator[None]:
    """`chainpoints index`, `relay` and `serve` as they are run, with all that they write in one file."""
    settings = deployment.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")}
    environment |= {
        "CHAINPOINTS_HOME": str(settings.home),
        "CHAINPOINTS_DEPLOYMENTS": str(settings.deployments),
        "CHAINPOINTS_RPC_URL": endpoint.replace("//", f"//user:{RPC_PASSWORD}@") + f"/v3/{RPC_PATH}",
        "CHAINPOINTS_DATABASE": database.reveal(),
        "CHAINPOINTS_PORT": str(settings.port),
        "CHAINPOINTS_LOG_LEVEL": "debug",
        "CHAINPOINTS_WEBHOOKS_TO_PRIVATE": "yes",
    }
    with logs.open("wb") as log:
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "chainpoints", name], stdout=log, stderr=log, cwd=ROOT, env=environment
            )
            for name in ("index", "relay", "deliver", "serve")
        ]
        try:
            yield
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(timeout=60)


@pytest.fixture
def secret_database(database: Secret) -> Secret:
    """The database, by an address with a password where it can have one."""
    url = make_url(database.reveal())
    if url.get_backend_name() == "sqlite":
        return database
    return Secret(url.set(password=DATABASE_PASSWORD).render_as_string(hide_password=False))


def test_no_log_and_no_answer_shows_a_secret(
    deployment: Deployment, store: Store, secret_database: Secret, tmp_path: Path
) -> None:
    logs, answers = tmp_path / "logs", list[str]()
    with store.write() as connection:
        operator = create_operator_key(connection)
    url = f"http://127.0.0.1:{deployment.settings.port}"

    def keep(answer: httpx.Response) -> None:
        answer.read()
        if not answer.request.url.path.endswith(("/keys", "/webhooks", "/rotate")):  # there a secret is shown, once
            answers.append(f"{answer.headers} {answer.text}")

    hooks = {"response": [keep]}
    with (
        lying_endpoint(deployment.anvil.url) as endpoint,
        httpx.Client(base_url=url, timeout=30, event_hooks=hooks) as http,
    ):
        world = World(deployment, store, url, Client(http), Client(http, operator))
        with processes(deployment, secret_database, endpoint.url, logs):
            wait_until(lambda: is_ready(world), "the gateway does not answer")
            shop = good_and_refused_requests(world)
            hooks = webhooks_that_fail(world, Client(http, shop))
            wait_until(lambda: '"event": "not delivered"' in logs.read_text(), "no webhook was tried")
            endpoint.lie = refuse
            wait_until(lambda: all(words in logs.read_text() for words in NODE_IS_DOWN), "nobody noticed")
            endpoint.close()
            deployment.anvil.process.kill()
            wait_until(lambda: "no answer from the RPC endpoint" in logs.read_text(), "nobody noticed")
            assert world.public.send("GET", "/v1/status").status_code == 200
        log = logs.read_text()
    assert '"event": "sent"' in log
    assert '"event": "refused"' in log
    assert len(answers) > 20
    keys = [ANVIL_KEY, *map(local_key, ROLES), *map(private_key, PEOPLE)]
    secrets = [key.hex() for key in keys] + [operator, shop, *hooks, DATABASE_PASSWORD, RPC_PASSWORD, RPC_PATH]
    told = (log + "".join(answers)).lower()
    assert [secret for secret in secrets if secret.lower() in told] == []


def refuse(*_: Any) -> Any:
    """What an endpoint answers whose key it does not know any more."""
    raise Refuse(401)


def good_and_refused_requests(world: World) -> str:
    """What a gateway does all day, and what goes wrong in it. Gives the merchant's API key."""
    _, shop = world.merchant("shop")
    assert shop.key
    world.issue(shop, "alice", "100", "till-1")
    paid = world.pay(shop, "alice", "60", "web-1")
    unpaid = shop.post("/v1/orders", {"reference": "web-2", "program": FEC, "points": "10"})
    forged = world.payment(unpaid, "alice") | {"signature": "0x" + "11" * 65}
    assert world.public.try_post("/v1/payments", forged).status_code == 422
    ended = world.ended(world.public.post("/v1/payments", forged | {"contract_wallet": True}))
    assert ended["state"] == "refused"
    world.move_to(world.deployment.anvil.now() + 3 * WEEK)
    world.mined(world.public.post("/v1/claims", {"nodes": [paid["node"]]}))
    for path in ("/v1/status", "/v1/totals", "/v1/payments", f"/wallet/{signer('alice').address}", "/docs", "/"):
        assert world.public.send("GET", path).status_code == 200
    for path in (f"/v1/orders/{paid['id']}", "/v1/orders", "/v1/merchants/1/keys"):
        assert shop.send("GET", path).status_code == 200
    assert Client(world.public.http, shop.key + "x").send("GET", "/v1/orders").status_code == 401
    assert shop.try_post("/v1/orders", {"reference": shop.key, "points": shop.key}).status_code == 422
    return shop.key


def webhooks_that_fail(world: World, shop: Client) -> list[str]:
    """One whose server is not there, with its secrets: the one before, the one now, and what its address hides."""
    url = f"http://127.0.0.1:{free_port()}/{HOOK_PATH}"
    made = shop.post("/v1/merchants/1/webhooks", {"url": url, "finality": "head"})
    path = f"/v1/merchants/1/webhooks/{made['id']}"
    rotated = shop.post(f"{path}/rotate", {})
    shop.post(f"{path}/test", {})
    world.pay(shop, "alice", "10", "web-9")
    return [each.removeprefix("whsec_") for each in (made["secret"], rotated["secret"])] + [HOOK_PATH]


def is_ready(world: World) -> bool:
    try:
        return world.public.send("GET", "/v1/status").status_code == 200
    except httpx.TransportError:
        return False


def wait_until(is_so: Callable[[], bool], problem: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, problem
        time.sleep(0.1)
