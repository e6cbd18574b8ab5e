"""Scoring one clip in a process of its own, within a time limit; its answer is checked like a stranger's."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mirabench.errors import InputError
from mirabench.inputs.prompts import Prompt
from mirabench.report.model import VideoRecord
from mirabench.suites.api import Suite
from miraboard.clips.child import Job
from miraboard.clips.confine import Limits

log = logging.getLogger(__name__)

MOST_ANSWER = 4 * 2**20
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME", "MIRABENCH_CACHE", "MIRABENCH_WEIGHTS",
        "MIRABENCH_ALLOW_NONCOMMERCIAL", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH")  # fmt: skip
"""Variables that the child sees; no secret is among them."""


class FilmFacts(BaseModel):
    """What a film is, as the child says."""

    model_config = ConfigDict(extra="forbid", strict=True)
    width: int = Field(ge=2, le=4096)
    height: int = Field(ge=2, le=4096)
    fps: float = Field(gt=0, le=1000)
    frames: int = Field(ge=1, le=100_000)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    record: VideoRecord
    curves: dict[str, list[tuple[float, float]]]
    film: FilmFacts | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found of one clip."""

    record: VideoRecord
    curves: dict[str, list[tuple[float, float]]]
    """Metric -> (seconds, value)."""
    film: FilmFacts | None = None
    video: bytes = field(default=b"", repr=False)
    poster: bytes = field(default=b"", repr=False)


def score_apart(suite: Suite, prompt: Prompt, clip: str, path: Path, limits: Limits) -> Seen:
    """Score a clip and draw its film, apart.

    Raises:
        InputError: the process died, took too long, or answered nothing that makes sense; the clip is to blame.
    """
    with tempfile.TemporaryDirectory(prefix="miraboard-clip-") as folder:
        job = Job(pickle.dumps(suite), pickle.dumps(prompt), clip, str(path), folder, limits)
        return read_answer(_asked(job, folder), clip, Path(folder))


def _asked(job: Job, folder: str) -> bytes:
    environment = {k: v for k, v in os.environ.items() if k in KEPT} | {"TMPDIR": folder}
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [sys.executable, "-m", "miraboard.clips.child"], stdin=subprocess.PIPE, stdout=answer,
            stderr=said, env=environment, start_new_session=True, cwd=folder,
        )  # fmt: skip
        try:
            child.communicate(pickle.dumps(job), timeout=job.limits.seconds)
        except subprocess.TimeoutExpired as error:
            raise InputError(
                f"{job.clip}: scoring took more than {job.limits.seconds:g} s"
            ) from error
        except OSError:
            pass  # it died before it had read its job; the return code tells
        finally:
            _end(child)
        if child.returncode:
            said.seek(0)
            log.warning("%s: %s", job.clip, said.read(20_000).decode("utf-8", "replace")[-2000:])
            raise InputError(f"{job.clip}: {_ending(child.returncode)} while it was scored")
        answer.seek(0)
        return answer.read(MOST_ANSWER + 1)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Whatever it left behind goes too."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _ending(code: int) -> str:
    if code < 0:
        return f"the process was ended by {signal.Signals(-code).name}"
    return f"the process ended with exit code {code}"


def read_answer(data: bytes, clip: str, folder: Path) -> Seen:
    """What a child found: its answer, and the film that it left in a folder.

    Raises:
        InputError: it says nothing that makes sense.
    """
    answer = _checked(data, clip)
    film = answer.film if (folder / "film.mp4").is_file() else None
    video = (folder / "film.mp4").read_bytes() if film else b""
    poster = (folder / "poster.jpg").read_bytes() if film else b""
    return Seen(answer.record, answer.curves, film, video, poster)


def _checked(data: bytes, clip: str) -> _Answer:
    if len(data) > MOST_ANSWER:
        raise InputError(f"{clip}: its scores take more than {MOST_ANSWER:,} bytes")
    try:
        answer = _Answer.model_validate_json(data)
    except ValidationError as error:
        raise InputError(f"{clip}: the process that scored it gave no scores") from error
    if answer.record.id != clip:
        raise InputError(f"{clip}: the process that scored it tells of another clip")
    return answer
