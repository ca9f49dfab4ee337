"""Why the chain refused a call: revert data into the error's name, its arguments and a plain sentence."""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from chainpoints.chain.calls import canonical
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.sentences import SENTENCES
from chainpoints.errors import Reverted
from chainpoints.types import format_points

NO_REASON = (
    "The contract refused this without giving a reason. Check the request's addresses; if it stays, tell the operator."
)
UNKNOWN = "The contract refused this with an error that is not known here ({selector}). Tell the operator."
_YEAR_9999 = 253_370_764_800
_OF_THE_LANGUAGE = (
    {"name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


class Reverts:
    """Decodes the errors of a set of contracts: build it once, for the selectors of all errors are hashed then."""

    def __init__(self, artifacts: Mapping[str, Artifact]) -> None:
        entries = [entry for artifact in artifacts.values() for entry in artifact.abi if entry["type"] == "error"]
        self._errors = {keccak(text=canonical(entry))[:4]: entry for entry in (*_OF_THE_LANGUAGE, *entries)}

    def decode(self, data: str | None) -> Reverted:
        """The error that `data` (0x text) encodes. Never raises: what is not known is said to be unknown."""
        raw = _bytes(data)
        if len(raw) < 4:
            return Reverted("", {}, data or "0x", NO_REASON)
        entry = self._errors.get(raw[:4])
        if entry is None:
            return Reverted("", {}, data or "0x", UNKNOWN.format(selector="0x" + raw[:4].hex()))
        try:
            values = decode([parameter["type"] for parameter in entry["inputs"]], raw[4:])
        except (DecodingError, ValueError, OverflowError):
            return Reverted(entry["name"], {}, data or "0x", UNKNOWN.format(selector=entry["name"]))
        names = [parameter["name"] for parameter in entry["inputs"]]
        arguments = {name: _json(value) for name, value in zip(names, values, strict=True)}
        return Reverted(entry["name"], arguments, data or "0x", sentence(entry["name"], arguments))


def decode_revert(data: str | None, artifacts: Mapping[str, Artifact]) -> Reverted:
    """As `Reverts.decode`, for a single use."""
    return Reverts(artifacts).decode(data)


def sentence(name: str, arguments: Mapping[str, Any]) -> str:
    """The plain sentence of an error with its arguments filled in."""
    return _Formatter().vformat(SENTENCES.get(name, f"The contract refused this: {name}."), (), arguments)


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "points":
            return format_points(int(value))
        if format_spec == "time":
            return _time(int(value))
        return str(value)


def _time(unix_seconds: int) -> str:
    if unix_seconds >= _YEAR_9999:
        return "the end of time"
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _json(value: Any) -> Any:
    """Bytes as 0x text, integers that a JSON reader may not hold (node ids) as decimal text."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1 << 63:
        return str(value)
    return value


def _bytes(data: str | None) -> bytes:
    try:
        return bytes.fromhex((data or "").removeprefix("0x"))
    except ValueError:
        return b""
