"""The clips on which metrics are checked, and measuring on them with features shared.

The clips are rendered, small and seeded: 16 frames of 160x90, less than a second of film. For a
metric of scope `set`, three clips are compared with the same three clean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import numpy as np

from mirabench.errors import MetricError, MirabenchError, NotApplicable, reason_for
from mirabench.features.api import AnyExtractor, Extractor, FeatureTable, TextExtractor, weights_of
from mirabench.features.networks import require_torch, resolved_weights
from mirabench.features.stream import extract
from mirabench.inputs.prompts import ASPECTS, Prompt
from mirabench.metrics.api import (
    ClipInputs,
    ClipMetric,
    Measured,
    Metric,
    SetMeasured,
    SetMetric,
)
from mirabench.metrics.health import PULSE, assess
from mirabench.testing import clips, degrade
from mirabench.testing.conformance.isolated_process import IsolatedProcess
from mirabench.testing.conformance.offline import offline
from mirabench.video.frames import ArrayVideo, FloatArray, UInt8Array

FRAMES = 16
"""The fewest frames, in whole chunks, that all our metrics measure."""
SIZE = (160, 90)
LARGE = (320, 180)
FPS = 24.0
NOT_APPLICABLE = "not applicable"
NOT_FINITE = "which is no measurement"
"""How `Measured` words its refusal of NaN and infinity."""


@dataclass(frozen=True, eq=False)
class Film:
    """One clip to measure."""

    key: str
    """Tells it from the other clips of a bench."""
    frames: UInt8Array
    """uint8 RGB (T, H, W, 3)."""
    prompt: Prompt | None
    fps: float = FPS

    @cached_property
    def video(self) -> ArrayVideo:
        """The frames as a video."""
        return ArrayVideo(self.frames, fps=self.fps, name=self.key)

    def changed(self, key: str, frames: UInt8Array, fps: float | None = None) -> Film:
        """The same prompt under other frames."""
        return Film(f"{self.key}/{key}", np.ascontiguousarray(frames), self.prompt, fps or self.fps)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What became of one measurement; without a value, one of the reasons says why."""

    value: float | None = None
    status: str = "none"
    reason: str = ""
    """Why there is no number (`MetricError`, `NotApplicable`) or why it does not count."""
    crash: str = ""
    """An error that is not the metric's to raise: a bug."""
    missing: str = ""
    """What this machine lacks: weights, or an extra."""
    measured: Measured | SetMeasured | None = field(default=None, compare=False)

    def __str__(self) -> str:
        if self.value is None:
            return f"no number ({self.crash or self.missing or self.reason})"
        return f"{self.value:.6g} ({self.status})"


class _Crash(MirabenchError):  # noqa: N818  # never leaves this module
    """A feature raised what is not one of our errors."""


class _Missing(MirabenchError):  # noqa: N818  # never leaves this module
    """This machine lacks weights or an extra."""


