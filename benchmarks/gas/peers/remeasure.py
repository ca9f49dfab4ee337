"""Measures again every peer whose contracts can be had here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial

import msgspec

from benchmarks.gas.chain import Chain, fresh_chain
from benchmarks.gas.peers.figures import Peer
from benchmarks.gas.peers.packages import Package, PackageUnavailable, fetch
from benchmarks.gas.peers.sablier import FLOW, LOCKUP, UTILS, Flow, LockupLinear, LockupTranched
from benchmarks.gas.peers.streams import measure_streams
from benchmarks.gas.peers.tokens import compile_tokens, measure_openzeppelin, measure_solady
from benchmarks.gas.snapshot import Gas
from chainpoints.chain.compiler import Artifact, project_root


class Tokens:
    """Compiled once, for the first peer that needs them."""

    @cached_property
    def compiled(self) -> dict[str, Artifact]:
        return compile_tokens()


@dataclass(frozen=True, slots=True)
class Measurement:
    """How a peer is measured on a chain of its own, and what its figures are of."""

    source: Callable[[], str]
    measure: Callable[[Chain, Tokens], Gas]


def remeasure(peers: list[Peer]) -> tuple[list[Peer], list[str]]:
    """The peers with what was measured now, and a line for each that could not be. Equal figures keep their day."""
    tokens, fresh, said = Tokens(), [], []
    for peer in peers:
        try:
            fresh.append(_measured_again(peer, tokens) if peer.remeasured else peer)
        except PackageUnavailable as reason:
            fresh.append(peer)
            said.append(f"{peer.name} was not measured again, its figures are of {peer.measured}: {reason}")
    return fresh, said


def _measured_again(peer: Peer, tokens: Tokens) -> Peer:
    measurement = _MEASUREMENTS[peer.name]
    with fresh_chain() as chain:
        gas = measurement.measure(chain, tokens)
    source = measurement.source()
    if (gas, source) == (peer.gas, peer.source):
        return peer
    return msgspec.structs.replace(peer, gas=gas, source=source, measured=date.today().isoformat())


def _lockup(streams: type[LockupLinear], chain: Chain, tokens: Tokens) -> Gas:
    lockup, utils = fetch(LOCKUP), fetch(UTILS)
    return measure_streams(streams(chain, lockup, utils, tokens.compiled["OpenZeppelinErc20"]))


def _flow(chain: Chain, tokens: Tokens) -> Gas:
    flow, utils = fetch(FLOW), fetch(UTILS)
    return measure_streams(Flow(chain, flow, utils, tokens.compiled["OpenZeppelinErc20"]))


def _published(package: Package) -> str:
    return f"npm {package.name} {package.version}"


def _installed(name: str) -> str:
    """The version that this project itself is built with."""
    version = json.loads((project_root() / "node_modules" / name / "package.json").read_bytes())["version"]
    return f"npm {name} {version}"


_MEASUREMENTS = {
    "Lockup": Measurement(partial(_published, LOCKUP), partial(_lockup, LockupLinear)),
    "Lockup, our steps": Measurement(partial(_published, LOCKUP), partial(_lockup, LockupTranched)),
    "Flow": Measurement(partial(_published, FLOW), _flow),
    "OpenZeppelin": Measurement(
        partial(_installed, "@openzeppelin/contracts"),
        lambda chain, tokens: measure_openzeppelin(chain, tokens.compiled),
    ),
    "Solady": Measurement(partial(_installed, "solady"), lambda chain, tokens: measure_solady(chain, tokens.compiled)),
}
