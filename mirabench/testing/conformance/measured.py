"""Checks that run a metric on clips and compare the numbers."""

from __future__ import annotations

import hashlib
import math
import secrets
import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np

from mirabench.features.api import Extractor, FeatureTable, weights_of
from mirabench.features.stream import extract
from mirabench.metrics.api import Measured, Metric, code_of
from mirabench.testing.conformance.bench import (
    FRAMES,
    NOT_APPLICABLE,
    Bench,
    Film,
    Measurement,
    chunks,
    without_prompt,
)
from mirabench.testing.conformance.isolated_process import IsolatedProcessError
from mirabench.testing.conformance.result import Found, failed, passed, skipped
from mirabench.video.frames import CHUNK_BYTES, FrameBatch, VideoInfo, regular_ticks

SAME = 1e-9
"""Relative difference that two ways of running the same arithmetic may leave."""
SAME_NETWORK = 1e-4
"""As above with a network, whose kernels depend on the batch."""
INVARIANT = 0.1
"""Relative difference at another size or frame rate that still counts as the same."""
LONGER = 32
"""Frames of the long clip in the check of memory."""
KEPT_SHARE = 0.25
"""Share of a frame's bytes that a feature may keep for each further frame."""
STRENGTH_OF_TIME = ("temporal consistency", "motion strength", "3D consistency")


def check_number(metric: Metric, bench: Bench) -> Found:
    """A clean clip gets a number."""
    found = bench.measure(metric, bench.plain(metric))
    if found.crash:
        return failed(f"a clean clip crashes it: {found.crash}")
    if found.status == NOT_APPLICABLE:
        return skipped(f"it does not apply to these clips ({found.reason}): give Bench(prompt=...)")
    if found.value is None:
        return failed(f"a clean clip gets no number: {found.reason}")
    return passed(f"a clean clip scores {found}")


def check_determinism(metric: Metric, bench: Bench) -> Found:
    """The same clip gives the same number again, features computed again."""
    first = bench.measure(metric, bench.plain(metric))
    return _same(metric, first, bench.measure(metric, bench.plain(metric), run=1), "a second run")


def check_chunks(metric: Metric, bench: Bench) -> Found:
    """Frames pushed one by one, in fives or all at once give the same number."""
    whole = bench.measure(metric, bench.plain(metric))
    for chunk in (1, 5):
        found = _same(
            metric, whole, bench.measure(metric, bench.plain(metric), chunk=chunk), f"{chunk}"
        )
        if found.verdict == "fail":
            return failed(f"pushing {chunk} frames at a time instead of all: {found.text}")
    return passed("1, 5 or all frames at a time give the same number")


def check_workers(metric: Metric, bench: Bench) -> Found:
    """Another process gives the same number."""
    if code_of(metric).__module__ == "__main__":
        return skipped("its class is in the main module, which another process does not have")
    try:
        there = bench.measure_isolated(metric, bench.plain(metric))
    except IsolatedProcessError as error:
        return failed(f"another process cannot measure with it: {error}")
    return _same(metric, bench.measure(metric, bench.plain(metric)), there, "another process")


def _same(metric: Metric, one: Measurement, two: Measurement, what: str) -> Found:
    if one.value is None or two.value is None:
        return failed(f"{what} gives {two}, the first run {one}")
    learned = any(weights_of(ref.resolve()) for ref in metric.spec.needs.values())
    close = math.isclose(one.value, two.value, rel_tol=SAME_NETWORK if learned else SAME)
    if not close or one.status != two.status:
        return failed(f"{what} gives {two.value!r} ({two.status}), the first run {one.value!r}")
    return passed(f"{what} gives {two} again")


def check_resolution(metric: Metric, bench: Bench) -> Found:
    """Half the width and height changes the number only if the spec says so."""
    declared = metric.spec.resolution_invariant
    return _as_declared(
        metric, bench, declared, "resolution_invariant", "size", lambda: bench.half_size
    )


def check_frame_rate(metric: Metric, bench: Bench) -> Found:
    """Every other frame at half the rate changes the number only if the spec says so."""
    declared = metric.spec.fps_invariant
    return _as_declared(
        metric, bench, declared, "fps_invariant", "frame rate", lambda: bench.half_rate
    )


def _as_declared(
    metric: Metric,
    bench: Bench,
    declared: bool | None,
    field: str,
    what: str,
    films: Callable[[], tuple[Film, ...]],
) -> Found:
    if declared is None:
        return skipped(f"the spec declares nothing: set {field} to True or False")
    if not declared:
        return passed(f"the spec says that the number depends on the {what}")
    one, two = bench.measure(metric, bench.large), bench.measure(metric, films())
    if one.value is None or two.value is None:
        return failed(f"at half the {what} it gives {two}, and {one} before")
    same = max(metric.spec.same_within, INVARIANT * max(abs(one.value), abs(two.value)))
    if abs(one.value - two.value) > same:
        return failed(
            f"half the {what} turns {one.value:.4g} into {two.value:.4g}: correct it, or {field}=False"
        )
    return passed(f"half the {what} turns {one.value:.4g} into {two.value:.4g}, within {same:.2g}")


