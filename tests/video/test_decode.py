"""The frame stream gives every frame once, in order, upright, with exact times and true colours."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame
from clipkit import panning
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirabench.errors import VideoError
from mirabench.video.decode import FrameCountError, open_video
from mirabench.video.encode import write_video
from mirabench.video.frames import ArrayVideo


def numbered(frames: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Frame t is grey of level 20 + 8 t, so that order can be read off."""
    levels = 20 + 8 * np.arange(frames)
    return np.broadcast_to(
        levels[:, None, None, None], (frames, height, width, 3)
    ).astype(np.uint8).copy()  # fmt: skip


def levels_of(path: Path) -> list[int]:
    batches = list(open_video(path).frames())
    return [round((float(f.mean()) - 20) / 8) for b in batches for f in b.data]


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format"),
    [
        (".mp4", "libx264", "yuv420p"),
        (".mov", "libx264", "yuv420p"),
        (".mkv", "ffv1", "bgr0"),
        (".webm", "libvpx-vp9", "yuv420p"),
        (".avi", "mpeg4", "yuv420p"),
        (".gif", "gif", "rgb8"),
    ],
)
def test_every_container_gives_every_frame_in_order(
    tmp_path: Path, suffix: str, codec: str, pixel_format: str
) -> None:
    path = write_video(
        tmp_path / f"clip{suffix}", numbered(20), fps=25, codec=codec, pixel_format=pixel_format
    )
    info = open_video(path).info
    assert (info.num_frames, info.width, info.height) == (20, 64, 48)
    assert float(info.fps) == pytest.approx(25, rel=1e-3)
    assert info.duration_seconds == pytest.approx(0.8, abs=0.01)
    tolerance = 1 if suffix == ".gif" else 0  # 8-bit palette: levels are a quantum off
    assert np.abs(np.array(levels_of(path)) - np.arange(20)).max() <= tolerance


