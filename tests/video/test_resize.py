"""One antialiased resize that keeps the aspect."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench.features.api import feature_identity
from mirabench.features.motion import Motion
from mirabench.video.resize import Resize


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 2000))
def test_the_long_side_is_met_the_aspect_kept_and_nothing_enlarged(
    width: int, height: int, long_side: int
) -> None:
    found = Resize(long_side=long_side).target(width, height)
    if max(width, height) <= long_side:
        assert found == (width, height)
        return
    assert max(found) == long_side
    exact = min(width, height) * long_side / max(width, height)
    assert abs(min(found) - exact) <= 0.5 or min(found) == 1


def test_fine_detail_is_averaged_and_not_picked() -> None:
    stripes = np.zeros((1, 8, 16, 3), np.uint8)
    stripes[:, :, ::2] = 200
    assert (Resize(long_side=8)(stripes) == 100).all()


def test_two_sizes_at_once_are_refused() -> None:
    with pytest.raises(ValueError, match="give one of"):
        Resize(max_short_side=4, long_side=8)


def test_an_id_holds_the_long_side_only_where_there_is_one() -> None:
    assert "long_side" in asdict(Motion().resize)
    assert feature_identity(Motion())["resize"] == {
        "max_short_side": 240,
        "size": None,
        "filter": "area",
    }
