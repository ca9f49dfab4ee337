"""cli: every command is documented and has help; errors are one clear message."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import structlog
from typer.testing import CliRunner

from builders import free_port, plain_logs, sample_manifest
from chainpoints import __version__
from chainpoints.chain.manifest import save_manifest
from chainpoints.cli import app
from chainpoints.config import load_settings
from chainpoints.errors import ChainpointsError
from chainpoints.supervisor import Supervisor
from chainpoints.terminal import show

PROCESSES = ["index", "relay", "deliver", "serve"]
COMMANDS = [command.callback.__name__.replace("_", "-") for command in app.registered_commands if command.callback]
README = (Path(__file__).parents[2] / "README.md").read_text()


def test_there_are_these_commands() -> None:
    assert sorted(COMMANDS) == sorted(
        [
            "run",
            "deploy",
            "index",
            "relay",
            "deliver",
            "serve",
            "rebuild",
            "digest",
            "backup",
            "restore",
            "rotate-operator-key",
            "doctor",
            "replay",
            "schedule",
        ]
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented_and_has_help_and_json(command: str) -> None:
    assert f"`{command}" in README
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.stdout.split()) > 15
    assert "--json" in result.stdout


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings point at an empty folder: nothing is deployed, nothing runs."""
    monkeypatch.setenv("CHAINPOINTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CHAINPOINTS_DEPLOYMENTS", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def of_the_process() -> Iterator[None]:
    """The long-running commands take over the process's signals and logs; other tests get them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    plain_logs()
    structlog.contextvars.clear_contextvars()


def error_of(*command: str) -> dict[str, Any]:
    """The error that ends a command with `--json`: all that it writes on standard output."""
    given = ["none.db"] if command[0] in ("backup", "restore") else []
    result = CliRunner().invoke(app, [*command, *given, "--json"])
    assert result.exit_code == 1, result.output
    assert "Error:" in result.stderr
    error: dict[str, Any] = json.loads(result.stdout)
    assert error.keys() == {"error", "message", "retryable"}
    return error


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"schedule"}))
def test_a_wrong_setting_is_told_as_json(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINPOINTS_CHAIN", "moon")
    error = error_of(command)
    assert (error["error"], error["retryable"]) == ("ConfigError", False)
    assert "CHAINPOINTS_CHAIN=moon" in error["message"]


def test_a_wrong_option_of_the_schedule_is_told_as_json() -> None:
    error = error_of("schedule", "--total", "10", "--growth", "much")
    assert error["error"] == "InvalidInput"
    assert "0.05 or 1/20" in error["message"]


def test_a_schedule_that_shrinks_or_releases_nothing_is_refused() -> None:
    assert "below 0" in error_of("schedule", "--total", "10", "--growth", "-0.1")["message"]
    assert "releases nothing" in error_of("schedule", "--total", "0")["message"]


@pytest.mark.parametrize("command", [*PROCESSES, "rebuild", "run"])
def test_a_database_that_is_down_is_told_as_json_and_may_be_tried_again(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINPOINTS_DATABASE", "postgresql://nobody:hidden@127.0.0.1:9/none")
    save_manifest(folder / "31337.json", sample_manifest())
    error = error_of(command)
    assert (error["error"], error["retryable"]) == ("StoreUnavailable", True)
    assert "CHAINPOINTS_DATABASE" in error["message"]
    assert "nothing listens at its address" in error["message"]
    assert "hidden" not in error["message"]
    assert not (folder / "home" / "chain").exists()


@pytest.mark.parametrize("command", [*PROCESSES, "rebuild", "run"])
def test_a_file_that_is_no_database_is_told_as_json(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "README.md").write_text("# Read me\n" * 100)
    monkeypatch.setenv("CHAINPOINTS_DATABASE", f"sqlite:///{folder / 'README.md'}")
    save_manifest(folder / "31337.json", sample_manifest())
    error = error_of(command)
    assert error["error"] == "ConfigError"
    assert "README.md is not a SQLite database" in error["message"]
    assert (folder / "README.md").read_text() == "# Read me\n" * 100


@pytest.mark.parametrize("command", [["restore", "backup.db"], ["backup", "backup.db"], ["rebuild"]])
def test_what_is_interrupted_is_not_told_as_done(
    command: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chainpoints.store.migrate.migrate", interrupted)
    save_manifest(folder / "31337.json", sample_manifest())
    result = CliRunner().invoke(app, command)
    assert (result.exit_code, "Stopped." in result.stderr) == (130, True)


@pytest.mark.parametrize("address", ["nonsense", "postgresql://nobody:hidden@host:port/none", "mysql://host/none"])
@pytest.mark.parametrize("command", PROCESSES)
def test_what_is_no_database_address_is_told_without_it(
    command: str, address: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINPOINTS_DATABASE", address)
    error = error_of(command)
    assert error["error"] == "ConfigError"
    assert "postgresql" in error["message"]
    assert "hidden" not in error["message"]


@pytest.mark.parametrize("command", PROCESSES)
def test_a_folder_that_cannot_be_written_to_is_told_as_json(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").touch()
    monkeypatch.setenv("CHAINPOINTS_HOME", str(folder / "file"))
    error = error_of(command)
    assert error["error"] == "ConfigError"
    assert str(folder / "file") in error["message"]


@pytest.mark.parametrize("command", PROCESSES)
def test_a_missing_deployment_is_told_as_json(command: str, folder: Path) -> None:
    error = error_of(command)
    assert error["error"] == "ConfigError"
    assert "`chainpoints deploy`" in error["message"]


def test_what_looks_like_markup_in_an_error_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINPOINTS_CHAIN", "[/red]")
    assert "CHAINPOINTS_CHAIN=[/red]" in error_of("doctor")["message"]


def test_the_replay_says_that_no_gateway_is_there(folder: Path) -> None:
    assert "chainpoints" in error_of("replay")["message"]


def test_a_gateway_port_that_is_taken_is_told_before_anything_starts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINPOINTS_CHAIN_PORT", str(free_port()))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("CHAINPOINTS_PORT", str(taken.getsockname()[1]))
        error = error_of("run")
    assert error["error"] == "ConfigError"
    assert "CHAINPOINTS_PORT" in error["message"]
    assert not (folder / "home" / "chain").exists()


def test_the_last_error_of_a_part_that_stopped_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings({"CHAINPOINTS_HOME": str(tmp_path), "CHAINPOINTS_PORT": str(free_port())})
    supervisor = Supervisor(settings, tmp_path, lambda _: None)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "serve.log").write_text("Error: of an earlier start\n")
    monkeypatch.setenv("CHAINPOINTS_CHAIN", "moon")
    supervisor._start("serve")
    supervisor._children["serve"].wait()
    with pytest.raises(ChainpointsError, match="stopped with exit code 1: CHAINPOINTS_CHAIN=moon: .*its log is"):
        supervisor.check()


class Other(BaseHTTPRequestHandler):
    """Another program on the gateway's port: what it was sent, and one answer to all of it."""

    answer = b"<html>hello</html>"
    sent: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.sent.append(f"{self.path} {self.headers}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: Any) -> None: ...


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"<html>hello</html>", "is no chainpoints gateway"),
        (b"[1]", "is no chainpoints gateway"),
        (b"{}", "is no chainpoints gateway"),
        (b'{"read_at": {"chain": "eip155:1"}}', "is of chain eip155:1, not eip155:31337"),
    ],
)
def test_the_replay_gives_no_key_to_what_is_no_gateway_of_its_chain(
    answer: bytes, told: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_gateway_was_here(folder)
    handler = type("Handler", (Other,), {"answer": answer, "sent": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("CHAINPOINTS_PORT", str(server.server_port))
        error = error_of("replay")
        server.shutdown()
    assert told in error["message"]
    assert len(handler.sent) == 1
    assert "cp_hidden" not in "".join(handler.sent)


def test_the_replay_says_that_nothing_listens(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_gateway_was_here(folder)
    monkeypatch.setenv("CHAINPOINTS_PORT", str(free_port()))
    assert "start it with `make run`" in error_of("replay")["message"]


def a_gateway_was_here(folder: Path) -> None:
    save_manifest(folder / "31337.json", sample_manifest())
    (folder / "home").mkdir()
    (folder / "home" / "operator.key").write_text("cp_hidden\n")


def test_the_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"chainpoints {__version__}\n")


def test_options_that_contradict_each_other_are_a_usage_error() -> None:
    result = CliRunner().invoke(app, ["run", "--without-replay", "--exit-after-replay", "--json"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "contradict" in result.stderr


@pytest.mark.parametrize("total", ["9000000000000.000001", "99999999999999", "9" * 40])
def test_a_total_that_is_too_large_is_told_the_limit(total: str) -> None:
    assert "the largest is 9000000000000.000000" in error_of("schedule", "--total", total)["message"]


def test_a_result_is_shown_without_json(capsys: pytest.CaptureFixture[str]) -> None:
    show({"refused_by_the_rules": {"A": 1, "B": 2}, "none": {}, "equal": True, "note": None, "sum": "1.0"}, False)
    told = capsys.readouterr().out
    assert not set('{}"') & set(told)
    assert [line.split() for line in told.splitlines()] == [
        ["refused", "by", "the", "rules", "A", "1"], ["B", "2"], ["none", "none"], ["equal", "yes"], ["sum", "1.0"],
    ]  # fmt: skip
