"""Results of one run are computed once, whoever asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import clipkit
import pytest

from mirabench.checks.check_run import CheckRun, fingerprint
from mirabench.errors import InputError
from mirabench.run import evaluate as running
from mirabench.run.prepare import prepare

ADD_200 = """
from pathlib import Path
from mirabench.checks.check_run import locked
for _ in range(200):
    with locked(Path("lock")):
        Path("count").write_text(str(int(Path("count").read_text()) + 1))
"""


def test_a_lock_lets_one_process_in_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    both = [subprocess.Popen([sys.executable, "-c", ADD_200], cwd=tmp_path) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert (tmp_path / "count").read_text() == "400"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the suites that were really run."""
    done: list[str] = []

    def counted(job, *args):
        done.append(job.suite.name)
        return running.run(job, *args)

    monkeypatch.setattr("mirabench.checks.check_run.run", counted)
    return done


def test_two_sessions_of_one_run_compute_a_report_once(here: Path, tmp_path: Path, runs) -> None:
    job = prepare("good", suite="small.toml", pictures=False)
    first, second = CheckRun(tmp_path / "shared"), CheckRun(tmp_path / "shared")
    assert first.report(job) == second.report(job)
    assert first.report(job) is first.report(job)
    assert runs == ["small"]


def test_a_clip_that_changed_is_scored_again(here: Path, tmp_path: Path, runs) -> None:
    session = CheckRun(tmp_path / "shared")
    before = session.report(prepare("good", suite="small.toml", pictures=False))
    Path("good/0.mp4").write_bytes(Path("blurred/0.mp4").read_bytes())
    after = session.report(prepare("good", suite="small.toml", pictures=False))
    assert runs == ["small", "small"]
    assert after.videos[0].scores["sharpness"].value < before.videos[0].scores["sharpness"].value


def test_arrays_are_known_by_their_content(here: Path) -> None:
    clip = clipkit.panning(frames=3, size=(32, 32))
    assert fingerprint(clip) == fingerprint(clip.copy())
    assert fingerprint(clip) != fingerprint(clip[:2])


def test_a_report_is_kept_for_people_when_asked_for(here: Path, tmp_path: Path) -> None:
    session = CheckRun(tmp_path / "shared", output=tmp_path / "out")
    session.report(prepare("good", suite="small.toml"), "my clips")
    (page,) = (tmp_path / "out").glob("my-clips-small/report.html")
    assert "film" in page.read_text() or page.stat().st_size > 10_000


def test_two_different_reports_cannot_be_one_baseline(here: Path, tmp_path: Path) -> None:
    session = CheckRun(tmp_path / "shared")
    one = session.report(prepare("good", suite="small.toml", pictures=False))
    two = session.report(prepare("blurred", suite="small.toml", pictures=False))
    session.keep_baseline(tmp_path / "b.json", one)
    session.keep_baseline(tmp_path / "b.json", one)
    with pytest.raises(InputError, match="two different reports of this run"):
        session.keep_baseline(tmp_path / "b.json", two)
