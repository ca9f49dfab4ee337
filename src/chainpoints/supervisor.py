"""`chainpoints run`: the local chain, the deployment, and index, relay, deliver and serve as child processes.

The children are in this process's group and watch it: however it ends, they end. None is restarted behind the
operator's back: when one stops, all stop, and the reason is told.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from chainpoints.chain.compiler import load_artifacts
from chainpoints.chain.deployment import deploy_local
from chainpoints.chain.local import LocalChain, advance_time, port_is_taken
from chainpoints.chain.manifest import Manifest, load_manifest
from chainpoints.config import Settings
from chainpoints.errors import ChainpointsError, ConfigError
from chainpoints.store.keys import key_of_secret, revoke_operators
from chainpoints.store.migrate import migrate
from chainpoints.store.processes import ROLES
from chainpoints.store.relay import next_not_before, open_requests
from chainpoints.store.session import Store
from chainpoints.store.status import head

_SAVE_POLL_SECONDS = 0.2
_LONGEST_QUOTE = 500
_LEFTOVER_SECONDS = 3.0

Say = Callable[[str], None]


class Supervisor:
    """Owns the local chain (if the chain is local) and the child processes."""

    def __init__(self, settings: Settings, root: Path, say: Say) -> None:
        self._settings, self._root, self._say = settings, root, say
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._log_began: dict[str, int] = {}
        self._stopping = threading.Event()
        self._save_problem: Exception | None = None
        self._due = 0
        self.chain = (
            LocalChain(root, settings.home / "chain", settings.chain, settings.chain_port)
            if settings.chain.is_local
            else None
        )

    @contextmanager
    def running(self) -> Iterator[Manifest]:
        """Starts everything; on leaving, however, stops everything."""
        saver = threading.Thread(target=self._save_regularly, name="save-chain", daemon=True)
        try:
            manifest = self._set_up()
            saver.start()
            for name in ROLES:
                self._start(name)
            self._wait_for_the_api()
            yield manifest
        finally:
            self._stop(saver)

    def check(self) -> None:
        """Raises ChainpointsError when a part has stopped."""
        for name, child in self._children.items():
            if child.poll() is not None:
                raise ChainpointsError(
                    f"`chainpoints {name}` stopped with exit code {child.returncode}{self._last_words(name)}; "
                    f"its log is {self._log_of(name)}"
                )
        if self.chain and not self.chain.running:
            raise ChainpointsError(f"the local chain stopped; its log is {self._settings.home / 'chain' / 'chain.log'}")
        if isinstance(self._save_problem, OSError):
            raise ChainpointsError(
                f"the local chain cannot be saved in {self._settings.home}: {self._save_problem}; make room there"
            )

    def wait(self) -> None:
        """Returns never; raises as `check` does."""
        store = Store(self._settings.database)
        while True:
            self.check()
            self._let_lost_time_pass(store)
            time.sleep(0.5)

    def _let_lost_time_pass(self, store: Store) -> None:
        """A local chain that lost its last blocks stands at an earlier time than open requests wait for.

        It goes on to the next of those times only, and not while something is being done: requests of one day are not
        carried out on another.
        """
        if not self.chain:
            return
        with contextlib.suppress(ChainpointsError), store.read() as connection:
            now = head(connection).timestamp
            due, later = open_requests(connection, now), next_not_before(connection, now)
            if later is not None and due == self._due:
                advance_time(self.chain.rpc, later)
            self._due = due

    def _set_up(self) -> Manifest:
        self._settings.home.mkdir(parents=True, exist_ok=True)
        store = Store(self._settings.database)
        try:
            migrate(store)
        finally:
            store.close()
        if not (self.chain and port_is_taken(self._settings.chain_port)):  # else the chain's start says who has it
            _require_free(self._settings.host, self._settings.port)
        if self.chain:
            self._say(f"Starting the local chain on port {self._settings.chain_port}")
            self.chain.start()
            manifest = deploy_local(self._settings, load_artifacts(self._root), progress=self._say)
            self.chain.save()
        else:
            manifest = load_manifest(self._settings.manifest)
        return manifest

    def _start(self, name: str) -> None:
        log = self._log_of(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._log_began[name] = output.tell()
            self._children[name] = subprocess.Popen(
                [sys.executable, "-m", "chainpoints", name, "--until-ends", str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._root,
            )

    def _log_of(self, name: str) -> Path:
        return self._settings.home / "logs" / f"{name}.log"

    def _last_words(self, name: str) -> str:
        """The error that a part wrote last, or else its last line: what is in its log since this start."""
        with contextlib.suppress(OSError), self._log_of(name).open("rb") as log:
            log.seek(self._log_began[name])
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
            said = next((line for line in reversed(lines) if line.startswith("Error: ")), lines[-1] if lines else "")
            return f": {said.removeprefix('Error: ')[:_LONGEST_QUOTE]}" if said else ""
        return ""

    def _wait_for_the_api(self) -> None:
        url = f"http://{self._settings.host}:{self._settings.port}/v1/status"
        for _ in range(600):
            self.check()
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if urllib3.request("GET", url, timeout=2, retries=False).status == 200:
                    return
            time.sleep(0.1)
        raise ChainpointsError(
            f"the gateway does not answer at {url} after a minute; its log is {self._log_of('serve')}"
        )

    def _save_regularly(self) -> None:
        while self.chain and not self._stopping.wait(_SAVE_POLL_SECONDS):
            try:
                self.chain.save_if_due()
                self._save_problem = None
            except (ChainpointsError, OSError) as error:  # the chain may just be stopping; `check` tells if it is gone
                self._save_problem = error

    def _stop(self, saver: threading.Thread) -> None:
        with _uninterrupted():
            self._end_all(saver)

    def _end_all(self, saver: threading.Thread) -> None:
        self._stopping.set()
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        for child in self._children.values():
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if saver.is_alive():
            saver.join(timeout=30)
        if self.chain:
            self.chain.stop()


@contextmanager
def chain_to_read(settings: Settings, root: Path) -> Iterator[None]:
    """A chain that answers: the local one, unless it runs already, is started for the time of the block."""
    chain = LocalChain(root, settings.home / "chain", settings.chain, settings.chain_port)
    if not settings.chain.is_local or settings.rpc_url.reveal() != chain.rpc_url or port_is_taken(settings.chain_port):
        yield
        return
    try:
        chain.start()
        yield
    finally:
        with _uninterrupted():
            chain.stop()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """SIGINT and SIGTERM have to wait: an impatient second Ctrl-C must not leave a part running."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_free(host: str, port: int) -> None:
    """Raises ConfigError when the gateway could not listen there. What a killed run left has a moment to end."""
    give_up_at = time.monotonic() + _LEFTOVER_SECONDS
    while True:
        try:
            socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > give_up_at:
                reason = "it is taken" if error.errno == errno.EADDRINUSE else error.strerror
                raise ConfigError(
                    f"the gateway cannot listen on {host} port {port} ({reason}); end what uses it, or set "
                    "CHAINPOINTS_HOST and CHAINPOINTS_PORT to an address that is free"
                ) from None
            time.sleep(0.1)