def check_degenerate(metric: Metric, bench: Bench) -> Found:
    """A static, a black and a one-frame clip give a number with a status or a reason; no crash."""
    told = []
    for name, films in _degenerate(bench):
        found = bench.measure(metric, films)
        if found.crash:
            return failed(
                f"a {name} clip crashes it ({found.crash}): raise MetricError with a reason"
            )
        told.append(f"{name}: {found.status if found.value is not None else found.reason}")
    return passed("; ".join(told))


def _degenerate(bench: Bench) -> Iterator[tuple[str, tuple[Film, ...]]]:
    yield "static", bench.static
    yield "black", bench.black
    yield "one-frame", bench.one_frame


def check_merit(metric: Metric, bench: Bench) -> Found:
    """A black clip, or for motion and consistency a static one, does not win with status `ok`."""
    clean = bench.measure(metric, bench.clean)
    if clean.value is None:
        return skipped(f"a clean clip gives {clean}")
    kinds = {"black": bench.black}
    if metric.spec.dimension in STRENGTH_OF_TIME:
        kinds["static"] = bench.static
    for name, films in kinds.items():
        found = bench.measure(metric, films)
        if found.value is not None and found.status == "ok" and _beats(metric, found, clean):
            return failed(
                f"a {name} clip scores {found.value:.4g}, better than {clean.value:.4g} of a clean "
                f"one: name the health flag {name!r} in degenerate_when"
            )
    return passed(f"no {' or '.join(kinds)} clip beats a clean one unmarked")


def _beats(metric: Metric, one: Measurement, other: Measurement) -> bool:
    """Whether a number is better by more than rounding."""
    assert one.value is not None
    assert other.value is not None
    gain = one.value - other.value if metric.spec.higher_is_better else other.value - one.value
    return gain > 1e-6 * max(abs(one.value), abs(other.value))


def check_range(metric: Metric, bench: Bench) -> Found:
    """Every number, of clean and of degraded clips, is finite and within the range of the spec."""
    low, high = metric.spec.range
    cases = {"clean": bench.clean, **dict(_degenerate(bench))}
    if metric.spec.worsened_by:
        cases["degraded"] = bench.worse(*metric.spec.worsened_by)
    values = {}
    for name, films in cases.items():
        value = bench.measure(metric, films).value
        if value is not None:
            values[name] = value
            if not math.isfinite(value) or not low <= value <= high:
                return failed(f"the {name} clip scores {value:g}, outside [{low:g}, {high:g}]")
    return passed(f"{len(values)} numbers are within [{low:g}, {high:g}]")


def check_direction(metric: Metric, bench: Bench) -> Found:
    """A clip degraded as the spec declares does not score better."""
    worsened_by = metric.spec.worsened_by
    if worsened_by is None:
        return skipped("the spec names no degradation: set worsened_by, as in ('blur', 2.0)")
    clean, worse = (
        bench.measure(metric, bench.clean),
        bench.measure(metric, bench.worse(*worsened_by)),
    )
    how = f"{worsened_by[0]} of strength {worsened_by[1]:g}"
    if clean.value is None or worse.value is None:
        return failed(f"{how} gives {worse}, the clean clip {clean}: declare another degradation")
    if _beats(metric, worse, clean):
        return failed(
            f"{how} improves {clean.value:.4g} to {worse.value:.4g}: is the direction right?"
        )
    return passed(f"{how} turns {clean.value:.4g} into {worse.value:.4g}")


def check_prompt(metric: Metric, bench: Bench) -> Found:
    """Without a prompt, a metric that needs one says that it does not apply."""
    if not metric.spec.needs_prompt:
        return skipped("it needs no prompt")
    found = bench.measure(metric, without_prompt(bench.clean))
    if found.crash:
        return failed(f"a clip without a prompt crashes it ({found.crash}): raise NotApplicable")
    if found.value is not None:
        return failed(f"a clip without a prompt scores {found.value:.4g}: raise NotApplicable")
    return passed(f"without a prompt: {found.reason}")


