"""What operators see: metrics, health, and the id of each request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, update

from builders import ROOT, free_port
from chain_rows import BLOCKS, FEC, FINAL, MANIFEST, ChainRows
from chainpoints.chain.manifest import save_manifest
from chainpoints.config import Secret
from chainpoints.store import tables
from chainpoints.store.chain_rows import drop_above
from chainpoints.store.processes import heartbeat, processes_seen
from chainpoints.store.relay_transactions import set_trouble
from chainpoints.store.session import Store
from chainpoints.types import ONE_POINT
from gateway import PATIENCE_SECONDS, Api, Client

pytestmark = pytest.mark.integration

REQUEST = {"kind": "claim", "lane": "relayer", "payload": "{}", "state": "accepted", "not_before": 0, "failures": 0}


class Measured:
    """What GET /metrics shows."""

    def __init__(self, client: Client) -> None:
        answer = client.send("GET", "/metrics")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        families = text_string_to_metric_families(answer.text)
        self.samples = [sample for family in families for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float | None:
        """The value of a metric with these labels, or None; any of them where the labels tell of several."""
        for sample in self.samples:
            if sample.name == f"chainpoints_{name}" and labels.items() <= sample.labels.items():
                return sample.value
        return None


def test_the_index_and_the_books(api: Api, rows: Store) -> None:
    with rows.write() as connection:
        ChainRows(connection).books(FEC, diverted=50 * ONE_POINT, committed=500 * ONE_POINT)
        connection.execute(update(tables.chain_state).values(node_head=BLOCKS + 3, checked_at=int(time.time()) - 7))
    found = Measured(api.operator)
    assert found("index_block") == BLOCKS
    assert (found("index_lag_blocks"), found("index_final_block"), found("index_halted")) == (3, FINAL, 0)
    assert 7 <= (found("index_silence_seconds") or 0) < 12
    assert found("program_points", program=str(FEC), book="committed") == 500
    assert found("program_points", program=str(FEC), book="diverted") == 50


def test_a_reorg_and_a_halt(api: Api, rows: Store) -> None:
    assert Measured(api.operator)("index_reorgs_total") == 0
    with rows.write() as connection:
        drop_above(connection, BLOCKS - 3)
        drop_above(connection, BLOCKS - 4)
        connection.execute(update(tables.chain_state).values(halted="a reorg below finality"))
    found = Measured(api.operator)
    assert (found("index_reorgs_total"), found("index_reorged_blocks_total"), found("index_halted")) == (2, 4, 1)


def test_the_lanes_and_what_waits(api: Api, rows: Store) -> None:
    now = int(time.time())
    with rows.write() as connection:
        for number, age in enumerate((5, 60)):
            connection.execute(
                insert(tables.relay_requests).values(REQUEST | {"id": str(number), "accepted_at": now - age})
            )
        set_trouble(connection, "relayer", api.alice, "no ether")
        set_trouble(connection, "issuer", api.alice, None)
    found = Measured(api.operator)
    assert found("relay_requests", lane="relayer", state="accepted") == 2
    assert 60 <= (found("relay_oldest_seconds", lane="relayer") or 0) < 65
    assert (found("relay_trouble", lane="relayer"), found("relay_trouble", lane="issuer")) == (1, 0)


def test_each_process_is_seen_until_it_ends(api: Api, rows: Store) -> None:
    assert Measured(api.operator)("processes", role="index") == 0
    with heartbeat(rows, "index"):
        give_up_at = time.monotonic() + 5
        while Measured(api.operator)("process_silence_seconds", role="index") is None:
            assert time.monotonic() < give_up_at
        found = Measured(api.operator)
        assert (found("processes", role="index"), found("processes", role="relay")) == (1, 0)
    assert Measured(api.operator)("processes", role="index") == 0
    with rows.read() as connection:
        assert processes_seen(connection) == []


def test_answers_are_counted_by_route(api: Api) -> None:
    before = Measured(api.operator)
    api.public.get(f"/v1/wallets/{api.alice}")
    api.public.send("GET", f"/v1/wallets/{api.alice}")
    api.public.send("GET", "/v1/wallets/nobody")
    api.public.send("GET", "/no/such/page")
    found = Measured(api.operator)
    wallets = {"method": "GET", "route": "/v1/wallets/{address}"}
    for status, more in (("200", 2), ("422", 1)):
        counts = [each("http_requests_total", status=status, **wallets) or 0 for each in (before, found)]
        assert counts[1] - counts[0] == more
    assert found("http_requests_total", method="GET", route="none", status="404")
    assert (found("http_request_seconds_count", **wallets) or 0) >= 3


def test_metrics_are_for_the_operator_alone(api: Api) -> None:
    api.public.problem("unauthorized", 401, api.public.send("GET", "/metrics"))
    merchant = api.merchant(1)
    refused = merchant.problem("missing-scope", 403, merchant.send("GET", "/metrics"))
    assert refused["missing_scope"] == "metrics:read"


def test_metrics_before_the_chain_was_read(api: Api, rows: Store) -> None:
    with rows.write() as connection:
        connection.execute(tables.chain_state.delete())
    found = Measured(api.operator)
    assert (found("index_block"), found("info")) == (None, 1)


def test_it_is_ready_while_the_chain_is_followed(api: Api, rows: Store) -> None:
    assert api.public.get("/health/live") == {"status": "ok", "why": None}
    assert api.public.get("/health/ready") == {"status": "ok", "why": None}
    with rows.write() as connection:
        connection.execute(update(tables.chain_state).values(checked_at=int(time.time()) - 100))
    answer = api.public.send("GET", "/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert "last reached 10" in answer.json()["why"]
    assert api.public.send("GET", "/health/live").status_code == 200


def test_each_answer_has_an_id_the_callers_own_where_it_is_a_good_one(api: Api) -> None:
    given = api.public.send("GET", "/v1/status", headers={"x-request-id": "till-7.order_12"})
    assert given.headers["x-request-id"] == "till-7.order_12"
    for bad in ("", "a" * 65, 'a"b', "a b"):
        made = api.public.send("GET", "/v1/status", headers={"x-request-id": bad}).headers["x-request-id"]
        assert made != bad
        assert len(made) == 32
    refused = api.public.send("GET", "/v1/wallets/nobody")
    assert len(refused.headers["x-request-id"]) == 32


def test_what_had_an_effect_or_went_wrong_is_logged_with_its_id(api: Api) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        api.public.send("GET", "/v1/status", headers={"x-request-id": "well"})
        api.public.send("GET", "/v1/wallets/nobody", headers={"x-request-id": "refused"})
    by_id = {line["request_id"]: line for line in lines if line["event"] == "answered"}
    assert (by_id["well"]["log_level"], by_id["refused"]["log_level"]) == ("debug", "info")
    assert (by_id["refused"]["status"], by_id["refused"]["path"]) == (422, "/v1/wallets/nobody")


def test_a_failure_of_ours_is_told_and_logged_with_its_id(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("chainpoints.api.routes.status.all_lanes", broken)
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = api.public.send("GET", "/v1/status", headers={"x-request-id": "broken"})
    api.public.problem("internal", 500, answer)
    assert answer.headers["x-request-id"] == "broken"
    assert [line["request_id"] for line in lines if line["event"] == "request failed"] == ["broken"]


@contextmanager
def serve_process(folder: Path, database: Secret, port: int) -> Iterator[None]:
    """`chainpoints serve`, whose standard error is in the folder's serve.log when it has ended."""
    save_manifest(folder / "deployments" / f"{MANIFEST.chain_id}.json", MANIFEST)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")} | {
        "CHAINPOINTS_HOME": str(folder / "home"),
        "CHAINPOINTS_DEPLOYMENTS": str(folder / "deployments"),
        "CHAINPOINTS_DATABASE": database.reveal(),
        "CHAINPOINTS_PORT": str(port),
    }
    command = [sys.executable, "-m", "chainpoints", "serve"]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, cwd=ROOT, env=environment)
    try:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not is_alive(port):
            assert process.poll() is None, (folder / "serve.log").read_text()
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        yield
        process.terminate()
        assert process.wait(timeout=PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def is_alive(port: int) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=5).status_code == 200
    return False