@dataclass(eq=False)
class Bench:
    """Clips and the features already computed on them; share one among many metrics.

    Close it, or use it in a `with` block: it may have started a process.
    """

    prompt: Prompt | None = None
    """What every clip was asked for, for a metric that looks for certain words; else what it shows."""
    _tables: dict[tuple[AnyExtractor, str, int, int], FeatureTable | Exception] = field(
        default_factory=dict
    )
    reached: dict[AnyExtractor | str, list[str]] = field(default_factory=dict)
    """Feature, or name of a metric -> hosts that it tried to reach while it was computed."""
    altering: dict[AnyExtractor, bool] = field(default_factory=dict)
    """Extractor -> whether it changes the frames that it is given; filled by the check."""
    memory: dict[AnyExtractor, tuple[float, int]] = field(default_factory=dict)
    """Extractor -> bytes kept for each further frame, bytes of a frame; filled by the check."""
    isolated: IsolatedProcess = field(default_factory=IsolatedProcess)
    """A process that has imported nothing yet."""

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the isolated process, if one was started."""
        self.isolated.close()

    @cached_property
    def clean(self) -> tuple[Film, ...]:
        """Three clean clips; the first, for metrics of one clip, shows a place in depth."""
        made = (
            clips.dolly(FRAMES, SIZE),
            clips.pan(FRAMES, SIZE, seed=1),
            clips.zoom(FRAMES, SIZE, seed=2),
        )
        return tuple(Film(c.name, c.frames, self.prompt or _prompt(c), c.fps) for c in made)

    def plain(self, metric: Metric) -> tuple[Film, ...]:
        """Clean clips whose number is not trivial: sets are not compared with themselves."""
        return self.large if metric.spec.scope == "set" else self.clean

    @cached_property
    def static(self) -> tuple[Film, ...]:
        """The first frames, held."""
        return self._each("static", lambda frames: np.repeat(frames[:1], len(frames), axis=0))

    @cached_property
    def black(self) -> tuple[Film, ...]:
        """Nothing but black."""
        return self._each("black", np.zeros_like)

    @cached_property
    def one_frame(self) -> tuple[Film, ...]:
        """The first frames alone."""
        return self._each("one frame", lambda frames: frames[:1])

    @cached_property
    def large(self) -> tuple[Film, ...]:
        """Pans of 320x180 behind an object: the texture survives half the size, the steps half the rate."""
        made = [clips.pan(FRAMES, LARGE, seed, pixels=(4.0, 0.0)) for seed in (3, 4, 5)]
        return tuple(
            Film(f"large {c.name} {n}", _with_object(c.frames), self.prompt or _prompt(c), c.fps)
            for n, c in enumerate(made)
        )

    @cached_property
    def half_size(self) -> tuple[Film, ...]:
        """The large clips at half the width and height, by area averaging."""
        return tuple(f.changed("half size", _halved(f.frames)) for f in self.large)

    @cached_property
    def half_rate(self) -> tuple[Film, ...]:
        """Every other frame of the large clips, shown for twice as long."""
        return tuple(f.changed("half rate", f.frames[::2], f.fps / 2) for f in self.large)

    def worse(self, name: str, strength: float) -> tuple[Film, ...]:
        """The clips after a function of `mirabench.testing.degrade`."""
        change = getattr(degrade, name)
        return self._each(f"{name} {strength:g}", lambda frames: change(frames, strength))

    def _each(self, key: str, change: object) -> tuple[Film, ...]:
        assert callable(change)
        return tuple(f.changed(key, change(f.frames)) for f in self.clean)

    def measure(
        self, metric: Metric, films: tuple[Film, ...], *, chunk: int = 0, run: int = 0
    ) -> Measurement:
        """What a metric says of clips; never raises.

        Args:
            metric: Of scope `clip` it measures the first clip; of scope `set` it compares all with
                the clean ones.
            films: The clips.
            chunk: Frames pushed at once; 0 is all.
            run: Features are computed once for each run; the second tells whether they repeat.
        """
        try:
            return self._measure(metric, films, chunk, run)
        except _Missing as error:
            return Measurement(missing=str(error))
        except _Crash as error:
            return Measurement(crash=str(error))
        except NotApplicable as error:
            return Measurement(status=NOT_APPLICABLE, reason=str(error))
        except MirabenchError as error:
            if NOT_FINITE in str(error):
                return Measurement(crash=str(error))
            return Measurement(reason=str(error))
        except Exception as error:  # a stranger's code
            return Measurement(crash=reason_for(error))

    def measure_isolated(self, metric: Metric, films: tuple[Film, ...]) -> Measurement:
        """The same in another process, to which the metric is sent as a pickle.

        Raises:
            IsolatedProcessError: it cannot be loaded there.
        """
        return self.isolated.call(_measure_here, metric, films)

    def _measure(
        self, metric: Metric, films: tuple[Film, ...], chunk: int, run: int
    ) -> Measurement:
        if isinstance(metric, SetMetric):
            generated = [self.inputs(metric, f, chunk, run) for f in films]
            reference = [self.inputs(metric, f, chunk, run) for f in self.clean]
            with self._offline(metric.spec.name):
                found = metric.compare(generated, reference)
            return Measurement(found.value, found.status, found.why, measured=found)
        if not isinstance(metric, ClipMetric):
            raise MetricError("the metric has neither compute() nor compare()")
        inputs = self.inputs(metric, films[0], chunk, run)
        with self._offline(metric.spec.name):
            measured = metric.compute(inputs)
        pulse = self.table(PULSE.resolve(), films[0], chunk)
        why = assess(pulse, films[0].video.info).why(metric.spec.degenerate_when)
        status = "degenerate" if why else measured.status
        return Measurement(measured.value, status, why or measured.why, measured=measured)

    def inputs(self, metric: Metric, film: Film, chunk: int = 0, run: int = 0) -> ClipInputs:
        """All that the metric may look at in a clip.

        Raises:
            MetricError: the clip does not allow a feature.
        """
        tables = {
            key: self.table(ref.resolve(), film, chunk, run)
            for key, ref in metric.spec.needs.items()
        }
        return ClipInputs(film.video.info, tables, film.prompt, film.key)

    def table(
        self, extractor: AnyExtractor, film: Film, chunk: int = 0, run: int = 0
    ) -> FeatureTable:
        """A feature of a clip; computed once for each run.

        Raises:
            MetricError: the clip does not allow it.
        """
        key = (extractor, film.key, chunk, run)
        if key not in self._tables:
            with self._offline(extractor):
                try:
                    self._tables[key] = _computed(extractor, film, chunk)
                except Exception as error:  # kept, so that it is found once for all metrics
                    self._tables[key] = error
        found = self._tables[key]
        if isinstance(found, Exception):
            raise found
        return found

    @contextmanager
    def _offline(self, who: AnyExtractor | str) -> Iterator[None]:
        with offline() as tried:
            yield
        self.reached.setdefault(who, []).extend(tried)


@cache
def _bench_of_this_process() -> Bench:
    return Bench()


def _measure_here(metric: Metric, films: tuple[Film, ...]) -> Measurement:
    """Features are kept for the metrics that are sent after this one."""
    return _bench_of_this_process().measure(metric, films)


def _computed(extractor: AnyExtractor, film: Film, chunk: int) -> FeatureTable:
    try:
        require_here(extractor)
    except MirabenchError as error:
        raise _Missing(str(error)) from error
    if isinstance(extractor, TextExtractor):
        if film.prompt is None:
            raise NotApplicable("the clip has no prompt")
        return extractor.embed(extractor.text_of(film.prompt))
    if not isinstance(extractor, Extractor):
        raise _Crash(f"{extractor!r} is not an extractor")
    found = extract(film.video, [extractor], chunk_bytes=(chunk or 10_000) * film.frames[0].nbytes)
    if extractor in found.failures:
        reason = found.failures[extractor]
        raise _Crash(reason) if reason.startswith("unexpected ") else MetricError(reason)
    return found.tables[extractor]


def require_here(extractor: AnyExtractor) -> None:
    """Make sure that this machine has what a feature runs on.

    Raises:
        WeightsError: its weights are not here.
        MissingExtraError: torch is not.
    """
    resolved_weights(extractor)
    if weights_of(extractor):
        require_torch(f"the feature {extractor.name} runs a network")


def _prompt(clip: clips.SyntheticClip) -> Prompt:
    captions = {aspect: clip.captions.get(aspect, clip.captions["short"]) for aspect in ASPECTS}
    return Prompt(clip.name, f"{captions['short']} {captions['camera']}", captions)


def _with_object(frames: UInt8Array) -> UInt8Array:
    """A square of the clip's first frame moves to the right and down over it, an even way a frame."""
    shown: UInt8Array = frames.copy()
    side = 64
    for t, frame in enumerate(shown):
        top, left = 40 + 2 * t, 60 + 6 * t
        frame[top : top + side, left : left + side] = frames[0, :side, :side]
    return shown


def _halved(frames: UInt8Array) -> UInt8Array:
    count, height, width, _ = frames.shape
    quarters: FloatArray = frames.reshape(count, height // 2, 2, width // 2, 2, 3).mean(axis=(2, 4))
    return np.asarray(np.round(quarters), dtype=np.uint8)


def without_prompt(films: tuple[Film, ...]) -> tuple[Film, ...]:
    """The clips as if nobody knew what was asked for."""
    return tuple(replace(film, key=f"{film.key}/no prompt", prompt=None) for film in films)


def chunks(film: Film, extractor: Extractor) -> Iterator[tuple[UInt8Array, np.ndarray, np.ndarray]]:
    """The frames that an extractor is given, (N, H, W, 3) with positions and seconds, by sevens."""
    wanted = extractor.select(film.video.info)
    resize = extractor.resize
    for batch in film.video.frames(chunk_bytes=7 * film.frames[0].nbytes):
        taken = batch.take(np.flatnonzero(np.isin(batch.index, wanted)))
        if len(taken):
            data = taken.data if resize is None else resize(taken.data)
            yield np.array(data), taken.index, taken.seconds
