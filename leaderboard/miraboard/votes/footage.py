"""Clips that raters watch, as small web video without a name in it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import av
import numpy as np
from av.video.frame import VideoFrame

from mirabench.errors import InputError
from miraboard import seen
from miraboard.board import Board


@runtime_checkable
class Footage(Protocol):
    """Where a board's films are."""

    def watchable(self, track_digest: str) -> Mapping[str, frozenset[str]]:
        """Submission -> prompts of which it has a film."""
        ...

    def film(self, track_digest: str, submission: str, prompt: str) -> bytes:
        """The film as MP4.

        Raises:
            InputError: there is none.
        """
        ...


class BoardFootage:
    """The films that a board drew anew from clips that it scored: see `clips.web_video`.

    Args:
        board: Whose films.
    """

    def __init__(self, board: Board) -> None:
        self.board = board

    def watchable(self, track_digest: str) -> Mapping[str, frozenset[str]]:
        """Submission -> prompts of which it has a film."""
        found: dict[str, set[str]] = {}
        with self.board.store.reading() as connection:
            for prompt, submissions in seen.watchable(connection, track_digest).items():
                for submission in submissions:
                    found.setdefault(submission, set()).add(prompt)
        return {submission: frozenset(prompts) for submission, prompts in found.items()}

    def film(self, track_digest: str, submission: str, prompt: str) -> bytes:
        """The film as MP4; of several clips of a prompt the first."""
        with self.board.store.reading() as connection:
            clips = seen.of_prompt(connection, track_digest, prompt, [submission])
        path = self.board.films.path(clips[0].film) if clips else None
        if path is None:
            raise InputError(f"there is no film of {submission} on {prompt!r}")
        return path.read_bytes()


BLOCK = 24
"""Pixels that become one in the damaged copy of an attention check: nobody takes it for the better one."""


def damaged(film: bytes) -> bytes:
    """A copy in coarse blocks that stands still half of the time, for an attention check."""
    out = io.BytesIO()
    with av.open(io.BytesIO(film)) as source, av.open(out, "w", format="mp4") as target:
        video = source.streams.video[0]
        stream = target.add_stream("libx264", rate=video.average_rate or 24)
        stream.width, stream.height = video.width // 2 * 2, video.height // 2 * 2
        stream.pix_fmt = "yuv420p"
        held: np.ndarray | None = None
        for number, frame in enumerate(source.decode(video)):
            if held is None or number % 16 == 0:
                held = _coarse(frame.to_ndarray(format="rgb24"), stream.height, stream.width)
            target.mux(stream.encode(VideoFrame.from_ndarray(held, format="rgb24")))
        target.mux(stream.encode(None))
    return out.getvalue()


def _coarse(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    rows = np.minimum(np.arange(height) // BLOCK * BLOCK + BLOCK // 2, height - 1)
    columns = np.minimum(np.arange(width) // BLOCK * BLOCK + BLOCK // 2, width - 1)
    return np.ascontiguousarray(picture[rows][:, columns])
