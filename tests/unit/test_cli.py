"""cli: every command is documented and has help; errors are one clear message."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from builders import sample_manifest
from chainpoints.chain.manifest import save_manifest
from chainpoints.cli import app

PROCESSES = ["index", "relay", "serve"]
COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]
README = (Path(__file__).parents[2] / "README.md").read_text()


def test_there_are_the_nine_commands() -> None:
    assert sorted(COMMANDS) == sorted(
        ["run", "deploy", "index", "relay", "serve", "rebuild", "doctor", "replay", "schedule"]
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
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def error_of(*command: str) -> dict[str, Any]:
    """The error that ends a command with `--json`: all that it writes on standard output."""
    result = CliRunner().invoke(app, [*command, "--json"])
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


@pytest.mark.parametrize("command", [*PROCESSES, "rebuild"])
def test_a_database_that_is_down_is_told_as_json_and_may_be_tried_again(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINPOINTS_DATABASE", "postgresql://nobody:hidden@127.0.0.1:9/none")
    save_manifest(folder / "31337.json", sample_manifest())
    error = error_of(command)
    assert (error["error"], error["retryable"]) == ("StoreUnavailable", True)
    assert "CHAINPOINTS_DATABASE" in error["message"]
    assert "hidden" not in error["message"]


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
