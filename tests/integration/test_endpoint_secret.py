"""An RPC endpoint whose address holds a secret: no command shows it, whatever the endpoint does."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from builders import Anvil, free_port, settings_for
from chainpoints.cli import app
from lying_endpoint import LyingEndpoint, Refuse, lying_endpoint

pytestmark = pytest.mark.integration

IN_PATH, IN_QUERY, IN_USER = "0123456789abcdef-path", "0123456789abcdef-query", "0123456789abcdef-user"
SECRET_PATH = f"/v3/{IN_PATH}?key={IN_QUERY}"


@pytest.fixture
def endpoint(anvil: Anvil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LyingEndpoint]:
    """The environment of somebody who has rented an endpoint."""
    settings = settings_for(tmp_path, anvil)
    with lying_endpoint(anvil.url) as rented:
        monkeypatch.setenv("CHAINPOINTS_HOME", str(settings.home))
        monkeypatch.setenv("CHAINPOINTS_DEPLOYMENTS", str(settings.deployments))
        monkeypatch.setenv("CHAINPOINTS_RPC_URL", secret(rented.url))
        yield rented


def secret(url: str) -> str:
    return url.replace("//", f"//user:{IN_USER}@") + SECRET_PATH


def told(command: str, exit_code: int) -> str:
    """All that a command shows, and what its failure would show."""
    result: Result = CliRunner().invoke(app, [command, "--json"])
    shown = result.output + result.stderr
    if result.exc_info:
        shown += "".join(traceback.format_exception(*result.exc_info))
    assert result.exit_code == exit_code, shown
    assert isinstance(result.exception, SystemExit | None), shown
    assert json.loads(result.stdout)
    assert [part for part in (IN_PATH, IN_QUERY, IN_USER) if part in shown] == []
    return shown


def test_when_all_is_well(endpoint: LyingEndpoint, tmp_path: Path) -> None:
    told("deploy", 0)
    assert "Already deployed" in told("deploy", 0)
    told("rebuild", 0)
    told("doctor", 1)  # no relayer ran
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert len(kept) > 10_000
    assert [part for part in (IN_PATH, IN_QUERY, IN_USER) if part.encode() in kept] == []


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_when_the_endpoint_refuses(endpoint: LyingEndpoint, status: int) -> None:
    told("deploy", 0)

    def refuse(*_: Any) -> Any:
        raise Refuse(status)

    endpoint.lie = refuse
    for command in ("deploy", "doctor", "rebuild"):
        assert f"HTTP {status}" in told(command, 1), command


def test_when_the_endpoint_refuses_what_is_sent(endpoint: LyingEndpoint) -> None:
    """The deployment is sent by another library, whose errors name the address."""

    def refuse(method: str, _: list[Any], result: Any) -> Any:
        if method in ("eth_estimateGas", "eth_sendRawTransaction"):
            raise Refuse(403)
        return result

    endpoint.lie = refuse
    assert "RpcError" in told("deploy", 1)


@pytest.mark.parametrize(
    "address",
    [
        secret(f"http://127.0.0.1:{free_port()}"),
        secret("http://no-such-host.invalid"),
        secret("http://127.0.0.1:99999"),
        secret("http://127.0.0.1:port"),
        secret("ftp://127.0.0.1"),
        secret("https://127.0.0.1:9"),
        f"nonsense{SECRET_PATH}",
    ],
    ids=["nobody listens", "no such host", "no such port", "no port", "no http", "no TLS", "no address"],
)
def test_when_nobody_can_be_reached_there(
    endpoint: LyingEndpoint, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told("deploy", 0)
    monkeypatch.setenv("CHAINPOINTS_RPC_URL", address)
    for command in ("deploy", "doctor", "rebuild"):
        told(command, 1)


@pytest.mark.parametrize("asked", ["anvil_setBalance", "eth_sendRawTransaction"])
def test_when_the_endpoint_repeats_its_own_address(
    endpoint: LyingEndpoint, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To this project's own client, and to the library that sends the deployment."""
    words = f"project {IN_PATH} of {IN_USER} has no key {IN_QUERY}"
    true_answer = endpoint.answer

    def answer(body: bytes) -> tuple[int, bytes]:
        request = json.loads(body)
        if not isinstance(request, dict) or request["method"] != asked:
            return true_answer(body)
        error = {"code": -32001, "message": words, "data": words}
        return 200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()

    monkeypatch.setattr(endpoint, "answer", answer)
    assert "project *** of *** has no key ***" in told("deploy", 1)
