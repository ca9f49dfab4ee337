"""config: the environment is read once; secrets are not shown; every setting is documented (T39)."""

from pathlib import Path

import pytest

from chainpoints.config import VARIABLES, Secret, load_settings
from chainpoints.errors import ConfigError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "environment",
    [
        {"CHAINPOINTS_CHIAN": "local"},
        {"CHAINPOINTS_CHAIN": "moon"},
        {"CHAINPOINTS_CHAIN": "hoodi"},
        {"CHAINPOINTS_PORT": "0"},
        {"CHAINPOINTS_PORT": "65536"},
        {"CHAINPOINTS_PORT": "eight"},
        {"CHAINPOINTS_LOG_LEVEL": "loud"},
    ],
)
def test_refuses_settings_that_make_no_sense(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="CHAINPOINTS_"):
        load_settings(environment)


def test_the_local_chain_needs_no_setting() -> None:
    settings = load_settings({})
    assert settings.chain.is_local
    assert settings.rpc_url.reveal() == f"http://127.0.0.1:{settings.chain_port}"
    assert settings.database.reveal().startswith("sqlite:///")


def test_a_public_testnet_is_configuration_only() -> None:
    settings = load_settings({"CHAINPOINTS_CHAIN": "base-sepolia", "CHAINPOINTS_RPC_URL": "https://rpc.example/key"})
    assert settings.chain.caip2 == "eip155:84532"
    assert settings.manifest.name == "84532.json"


def test_secrets_are_not_shown() -> None:
    environment = {
        "CHAINPOINTS_RPC_URL": "https://rpc.example/s3cret",
        "CHAINPOINTS_DATABASE": "postgresql://me:s3cret@host/name",
    }
    settings = load_settings(environment)
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in f"{Secret('s3cret')} {Secret('s3cret')!r}"


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs/operations/settings.md").read_text()
    missing = [name for name, meaning in VARIABLES.items() if f"| `{name}` | {meaning} |" not in page]
    assert missing == []
