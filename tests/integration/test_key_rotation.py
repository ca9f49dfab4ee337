"""docs/runbook.md: the relayer's keys are exchanged by the commands of the page, on a chain that plays a public one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from builders import ROOT, Deployment, public_settings, signer, silent, start_anvil
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.deployment import deploy_to
from chainpoints.chain.signer import ROLES, role_address
from chainpoints.config import CHAINS, Settings
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store
from faults.fleet import wait_until
from relaying import Shop

pytestmark = pytest.mark.integration

PAGE = (ROOT / "docs/runbook.md").read_text()
MAKE, ADMIN, END, EXCHANGE = [
    block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if re.search(r"\$ROLE|\$RELAY", block)
]
DAY = 86_400
_END = "THAT WAS IT\n"


@pytest.fixture
def deployment(tmp_path: Path, artifacts: dict[str, Artifact]) -> Iterator[Deployment]:
    chain = start_anvil(chain_id=CHAINS["hoodi"].chain_id, timestamp=1_785_542_400)
    settings = public_settings(tmp_path, chain, "hoodi")
    for role in ROLES:
        chain.give_ether(signer(role).address, 10**19)
    yield Deployment(chain, settings, artifacts, deploy_to(settings, artifacts, silent))
    chain.stop()


def test_the_registrars_key_is_exchanged(deployment: Deployment, tmp_path: Path) -> None:
    """One request is carried out by the old key, one by the new, and the old account has no role any more."""
    settings, anvil = deployment.settings, deployment.anvil
    store = Store(settings.database)
    migrate(store)
    shop, old = Shop(deployment, store), role_address(settings, "registrar")
    limits = {"paid_per_day": 1, "issued_per_day": 1}

    def registered(number: int) -> str:
        """Who has sent the transaction that registers a merchant of this number."""
        payout = signer(f"payout {number}").address
        request = shop.accept("register_merchant", {"merchant": number, "payout": payout, "name": "shop", **limits})
        wait_until(lambda: shop.states([request]) == ["mined"], 60, f"merchant {number} is registered: {shop.lanes()}")
        (hash_,) = [each.transaction_hash for each in shop.requests([request])]
        return str(anvil.rpc.call("eth_getTransactionByHash", hash_)["from"])

    def admin_sends(line: str) -> None:
        to, data = line.split(": ")[1].split()
        anvil.rpc.call("anvil_impersonateAccount", signer("admin").address)
        anvil.send("eth_sendTransaction", {"from": signer("admin").address, "to": to, "data": data})

    def admin_does(what: str, lines: list[str]) -> None:
        first, then = [line for line in lines if line.startswith(what)]
        admin_sends(first)
        anvil.move_to(anvil.now() + 2 * DAY)
        admin_sends(then)

    with shell(settings, tmp_path) as run:
        run("chainpoints index & INDEX=$!\nchainpoints relay & RELAY=$!\nROLE=registrar\n")
        assert registered(1) == old
        new = run(MAKE).split()[-1]
        anvil.give_ether(new)
        calls = run(f"NEW={new}\n{ADMIN}").splitlines()
        admin_does("grant", calls)
        run(END)
        run(EXCHANGE)
        assert role_address(settings, "registrar") == new != old
        assert registered(2) == new
        admin_does("revoke", calls)
        assert registered(3) == new
        run("kill $INDEX $RELAY")
    number = deployment.manifest.roles["registrar"].id
    has_role = [shop.read("AccessManager", "hasRole", [number, account])[0] for account in (old, new)]
    assert has_role == [False, True]
    store.close()


class Shell:
    """Runs what it is given as one shell does, and gives what it has printed."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._errors = (folder / "shell.log").open("w+")
        self._process = subprocess.Popen(
            ["bash", "-euo", "pipefail"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, cwd=folder,
            env=environment, start_new_session=True,
        )  # fmt: skip

    def __call__(self, commands: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{commands}\necho {_END}")
        self._process.stdin.flush()
        said = []
        while (line := self._process.stdout.readline()) != _END:
            if not line:
                self._errors.seek(0)
                pytest.fail(self._errors.read()[-2_000:])
            said.append(line)
        return "".join(said)

    def close(self) -> None:
        """Ends it, and what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self._errors.close()


@contextmanager
def shell(settings: Settings, folder: Path) -> Iterator[Shell]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")}
    running = Shell(
        kept | {
            "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
            "CHAINPOINTS_CHAIN": "hoodi",
            "CHAINPOINTS_HOME": str(settings.home),
            "CHAINPOINTS_DEPLOYMENTS": str(settings.deployments),
            "CHAINPOINTS_RPC_URL": settings.rpc_url.reveal(),
            "CHAINPOINTS_KEYS": str(settings.keys),
            "CHAINPOINTS_KEYS_PASSWORD_FILE": str(settings.keys_password_file),
        },
        folder,
    )  # fmt: skip
    try:
        yield running
    finally:
        running.close()
