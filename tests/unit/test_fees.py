"""First offers, replacements and the cap (T29, T31)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpoints.config import load_settings
from chainpoints.relayer.fees import GWEI, FeePolicy, Fees, bumped_fees, first_fees, policy_of

pytestmark = pytest.mark.unit

POLICY = FeePolicy(cap=100 * GWEI, lowest_priority_fee=GWEI, replace_after_seconds=12)
fees = st.integers(min_value=0, max_value=200 * GWEI)


def test_the_first_offer_outlasts_a_doubling_of_the_base_fee() -> None:
    assert first_fees(10 * GWEI, 2 * GWEI, POLICY) == Fees(22 * GWEI, 2 * GWEI)


def test_the_priority_fee_has_a_floor() -> None:
    assert first_fees(0, 0, POLICY) == Fees(GWEI, GWEI)


def test_exactly_at_the_cap_is_offered_and_one_past_it_is_not() -> None:
    assert first_fees(99 * GWEI, GWEI, POLICY) == Fees(100 * GWEI, GWEI)
    assert first_fees(99 * GWEI + 1, GWEI, POLICY) is None


@given(fees, fees)
def test_t31_no_offer_is_above_the_cap(base_fee: int, priority_fee: int) -> None:
    offer = first_fees(base_fee, priority_fee, POLICY)
    while offer is not None:
        assert offer.priority_fee <= offer.max_fee <= POLICY.cap
        offer = bumped_fees(offer, base_fee, priority_fee, POLICY)


@given(fees, fees, fees, fees)
def test_t29_a_replacement_offers_an_eighth_more_of_both_fees(old: int, tip: int, base: int, priority: int) -> None:
    previous = Fees(max(old, tip), tip)
    offer = bumped_fees(previous, base, priority, POLICY)
    if offer is None:
        asked = max(min(priority, POLICY.cap - base), GWEI)
        needed = max(previous.max_fee * 9, tip * 9, asked * 8)
        generous = tip >= 8 * asked and previous.max_fee >= 8 * (2 * base + asked)
        assert needed > POLICY.cap * 8 - 8 or generous
    else:
        assert offer.max_fee * 8 >= previous.max_fee * 9
        assert offer.priority_fee * 8 >= previous.priority_fee * 9
        assert offer.max_fee > previous.max_fee
        assert offer.priority_fee > previous.priority_fee


def test_bumping_ends_when_the_offer_is_far_above_the_market() -> None:
    """What is not mined then does not wait for want of fees."""
    offer, bumps = first_fees(0, GWEI, POLICY), 0
    assert offer is not None
    while (higher := bumped_fees(offer, 0, GWEI, POLICY)) is not None:
        offer, bumps = higher, bumps + 1
    assert 8 * GWEI <= offer.priority_fee <= offer.max_fee < 10 * GWEI
    assert bumps < 20
    assert bumped_fees(offer, 2 * GWEI, GWEI, POLICY) is not None, "the market has risen"


def test_a_suggestion_beyond_the_cap_does_not_stop_the_lane() -> None:
    assert first_fees(10 * GWEI, 10**6 * GWEI, POLICY) == Fees(100 * GWEI, 90 * GWEI)


def test_each_chain_has_a_policy_under_the_operators_cap() -> None:
    local = policy_of(load_settings({}))
    public = {"CHAINPOINTS_CHAIN": "hoodi", "CHAINPOINTS_RPC_URL": "http://127.0.0.1:1"}
    assert local.replace_after_seconds < policy_of(load_settings(public)).replace_after_seconds
    assert policy_of(load_settings(public)).cap == 300 * GWEI
    assert policy_of(load_settings(public | {"CHAINPOINTS_MAX_FEE_GWEI": "7"})).cap == 7 * GWEI
