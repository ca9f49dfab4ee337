"""Webhooks over HTTP: attempts, retries, secrets, and addresses that nothing may be sent to (T33 to T35)."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from standardwebhooks.webhooks import WebhookVerificationError

from builders import signer
from chain_rows import BLOCKS, ChainRows, block_hash
from chainpoints.api.routes import webhooks as routes
from chainpoints.config import Settings, load_settings
from chainpoints.store import tables
from chainpoints.store import webhook_messages as messages
from chainpoints.store.webhook_messages import MessageRow, NewMessage
from chainpoints.types import ONE_POINT
from chainpoints.webhooks.deliver import AT_ONCE
from chainpoints.webhooks.send import Client as Sender
from gateway import Api, Client
from hostile_addresses import HOSTILE, LEADS_TO
from relaying import eventually
from webhook_receiver import PATIENCE_SECONDS, Received, Receiver, delivering, receiving

pytestmark = pytest.mark.integration

HOOKS = "/v1/merchants/1/webhooks"
RETRY_SECONDS = 5


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"CHAINPOINTS_HOME": str(tmp_path), "CHAINPOINTS_WEBHOOKS_TO_PRIVATE": "yes"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def shop(api: Api) -> Client:
    return api.merchant(1)


def hook(shop: Client, url: str, **wanted: Any) -> dict[str, Any]:
    return shop.post(HOOKS, {"url": url, "finality": "head"} | wanted)


def ping(shop: Client, made: dict[str, Any]) -> dict[str, Any]:
    return shop.post(f"{HOOKS}/{made['id']}/test", {})


def sent(shop: Client, made: dict[str, Any]) -> list[dict[str, Any]]:
    """Oldest first."""
    items: list[dict[str, Any]] = shop.get(f"{HOOKS}/{made['id']}/messages")["items"]
    return items[::-1]


def attempted(shop: Client, made: dict[str, Any], attempts: int = 1) -> dict[str, Any]:
    """The newest message, once it has so many attempts."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while len((message := sent(shop, made)[-1])["attempts"]) < attempts:
        assert time.monotonic() < give_up_at, message
        time.sleep(0.02)
    return message


def test_a_failure_is_tried_again_with_the_same_id_and_a_new_signature(api: Api, shop: Client) -> None:
    answers = iter([(503, {}, "not now"), (200, {}, "thank you")])
    with receiving(lambda _: next(answers)) as receiver, delivering(api.settings, api.store):
        made = hook(shop, receiver.url)
        ping(shop, made)
        message = attempted(shop, made)
        (first,) = message["attempts"]
        assert (first["status"], first["answer"], message["state"]) == (503, "not now", "pending")
        assert 0 <= message["next_attempt_at"] - first["started_at"] - RETRY_SECONDS <= 1
        assert shop.get(f"{HOOKS}/{made['id']}")["failing_since"] is not None
        message = attempted(shop, made, 2)
        assert (message["state"], message["next_attempt_at"]) == ("delivered", None)
        assert shop.get(f"{HOOKS}/{made['id']}")["failing_since"] is None
    one, two = receiver.received
    assert (one.id, one.body) == (two.id, two.body)
    assert one.headers["webhook-timestamp"] != two.headers["webhook-timestamp"]
    assert one.headers["webhook-signature"] != two.headers["webhook-signature"]
    assert two.verified_by(made["secret"])


def test_a_receiver_says_when_to_come_back(api: Api, shop: Client) -> None:
    answers = iter([(429, {"retry-after": "60"}, ""), (503, {"retry-after": "9999999"}, "")])
    with receiving(lambda _: next(answers)) as receiver, delivering(api.settings, api.store):
        for seconds in (60, 7_200):
            made = hook(shop, receiver.url)
            ping(shop, made)
            message = attempted(shop, made)
            assert abs(message["next_attempt_at"] - message["attempts"][0]["started_at"] - seconds) <= 2


