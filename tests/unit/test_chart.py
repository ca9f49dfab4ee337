"""The release chart: every release is in a bar, and bars stay inside the picture."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpoints.domain.forecast import Release
from chainpoints.types import format_points, parse_points
from chainpoints.web.chart import HEIGHT, WIDTH, release_chart

pytestmark = pytest.mark.unit

NOW = 852_000_000
releases = st.lists(
    st.builds(Release, st.integers(NOW + 1, NOW + 10**9), st.just(1), st.just(1), st.integers(1, 2**50)), min_size=1
).map(sorted)


@given(releases)
def test_bars_hold_everything_and_stay_inside(ahead: list[Release]) -> None:
    chart = release_chart(ahead, NOW)
    assert chart is not None
    assert len(chart.bars) <= 104
    assert chart.total == format_points(sum(release.amount for release in ahead))
    assert sum(parse_points(bar.amount) for bar in chart.bars) == sum(release.amount for release in ahead)
    for bar in chart.bars:
        assert 0 <= bar.x <= WIDTH
        assert bar.x + bar.width <= WIDTH + 1
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT


def test_nothing_ahead_is_no_chart() -> None:
    assert release_chart([], NOW) is None
