"""The local chain: an anvil of our own, whose state survives a restart and a kill -9 of everything.

Anvil's own state file is rewritten in place, so a kill can leave it empty. Here each save goes to a new file that takes
the old one's place in one step; the save before is kept too. At most `SAVE_EVERY` blocks and one save's time are lost,
fewer than the local chain's finality depth, so to the gateway such a loss is an ordinary reorg.

Time stands still unless it is told to move: every block is one second after the one before.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gzip
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import msgspec

from chainpoints.chain.rpc import Rpc
from chainpoints.config import Chain, Secret
from chainpoints.errors import ChainpointsError, ConfigError, RpcError

SAVE_EVERY = 24
"""Blocks between two saves."""

GENESIS_TIMESTAMP = 851_990_400
"""1996-12-31 00:00 UTC: the day before the example data's first purchase."""

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def anvil_binary(root: Path) -> Path:
    """The native anvil of the npm package. Raises ConfigError when it is not installed."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    path = root / f"node_modules/@foundry-rs/anvil-{platform.system().lower()}-{machine}/bin/anvil"
    if path.exists():
        return path
    if found := shutil.which("anvil"):
        return Path(found)
    raise ConfigError(f"the chain node {path} is missing; run `make run`, which installs it, or put anvil into PATH")


class _Block(msgspec.Struct):
    timestamp: str


class _SavedState(msgspec.Struct):
    """What is read of anvil's own form."""

    block: _Block


