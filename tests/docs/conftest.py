"""The folder in which the docs' code blocks run."""

from __future__ import annotations

from pathlib import Path

import clipkit
import cv2
import pytest

from mirabench.video.encode import write_video


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `clips/a.mp4`, `clips/b.mp4`, `clip.mp4` and `frames/`."""
    folder = tmp_path_factory.mktemp("docs")
    for name, dx in (("clips/a", 2.0), ("clips/b", 1.0), ("clip", 1.0)):
        write_video(folder / f"{name}.mp4", clipkit.panning(frames=15, dx=dx, size=(96, 64)))
    (folder / "frames").mkdir()
    for number, frame in enumerate(clipkit.panning(frames=3, size=(64, 48))):
        cv2.imwrite(str(folder / "frames" / f"frame_{number}.png"), frame[..., ::-1])
    return folder
