"""The gateway as it runs in earnest: a chain, and index, relay, serve and deliver, each a process, on one database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from benchmarks.ports import free_port
from chainpoints.chain.compiler import load_artifacts, project_root
from chainpoints.chain.deployment import deploy_local
from chainpoints.chain.local import LocalChain
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.rpc import Rpc
from chainpoints.config import Settings, load_settings
from chainpoints.errors import ChainpointsError
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store

PROCESSES = ("index", "relay", "serve", "deliver")
_PATIENCE_SECONDS = 60.0


class BenchmarkError(ChainpointsError):
    """What was to be measured did not come about."""


@dataclass(frozen=True)
class Stack:
    settings: Settings
    manifest: Manifest
    store: Store
    rpc: Rpc
    pids: dict[str, int]

    @property
    def url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.port}"

    def cpu_seconds(self) -> dict[str, float]:
        """What each process has used of a core; Linux only, elsewhere nothing is told."""
        return {name: seconds for name, pid in self.pids.items() if (seconds := _cpu_seconds(pid)) is not None}

    def now(self) -> int:
        """The head's timestamp, unix seconds."""
        return int(self.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


@contextmanager
def running(folder: Path, database: str | None) -> Iterator[Stack]:
    """Everything up, with its files in `folder`; ends with the block. The chain is never saved, which would stop it."""
    environment = {
        "CHAINPOINTS_HOME": str(folder),
        "CHAINPOINTS_DEPLOYMENTS": str(folder / "deployments"),
        "CHAINPOINTS_CHAIN_PORT": str(free_port()),
        "CHAINPOINTS_PORT": str(free_port()),
        "CHAINPOINTS_LOG_LEVEL": "warning",
        "CHAINPOINTS_WEBHOOKS_TO_PRIVATE": "yes",
        **({"CHAINPOINTS_DATABASE": database} if database else {}),
    }
    settings = load_settings(environment)
    chain = LocalChain(project_root(), folder / "chain", settings.chain, settings.chain_port)
    chain.start()
    children: list[subprocess.Popen[bytes]] = []
    store = Store(settings.database)
    try:
        manifest = deploy_local(settings, load_artifacts(), lambda _line: None)
        migrate(store)
        children += [_start(name, folder, environment) for name in PROCESSES]
        pids = {name: child.pid for name, child in zip(PROCESSES, children, strict=True)}
        pids["chain"] = int((folder / "chain" / "chain.pid").read_text())
        stack = Stack(settings, manifest, store, chain.rpc, pids)
        _wait_for_the_api(stack, children)
        yield stack
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(timeout=30)
        store.close()
        chain.stop()


def _start(name: str, folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    others = {key: value for key, value in os.environ.items() if not key.startswith("CHAINPOINTS_")}
    command = [sys.executable, "-m", "chainpoints", name]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, env=others | environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _wait_for_the_api(stack: Stack, children: list[subprocess.Popen[bytes]]) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        if any(child.poll() is not None for child in children):
            break
        try:
            if urllib3.request("GET", f"{stack.url}/v1/status", timeout=2, retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.1)
    raise BenchmarkError(f"the gateway does not start; its logs are in {stack.settings.home}")


def _cpu_seconds(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
