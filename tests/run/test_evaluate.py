"""A run gives one report, whatever the workers, the chunks, the cache or the kills."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import clipkit
import deadlyvideo
import numpy as np
import pytest

import mirabench
from mirabench.errors import InputError, OutputError, UnknownNameError, VideoError
from mirabench.features.cache import FeatureCache
from mirabench.inputs.prompts import Prompt
from mirabench.video.encode import write_video
from mirabench.work.journal import locked

SOME = ("warping_error", "flow_magnitude", "consistency_3d_num_pts", "sharpness")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for name, dx in (("slow", 0.5), ("middle", 1.5), ("fast", 3.0)):
        write_video(
            folder / f"{name}.mp4", clipkit.panning(frames=16, dx=dx, size=(128, 80)), fps=24
        )
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {n: (folder / n).read_bytes() for n in ("report.json", "scores.csv", "report.html")}


class TestReport:
    def test_has_every_number_with_what_it_takes_to_trust_it(
        self, clips: Path, tmp_path: Path
    ) -> None:
        mirabench.evaluate(clips, suite="lite", output=tmp_path)
        report = json.loads((tmp_path / "report.json").read_text())
        assert report["schema_version"] == "1.3"
        assert report["suite"].keys() >= {"name", "version", "digest"}
        assert [v["id"] for v in report["videos"]] == ["fast", "middle", "slow"]
        video = report["videos"][0]
        assert (video["width"], video["height"], video["num_frames"]) == (128, 80, 16)
        assert video["duration_seconds"] == pytest.approx(16 / 24, abs=1e-5)
        score = video["scores"]["flow_magnitude"]
        assert score.keys() >= {"value", "status", "protocol"}
        assert score["protocol"] in report["protocols"]
        summary = report["summary"]["flow_magnitude"]
        assert (summary["ci_low"], summary["ci_high"]) == (None, None)  # three clips are too few
        assert (summary["n"], summary["coverage"]) == (3, 1.0)
        assert summary["dimension"] == "motion strength"
        assert set(report["skipped"]) == {
            "camera_motion_agreement", "handmade_frechet_distance", "handmade_kernel_distance",
        }  # fmt: skip

    def test_reads_back_as_it_was_written(self, clips: Path, tmp_path: Path) -> None:
        written = mirabench.evaluate(clips, metrics=["sharpness"], output=tmp_path)
        assert mirabench.load_report(tmp_path) == written

    def test_long_table_has_a_row_per_clip_and_metric(self, clips: Path, tmp_path: Path) -> None:
        mirabench.evaluate(clips, metrics=SOME, output=tmp_path)
        lines = (tmp_path / "scores.csv").read_text().splitlines()
        assert lines[0].startswith("video_id,metric,dimension,value,status,protocol")
        assert len(lines) == 1 + 3 * len(SOME)

    def test_clips_of_one_prompt_are_one_cluster(self, clips: Path) -> None:
        prompts = {
            name: Prompt(which, "a pan")
            for name, which in (("slow", "one"), ("middle", "one"), ("fast", "two"))
        }
        report = mirabench.evaluate(clips, metrics=["flow_magnitude"], prompts=prompts)
        assert (report.summary["flow_magnitude"].n, report.summary["flow_magnitude"].clusters) == (
            3,
            2,
        )

    def test_distances_need_five_clips_a_side_and_then_have_intervals(self, clips: Path) -> None:
        speeds = (0.5, 1.0, 1.5, 2.5, 3)
        ours, others = (
            [clipkit.panning(frames=12, dx=d, dy=dy, seed=5) for d in speeds] for dy in (0, 1)
        )
        names = ["handmade_frechet_distance", "handmade_kernel_distance"]
        report = mirabench.evaluate(ours, reference=others, metrics=names)
        kernel = report.summary["handmade_kernel_distance"]
        assert kernel.ci_low is not None
        assert kernel.ci_low < kernel.mean < kernel.ci_high
        assert report.summary["handmade_frechet_distance"].status == "degenerate"
        few = mirabench.evaluate(clips, reference=others, metrics=names)
        assert few.summary["handmade_kernel_distance"].mean is not None
        assert few.summary["handmade_kernel_distance"].ci_low is None

    def test_a_set_equals_itself(self, clips: Path) -> None:
        report = mirabench.evaluate(clips, reference=clips)
        assert report.summary["handmade_frechet_distance"].mean == pytest.approx(0, abs=1e-6)


class TestSameBytes:
    def test_for_any_number_of_workers(self, clips: Path, tmp_path: Path) -> None:
        for workers in (1, 2):
            mirabench.evaluate(
                clips, metrics=SOME, output=tmp_path / str(workers), workers=workers, cache=False
            )
        assert files(tmp_path / "1") == files(tmp_path / "2")

    def test_for_any_chunk_size(self, clips: Path, tmp_path: Path) -> None:
        frame = 128 * 80 * 3
        for frames in (1, 4, 100):
            mirabench.evaluate(
                clips, output=tmp_path / str(frames), chunk_bytes=frames * frame, cache=False
            )
        assert files(tmp_path / "1") == files(tmp_path / "4") == files(tmp_path / "100")

    def test_from_the_cache(self, clips: Path, tmp_path: Path) -> None:
        for run in ("first", "second"):
            mirabench.evaluate(clips, output=tmp_path / run)
        assert files(tmp_path / "first") == files(tmp_path / "second")
        assert json.loads((tmp_path / "second" / "run.json").read_text())["features_computed"] == 0

    @pytest.mark.slow
    def test_after_twenty_kills(self, clips: Path, tmp_path: Path) -> None:
        metrics = (
            "warping_error,flow_magnitude,sharpness"  # six features a clip, without the slowest
        )

        def command(output: str, cache: str) -> list[str]:
            return [
                sys.executable, "-m", "mirabench", "evaluate", str(clips), "--metrics", metrics,
                "--output", str(tmp_path / output), "--cache", str(tmp_path / cache),
            ]  # fmt: skip

        began = time.monotonic()
        subprocess.run(command("whole", "fresh"), check=True, capture_output=True)
        whole = time.monotonic() - began
        moments = random.Random(0)
        for _ in range(20):
            process = subprocess.Popen(
                command("killed", "kept"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                process.wait(timeout=moments.uniform(0.2, 1.0) * whole)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        subprocess.run(command("killed", "kept"), check=True, capture_output=True)
        assert files(tmp_path / "killed") == files(tmp_path / "whole")


class TestResume:
    def test_only_what_is_missing_is_computed(self, clips: Path, tmp_path: Path) -> None:
        mirabench.evaluate(clips / "slow.mp4", metrics=SOME, output=tmp_path / "one")
        mirabench.evaluate(clips, metrics=SOME, output=tmp_path / "all")
        run = json.loads((tmp_path / "all" / "run.json").read_text())
        features = 7  # speeds, motion_residual, pulse, integrity, epipolar, quality, film strip
        assert (run["features_from_cache"], run["features_computed"]) == (features, 2 * features)

    def test_a_damaged_entry_is_computed_again_and_said(
        self, clips: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        cache = tmp_path / "cache"
        first = mirabench.evaluate(clips, metrics=SOME, cache=cache)
        entries = sorted(cache.glob("??/*.table"))
        entries[0].write_bytes(entries[0].read_bytes()[:-50])
        entries[1].write_bytes(b"")
        entries[2].write_bytes(os.urandom(2000))
        assert mirabench.evaluate(clips, metrics=SOME, cache=cache) == first
        assert sum("is damaged" in r.message for r in caplog.records) == 1
        assert FeatureCache(cache).info().entries == len(entries)


class TestOneBadClipHarmsNoOther:
    def test_unreadable_clips_are_failures_with_reasons(self, clips: Path, tmp_path: Path) -> None:
        (tmp_path / "empty.mp4").touch()
        (tmp_path / "text.mp4").write_text("no video")
        good = clips / "slow.mp4"
        report = mirabench.evaluate([good, tmp_path], metrics=SOME)
        by_id = {v.id: v for v in report.videos}
        assert report.partial
        assert by_id["slow"].scores.keys() == set(SOME)
        assert "0 bytes" in (by_id["empty"].error or "")
        assert by_id["text"].failures.keys() == set(SOME)
        assert report.summary["sharpness"].coverage == pytest.approx(1 / 3)
        assert report.summary["sharpness"].failed == 2

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_clip_that_kills_its_process_loses_only_itself(
        self, clips: Path, tmp_path: Path, workers: int
    ) -> None:
        (tmp_path / "clips").mkdir()
        for clip in clips.glob("*.mp4"):
            shutil.copy(clip, tmp_path / "clips")
        deadly = deadlyvideo.DeadlyVideo(tmp_path / "clips" / "slow.mp4")
        report = mirabench.evaluate(
            [deadly, clips / "fast.mp4"], metrics=SOME, workers=workers, output=tmp_path / "out"
        )
        by_id = {v.id: v for v in report.videos}
        assert "its process died (SIGKILL" in (by_id["deadly"].error or "")
        assert by_id["fast"].scores.keys() == set(SOME)
        assert json.loads((tmp_path / "out" / "report.json").read_text())["partial"] is True

    def test_a_clip_that_hangs_is_ended_at_its_time_limit(self, clips: Path) -> None:
        hanging = deadlyvideo.DeadlyVideo(clips / "slow.mp4", hangs=True)
        mirabench.evaluate(
            [clips / "fast.mp4"], metrics=SOME
        )  # cached: a busy machine ends only the other
        report = mirabench.evaluate(
            [hanging, clips / "fast.mp4"], metrics=SOME, workers=2, clip_timeout=5.0
        )
        by_id = {v.id: v for v in report.videos}
        assert by_id["deadly"].error == "stopped after 5 s: it hangs, or needs a longer time limit"
        assert by_id["fast"].scores.keys() == set(SOME)

    def test_a_time_limit_without_a_process_to_end_is_refused(self, clips: Path) -> None:
        with pytest.raises(InputError, match="at least one worker"):
            mirabench.evaluate(clips, metrics=SOME, clip_timeout=5.0)

    def test_a_second_run_in_the_same_folder_is_refused(self, clips: Path, tmp_path: Path) -> None:
        with locked(tmp_path), pytest.raises(InputError, match="another run is active"):
            mirabench.evaluate(clips, metrics=SOME, output=tmp_path)

    def test_both_sets_may_use_the_same_names(self, clips: Path) -> None:
        report = mirabench.evaluate(clips, metrics=["handmade_kernel_distance"], reference=clips)
        assert [v.id for v in report.videos] == [r.id for r in report.reference]


@pytest.mark.parametrize(("generated", "reference"), [(1, 2), (2, 1)])
def test_a_distance_of_one_clip_is_skipped_and_no_failure(
    clips: Path, tmp_path: Path, generated: int, reference: int
) -> None:
    files = sorted(clips.glob("*.mp4"))[:2]
    report = mirabench.evaluate(
        files[:generated],
        metrics=["handmade_frechet_distance", "sharpness"],
        reference=files[:reference],
        output=tmp_path,
    )
    side = "generated" if generated == 1 else "reference"
    assert report.skipped["handmade_frechet_distance"] == (
        f"needs at least two clips on each side: there is one {side} clip"
    )
    assert not report.partial
    with pytest.raises(
        InputError, match="nothing can be measured: handmade_frechet_distance: needs"
    ):
        mirabench.evaluate(
            files[:generated], metrics=["handmade_frechet_distance"], reference=files[:reference]
        )


class TestScore:
    def test_one_number_for_one_clip(self, clips: Path) -> None:
        found = mirabench.score(clips / "fast.mp4", "flow_magnitude")
        assert found.status == "ok"
        assert found.value == pytest.approx(3 * 24 / np.hypot(128, 80), rel=0.08)
        assert found.protocol.startswith("flow_magnitude@4:")

    def test_unknown_metrics_name_the_nearest(self, clips: Path) -> None:
        with pytest.raises(UnknownNameError, match="did you mean flow_magnitude"):
            mirabench.score(clips / "fast.mp4", "flow_magnitud")

    def test_unreadable_videos_raise(self, tmp_path: Path) -> None:
        (tmp_path / "x.mp4").touch()
        with pytest.raises(VideoError, match="is empty"):
            mirabench.score(tmp_path / "x.mp4", "sharpness")

    def test_set_metrics_point_to_evaluate(self, clips: Path) -> None:
        with pytest.raises(InputError, match="compares sets"):
            mirabench.score(clips / "fast.mp4", "handmade_kernel_distance")


def test_an_output_that_is_a_file_is_refused_before_the_work(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        mirabench.evaluate(clips, output=tmp_path / "taken")


def test_the_cache_being_full_costs_time_but_no_number(
    clips: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file where the cache's folder should be")
    report = mirabench.evaluate(clips, metrics=["sharpness"], cache=tmp_path / "cache")
    assert report.summary["sharpness"].n == 3
    assert sum("cannot keep a feature" in r.message for r in caplog.records) == 1
