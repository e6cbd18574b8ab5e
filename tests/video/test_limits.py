"""A tiny file that announces a huge picture costs neither time nor memory."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import badvideos
import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame

from mirabench.errors import VideoError
from mirabench.video.decode import open_video
from mirabench.video.limits import MAX_PIXELS
from mirabench.video.picture_size import picture_size

FORMATS = [
    (".webm", "libvpx", "yuv420p"), (".ts", "mpeg2video", "yuv420p"), (".avi", "mjpeg", "yuvj420p"),
    (".mp4", "libx264", "yuv420p"), (".mkv", "ffv1", "yuv420p"), (".gif", "gif", "rgb8"),
    (".mov", "png", "rgb24"),
]  # fmt: skip


def plain(path: Path, codec: str, pixels: str, width: int, height: int, frames: int = 2) -> Path:
    """A film of grey frames."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.thread_count = 1
        for number in range(frames):
            frame = VideoFrame(width, height, pixels)
            for plane in frame.planes:
                plane.update(bytes([128]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("suffix", "codec", "pixels"), FORMATS)
def test_a_frame_above_the_limit_is_refused_and_one_at_it_is_read(
    tmp_path: Path, suffix: str, codec: str, pixels: str
) -> None:
    path = plain(tmp_path / f"clip{suffix}", codec, pixels, 640, 480)
    assert open_video(path, max_pixels=640 * 480).info.num_frames == 2
    with pytest.raises(VideoError, match="--max-pixels"):
        open_video(path, max_pixels=640 * 480 - 1)


def test_eight_k_is_read_and_more_is_not(tmp_path: Path) -> None:
    assert MAX_PIXELS == 7680 * 4320
    with pytest.raises(VideoError, match=r"33177600 pixels"):
        open_video(plain(tmp_path / "big.avi", "mjpeg", "yuvj420p", 7680, 4336, frames=1))


def test_a_small_gif_of_8000_by_8000_is_refused_within_a_second_and_in_little_memory(
    tmp_path: Path,
) -> None:
    path = badvideos.huge_gif(tmp_path / "bomb.gif", 8000, 8000, frames=2)
    assert path.stat().st_size < 60_000
    began = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(VideoError, match="--max-pixels"):
        open_video(path)
    assert time.process_time() - began < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


class TestPictures:
    @pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp"])
    def test_the_size_is_read_from_the_header(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"picture{suffix}"
        cv2.imwrite(str(path), np.zeros((37, 61, 3), np.uint8))
        assert picture_size(path.read_bytes()) == (61, 37)

    @pytest.mark.parametrize("quality", [80, 101], ids=["lossy", "lossless"])
    def test_webp_of_both_kinds(self, tmp_path: Path, quality: int) -> None:
        path = tmp_path / "picture.webp"
        cv2.imwrite(str(path), np.zeros((37, 61, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, quality])
        assert picture_size(path.read_bytes()) == (61, 37)

    @pytest.mark.parametrize(
        "raw", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00", b"text", b"RIFF0000WEBPVP9 "]
    )
    def test_what_has_no_size_has_none(self, raw: bytes) -> None:
        assert picture_size(raw) is None

    def test_a_huge_frame_of_a_folder_is_refused(self, tmp_path: Path) -> None:
        for number, side in enumerate((8, 8, 9)):
            cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((8, side, 3), np.uint8))
        with pytest.raises(VideoError, match="9x8, more than the 64 pixels"):
            list(open_video(tmp_path, max_pixels=64).frames())


def test_the_bomb_leaves_the_command_line_with_a_sentence(tmp_path: Path) -> None:
    badvideos.huge_gif(tmp_path / "bomb.gif", 8000, 8000, frames=2)
    command = [sys.executable, "-m", "mirabench", "evaluate", str(tmp_path / "bomb.gif"),
               "--metrics", "sharpness", "--output", str(tmp_path / "out")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "--max-pixels" in done.stdout + done.stderr
