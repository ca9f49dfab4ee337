"""Keys: encrypted keystore files, one for each role; on the local chain public keys that are worth nothing.

A key is in memory only inside a `Signer`. No repr, text, pickle or exception of this module shows a key or a password.
A role whose key is held elsewhere signs through an external signer (chain/remote_signer).
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, NoReturn, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from chainpoints.chain.remote_signer import RemoteSigner
from chainpoints.config import Secret, Settings
from chainpoints.errors import ConfigError, InvalidInput
from chainpoints.types import Address, parse_address

ROLES = ("deployer", "admin", "relayer", "issuer", "approver", "registrar", "guardian", "anchorer", "program_manager")

_NUMBERED = re.compile(r"relayer-[1-9][0-9]?")


class TransactionSigner(Protocol):
    """What signs for one account, wherever its key is."""

    @property
    def address(self) -> Address: ...

    def sign_transaction(self, fields: dict[str, Any]) -> tuple[str, str]:
        """The signed transaction, ready to send, and its hash, as 0x text.

        Raises InvalidInput naming a wrong field, SignerError when the key is elsewhere and cannot be asked now.
        """


class Signer:
    """An account that can sign. Shows its address and nothing else."""

    __slots__ = ("_account", "address")

    def __init__(self, private_key: bytes) -> None:
        self._account: LocalAccount = Account.from_key(private_key)
        self.address = Address(self._account.address.lower())

    def sign_transaction(self, fields: dict[str, Any]) -> tuple[str, str]:
        """The signed transaction, ready to send, and its hash, as 0x text. Raises InvalidInput naming a wrong field."""
        try:
            if "to" in fields:
                fields = fields | {"to": to_checksum_address(fields["to"])}
            signed = self._account.sign_transaction(fields)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"this transaction cannot be signed: {error}") from None
        return "0x" + signed.raw_transaction.hex(), "0x" + signed.hash.hex()

    def __repr__(self) -> str:
        return f"Signer({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer cannot be pickled or copied: its key stays in this process")


def local_key(role: str) -> bytes:
    """The private key of a role on the local chain: public and worthless, the same on every machine."""
    return keccak(text=f"chainpoints local {role}")


def relayer_keys(settings: Settings) -> list[str]:
    """The names of the keys that send what needs no role: relayer, relayer-2, relayer-3, ..."""
    return ["relayer", *(f"relayer-{number}" for number in range(2, settings.relayer_keys + 1))]


def load_signer(settings: Settings, role: str) -> TransactionSigner:
    """The signer of a role. Raises ConfigError that names the file or the setting at fault."""
    _check_role(role)
    if settings.signer_url and _is_elsewhere(settings, role):
        return RemoteSigner(settings.signer_url, role_address(settings, role))
    if settings.chain.is_local:
        return Signer(local_key(role))
    path = keystore_path(settings, role)
    keystore = _read_keystore(path, role)
    password = _read_password(settings.keys_password_file)
    try:
        return Signer(Account.decrypt(keystore, password.reveal()))
    except (ValueError, TypeError, KeyError):
        # The library's own words may quote what it was given.
        raise ConfigError(
            f"the {role} keystore {path} does not open with the password in {settings.keys_password_file}: another "
            "password fits or the file is damaged; correct CHAINPOINTS_KEYS_PASSWORD_FILE or restore the keystore"
        ) from None


def role_address(settings: Settings, role: str) -> Address:
    """The address of a role's account, without its key.

    It is what its keystore says, or what `<role>.address` holds: for an account whose key is elsewhere (a multisig).
    """
    _check_role(role)
    if settings.chain.is_local and not (settings.signer_url and _is_elsewhere(settings, role)):
        return Signer(local_key(role)).address
    path = keystore_path(settings, role)
    plain = path.with_suffix(".address")
    named = plain.read_text().strip() if plain.exists() else str(_read_keystore(path, role).get("address", ""))
    try:
        return parse_address("0x" + named.removeprefix("0x"))
    except InvalidInput as error:
        raise ConfigError(f"{plain if plain.exists() else path} names no address of the {role}: {error}") from None


def keystore_path(settings: Settings, role: str) -> Path:
    """Where a role's keystore stands. Raises ConfigError when CHAINPOINTS_KEYS is not set."""
    if settings.keys is None:
        raise ConfigError(
            f"{settings.chain.name} needs a key for the {role} and CHAINPOINTS_KEYS is not set; point it at a folder "
            f"with {role}.json, an encrypted keystore (docs/operations/deploy.md says how to make one)"
        )
    return settings.keys / f"{role}.json"


def create_keystore(path: Path, password: Secret) -> Address:
    """Makes a new key and writes it encrypted, readable by its owner alone. Raises ConfigError if the file exists."""
    account = Account.create()
    content = json.dumps(Account.encrypt(account.key, password.reveal()), sort_keys=True) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{path} exists and may hold a key in use; choose another file, or move it away") from None
    with os.fdopen(file, "w") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    return Address(account.address.lower())


def _is_elsewhere(settings: Settings, role: str) -> bool:
    """Whether the role has an address file, which says that its key is not here."""
    return settings.keys is not None and (settings.keys / f"{role}.address").exists()


def _check_role(role: str) -> None:
    if role not in ROLES and not _NUMBERED.fullmatch(role):
        raise ConfigError(f"no role {role}; the roles are {', '.join(ROLES)}")


def _read_keystore(path: Path, role: str) -> dict[str, Any]:
    try:
        keystore = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(
            f"there is no keystore for the {role}: {path} is missing; make one (docs/operations/deploy.md), correct "
            f"CHAINPOINTS_KEYS, or set CHAINPOINTS_SIGNER_URL if {path.with_suffix('.address').name} names its account"
        ) from None
    except (OSError, ValueError):
        raise ConfigError(f"the {role} keystore {path} cannot be read as JSON; restore it from its backup") from None
    if not isinstance(keystore, dict):
        raise ConfigError(f"{path} is not an encrypted keystore; restore it from its backup")
    return keystore


def _read_password(path: Path | None) -> Secret:
    if path is None:
        raise ConfigError(
            "CHAINPOINTS_KEYS_PASSWORD_FILE is not set and the keystores are encrypted; point it at a file that holds "
            "their password and that only you can read"
        )
    try:
        return Secret(path.read_text().rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the password file {path} cannot be read ({type(error).__name__}); correct CHAINPOINTS_KEYS_PASSWORD_FILE"
        ) from None
