"""Keys that are held elsewhere: web3signer's HTTP API, of which three routes are used.

`GET /upcheck`; `GET /api/v1/eth1/publicKeys`; `POST /api/v1/eth1/sign/{public key}` with `{"data": "0x..."}`, which
signs keccak256 of the data and answers r, s and v as 0x text. What it answers is believed only when the account's own
address is recovered from it, so nothing that somebody else signed is ever on record.
"""

from __future__ import annotations

import json
from typing import Any

import rlp  # type: ignore[import-untyped]
import urllib3
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from chainpoints.chain.signatures import HALF_ORDER
from chainpoints.config import Secret
from chainpoints.errors import InvalidInput, SignerError
from chainpoints.types import Address

TIMEOUT_SECONDS = 5.0
_DYNAMIC_FEE = b"\x02"


class RemoteSigner:
    """An account whose key an external signer holds. Every method raises SignerError when that cannot be asked."""

    def __init__(self, url: Secret, address: Address, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url, self._timeout_seconds = url, timeout_seconds
        self._http = urllib3.PoolManager(maxsize=2, timeout=timeout_seconds, retries=False)
        self._public_key: str | None = None
        self.address = address

    def sign_transaction(self, fields: dict[str, Any]) -> tuple[str, str]:
        """The signed transaction (EIP-1559), ready to send, and its hash, as 0x text."""
        try:
            unsigned = _listed(fields)
            payload = _DYNAMIC_FEE + rlp.encode(unsigned)
        except (KeyError, TypeError, ValueError, rlp.exceptions.RLPException) as error:
            raise InvalidInput(f"this transaction cannot be signed: {error!r}") from None
        r, s, parity = self._signature(payload)
        raw = _DYNAMIC_FEE + rlp.encode([*unsigned, parity, r, s])
        self._check_sender(raw)
        return "0x" + raw.hex(), "0x" + keccak(raw).hex()

    def check(self) -> None:
        """Raises SignerError unless the signer is up and holds the account's key."""
        self._ask("GET", "/upcheck")
        self._public_key = None
        self._identifier()

    def __repr__(self) -> str:
        return f"RemoteSigner({self.address})"

    def _signature(self, payload: bytes) -> tuple[int, int, int]:
        """r, s and the parity of y."""
        content = self._ask("POST", f"/api/v1/eth1/sign/{self._identifier()}", {"data": "0x" + payload.hex()})
        try:
            signature = bytes.fromhex(content.decode().strip().strip('"').removeprefix("0x"))
        except ValueError:
            signature = b""
        if len(signature) != 65 or signature[64] not in (0, 1, 27, 28):
            raise self._wrong("its signature is not r, s and v")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        if s > HALF_ORDER:
            raise self._wrong("its signature has a high s, which no chain takes")
        return r, s, signature[64] % 27

    def _check_sender(self, raw: bytes) -> None:
        try:
            sender = str(Account.recover_transaction(raw)).lower()
        except Exception:  # the library raises what it likes for a signature of nobody
            sender = "nobody"
        if sender != self.address:
            self._public_key = None  # it may have another key under that name now
            raise self._wrong(f"it signed as {sender}")

    def _identifier(self) -> str:
        """The public key that the signer knows the account by."""
        if self._public_key is None:
            try:
                listed = json.loads(self._ask("GET", "/api/v1/eth1/publicKeys"))
                found = {_address_of(str(key)): str(key) for key in listed}
            except (TypeError, ValueError):
                raise self._wrong("its list of public keys cannot be read") from None
            if self.address not in found:
                raise SignerError(
                    f"the external signer holds no key of {self.address} ({len(found)} others); load it there, or "
                    "correct the address file of the role"
                )
            self._public_key = found[self.address]
        return self._public_key

    def _ask(self, method: str, path: str, body: Any = None) -> bytes:
        try:
            answer = self._http.request(method, self._url.reveal() + path, json=body)
        except urllib3.exceptions.HTTPError as error:  # its text may hold the address, and that a password
            raise SignerError(
                f"the external signer does not answer within {self._timeout_seconds:g} seconds "
                f"({type(error).__name__}); see that it runs, and CHAINPOINTS_SIGNER_URL"
            ) from None
        if answer.status == 404 and method == "POST":
            self._public_key = None
        if answer.status != 200:
            raise SignerError(f"the external signer answered HTTP {answer.status} for {self.address}; see its log")
        return answer.data

    def _wrong(self, what: str) -> SignerError:
        return SignerError(
            f"the external signer's answer for {self.address} is wrong: {what}. Nothing was sent; check that "
            "CHAINPOINTS_SIGNER_URL is your signer"
        )


def _listed(fields: dict[str, Any]) -> list[Any]:
    """The fields of an EIP-1559 transaction in the order in which they are signed; its access list is empty."""
    names = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas")
    numbers = [int(fields[name]) for name in names]
    to = bytes.fromhex(to_checksum_address(fields["to"])[2:]) if "to" in fields else b""
    data = bytes.fromhex(str(fields.get("data", "0x")).removeprefix("0x"))
    return [*numbers, to, int(fields["value"]), data, []]


def _address_of(public_key: str) -> Address:
    """Of an uncompressed public key as hex, with or without its 04."""
    point = bytes.fromhex(public_key.removeprefix("0x"))[-64:]
    return Address("0x" + keccak(point)[12:].hex())
