"""Every column of `mirabench-official` through our pipeline, held against the reference's own code.

The reference ran once on the same clips with the same small networks (tests/golden/columns_README.md); ours
runs here, from frames to report. Networks of full size are compared in tests/nets/test_whole_columns.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra torch")

import columnkit  # noqa: E402  # imports torch

from mirabench.nets.cotracker import ENVIRONMENT  # noqa: E402
from mirabench.suites.api import load_suite  # noqa: E402
from mirabench.weights import WeightStore  # noqa: E402

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "small_columns.json").read_text())
TOLERANCE = 1e-3
"""Relative: what whole columns agree to (docs/precision.md), and far less than a broken formula moves."""


@pytest.fixture(autouse=True)
def no_tracker_is_left() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "cotracker"]:
        del sys.modules[name]


@pytest.mark.parametrize("columns", columnkit.NETWORKS, ids=lambda columns: columns[0])
def test_columns_are_the_references(
    columns: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRABENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv(ENVIRONMENT, str(columnkit.STANDIN))
    columnkit.shrink(monkeypatch)
    if columnkit.NETWORKS[columns]:
        columnkit.import_small(WeightStore(), columnkit.NETWORKS[columns], tmp_path / "made")
    sides = columnkit.clips()
    found = columnkit.our_values(
        columns, list(sides["generated"].values()), list(sides["real"].values())
    )
    for column in columns:
        assert found[column] == pytest.approx(GOLDEN[column], rel=TOLERANCE), column


def test_every_column_of_the_suite_is_held() -> None:
    suite = [choice.name for choice in load_suite("mirabench-official").metrics]
    assert len(suite) == 21
    assert sorted(suite) == sorted(column for columns in columnkit.NETWORKS for column in columns)
    assert sorted(suite) == sorted(GOLDEN)


def test_the_goldens_tell_clips_and_columns_apart() -> None:
    """A column that is 0, or the same for both clips, would hold little."""
    for column, values in GOLDEN.items():
        assert all(value != 0 for value in values), column
        assert len(values) == len(set(values)), column
