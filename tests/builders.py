"""What tests are built from: a chain of their own, a deployment on it, databases. Real parts only.

The only place in the tests with private keys: anvil's and chainpoints' development keys are public and worth nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import structlog
from eth_account import Account
from eth_utils.crypto import keccak

from benchmarks.postgres import PostgresUnavailable, drop_database, new_database, running_postgres
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.deployment import deploy_to
from chainpoints.chain.local import GENESIS_TIMESTAMP, anvil_binary
from chainpoints.chain.manifest import CompilerSettings, DeployedContract, Manifest
from chainpoints.chain.rpc import Rpc
from chainpoints.chain.signer import ROLES, Signer
from chainpoints.config import CHAINS, Secret, Settings, load_settings
from chainpoints.errors import RpcError
from chainpoints.types import ZERO_ADDRESS, Address, Hash32

ROOT = Path(__file__).resolve().parents[1]

ANVIL_KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
"""Anvil's first account, which has ETH from the start."""


def plain_logs() -> None:
    """What a test logs is shown when it fails; an error without the variables of each frame, which take seconds."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=True),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )


def is_deployed(one: Artifact) -> bool:
    """A contract of ours that a deployment creates, or OpenZeppelin's that it takes as it is."""
    return one.name == "AccessManager" or one.source == f"contracts/{one.name}.sol"


def private_key(name: str) -> bytes:
    """A key for a person in a test, the same at every run."""
    return keccak(text=f"chainpoints test {name}")


def signer(name: str) -> Signer:
    return Signer(private_key(name))


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def git(*arguments: str) -> bytes:
    """What git says of this repository, whoever owns its folder."""
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout


