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
LEAST = re.compile(r"min by \((\w+)\) \((chainpoints_\w+)\) (>) (\d+)")
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
    elif found := LEAST.fullmatch(rule):
        label, metric, how, than = found.groups()
        groups = defaultdict[str, list[float]](list)
        for (name, labels), value in now.items():
            if name == metric:
                groups[dict(labels)[label]].append(value)
        values = [min(group) for group in groups.values()]
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


def seen(store: Store, seconds_ago: int) -> None:
    row = {"id": "index 1", "role": "index", "host": "till", "pid": 1, "version": "1", "started_at": 0}
    with store.write() as connection:
        connection.execute(tables.processes.delete())
        connection.execute(insert(tables.processes).values(row | {"seen_at": int(time.time()) - seconds_ago}))


def state(**values: object) -> State:
    def bring_about(api: Api, _: pytest.MonkeyPatch) -> None:
        with api.store.write() as connection:
            connection.execute(update(tables.chain_state).values(values))

    return bring_about


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


def an_old_message(api: Api, _: pytest.MonkeyPatch) -> None:
    shop = api.merchant(1)
    made = shop.post("/v1/merchants/1/webhooks", {"url": "https://shop.example.com/", "finality": "head"})
    shop.post(f"/v1/merchants/1/webhooks/{made['id']}/test", {})
    with api.store.write() as connection:
        connection.execute(update(tables.webhook_messages).values(created_at=int(time.time()) - 700))
        assert connection.scalar(select(tables.webhook_messages.c.state)) == "pending"


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


STATES: dict[str, State] = {
    "ChainOutOfReach": state(checked_at=int(time.time()) - 3_600),
    "IndexHalted": state(halted="a reorg below finality"),
    "IndexBehind": state(node_head=BLOCKS + 21),
    "DeepReorg": many_reorgs,
    "LaneInTrouble": a_lane_without_ether,
    "RequestsWait": lambda api, _: a_request(api, 200),
    "WebhooksWait": an_old_message,
    "ProcessSilent": lambda api, _: seen(api.store, 30),
    "Failures": a_bug,
    "SlowAnswers": a_slow_answer,
}


def test_each_rule_has_a_state_here() -> None:
    assert STATES.keys() == RULES.keys()


@pytest.mark.parametrize("alert", STATES)
def test_an_alert_is_of_its_state_alone(api: Api, alert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(api.store, 1)
    with api.store.write() as connection:
        set_trouble(connection, "issuer", api.alice, None)
        connection.execute(update(tables.chain_state).values(checked_at=int(time.time())))
    a_request(api, 0)
    scrape(api)  # which is counted itself, in the next one
    before = scrape(api)
    STATES[alert](api, monkeypatch)
    now = scrape(api)
    now |= {(name, labels): 0.0 for name, labels in before if (name, labels) not in now}
    assert [name for name, rule in RULES.items() if fires(rule, before, now)] == [alert]