def test_b_frames_come_in_presentation_order(tmp_path: Path) -> None:
    path = write_video(tmp_path / "b.mp4", numbered(24), options={"bf": "3", "crf": "1"})
    assert levels_of(path) == list(range(24))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_rotation_metadata_is_applied(tmp_path: Path, turns: int) -> None:
    upright = np.zeros((3, 32, 64, 3), np.uint8)
    upright[:, :16, :32] = (255, 0, 0)
    upright[:, :16, 32:] = (0, 255, 0)
    upright[:, 16:, :32] = (0, 0, 255)
    path = tmp_path / "turned.mov"
    stored = np.rot90(upright, -turns, axes=(1, 2))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height = stored.shape[2], stored.shape[1]
        stream.pix_fmt, stream.options = "yuv444p", {"crf": "1"}
        stream.set_display_rotation(90 * turns)
        for frame in stored:
            container.mux(
                stream.encode(VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"))
            )
        container.mux(stream.encode(None))
    video = open_video(path)
    assert (video.info.width, video.info.height) == (64, 32)
    picture = next(iter(video.frames())).data[0].astype(int)
    assert np.abs(picture - upright[0]).mean() < 12


def test_variable_frame_rate_keeps_each_frame_at_its_own_time(tmp_path: Path) -> None:
    times = [0, 1, 2, 10, 11, 30, 60]
    path = tmp_path / "vfr.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=60)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 60)
        for level, tick in zip(numbered(len(times)), times, strict=True):
            frame = VideoFrame.from_ndarray(level, format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 60)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    video = open_video(path)
    assert video.info.seconds == pytest.approx(np.array(times) / 60, abs=0.0011)
    assert video.info.duration_seconds == pytest.approx(1.0 + 1 / 6, rel=0.1)
    assert levels_of(path) == list(range(len(times)))


def test_the_same_frames_give_the_same_file(tmp_path: Path) -> None:
    clip = panning(frames=40, dx=3.3, dy=1.7, size=(320, 180))
    files = [write_video(tmp_path / f"{i}.mp4", clip) for i in range(4)]
    assert len({file.read_bytes() for file in files}) == 1


def test_odd_sizes_survive(tmp_path: Path) -> None:
    path = write_video(tmp_path / "odd.mp4", numbered(4, width=47, height=33))
    assert next(iter(open_video(path).frames())).data.shape == (4, 33, 47, 3)


@pytest.mark.parametrize(("full_range", "expected"), [(False, 255), (True, 235)])
def test_luma_235_is_white_in_limited_range_only(
    tmp_path: Path, full_range: bool, expected: int
) -> None:
    path = tmp_path / "range.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height = 64, 64
        stream.pix_fmt = "yuvj420p" if full_range else "yuv420p"
        stream.codec_context.color_range = 2 if full_range else 1
        frame = VideoFrame(64, 64, stream.pix_fmt)
        for plane, level in zip(frame.planes, (235, 128, 128), strict=True):
            plane.update(bytes([level]) * plane.buffer_size)
        frame.color_range = 2 if full_range else 1
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert next(iter(open_video(path).frames())).data[0, 8, 8].tolist() == [expected] * 3


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(frames=st.integers(1, 23), per_chunk=st.integers(1, 30))
def test_batches_of_any_size_hold_every_frame_once(frames: int, per_chunk: int) -> None:
    video = ArrayVideo(numbered(frames))
    batches = list(video.frames(chunk_bytes=per_chunk * 64 * 48 * 3))
    assert all(len(b) <= per_chunk for b in batches)
    assert np.concatenate([b.index for b in batches]).tolist() == list(range(frames))
    assert np.array_equal(np.concatenate([b.data for b in batches]), numbered(frames))


def test_one_batch_never_holds_more_than_its_budget(tmp_path: Path) -> None:
    path = write_video(tmp_path / "long.mp4", numbered(25))
    budget = 3 * 64 * 48 * 3
    assert max(b.data.nbytes for b in open_video(path).frames(chunk_bytes=budget)) == budget


def test_identity_is_the_content_not_the_name(tmp_path: Path) -> None:
    one = write_video(tmp_path / "one.mp4", numbered(5))
    two = tmp_path / "two.mp4"
    two.write_bytes(one.read_bytes())
    other = write_video(tmp_path / "other.mp4", numbered(6))
    identity = {p.name: open_video(p).info.sha256 for p in (one, two, other)}
    assert identity["one.mp4"] == identity["two.mp4"] != identity["other.mp4"]


def test_an_array_is_told_apart_by_pixels_and_rate() -> None:
    frames = numbered(4)
    same = ArrayVideo(frames.copy()).info.sha256 == ArrayVideo(frames).info.sha256
    assert same
    assert ArrayVideo(frames, fps=12).info.sha256 != ArrayVideo(frames).info.sha256
    assert ArrayVideo(frames[::-1]).info.sha256 != ArrayVideo(frames).info.sha256


class TestFrameFolders:
    def write(self, folder: Path, names: list[str]) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for level, name in zip(numbered(len(names)), names, strict=True):
            cv2.imwrite(str(folder / name), level)
        return folder

    def test_frames_come_in_natural_order(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path / "clip", [f"frame_{i}.png" for i in range(8, 13)])
        assert levels_of(folder) == [0, 1, 2, 3, 4]

    def test_a_gap_in_the_numbers_is_named(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path / "clip", ["f1.png", "f2.png", "f4.png", "f5.png"])
        with pytest.raises(VideoError, match="frame 3 is missing"):
            open_video(folder)

    def test_the_frame_rate_can_be_given(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path / "clip", ["1.png", "2.png", "3.png"])
        assert open_video(folder, fps=10).info.duration_seconds == pytest.approx(0.3)
        assert open_video(folder).info.duration_seconds == pytest.approx(3 / 24)

    def test_a_frame_of_another_size_is_named(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path / "clip", ["1.png", "2.png"])
        cv2.imwrite(str(folder / "3.png"), np.zeros((10, 10, 3), np.uint8))
        with pytest.raises(VideoError, match=r"3\.png is 10x10"):
            list(open_video(folder).frames())


class TestUnreadable:
    def test_zero_bytes(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.mp4"
        path.touch()
        with pytest.raises(VideoError, match=r"empty\.mp4 is empty"):
            open_video(path)

    def test_text_with_a_video_suffix(self, tmp_path: Path) -> None:
        path = tmp_path / "text.mp4"
        path.write_text("this is no video\n" * 50)
        with pytest.raises(VideoError, match="not a readable video"):
            open_video(path)

    def test_audio_only(self, tmp_path: Path) -> None:
        path = tmp_path / "sound.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=8000)
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate = 8000
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        with pytest.raises(VideoError, match="no video stream"):
            open_video(path)

    def test_a_cut_off_mp4_with_its_index_at_the_end(self, tmp_path: Path) -> None:
        whole = write_video(tmp_path / "whole.mp4", numbered(20)).read_bytes()
        path = tmp_path / "cut.mp4"
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(VideoError, match=r"cut\.mp4 .*truncated"):
            open_video(path)

    def test_a_cut_off_mp4_with_its_index_in_front(self, tmp_path: Path) -> None:
        path = tmp_path / "cut.mp4"
        with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=24)
            stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
            for frame in panning():
                container.mux(stream.encode(VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode(None))
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) * 6 // 10])
        with pytest.raises(VideoError, match="truncated"):
            open_video(path)

    @pytest.mark.parametrize(
        "array",
        [
            np.zeros((4, 8, 8), np.uint8),
            np.zeros((4, 8, 8, 3), np.float32),
            np.zeros((0, 8, 8, 3), np.uint8),
        ],
        ids=["no colour axis", "floats", "no frames"],
    )
    def test_arrays_of_another_shape_or_type(self, array: np.ndarray) -> None:
        with pytest.raises(VideoError, match="uint8 RGB"):
            open_video(array)


def test_a_container_that_miscounts_is_counted_by_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "clip.mp4", numbered(10))
    quick = open_video(path)
    object.__setattr__(quick.info, "ticks", quick.info.ticks[:8])
    with pytest.raises(FrameCountError):
        list(quick.frames())
    assert open_video(path, exact=True).info.num_frames == 10