def test_the_process_logs_json_lines_with_the_ids_of_its_requests(
    rows: Store, database: Secret, tmp_path: Path
) -> None:
    """As it is started: all that it writes on standard error. A read that went well has no line at this level."""
    port = free_port()
    with serve_process(tmp_path, database, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        operator = Client(http, (tmp_path / "home" / "operator.key").read_text().strip())
        made = {"idempotency-key": "1", "x-request-id": "till-7.order_12"}
        body = {"name": "till", "scopes": ["orders:read"]}
        answer = operator.send("POST", "/v1/merchants/1/keys", json=body, headers=made)
        assert (answer.status_code, answer.headers["x-request-id"]) == (201, "till-7.order_12")
        for path, status, name in (("/v1/status", 200, "well"), ("/v1/wallets/nobody", 422, "refused")):
            assert operator.send("GET", path, headers={"x-request-id": name}).status_code == status

    lines = [json.loads(line) for line in (tmp_path / "serve.log").read_text().splitlines()]
    for line in lines:
        assert (line["process"], line["timestamp"][-1]) == ("serve", "Z"), line
        assert {"event", "level"} <= line.keys(), line
    by_id = {line["request_id"]: line for line in lines if line["event"] == "answered"}
    told = by_id["till-7.order_12"]
    assert (told["level"], told["method"], told["path"]) == ("info", "POST", "/v1/merchants/1/keys")
    assert (told["status"], by_id["refused"]["status"]) == (201, 422)
    assert by_id.get("well", {"ms": 1000})["ms"] >= 1000, "it has a line only where it took a second"
