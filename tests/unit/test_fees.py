"""First offers, replacements and the cap (T29, T31)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpoints.config import CHAINS
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
        needed = max(previous.max_fee * 9, tip * 9, priority * 8, GWEI * 8)
        assert needed > POLICY.cap * 8 - 8
    else:
        assert offer.max_fee * 8 >= previous.max_fee * 9
        assert offer.priority_fee * 8 >= previous.priority_fee * 9
        assert offer.max_fee > previous.max_fee
        assert offer.priority_fee > previous.priority_fee


def test_each_chain_has_a_policy() -> None:
    assert policy_of(CHAINS["local"]).replace_after_seconds < policy_of(CHAINS["hoodi"]).replace_after_seconds
