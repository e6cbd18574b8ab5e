"""Scores come from clips: queued, scoring, ranked or refused, and nothing in between is lost."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from board_clips import Made, make, score_here
from hypothesis import given
from hypothesis import strategies as st

from mirabench.errors import InputError
from miraboard import seen, states
from miraboard.board import Board
from miraboard.clips.addresses import Gate
from miraboard.clips.download import Download, Fetched
from miraboard.guard import SubmissionRefused, refuse
from miraboard.scorer import Scorer, is_over, names_of, this_process
from miraboard.settings import Settings
from miraboard.states import Scoring, Wanted, draw

SOURCE = "https://huggingface.co/datasets/me/clips"
METRICS = ("flow_magnitude", "sharpness", "noise", "exposure", "warping_error")


@pytest.fixture(scope="module")
def clip_track(kit: Any) -> Any:
    return replace(
        kit.track, requires="clips", sample=2, shown=1, suite=kit.track.suite.only(METRICS)
    )


@pytest.fixture(scope="module")
def clip_kit(kit: Any, clip_track: Any) -> Any:
    return type(kit)(clip_track)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, clip_track: Any) -> Made:
    return make(tmp_path_factory.mktemp("clips"), clip_track)


@pytest.fixture
def board(tmp_path: Path, clip_track: Any) -> Iterator[Board]:
    settings = Settings(
        database=f"sqlite:///{tmp_path / 'board.db'}",
        per_hour=1000,
        accounts="optional",
        clips=tmp_path / "media",
        token="a-token-of-the-tests",
    )
    found = Board(settings, {clip_track.name: clip_track})
    yield found
    found.close()


def folder_download(folder: Path, spoil: Callable[[str, Path], None] = lambda _n, _p: None) -> Any:
    """A stranger's folder, reached without a network."""

    def fetch(url: str, path: Path) -> Fetched:
        from mirabench.file_digest import sha256_of

        name = url.rpartition("/")[2]
        if not (folder / name).is_file():
            raise refuse("clips", f"{url} answers 404: make the clips public")
        path.write_bytes((folder / name).read_bytes())
        spoil(name, path)
        return Fetched(sha256_of(path), path.stat().st_size)

    class _Folder(Download):
        __slots__ = ()

        def __call__(self, url: str, path: Path) -> Fetched:
            return fetch(url, path)

    return _Folder(Gate())


def scorer(board: Board, made: Made, **changes: Any) -> Scorer:
    return Scorer(
        board,
        changes.pop("download", folder_download(made.folder)),
        changes.pop("score", score_here),
    )


def state(board: Board, identity: str) -> Scoring:
    with board.store.reading() as connection:
        found = states.newest(connection, identity)
    assert found is not None
    return found


def rows(board: Board) -> list[str]:
    return [s.id for s in board.view("tiny").standings]


def test_it_ranks_only_when_its_clips_gave_its_scores(
    board: Board, clip_kit: Any, made: Made
) -> None:
    answer = board.submit(made.data, clip_kit.card(), "10.0.0.1", clips=SOURCE)
    assert (answer.accepted, answer.state, answer.wanted) == (True, "queued", ())
    assert rows(board) == [] and [s.id for s in board.view("tiny").waiting] == [answer.id]
    assert len(state(board, answer.id).drawn) == 3
    work = scorer(board, made)
    assert work.step() and not work.step()
    assert state(board, answer.id).state == "ranked" and rows(board) == [answer.id]
    assert board.view("tiny").badge(answer.id) == "rescored"
    with board.store.reading() as connection:
        found = seen.of_prompt(
            connection, made.track.digest, made.track.shown_prompts[0], [answer.id]
        )
    assert found[0].curves and board.films.path(found[0].film)
    assert not list(board.settings.clips.glob("arrived/*/*"))


def test_a_score_that_the_clip_does_not_give_refuses_the_row_and_says_which_clip(
    board: Board, clip_kit: Any, made: Made
) -> None:
    (shown,) = made.track.shown_prompts
    lie = made.lie(shown, clip_kit)
    answer = board.submit(lie, clip_kit.card(), "10.0.0.1", clips=SOURCE)
    assert scorer(board, made).step()
    found = state(board, answer.id)
    assert (found.state, found.differs) == ("refused", True)
    assert f"{shown} sharpness: " in found.detail and "1 of 15 scores" in found.detail
    assert rows(board) == [] and board.store.log()[0].kind == "rescored"
    again = board.submit(lie, clip_kit.card(), "10.0.0.1", clips=SOURCE)
    assert not again.accepted and again.reasons[0].code == "mismatch"
    honest = board.submit(made.data, clip_kit.card(), "10.0.0.1", clips=SOURCE)
    assert honest.accepted  # neither its name and version nor its clips are taken
    assert len(state(board, honest.id).drawn) == 5  # the next sample is twice as large


