"""Settings: the environment is read once, here, into a frozen object that is passed along.

Every variable is listed in `VARIABLES` with its meaning; docs/operations/settings.md shows the same list (a test
compares them). A `Secret` never shows its value in a repr, a log or an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chainpoints.errors import ConfigError

VARIABLES: dict[str, str] = {
    "CHAINPOINTS_HOME": "folder for the local chain's state, the database, keys and logs (default: .chainpoints)",
    "CHAINPOINTS_CHAIN": "which chain: local (default), hoodi, base-sepolia",
    "CHAINPOINTS_RPC_URL": "address of the chain's RPC endpoint (default for the local chain: its own port)",
    "CHAINPOINTS_RPC_WS_URL": "WebSocket address of the chain: new blocks wake the indexer (default: it polls)",
    "CHAINPOINTS_RPC_CHECK_URL": "RPC endpoint of another provider, to tell the same blocks and logs (default: none)",
    "CHAINPOINTS_CHAIN_PORT": "port of the local chain (default: 8646)",
    "CHAINPOINTS_DATABASE": "database address: sqlite:///file (default: in the home folder) or postgresql://user@host/name",
    "CHAINPOINTS_HOST": "address that the gateway listens on (default: 127.0.0.1)",
    "CHAINPOINTS_PORT": "port that the gateway listens on (default: 8600)",
    "CHAINPOINTS_DEPLOYMENTS": "folder of the deployment manifests (default: deployments)",
    "CHAINPOINTS_KEYS": "folder of encrypted keystore files, one for each role: deployer.json, relayer.json, ...",
    "CHAINPOINTS_KEYS_PASSWORD_FILE": "file that holds the password of the keystore files",
    "CHAINPOINTS_SIGNER_URL": "an external signer (web3signer's HTTP API) for the roles that have `<role>.address`",
    "CHAINPOINTS_RELAYER_KEYS": "how many keys send payments, refunds, claims: relayer, relayer-2, ... (default: 1)",
    "CHAINPOINTS_MAX_FEE_GWEI": "the most that a unit of gas may cost, in gwei (default: 300; local chain: 10000)",
    "CHAINPOINTS_GAS_BUDGET": "ETH that a merchant's relayed requests may cost in a day, and all claims together; "
    "merchants may have other ones (default: 1; local chain: no limit)",
    "CHAINPOINTS_LOG_LEVEL": "debug, info (default), warning or error",
    "CHAINPOINTS_WEBHOOKS_TO_PRIVATE": "yes: webhooks may go to this machine itself; local chain only (default: no)",
}

GWEI_IN_ETHER = 10**9
_ETHER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class Secret:
    """A text that must not be shown: `reveal()` gives it, everything else gives stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain as data. `finality_depth` blocks below the head count as final; None: the node's `finalized` tag."""

    key: str
    chain_id: int
    name: str
    finality_depth: int | None
    poll_seconds: float
    explorer: str | None = None

    @property
    def is_local(self) -> bool:
        return self.key == "local"

    @property
    def caip2(self) -> str:
        return f"eip155:{self.chain_id}"


CHAINS: dict[str, Chain] = {
    chain.key: chain
    for chain in (
        Chain("local", 31337, "local chain (anvil)", finality_depth=64, poll_seconds=0.02),
        Chain("hoodi", 560048, "Hoodi", None, 2.0, explorer="https://hoodi.etherscan.io"),
        Chain("base-sepolia", 84532, "Base Sepolia", None, 1.0, explorer="https://sepolia.basescan.org"),
    )
}


