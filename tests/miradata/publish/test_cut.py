"""`cut`: exact files hold the clip's frames at their times; copies say what they really hold."""

import errno
from pathlib import Path

import av
import badvideos
import numpy as np
import pytest
import tablekit as kit
from longfilm import FPS, shot, write_film

from mirabench.video.decode import open_video
from mirabench.work.item import Item, perform
from miradata.config import Cut
from miradata.frames.clip_range import NS
from miradata.publish.cut import CutStage
from miradata.select.levels import Level, Rule, Thresholds
from miradata.tables.store import Tables


def clip_of(path: Path, t0: float, t1: float) -> Item:
    video = {"path": path.name, "sha256": "s", "fps": float(FPS)}
    return Item("ab-1", "s", {"t0_ns": round(t0 * NS), "t1_ns": round(t1 * NS), "video": video})


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", [shot(1, 72)])


def frames(path: Path) -> np.ndarray:
    return np.concatenate([batch.data for batch in open_video(path).frames()])


def made(stage: CutStage, item: Item) -> dict[str, object]:
    done = perform(stage, item)
    [row] = done.outcome.value["files"]
    assert done.outcome.status == row["status"]
    return dict(row)


def test_exact_holds_the_frames_of_the_span_and_no_other(film, tmp_path):
    row = made(CutStage(film.parent, tmp_path, Cut(crf=5)), clip_of(film, 0.75, 2.0))
    assert (row["mode"], row["frames"], row["status"]) == ("exact", 30, "ok")
    assert (row["t0_ns"], row["t1_ns"]) == (round(0.75 * NS), 2 * NS)
    path = tmp_path / str(row["path"])
    assert row["bytes"] == path.stat().st_size
    assert open_video(path).info.sha256 == row["sha256"]
    difference = frames(path).astype(int) - frames(film)[18:48]
    assert np.abs(difference).mean() < 2


def test_exact_gives_the_same_bytes_again(film, tmp_path):
    rows = [made(CutStage(film.parent, tmp_path / n, Cut()), clip_of(film, 0.5, 1.5)) for n in "ab"]
    assert rows[0] == rows[1]


def test_a_copy_begins_at_the_key_frame_before_and_says_so(film, tmp_path):
    stage = CutStage(film.parent, tmp_path, Cut(mode="keyframe"))
    row = made(stage, clip_of(film, 1.5, 2.5))
    assert row["t0_ns"] == NS  # a key frame a second
    assert row["mode"] == "keyframe"
    held = frames(tmp_path / str(row["path"]))
    assert len(held) == row["frames"]
    assert abs(int(str(row["t1_ns"])) - 2.5 * NS) <= 3 * NS / FPS
    assert np.array_equal(held[:20], frames(film)[24:44])  # without loss


def test_exact_keeps_the_times_of_a_variable_rate(tmp_path):
    path = badvideos.variable_rate(tmp_path / "v.mp4")
    row = made(CutStage(tmp_path, tmp_path, Cut()), clip_of(path, 0.6, 2.0))
    with av.open(str(tmp_path / str(row["path"]))) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    # from tick 6 on: 6, 7, 8, 12, 13, 14, 18, 19 tenths
    assert np.diff(times) == pytest.approx([0.1, 0.1, 0.4, 0.1, 0.1, 0.4, 0.1], abs=1e-3)


@pytest.mark.parametrize("make", [badvideos.rotated, badvideos.ten_bits, badvideos.interlaced])
def test_odd_sources_become_plain_files(tmp_path, make):
    path = make(tmp_path / "odd.mp4")
    row = made(CutStage(tmp_path, tmp_path, Cut(crf=5)), clip_of(path, 0.25, 0.75))
    cut = frames(tmp_path / str(row["path"]))
    whole = frames(path)
    assert cut.shape[1:] == whole.shape[1:]
    a_frame_off = np.abs(whole[7:19].astype(int) - whole[6:18]).mean()
    assert np.abs(cut.astype(int) - whole[6:18]).mean() < a_frame_off / 2


def test_a_full_disk_is_a_failed_row_and_leaves_no_file(film, tmp_path, monkeypatch):
    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        row = made(CutStage(film.parent, tmp_path, Cut()), clip_of(film, 0, 1))
    assert row["status"] == "failed"
    assert "free some space" in str(row["reason"])
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_span_beyond_the_video_is_a_failed_row(film, tmp_path):
    row = made(CutStage(film.parent, tmp_path, Cut()), clip_of(film, 50, 51))
    assert row["status"] == "failed"
    assert "no frame" in str(row["reason"])
    assert row["path"] is None


def test_only_clips_that_lack_nothing_but_their_file_are_cut(film, tmp_path):
    thresholds = Thresholds(
        name="t",
        version="1",
        limits=(Rule(metric="motion", least=1.0, origin="test"),),
        levels=(Level(name="all"),),
    )
    names = ["kept", "still", "uncaptioned"]
    kit.write(
        tmp_path,
        videos=[kit.video(path=film.name, duration_ns=3 * NS)],
        clips=[kit.clip(name, i, i, i + 1.0) for i, name in enumerate(names)],
        scores=kit.scores("motion", kept=2.0, still=0.5, uncaptioned=2.0),
        captions=[
            kit.row("captions", clip_id=name, window=0, status="success")
            for name in ("kept", "still")
        ],
    )
    stage = CutStage(film.parent, tmp_path, Cut(), thresholds, captions_required=True)
    assert [item.id for item in stage.items(Tables(tmp_path))] == ["kept"]
    everything = CutStage(film.parent, tmp_path, Cut())
    assert {item.id for item in everything.items(Tables(tmp_path))} == set(names)
