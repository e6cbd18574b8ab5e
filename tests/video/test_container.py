"""A file opens whatever its name, the encoding of its title, and the cover art beside the film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from clipkit import panning

from mirabench.video.decode import open_video
from mirabench.video.encode import write_video
from mirabench.work.item import Item
from miradata.collect.sources import SourceVideo
from miradata.frames.clip_range import opened
from miradata.shots.probe import Probe

TITLE = "Caf_ am Rhein"


def titled(path: Path, codec: str) -> Path:
    """A clip whose title was written in Latin-1."""
    with av.open(str(path), "w") as out:
        out.metadata["title"] = TITLE
        stream = out.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata["language"] = "fra"
        for rgb in panning(12, size=(64, 48)):
            out.mux(stream.encode(VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(stream.encode(None))
    raw = path.read_bytes()
    assert TITLE.encode() in raw
    path.write_bytes(raw.replace(TITLE.encode(), TITLE.encode().replace(b"_", b"\xe9")))
    return path


CONTAINERS = pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mp4", "libx264"), (".mov", "libx264"), (".mkv", "libx264"), (".webm", "libvpx"),
     (".avi", "mpeg4")],
)  # fmt: skip


@CONTAINERS
def test_a_title_in_latin_1_does_not_make_a_clip_unreadable(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    path = titled(tmp_path / f"clip{suffix}", codec)
    assert open_video(path).info.num_frames == 12
    assert sum(len(batch) for batch in open_video(path).frames()) == 12


@CONTAINERS
def test_nor_for_curation(tmp_path: Path, suffix: str, codec: str) -> None:
    path = titled(tmp_path / f"clip{suffix}", codec)
    row = (
        Probe(()).work(Item("x", "", SourceVideo(path, path.name, "here", "u"))).value["videos"][0]
    )
    assert (row["status"], row["num_frames"]) == ("ok", 12)
    with opened(path) as video:
        assert video.stream.width == 64


@pytest.mark.parametrize("name", ["take:2.mp4", "data:x.mp4", "pipe:0.mp4", "a%03d.mp4", "-y.mp4"])
def test_a_name_is_a_name_and_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(name, panning(3, size=(64, 48)))
    assert open_video(name).info.num_frames == 3


def test_cover_art_is_not_the_film(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as out:
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        film = out.add_stream("libx264", rate=24)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        picture = VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        picture.time_base = Fraction(1, 24)
        out.mux(cover.encode(picture))
        out.mux(cover.encode(None))
        for rgb in panning(12, size=(64, 48)):
            out.mux(film.encode(VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(film.encode(None))
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 2
    info = open_video(path).info
    assert (info.width, info.height, info.num_frames) == (64, 48, 12)
