"""A whole `chainpoints run` in a process group of its own, with its own ports and folders, as a user would start it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from builders import ROOT, free_port, hear_ctrl_c
from chainpoints.chain.local import port_is_taken
from chainpoints.config import Secret

TOTALS = ("purchases", "paid_in_points", "issued_for_money", "refused_by_the_rules", "refused_at_the_till", "nodes",
          "claims", "supply", "paid", "refunded", "issued", "diverted", "claimed", "committed")  # fmt: skip
"""What two replays must agree on; only the blocks they were read at may differ."""


@dataclass
class GatewayRun:
    """Where one gateway lives. `start` may be called again after it was killed or has ended."""

    folder: Path
    database: Secret
    chain_port: int
    port: int
    process: subprocess.Popen[str] | None = None

    @classmethod
    def in_folder(cls, folder: Path, database: Secret | None = None) -> GatewayRun:
        return cls(folder, database or Secret(f"sqlite:///{folder / 'gateway.db'}"), free_port(), free_port())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")} | {
            "CHAINPOINTS_HOME": str(self.folder / "home"),
            "CHAINPOINTS_DEPLOYMENTS": str(self.folder / "deployments"),
            "CHAINPOINTS_DATABASE": self.database.reveal(),
            "CHAINPOINTS_CHAIN_PORT": str(self.chain_port),
            "CHAINPOINTS_PORT": str(self.port),
        }

    def start(self, *arguments: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "run.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chainpoints", "run", "--json", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env=self.environment,
                start_new_session=True,
                preexec_fn=hear_ctrl_c,
            )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another `chainpoints` command on the same settings."""
        return subprocess.run(
            [sys.executable, "-m", "chainpoints", *arguments],
            capture_output=True, text=True, check=False, cwd=ROOT, env=self.environment, timeout=300,
        )  # fmt: skip

    def report(self, seconds: float = 1200) -> dict[str, Any]:
        """The replay's report, which ends the wait for it. The gateway goes on serving unless told otherwise.

        A run that takes longer than `seconds` is killed.
        """
        assert self.process is not None
        assert self.process.stdout is not None
        lines = []
        too_long = threading.Timer(seconds, os.killpg, (self.process.pid, signal.SIGKILL))
        too_long.start()
        try:
            for line in self.process.stdout:
                lines.append(line)
                if line == "}\n":
                    return json.loads("".join(lines))  # type: ignore[no-any-return]
        finally:
            too_long.cancel()
        raise AssertionError(f"the run ended without a report: {(self.folder / 'run.log').read_text()[-3000:]}")

    def wait_until(self, reached: Any, seconds: float = 120) -> float:
        """Seconds until `reached(totals)` of GET /v1/totals is true."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "run.log").read_text()[-3000:]
            try:
                answer = httpx.get(f"{self.url}/v1/totals", timeout=5)
                if answer.status_code == 200 and reached(answer.json()):
                    return time.monotonic() - begun
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"not reached in {seconds} s: {(self.folder / 'run.log').read_text()[-3000:]}")

    def kill_group(self) -> None:
        """kill -9 of everything that the run started."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._close()

    def stop(self) -> None:
        """Ends the run as Ctrl-C in a terminal does, or kills it after a minute. However it ended, nothing is left."""
        if self.process is None or self.process.poll() is not None:
            self._close()
            return
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill_group()
            raise AssertionError("the run did not end within a minute of Ctrl-C") from None
        self._close()

    def _close(self) -> None:
        if self.process and self.process.stdout:
            self.process.stdout.close()
        give_up_at = time.monotonic() + 10  # what was killed takes a moment to be gone
        while taken := [port for port in (self.chain_port, self.port) if port_is_taken(port)]:
            assert time.monotonic() < give_up_at, f"something still listens on {taken}"
            time.sleep(0.05)
