"""doctor: each part that is not well is a finding that says what to do, on both kinds of database."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import structlog
from sqlalchemy import Connection
from typer.testing import CliRunner
from websockets.sync.server import ServerConnection, serve

from builders import Deployment, free_port, plain_logs, signer, start_anvil
from chainpoints.api.app import Application, create_app
from chainpoints.api.deps import Gateway
from chainpoints.cli import app as command
from chainpoints.config import CHAINS, Secret, Settings
from chainpoints.doctor import Finding, examine
from chainpoints.indexer.service import rebuild
from chainpoints.store import tables
from chainpoints.store.migrate import migrate
from chainpoints.store.relay_transactions import set_trouble
from chainpoints.store.session import Store
from chainpoints.store.status import head
from chainpoints.types import ONE_POINT, ZERO_ADDRESS
from gateway import serving
from lying_endpoint import lying_endpoint

pytestmark = pytest.mark.integration

RELAYER, ISSUER = signer("relayer").address, signer("issuer").address
NO_ETHER = f"the issuer account {ISSUER} has 0.00000000 ETH; send it ETH, the requests wait until then"
KEY = "0123456789abcdef"
"""Of an endpoint's address."""


@pytest.fixture(scope="module")
def server(module_deployment: Deployment) -> Iterator[tuple[Application, int]]:
    """One gateway for all tests, which answers for the store of each; and its port."""
    settings, manifest = module_deployment.settings, module_deployment.manifest
    unused = Store(settings.database)
    app = create_app(settings, manifest, unused)
    # It shares its output with the commands that are looked at here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with serving(app) as url:
        yield app, int(url.rsplit(":", 1)[1])
    plain_logs()
    unused.close()


@pytest.fixture
def settings(
    module_deployment: Deployment, store: Store, database: Secret, server: tuple[Application, int]
) -> Settings:
    """Of an installation that has read the whole chain, whose processes run, and whose relayer has two lanes."""
    app, port = server
    settings = replace(module_deployment.settings, database=database, port=port)
    rebuild(settings, module_deployment.manifest, store, lambda *_: None)
    with store.write() as connection:
        set_trouble(connection, "relayer", RELAYER, None)
        set_trouble(connection, "issuer", ISSUER, None)
        for role in ("deliver", "index", "relay", "serve"):
            seen(connection, role)
    app.state.gateway = Gateway(settings, module_deployment.manifest, store, set())
    return settings


def seen(connection: Connection, role: str, *, seconds_ago: int = 0, pid: int = 1) -> None:
    """A process has said so long ago that it runs."""
    row = {"role": role, "host": "till", "pid": pid, "version": "1", "started_at": 0}
    row |= {"id": f"{role} {pid}", "seen_at": int(time.time()) - seconds_ago}
    connection.execute(tables.processes.insert().values(row))


def wrong(settings: Settings) -> list[Finding]:
    return [finding for finding in examine(settings) if not finding.ok]


