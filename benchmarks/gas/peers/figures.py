"""What peers cost, as committed in peers.json: each with its source and the day on which it was measured."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.gas.snapshot import Gas

PEERS = Path(__file__).parents[1] / "peers.json"


class Peer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`gas` is of whole transactions by operation, of batches per item."""

    name: str
    source: str
    """Where the contracts come from, with their version."""

    measured: str
    """The day (ISO 8601) on which these figures were measured first, or the month if the day was not written down."""

    remeasured: bool
    """Whether `make gas` measures this peer again."""

    gas: Gas
    note: str = ""
    less_than_ours: tuple[str, ...] = ()
    """Operations that do less than ours, as `note` says: shown in brackets, and never the best peer."""


def load_peers() -> list[Peer]:
    return msgspec.json.decode(PEERS.read_bytes(), type=list[Peer])


def save_peers(peers: list[Peer]) -> None:
    PEERS.write_bytes(msgspec.json.format(msgspec.json.encode(peers), indent=2) + b"\n")