def check_curve(metric: Metric, bench: Bench) -> Found:
    """The curve has a finite value for each of its times, which lie within the clip."""
    measured = bench.measure(metric, bench.clean).measured
    if not isinstance(measured, Measured) or measured.curve is None:
        return skipped("it gives no curve")
    curve, length = measured.curve, bench.clean[0].video.info.duration_seconds
    if len(curve.seconds) != len(curve.values):
        return failed(f"{len(curve.seconds)} times go with {len(curve.values)} values")
    if not np.isfinite(curve.values).all():
        return failed("the curve holds a value that is not finite")
    if len(curve.seconds) and not 0 <= curve.seconds.min() <= curve.seconds.max() <= length:
        return failed(f"the curve's times leave the clip's {length:.2f} s")
    return passed(f"{len(curve.values)} finite values within the clip")


def check_inputs(metric: Metric, bench: Bench) -> Found:
    """Neither the frames that a feature is given nor the tables that the metric reads are changed."""
    film = bench.clean[0]
    for ref in metric.spec.needs.values():
        extractor = ref.resolve()
        if not isinstance(extractor, Extractor):
            continue
        if extractor not in bench.altering:
            bench.altering[extractor] = _changes_frames(extractor, film)
        if bench.altering[extractor]:
            return failed(f"the feature {extractor.name} changes the frames, which others read too")
    inputs = bench.inputs(metric, film)
    before = [_digest(table) for table in inputs.features.values()]
    bench.measure(metric, bench.clean)
    if before != [_digest(table) for table in inputs.features.values()]:
        return failed("the metric changes a feature's table, which other metrics read too: copy it")
    return passed("frames and tables are unchanged")


def _changes_frames(extractor: Extractor, film: Film) -> bool:
    data, index, seconds = next(chunks(film, extractor))
    before = data.copy()
    extractor.open(film.video.info).push(FrameBatch(data, index, seconds))
    return not np.array_equal(before, data)


def _digest(table: FeatureTable) -> str:
    content = hashlib.sha256()
    for name in sorted(table.columns):
        content.update(name.encode() + np.ascontiguousarray(table[name]).tobytes())
    return content.hexdigest()


def check_network(metric: Metric, bench: Bench) -> Found:
    """Features and metric are computed without reaching for a network: nothing is downloaded."""
    bench.measure(metric, bench.plain(metric))
    involved = [metric.spec.name, *(ref.resolve() for ref in metric.spec.needs.values())]
    tried = [host for who in involved for host in bench.reached.get(who, [])]
    if tried:
        return failed(
            f"it reached for {tried[0]}: weights come from `mirabench weights download`, never in a run"
        )
    return passed("no connection was attempted")


def check_memory(metric: Metric, bench: Bench) -> Found:
    """A longer clip costs far less than a picture for each further frame."""
    told = []
    for ref in metric.spec.needs.values():
        extractor = ref.resolve()
        if not isinstance(extractor, Extractor):
            continue
        if extractor not in bench.memory:
            bench.memory[extractor] = _growth(extractor, bench.clean[0])
        kept, frame = bench.memory[extractor]
        if kept > KEPT_SHARE * frame:
            return failed(
                f"the feature {extractor.name} keeps {kept:.0f} bytes for each further frame of "
                f"{frame} bytes: keep rows, not pictures"
            )
        told.append(f"{extractor.name} {max(0.0, kept):.0f}")
    return passed(f"bytes for each further frame: {', '.join(told)}")


def _growth(extractor: Extractor, film: Film) -> tuple[float, int]:
    """Bytes of peak memory for each further frame, and bytes of a frame as it is pushed."""
    frame = next(chunks(film, extractor))[0]
    short, long = (_peak(extractor, film, frames) for frames in (FRAMES, LONGER))
    return (long - short) / (LONGER - FRAMES), frame[:1].nbytes


def _peak(extractor: Extractor, film: Film, frames: int) -> int:
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    extract(_Endless(film, frames), [extractor], chunk_bytes=4 * film.frames[0].nbytes)
    _, peak = tracemalloc.get_traced_memory()
    if not tracing:
        tracemalloc.stop()
    return peak - before


class _Endless:
    """A clip played there and back for as long as it takes, of which only a chunk exists at a time."""

    def __init__(self, film: Film, frames: int) -> None:
        self._film = film
        facts = film.video.info
        self.info = VideoInfo(
            path=facts.path,
            sha256=secrets.token_hex(32),
            width=facts.width,
            height=facts.height,
            fps=facts.fps,
            time_base=facts.time_base,
            ticks=regular_ticks(frames),
            decoder=facts.decoder,
        )

    def frames(self, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[FrameBatch]:
        step = max(1, chunk_bytes // self._film.frames[0].nbytes)
        there = np.arange(len(self._film.frames))
        cycle = np.concatenate([there, there[-2:0:-1]])
        for start in range(0, self.info.num_frames, step):
            index = np.arange(start, min(start + step, self.info.num_frames))
            shown = self._film.frames[cycle[index % len(cycle)]]
            yield FrameBatch(shown, index, self.info.seconds[index])
