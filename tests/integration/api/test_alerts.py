"""docs/operations/alerts.yml: each rule is silent while all is well, and fires on just the state that it is for.

The rules are evaluated here over two scrapes of GET /metrics, the first of a time at which all was well, in the few
forms of PromQL that they have. How long a state has to last (`for`) is left to Prometheus.
"""

from __future__ import annotations

import operator
import re
import time
from collections import defaultdict
from collections.abc import Callable

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, select, update

from builders import ROOT
from chain_rows import BLOCKS
from chainpoints.store import tables
from chainpoints.store.chain_rows import drop_above
from chainpoints.store.processes import ROLES
from chainpoints.store.relay_transactions import set_trouble
from chainpoints.store.session import Store
from gateway import Api

pytestmark = pytest.mark.integration

RULES = {
    rule["alert"]: rule["expr"]
    for group in yaml.safe_load((ROOT / "docs/operations/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}
SIMPLE = re.compile(r"(chainpoints_\w+) (>|==) (\d+)")
MORE = re.compile(r'increase\((chainpoints_\w+)(?:\{(\w+)=~"(.*)"\})?\[\w+\]\) (>) (\d+)')
QUANTILE = re.compile(r"histogram_quantile\((0\.\d+), sum by \(le\) \(rate\((chainpoints_\w+)\[\w+\]\)\)\) (>) (\d+)")
COMPARED: dict[str, Callable[[float, float], bool]] = {">": operator.gt, "==": operator.eq}

Scrape = dict[tuple[str, frozenset[tuple[str, str]]], float]
State = Callable[[Api, pytest.MonkeyPatch], None]


def scrape(api: Api) -> Scrape:
    answer = api.operator.send("GET", "/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def fires(rule: str, before: Scrape, now: Scrape) -> bool:
    """Raises AssertionError for a rule in another form, or over a metric that is not there."""
    assert {name for name, _ in now} >= set(re.findall(r"chainpoints_\w+", rule)), "there is no such metric"
    if found := SIMPLE.fullmatch(rule):
        metric, how, than = found.groups()
        values = [value for (name, _), value in now.items() if name == metric]
    elif found := MORE.fullmatch(rule):
        metric, label, pattern, how, than = found.groups()
        values = [
            value - before.get((name, labels), 0)
            for (name, labels), value in now.items()
            if name == metric and (label is None or re.fullmatch(pattern, dict(labels)[label]))
        ]
    else:
        found = QUANTILE.fullmatch(rule)
        assert found, f"a form of rule that is not evaluated here: {rule}"
        share, metric, how, than = found.groups()
        counts = defaultdict[float, float](float)
        for (name, labels), value in now.items():
            if name == metric:
                counts[float(dict(labels)["le"])] += value - before.get((name, labels), 0)
        values = [min(bound for bound, count in counts.items() if count >= float(share) * max(counts.values()))]
    return any(COMPARED[how](value, float(than)) for value in values)


def all_run(store: Store) -> None:
    row = {"host": "till", "pid": 1, "version": "1", "started_at": 0, "seen_at": int(time.time()) - 1}
    with store.write() as connection:
        connection.execute(insert(tables.processes), [row | {"id": f"{role} 1", "role": role} for role in ROLES])


def a_hanging_process(api: Api, _: pytest.MonkeyPatch) -> None:
    processes = tables.processes
    with api.store.write() as connection:
        since = update(processes).where(processes.c.role == "deliver").values(seen_at=int(time.time()) - 30)
        connection.execute(since)


def a_process_that_ended(api: Api, _: pytest.MonkeyPatch) -> None:
    with api.store.write() as connection:
        connection.execute(tables.processes.delete().where(tables.processes.c.role == "relay"))


def state(**values: object) -> State:
    def bring_about(api: Api, _: pytest.MonkeyPatch) -> None:
        with api.store.write() as connection:
            connection.execute(update(tables.chain_state).values(values))

    return bring_about


def a_deep_reorg(api: Api, _: pytest.MonkeyPatch) -> None:
    with api.store.write() as connection:
        connection.execute(insert(tables.reorgs).values(seen_at=int(time.time()), first_block=1, depth=21))


def many_reorgs(api: Api, _: pytest.MonkeyPatch) -> None:
    with api.store.write() as connection:
        for _again in range(6):
            drop_above(connection, BLOCKS)


def a_lane_without_ether(api: Api, _: pytest.MonkeyPatch) -> None:
    with api.store.write() as connection:
        set_trouble(connection, "relayer", api.alice, "no ether")


def a_request(api: Api, seconds_ago: int) -> None:
    row = {"kind": "claim", "lane": "relayer", "payload": "{}", "state": "accepted", "not_before": 0, "failures": 0}
    row |= {"id": f"{seconds_ago} s old", "accepted_at": int(time.time()) - seconds_ago}
    with api.store.write() as connection:
        connection.execute(insert(tables.relay_requests).values(row))


def a_message(next_attempt_in: int) -> State:
    """Made a day ago, and another one of the same object after it, which waits for it."""

    def bring_about(api: Api, _: pytest.MonkeyPatch) -> None:
        shop = api.merchant(1)
        made = shop.post("/v1/merchants/1/webhooks", {"url": "https://shop.example.com/", "finality": "head"})
        shop.post(f"/v1/merchants/1/webhooks/{made['id']}/test", {})
        now, table = int(time.time()), tables.webhook_messages
        with api.store.write() as connection:
            values = {"created_at": now - 86_400, "next_attempt_at": now + next_attempt_in, "sequence": 1}
            connection.execute(update(table).values(values))
            first = dict(connection.execute(select(table)).mappings().one())
            later = {"number": first["number"] + 1, "id": "later", "sequence": 2, "next_attempt_at": now - 86_400}
            connection.execute(insert(table).values(first | later))
            assert set(connection.scalars(select(table.c.state))) == {"pending"}

    return bring_about


def a_bug(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("chainpoints.api.routes.status.all_lanes", broken)
    # The server ends the connection after that, so it is one of its own.
    assert httpx.get(api.public.http.base_url.join("/v1/status")).status_code == 500


def a_slow_answer(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> list[object]:
        time.sleep(1.2)
        return []

    monkeypatch.setattr("chainpoints.api.routes.status.all_lanes", slow)
    assert api.public.send("GET", "/v1/status").status_code == 200


STATES: dict[str, list[State]] = {
    "ChainOutOfReach": [state(checked_at=int(time.time()) - 3_600)],
    "IndexHalted": [state(halted="a reorg below finality")],
    "IndexBehind": [state(node_head=BLOCKS + 21)],
    "DeepReorg": [a_deep_reorg],
    "ManyReorgs": [many_reorgs],
    "LaneInTrouble": [a_lane_without_ether],
    "RequestsWait": [lambda api, _: a_request(api, 200)],
    "WebhooksWait": [a_message(next_attempt_in=-700)],
    "NoProcess": [a_hanging_process, a_process_that_ended],
    "Failures": [a_bug],
    "SlowAnswers": [a_slow_answer],
}
CASES = [(alert, each) for alert, states in STATES.items() for each in states]
NONE: list[State] = [a_message(next_attempt_in=600), a_message(next_attempt_in=-5)]
"""A merchant's server failed, and the message waits for its next attempt; it is sent once more after a day."""


def test_each_rule_has_a_state_here() -> None:
    assert STATES.keys() == RULES.keys()


@pytest.mark.parametrize(("alert", "bring_about"), CASES)
def test_an_alert_is_of_its_state_alone(
    api: Api, alert: str, bring_about: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fired(api, bring_about, monkeypatch) == [alert]


@pytest.mark.parametrize("bring_about", NONE)
def test_what_is_as_it_should_be_fires_none(api: Api, bring_about: State, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fired(api, bring_about, monkeypatch) == []


def fired(api: Api, bring_about: State, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The alerts of a state, after one in which all was well."""
    all_run(api.store)
    with api.store.write() as connection:
        set_trouble(connection, "issuer", api.alice, None)
        connection.execute(update(tables.chain_state).values(checked_at=int(time.time())))
    a_request(api, 0)
    scrape(api)  # which is counted itself, in the next one
    before = scrape(api)
    bring_about(api, monkeypatch)
    now = scrape(api)
    now |= {(name, labels): 0.0 for name, labels in before if (name, labels) not in now}
    return [name for name, rule in RULES.items() if fires(rule, before, now)]