def test_gone_ends_the_webhook_until_it_is_switched_on(api: Api, shop: Client) -> None:
    with receiving(lambda _: (410, {}, "")) as receiver, delivering(api.settings, api.store):
        made = hook(shop, receiver.url)
        message = ping(shop, made)
        attempted(shop, made)
        now = shop.get(f"{HOOKS}/{made['id']}")
        assert (now["active"], now["disabled_reason"]) == (False, "it answered 410 (gone)")
        shop.problem("webhook-inactive", 409, shop.try_post(f"{HOOKS}/{made['id']}/test", {}))
        again = f"{HOOKS}/{made['id']}/messages/{message['id']}/redeliver"
        shop.problem("webhook-inactive", 409, shop.try_post(again, {}))
        receiver.reply = lambda _: (204, {}, "")
        now = shop.patch(f"{HOOKS}/{made['id']}", {"active": True})
        assert (now["active"], now["disabled_reason"], now["failing_since"]) == (True, None, None)
        assert attempted(shop, made, 2)["state"] == "delivered"


def test_gone_at_the_old_address_says_nothing_of_the_new_one(api: Api, shop: Client) -> None:
    changed = threading.Event()

    def gone(_: Received) -> tuple[int, dict[str, str], str]:
        changed.wait(PATIENCE_SECONDS)
        return 410, {}, ""

    with receiving(gone) as old, receiving() as new, delivering(api.settings, api.store):
        made = hook(shop, old.url)
        ping(shop, made)
        eventually(lambda: bool(old.received))
        shop.patch(f"{HOOKS}/{made['id']}", {"url": new.url})
        changed.set()
        assert attempted(shop, made)["attempts"][0]["status"] == 410
        now = shop.get(f"{HOOKS}/{made['id']}")
        assert (now["active"], now["disabled_reason"], now["failing_since"]) == (True, None, None)
        ping(shop, made)
        eventually(lambda: bool(new.received))


