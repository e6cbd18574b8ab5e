"""The health of a clip: whether it is alive enough for a number to mean something.

Read from the feature `pulse`. Metrics name the flags under which they say nothing
(`MetricSpec.degenerate_when`); a frozen clip is perfectly consistent, and that is no merit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirabench.features.api import FeatureRef, FeatureTable
from mirabench.functional.steadiness import (
    LOOP_FRAMES,
    LOOP_LEVELS,
    LOOP_STILL,
    SAME_LEVELS,
    lagged_gap,
    without_light,
)
from mirabench.video.frames import VideoInfo

PULSE = FeatureRef.of("pulse")
INTEGRITY = FeatureRef.of("integrity")

BLACK_LEVEL = 24.0
"""A frame whose 99th percentile of luma is below this shows nothing."""
FLAT_SPREAD = 2.0
"""A frame whose luma varies less than this has nothing to track or match."""
CUT_LEVELS = 12.0
"""Mean change of the signature between two frames that a cut has at least."""
CUT_RATIO = 6.0
"""How many times its neighbours' change a cut's is, at least."""
CUT_RATIO_UNLIKE, CUT_CORRELATION = 2.5, 0.5
"""In fast motion a smaller ratio suffices, if the two frames' signatures correlate less than this."""
ERRATIC_LEVELS, ERRATIC_TURN = 1.0, -0.3
"""Signature's change a frame, and its correlation with the next change, of a picture that jumps."""
FADE_SECONDS, FADE_LEVELS, FADE_BEND, FADE_SHARE = 0.25, 2.0, 0.04, 0.5
"""Over twice this time the signature changes by so much and leaves the straight line by no more than
this part of it, for this share of the clip: no motion does that, for its edges come and go."""
SHORTEST_SECONDS = 0.5
SHORTEST_FRAMES = 8

FLAGS: Mapping[str, str] = {
    "damaged": "the file is cut short or bytes in it are wrong: its decoder or its own index says so",
    "unverified": "no damage was seen, but the format has no means to show it",
    "too-short": f"fewer than {SHORTEST_FRAMES} frames or {SHORTEST_SECONDS} s",
    "black": "nine tenths of the frames or more show nothing but black",
    "textureless": "nine tenths of the frames or more are flat colour",
    "static": "every frame is the first frame",
    "frozen": "half a second and a tenth of the clip, or more, without any change",
    "duplicate-frames": "a quarter or more of the frames repeat the one before, all over the clip",
    "looping": "the clip repeats itself",
    "erratic": "the picture jumps to and fro from frame to frame, as when frames are shuffled",
    "dissolving": "half of the clip or more fades from one still to another, without motion",
    "hard-cuts": "the picture is exchanged from one frame to the next",
}
"""Flag -> when it is raised."""
ALWAYS = ("damaged",)
"""Flags under which no metric says anything, whatever it names itself."""
NOTES = ("unverified",)
"""Flags that say nothing of the picture: a remark beside the score, not a warning."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is wrong with a clip, if anything."""

    flags: Mapping[str, str]
    """Flag -> what was seen, in words."""

    def why(self, among: tuple[str, ...]) -> str:
        """What was seen of these flags and of those that void any number, or the empty text."""
        flags = [flag for flag in dict.fromkeys((*ALWAYS, *among)) if flag in self.flags]
        return "; ".join(f"{flag}: {self.flags[flag]}" for flag in flags)


def assess(pulse: FeatureTable, video: VideoInfo, integrity: FeatureTable | None = None) -> Health:
    """The flags that a clip raises, in the order of `FLAGS`.

    Args:
        pulse: Table of the feature `pulse`.
        video: Facts about the clip.
        integrity: Table of the feature `integrity`; None where the file itself is of no interest.
    """
    seconds, change = pulse["seconds"], pulse["change"]
    black = float(np.mean(pulse["bright"] < BLACK_LEVEL))
    flat = float(np.mean(pulse["spread"] < FLAT_SPREAD))
    same = change[1:] < SAME_LEVELS
    static = len(seconds) > 1 and bool(np.all(pulse["change_from_first"] < SAME_LEVELS))
    found = {
        **_of_the_file(integrity),
        "too-short": _too_short(video),
        "black": f"{black:.0%} of the frames" if black >= 0.9 else "",
        "textureless": f"{flat:.0%} of the frames" if flat >= 0.9 and black < 0.9 else "",
        "static": "no frame differs from the first" if static else "",
        "frozen": "" if static else _frozen(same, seconds, video),
        "duplicate-frames": "" if static else _duplicates(same),
        "looping": "" if static else _loop(pulse["signature"], seconds),
        "erratic": _erratic(pulse["signature"]),
        "dissolving": _dissolving(pulse["signature"], seconds),
        "hard-cuts": _cuts(pulse["signature"], seconds),
    }
    return Health({flag: text for flag, text in found.items() if text})


