"""`make gas`: measures ours and the peers', writes the committed figures, and prints them side by side."""

from __future__ import annotations

import sys

from benchmarks.gas import snapshot
from benchmarks.gas.comparison import OPERATION_ROWS, TOKEN_ROWS, notes, over_bounds, plain, table
from benchmarks.gas.peers.figures import load_peers, save_peers
from benchmarks.gas.peers.remeasure import remeasure
from benchmarks.gas.readme import write_section
from benchmarks.gas.snapshot import Gas
from chainpoints.chain.compiler import load_artifacts
from chainpoints.errors import ChainpointsError


def main() -> int:
    """Ends with 1 when a figure of ours is over its bound, or nothing could be measured."""
    try:
        gas = snapshot.measure(load_artifacts())
        _say(*_changes(snapshot.load(), gas))
        snapshot.save(gas)
        peers, unmeasured = remeasure(load_peers())
        save_peers(peers)
        write_section(gas, peers)
    except ChainpointsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for rows in (OPERATION_ROWS, TOKEN_ROWS):
        _say(plain(table(rows, gas, peers)), "")
    _say("Gas of whole transactions, of batches per item; to the best peer: ours is so many times its gas.", "")
    _say(*notes(peers), "", *unmeasured, *over_bounds(gas))
    return 1 if over_bounds(gas) else 0


def _changes(before: Gas, after: Gas) -> list[str]:
    """A line for each figure that is not as committed."""
    return [
        f"{key}: {before.get(key, 'not measured')} -> {after.get(key, 'not measured')}"
        for key in before | after
        if before.get(key) != after.get(key)
    ]


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
