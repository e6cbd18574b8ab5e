"""`split`, and the pictures of a time on which everything after it rests."""

from itertools import pairwise
from pathlib import Path

import badvideos
import numpy as np
import pytest
from clipkit import still
from hypothesis import given
from hypothesis import strategies as st
from longfilm import FPS, shot, write_film

from mirabench.errors import VideoError
from mirabench.video.decode import open_video
from mirabench.work.item import Item, Outcome
from miradata.config import Split
from miradata.frames.clip_range import NS, ClipRange, frames_at, on_screen, opened
from miradata.frames.damage import Damage, TimeRange, frames_despite
from miradata.shots.left_out import LeftOut, segments
from miradata.shots.split import SplitStage, detect, fades, spaced

SPLIT = Split(min_scene_seconds=0.5)


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    shots = [shot(1, 36), shot(2, 50), shot(3, 24)]
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", shots)


def test_hard_cuts_are_found_exactly(film):
    times, cuts, left_out = detect(film, SPLIT, FPS)
    assert left_out == []
    assert cuts == [36, 86]
    assert len(times) == 110
    assert times[86] == round(86 / FPS * NS)


def test_no_two_cuts_are_closer_than_the_least(film):
    assert detect(film, Split(min_scene_seconds=2.0), FPS)[1] == [86]


def test_constant_change_is_cut_at_once_and_not_only_when_it_ends(tmp_path):
    """A still, a second in which every frame is another picture, a still."""
    storm = np.concatenate([shot(seed, 1) for seed in range(10, 34)])
    path = write_film(tmp_path / "storm.mp4", [still(30, seed=1), storm, still(30, seed=2)])
    cuts = detect(path, SPLIT, FPS)[1]
    assert cuts[0] == 30
    assert cuts[-1] == 54
    assert min(np.diff([0, *cuts, 84])) >= 12


def test_rows_are_contiguous_and_end_with_the_video(film):
    stage = SplitStage(film.parent, SPLIT)
    video = {"path": film.name, "fps": float(FPS), "duration_ns": 110 * NS // FPS}
    rows = stage.work(Item("v", "c", video)).value["cuts"]
    assert [(r["frame0"], r["frame1"]) for r in rows] == [(0, 36), (36, 86), (86, 110)]
    assert [r["t0_ns"] for r in rows[1:]] == [r["t1_ns"] for r in rows[:-1]]
    assert rows[-1]["t1_ns"] == 110 * NS // FPS
    assert {r["detector"] for r in rows} == {"content-27+fade-12"}


def shots_of(path: Path, seconds: float) -> tuple[list[dict[str, object]], Outcome]:
    video = {"path": path.name, "fps": float(FPS), "duration_ns": round(seconds * NS)}
    outcome = SplitStage(path.parent, SPLIT).work(Item("v", "c", video))
    return list(outcome.value.get("cuts", ())), outcome


def pictures(path: Path) -> dict[int, np.ndarray]:
    """Time -> picture of every frame that decodes."""
    with opened(path) as video:
        return {
            video.frame_ns(frame): frame.to_ndarray(format="rgb24").astype(int)
            for frame in frames_despite(video, Damage())
        }


@pytest.mark.parametrize("packets", [[29], [51], [27, 53, 54]], ids=str)
@pytest.mark.parametrize("name", badvideos.CODINGS)
def test_what_bad_packets_spoil_is_in_no_shot_and_the_rest_is(tmp_path, name, packets):
    coding = badvideos.CODINGS[name]
    frames = np.concatenate([shot(1, 66), shot(2, 66)])
    good = badvideos.encoded(tmp_path / f"good{coding.suffix}", frames, coding)
    spoil = badvideos.without_bytes if coding.suffix == ".ts" else badvideos.with_noise
    bad = spoil(good, tmp_path / f"bad{coding.suffix}", packets)
    rows, outcome = shots_of(bad, 132 / FPS)
    assert (outcome.status, outcome.reason[:10]) == ("ok", "left out: ")
    assert "s damaged" in outcome.reason
    seen = pictures(bad)
    for time, picture in pictures(good).items():
        sound = time in seen and np.abs(seen[time] - picture).mean() < 1
        inside = any(row["t0_ns"] <= time < row["t1_ns"] for row in rows)
        assert sound or not inside, f"frame at {time / NS:.3f} s"
    kept = sum(row["t1_ns"] - row["t0_ns"] for row in rows) / NS
    assert kept > (132 - 26 * len(packets)) / FPS, "no more than to the next key frame"
    for row in rows:
        assert row["t0_ns"] < row["t1_ns"]
        assert row["frame0"] < row["frame1"]
    good_rows, sound_outcome = shots_of(good, 132 / FPS)
    assert (len(good_rows), sound_outcome.reason) == (2, "")


def test_a_film_whose_every_packet_is_bad_is_rejected(tmp_path):
    coding = badvideos.CODINGS["mpeg4"]
    good = badvideos.encoded(tmp_path / "good.mp4", shot(1, 24), coding)
    _, outcome = shots_of(badvideos.with_noise(good, tmp_path / "bad.mp4", range(24)), 1.0)
    assert outcome.status == "rejected"
    assert outcome.reason.startswith("corrupt: ")


def test_a_part_of_another_size_is_left_out_by_name(tmp_path):
    ts = badvideos.CODINGS["transport stream"]
    wide = badvideos.encoded(tmp_path / "a.ts", shot(1, 48), ts)
    small = badvideos.encoded(tmp_path / "b.ts", shot(2, 48)[:, :, :128], ts, first=50)
    wide_again = badvideos.encoded(tmp_path / "c.ts", shot(3, 48), ts, first=100)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(path.read_bytes() for path in (wide, small, wide_again)))
    rows, outcome = shots_of(joined, 6.0)
    assert outcome.status == "ok"
    assert "2.00-4.08 s 128x96 instead of 160x96" in outcome.reason
    seen = [(row["t0_ns"] / NS, row["t1_ns"] / NS) for row in rows]
    assert all(end <= 2.001 or start >= 4.08 for start, end in seen)
    assert sum(end - start for start, end in seen) > 3.5