@pytest.mark.parametrize(("by", "expected"), [(0.9, "ranked"), (1.1, "refused")])
def test_the_bound_is_the_tracks_stated_tolerance(
    board: Board, clip_kit: Any, made: Made, by: float, expected: str
) -> None:
    (shown,) = made.track.shown_prompts
    value = {v.id: v for v in made.report.videos}[shown].scores["sharpness"].value
    lie = made.lie(
        shown,
        clip_kit,
        by=by * value * made.track.rescore_tolerance / (1 - made.track.rescore_tolerance),
    )
    answer = board.submit(lie, clip_kit.card(), "10.0.0.1", clips=SOURCE)
    scorer(board, made).step()
    assert state(board, answer.id).state == expected


def test_uploaded_clips_are_those_that_were_drawn_and_no_others(
    board: Board, clip_kit: Any, made: Made
) -> None:
    answer = board.submit(made.data, clip_kit.card(), "10.0.0.1")
    assert set(answer.wanted) == set(state(board, answer.id).drawn)
    work = scorer(board, made)
    assert not work.step()
    other = next(v.id for v in made.report.videos if v.id not in answer.wanted)
    for data in (made.path(other).read_bytes(), b"", b"x" * 100):
        with pytest.raises(SubmissionRefused, match="none of the clips that were drawn"):
            board.receive(answer.id, data)
    for number, clip in enumerate(answer.wanted):
        assert len(board.receive(answer.id, made.path(clip).read_bytes())) == 2 - number
    assert work.step() and rows(board) == [answer.id]
    with pytest.raises(SubmissionRefused, match="are awaited"):
        board.receive(answer.id, made.path(answer.wanted[0]).read_bytes())


def test_a_clip_that_is_not_there_or_another_one_refuses_and_may_be_sent_again(
    board: Board, clip_kit: Any, made: Made, tmp_path: Path
) -> None:
    answer = board.submit(made.data, clip_kit.card(), "10.0.0.1", clips=SOURCE)
    drawn = state(board, answer.id).drawn
    assert scorer(board, made, download=folder_download(tmp_path)).step()
    found = state(board, answer.id)
    assert found.state == "refused" and not found.differs and "404" in found.detail
    spoilt = folder_download(made.folder, lambda _n, path: path.write_bytes(b"another"))
    for download, expected in (
        (spoilt, "another digest"),
        (folder_download(made.folder), "computed again"),
    ):
        again = board.submit(made.data, clip_kit.card(), "10.0.0.1", clips=SOURCE)
        assert (again.id, again.state) == (answer.id, "queued")
        assert state(board, answer.id).drawn == drawn  # sending again draws nothing anew
        assert scorer(board, made, download=download).step()
        assert expected in state(board, answer.id).detail
    assert rows(board) == [answer.id]


def test_a_clip_whose_process_dies_is_tried_twice_and_named(
    board: Board, clip_kit: Any, made: Made
) -> None:
    tries = []

    def dies(_suite: Any, _prompt: Any, clip: str, *_: Any) -> Any:
        tries.append(clip)
        raise InputError(f"{clip}: the process was ended by SIGSEGV while it was scored")

    answer = board.submit(made.data, clip_kit.card(), "10.0.0.1", clips=SOURCE)
    scorer(board, made, score=dies).step()
    assert tries == [state(board, answer.id).drawn[0]] * 2
    assert f"{tries[0]}: the process was ended by SIGSEGV" in state(board, answer.id).detail


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = {paths!r} + [{here!r}]
import pickle
from test_scorer import folder_download
from board_clips import score_here
from miraboard.board import Board
from miraboard.scorer import Scorer
settings, track, folder = pickle.loads(sys.stdin.buffer.read())
board = Board(settings, {{track.name: track}})
done = []
def score(*arguments):
    if len(done) == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(1)
    return score_here(*arguments)
