"""The two servers that are measured, each in a process of its own: the gateway, and a bare FastAPI route.

`python -m benchmarks.api.servers gateway|bare`, with the settings in the environment. Both are served by the gateway's
own `serve`; the bare route answers what the gateway answered for the same wallets, out of a dictionary.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from benchmarks.api.database import FOLDER
from benchmarks.ports import free_port
from chainpoints.api.limits import Limits
from chainpoints.api.service import serve
from chainpoints.chain.compiler import project_root
from chainpoints.chain.manifest import CompilerSettings, Manifest, save_manifest
from chainpoints.config import Secret, load_settings
from chainpoints.errors import ConfigError
from chainpoints.gateway import build_gateway
from chainpoints.log import set_up_logging
from chainpoints.types import ZERO_ADDRESS

ANSWERS = FOLDER / "answers.json"

_UNLIMITED = Limits(per_second=10**9, burst=10**9)
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A server in its process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process, self.port = process, port

    def cpu_seconds(self) -> float:
        """What its process has used so far, in all of its threads."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def running(which: str, database: Secret) -> Iterator[Server]:
    """The server `gateway` or `bare`. Raises ConfigError when it does not answer within a minute."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")}
    environment |= {
        "CHAINPOINTS_HOME": str(FOLDER),
        "CHAINPOINTS_DEPLOYMENTS": str(FOLDER / "deployments"),
        "CHAINPOINTS_DATABASE": database.reveal(),
        "CHAINPOINTS_PORT": str(port),
    }
    command = [sys.executable, "-m", "benchmarks.api.servers", which]
    process = subprocess.Popen(command, env=environment, cwd=project_root())
    try:
        _wait(process, f"http://127.0.0.1:{port}/v1/wallets/0x{'11' * 20}")
        yield Server(process, port)
    finally:
        process.terminate()
        process.wait()


def bare() -> FastAPI:
    """One route, as anybody would write it, without anything around it."""
    answers: dict[str, Any] = json.loads(ANSWERS.read_bytes())
    app = FastAPI()

    @app.get("/v1/wallets/{address}")
    async def get_wallet(address: str) -> Any:
        return answers.get(address)

    return app


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise ConfigError("a server of the benchmark does not answer; what it wrote stands above")


def _main(which: str) -> None:
    settings = load_settings()
    set_up_logging(settings.log_level, process="serve")  # as `chainpoints serve` does
    if which == "bare":
        app = bare()
    else:
        compiler = CompilerSettings("0.8.37", 200, True, "cancun")
        save_manifest(settings.manifest, Manifest(31337, 1, ZERO_ADDRESS, 0, {}, compiler, {}, [], {}))
        app = build_gateway(settings, limits=_UNLIMITED)
    serve(settings, app, threading.Event())


if __name__ == "__main__":
    _main(sys.argv[1])