def test_streams_that_overlap_where_they_were_joined_lose_what_comes_twice(tmp_path):
    ts = badvideos.CODINGS["transport stream"]
    parts = [
        badvideos.encoded(tmp_path / f"{n}.ts", shot(n, 48), ts, first=first)
        for n, first in ((1, 0), (2, 40))
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(path.read_bytes() for path in parts))
    rows, outcome = shots_of(joined, 3.6)
    assert outcome.status == "ok"
    assert "s whose times come twice" in outcome.reason
    seen = [(row["t0_ns"] / NS, row["t1_ns"] / NS) for row in rows]
    assert all(end <= 1.7 or start >= 1.95 for start, end in seen)
    assert sum(end - start for start, end in seen) > 2.5


def test_times_that_all_come_twice_leave_no_clip(tmp_path):
    ts = badvideos.CODINGS["transport stream"]
    parts = [badvideos.encoded(tmp_path / f"{n}.ts", shot(n, 48), ts) for n in (1, 2)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(path.read_bytes() for path in parts))
    rows, outcome = shots_of(joined, 4.0)
    assert (rows, outcome.status) == ([], "rejected")
    assert "s whose times come twice" in outcome.reason


@given(st.data())
def test_shots_never_hold_what_is_left_out(data):
    times = np.cumsum(data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=40))).tolist()
    end = times[-1] + 5
    starts = data.draw(st.lists(st.integers(0, end + 5), max_size=4))
    parts = [
        LeftOut(TimeRange(start, start + data.draw(st.integers(1, 60))), "x") for start in starts
    ]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(times)), max_size=4)) - {len(times)})
    found = segments(times, cuts, parts, end_ns=end, frame_ns=4)
    for a, b in pairwise(found):
        assert a.t1_ns <= b.t0_ns and a.after <= b.first
    for one in found:
        assert times[one.first] == one.t0_ns < one.t1_ns
        assert times[one.after - 1] < one.t1_ns
        assert not any(p.when.t0_ns <= times[k] < p.when.t1_ns for p in parts
                       for k in range(one.first, one.after))  # fmt: skip
        assert not any(one.first < cut < one.after for cut in cuts)
    held = {k for one in found for k in range(one.first, one.after)}
    useless = {
        k for k, t in enumerate(times) if any(p.when.t0_ns <= t < p.when.t1_ns for p in parts)
    }
    assert held == set(range(len(times))) - useless


