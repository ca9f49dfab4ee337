"""signer: keys come from encrypted keystores and are shown nowhere (T39)."""

from __future__ import annotations

import copy
import json
import pickle
import stat
import traceback
from pathlib import Path

import pytest
from eth_account import Account

from builders import private_key
from chainpoints.chain.signer import ROLES, Signer, create_keystore, load_signer, role_address
from chainpoints.config import Secret, Settings, load_settings
from chainpoints.errors import ConfigError, InvalidInput

pytestmark = pytest.mark.unit

PASSWORD = "correct horse battery staple"
TRANSACTION = {
    "chainId": 560048,
    "nonce": 7,
    "to": "0x" + "ab" * 20,
    "value": 0,
    "data": "0x1234",
    "gas": 50_000,
    "maxFeePerGas": 2,
    "maxPriorityFeePerGas": 1,
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    return load_settings(
        {
            "CHAINPOINTS_CHAIN": "hoodi",
            "CHAINPOINTS_RPC_URL": "http://127.0.0.1:1",
            "CHAINPOINTS_KEYS": str(tmp_path / "keys"),
            "CHAINPOINTS_KEYS_PASSWORD_FILE": str(tmp_path / "password"),
        }
    )


@pytest.fixture
def keystore(settings: Settings) -> Path:
    """A keystore of the relayer; few rounds, since the strength of scrypt is not what is tested."""
    assert settings.keys
    settings.keys.mkdir()
    path = settings.keys / "relayer.json"
    path.write_text(json.dumps(Account.encrypt(private_key("relayer"), PASSWORD, kdf="pbkdf2", iterations=2)))
    return path


def test_a_keystore_opens_with_its_password(settings: Settings, keystore: Path) -> None:
    signer = load_signer(settings, "relayer")
    raw, transaction_hash = signer.sign_transaction(TRANSACTION)
    assert signer.address == Account.from_key(private_key("relayer")).address.lower()
    assert Account.recover_transaction(raw).lower() == signer.address
    assert len(transaction_hash) == 66
    assert role_address(settings, "relayer") == signer.address


def test_a_new_keystore_is_encrypted_and_only_its_owner_reads_it(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "issuer.json"
    address = create_keystore(path, Secret(PASSWORD))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_signer(settings, "issuer").address == address
    with pytest.raises(ConfigError, match="may hold a key in use"):
        create_keystore(path, Secret(PASSWORD))


def test_T39_no_text_of_a_signer_holds_its_key() -> None:
    key = private_key("relayer")
    signer = Signer(key)
    shown = [repr(signer), str(signer), f"{signer}", f"{[signer]}", repr(vars(type(signer)))]
    with pytest.raises(InvalidInput) as refused:
        signer.sign_transaction({"nonce": "seven", "data": "0x" + key.hex()})
    shown.append("".join(traceback.format_exception(refused.value)))
    assert all(signer.address in text for text in shown[:3])
    assert not [text for text in shown if key.hex() in text.lower() or str(int.from_bytes(key)) in text]
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            leak(signer)


def test_T39_no_error_of_a_keystore_holds_its_key_or_password(settings: Settings, keystore: Path) -> None:
    keystore.write_text(keystore.read_text().replace('"ciphertext": "', '"ciphertext": "00'))
    with pytest.raises(ConfigError, match=r"relayer\.json does not open with the password in") as refused:
        load_signer(settings, "relayer")
    text = "".join(traceback.format_exception(refused.value))
    assert PASSWORD not in text
    assert private_key("relayer").hex() not in text


@pytest.mark.parametrize(
    ("spoil", "what", "what_to_do"),
    [
        (lambda s, k: k.unlink(), "there is no keystore for the relayer", "make one"),
        (lambda s, k: k.write_text("{"), "cannot be read as JSON", "restore it from its backup"),
        (lambda s, k: k.write_text("[]"), "is not an encrypted keystore", "restore it from its backup"),
        (lambda s, k: k.write_text("{}"), "does not open", "restore the keystore"),
        (
            lambda s, k: s.keys_password_file.write_text("wrong"),
            "does not open",
            "correct CHAINPOINTS_KEYS_PASSWORD_FILE",
        ),
        (lambda s, k: s.keys_password_file.unlink(), "cannot be read (FileNotFoundError)", "correct CHAINPOINTS_KEYS"),
    ],
)
def test_says_what_is_wrong_with_a_key_and_what_to_do(
    settings: Settings, keystore: Path, spoil: object, what: str, what_to_do: str
) -> None:
    spoil(settings, keystore)  # type: ignore[operator]
    with pytest.raises(ConfigError) as refused:
        load_signer(settings, "relayer")
    assert what in str(refused.value)
    assert what_to_do in str(refused.value)


@pytest.mark.parametrize("missing", ["CHAINPOINTS_KEYS", "CHAINPOINTS_KEYS_PASSWORD_FILE"])
def test_says_which_setting_is_missing(keystore: Path, tmp_path: Path, missing: str) -> None:
    given = {"CHAINPOINTS_KEYS": str(keystore.parent), "CHAINPOINTS_KEYS_PASSWORD_FILE": str(tmp_path / "password")}
    del given[missing]
    settings = load_settings({"CHAINPOINTS_CHAIN": "hoodi", "CHAINPOINTS_RPC_URL": "http://127.0.0.1:1"} | given)
    with pytest.raises(ConfigError, match=f"{missing} is not set"):
        load_signer(settings, "relayer")


def test_an_address_without_a_key_is_enough_for_a_role(settings: Settings) -> None:
    assert settings.keys
    settings.keys.mkdir()
    (settings.keys / "admin.address").write_text("0x" + "AB" * 20 + "\n")
    assert role_address(settings, "admin") == "0x" + "ab" * 20
    for wrong in ("0x1234", "0x" + "Ab" * 20):
        (settings.keys / "admin.address").write_text(wrong)
        with pytest.raises(ConfigError, match=r"admin\.address names no address of the admin"):
            role_address(settings, "admin")


def test_local_accounts_are_the_same_everywhere_and_apart() -> None:
    settings = load_settings({})
    addresses = {role: load_signer(settings, role).address for role in ROLES}
    assert addresses["deployer"] == "0xbe2abc4ffd90ede8875cddb8933a0c90987e5cb2"
    assert len(set(addresses.values())) == len(ROLES)
    assert addresses == {role: role_address(settings, role) for role in ROLES}


def test_no_other_role_has_a_key() -> None:
    with pytest.raises(ConfigError, match="no role owner; the roles are deployer, admin"):
        load_signer(load_settings({}), "owner")
