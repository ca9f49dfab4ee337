"""Ours beside the peers': which operations are compared, the bounds that ours are to keep, and the tables.

Tables are rows of text; `markdown` and `plain` only set them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.gas.peers.figures import Peer
from benchmarks.gas.snapshot import Gas

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """`key` is of snapshot.json, `peers` names what peers do instead, as in peers.json.

    Ours is to cost at most `bound`, or that much more than the operation `above`.
    """

    label: str
    key: str
    peers: str = ""
    bound: int | None = None
    above: str = ""

    def limit(self, gas: Gas) -> int | None:
        return None if self.bound is None else self.bound + gas.get(self.above, 0)


OPERATION_ROWS = (
    Row("pay, the payer's first", "pay_first", "create_first"),
    Row("pay", "pay_steady", "create_steady", 118_000),
    Row("pay, top-up", "pay_topup", bound=101_000),
    Row("pay, relayed", "pay_relayed_steady", bound=12_000, above="pay_steady"),
    Row("pay ×100, one payer", "pay_batch100_one_payer", "create_batch100", 34_000),
    Row("pay ×100, 100 payers, relayed", "pay_relayed_batch100", bound=72_000),
    Row("issue", "issue_steady"),
    Row("issue ×100", "issue_batch100", bound=52_000),
    Row("claim, the first", "claim_first", "claim_first"),
    Row("claim, the second", "claim_second", "claim_second", 54_000),
    Row("claim ×10", "claim_batch10", "claim_batch10"),
    Row("claim ×100", "claim_batch100", "claim_batch100", 9_000),
    Row("transfer of a node", "transfer_steady", "transfer_steady", 50_000),
    Row("split", "split", "split", 80_000),
    Row("merge", "merge", "merge", 50_000),
    Row("refund of all", "refund_full"),
)

TOKEN_ROWS = (
    Row("transfer of points", "points_transfer", "token_transfer"),
    Row("transfer of points, relayed", "points_transfer_relayed", "token_transfer_relayed"),
    Row("transfer of a node", "transfer_steady", "nft_transfer"),
)


def table(rows: Sequence[Row], gas: Gas, peers: Sequence[Peer]) -> list[list[str]]:
    """The heading and a line for each row; a column for each peer that does one of the operations."""
    compared = [peer for peer in peers if any(row.peers in peer.gas for row in rows)]
    heading = ["gas", "ours", "at most", "to best peer", *(peer.name for peer in compared)]
    return [heading, *(_line(row, gas, compared) for row in rows if row.key in gas)]


def over_bounds(gas: Gas) -> list[str]:
    """A sentence for each figure of ours that is over its bound."""
    limits = [(row, row.limit(gas)) for row in OPERATION_ROWS if row.key in gas]
    return [
        f"{row.key}: {gas[row.key]:,} gas is over its bound of {limit:,}"
        for row, limit in limits
        if limit is not None and gas[row.key] > limit
    ]


def notes(peers: Sequence[Peer]) -> list[str]:
    """A line for each peer: what it is, and when it was measured."""
    return [
        f"{peer.name}: {peer.source}; measured {peer.measured}"
        + ("" if peer.remeasured else ", not measured again by `make gas`")
        + (f". {peer.note}" if peer.note else "")
        for peer in peers
    ]


def markdown(lines: list[list[str]]) -> str:
    ruler = [":--", *("--:" for _ in lines[0][1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], ruler, *lines[1:]))


def plain(lines: list[list[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )


def _line(row: Row, gas: Gas, peers: Sequence[Peer]) -> list[str]:
    limit = row.limit(gas)
    best = min((p.gas[row.peers] for p in peers if row.peers in p.gas and row.peers not in p.less_than_ours), default=0)
    return [
        row.label,
        f"{gas[row.key]:,}",
        NOTHING if limit is None else f"{limit:,}",
        f"×{gas[row.key] / best:.2f}" if best else NOTHING,
        *(_cell(row.peers, peer) for peer in peers),
    ]


def _cell(operation: str, peer: Peer) -> str:
    if operation not in peer.gas:
        return NOTHING
    figure = f"{peer.gas[operation]:,}"
    return f"({figure})" if operation in peer.less_than_ours else figure
