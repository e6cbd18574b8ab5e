"""The table `scores` by metric: what is measured, and one column a metric in the order of the clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa  # extra `data`
import pyarrow.compute as pc
from numpy.typing import NDArray

from miradata.tables.schema import OK
from miradata.tables.store import Tables

Values = Mapping[str, NDArray[np.float64]]
"""Metric -> (N,) scores in the order of the clips; NaN where a clip has none."""


def score_values(tables: Tables, clip_ids: Sequence[str], metrics: Sequence[str]) -> Values:
    """Metric -> (N,) values in the order of the clips; NaN where there is no score."""
    scores = tables.read("scores")
    scores = scores.filter(pc.equal(scores["status"], OK))
    order = pa.array(list(clip_ids), pa.string())
    found = {}
    for metric in metrics:
        mine = scores.filter(pc.equal(scores["metric"], metric))
        place = pc.index_in(mine["clip_id"], value_set=order)
        known = pc.is_valid(place)
        column = np.full(len(clip_ids), np.nan)
        rows = place.filter(known).to_numpy(zero_copy_only=False)
        column[rows] = mine["value"].filter(known).to_numpy(zero_copy_only=False)
        found[metric] = column
    return found


def measured_metrics(tables: Tables) -> list[str]:
    """The metrics that at least one clip has a score of."""
    scores = tables.read("scores")
    names: list[Any] = pc.unique(
        scores.filter(pc.equal(scores["status"], OK))["metric"]
    ).to_pylist()
    return sorted(names)
