"""How the places of those who deliver are shared among merchants."""

from __future__ import annotations

import pytest

from chainpoints.webhooks.deliver import AT_ONCE, _share

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("merchants", [1, 2, 3, 8, 30, 100])
def test_merchants_with_more_to_send_than_there_are_places_have_alike_and_leave_room_for_one_more(
    merchants: int,
) -> None:
    taken: list[int] = []
    for _ in range(merchants):
        taken.append(_share(merchants, AT_ONCE - sum(taken), 0))
    assert max(taken) - min(taken) <= 1
    assert sum(taken) < AT_ONCE
    assert sum(taken) > AT_ONCE // 2 or merchants == 100
    assert _share(merchants + 1, AT_ONCE - sum(taken), 0) >= 1


def test_one_alone_has_three_quarters_and_who_comes_then_takes_not_all_that_is_left() -> None:
    first = _share(1, AT_ONCE, 0)
    second = _share(2, AT_ONCE - first, 0)
    third = _share(3, AT_ONCE - first - second, 0)
    assert (first, second, third) == (96, 24, 6)
    assert _share(3, AT_ONCE - first - second - third, first) <= 0, "who has more than the others waits for them"
    assert _share(4, 0, 0) == 0