class LocalChain:
    """Starts, saves and stops anvil on `port`; `folder` holds the saved state and the log."""

    def __init__(self, root: Path, folder: Path, chain: Chain, port: int) -> None:
        self._root, self._folder, self._chain, self._port = root, folder, chain, port
        self._process: subprocess.Popen[bytes] | None = None
        self._saved_block = 0
        self._mining_may_be_off = False
        self._lock: IO[str] | None = None
        self.rpc_url = f"http://127.0.0.1:{port}"
        self.rpc = Rpc(Secret(self.rpc_url), timeout_seconds=60)

    @property
    def _state(self) -> Path:
        return self._folder / "chain-state.json.gz"

    def start(self) -> None:
        """Starts anvil from the saved state, or new. Raises ConfigError when the port is taken or anvil fails."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._hold_folder()
        self._end_leftover()
        if port_is_taken(self._port):
            raise ConfigError(
                f"port {self._port} is taken by another program; end it, or set CHAINPOINTS_CHAIN_PORT to another port"
            )
        arguments = [
            str(anvil_binary(self._root)),
            *("--port", str(self._port), "--chain-id", str(self._chain.chain_id), "--quiet"),
            *("--prune-history", "64", "--no-request-size-limit", "--hardfork", "prague"),
            *self._load_arguments(),
        ]
        with (self._folder / "chain.log").open("ab") as log:
            self._process = subprocess.Popen(
                arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=_end_with_parent_alone
            )
        self._pid_file.write_text(str(self._process.pid))
        self._wait_until_it_answers()
        self.rpc.call("anvil_setBlockTimestampInterval", 1)
        self._saved_block = self.head()

    def head(self) -> int:
        return int(self.rpc.call("eth_blockNumber"), 16)

    def save_if_due(self) -> bool:
        """Saves when `SAVE_EVERY` blocks came since the last save. Raises RpcError also while mining cannot go on."""
        if self._mining_may_be_off:
            self._mine_on()
        if self.head() - self._saved_block < SAVE_EVERY:
            return False
        self.save()
        return True

    def save(self) -> None:
        """Writes the chain's state to disk, whole or not at all."""
        number, compressed = self._dump()
        fresh = self._state.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(compressed)
            file.flush()
            os.fsync(file.fileno())
        if self._state.exists():
            self._state.replace(self._state.with_suffix(".previous"))
        fresh.replace(self._state)
        self._saved_block = number

    def _dump(self) -> tuple[int, bytes]:
        """The head's number and the state as of it.

        Anvil reads accounts and blocks one after the other: a block mined between them would be saved by its effects
        alone. So mining pauses, and a dump during which a block came all the same is thrown away.
        """
        self._mining_may_be_off = True
        try:
            self.rpc.call("evm_setAutomine", False)
            while True:
                number = self.head()
                compressed = bytes.fromhex(self.rpc.call("anvil_dumpState")[2:])
                if self.head() == number:
                    return number, compressed
        finally:
            self._mine_on()

    def _mine_on(self) -> None:
        """What was sent while mining was paused is mined now. If this fails, the next `save_if_due` does it first."""
        self.rpc.call("evm_setAutomine", True)
        self._mining_may_be_off = False

    def stop(self) -> None:
        """Saves and ends anvil. Does nothing when it is not running."""
        if self._process is None:
            return
        if self._process.poll() is None:
            with contextlib.suppress(ChainpointsError):
                self.save()
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None
        self._pid_file.unlink(missing_ok=True)
        if self._lock:
            self._lock.close()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _hold_folder(self) -> None:
        """One supervisor at a time; the lock goes with its process, however that ends."""
        lock = (self._folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise ConfigError(
                f"another `chainpoints run` uses {self._folder}; end it, or give this one a CHAINPOINTS_HOME of its own"
            ) from None
        self._lock = lock

    @property
    def _pid_file(self) -> Path:
        return self._folder / "chain.pid"

    def _end_leftover(self) -> None:
        """Ends an anvil of ours that outlived a killed supervisor; recognised by its pid, program and port."""
        try:
            pid = int(self._pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return
        if command[0].endswith(b"anvil") and str(self._port).encode() in command:
            os.kill(pid, 9)
            for _ in range(100):
                if not port_is_taken(self._port):
                    return
                time.sleep(0.05)

    def _load_arguments(self) -> list[str]:
        for path in (self._state, self._state.with_suffix(".previous")):
            if not path.exists():
                continue
            try:
                state = _read_state(path.read_bytes())
            except (OSError, EOFError, msgspec.MsgspecError):
                continue  # a save that a kill cut off; the one before is whole
            plain = self._folder / "chain-state.json"
            plain.write_bytes(_with_one_genesis(gzip.decompress(path.read_bytes())))
            # Anvil counts time from --timestamp also after loading: it must be the head's, or blocks go back in time.
            return ["--load-state", str(plain), "--timestamp", str(int(state.block.timestamp, 16))]
        return ["--timestamp", str(GENESIS_TIMESTAMP)]

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        for _ in range(400):
            if self._process.poll() is not None:
                raise ConfigError(f"the local chain ended as soon as it started; see {self._folder / 'chain.log'}")
            try:
                self.rpc.call("eth_chainId")
                return
            except RpcError:
                time.sleep(0.05)
        raise ConfigError(f"the local chain does not answer on port {self._port}; see {self._folder / 'chain.log'}")


def _end_with_parent_alone() -> None:
    """In the new process: a terminal's Ctrl-C does not reach it, so that it can be saved; a parent's death does.

    The latter is Linux's: elsewhere the next start ends what was left.
    """
    os.setpgid(0, 0)
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def advance_time(rpc: Rpc, timestamp: int) -> None:
    """Mines one block at `timestamp` (unix seconds), when the chain is not there yet. For the local chain only."""
    head = rpc.call("eth_getBlockByNumber", "latest", False)
    if int(head["timestamp"], 16) < timestamp:
        rpc.call("evm_mine", timestamp)


def give_ether(rpc: Rpc, address: str, wei: int = 10**21) -> None:
    """Sets an account's ETH balance. For the local chain only."""
    rpc.call("anvil_setBalance", address, hex(wei))


def _with_one_genesis(state: bytes) -> bytes:
    """Each anvil that loads a state adds a block 0 of its own; which counts later is chance: the first is kept."""
    content = msgspec.json.decode(state)
    genesis = [block for block in content["blocks"] if int(block["header"]["number"], 16) == 0]
    first = min(genesis, key=lambda block: int(block["header"]["timestamp"], 16), default=None)
    content["blocks"] = [block for block in content["blocks"] if block is first or block not in genesis]
    return msgspec.json.encode(content)


def _read_state(compressed: bytes) -> _SavedState:
    return msgspec.json.decode(gzip.decompress(compressed), type=_SavedState)


def port_is_taken(port: int) -> bool:
    """True when a program on this machine listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