@dataclass(frozen=True, slots=True)
class Settings:
    chain: Chain
    rpc_url: Secret
    rpc_ws_url: Secret | None
    rpc_check_url: Secret | None
    chain_port: int
    home: Path
    database: Secret
    host: str
    port: int
    deployments: Path
    keys: Path | None
    keys_password_file: Path | None
    log_level: str
    webhooks_to_private: bool
    signer_url: Secret | None = None
    relayer_keys: int = 1
    max_fee_gwei: int = 300
    gas_budget_gwei: int | None = None

    @property
    def runs_the_chain(self) -> bool:
        """True when the chain is the local one that `chainpoints run` starts on the chain port."""
        return self.chain.is_local and self.rpc_url.reveal() == f"http://127.0.0.1:{self.chain_port}"

    @property
    def manifest(self) -> Path:
        """Where this chain's deployment manifest stands."""
        return self.deployments / f"{self.chain.chain_id}.json"


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment. Raises ConfigError for a variable that is unknown or not of its form."""
    env = os.environ if environment is None else environment
    unknown = sorted(name for name in env if name.startswith("CHAINPOINTS_") and name not in VARIABLES)
    unknown = [name for name in unknown if not name.startswith("CHAINPOINTS_TEST_")]
    if unknown:
        raise ConfigError(f"unknown setting {', '.join(unknown)}; the settings are: {', '.join(VARIABLES)}")
    key = env.get("CHAINPOINTS_CHAIN", "local")
    if key not in CHAINS:
        raise ConfigError(f"CHAINPOINTS_CHAIN={key}: no such chain; choose one of {', '.join(CHAINS)}")
    chain = CHAINS[key]
    chain_port = _port(env, "CHAINPOINTS_CHAIN_PORT", 8646)
    rpc_url = env.get("CHAINPOINTS_RPC_URL") or (f"http://127.0.0.1:{chain_port}" if chain.is_local else "")
    if not rpc_url:
        raise ConfigError(f"CHAINPOINTS_RPC_URL is not set; {chain.name} needs the address of an RPC endpoint")
    _require_scheme("CHAINPOINTS_RPC_URL", rpc_url, "http://", "https://")
    home = Path(env.get("CHAINPOINTS_HOME", ".chainpoints")).absolute()
    password_file = env.get("CHAINPOINTS_KEYS_PASSWORD_FILE")
    keys = env.get("CHAINPOINTS_KEYS")
    level = env.get("CHAINPOINTS_LOG_LEVEL", "info")
    if level not in ("debug", "info", "warning", "error"):
        raise ConfigError(f"CHAINPOINTS_LOG_LEVEL={level}: choose debug, info, warning or error")
    return Settings(
        chain=chain,
        rpc_url=Secret(rpc_url),
        rpc_ws_url=_address(env, "CHAINPOINTS_RPC_WS_URL", "ws://", "wss://"),
        rpc_check_url=_address(env, "CHAINPOINTS_RPC_CHECK_URL", "http://", "https://"),
        chain_port=chain_port,
        home=home,
        database=Secret(env.get("CHAINPOINTS_DATABASE") or f"sqlite:///{home / f'gateway-{chain.chain_id}.db'}"),
        host=env.get("CHAINPOINTS_HOST", "127.0.0.1"),
        port=_port(env, "CHAINPOINTS_PORT", 8600),
        deployments=Path(env.get("CHAINPOINTS_DEPLOYMENTS", "deployments")).absolute(),
        keys=Path(keys).absolute() if keys else None,
        keys_password_file=Path(password_file).absolute() if password_file else None,
        log_level=level,
        webhooks_to_private=_webhooks_to_private(env, chain),
        signer_url=_signer_url(env),
        relayer_keys=_number(env, "CHAINPOINTS_RELAYER_KEYS", 1, most=16),
        max_fee_gwei=_number(env, "CHAINPOINTS_MAX_FEE_GWEI", 10_000 if chain.is_local else 300, most=1_000_000),
        gas_budget_gwei=_gas_budget(env, None if chain.is_local else GWEI_IN_ETHER),
    )


def _webhooks_to_private(env: Mapping[str, str], chain: Chain) -> bool:
    answer = env.get("CHAINPOINTS_WEBHOOKS_TO_PRIVATE", "no")
    if answer not in ("yes", "no"):
        raise ConfigError(f"CHAINPOINTS_WEBHOOKS_TO_PRIVATE={answer}: choose yes or no")
    if answer == "yes" and not chain.is_local:
        raise ConfigError(
            f"CHAINPOINTS_WEBHOOKS_TO_PRIVATE=yes is for the local chain only, not for {chain.name}: merchants could "
            "reach what listens inside of this machine; unset it"
        )
    return answer == "yes"


def parse_ether(text: str) -> int | None:
    """Gwei from a decimal text of ETH with at most 9 decimals; None when it is not of that form."""
    if not _ETHER.fullmatch(text):
        return None
    whole, _, part = text.partition(".")
    return int(whole) * GWEI_IN_ETHER + int(part.ljust(9, "0"))


def _gas_budget(env: Mapping[str, str], default: int | None) -> int | None:
    if not (text := env.get("CHAINPOINTS_GAS_BUDGET")):
        return default
    gwei = parse_ether(text)
    if gwei is None:
        raise ConfigError(f"CHAINPOINTS_GAS_BUDGET={text}: not an amount of ETH; write it as 0.5")
    return gwei


def _signer_url(env: Mapping[str, str]) -> Secret | None:
    url = env.get("CHAINPOINTS_SIGNER_URL")
    if url and not url.startswith(("http://", "https://")):  # its value may hold a password: it is not told
        raise ConfigError("CHAINPOINTS_SIGNER_URL is not an address of a signer: it begins with http:// or https://")
    return Secret(url.rstrip("/")) if url else None


def _number(env: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    text = env.get(name, str(default))
    if not text.isdecimal() or not 0 < int(text[:20]) <= most:
        raise ConfigError(f"{name}={text}: choose a number from 1 to {most}")
    return int(text)


def _address(env: Mapping[str, str], name: str, *schemes: str) -> Secret | None:
    """An endpoint's address that may be left out."""
    if not (address := env.get(name)):
        return None
    _require_scheme(name, address, *schemes)
    return Secret(address)


def _require_scheme(name: str, address: str, *schemes: str) -> None:
    if not address.startswith(schemes):  # its value may hold a key: it is not told
        raise ConfigError(f"{name} is not an address of an RPC endpoint: it begins with {' or '.join(schemes)}")


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ConfigError(f"{name}={text}: not a port; choose a number from 1 to 65535")
    return int(text)
