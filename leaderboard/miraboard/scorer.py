"""Scores submissions' clips, one after the other, in a thread beside the pages.

What it does is in the database: a state before it begins, each clip as it is done, the verdict at the end.
Killed at any moment, the next one goes on after the last clip that was kept. Of two that reach for the same
submission one gets it.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from mirabench.errors import InputError, MirabenchError
from mirabench.inputs.prompts import Prompt
from mirabench.report.model import VideoRecord
from mirabench.run.plan import make_plan
from mirabench.suites.api import Suite
from mirabench.weights import WeightStore
from miraboard import seen, states
from miraboard.board import Board
from miraboard.clips.addresses import Gate, folder_of
from miraboard.clips.apart import Seen, score_apart
from miraboard.clips.confine import Limits
from miraboard.clips.download import Download
from miraboard.guard import SubmissionRefused, refuse
from miraboard.rescore import compare
from miraboard.states import Scoring
from miraboard.store import add_event, add_verdict, now, withdrawn
from miraboard.submission import read_report
from miraboard.tracks import Track

log = logging.getLogger(__name__)

IDLE_SECONDS = 5.0
"""Between looks at the queue, where nobody says that something came."""
SLACK_SECONDS = 120.0
"""Beyond what a clip may take, after which a silent worker of another machine counts as dead."""
UPLOAD_HOURS = 24
"""That a submission waits for its clips."""
Score = Callable[[Suite, Prompt, str, Path, Limits], Seen]
"""Suite, prompt, clip's id, file and limits -> what was found."""
MOST_TOLD = 3
"""Scores that differ, in the sentence of a refusal."""


def begin(board: Board) -> Scorer:
    """Score a board's clips from now on, beside its pages."""
    scorer = Scorer(board)
    board.on_clips = scorer.wake
    scorer.start()
    return scorer


