"""Changes by delivery: codecs, frame rates and sizes. The clip comes back as decoded frames."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mirabench.attacks.api import Footage
from mirabench.video.decode import open_video
from mirabench.video.encode import write_video


def coded(options: Mapping[str, str]) -> Callable[[Footage], Footage]:
    """Through x264 with these options and back; the number of frames stays."""

    def change(clip: Footage) -> Footage:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip.mp4"
            write_video(path, clip.frames, fps=clip.fps, options=dict(options))
            frames = [batch.data for batch in open_video(path).frames()]
        return clip.with_frames(np.concatenate(frames))

    return change


def at_rate(clip: Footage, fps: float) -> Footage:
    """The same duration at another rate: at each time the frame shown then, so some repeat or go."""
    count = max(2, round(len(clip.frames) * fps / clip.fps))
    shown = np.floor(np.arange(count) * clip.fps / fps + 1e-6).astype(int)
    return clip.with_frames(
        np.take(clip.frames, np.minimum(shown, len(clip.frames) - 1), axis=0), fps
    )


def times_rate(factor: float) -> Callable[[Footage], Footage]:
    """`at_rate` at `factor` times the clip's own rate."""
    return lambda clip: at_rate(clip, clip.fps * factor)
