"""Who leads on PostgreSQL: one process for each role, another within seconds when it is gone, also when it is the
database that went."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import psycopg
import pytest

from benchmarks.postgres import Postgres, new_database, running_postgres
from builders import Deployment
from chainpoints.config import Secret
from chainpoints.errors import Conflict, StoreUnavailable
from chainpoints.store.leading import lead
from chainpoints.store.migrate import migrate
from chainpoints.store.relay_transactions import set_trouble
from chainpoints.store.session import LEADERS, Store
from chainpoints.supervisor import operator_key
from faults.fleet import Fleet, fleet, is_ready, wait_until
from gateway import Client, World
from webhook_receiver import receiving

pytestmark = pytest.mark.integration

SECONDS = 6.0
"""What "within seconds" is held to, with all that a process needs to start."""


def takes(store: Store, role: str) -> bool:
    """Whether the role's lock can be had."""
    with suppress(Conflict, StoreUnavailable), store.leader(role):
        return True
    return False


@pytest.fixture
def server(postgres: str) -> Iterator[Postgres]:
    """A server of the test's own, which may be killed; where there is none to be had, the test is not run either."""
    assert postgres
    with running_postgres("fsync=off") as running:
        yield running


def opened(server: Postgres, name: str) -> Store:
    store = Store(Secret(new_database(server.address, name)))
    migrate(store)
    return store


def test_who_is_told_to_stop_leads_no_longer(store: Store) -> None:
    stop = threading.Event()
    with store.leader("index", stop) as over:
        assert not over.wait(0.2)
        stop.set()
        assert over.wait(0.5)
    assert takes(store, "index")


def test_on_a_server_that_takes_no_writes_nobody_leads(server: Postgres) -> None:
    """After a failover an address may lead to a standby: a lock there keeps nobody from leading elsewhere."""
    store = opened(server, "standby")
    with store.leader("relay") as over, psycopg.connect(f"{server.address}/standby", autocommit=True) as administrator:
        assert not over.wait(0.3)
        administrator.execute("ALTER DATABASE standby SET default_transaction_read_only = on")
        store.engine.dispose()  # as after a failover: what is asked next goes elsewhere, the lock's connection stays
        with pytest.raises(StoreUnavailable, match="it takes no writes"), store.write() as connection:
            set_trouble(connection, "relayer", "0x", None)
        assert over.wait(1)
        with pytest.raises(StoreUnavailable, match="takes no writes"), store.leader("deliver"):
            pass
        administrator.execute("ALTER DATABASE standby RESET default_transaction_read_only")
        assert takes(store, "deliver")
    assert takes(store, "relay")
    store.close()


def test_a_lock_that_the_database_lost_is_noticed_and_asked_for_again(server: Postgres) -> None:
    store, other = opened(server, "lost"), Store(Secret(f"{server.address}/lost"))
    stop, led = threading.Event(), list[float]()

    def work(over: threading.Event) -> None:
        led.append(time.monotonic())
        over.wait()

    leading = threading.Thread(target=lead, args=(store, "relay", stop, work))
    leading.start()
    try:
        wait_until(lambda: len(led) == 1, SECONDS, "it leads")
        assert not takes(other, "relay")
        server.kill()
        server.start()
        wait_until(lambda: len(led) == 2, SECONDS, "it leads anew, with the lock")
        assert not takes(other, "relay")
    finally:
        stop.set()
        leading.join(timeout=SECONDS)
    assert not leading.is_alive()
    assert takes(other, "relay")
    store.close()
    other.close()


def test_the_server_asks_soon_whether_a_leaders_machine_is_there(server: Postgres) -> None:
    """So a machine that is gone loses the lock within eleven seconds. (That cannot be tried on one machine.)"""
    store = opened(server, "asked")
    with store._asked() as connection:
        values = [
            connection.exec_driver_sql(f"SHOW tcp_keepalives_{each}").scalar() for each in ("idle", "interval", "count")
        ]
    assert values == ["5", "2", "3"]
    store.close()


def test_of_two_of_each_role_the_one_that_is_left_goes_on(deployment: Deployment, server: Postgres) -> None:
    """kill -9 of each role's one, then of the other; whichever led, an issue gets from the API to the webhook."""
    settings, home = deployment.settings, deployment.settings.home
    environment = {
        "CHAINPOINTS_HOME": str(home),
        "CHAINPOINTS_DEPLOYMENTS": str(settings.deployments),
        "CHAINPOINTS_DATABASE": new_database(server.address, "two"),
        "CHAINPOINTS_RPC_URL": deployment.anvil.url,
        "CHAINPOINTS_PORT": str(settings.port),
        "CHAINPOINTS_WEBHOOKS_TO_PRIVATE": "yes",
        "CHAINPOINTS_LOG_LEVEL": "info",
    }
    url = f"http://{settings.host}:{settings.port}"
    with ExitStack() as running:
        fleets: list[Fleet] = [
            running.enter_context(fleet(home / f"logs-{number}", environment, roles))
            for number, roles in enumerate((("serve", *LEADERS), LEADERS))
        ]
        wait_until(lambda: is_ready(url), 30, "the gateway is ready")
        receiver = running.enter_context(receiving())
        store = Store(Secret(environment["CHAINPOINTS_DATABASE"]))
        running.callback(store.close)
        http = running.enter_context(httpx.Client(base_url=url, timeout=10))
        world = World(deployment, store, url, Client(http), Client(http, operator_key(settings)))
        number, shop = world.merchant("shop")
        shop.post(
            f"/v1/merchants/{number}/webhooks",
            {"url": receiver.url, "events": ["issue.created"], "finality": "head"},
        )
        for turn, one in enumerate(fleets, start=1):
            both = [each.has_begun for each in fleets]
            wait_until(lambda: all(begun(role) for begun in both for role in LEADERS), 60, "both of each role run")  # noqa: B023
            for role in LEADERS:
                one.kill(role)
            begun = time.monotonic()
            world.issue(shop, "customer", "1", f"till-{turn}")
            wait_until(lambda: len(receiver.distinct()) == turn, SECONDS, "another has taken over, up to the webhook")  # noqa: B023
            assert time.monotonic() - begun < 2 * SECONDS
