"""What is odd and lawful is not called damaged; the same files, cut short, are."""

from __future__ import annotations

from pathlib import Path

import oddities
import pytest

import mirabench
from mirabench.features.stream import extract
from mirabench.metrics.health import INTEGRITY
from mirabench.video.decode import FrameCountError, open_video

ODDITIES = pytest.mark.parametrize("name", oddities.ODDITIES)


def made(name: str, folder: Path) -> Path:
    suffix, recipe = oddities.ODDITIES[name]
    recipe(folder / f"clip{suffix}")
    return folder / f"clip{suffix}"


def seen(path: Path) -> list[str]:
    """What the feature `integrity` says of a file."""
    extractor = INTEGRITY.resolve()
    try:
        found = extract(open_video(path), [extractor])  # type: ignore[list-item]  # it is of frames
    except FrameCountError:
        found = extract(open_video(path, exact=True), [extractor])  # type: ignore[list-item]
    return [str(text) for text in found.tables[extractor]["seen"]]


def test_there_are_enough_of_them() -> None:
    assert len(oddities.ODDITIES) >= 90


@ODDITIES
def test_an_odd_file_is_not_damaged(tmp_path: Path, name: str) -> None:
    assert seen(made(name, tmp_path)) == []


@pytest.mark.data
def test_real_clips_are_not_damaged(data: Path) -> None:
    for path in sorted(data.glob("*.mp4")):
        assert seen(path) == []


CUT = [
    "fragments", "a fragment for each frame", "fragments with sound", "open groups ts",
    "ts with sound", "blu-ray packets", "webm of a browser", "webm of a browser vp9",
    "webm of a browser with sound", "mkv of a browser", "mkv with its index in front",
    "vp8 with hidden frames", "vp9 with hidden frames", "ffv1 checked", "variable rate webm", "gif",
    "gif of whole frames", "variable rate gif", "avi mjpeg", "sound longer than the film mkv",
]  # fmt: skip


@pytest.mark.parametrize("share", [0.35, 0.6, 0.9])
@pytest.mark.parametrize("name", CUT)
def test_a_clip_that_was_cut_short_is_damaged(tmp_path: Path, name: str, share: float) -> None:
    path = made(name, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    report = mirabench.evaluate([path], metrics=["sharpness", "flow_magnitude"], cache=False)
    [video] = report.videos
    if video.error:
        assert "damaged, truncated" in video.error or "is truncated" in video.error
        return
    assert video.health["damaged"]
    for score in video.scores.values():
        assert score.status == "degenerate"
        assert score.why.startswith("damaged: ")
    assert {summary.n for summary in report.summary.values()} == {0}