def hear_ctrl_c() -> None:
    """For `preexec_fn`: what a shell started in the background ignores SIGINT, and so do all its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Anvil:
    """A running chain node. Each block is one second after the one before, unless time is moved."""

    port: int
    process: subprocess.Popen[bytes]
    states: str
    """The folder into which it puts states of old blocks; else they would stay in the home folder for ever."""
    rpc: Rpc = field(init=False)

    def __post_init__(self) -> None:
        self.rpc = Rpc(Secret(self.url))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def head(self) -> int:
        return int(self.rpc.call("eth_blockNumber"), 16)

    def now(self) -> int:
        """The head's timestamp, unix seconds."""
        return int(self.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.rpc.call("evm_mine")

    def send(self, method: str, transaction: dict[str, str] | str) -> None:
        """Sends a transaction (eth_sendTransaction) or signed bytes (eth_sendRawTransaction); it is mined on return."""
        sent = self.rpc.call(method, transaction)
        while self.rpc.call("eth_getTransactionReceipt", sent) is None:
            time.sleep(0.002)

    def move_to(self, timestamp: int) -> None:
        """Mines one block at `timestamp`."""
        self.rpc.call("evm_mine", timestamp)

    def give_ether(self, address: str, wei: int = 10**21) -> None:
        self.rpc.call("anvil_setBalance", address, hex(wei))

    def reorg(self, depth: int, first: Sequence[str] = ()) -> None:
        """Replaces the newest `depth` blocks by empty ones, or with these signed transactions in the first of them.

        Nothing is mined meanwhile: anvil loses one of its own blocks where one is made in the middle of it.
        """
        mines = self.rpc.call("anvil_getAutomine")
        if mines:
            self.rpc.call("evm_setAutomine", False)
            time.sleep(0.1)
        try:
            self.rpc.call("anvil_reorg", depth, [[raw, 0] for raw in first])
        finally:
            if mines:
                self.rpc.call("evm_setAutomine", True)
                if int(self.rpc.call("txpool_status")["pending"], 16):
                    self.mine()

    def stop(self) -> None:
        self.rpc.close()
        self.process.kill()
        self.process.communicate()
        shutil.rmtree(self.states, ignore_errors=True)


def start_anvil(
    *,
    chain_id: int = CHAINS["local"].chain_id,
    timestamp: int = GENESIS_TIMESTAMP,
    arguments: tuple[str, ...] = (),
) -> Anvil:
    """A fresh chain on a free port; `stop()` ends it."""
    for attempt in range(3):
        port, states = free_port(), tempfile.mkdtemp(prefix="chainpoints-anvil-")
        command = [str(anvil_binary(ROOT)), "--port", str(port), "--chain-id", str(chain_id), "--quiet"]
        command += ["--cache-path", states]
        command += ["--timestamp", str(timestamp), "--hardfork", "prague", "--no-request-size-limit", *arguments]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        anvil = Anvil(port, process, states)
        for _ in range(400):
            with contextlib.suppress(RpcError):
                anvil.rpc.call("anvil_setBlockTimestampInterval", 1)
                return anvil
            if process.poll() is not None:
                break
            time.sleep(0.025)
        anvil.rpc.close()
        process.kill()
        _, problem = process.communicate()
        shutil.rmtree(states, ignore_errors=True)
        if attempt == 2:
            raise AssertionError(f"anvil does not start: {problem.decode()}")
    raise AssertionError("unreachable")


def settings_for(folder: Path, anvil: Anvil, **environment: str) -> Settings:
    """Settings for a chain on `anvil`, with all files in `folder`."""
    return load_settings(
        {
            "CHAINPOINTS_HOME": str(folder / "home"),
            "CHAINPOINTS_DEPLOYMENTS": str(folder / "deployments"),
            "CHAINPOINTS_RPC_URL": anvil.url,
            "CHAINPOINTS_CHAIN_PORT": str(anvil.port),
            "CHAINPOINTS_PORT": str(free_port()),
            **environment,
        }
    )


def public_settings(folder: Path, anvil: Anvil, chain: str) -> Settings:
    """Settings for a public chain that `anvil` plays, with an encrypted keystore for each role."""
    keys, password = folder / "keys", folder / "password"
    keys.mkdir()
    password.write_text("a password of the tests\n")
    for role in ROLES:
        # Few rounds: it is not the keystore's strength that is tested.
        keystore = Account.encrypt(private_key(role), "a password of the tests", kdf="pbkdf2", iterations=2)
        (keys / f"{role}.json").write_text(json.dumps(keystore))
    return settings_for(
        folder,
        anvil,
        CHAINPOINTS_CHAIN=chain,
        CHAINPOINTS_KEYS=str(keys),
        CHAINPOINTS_KEYS_PASSWORD_FILE=str(password),
    )


@dataclass(frozen=True)
class Deployment:
    """A local chain with everything deployed on it."""

    anvil: Anvil
    settings: Settings
    artifacts: dict[str, Artifact]
    manifest: Manifest

    @property
    def rpc(self) -> Rpc:
        return self.anvil.rpc


def deploy_on(anvil: Anvil, folder: Path, artifacts: dict[str, Artifact]) -> Deployment:
    settings = settings_for(folder, anvil)
    return Deployment(anvil, settings, artifacts, deploy_to(settings, artifacts, silent))


def sample_manifest(chain_id: int = CHAINS["local"].chain_id) -> Manifest:
    """A manifest of a deployment that is on no chain, for tests that only need addresses."""
    names = ("PointsToken", "PaymentProcessor", "ReleaseNode")
    contracts = {
        name: DeployedContract(Address(f"0x{index:040x}"), Hash32("0x" + "00" * 32), 1)
        for index, name in enumerate(names, start=1)
    }
    return Manifest(
        chain_id=chain_id,
        first_block=1,
        deployer=ZERO_ADDRESS,
        first_nonce=0,
        contracts=contracts,
        compiler=CompilerSettings("0.8.37", 200, True, "cancun"),
        roles={},
        programs=[],
        terms={},
    )


def silent(_line: str) -> None:
    """Progress that nobody needs."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server: CHAINPOINTS_TEST_POSTGRES, or a server of our own that ends with the block.

    Raises PostgresUnavailable with the reason when neither can be had.
    """
    if given := os.environ.get("CHAINPOINTS_TEST_POSTGRES"):
        try:
            psycopg.connect(f"{given}/postgres").close()
        except psycopg.OperationalError as error:
            told = f"the server of CHAINPOINTS_TEST_POSTGRES does not answer: {error}"
            raise PostgresUnavailable(told) from None
        yield given
        return
    with running_postgres("fsync=off") as server:
        yield server.address


@contextmanager
def fresh_database(server: str, name: str) -> Iterator[str]:
    """The address of an empty database of this name on the server; dropped when the block ends."""
    try:
        yield new_database(server, name)
    finally:
        drop_database(server, name)