def test_a_ping_to_a_webhook_that_is_being_deleted_is_404(
    api: Api, shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deletion comes between the look at the webhook and the message to it."""
    made = hook(shop, "https://shop.example.com/")
    deleting = list[threading.Thread]()
    active = routes._active

    def looked_at(*arguments: Any) -> Any:
        found = active(*arguments)
        deleting.append(threading.Thread(target=shop.send, args=("DELETE", f"{HOOKS}/{made['id']}")))
        deleting[0].start()
        deleting[0].join(1)  # it waits for this one, else it is done by now
        return found

    monkeypatch.setattr(routes, "_active", looked_at)
    assert shop.try_post(f"{HOOKS}/{made['id']}/test", {}).status_code == 202
    deleting[0].join()
    monkeypatch.setattr(routes, "_active", active)
    shop.problem("not-found", 404, shop.try_post(f"{HOOKS}/{made['id']}/test", {}))


def test_after_three_days_a_message_has_failed_and_can_be_sent_again(api: Api, shop: Client) -> None:
    with receiving(lambda _: (500, {}, "")) as receiver, delivering(api.settings, api.store):
        made = hook(shop, receiver.url)
        message = ping(shop, made)
        attempted(shop, made)
        with api.store.write() as connection:  # the last attempt's time has come
            connection.execute(tables.webhook_messages.update().values(tries=9, next_attempt_at=0))
        assert attempted(shop, made, 2)["state"] == "failed"
        receiver.reply = lambda _: (200, {}, "")
        again = shop.post(f"{HOOKS}/{made['id']}/messages/{message['id']}/redeliver", {})
        assert (again["state"], len(again["attempts"])) == ("pending", 2)
        assert attempted(shop, made, 3)["state"] == "delivered"
        assert {each.id for each in receiver.received} == {message["id"]}


def test_what_was_delivered_can_be_sent_again(api: Api, shop: Client, receiver: Receiver) -> None:
    with delivering(api.settings, api.store):
        made = hook(shop, receiver.url)
        message = ping(shop, made)
        attempted(shop, made)
        shop.post(f"{HOOKS}/{made['id']}/messages/{message['id']}/redeliver", {})
        assert attempted(shop, made, 2)["state"] == "delivered"
    assert [each.id for each in receiver.received] == [message["id"]] * 2


def test_of_two_deliverers_one_works_and_the_other_takes_over(api: Api, shop: Client, receiver: Receiver) -> None:
    made = hook(shop, receiver.url)
    with delivering(api.settings, api.store):
        with delivering(api.settings, api.store):
            for _ in range(5):
                ping(shop, made)
            receiver.wait_until(lambda got: len(got) == 5)
        ping(shop, made)
        receiver.wait_until(lambda got: len(got) == 6)
    assert len(receiver.distinct()) == 6


@pytest.mark.parametrize(
    ("endpoints", "lame_merchants", "whose"),
    [(2, [1], 1), (4, [1], 2), (4, [1, 2], 3)],
    ids=["of the same merchant", "of another merchant", "of a third merchant"],
)
def test_endpoints_that_take_their_time_hold_up_no_other(
    api: Api, receiver: Receiver, endpoints: int, lame_merchants: list[int], whose: int
) -> None:
    """More is due to them than is sent at once in all."""
    pings, seconds = 40, 5
    with api.store.write() as connection:
        ChainRows(connection).merchant(3, signer("third shop").address)

    def slow(_: Received) -> tuple[int, dict[str, str], str]:
        time.sleep(seconds)
        return 200, {}, ""

    def made(merchant: int, url: str) -> tuple[Client, str]:
        shop, hooks = api.merchant(merchant), f"/v1/merchants/{merchant}/webhooks"
        return shop, f"{hooks}/{shop.post(hooks, {'url': url, 'finality': 'head'})['id']}"

    with receiving(slow) as lazy:
        lame = [made(merchant, lazy.url) for merchant in lame_merchants for _ in range(endpoints)]
        for shop, path in lame * (AT_ONCE // endpoints + 1):
            shop.post(f"{path}/test", {})
        with delivering(api.settings, api.store):
            lazy.wait_until(lambda got: len(got) >= len(lame))
            (shop, path), begun = made(whose, receiver.url), time.monotonic()
            for _ in range(pings):
                shop.post(f"{path}/test", {})
            receiver.wait_until(lambda got: len(got) == pings)
            assert time.monotonic() - begun < seconds
            for shop, path in lame:
                shop.send("DELETE", path)


def test_the_messages_of_an_order_wait_for_each_other_and_for_no_other(api: Api, shop: Client) -> None:
    def refusing_the_first(got: Received) -> tuple[int, dict[str, str], str]:
        bad = got.data["order_hash"] == "0x" + "0a" * 32 and len(seen()) < 2
        return (500 if bad else 200), {}, ""

    def seen() -> list[Received]:
        return [each for each in receiver.received if each.data["order_hash"] == "0x" + "0a" * 32]

    with receiving(refusing_the_first) as receiver:
        hook(shop, receiver.url, events=["payment.created"])
        with api.store.write() as connection:
            rows = ChainRows(connection)
            rows.blocks(BLOCKS + 1, BLOCKS + 3)
            for block, order in ((1, "0a"), (2, "0a"), (3, "0b"), (3, "0c")):
                rows.payment(BLOCKS + block, "0x" + order * 32, signer("alice").address, 5 * ONE_POINT)
        with delivering(api.settings, api.store):
            receiver.wait_until(lambda got: len(got) >= 5)
    places = [(each.data["order_hash"][2:4], each.data["sequence"]) for each in receiver.received]
    assert places[:3].count(("0a", 1)) == 1, "the second of the order waits, others do not"
    assert places[3:] == [("0a", 1), ("0a", 2)]


def test_a_rotated_secret_signs_beside_the_new_one(api: Api, shop: Client, receiver: Receiver) -> None:
    with delivering(api.settings, api.store):
        made = hook(shop, receiver.url)
        rotated = shop.post(f"{HOOKS}/{made['id']}/rotate", {})
        assert rotated["secret"] != made["secret"]
        assert rotated["previous_secret_until"] - time.time() > 23 * 3_600
        ping(shop, made)
        (both,) = receiver.wait_for("ping")
        assert both.verified_by(made["secret"]) == both.verified_by(rotated["secret"])
        assert len(both.headers["webhook-signature"].split(" ")) == 2
        last = shop.post(f"{HOOKS}/{made['id']}/rotate", {"keep_previous_hours": 0})
        assert last["previous_secret_until"] is None
        ping(shop, made)
        _, one = receiver.wait_for("ping", "ping")
        assert one.verified_by(last["secret"])
        for old in (made["secret"], rotated["secret"]):
            with pytest.raises(WebhookVerificationError):
                one.verified_by(old)


def test_a_secret_is_shown_once(api: Api, shop: Client, receiver: Receiver) -> None:
    body = {"url": receiver.url, "finality": "final"}
    made = shop.post(HOOKS, body, idempotency_key="one")
    assert shop.post(HOOKS, body, idempotency_key="one") == made | {"secret": None}
    path = f"{HOOKS}/{made['id']}"
    rotated = shop.post(f"{path}/rotate", {}, idempotency_key="two")
    assert shop.post(f"{path}/rotate", {}, idempotency_key="two") == rotated | {"secret": None}
    assert made["secret"].startswith("whsec_")
    shown = [shop.send("GET", each).text for each in (HOOKS, path, f"{path}/messages")]
    shown += [shop.send("PATCH", path, json={"active": True}).text, shop.try_post(f"{path}/test", {}).text]
    shown += [shop.send("DELETE", path).text]
    assert [secret for secret in (made["secret"], rotated["secret"]) if secret in "".join(shown)] == []
    assert shop.get(HOOKS)["items"] == []


def test_a_webhook_can_be_changed(api: Api, shop: Client, receiver: Receiver) -> None:
    made = hook(shop, receiver.url)
    path = f"{HOOKS}/{made['id']}"
    changed = shop.patch(path, {"events": ["refund.created", "payment.created"], "finality": "final"})
    assert (changed["events"], changed["finality"]) == (["payment.created", "refund.created"], "final")
    assert changed["url"] == receiver.url
    assert shop.patch(path, {"events": None})["events"] is None
    assert shop.patch(path, {"url": "https://shop.example.com/new"})["url"] == "https://shop.example.com/new"
    for bad in (
        {},
        {"active": None},
        {"finality": "soon"},
        {"events": []},
        {"events": ["everything"]},
        {"secret": "x"},
    ):
        shop.problem("invalid-request", 422, shop.send("PATCH", path, json=bad))
    answer = shop.send("PATCH", path, json={"url": "http://10.0.0.1/"})
    assert "not a public address" in shop.problem("webhook-address-refused", 422, answer)["detail"]


def test_a_merchant_has_so_many_webhooks(api: Api, shop: Client) -> None:
    made = [hook(shop, "https://shop.example.com/") for _ in range(16)]
    answer = shop.try_post(HOOKS, {"url": "https://shop.example.com/", "finality": "head"})
    assert shop.problem("too-many-webhooks", 422, answer)["most"] == len(made)
    shop.send("DELETE", f"{HOOKS}/{made[0]['id']}")
    hook(shop, "https://shop.example.com/")


def test_metrics_say_what_waits_and_what_fails(api: Api, shop: Client) -> None:
    with receiving(lambda _: (500, {}, "")) as receiver:
        made = hook(shop, receiver.url)
        ping(shop, made)
        assert metric(api, "chainpoints_webhook_messages") == 1
        assert metric(api, "chainpoints_webhook_failing") == metric(api, "chainpoints_webhook_attempts_total") == 0
        with delivering(api.settings, api.store):
            attempted(shop, made)
        assert metric(api, "chainpoints_webhook_failing") == metric(api, "chainpoints_webhook_attempts_total") == 1
        assert metric(api, "chainpoints_webhook_overdue_seconds") == 0  # it waits for its next attempt
        shop.send("DELETE", f"{HOOKS}/{made['id']}")
    assert metric(api, "chainpoints_webhook_messages") == 0
    assert metric(api, "chainpoints_webhook_attempts_total") == 1


def metric(api: Api, name: str) -> float:
    lines = api.operator.send("GET", "/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_of_many_attempts_the_newest_are_told_and_kept_with_an_answer(api: Api, shop: Client) -> None:
    made = hook(shop, "https://shop.example.com/")
    message = ping(shop, made)
    with api.store.write() as connection:
        number = connection.scalar(select(tables.webhook_messages.c.number))
        row = {"message": number, "duration_ms": 1, "status": 500, "answer": "x" * 1_024, "error": None}
        connection.execute(insert(tables.webhook_attempts), [row | {"started_at": at} for at in range(1_000)])
    again = shop.post(f"{HOOKS}/{made['id']}/messages/{message['id']}/redeliver", {})
    (shown,) = sent(shop, made)
    assert [each["started_at"] for each in shown["attempts"]] == list(range(980, 1_000))
    assert again["attempts"] == shown["attempts"]
    with api.store.read() as connection:
        assert max(map(len, connection.scalars(select(tables.idempotency.c.body)))) < 30_000


def test_what_waits_for_an_earlier_message_is_not_looked_at_until_then(api: Api, shop: Client) -> None:
    """However much a dead server has waiting, it costs the others nothing."""
    made, now = hook(shop, "https://shop.example.com/"), int(time.time())

    def due(at: int) -> list[tuple[str, int]]:
        with api.store.read() as connection:
            return [(each.object, each.sequence) for each in messages.due(connection, made["id"], at, 100, [])]

    def message(name: str, sequence: int) -> NewMessage:
        place = {"block_number": None, "block_hash": None, "log_index": None, "standing": False, "payload": "{}"}
        return NewMessage(f"{name} {sequence}", made["id"], "ping", name, sequence, **place)  # type: ignore[arg-type]

    def known(name: str) -> MessageRow:
        with api.store.read() as connection:
            return messages.message(connection, made["id"], name) or pytest.fail(name)

    with api.store.write() as connection:
        messages.add_messages(connection, [message(name, number) for name in "ab" for number in (1, 2)])
    for name in "ab":  # the first attempts fail
        with api.store.write() as connection:
            messages.not_delivered(connection, known(f"{name} 1"), now + 3_600)
    with api.store.write() as connection:  # and more comes
        messages.add_messages(connection, [message(name, 3) for name in "ab"])
    with api.store.read() as connection:
        assert connection.scalar(select(func.min(tables.webhook_messages.c.next_attempt_at))) == now + 3_600
    with api.store.write() as connection:
        messages.redeliver(connection, known("a 1"))
    assert due(now + 10) == [("a", 1)]
    with api.store.write() as connection:
        messages.delivered(connection, [known("a 1").number])
    assert due(now + 10) == [("a", 2)]
    assert due(now + 3_600) == [("a", 2), ("b", 1)]

    # when: the second was tried too, and what was delivered before it is asked for again
    with api.store.write() as connection:
        messages.not_delivered(connection, known("a 2"), now + 7_200)
        messages.redeliver(connection, known("a 1"))
    times = {name: known(f"a {name}").next_attempt_at - now for name in (1, 2, 3)}
    assert times[1] < 100 < times[2] == times[3] == 7_200


def test_messages_come_in_pages(api: Api, shop: Client) -> None:
    made = hook(shop, "https://shop.example.com/")
    ids = [ping(shop, made)["id"] for _ in range(5)]
    path, found, cursor = f"{HOOKS}/{made['id']}/messages", list[str](), None
    while True:
        page = shop.get(path, limit=2, **({"cursor": cursor} if cursor else {}))
        found += [each["id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == ids[::-1]
    shop.problem("invalid-request", 422, shop.send("GET", path, params={"cursor": "nonsense"}))


# ------------------------------------------------------------------------------------------ hostile addresses


def resolve(host: str, port: int, **_: Any) -> list[Any]:
    """The attacker's name server beside the machine's own."""
    name = host.rstrip(".")
    if name in LEADS_TO:
        return [
            found for address in LEADS_TO[name] for found in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
        ]
    if name.endswith(".example.com"):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Listener:
    """Counts connections to a port of this machine, on every address of it."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._count)
        self._thread.start()

    def _count(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if connection.recv(4) == b"stop":
                    return
                self.connections += 1

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"stop")
        self._thread.join()
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    running = Listener()
    yield running
    running.close()


@pytest.fixture
def strict(api: Api, tmp_path: Path) -> Api:
    """As it is on a public chain: nothing goes to this machine."""
    api.app.state.gateway.settings = load_settings({"CHAINPOINTS_HOME": str(tmp_path)})
    return api


def test_no_hostile_address_is_ever_connected_to(strict: Api, shop: Client, listener: Listener) -> None:
    """Refused at once by its text, and where it is in the database nevertheless, when something is to be sent."""
    assert strict.app.state.gateway.settings.webhooks_to_private is False
    sender, told = Sender(resolve=resolve, seconds=2), []
    for url, by_text in HOSTILE.items():
        url = url.replace("PORT", str(listener.port))
        answer = shop.try_post(HOOKS, {"url": url, "finality": "head"})
        assert answer.status_code == (422 if by_text else 201), (url, answer.text)
        if not by_text:
            shop.send("DELETE", f"{HOOKS}/{answer.json()['id']}")
        outcome = sender.post(url, "{}", {"webhook-id": "msg_1"})
        assert outcome.status is None, url
        told.append(outcome.error)
    assert all(error.startswith("nothing was sent: ") for error in told), told
    assert listener.connections == 0


def test_a_name_is_checked_where_it_leads_when_something_is_sent(
    strict: Api, shop: Client, settings: Settings, listener: Listener
) -> None:
    made = hook(shop, f"http://private.example.com:{listener.port}/")
    ping(shop, made)
    with delivering(settings, strict.store, sender=Sender(resolve=resolve)):
        (attempt,) = attempted(shop, made)["attempts"]
    assert attempt["error"] == "nothing was sent: its host leads to an address that is not public"
    assert listener.connections == 0


def test_a_name_that_leads_elsewhere_a_moment_later_is_no_way_in(listener: Listener) -> None:
    """DNS rebinding: the address that was checked is the one that is connected to; the name is asked for once."""
    asked = []

    def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = "192.0.2.1" if len(asked) > 1 else "127.0.0.1"
        return socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)

    outcome = Sender(resolve=rebinding, to_loopback=True).post(f"http://a.example:{listener.port}/", "{}", {})
    assert (asked, outcome.status) == (["a.example"], None)
    assert listener.connections == 1
    refused = Sender(resolve=rebinding).post(f"http://a.example:{listener.port}/", "{}", {})
    assert refused.error == "nothing was sent: its host leads to an address that is not public"
    assert listener.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(api: Api, shop: Client, listener: Listener, status: int) -> None:
    where = {"location": f"http://127.0.0.1:{listener.port}/"}
    with receiving(lambda _: (status, where, "over there")) as receiver, delivering(api.settings, api.store):
        made = hook(shop, receiver.url)
        ping(shop, made)
        message = attempted(shop, made)
    assert (message["attempts"][0]["status"], message["state"]) == (status, "pending")
    assert listener.connections == 0


