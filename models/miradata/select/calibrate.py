"""Thresholds from target retention: which numbers keep 42 % of these clips, which 12 %, and so on.

The published sets are 100, 42, 12, 5.3 and 1.1 % of the full one and their thresholds are not published.
A level's thresholds are one quantile q of every ranked metric (aesthetic and motion), the same q for
all, found by bisection so that the wanted share passes them together. With one ranked metric, as in
`lite`, that is its plain quantile. Limits (colour, NSFW) are taken over, and apply before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mirabench.errors import InputError
from miradata.run_file import remembered
from miradata.select.levels import (
    Level,
    Rule,
    Thresholds,
    load_thresholds,
    save_thresholds,
    unmeasured,
)
from miradata.select.selection import DUPLICATE, LENGTH, fates
from miradata.tables.scores import Values, score_values
from miradata.tables.store import Tables

PUBLISHED = {"full": 1.0, "330k": 0.42, "93k": 0.12, "42k": 0.053, "9k": 0.011}
"""Published: level -> share of the full set, from the sizes of the released tables."""
RANKED = ("aesthetic", "motion")
"""Published: the aspects of which there are strictness levels."""
DIGITS = 6
"""Significant digits of a written threshold; it is rounded down, so that no clip is lost by it."""


class Calibrated(NamedTuple):
    """A thresholds file and what to know of it."""

    thresholds: Thresholds
    remarks: list[str]


def calibrate(
    values: Values,
    *,
    ranked: Sequence[str],
    limits: Thresholds,
    targets: dict[str, float] | None = None,
    name: str,
    version: str,
) -> Calibrated:
    """Levels that keep the target shares of these clips.

    Args:
        values: Metric -> (N,) scores of the reference clips.
        ranked: Metrics of which higher is better; those that nothing was measured of are left out.
        limits: Where the hard limits are taken from.
        targets: Level -> share, from the loosest; None takes the published shares.
        name: Of the file.
        version: Of the file.

    Raises:
        InputError: no clip keeps the limits, no ranked metric was measured, or the shares do not fall.
    """
    shares = PUBLISHED if targets is None else targets
    _require_falling(shares)
    used = [metric for metric in ranked if not _absent(values, metric)]
    if not used:
        raise InputError(
            f"none of {', '.join(ranked)} was measured: run the pipeline on reference clips first"
        )
    columns = _reference(values, used, limits)
    count = columns.shape[1]
    remarks = _remarks(values, ranked, used, limits, shares, count)
    origin = (
        f"calibrated on {count} clips: quantile {{q:.4f}} of {{metric}}, for {{share:.4g}} of them"
    )
    levels = []
    for level, share in shares.items():
        q, least = _thresholds(columns, share)
        rules = [
            Rule(
                metric=metric,
                least=float(bound),
                origin=origin.format(q=q, metric=metric, share=share),
            )
            for metric, bound in zip(used, least, strict=True)
            if share < 1
        ]
        achieved = float((columns >= least[:, None]).all(axis=0).mean()) if share < 1 else 1.0
        levels.append(Level(name=level, target=share, achieved=achieved, rules=tuple(rules)))
    note = f"From {count} clips that keep the limits. " + " ".join(f"{r}." for r in remarks)
    made = Thresholds(
        name=name, version=version, note=note.strip(), limits=limits.limits, levels=tuple(levels)
    )
    return Calibrated(made, remarks)


def calibrate_folder(
    output: Path, target: Path, *, name: str, version: str, targets: dict[str, float] | None = None
) -> Calibrated:
    """Thresholds from the clips of a run, written to a file.

    The reference is what is long enough and no duplicate; more aesthetic and more motion is better.
    The limits are those of the run.

    Raises:
        InputError: as `calibrate`; or the folder is the output of no run.
        OutputError: the file cannot be written.
    """
    limits = load_thresholds(remembered(output).config.publish.levels)
    tables = Tables(output)
    found = fates(tables, limits)
    clips = [fate.clip_id for fate in found if fate.step not in {LENGTH, DUPLICATE}]
    values = score_values(tables, clips, sorted({*limits.metrics, *RANKED}))
    made = calibrate(
        values, ranked=RANKED, limits=limits, targets=targets, name=name, version=version
    )
    save_thresholds(target, made.thresholds)
    return made


def _require_falling(shares: dict[str, float]) -> None:
    given = list(shares.values())
    falls = all(a > b for a, b in pairwise(given))
    if not given or not falls or not 0 < given[-1] <= given[0] <= 1:
        raise InputError("target shares must fall from level to level and lie in (0, 1]")


def _absent(values: Values, metric: str) -> bool:
    return metric not in values or bool(np.isnan(values[metric]).all())


def _reference(values: Values, used: Sequence[str], limits: Thresholds) -> NDArray[np.float64]:
    """(M, N) ranked scores of the clips that keep the limits and have them all."""
    columns = np.stack([values[metric] for metric in used])
    kept = ~np.isnan(columns).any(axis=0)
    gone = set(unmeasured(limits, values))
    for rule in limits.limits:
        if rule.metric not in gone:
            kept &= rule.kept(values[rule.metric])
    if not kept.any():
        raise InputError("no clip keeps the limits: there is nothing to calibrate on")
    return np.asarray(columns[:, kept], dtype=np.float64)


def _thresholds(columns: NDArray[np.float64], share: float) -> tuple[float, NDArray[np.float64]]:
    """The quantile and its (M,) values that keep at least the share, and as little more as can be.

    The share that passes falls as q rises, so the greatest q that still keeps enough is found by
    bisection over the N ranks.
    """
    count = columns.shape[1]
    ordered = np.sort(columns, axis=1)
    low, high = 0, count - 1
    while low < high:
        middle = (low + high + 1) // 2
        passing = (columns >= ordered[:, middle][:, None]).all(axis=0).mean()
        if passing >= share:
            low = middle
        else:
            high = middle - 1
    return low / count, _rounded_down(ordered[:, low])


def _rounded_down(bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.maximum(np.abs(bounds), 1e-300))))
    rounded = np.where(bounds == 0, 0.0, np.floor(bounds * scale) / scale)
    return np.asarray(np.minimum(rounded, bounds), dtype=np.float64)


def _remarks(
    values: Values,
    ranked: Sequence[str],
    used: Sequence[str],
    limits: Thresholds,
    shares: dict[str, float],
    count: int,
) -> list[str]:
    found = []
    left_out = [metric for metric in ranked if metric not in used]
    if left_out:
        found.append(
            f"ranked by {' and '.join(used)} only: {' and '.join(left_out)} was not measured"
        )
    absent = [rule.metric for rule in limits.limits if _absent(values, rule.metric)]
    if absent:
        found.append(f"not measured, so not limited: {', '.join(sorted(set(absent)))}")
    few = [level for level, share in shares.items() if share * count < 1]
    if few:
        found.append(
            f"{count} clips are too few for {', '.join(few)}: one clip is {1 / count:.3g} of them"
        )
    return found
