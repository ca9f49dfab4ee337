"""How the parts' paces fit together."""

from __future__ import annotations

from chainpoints.api.deps import PAYMENTS_PACE_SECONDS
from chainpoints.config import CHAINS
from chainpoints.relayer.lane import pace_of


def test_payments_that_the_api_accepts_in_turns_are_one_stream_for_the_relayer() -> None:
    """Else each of its turns is a transaction of its own (decision 0028)."""
    local = pace_of(CHAINS["local"])
    assert local.quiet > PAYMENTS_PACE_SECONDS
    assert local.gather >= 4 * local.quiet