# ------------------------------------------------------------------------------------------ hostile receivers


@contextmanager
def saying(speak: Callable[[socket.socket], None], *, plain: bool = True) -> Iterator[int]:
    """A server that says whatever it wants, to one caller, once it has read what came; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                got = b""
                while plain and b"}" not in got:
                    got += connection.recv(4096)
                speak(connection)

        thread = threading.Thread(target=run)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def drip(connection: socket.socket, text: bytes, until: float = 6) -> None:
    end = time.monotonic() + until
    while time.monotonic() < end:
        connection.sendall(text)
        time.sleep(0.1)


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("speak", "status", "error"),
    [
        (lambda line: time.sleep(2), None, "no answer within 1 seconds"),
        (lambda line: drip(line, b"H", 2), None, "no answer within 1 seconds"),
        (lambda line: (line.sendall(OK), drip(line, b"a: b\r\n", 2)), None, "no answer within 1 seconds"),
        (lambda line: drip(line, b"HTTP/1.1 100 Continue\r\n\r\n", 2), None, "no answer within 1 seconds"),
        (lambda line: (line.sendall(OK + b"\r\n"), drip(line, b"x", 2)), 200, None),
        (lambda line: line.sendall(OK + b"\r\n" + b"x" * 10_000_000), 200, None),
        (lambda line: line.sendall(OK + b"transfer-encoding: chunked\r\n\r\nffffffff\r\nabc"), 200, None),
        (lambda line: line.sendall(OK + b"content-length: 99999999999\r\n\r\nabc"), 200, None),
        (lambda line: line.sendall(OK + b"x" * 200_000), None, "the connection ended without an HTTP answer"),
        (lambda line: line.sendall(b"SSH-2.0-OpenSSH_9\r\n"), None, "the connection ended without an HTTP answer"),
        (lambda line: line.sendall(b"HTTP/1.1 abc\r\n\r\n"), None, "the connection ended without an HTTP answer"),
        (lambda line: None, None, "the connection ended without an HTTP answer"),
    ],
    ids=["silent", "drips its status", "drips headers", "drips 100", "drips its body", "endless body", "endless chunk",
         "cut body", "endless header", "no HTTP", "no status", "closes"],
)  # fmt: skip
def test_whatever_a_receiver_says_takes_bounded_time_and_space(speak: Any, status: int | None, error: str) -> None:
    with saying(speak) as port:
        outcome = Sender(to_loopback=True, seconds=1).post(f"http://127.0.0.1:{port}/", "{}", {})
    assert outcome.status == status
    assert outcome.error == error
    assert outcome.duration_ms < 1_900
    assert len(outcome.answer or "") <= 1_024


def test_what_cannot_be_kept_as_text_is_kept_nevertheless(api: Api, shop: Client) -> None:
    with saying(lambda line: line.sendall(OK + b"\r\n\x00\xff\xfe<script>")) as port:
        made = hook(shop, f"http://127.0.0.1:{port}/")
        ping(shop, made)
        with delivering(api.settings, api.store):
            message = attempted(shop, made)
    assert message["attempts"][0]["answer"] == "\ufffd\ufffd\ufffd<script>"


def test_a_certificate_is_checked_for_the_name_that_was_given(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=shop.example"]
    subprocess.run([*command, "-addext", "subjectAltName=DNS:shop.example"], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=certificate)

    def answer(line: socket.socket) -> None:
        with server.wrap_socket(line, server_side=True) as safe:
            while b"}" not in safe.recv(4096):
                pass
            safe.sendall(OK + b"content-length: 2\r\n\r\nhi")

    def outcome_of(host: str, **options: Any) -> Any:
        def here(_: str, port: int, **__: Any) -> list[Any]:
            return socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)

        with saying(answer, plain=False) as port:
            return Sender(to_loopback=True, resolve=here, **options).post(f"https://{host}:{port}/", "{}", {})

    good = outcome_of("shop.example", tls=trusting)
    assert (good.status, good.answer) == (200, "hi")
    assert "certificate is not good" in outcome_of("shop.example").error
    assert "certificate is not good" in outcome_of("other.example", tls=trusting).error
    with saying(lambda line: time.sleep(2), plain=False) as port:
        silent = Sender(to_loopback=True, seconds=1).post(f"https://127.0.0.1:{port}/", "{}", {})
    assert silent.error == "no answer within 1 seconds"


def test_the_chain_is_read_from_the_block_that_it_was_made_at(api: Api, shop: Client, receiver: Receiver) -> None:
    with api.store.write() as connection:
        ChainRows(connection).payment(BLOCKS, "0x" + "0a" * 32, signer("alice").address, ONE_POINT)
    hook(shop, receiver.url)
    with api.store.write() as connection:
        rows = ChainRows(connection)
        rows.blocks(BLOCKS + 1, BLOCKS + 1)
        rows.payment(BLOCKS + 1, "0x" + "0b" * 32, signer("alice").address, ONE_POINT)
    with delivering(api.settings, api.store):
        (told,) = receiver.wait_for("payment.created")
    assert (told.data["order_hash"], told.data["order"]) == ("0x" + "0b" * 32, None)
    assert told.data["block_hash"] == block_hash(BLOCKS + 1)