Scorer(board, folder_download(folder), score).step()
"""


@pytest.mark.parametrize("after", [2])
def test_killed_while_it_scores_the_next_one_goes_on_after_the_last_clip(
    board: Board, clip_kit: Any, made: Made, after: int
) -> None:
    import pickle

    answer = board.submit(made.data, clip_kit.card(), "10.0.0.1", clips=SOURCE)
    code = KILLED.format(paths=sys.path, here=str(Path(__file__).parent), after=after)
    sent = pickle.dumps((board.settings, made.track, made.folder))
    done = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()
    found = state(board, answer.id)
    assert found.state == "scoring" and rows(board) == []
    scored: list[str] = []

    def counted(*arguments: Any) -> Any:
        scored.append(arguments[2])
        return score_here(*arguments)

    assert scorer(board, made, score=counted).step()
    assert scored == list(found.drawn[after:])
    assert rows(board) == [answer.id] and state(board, answer.id).state == "ranked"


def test_a_submission_in_another_workers_hands_is_left_alone(
    board: Board, clip_kit: Any, made: Made
) -> None:
    answer = board.submit(made.data, clip_kit.card(), "10.0.0.1", clips=SOURCE)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        import psutil

        host = this_process().split()[0]
        worker = f"{host} {other.pid} {psutil.Process(other.pid).create_time():.2f}"
        with board.store.writing() as connection:
            states.move(
                connection,
                state(board, answer.id),
                "scoring",
                state(board, answer.id).at,
                "",
                worker,
            )
        assert not is_over(worker) and not scorer(board, made).step()
        other.kill()
        other.wait()
        assert is_over(worker) and scorer(board, made).step()
    assert not is_over(this_process()) and not is_over("elsewhere 1 1.0")
    assert is_over(f"{host} {other.pid} 1.0")
    assert state(board, answer.id).state == "ranked"


def test_a_withdrawn_submission_is_not_scored(board: Board, clip_kit: Any, made: Made) -> None:
    answer = board.submit(made.data, clip_kit.card(), "10.0.0.1", clips=SOURCE)
    board.moderate("a-token-of-the-tests", answer.id, "withdrawn", "a wrong one")
    assert not scorer(board, made).step()


def test_a_failure_of_the_boards_own_holds_nobody_up(
    board: Board, clip_kit: Any, made: Made
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    answer = board.submit(made.data, clip_kit.card(), "10.0.0.1", clips=SOURCE)
    work = scorer(board, made, score=broken)
    assert work.step() and not work.step()
    assert state(board, answer.id).detail.startswith("server: ")


def test_on_a_track_of_reports_clips_are_a_gift_and_a_lie_still_costs_the_row(
    tmp_path: Path, clip_kit: Any, made: Made
) -> None:
    track = replace(made.track, requires="report")
    settings = Settings(
        database=f"sqlite:///{tmp_path / 'b.db'}", accounts="optional", clips=tmp_path / "m"
    )
    board = Board(settings, {track.name: track})
    try:
        plain = board.submit(made.data, clip_kit.card(generator="Plain"), "10.0.0.1")
        assert (plain.state, plain.wanted, rows(board)) == ("", (), [plain.id])
        (shown,) = track.shown_prompts
        other = make(tmp_path / "other", track, seed=1)
        lie = board.submit(
            other.lie(shown, clip_kit), clip_kit.card(generator="Liar"), "10.0.0.1", clips=SOURCE
        )
        assert lie.accepted and set(rows(board)) == {plain.id, lie.id}
        assert scorer(board, other).step()
        assert rows(board) == [plain.id]
    finally:
        board.close()


@pytest.mark.parametrize(
    "clips",
    [
        "http://127.0.0.1/x",
        "https://169.254.169.254/",
        "file:///etc/passwd",
        "https://evil.org/clips",
        "x",
        "/tmp/clips",
        "https://huggingface.co@evil.org/datasets/a/b",
        "https://huggingface.co/datasets/a/b?x=1",
        "https://huggingface.co/../x",
    ],
)
def test_an_address_that_is_not_allowed_is_refused_at_the_door(
    board: Board, clip_kit: Any, made: Made, clips: str
) -> None:
    answer = board.submit(made.data, clip_kit.card(), "10.0.0.1", clips=clips)
    assert [r.code for r in answer.reasons] == ["address"]
    assert board.store.standings(made.track.digest) == []


@given(
    st.integers(0, 30),
    st.integers(1, 12),
    st.integers(0, 6),
    st.integers(0, 3),
    st.integers(0, 2**32),
)
def test_a_draw_holds_the_shown_clips_and_as_many_others(
    clips: int, sample: int, shown: int, refusals: int, seed: int
) -> None:
    ids = {f"c{k}": f"p{k}" for k in range(clips)}
    wanted = Wanted(True, "", sample, ids, [f"p{k}" for k in range(shown)])
    found = draw(wanted, refusals, random.Random(seed))
    assert len(set(found)) == len(found) == min(clips, min(shown, clips) + sample * 2**refusals)
    assert {f"c{k}" for k in range(min(shown, clips))} <= set(found)
    assert set(draw(replace(wanted, sample=0), 0, random.Random(seed))) == set(ids)


def test_every_clip_is_drawn_equally_often() -> None:
    wanted = Wanted(True, "", 5, {f"c{k}": f"p{k}" for k in range(25)}, [])
    counts = dict.fromkeys(wanted.clips, 0)
    for seed in range(2000):
        for clip in draw(wanted, 0, random.Random(seed)):
            counts[clip] += 1
    assert min(counts.values()) > 320 and max(counts.values()) < 480  # 400 expected, sd 18


def test_files_are_named_below_the_folder_that_holds_them_all(made: Made) -> None:
    videos = made.report.videos
    assert names_of(videos)["p0"] == "p0.mp4"
    changed = [
        v.model_copy(update={"path": p})
        for v, p in zip(videos, [r"C:\a\x.mp4", r"C:\a\b\y.mp4"], strict=False)
    ]
    assert list(names_of(changed).values()) == ["x.mp4", "b/y.mp4"]
    mixed = [
        v.model_copy(update={"path": p})
        for v, p in zip(videos, ["/a/x.mp4", "b/y.mp4"], strict=False)
    ]
    assert list(names_of(mixed).values()) == ["x.mp4", "y.mp4"]
