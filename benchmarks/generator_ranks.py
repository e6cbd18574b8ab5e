"""Whether metrics rank eight generators of known order: the table of docs/mirabench-suite.md.

    python benchmarks/generator_ranks.py [--metrics warping_error,...] [--json ranks.json]

Generator k renders three scenes and degrades them k eighths of the way in one respect, from not at all. For
each respect the metrics that claim to measure it score all clips, each generator gets the mean of its valid
scores as in a report, and Kendall's tau-b compares the order of the means with the known one; a generator
without a valid score is a tie with every other. Exit code 1 if a metric stays below 0.9.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mirabench.inputs.prompts import Prompt
from mirabench.run.evaluate import evaluate
from mirabench.suites.api import MetricChoice
from mirabench.testing import clips, degrade
from mirabench.testing.clips import SyntheticClip
from mirabench.video.frames import ArrayVideo, UInt8Array

GENERATORS = 8
SIZE, FRAMES = (256, 144), 48
LEAST_TAU = 0.9

Damage = Callable[[UInt8Array, float], UInt8Array]


class Respect(NamedTuple):
    """One way to be worse, and who claims to see it."""

    name: str
    damage: Damage
    """Frames and a strength from 0 to 1 to frames; 0 changes nothing."""
    metrics: tuple[str, ...]


def _share_of_diagonal(frames: UInt8Array, share: float) -> float:
    return share * float(np.hypot(*frames.shape[1:3]))


def _stopped(frames: UInt8Array, share: float) -> UInt8Array:
    return degrade.freeze_tail(frames, share) if share else frames


def _blurred(frames: UInt8Array, strength: float) -> UInt8Array:
    return degrade.blur(frames, _share_of_diagonal(frames, 0.01 * strength)) if strength else frames


def _patched(frames: UInt8Array, side: float) -> UInt8Array:
    """Two patches of another scene on every frame, of so much of the picture's sides."""
    if not side:
        return frames
    height, width = frames.shape[1:3]
    return degrade.patched(frames, clips.truck(len(frames), (width, height), 41).frames, side)


RESPECTS = (
    Respect(
        "light flickers", lambda f, s: degrade.flicker(f, 0.08 * s),
        ("warping_error", "temporal_flicker"),
    ),
    Respect(
        "motion stops early", lambda f, s: _stopped(f, 0.8 * s),
        ("flow_magnitude", "camera_motion", "object_motion", "track_displacement", "point_motion",
         "subject_motion"),
    ),
    Respect(
        "the scene bends", lambda f, s: degrade.wobble(f, _share_of_diagonal(f, 0.012 * s)),
        ("epipolar_agreement", "reprojection_error"),
    ),
    Respect(
        "patches of another place", lambda f, s: _patched(f, 0.7 * s),
        ("registered_share", "track_length"),
    ),
    Respect("blur", lambda f, s: _blurred(f, s), ("sharpness",)),
    Respect("grain", lambda f, s: degrade.noise(f, 30 * s), ("noise",)),
    Respect("colour fades", lambda f, s: degrade.saturation(f, 1 - s), ("colorfulness",)),
    Respect("too bright", lambda f, s: degrade.gamma(f, 1 - 0.75 * s), ("exposure",)),
    Respect(
        "blocks", lambda f, s: degrade.blocks(f, 0.5 + 0.45 * s) if s else f, ("blockiness",)
    ),
    Respect(
        "blur, against clean clips", lambda f, s: _blurred(f, s),
        ("handmade_frechet_distance", "handmade_kernel_distance"),
    ),
)  # fmt: skip
"""What is graded; the strength of the last generator is 7/8 of the way."""


def scenes() -> list[SyntheticClip]:
    """A camera that circles, one that moves forward, and a ball before a turning camera."""
    return [
        clips.orbit(FRAMES, SIZE, 11),
        clips.dolly(FRAMES, SIZE, 12, metres_per_second=0.8),
        clips.ball(FRAMES, SIZE, 13, yaw=6.0),
    ]