def _of_the_file(integrity: FeatureTable | None) -> dict[str, str]:
    if integrity is None:
        return {}
    damaged, doubt = ("; ".join(integrity[name].tolist()) for name in ("seen", "unverified"))
    return {"damaged": damaged, "unverified": "" if damaged else doubt}


def _too_short(video: VideoInfo) -> str:
    short = video.num_frames < SHORTEST_FRAMES or video.duration_seconds < SHORTEST_SECONDS
    return f"{video.num_frames} frames in {video.duration_seconds:.2f} s" if short else ""


def _runs(same: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, length) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _frozen(same: NDArray[np.bool_], seconds: NDArray[np.float64], video: VideoInfo) -> str:
    runs = _runs(same)
    if not runs:
        return ""
    start, length = max(runs, key=lambda run: run[1])
    held = float(seconds[start + length] - seconds[start])
    if held < max(0.5, 0.1 * video.duration_seconds) or length < 3:
        return ""
    return f"{held:.2f} s without change from {float(seconds[start]):.2f} s"


def _duplicates(same: NDArray[np.bool_]) -> str:
    short_runs = sum(length for _, length in _runs(same) if length <= 3)
    share = short_runs / len(same) if len(same) else 0.0
    # a freeze is one long run; doubled frames are many short ones
    return f"{share:.0%} of the frames repeat the one before" if share >= 0.25 else ""


def _loop(signature: NDArray[np.float32], seconds: NDArray[np.float64]) -> str:
    series = signature[:LOOP_FRAMES].astype(np.float64)
    frames = len(series)
    if frames < 16:
        return ""
    gap = lagged_gap(series)
    # a loop returns: the gap rises well above its value at the period before falling back
    lags = np.arange(8, frames // 2 + 1)
    peak = np.maximum.accumulate(gap[: frames // 2 + 1])[lags]
    hits = lags[(gap[lags] < LOOP_LEVELS) & (peak > 4 * np.maximum(gap[lags], LOOP_STILL))]
    if not len(hits):
        return ""
    period = int(hits[0])
    return f"repeats every {float(seconds[period] - seconds[0]):.2f} s"


def _erratic(signature: NDArray[np.float32]) -> str:
    if len(signature) < SHORTEST_FRAMES:
        return ""
    change = np.diff(without_light(signature), axis=0)
    size = float(np.sqrt((change**2).mean()))
    turn = float((change[1:] * change[:-1]).sum() / max((change**2).sum(), 1e-9))
    if size < ERRATIC_LEVELS or turn > ERRATIC_TURN:
        return ""
    return f"each change undoes {-turn:.0%} of the one before"


def _dissolving(signature: NDArray[np.float32], seconds: NDArray[np.float64]) -> str:
    frames = len(signature)
    if frames < SHORTEST_FRAMES:
        return ""
    lag = max(2, round(FADE_SECONDS * (frames - 1) / float(seconds[-1] - seconds[0])))
    before, after = signature[: -2 * lag], signature[2 * lag :]
    change = np.sqrt(((after - before) ** 2).mean(axis=1))
    bend = np.sqrt((((before + after) / 2 - signature[lag : frames - lag]) ** 2).mean(axis=1))
    fading = (change > FADE_LEVELS) & (2 * bend < FADE_BEND * change)
    share = float(fading.mean()) if len(fading) else 0.0
    return f"{share:.0%} of the clip" if share >= FADE_SHARE else ""


def cut_positions(signature: NDArray[np.float32]) -> NDArray[np.int64]:
    """(N,) frames that start a new shot."""
    change = np.abs(np.diff(signature.astype(np.float64), axis=0)).mean(axis=1)
    if len(change) < 3:
        return np.zeros(0, np.int64)
    padded = np.pad(change, 2, mode="edge")
    beside = np.maximum.reduce([padded[0:-4], padded[1:-3], padded[3:-1], padded[4:]])
    unlike = (change > CUT_RATIO_UNLIKE * beside) & (_correlation(signature) < CUT_CORRELATION)
    return np.flatnonzero((change > CUT_LEVELS) & (unlike | (change > CUT_RATIO * beside))) + 1


def _correlation(signature: NDArray[np.float32]) -> NDArray[np.float64]:
    """(T-1,) correlation of each frame's signature with the one before; 0 for flat frames."""
    centred = signature - signature.mean(axis=1, keepdims=True, dtype=np.float64)
    norm = np.sqrt((centred**2).sum(axis=1))
    product = (centred[1:] * centred[:-1]).sum(axis=1)
    return np.asarray(product / np.maximum(norm[1:] * norm[:-1], 1e-9))


def _cuts(signature: NDArray[np.float32], seconds: NDArray[np.float64]) -> str:
    cuts = cut_positions(signature)
    if not len(cuts):
        return ""
    times = ", ".join(f"{t:.2f}" for t in seconds[cuts][:5].tolist())
    return f"{len(cuts)} at {times}{' ...' if len(cuts) > 5 else ''} s"
