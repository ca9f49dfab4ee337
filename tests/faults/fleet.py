"""The gateway's processes as an operating system keeps them: each is started again when it ends, however it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from builders import ROOT

ROLES = ("index", "relay", "deliver", "serve")
_START_SECONDS = 5.0


class Fleet:
    """One process for each role. `killed` and `restarted` count; `killed_at_work`: not while they were starting."""

    def __init__(self, folder: Path, environment: dict[str, str], roles: Sequence[str]) -> None:
        self._folder, self._environment, self._roles = folder, environment, roles
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper")
        self._log_begins: dict[str, int] = {}
        self.killed: Counter[str] = Counter()
        self.killed_at_work: Counter[str] = Counter()
        self.restarted: Counter[str] = Counter()

    def start(self) -> None:
        for role in self._roles:
            self._start(role)
        self._keeper.start()

    def is_running(self, role: str) -> bool:
        with self._lock:
            return self._processes[role].poll() is None

    def has_begun(self, role: str) -> bool:
        """Whether it has started: it leads, or waits for another that does."""
        with self._lock:
            return self._processes[role].poll() is None and self._said(role) != b""

    def first_at_work(self, roles: Sequence[str]) -> str:
        """The first of them that has begun with its work; when none has within some seconds, the first of all."""
        give_up_at = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up_at:
            with self._lock:
                for role in roles:
                    if self._is_at_work(role):
                        return role
            time.sleep(0.05)
        return roles[0]

    def kill(self, role: str) -> None:
        """kill -9."""
        with self._lock:
            at_work = self._is_at_work(role)
            self._processes[role].kill()
        self.killed[role] += 1
        self.killed_at_work[role] += at_work

    def stop(self) -> None:
        self._ended.set()
        self._keeper.join()
        for process in self._processes.values():
            process.kill()
            process.wait()

    def last_words(self, lines: int = 5) -> str:
        """The ends of the logs, for the message of a failure."""
        return "\n".join(
            f"{role}: {line}"
            for role in self._roles
            for line in (self._folder / f"{role}.log").read_text(errors="replace").splitlines()[-lines:]
        )

    def _is_at_work(self, role: str) -> bool:
        """By the process's own word."""
        return self._processes[role].poll() is None and self._said(role) in (b"leads", b"serves")

    def _said(self, role: str) -> bytes:
        """The last that it has said in this life of what it does; nothing while it is starting."""
        with (self._folder / f"{role}.log").open("rb") as log:
            log.seek(self._log_begins[role])
            said = re.findall(rb"\b(leads|serves|the lock is lost|waiting to)\b", log.read())
            return said[-1] if said else b""

    def _keep(self) -> None:
        while not self._ended.wait(0.1):
            with self._lock:
                for role, process in list(self._processes.items()):
                    if process.poll() is not None:
                        self.restarted[role] += 1
                        self._start(role)

    def _start(self, role: str) -> None:
        with (self._folder / f"{role}.log").open("ab") as log:
            self._log_begins[role] = log.seek(0, os.SEEK_END)
            self._processes[role] = subprocess.Popen(
                [sys.executable, "-m", "chainpoints", role],
                env=self._environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@contextmanager
def fleet(folder: Path, settings: dict[str, str], roles: Sequence[str] = ROLES) -> Iterator[Fleet]:
    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")}
    running = Fleet(folder, plain | settings, roles)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def is_ready(url: str) -> bool:
    """Whether the gateway at `url` is."""
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    return False


def wait_until(reached: object, seconds: float, what: str) -> None:
    """Asks `reached()` until it is true."""
    assert callable(reached)
    give_up_at = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < give_up_at, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)
