"""doctor on a public chain, which anvil plays: the contracts' code, the clock, the keys and their roles."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from sqlalchemy import text

from builders import Anvil, private_key, public_settings, signer, silent, start_anvil
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.deployment import deploy_to
from chainpoints.config import CHAINS, Secret, Settings
from chainpoints.doctor import Finding, examine
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def public(
    tmp_path_factory: pytest.TempPathFactory, artifacts: dict[str, Artifact]
) -> Iterator[tuple[Anvil, Settings]]:
    """A deployed public chain whose newest block is of now, and the settings of its operator."""
    chain = start_anvil(chain_id=CHAINS["hoodi"].chain_id, timestamp=int(time.time()))
    settings = public_settings(tmp_path_factory.mktemp("public"), chain, "hoodi")
    chain.give_ether(signer("deployer").address, 10**18)
    for file in (settings.home.parent / "password", *(settings.home.parent / "keys").iterdir()):
        file.chmod(0o600)
    deploy_to(settings, artifacts, silent)
    yield chain, settings
    chain.stop()


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(settings)}


def wrong(settings: Settings) -> list[str]:
    """The parts that need the chain and the keys alone, where they are not well."""
    parts = ("chain", "deployment", "clock", "keys", "roles")
    return [what for what, finding in found(settings).items() if what in parts and not finding.ok]


def test_a_fresh_deployment_is_well(public: tuple[Anvil, Settings]) -> None:
    chain, settings = public
    chain.mine()
    findings = found(settings)
    assert [what for what in findings if findings[what].ok] == ["chain", "deployment", "clock", "keys", "roles"]
    assert signer("issuer").address in findings["keys"].detail


def test_another_code_on_the_chain(public: tuple[Anvil, Settings]) -> None:
    chain, settings = public
    token = json.loads(settings.manifest.read_text())["contracts"]["PointsToken"]["address"]
    code = chain.rpc.call("eth_getCode", token, "latest")
    chain.rpc.call("anvil_setCode", token, code + "00")
    try:
        assert wrong(settings) == ["deployment"]
        assert "PointsToken; run `chainpoints deploy`" in found(settings)["deployment"].detail
    finally:
        chain.rpc.call("anvil_setCode", token, code)
    assert wrong(settings) == []


def test_a_clock_that_is_slow_and_a_chain_that_stands_still(
    public: tuple[Anvil, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, settings = public
    now = time.time()
    for away, words in ((-300, "ahead of this machine's clock; set the clock"), (3_600, "the endpoint stands still")):
        with monkeypatch.context() as changed:
            changed.setattr("chainpoints.doctor.time.time", lambda: now + away)  # noqa: B023
            assert wrong(settings) == ["clock"]
            assert words in found(settings)["clock"].detail


def test_a_keystore_that_others_can_read_and_a_password_that_opens_nothing(public: tuple[Anvil, Settings]) -> None:
    _, settings = public
    assert settings.keys
    assert settings.keys_password_file
    issuer, password = settings.keys / "issuer.json", settings.keys_password_file
    kept = password.read_text()
    issuer.chmod(0o644)
    assert wrong(settings) == ["keys"]
    assert f"others on this machine can read {issuer}; run `chmod 600`" in found(settings)["keys"].detail
    issuer.chmod(0o600)
    password.write_text("of nothing here\n")
    assert wrong(settings) == ["keys"]
    assert "of nothing here" not in found(settings)["keys"].detail
    password.write_text(kept)
    assert wrong(settings) == []


def test_an_account_without_its_role(public: tuple[Anvil, Settings]) -> None:
    _, settings = public
    assert settings.keys
    file = settings.keys / "issuer.json"
    kept = file.read_text()
    file.write_text(
        json.dumps(Account.encrypt(private_key("thief"), "a password of the tests", kdf="pbkdf2", iterations=2))
    )
    assert wrong(settings) == ["roles"]
    assert f"{signer('thief').address} is not issuer on chain" in found(settings)["roles"].detail
    file.write_text(kept)
    assert wrong(settings) == []


def test_roles_are_looked_at_whatever_else_is_wrong(public: tuple[Anvil, Settings]) -> None:
    """A second endpoint, a web socket and an external signer that are not there come before the deployment."""
    _, settings = public
    http, ws = Secret("http://127.0.0.1:9"), Secret("ws://127.0.0.1:9")
    findings = found(replace(settings, signer_url=http, rpc_check_url=http, rpc_ws_url=ws))
    parts = ["chain", "second endpoint", "signer", "web socket", "deployment", "clock", "keys", "roles"]
    assert list(findings)[: len(parts)] == parts
    assert [what for what in parts if not findings[what].ok] == ["second endpoint", "signer", "web socket"]


def test_a_database_of_an_older_version(public: tuple[Anvil, Settings], tmp_path: Path) -> None:
    _, settings = public
    store = Store(settings.database)
    migrate(store)
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
    finding = found(settings)["database"]
    store.close()
    assert (finding.ok, "the schema is 0003, not" in finding.detail) == (False, True)
