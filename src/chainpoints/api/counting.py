"""Counts over the whole chain without a walk through all of it: what is final is counted once for each process."""

from __future__ import annotations

from chainpoints.api.deps import Counted, Gateway, View
from chainpoints.store.status import Counts, counted
from chainpoints.store.stream import hash_of_block


def counts_at(gateway: Gateway, view: View) -> Counts:
    """Everything up to the block of the view. Walks through the blocks that were not final when it was asked last."""
    known, final = gateway.counted, min(view.state.final, view.at)
    if known.hash and hash_of_block(view.connection, known.block) != known.hash:
        known = gateway.counted = Counted()  # the index was made anew, and is not there yet
    if known.block > view.at:
        known = Counted()
    elif final > known.block and (final_hash := hash_of_block(view.connection, final)):
        counts = known.counts.plus(counted(view.connection, known.block, final))
        known = gateway.counted = Counted(final, final_hash, counts)
    return known.counts.plus(counted(view.connection, known.block, view.at))
