"""A maintainer scores clips again: real videos, really evaluated."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clipkit
import pytest
from typer.testing import CliRunner

from mirabench.errors import InputError
from mirabench.inputs.samples import Sample
from mirabench.run.evaluate import run
from mirabench.run.plan import make_plan
from mirabench.run.prepare import Job
from mirabench.run.score import Options
from mirabench.video.encode import REPEATABLE, write_video
from miraboard.board import Board
from miraboard.rescore import rescore_submission


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, kit: Any) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    return {
        prompt: write_video(
            folder / f"{prompt}.mp4",
            clipkit.panning(frames=14, dx=1 + 0.3 * i, size=(96, 64), seed=i),
            options=REPEATABLE,
        )
        for i, prompt in enumerate(kit.track.prompts)
    }


@pytest.fixture(scope="module")
def report(clips: dict[str, Path], kit: Any) -> Any:
    plan = make_plan(kit.track.suite, with_prompts=True, with_reference=False, pictures=False)
    samples = [Sample(key, path, kit.track.prompts[key]) for key, path in clips.items()]
    return run(Job(kit.track.suite, plan, samples, []), None, Options())


def test_a_real_report_is_accepted_and_agrees_with_itself(
    board: Board, kit: Any, report: Any, clips: dict[str, Path]
) -> None:
    outcome = board.submit(kit.data(report), kit.card(), "10.0.0.1")
    assert outcome.accepted, outcome.reasons
    found = rescore_submission(board, outcome.id, clips["p0"].parent, sample=2, seed=1)
    assert (found.passed, found.clips, found.worst) == (True, 2, 0.0)
    assert found.compared == 12
    assert board.view("tiny").badge(outcome.id) == "rescored"
    assert board.store.log()[0].kind == "rescored"


def test_a_consistent_lie_is_found_by_scoring_again(
    board: Board, kit: Any, report: Any, clips: dict[str, Path]
) -> None:
    """Rows and aggregates agree with each other, and not with the clips."""
    lie = report.model_copy(deep=True)
    for video in lie.videos:
        video.scores["sharpness"].value = min(1.0, video.scores["sharpness"].value + 0.05)
    outcome = board.submit(kit.data(kit.again(lie.videos)), kit.card(), "10.0.0.1")
    assert outcome.accepted, outcome.reasons
    found = rescore_submission(board, outcome.id, clips["p0"].parent, sample=3)
    assert not found.passed
    assert all("sharpness" in line for line in found.differing)
    assert board.view("tiny").badge(outcome.id) == "disputed"


def test_clips_are_found_by_their_bytes_whatever_their_name(
    board: Board, kit: Any, report: Any, clips: dict[str, Path], tmp_path: Path
) -> None:
    outcome = board.submit(kit.data(report), kit.card(), "10.0.0.1")
    folder = tmp_path / "renamed"
    folder.mkdir()
    (folder / "whatever.mp4").write_bytes(clips["p5"].read_bytes())
    (folder / "p0.mp4").write_bytes(b"not the clip")
    assert rescore_submission(board, outcome.id, folder).clips == 1


def test_a_folder_without_the_clips_is_an_error_and_no_verdict(
    board: Board, kit: Any, report: Any, tmp_path: Path
) -> None:
    outcome = board.submit(kit.data(report), kit.card(), "10.0.0.1")
    with pytest.raises(InputError, match="no file with the digest"):
        rescore_submission(board, outcome.id, tmp_path)
    assert board.view("tiny").badge(outcome.id) == "recomputed"


def test_a_submission_that_is_not_there_is_an_error(board: Board, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no submission"):
        rescore_submission(board, "000000000000", tmp_path)


def test_the_command_says_and_returns_what_was_found(
    kit: Any, report: Any, clips: dict[str, Path], tmp_path: Path,
    open_board: Callable[..., Board], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from miraboard import cli as command

    board = open_board()
    outcome = board.submit(kit.data(report), kit.card(), "10.0.0.1")
    monkeypatch.setattr(command, "_board", lambda *_: board)
    done = CliRunner().invoke(
        command.app,
        ["rescore", outcome.id, "--videos", str(clips["p0"].parent), "--sample", "1"],
    )
    assert done.exit_code == 0, done.output
    assert done.output.startswith("agrees: 6 scores of 1 clips")


def test_without_its_extra_the_command_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from mirabench.errors import MissingExtraError
    from miraboard import cli

    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "miraboard.app", raising=False)
    asked = CliRunner().invoke(cli.app, ["serve"])
    assert isinstance(asked.exception, MissingExtraError)
    assert "gradio is not installed" in str(asked.exception)
    assert 'pip install -e ".[leaderboard]"' in str(asked.exception)
    assert CliRunner().invoke(cli.app, ["serve", "--help"]).exit_code == 0