@contextmanager
def refusing_web_socket() -> Iterator[int]:
    """The port of a node that speaks WebSocket and makes no subscriptions."""

    def refuse(connection: ServerConnection) -> None:
        for _ in connection:
            connection.send('{"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no such method"}}')

    with serve(refuse, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()
            thread.join()


def test_when_all_is_well_each_part_says_so(settings: Settings) -> None:
    findings = examine(settings)
    parts = ["chain", "deployment", "database", "index", "books", "relay", "disk", "processes", "gateway"]
    assert [finding.what for finding in findings] == parts
    assert all(finding.ok for finding in findings), findings
    told = {finding.what: finding.detail for finding in findings}
    assert f"issuer {ISSUER}, relayer {RELAYER}" in told["relay"]
    assert told["processes"] == "deliver till:1, index till:1, relay till:1, serve till:1"


def test_a_lane_in_trouble_is_told_with_its_account_and_what_to_do(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        set_trouble(connection, "issuer", ISSUER, NO_ETHER)
    assert wrong(settings) == [Finding("relay", False, f"issuer {ISSUER}: {NO_ETHER}")]


def test_the_command_ends_with_1_and_tells_it_as_json(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.write() as connection:
        set_trouble(connection, "issuer", ISSUER, NO_ETHER)
    monkeypatch.setenv("CHAINPOINTS_DATABASE", settings.database.reveal())
    monkeypatch.setenv("CHAINPOINTS_RPC_URL", settings.rpc_url.reveal())
    monkeypatch.setenv("CHAINPOINTS_DEPLOYMENTS", str(settings.deployments))
    monkeypatch.setenv("CHAINPOINTS_PORT", str(settings.port))
    result = CliRunner().invoke(command, ["doctor", "--json"])
    assert (result.exit_code, result.stderr) == (1, "")
    found = {finding["what"]: finding for finding in json.loads(result.stdout)}
    assert found["relay"] == {"what": "relay", "ok": False, "detail": f"issuer {ISSUER}: {NO_ETHER}"}
    assert found["index"]["ok"] is True


def test_no_relayer_has_ever_run(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        connection.execute(tables.relay_lanes.delete())
    (finding,) = wrong(settings)
    assert finding.what == "relay"
    assert "`chainpoints relay`" in finding.detail


def test_the_index_was_halted(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        connection.execute(tables.chain_state.update().values(halted="a reorg below finality"))
    assert wrong(settings) == [Finding("index", False, "a reorg below finality")]


def test_the_index_is_far_behind(settings: Settings, module_deployment: Deployment) -> None:
    module_deployment.anvil.mine(5)
    assert wrong(settings) == []
    module_deployment.anvil.mine()
    (finding,) = wrong(settings)
    assert (finding.what, "6 blocks behind" in finding.detail) == ("index", True)


def test_the_books_are_not_those_of_the_chain(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        row = {"account": ZERO_ADDRESS, "block_number": head(connection).number, "amount": -5 * ONE_POINT}
        connection.execute(tables.balances.insert().values(row))
    (finding,) = wrong(settings)
    assert (finding.what, "supply 5.000000 in the store, 0.000000 on chain" in finding.detail) == ("books", True)
    assert "`chainpoints rebuild`" in finding.detail


def test_a_process_that_is_silent_and_one_that_never_ran(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        connection.execute(tables.processes.delete())
        seen(connection, "index", seconds_ago=300, pid=7)
        seen(connection, "serve")
        seen(connection, "deliver")
    (finding,) = wrong(settings)
    assert finding.what == "processes"
    assert "`chainpoints index` on till (pid 7) was last seen 30" in finding.detail
    assert "`chainpoints relay` does not run" in finding.detail


def test_one_that_ended_badly_is_no_trouble_while_another_runs(settings: Settings, store: Store) -> None:
    with store.write() as connection:
        seen(connection, "index", seconds_ago=300, pid=7)
    assert wrong(settings) == []


def test_nothing_or_something_else_listens_where_the_gateway_should(settings: Settings) -> None:
    (finding,) = wrong(replace(settings, port=free_port()))
    assert (finding.what, "nothing answers" in finding.detail) == ("gateway", True)
    (finding,) = wrong(replace(settings, port=int(settings.rpc_url.reveal().rsplit(":", 1)[1])))
    assert (finding.what, "is no gateway of ours" in finding.detail) == ("gateway", True)


def test_the_disk_is_full(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the database's file, where it is one; else of the home folder, or of where that will be made."""
    monkeypatch.setattr("chainpoints.doctor._LEAST_FREE_BYTES", 1 << 60)
    made, unmade = tmp_path / "home", tmp_path / "none" / "home"
    made.mkdir()
    is_sqlite = settings.database.reveal().startswith("sqlite:")
    for home, folder in ((made, tmp_path if is_sqlite else made), (unmade, tmp_path)):
        (finding,) = wrong(replace(settings, home=home))
        assert finding.what == "disk"
        assert f" MiB are left at {folder}; make room" in finding.detail


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no second disk, which /dev/shm plays")
def test_of_two_disks_the_one_with_less_room_is_told(module_deployment: Deployment, tmp_path: Path) -> None:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        memory = Path(folder)
        assert memory.stat().st_dev != tmp_path.stat().st_dev
        less = min(memory, tmp_path, key=lambda place: shutil.disk_usage(place).free)
        for home, elsewhere in ((memory, tmp_path), (tmp_path, memory)):
            database = Secret(f"sqlite:///{elsewhere}/books.db")
            store = Store(database)
            migrate(store)
            store.close()
            settings = replace(module_deployment.settings, home=home, database=database)
            (disk,) = [finding for finding in examine(settings) if finding.what == "disk"]
            assert disk.detail.endswith(f" GiB are left at {less}")


def test_the_endpoint_serves_another_chain_or_none(settings: Settings) -> None:
    (first, *_) = wrong(replace(settings, chain=CHAINS["hoodi"]))
    assert first.what == "chain"
    assert "CHAINPOINTS_RPC_URL" in first.detail
    gateway = Secret(f"http://127.0.0.1:{settings.port}/health/ready")
    (finding,) = wrong(replace(settings, rpc_url=gateway))
    assert (finding.what, "no RPC endpoint of a chain" in finding.detail) == ("chain", True)


def test_a_second_endpoint_and_a_web_socket_that_are_well(settings: Settings, module_deployment: Deployment) -> None:
    node = module_deployment.anvil
    ws_url = Secret(f"ws://127.0.0.1:{node.port}")
    findings = examine(replace(settings, rpc_check_url=settings.rpc_url, rpc_ws_url=ws_url))
    assert all(finding.ok for finding in findings), findings
    first = [(finding.what, finding.detail) for finding in findings][1:3]
    assert first == [("second endpoint", f"block {node.head()}, 0 behind"), ("web socket", "tells of new blocks")]
    assert findings[3].what == "deployment"


def test_a_second_endpoint_that_gives_no_answer(settings: Settings) -> None:
    """Nobody listens there; the gateway does, which refuses; or answers what no node answers."""
    gateway = f"http://127.0.0.1:{settings.port}"
    for url in (f"http://127.0.0.1:{free_port()}/{KEY}", f"{gateway}/{KEY}", f"{gateway}/health/ready?key={KEY}"):
        (finding,) = wrong(replace(settings, rpc_check_url=Secret(url)))
        assert finding.what == "second endpoint"
        assert "nothing new is stored meanwhile; correct CHAINPOINTS_RPC_CHECK_URL, or unset it" in finding.detail
        assert "restart `chainpoints index`" in finding.detail
        assert KEY not in finding.detail


def test_a_second_endpoint_of_another_chain(settings: Settings) -> None:
    other = start_anvil(chain_id=CHAINS["hoodi"].chain_id)
    try:
        (finding,) = wrong(replace(settings, rpc_check_url=Secret(other.url)))
    finally:
        other.stop()
    assert finding.what == "second endpoint"
    assert "it serves chain 560048, not 31337; correct CHAINPOINTS_RPC_CHECK_URL" in finding.detail


def test_a_second_endpoint_that_is_behind(settings: Settings, module_deployment: Deployment) -> None:
    """The index waits for it, and is not told to be behind for a cause of its own."""
    lag = 5
    with lying_endpoint(module_deployment.anvil.url) as second:
        second.lie = lambda method, _, result: hex(int(result, 16) - lag) if method == "eth_blockNumber" else result
        settings = replace(settings, rpc_check_url=Secret(second.url))
        assert wrong(settings) == []
        lag = 6
        module_deployment.anvil.mine(6)
        (finding,) = wrong(settings)
    assert finding.what == "second endpoint"
    assert finding.detail.startswith("6 blocks behind: nothing newer is stored until it has them")


def test_a_web_socket_that_does_not_tell_of_blocks(settings: Settings) -> None:
    """Nobody listens there; no such port; the gateway, which has none; and a node that refuses the subscription."""
    with refusing_web_socket() as refusing:
        for port in (free_port(), 99_999, settings.port, refusing):
            (finding,) = wrong(replace(settings, rpc_ws_url=Secret(f"ws://127.0.0.1:{port}/{KEY}")))
            assert finding.what == "web socket"
            assert "blocks are polled meanwhile; correct or unset CHAINPOINTS_RPC_WS_URL" in finding.detail
            assert ("what answers does not tell of new blocks" in finding.detail) == (port == refusing)
            assert KEY not in finding.detail


def test_a_web_socket_that_is_silent_is_not_waited_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainpoints.doctor._WEB_SOCKET_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = Secret(f"ws://127.0.0.1:{silent.getsockname()[1]}")
        (finding,) = wrong(replace(settings, rpc_ws_url=url))
    assert (finding.what, "(TimeoutError)" in finding.detail) == ("web socket", True)


def test_no_part_hides_another(settings: Settings) -> None:
    """Nothing listens on port 9: what needs no chain is still told, and what needs it is not told to be wrong."""
    nowhere = replace(
        settings,
        rpc_url=Secret("http://127.0.0.1:9"),
        rpc_check_url=settings.rpc_url,
        rpc_ws_url=Secret("ws://127.0.0.1:9"),
    )
    findings = {finding.what: finding for finding in examine(nowhere)}
    assert [what for what, finding in findings.items() if not finding.ok] == ["chain"]
    well = ["second endpoint", "database", "index", "relay", "disk", "processes", "gateway"]
    assert [what for what, finding in findings.items() if finding.ok] == well
    assert "CHAINPOINTS_RPC_URL" in findings["chain"].detail


def test_while_nothing_runs_that_is_told_once_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINPOINTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CHAINPOINTS_DEPLOYMENTS", str(tmp_path))
    monkeypatch.setenv("CHAINPOINTS_CHAIN_PORT", str(free_port()))
    result = CliRunner().invoke(command, ["doctor"])
    assert (result.exit_code, result.stderr) == (1, "")
    (line,) = result.stdout.splitlines()
    assert line.startswith("wrong chain: the local chain is not running")
    assert "`make run`" in line
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_nothing_made_is_told_and_not_made(settings: Settings, tmp_path: Path) -> None:
    (finding,) = wrong(replace(settings, database=Secret(f"sqlite:///{tmp_path}/none/none.db")))
    assert (finding.what, "there is none yet" in finding.detail) == ("database", True)
    assert not (tmp_path / "none").exists()


def test_a_file_that_is_no_database(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Read me\n" * 100)
    (finding,) = wrong(replace(settings, database=Secret(f"sqlite:///{tmp_path}/README.md")))
    assert (finding.what, "README.md is not a SQLite database" in finding.detail) == ("database", True)


def test_a_database_server_that_is_not_there(module_deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = module_deployment.settings
    monkeypatch.setenv("CHAINPOINTS_DATABASE", f"postgresql://till:{KEY}@127.0.0.1:{free_port()}/books")
    monkeypatch.setenv("CHAINPOINTS_RPC_URL", settings.rpc_url.reveal())
    monkeypatch.setenv("CHAINPOINTS_DEPLOYMENTS", str(settings.deployments))
    result = CliRunner().invoke(command, ["doctor"])
    assert (result.exit_code, result.stderr) == (1, "")
    *well, last = result.stdout.splitlines()
    assert [line.split(":")[0] for line in well] == ["ok    chain", "ok    deployment"]
    assert last.startswith("wrong database: the database cannot be used now (nothing listens at its address)")
    assert "check CHAINPOINTS_DATABASE" in last
    assert KEY not in result.stdout
