"""Tracks: one table each. A track is a suite, the prompts everybody must answer, and a motion floor.

Numbers of two tracks are never in one table: the digest of a track is over its suite's digest and
every prompt. Tracks are data (`tracks.toml`); a new protocol joins by a new entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirabench import toml
from mirabench.errors import InputError, SuiteError
from mirabench.identity import digest_of
from mirabench.inputs.prompts import Prompt, read_prompts
from mirabench.metrics.api import Metric, MetricSpec
from mirabench.suites.api import Suite, load_suite
from miraboard.utility import Utility, applies, utility_of


@dataclass(frozen=True)
class Track:
    """What one table compares."""

    name: str
    title: str
    suite: Suite
    prompts: Mapping[str, Prompt] = field(repr=False)
    """Id -> prompt; every submission has a clip for each."""
    motion_metric: str
    """The metric of the suite that says whether a clip moves."""
    motion_floor: float
    """Clips below it do not count for consistency; in the motion metric's unit."""
    decoder: str = "pyav-rgb24"
    """The one road from file to RGB that the track compares."""
    opencv: str = "5"
    """Major version of OpenCV; part of every protocol id."""
    prompt_source: str = ""
    """The set's name or file, for who wants to take part."""
    forms: tuple[str, ...] = ()
    """The forms of the set's scenes that the track asks for; none means all."""
    rescore_tolerance: float = 1e-3
    """Largest relative difference that a maintainer's recomputation may find."""
    requires: str = "report"
    """What a submission ranks by: `report`, or `clips`, which the board scores a sample of before it ranks."""
    sample: int = 8
    """Clips drawn at random for that, beside those that are shown; 0 for all."""
    shown: int = 6
    """Prompts whose clips are shown side by side; their clips are always scored."""
    scales: Mapping[str, Mapping[str, float]] = field(default_factory=dict, repr=False)
    """Metric -> `half`, or `worst` and `best`, instead of the bundled scale."""

    def __post_init__(self) -> None:
        if self.requires not in ("report", "clips") or self.sample < 0 or self.shown < 0:
            raise InputError(
                f"the track {self.name!r}: `requires` is `report` or `clips`, `sample` and `shown` are counts"
            )

    @cached_property
    def shown_prompts(self) -> tuple[str, ...]:
        """The prompts whose clips are shown, spread evenly over the set."""
        ids = list(self.prompts)
        count = min(self.shown, len(ids))
        return tuple(ids[(2 * k + 1) * len(ids) // (2 * count)] for k in range(count))

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Name -> metric, in the suite's order."""
        return {metric.spec.name: metric for metric in self.suite.built()}

    @cached_property
    def specs(self) -> dict[str, MetricSpec]:
        """Name -> description, in the suite's order."""
        return {name: metric.spec for name, metric in self.metrics.items()}

    @cached_property
    def suite_digest(self) -> str:
        """What a report of this track must carry."""
        return self.suite.digest()

    @cached_property
    def digest(self) -> str:
        """16 hex digits over everything that decides what is compared."""
        prompts = {key: prompt.digest() for key, prompt in self.prompts.items()}
        rules: list[object] = [self.decoder, self.opencv, self.motion_metric, self.motion_floor]
        rules += [[n, u.worst, u.best, u.half] for n, u in sorted(self.utilities.items())]
        return digest_of({"suite": self.suite_digest, "prompts": prompts, "rules": rules}, 16)

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """The metrics that rank: of single clips. Distances between sets cannot be recomputed."""
        return tuple(name for name, spec in self.specs.items() if spec.scope == "clip")

    @cached_property
    def utilities(self) -> dict[str, Utility]:
        """Metric that ranks -> what its numbers are worth.

        Raises:
            SuiteError: a metric has no scale, or one that does not fit it.
        """
        return {name: utility_of(self.specs[name], self.scales.get(name)) for name in self.ranked}

    @cached_property
    def applicable(self) -> NDArray[np.bool_]:
        """(metrics that rank, prompts): whether the prompt asks for what the metric measures."""
        found = [
            [applies(self.specs[name], prompt) for prompt in self.prompts.values()]
            for name in self.ranked
        ]
        return np.array(found, dtype=bool).reshape(len(self.ranked), len(self.prompts))

    @property
    def dimensions(self) -> list[str]:
        """The dimensions that the suite measures, in its order."""
        return list(dict.fromkeys(spec.dimension for spec in self.specs.values()))


def load_tracks(path: Path | None = None) -> dict[str, Track]:
    """Name -> track, from a file or the bundled `tracks.toml`.

    Raises:
        InputError: the file cannot be read or is not a list of tracks.
        MirabenchError: a suite or prompt set that it names is not there.
    """
    try:
        text = (path or files("miraboard") / "tracks.toml").read_text(encoding="utf-8")
        raw = toml.loads(text)
    except OSError as error:
        raise InputError(f"cannot read the tracks {path}: {error.strerror or error}") from error
    except toml.TOMLDecodeError as error:
        raise InputError(f"the tracks {path} are not valid TOML: {error}") from error
    folder = path.parent if path else None
    return {name: _track(name, table, folder) for name, table in raw.items()}


def _track(name: str, table: Mapping[str, Any], folder: Path | None) -> Track:
    values = dict(table)
    try:
        suite = load_suite(_near(folder, str(values.pop("suite"))))
        source, forms = str(values.pop("prompts")), tuple(values.pop("forms", ()))
        prompts = read_prompts(_near(folder, source), forms)
        track = Track(
            name=name, suite=suite, prompts=prompts, prompt_source=source, forms=forms, **values
        )
    except (KeyError, TypeError) as error:
        raise InputError(f"the track {name!r} is not valid: {error}") from error
    if track.motion_metric not in track.specs:
        raise SuiteError(
            f"the track {name!r} names {track.motion_metric!r} for motion, "
            f"which its suite {suite.name!r} does not measure"
        )
    _ = (
        track.utilities
    )  # a scale that is missing is told when the board starts, not at a submission
    return track


def _near(folder: Path | None, source: str) -> str:
    """A file beside the tracks' own, or else a registered name."""
    if folder is not None and (folder / source).is_file():
        return str(folder / source)
    return source