def operator_key(settings: Settings) -> str:
    """The operator's API key, which the first `chainpoints run` made. Raises ConfigError before that."""
    try:
        return _operator_key_file(settings).read_text().strip()
    except FileNotFoundError:
        raise ConfigError(f"there is no gateway in {settings.home} yet; start one with `chainpoints run`") from None


def make_operator_key(settings: Settings) -> str:
    """The operator's API key, kept in the home folder, readable by its owner alone.

    Made at the first call, and again when the database does not know the one that is there.
    """
    from chainpoints.api.keys import create_operator_key  # brings FastAPI, which the supervisor needs for nothing else

    path, store = _operator_key_file(settings), Store(settings.database)
    try:
        migrate(store)
        with store.write() as connection:
            if path.exists() and key_of_secret(connection, operator_key(settings)):
                return operator_key(settings)
            secret = create_operator_key(connection)
    finally:
        store.close()
    _keep_operator_key(path, secret)
    return secret


def rotate_operator_key(settings: Settings) -> int:
    """Revokes every key of the operator and puts a new one into the home folder. How many were revoked."""
    from chainpoints.api.keys import create_operator_key

    store = Store(settings.database)
    try:
        migrate(store)
        with store.write() as connection:
            revoked = revoke_operators(connection)
            secret = create_operator_key(connection)
            _keep_operator_key(_operator_key_file(settings), secret)
    finally:
        store.close()
    return revoked


def _keep_operator_key(path: Path, secret: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".operator.key.{secrets.token_hex(4)}")
    partial.touch(mode=0o600)
    partial.write_text(secret + "\n")
    partial.replace(path)


def _operator_key_file(settings: Settings) -> Path:
    return settings.home / "operator.key"
