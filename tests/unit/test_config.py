"""config: the environment is read once; secrets are not shown; every setting is documented (T39)."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from chainpoints.config import VARIABLES, Secret, load_settings
from chainpoints.errors import ConfigError

ROOT = Path(__file__).parents[2]
TEST_VARIABLE = "CHAINPOINTS_" + "TEST_[A-Z]+"


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
        {"CHAINPOINTS_SIGNER_URL": "signer:9000"},
        {"CHAINPOINTS_RELAYER_KEYS": "0"},
        {"CHAINPOINTS_RELAYER_KEYS": "17"},
        {"CHAINPOINTS_MAX_FEE_GWEI": "-1"},
        {"CHAINPOINTS_GAS_BUDGET": "1e3"},
        {"CHAINPOINTS_GAS_BUDGET": "0.0000000001"},
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


def test_every_variable_of_the_tests_is_documented_for_contributors() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    used = {name for file in (ROOT / "tests").rglob("*.py") for name in re.findall(TEST_VARIABLE, file.read_text())}
    assert used
    assert {name for name in used if f"`{name}`" not in contributing} == set()


def test_other_projects_see_that_the_package_is_typed() -> None:
    assert files("chainpoints").joinpath("py.typed").is_file()


@pytest.mark.parametrize("address", ["the-key", "127.0.0.1:8545/the-key", "ws://host/the-key", " http://host/the-key"])
def test_what_is_no_address_of_an_endpoint_is_refused_without_it(address: str) -> None:
    with pytest.raises(ConfigError, match="CHAINPOINTS_RPC_URL") as refused:
        load_settings({"CHAINPOINTS_RPC_URL": address})
    assert "the-key" not in str(refused.value)


def test_a_gas_budget_is_eth_in_gwei() -> None:
    assert load_settings({"CHAINPOINTS_GAS_BUDGET": "1.05"}).gas_budget_gwei == 1_050_000_000
    assert load_settings({}).gas_budget_gwei is None
    public = {"CHAINPOINTS_CHAIN": "hoodi", "CHAINPOINTS_RPC_URL": "http://127.0.0.1:1"}
    assert load_settings(public).gas_budget_gwei == 1_000_000_000
