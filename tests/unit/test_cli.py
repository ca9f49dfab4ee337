"""cli: every command is documented and has help; errors are one clear message."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chainpoints.cli import app

COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]
README = (Path(__file__).parents[2] / "README.md").read_text()


def test_there_are_the_nine_commands() -> None:
    assert sorted(COMMANDS) == sorted(
        ["run", "deploy", "index", "relay", "serve", "rebuild", "doctor", "replay", "schedule"]
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented_and_has_help(command: str) -> None:
    assert f"`{command}" in README
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.stdout.split()) > 15


def test_a_wrong_setting_is_told_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINPOINTS_CHAIN", "moon")
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == "ConfigError"
    assert "CHAINPOINTS_CHAIN=moon" in json.loads(result.stdout)["message"]


def test_the_replay_says_that_no_gateway_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHAINPOINTS_HOME", str(tmp_path))
    monkeypatch.setenv("CHAINPOINTS_DEPLOYMENTS", str(tmp_path))
    result = CliRunner().invoke(app, ["replay", "--json"])
    assert result.exit_code == 1
    assert "chainpoints" in json.loads(result.stdout)["message"]
