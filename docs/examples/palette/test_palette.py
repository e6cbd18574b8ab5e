"""Known answers, and the conformance kit."""

import numpy as np
import pytest
from mirabench_palette import PaletteDistance

from mirabench.errors import MetricError
from mirabench.features.api import as_table
from mirabench.metrics.api import ClipInputs
from mirabench.testing import assert_conforms
from mirabench.video import ArrayVideo

INFO = ArrayVideo(np.zeros((4, 4, 4, 3), np.uint8)).info


def of(*shares: float) -> ClipInputs:
    """A clip with this palette, written by hand."""
    return ClipInputs(INFO, {"palette": as_table(shares=shares)})


def test_half_of_the_colours_in_common() -> None:
    red, mixed = of(1.0, 0.0), of(0.5, 0.5)
    assert PaletteDistance().compare([mixed], [red]).value == 0.5


def test_the_same_colours_in_other_clips() -> None:
    one_each, mixed = [of(1.0, 0.0), of(0.0, 1.0)], [of(0.5, 0.5)] * 2
    found = PaletteDistance().compare(one_each, mixed)
    assert found.value == 0.0
    assert found.standard_error is not None


def test_an_empty_side() -> None:
    with pytest.raises(MetricError, match="both sides"):
        PaletteDistance().compare([of(1.0)], [])


def test_it_conforms() -> None:
    assert_conforms(PaletteDistance())
