"""What is too short is not applicable, what is damaged counts nowhere, what is too large is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import oddities
import pytest
from clipkit import panning

import mirabench
from mirabench.video.encode import write_video


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A clip that lacks its end."""
    path = tmp_path / "damaged.mkv"
    oddities.write(path)
    path.write_bytes(path.read_bytes()[:-900])
    return path


@pytest.mark.parametrize("frames", [1, 2, 8, 14])
def test_a_short_clip_is_no_failure(tmp_path: Path, frames: int) -> None:
    path = write_video(tmp_path / "short.mp4", panning(frames))
    report = mirabench.evaluate([path], metrics=("consistency_3d_rmse", "sharpness"), cache=False)
    assert not report.partial
    assert report.videos[0].failures == {}
    assert "too short" in report.videos[0].not_applicable["consistency_3d_rmse"]
    assert report.summary["consistency_3d_rmse"].not_applicable == 1
    assert report.summary["sharpness"].n == 1


def test_the_command_ends_well_for_14_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "short.mp4", panning(14))
    command = [
        sys.executable,
        "-m",
        "mirabench",
        "evaluate",
        str(path),
        "-o",
        str(tmp_path / "out"),
    ]
    assert subprocess.run(command, capture_output=True).returncode == 0


class TestDamaged:
    def test_no_metric_counts_it_and_the_report_says_what_was_seen(self, damaged: Path) -> None:
        report = mirabench.evaluate([damaged], cache=False)
        [video] = report.videos
        assert "lacks the last" in video.health["damaged"]
        assert {score.status for score in video.scores.values()} == {"degenerate"}
        assert all("damaged: " in score.why for score in video.scores.values())
        assert all(summary.mean is None for summary in report.summary.values())

    def test_the_cache_keeps_what_was_seen(self, damaged: Path, tmp_path: Path) -> None:
        first = mirabench.evaluate([damaged], metrics=["sharpness"], cache=tmp_path / "cache")
        again = mirabench.evaluate([damaged], metrics=["sharpness"], cache=tmp_path / "cache")
        assert first == again
        assert "damaged" in again.videos[0].health

    def test_it_is_left_out_of_distances_on_either_side(
        self, damaged: Path, tmp_path: Path
    ) -> None:
        names = ["one", "two", "three"]
        clips = [
            write_video(tmp_path / f"{n}.mp4", panning(24, 1.0 + i)) for i, n in enumerate(names)
        ]
        metric = "handmade_kernel_distance"
        sound = mirabench.evaluate(clips, metrics=[metric], reference=clips[:2], cache=False)
        for generated, reference in (
            ([*clips, damaged], clips[:2]),
            (clips, [*clips[:2], damaged]),
        ):
            report = mirabench.evaluate(
                generated, metrics=[metric], reference=reference, cache=False
            )
            assert report.summary[metric].mean == sound.summary[metric].mean
        assert report.partial
        assert "damaged" in (report.reference[0].error or report.reference[-1].error or "")


def test_the_limit_of_pixels_is_an_option(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", panning(12))
    refused = mirabench.evaluate([path], metrics=["sharpness"], max_pixels=160 * 96 - 1)
    assert "160x96" in (refused.videos[0].error or "")
    allowed = mirabench.evaluate([path], metrics=["sharpness"], max_pixels=160 * 96)
    assert allowed.summary["sharpness"].n == 1
    command = [sys.executable, "-m", "mirabench", "evaluate", str(path), "--metrics", "sharpness",
               "--max-pixels", "100", "-o", str(tmp_path / "out")]  # fmt: skip
    assert subprocess.run(command, capture_output=True).returncode == 1


def test_the_command_and_python_have_one_limit() -> None:
    from mirabench.cli import evaluate as command
    from mirabench.video import limits

    assert command.MAX_PIXELS == limits.MAX_PIXELS
