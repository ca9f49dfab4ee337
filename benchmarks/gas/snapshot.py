"""Our gas: measured now, and as committed in snapshot.json."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.gas.chain import fresh_chain
from benchmarks.gas.operations import OPERATIONS, Operation, set_up
from benchmarks.gas.system import deploy
from chainpoints.chain.compiler import Artifact

SNAPSHOT = Path(__file__).with_name("snapshot.json")

Gas = dict[str, int]


def measure(artifacts: dict[str, Artifact]) -> Gas:
    """Each operation from the same beginning, so none depends on another, nor on their order."""
    gas: Gas = {}
    with fresh_chain() as chain:
        system = deploy(chain, artifacts)
        set_up(system)
        for operation in OPERATIONS:
            with system.undone():
                gas |= _keys(operation, operation.measure(system))
    return gas


def load() -> Gas:
    return msgspec.json.decode(SNAPSHOT.read_bytes(), type=Gas)


def save(gas: Gas) -> None:
    SNAPSHOT.write_bytes(msgspec.json.format(msgspec.json.encode(gas), indent=2) + b"\n")


def _keys(operation: Operation, gas: int) -> Gas:
    """A batch's key is gas per item, rounded up; beside it the whole transaction, so that not a unit is lost."""
    if operation.items == 1:
        return {operation.key: gas}
    return {operation.key: -(-gas // operation.items), f"{operation.key}_transaction": gas}
