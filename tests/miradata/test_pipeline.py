"""The pipeline end to end on a film whose every shot is known; killed anywhere; on another engine."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import badvideos
import killedrun
import numpy as np
import pytest
from longfilm import FPS, SECONDS, parts, shot, write_film

from mirabench.errors import InputError
from mirabench.video.decode import open_video
from mirabench.work.local import LocalExecutor
from mirabench.work.ray import RayExecutor
from mirabench.work.run import Policy
from miradata.collect.sources import find_sources
from miradata.config import STAGES as DEFAULT
from miradata.config import config_of
from miradata.curation import curate
from miradata.frames.clip_range import NS
from miradata.pipeline import executor_of, pipeline_of, run_pipeline
from miradata.stage_run import StageRun
from miradata.tables.store import Tables

STAGES = ("probe", "split", "stitch", "length", "score", "dedup", "cut")
CONFIG = config_of(
    {
        "stages": DEFAULT[:-2],  # without captions; clips are cut by tests that want files
        "split": {"min_scene_seconds": 0.5},
        "length": {"min_seconds": 2.0, "min_seconds_by_source": {}},
        "running": {"workers": 1},
    }
)


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    write_film(folder / "film.mp4", [part.frames for part in parts()])
    return folder


@pytest.fixture(scope="module")
def curated(film, tmp_path_factory) -> Tables:
    output = tmp_path_factory.mktemp("curated") / "out"
    run_pipeline(pipeline_of(CONFIG, find_sources(film), output), CONFIG, output)
    return Tables(output)


def named_clips(tables: Tables) -> dict[str, dict[str, Any]]:
    """Clips by the part of the film that they begin in."""
    names = [part.name for part in parts()]
    clips = tables.rows("clips")
    return {names[round(c["t0_ns"] / NS / SECONDS)]: c for c in clips}


def values(tables: Tables, metric: str) -> dict[str, float]:
    found = {r["clip_id"]: r["value"] for r in tables.rows("scores") if r["metric"] == metric}
    clips = named_clips(tables)
    return {name: found[c["clip_id"]] for name, c in clips.items() if c["clip_id"] in found}


def test_every_cut_is_found_and_the_fade_in_its_middle(curated):
    starts = [row["frame0"] for row in curated.rows("cuts")]
    known = [k * SECONDS * FPS for k in range(len(parts()))]
    fade = starts.pop(2)
    assert abs(fade - known.pop(2)) <= 2
    assert starts == known


def test_only_the_two_halves_of_one_scene_are_joined(curated):
    names = [part.name for part in parts()]
    joined = [names[row["i"]] for row in curated.rows("joins") if row["joined"]]
    assert joined == ["scene"]
    assert named_clips(curated)["scene"]["n_cuts"] == 2
    assert "same scene" not in named_clips(curated)


def test_the_brief_shot_is_too_short_and_stays_in_the_table(curated):
    rejected = {n: c["reason"] for n, c in named_clips(curated).items() if c["status"] != "ok"}
    assert list(rejected) == ["brief"]
    assert rejected["brief"].startswith("short: 1.00 s")


def test_the_dark_shot_is_dark(curated):
    luma = values(curated, "luma_mean")
    assert luma["dark"] < 0.08
    assert all(0.3 < level < 0.7 for name, level in luma.items() if name != "dark")


def test_the_still_shot_does_not_move(curated):
    motion = values(curated, "motion")
    assert motion["still"] < 1e-3
    assert motion["first"] == pytest.approx(1.03 * FPS / 186.6, rel=0.2)  # diagonals a second


def test_the_repeated_shot_is_a_duplicate_of_the_first(curated):
    clips = named_clips(curated)
    names = {c["clip_id"]: name for name, c in clips.items()}
    dups = {names[d["clip_id"]]: d for d in curated.rows("dups")}
    dropped = [name for name, d in dups.items() if not d["keep"]]
    assert len(dropped) == 1
    assert {dropped[0], names[dups[dropped[0]]["group"]]} == {"first", "again"}


def test_every_stage_has_an_outcome_for_every_item(curated):
    outcomes = curated.rows("outcomes")
    assert {o["status"] for o in outcomes} == {"ok"}
    assert {o["stage"] for o in outcomes} == set(STAGES) - {"cut"}


def test_what_is_not_measured_is_said(film, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRABENCH_WEIGHTS", str(tmp_path / "no weights"))
    monkeypatch.setattr("miradata.frames.hub.present", lambda name: False)
    absent = pipeline_of(config_of({}), find_sources(film), tmp_path).absent
    assert [text.partition(":")[0] for text in absent] == ["nsfw", "aesthetic", "raft", "captions"]
    learned = pipeline_of(config_of({"profile": "learned"}), find_sources(film), tmp_path)
    told = [text.partition(":")[0] for text in learned.absent]
    # each part that is not here says so, and lite stands in
    assert told == ["stitch", "stitch", "stitch", "nsfw", "aesthetic", "raft", "dedup", "captions"]
    assert [stage.name for stage in learned.stages] == [*STAGES[:-1], "caption", "cut"]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that does not tell of times of day."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for top in ("tables", "clips")
        for p in sorted((folder / top).rglob("*"))
        if p.is_file()
    }


def killed(source: Path, output: Path, deaths: list[killedrun.Moment]) -> list[int]:
    """Run to each moment of death in turn, in processes of their own; how each ended."""
    settings = CONFIG.model_dump_json()
    command = [sys.executable, killedrun.__file__, settings, source, output, json.dumps(deaths)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=120)
    codes: list[int] = json.loads(done.stdout)
    return codes


def test_killed_in_every_stage_and_run_again_the_tables_are_identical(tmp_path):
    """One run is killed again and again, each time further on; another is never interrupted."""
    source = tmp_path / "in"
    source.mkdir()
    write_film(source / "a.mp4", [shot(1, 60), shot(2, 60)])
    write_film(source / "b.mp4", [shot(1, 60)])
    badvideos.UNUSABLE["not_video"][1](source / "bad.mp4")
    killedrun.run(CONFIG, source, tmp_path / "calm")
    moments = ("item", "journal", "publish")
    deaths = [(stage, moment) for stage in STAGES for moment in moments]
    codes = killed(source, tmp_path / "killed", deaths)
    assert codes == [-signal.SIGKILL] * len(deaths)
    killedrun.run(CONFIG, source, tmp_path / "killed")
    assert contents(tmp_path / "killed") == contents(tmp_path / "calm")
    assert len(contents(tmp_path / "calm")) > 10


def test_bad_files_cost_no_good_one(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for name, (suffix, make) in badvideos.UNUSABLE.items():
        make(source / f"{name}{suffix}")
    badvideos.good(source / "good.mp4")
    config = config_of({**CONFIG.model_dump(), "length": {"min_seconds": 0.5}})
    run_pipeline(
        pipeline_of(config, find_sources(source), tmp_path / "out"), config, tmp_path / "out"
    )
    videos = {row["path"]: row for row in Tables(tmp_path / "out").rows("videos")}
    assert len(videos) == len(badvideos.UNUSABLE) + 1
    assert [path for path, row in videos.items() if row["status"] == "ok"] == ["good.mp4"]
    assert all(row["reason"] for path, row in videos.items() if path != "good.mp4")
    [clip] = Tables(tmp_path / "out").rows("clips")
    assert clip["t1_ns"] == NS


@pytest.mark.parametrize("mode", ["exact", "keyframe"])
@pytest.mark.parametrize("name", ["h264", "vp9"])
def test_no_spoilt_frame_of_a_damaged_film_is_published(tmp_path, mode, name):
    coding = badvideos.CODINGS[name]
    good = badvideos.encoded(
        tmp_path / f"good{coding.suffix}", np.concatenate([shot(1, 66), shot(2, 66)]), coding
    )
    (tmp_path / "in").mkdir()
    badvideos.with_noise(good, tmp_path / "in" / f"film{coding.suffix}", [0, 29, 100])
    config = config_of({
        **CONFIG.model_dump(), "stages": DEFAULT, "input": str(tmp_path / "in"), "cut": {"mode": mode},
        "length": {"min_seconds": 0.4}, "score": {"rate": 12.0},
    })  # fmt: skip
    made = curate(config, tmp_path / "out")
    assert len(made.published.rows) >= 2
    assert "film" in made.page.read_text() and "s damaged" in made.page.read_text()
    whole = np.concatenate([b.data for b in open_video(good).frames()]).astype(int)
    for row in made.published.rows:
        count = 0
        for batch in open_video(tmp_path / "out" / row["file_path"]).frames():
            for picture, seconds in zip(batch.data.astype(int), batch.seconds, strict=True):
                source = whole[round((row["t0_s"] + seconds) * FPS)]
                assert np.abs(picture - source).mean() < 8, (row["t0_s"], seconds)
                count += 1
        # a copy ends with frames that are decoded before those that are shown before them
        assert count == row["frames"] >= round(row["seconds"] * FPS) - (mode == "keyframe") * 3


def test_a_video_that_vanishes_after_the_probe_fails_and_is_set_aside(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    path = write_film(source / "a.mp4", [shot(1, 60)])
    stages = killedrun.stages_of(CONFIG, source, tmp_path / "out")
    run = StageRun(tmp_path / "out", LocalExecutor(0), Policy(tries=2))
    run.all(stages[:4])
    path.unlink()
    progress = run.one(stages[4])
    assert (progress.ok, progress.failed) == (0, 1)
    scores = Tables(tmp_path / "out").rows("scores")
    assert {row["status"] for row in scores} == {"failed"}
    assert all(row["value"] is None and "a.mp4" in row["reason"] for row in scores)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no video"):
        find_sources(tmp_path)


def test_what_the_collection_knew_reaches_the_table(tmp_path):
    badvideos.good(tmp_path / "a.mp4")
    (tmp_path / "collected.jsonl").write_text('{"path": "a.mp4", "url": "https://x/a"}\n{"torn')
    [source] = find_sources(tmp_path, "pexels")
    assert (source.name, source.source, source.url) == ("a.mp4", "pexels", "https://x/a")


def test_the_configuration_chooses_the_engine():
    local = executor_of(config_of({}).running)
    assert isinstance(local, LocalExecutor) and local.workers == 2
    chosen = executor_of(config_of({"running": {"executor": "ray", "ray_address": "auto"}}).running)
    assert chosen == RayExecutor("auto", 2)