class Scorer:
    """Takes submissions from the queue.

    Args:
        board: Whose submissions.
        download: How clips are fetched; by the board's settings if None.
        score: How one is scored: apart, where strangers send clips.
    """

    def __init__(
        self, board: Board, download: Download | None = None, score: Score = score_apart
    ) -> None:
        self.board, self.score = board, score
        settings = board.settings
        self.download = download or Download(Gate(settings.clip_hosts))
        self.limits = Limits(settings.clip_seconds, settings.clip_gigabytes)
        self.worker = this_process()
        self._lacks: dict[str, str] = {}
        self._wake, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread = threading.Thread(target=self._go, name="miraboard-scorer", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something came: look at once."""
        self._wake.set()

    def close(self) -> None:
        """End after the clip in hand."""
        self._over.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _go(self) -> None:
        while not self._over.is_set():
            try:
                busy = self.step()
            except Exception:  # the boundary: one submission must not end the queue
                log.exception("scoring clips failed")
                busy = False
            if not busy:
                self._wake.wait(IDLE_SECONDS)
                self._wake.clear()

    def step(self) -> bool:
        """Score the next submission of the queue; whether there was one."""
        taken = self._take()
        if taken is None:
            return False
        try:
            found = self._score(taken)
        except SubmissionRefused as refusal:
            reason = refusal.reasons[0]
            self._finish(taken, "refused", f"{reason.code}: {reason.text}")
        except Exception as error:  # the boundary: one submission must not hold up the others
            log.exception("scoring the clips of %s failed", taken.submission)
            name = type(error).__name__
            self._finish(taken, "refused", f"server: the board failed ({name}): send it again")
        else:
            if found is not None:
                self._finish(taken, *found)
        return True

    def _take(self) -> Scoring | None:
        """The first that can be scored, taken for this worker."""
        late: list[Scoring] = []
        with self.board.store.writing() as connection:
            gone = withdrawn(connection)
            for scoring in states.waiting(states.all_newest(connection).values(), self._is_gone):
                track = self.board.tracks.get(self._track_of(scoring))
                if scoring.submission in gone or track is None or self._lacking(track):
                    continue
                if scoring.source or not self.board.awaited(scoring):
                    return states.move(connection, scoring, "scoring", now(), "", self.worker)
                if _older_than(scoring.at, timedelta(hours=UPLOAD_HOURS)):
                    late.append(scoring)
        for scoring in late:
            self._finish(scoring, "refused", f"clips: none came within {UPLOAD_HOURS} hours")
        return None

    def _lacking(self, track: Track) -> str:
        """What this machine needs before it can score a track; looked at once."""
        if track.name not in self._lacks:
            self._lacks[track.name] = found = lacking(track)
            if found:
                log.warning("the track %s waits: weights of %s are not here", track.name, found)
        return self._lacks[track.name]

    def _track_of(self, scoring: Scoring) -> str:
        return self.board.store.track_of(scoring.submission)

    def _is_gone(self, taken: Scoring) -> bool:
        """Whether the worker that took a submission will never finish it; it writes a line after each clip."""
        longest = timedelta(seconds=2 * self.limits.seconds + self.download.seconds + SLACK_SECONDS)
        return (
            taken.worker == self.worker or is_over(taken.worker) or _older_than(taken.at, longest)
        )

    def _score(self, taken: Scoring) -> tuple[str, str] | None:
        """The state that follows and why; None where another worker took over, or this one is to end."""
        store = self.board.store
        track = self.board.tracks[self._track_of(taken)]
        report = read_report(store.report(taken.submission).encode())
        videos = [v for v in report.videos if v.id in set(taken.drawn)]
        places = names_of(report.videos)
        for number, video in enumerate(videos):
            if self._over.is_set():
                return None
            with store.reading() as connection:
                known = video.id in seen.records(connection, taken.submission)
            if not known:
                self._one(taken, track, video, places[video.id])
                if not self._still_mine(taken, f"{number + 1} of {len(videos)} clips"):
                    return None
        with store.reading() as connection:
            ours = seen.records(connection, taken.submission)
        found = compare(videos, [ours[v.id] for v in videos], track.rescore_tolerance)
        if found.passed:
            return "ranked", str(found)
        more = len(found.differing) - MOST_TOLD
        told = "; ".join(found.differing[:MOST_TOLD]) + (f"; and {more} more" if more > 0 else "")
        return "refused", (
            f"{states.MISMATCH}: {len(found.differing)} of {found.compared} scores are not what the clips give "
            f"within {track.rescore_tolerance:g}: {told} (reported, then scored here)"
        )

    def _one(self, taken: Scoring, track: Track, video: VideoRecord, name: str) -> None:
        """Fetch a clip, score it apart, and keep what was found."""
        path = self.board.films.arrived(taken.submission, str(video.sha256))
        if not path.is_file():
            self._fetch(taken, video, name, path)
        prompt = track.prompts[str(video.prompt_id)]
        try:
            found = _twice(lambda: self.score(track.suite, prompt, video.id, path, self.limits))
        except InputError as error:
            raise refuse("clips", str(error)) from error
        film = self.board.films.keep(found.video) if found.video else ""
        with self.board.store.writing() as connection:
            seen.keep(connection, taken.submission, track.digest, prompt.id, found, film, now())
        path.unlink(missing_ok=True)

    def _fetch(self, taken: Scoring, video: VideoRecord, name: str, path: Path) -> None:
        if not taken.source:
            raise refuse("clips", f"{video.id}: its clip is not here any more: send it again")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        try:
            got = self.download(folder_of(taken.source) + quote(name), part)
            if got.sha256 != video.sha256:
                raise refuse(
                    "clips", f"{video.id}: the file {name} has another digest than the report says"
                )
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _still_mine(self, taken: Scoring, detail: str) -> bool:
        with self.board.store.writing() as connection:
            current = states.newest(connection, taken.submission)
            mine = current is not None and (current.state, current.worker) == (
                "scoring",
                self.worker,
            )
            if mine and current is not None:
                states.move(connection, current, "scoring", now(), detail, self.worker)
        return mine

    def _finish(self, taken: Scoring, state: str, detail: str) -> None:
        with self.board.store.writing() as connection:
            current = states.newest(connection, taken.submission)
            if current is None or (current.state, current.worker) != (taken.state, taken.worker):
                return
            states.move(connection, current, state, now(), detail, self.worker)
            if state == "ranked" or detail.startswith(f"{states.MISMATCH}: "):
                add_verdict(
                    connection,
                    taken.submission,
                    "rescored",
                    detail,
                    "server",
                    passed=state == "ranked",
                )
            else:
                add_event(connection, "clips-refused", taken.submission, "server", detail)
        shutil.rmtree(
            self.board.films.arrived(taken.submission, "0" * 64).parent, ignore_errors=True
        )


def _twice(score: Callable[[], Seen]) -> Seen:
    """A process that dies may have been another one's memory: once more."""
    try:
        return score()
    except InputError as error:
        log.warning("%s: once more", error)
        return score()


def names_of(videos: Sequence[VideoRecord]) -> dict[str, str]:
    """Clip -> its file's name below the folder that holds all of them.

    Example:
        >>> a, b = (VideoRecord(id=p, path=f"out/{p}.mp4") for p in ("x/1", "y/1"))
        >>> names_of([a, b])
        {'x/1': 'x/1.mp4', 'y/1': 'y/1.mp4'}
    """
    paths = {v.id: PurePosixPath(v.path.replace("\\", "/")) for v in videos}
    common = os.path.commonpath([p.parent for p in paths.values()]) if _related(paths) else ""
    return {key: p.relative_to(common).as_posix() if common else p.name for key, p in paths.items()}


def _related(paths: dict[str, PurePosixPath]) -> bool:
    return len({p.is_absolute() for p in paths.values()}) == 1


def lacking(track: Track) -> str:
    """Which weights of a track's suite are not on this machine; empty where it can score."""
    plan = make_plan(track.suite, with_prompts=True, with_reference=False, pictures=False)
    store, missing = WeightStore(), []
    for card in plan.weight_cards():
        try:
            store.resolve(card)
        except MirabenchError:
            missing.append(card.name)
    return ", ".join(missing)


def this_process() -> str:
    """`host pid start`: who works, so that others can tell whether it still does."""
    import psutil  # 15 ms that only who scores pays

    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def is_over(worker: str) -> bool:
    """Whether a process of this machine has ended; of another one nobody knows."""
    import psutil  # as above

    host, _, rest = worker.partition(" ")
    number, _, start = rest.partition(" ")
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(number))
        ended = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        return ended or abs(process.create_time() - float(start)) > 1.0
    except (psutil.NoSuchProcess, ValueError):
        return True


def _older_than(at: str, age: timedelta) -> bool:
    return datetime.now(timezone.utc) - datetime.fromisoformat(at) > age
