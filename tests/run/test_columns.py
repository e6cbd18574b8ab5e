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

import mirabench  # noqa: E402
from mirabench.inputs.prompts import Prompt  # noqa: E402
from mirabench.nets.cotracker import ENVIRONMENT  # noqa: E402
from mirabench.suites.api import load_suite  # noqa: E402
from mirabench.weights import WeightStore  # noqa: E402

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "small_columns.json").read_text())
GEOMETRY = tuple(
    f"consistency_3d_{name}"
    for name in ("num_pts", "num_inliers", "keep_ratio", "mean_err", "rmse")
)
ALIGNMENT = (
    "camera_alignment", "main_object_alignment", "background_alignment", "style_alignment",
    "overall_consistency",
)  # fmt: skip
NETWORKS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("temporal_dino_consistency",): ("dino-vitb16",),
    ("temporal_clip_consistency",): ("clip-vit-b-32",),
    ("temporal_motion_smoothness",): ("amt-s",),
    ("dynamic_degree",): ("raft-things",),
    ("tracking_strength",): ("cotracker2",),
    GEOMETRY: (),
    ("aesthetic_quality",): ("clip-vit-l-14", "aesthetic-vit-l-14"),
    ("imaging_quality",): ("musiq-spaq",),
    ALIGNMENT: ("viclip-l-14",),
    ("fvd", "kvd"): ("i3d-kinetics-400",),
    ("fid_as_published", "kid_as_published"): ("inception-2015-12-05",),
}
"""Columns of one feature -> the cards behind them."""
TOLERANCE = 1e-3
"""Relative: what whole columns agree to (docs/precision.md), and far less than a broken formula moves."""


def our_values(columns: tuple[str, ...]) -> dict[str, list[float]]:
    """Column -> one number a clip, or one for the set, whatever its status: the reference knows none."""
    captions = {key: text for key, text in columnkit.CAPTIONS.items() if key != "short"}
    sides = columnkit.clips()
    report = mirabench.evaluate(
        list(sides["generated"].values()),
        suite="mirabench-official",
        metrics=columns,
        fps=24,
        reference=list(sides["real"].values()),
        prompts={
            f"array-{i}": Prompt(str(i), columnkit.CAPTIONS["short"], captions) for i in range(2)
        },
        allow_noncommercial=True,
        device="cpu",
    )
    assert not any(video.failures for video in report.videos)
    per_clip = {
        column: [video.scores[column].value for video in report.videos]
        for column in columns
        if column in report.videos[0].scores
    }
    return per_clip | {
        column: [report.summary[column].mean] for column in columns if column not in per_clip
    }


@pytest.fixture(autouse=True)
def no_tracker_is_left() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "cotracker"]:
        del sys.modules[name]


@pytest.mark.parametrize("columns", NETWORKS, ids=lambda columns: columns[0])
def test_columns_are_the_references(
    columns: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRABENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv(ENVIRONMENT, str(columnkit.STANDIN))
    columnkit.shrink(monkeypatch)
    if NETWORKS[columns]:
        columnkit.import_small(WeightStore(), NETWORKS[columns], tmp_path / "made")
    found = our_values(columns)
    for column in columns:
        assert found[column] == pytest.approx(GOLDEN[column], rel=TOLERANCE), column


def test_every_column_of_the_suite_is_held() -> None:
    suite = [choice.name for choice in load_suite("mirabench-official").metrics]
    assert len(suite) == 21
    assert sorted(suite) == sorted(column for columns in NETWORKS for column in columns)
    assert sorted(suite) == sorted(GOLDEN)


def test_the_goldens_tell_clips_and_columns_apart() -> None:
    """A column that is 0, or the same for both clips, would hold little."""
    for column, values in GOLDEN.items():
        assert all(value != 0 for value in values), column
        assert len(values) == len(set(values)), column
