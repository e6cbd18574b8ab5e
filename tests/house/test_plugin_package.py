"""A stranger's package adds a metric, a feature and a suite through the same doors as ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import clipkit
import pytest

from mirabench.video.encode import write_video

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "stranger"
version = "1.0"

[tool.setuptools]
py-modules = ["stranger"]

[project.entry-points."mirabench.features"]
redness = "stranger:Redness"

[project.entry-points."mirabench.metrics"]
mean_red = "stranger:MeanRed"

[project.entry-points."mirabench.suites"]
reds = "stranger:REDS"
"""

MODULE = '''
"""Mean red: a feature, a metric and a suite of a package of its own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mirabench.features.api import FeatureRef, as_table
from mirabench.metrics.api import Measured, MetricSpec
from mirabench.suites.api import MetricChoice, Suite
from mirabench.video.sampling import every_frame


@dataclass(frozen=True)
class Redness:
    channel: int = 0
    name: ClassVar[str] = "redness"
    version: ClassVar[int] = 1
    resize: ClassVar[None] = None

    def select(self, video):
        return every_frame(video)

    def open(self, video):
        return Session(self.channel)


class Session:
    def __init__(self, channel):
        self.channel, self.means = channel, []

    def push(self, batch):
        self.means += batch.data[..., self.channel].mean(axis=(1, 2)).tolist()

    def finish(self):
        return as_table(mean=self.means)


@dataclass(frozen=True)
class MeanRed:
    offset: float = 0.0
    spec: ClassVar[MetricSpec] = MetricSpec(
        name="mean_red", version=1, dimension="visual quality", summary="Mean of the red channel",
        unit="levels", range=(0.0, 255.0), higher_is_better=True,
        needs={"red": FeatureRef.of("redness")},
    )

    def compute(self, clip):
        return Measured(float(np.mean(clip["red"]["mean"])) + self.offset)


REDS = Suite("reds", 1, (MetricChoice("mean_red"), MetricChoice("sharpness")))
'''


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the package was really built and installed."""
    source = tmp_path_factory.mktemp("stranger")
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "stranger.py").write_text(MODULE)
    target = tmp_path_factory.mktemp("site")
    command = [
        sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index",
        "--no-build-isolation", "--disable-pip-version-check", "--target", str(target), str(source),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return target


def mirabench(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mirabench", *arguments],
        capture_output=True, text=True, cwd=folder, env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip


def test_it_is_listed_without_being_asked(installed: Path, tmp_path: Path) -> None:
    done = mirabench(installed, tmp_path, "metrics", "mean_red")
    assert "Mean of the red channel" in done.stdout
    assert "reds" in mirabench(installed, tmp_path, "suites").stdout


def test_its_suite_scores_beside_our_metrics(installed: Path, tmp_path: Path) -> None:
    clip = clipkit.still(8)
    clip[..., 0] = 200
    write_video(tmp_path / "a.mkv", clip, codec="ffv1", pixel_format="bgr0")
    done = mirabench(installed, tmp_path, "evaluate", "a.mkv", "--suite", "reds", "-o", "out")
    assert done.returncode == 0, done.stderr
    video = json.loads((tmp_path / "out" / "report.json").read_text())["videos"][0]
    assert video["scores"]["mean_red"]["value"] == 200.0
    assert "sharpness" in video["scores"]


def test_without_the_package_its_names_are_unknown(tmp_path: Path) -> None:
    done = mirabench(tmp_path, tmp_path, "metrics", "mean_red")
    assert done.returncode == 2
    assert "unknown metric 'mean_red'" in done.stderr