def test_a_video_that_breaks_off_while_it_is_decoded_is_rejected(tmp_path):
    badvideos.UNUSABLE["corrupt"][1](tmp_path / "bad.mp4")
    video = {"path": "bad.mp4", "fps": 24.0, "duration_ns": NS}
    outcome = SplitStage(tmp_path, SPLIT).work(Item("v", "c", video))
    assert outcome.status == "rejected"
    assert outcome.reason.startswith("corrupt: ")


@pytest.mark.parametrize(
    ("dark", "cuts", "found"),
    [
        ([0, 0, 1, 1, 1, 1, 0, 0], [], [4]),
        ([0, 0, 1, 1, 1, 1, 0, 0], [6], []),
        ([0, 0, 1, 1, 1, 1, 0, 0], [2, 6], []),
        ([1, 1, 0, 0, 1, 1], [], []),
        ([0] * 8, [], []),
        ([1] * 8, [], []),
    ],
    ids=["fade", "fade out then cut", "dark shot", "at both ends", "never", "always"],
)
def test_a_fade_is_cut_in_its_middle_and_a_dark_shot_is_none(dark, cuts, found):
    assert fades(np.array(dark, np.int8), cuts) == found


@given(st.sets(st.integers(1, 199)), st.integers(1, 50))
def test_spaced_cuts_leave_no_shot_too_short(cuts, least):
    edges = [0, *spaced(sorted(cuts), least)]
    assert len(edges) == 1 or min(np.diff(edges)) >= least


def test_the_picture_of_a_time_is_the_one_a_full_decode_shows_then(tmp_path):
    for path in (
        badvideos.good(tmp_path / "a.mp4", options={"g": "7", "bf": "2"}),
        badvideos.variable_rate(tmp_path / "v.mp4"),
    ):
        video = open_video(path)
        every = np.concatenate([batch.data for batch in video.frames()])
        starts = [round(s * NS) for s in video.info.seconds.tolist()]
        times = [0, starts[3] - 1, starts[3], starts[9] + 1, starts[-1], starts[-1] + NS]
        wanted = [max(k for k, s in enumerate(starts) if s <= t) for t in times]
        for picture, k in zip(frames_at(path, times), wanted, strict=True):
            assert np.array_equal(picture, every[k])


def test_a_seek_gives_the_pictures_of_a_decode_from_the_beginning(film, monkeypatch):
    times = [0, NS // 2, 2 * NS, 3 * NS, 4 * NS + 5]
    straight = frames_at(film, times)
    monkeypatch.setattr("miradata.frames.clip_range.SEEK_NS", 0)
    for a, b in zip(straight, frames_at(film, times), strict=True):
        assert np.array_equal(a, b)


def test_turned_videos_are_shown_upright(tmp_path):
    [picture] = frames_at(badvideos.rotated(tmp_path / "a.mp4"), [0])
    assert picture.shape == (160, 96, 3)


def test_a_span_is_a_video_of_a_few_pictures(film):
    clip_range = ClipRange(film, "digest", NS, 3 * NS, 160, 96, float(FPS))
    video = clip_range.at_rate(2.0)
    assert video.info.num_frames == 4
    assert video.info.duration_seconds == pytest.approx(2.0)
    whole = np.concatenate([b.data for b in video.frames()])
    few = np.concatenate([b.data for b in video.frames(chunk_bytes=1)])
    assert np.array_equal(whole, few)
    with opened(film) as footage:
        first = next(on_screen(footage, [round(1.25 * NS)]))
    assert np.array_equal(whole[0], first.to_ndarray(format="rgb24"))
    assert clip_range.at_rate(100.0).info.num_frames == 2 * FPS
    assert video.info.sha256 != clip_range.evenly(3).info.sha256


def test_what_is_no_video_is_said(tmp_path):
    (tmp_path / "a.mp4").write_text("nothing")
    with pytest.raises(VideoError, match="not a readable video"):
        frames_at(tmp_path / "a.mp4", [0])
