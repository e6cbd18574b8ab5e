"""Small clips, a suite of three fast metrics, and reports written by hand."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import clipkit
import pytest

from mirabench.report.build import summarise_clips
from mirabench.report.model import Report, ScoreRecord, SuiteRecord, VideoRecord
from mirabench.suites.api import MetricChoice
from mirabench.video.encode import write_video

SUITE = """
name = "small"
version = 1
metrics = [{ name = "sharpness" }, { name = "exposure" }, { name = "temporal_flicker" }]
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


MakeReport = Callable[..., Report]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`good/` and the same clips blurred in `blurred/`, a frozen clip, and `small.toml`."""
    folder = tmp_path_factory.mktemp("rendered")
    for number in range(5):  # fewer have no interval
        clip = clipkit.panning(frames=12, dx=1.0, size=(96, 64), seed=number)
        write_video(folder / "good" / f"{number}.mp4", clip)
        write_video(folder / "blurred" / f"{number}.mp4", clipkit.blur(clip, 2.0))
    write_video(folder / "frozen.mp4", clipkit.still(frames=24, size=(96, 64)))
    (folder / "small.toml").write_text(SUITE)
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def here(rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the rendered clips as the working folder."""
    folder = tmp_path / "here"
    shutil.copytree(rendered, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def report_of() -> MakeReport:
    """Makes a report of one metric from its values, one clip for each; None failed, NaN-free."""

    def make(
        values: Sequence[float | None],
        *,
        metric: str = "sharpness",
        prompts: Sequence[str] | None = None,
        degenerate: Sequence[int] = (),
        digest: str = "d" * 16,
        protocol: str = "p",
    ) -> Report:
        videos = []
        for i, value in enumerate(values):
            video = VideoRecord(id=f"clip-{i}", path=f"clip-{i}.mp4")
            if prompts is not None:
                video.prompt_id = video.prompt = prompts[i]
            if value is None:
                video.failures[metric] = "the file ends early"
            else:
                frozen = i in degenerate
                video.scores[metric] = ScoreRecord(
                    value=value,
                    status="degenerate" if frozen else "ok",
                    protocol=protocol,
                    why="frozen: nothing moves" if frozen else "",
                )
            videos.append(video)
        built = MetricChoice(metric).build()
        return Report(
            suite=SuiteRecord(name="by-hand", version=1, digest=digest),
            partial=None in values,
            summary={metric: summarise_clips(built, videos)},  # type: ignore[arg-type]
            videos=videos,
            protocols={protocol: {}},
            provenance={},
        )

    return make
