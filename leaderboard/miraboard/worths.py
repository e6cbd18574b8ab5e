"""A report as worths: one number of 0 to 1 for each metric that ranks and each prompt of the track."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mirabench.report.model import Report, VideoRecord
from miraboard.tracks import Track
from miraboard.utility import CONSISTENCY

Worths = NDArray[np.float32]
"""(metrics, prompts) of 0 to 1."""


def moves(video: VideoRecord, track: Track) -> bool:
    """Whether a clip's motion counts and reaches the floor, and nothing says that it is static."""
    score = video.scores.get(track.motion_metric)
    if score is None or score.status == "degenerate" or "static" in video.health:
        return False
    return score.value >= track.motion_floor


def worths_of(report: Report, track: Track) -> Worths:
    """The worth of each of the track's clip metrics on each of its prompts, its clips averaged."""
    found = np.zeros((len(track.ranked), len(track.prompts)))
    clips = np.zeros(len(track.prompts))
    columns = {prompt: i for i, prompt in enumerate(track.prompts)}
    for video in report.videos:
        column = columns[str(video.prompt_id)]
        clips[column] += 1
        if video.error:
            continue
        moving = moves(video, track)
        for row, name in enumerate(track.ranked):
            if moving or track.specs[name].dimension != CONSISTENCY:
                found[row, column] += _worth(video, name, track)
    return np.asarray(found / np.maximum(clips, 1), dtype=np.float32)


def _worth(video: VideoRecord, name: str, track: Track) -> float:
    score = video.scores.get(name)
    return (
        0.0 if score is None or score.status == "degenerate" else track.utilities[name](score.value)
    )
