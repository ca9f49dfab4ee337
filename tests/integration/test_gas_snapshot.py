"""Gas is exact: what transactions cost now is what the committed files say."""

from __future__ import annotations

import pytest

from benchmarks.gas import snapshot
from benchmarks.gas.chain import fresh_chain
from benchmarks.gas.peers.figures import load_peers
from benchmarks.gas.peers.tokens import compile_tokens, measure_openzeppelin, measure_solady
from chainpoints.chain.compiler import Artifact

pytestmark = pytest.mark.integration

REFRESH = "the gas of transactions has changed; if that is meant, `make gas` writes it down"


def test_ours_is_as_committed(artifacts: dict[str, Artifact]) -> None:
    assert snapshot.measure(artifacts) == snapshot.load(), REFRESH


def test_the_libraries_tokens_are_as_committed() -> None:
    """They come with this project's own dependencies; other peers are measured by `make gas` alone."""
    tokens = compile_tokens()
    committed = {peer.name: peer.gas for peer in load_peers()}
    for name, measure in (("OpenZeppelin", measure_openzeppelin), ("Solady", measure_solady)):
        with fresh_chain() as chain:
            assert measure(chain, tokens) == committed[name], REFRESH