def kendall_tau(one: Sequence[float], two: Sequence[float]) -> float:
    """Tau-b; a NaN is tied with everything.

    Example:
        >>> kendall_tau([0, 1, 2], [5.0, 6.0, 7.0])
        1.0
        >>> kendall_tau([0, 1, 2], [7.0, 6.0, 5.0])
        -1.0
    """
    signs = [
        (np.sign(b1 - a1), np.nan_to_num(np.sign(b2 - a2)))
        for (a1, a2), (b1, b2) in combinations(list(zip(one, two, strict=True)), 2)
    ]
    agreement = sum(x * y for x, y in signs)
    untied = np.sqrt(sum(x != 0 for x, _ in signs) * sum(y != 0 for _, y in signs))
    return float(agreement / untied) if untied else 0.0


def means(
    films: Sequence[Sequence[UInt8Array]],
    metrics: Sequence[str],
    reference: Sequence[UInt8Array] = (),
    prompts: dict[str, Prompt] | None = None,
) -> dict[str, list[float]]:
    """Metric -> each generator's mean over its valid scores; NaN without one."""
    found: dict[str, list[float]] = {name: [] for name in metrics}
    truth = [ArrayVideo(f, fps=24, name=f"real{i}") for i, f in enumerate(reference)]
    for generator in films:
        videos = [ArrayVideo(f, fps=24, name=f"clip{i}") for i, f in enumerate(generator)]
        report = evaluate(
            videos,
            metrics=tuple(metrics),
            prompts=prompts,
            reference=truth or None,
            cache=False,
        )
        for name in metrics:
            mean = report.summary[name].mean if name in report.summary else None
            found[name].append(float("nan") if mean is None else mean)
    return found


def tau_of(metric: str, values: Sequence[float]) -> float:
    """Of the means of generators in their known order, the best first."""
    sign = -1 if MetricChoice(metric).build().spec.higher_is_better else 1
    return kendall_tau(range(len(values)), [sign * v for v in values])


def ranks(only: Iterable[str] = ()) -> list[tuple[str, str, float, list[float]]]:
    """(respect, metric, tau, means) for every metric that claims a respect."""
    logging.getLogger("mirabench").setLevel(logging.ERROR)
    wanted, found = set(only), []
    clean = [scene.frames for scene in scenes()]
    for respect in RESPECTS:
        metrics = [m for m in respect.metrics if not wanted or m in wanted]
        if not metrics:
            continue
        films = [[respect.damage(f, k / GENERATORS) for f in clean] for k in range(GENERATORS)]
        against = [clips.turn(FRAMES, SIZE, 31).frames, *clean] if "handmade" in metrics[0] else []
        for name, values in means(films, metrics, against).items():
            found.append((respect.name, name, tau_of(name, values), values))
    if not wanted or "camera_motion_agreement" in wanted:
        found.append(_camera())
    return found


def _camera() -> tuple[str, str, float, list[float]]:
    """Eight pans asked to go right, of which k go left."""
    asked, name = "The camera pans right.", "camera_motion_agreement"
    right, left = (
        [clips.pan(FRAMES // 2, SIZE, seed, pixels=(way, 0.0)).frames for seed in range(GENERATORS)]
        for way in (4.0, -4.0)
    )
    films = [left[:k] + right[k:] for k in range(GENERATORS)]
    prompts = {f"clip{i}": Prompt(f"clip{i}", asked, {"camera": asked}) for i in range(GENERATORS)}
    values = means(films, [name], prompts=prompts)[name]
    return "clips go the other way", name, tau_of(name, values), values


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", default="", help="only these, separated by commas")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = ranks(name for name in asked.metrics.split(",") if name)
    sys.stdout.write("| degraded | metric | tau | means |\n| --- | --- | --- | --- |\n")
    for respect, name, tau, values in found:
        sys.stdout.write(
            f"| {respect} | `{name}` | {tau:.2f} | {', '.join(f'{v:.3g}' for v in values)} |\n"
        )
    if asked.json:
        asked.json.write_text(json.dumps(found))
    return int(any(tau < LEAST_TAU for _, _, tau, _ in found))


if __name__ == "__main__":
    sys.exit(main())
