"""The public verbs: score many clips into a report, or one clip with one metric."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mirabench.errors import InputError, MetricError, VideoError
from mirabench.execute.local import run_all
from mirabench.features.api import FeatureTable
from mirabench.features.cache import default_cache_folder
from mirabench.inputs.prompts import Prompt, read_prompts
from mirabench.inputs.samples import (
    Sample,
    Source,
    collect,
    generator_facts,
    pairing_of,
    with_prompts,
)
from mirabench.metrics.api import ClipInputs, Curve, Score, SetMeasured, SetMetric
from mirabench.report.build import summarise_clips, summarise_set, video_record
from mirabench.report.files import require_writable, write_run
from mirabench.report.model import (
    MetricSummary,
    ReferenceRecord,
    Report,
    SuiteRecord,
    VideoRecord,
)
from mirabench.report.page import ClipExtras, render_page
from mirabench.report.provenance import host_facts, provenance
from mirabench.run.clip import ClipResult, ClipTask, WeightUse, score_clip
from mirabench.run.plan import STRIP, Plan, make_plan, protocol_of
from mirabench.run.stream import reason_for
from mirabench.suites.api import MetricChoice, Suite, load_suite
from mirabench.video.frames import CHUNK_BYTES, UInt8Array, Video
from mirabench.weights.licence import noncommercial_allowed

log = logging.getLogger(__name__)

Inputs = str | Path | UInt8Array | Video


class Progress(Protocol):
    """Told how far a run is; ours draws a bar, a server may log."""

    def __call__(self, done: int, total: int, clip_id: str) -> None:
        """`done` of `total` clips are finished; `clip_id` was the last."""
        ...


def silent(done: int, total: int, clip_id: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is carried out; none of it may change a number."""

    workers: int = 1
    cache: Path | None = None
    """Folder of the feature cache; None keeps nothing, so nothing can be resumed."""
    chunk_bytes: int = CHUNK_BYTES
    progress: Progress = silent
    device: str = "auto"
    """Where networks run: auto, cpu, cuda, cuda:N or mps."""
    noncommercial: bool = field(default_factory=noncommercial_allowed)
    """Whether parameters whose licence forbids commercial use may be used."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Everything that decides the numbers of a run."""

    suite: Suite
    plan: Plan
    generated: list[Sample]
    reference: list[Sample]
    fps: float | None = None


def prepare(
    inputs: Inputs | Iterable[Inputs],
    *,
    suite: str | Path | Suite = "lite",
    metrics: Sequence[str] | None = None,
    prompts: str | Path | Mapping[str, Prompt] | None = None,
    reference: Inputs | Iterable[Inputs] | None = None,
    pictures: bool = True,
    fps: float | None = None,
    precision: str | None = None,
) -> Job:
    """Find the clips, load the suite and plan; computes nothing.

    Raises:
        InputError: no clips, or an unknown suite or metric.
        ManifestError: a manifest or prompt table that contradicts itself.
    """
    chosen = load_suite(suite)
    if precision is not None:
        chosen = chosen.at_precision(precision)
    if metrics is not None:
        chosen = chosen.only(metrics)
    generated = collect(_as_list(inputs))
    if prompts is not None:
        table = prompts if isinstance(prompts, Mapping) else read_prompts(Path(prompts))
        pairing = pairing_of(generated, table)
        log.log(logging.INFO if pairing.complete else logging.WARNING, "%s", pairing.summary())
        generated = with_prompts(generated, table)
    others = collect(_as_list(reference), role="reference") if reference is not None else []
    plan = make_plan(
        chosen,
        with_prompts=any(s.prompt for s in generated),
        with_reference=bool(others),
        pictures=pictures,
    )
    if not plan.clip_metrics and not plan.set_metrics:
        raise InputError(
            f"nothing can be measured: {'; '.join(f'{n}: {w}' for n, w in plan.skipped)}"
        )
    return Job(chosen, plan, generated, others, fps)


def _as_list(inputs: Inputs | Iterable[Inputs]) -> list[Inputs]:
    single = isinstance(inputs, str | Path) or hasattr(inputs, "dtype") or hasattr(inputs, "info")
    return [inputs] if single else list(inputs)  # type: ignore[list-item, arg-type]  # told apart above


def evaluate(  # noqa: PLR0913  # the one public verb; all but the inputs are keywords
    inputs: Inputs | Iterable[Inputs],
    *,
    suite: str | Path | Suite = "lite",
    output: str | Path | None = None,
    metrics: Sequence[str] | None = None,
    prompts: str | Path | Mapping[str, Prompt] | None = None,
    reference: Inputs | Iterable[Inputs] | None = None,
    workers: int = 1,
    device: str = "auto",
    precision: str | None = None,
    allow_noncommercial: bool = False,
    cache: bool | str | Path = True,
    fps: float | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Progress = silent,
) -> Report:
    """Score clips with a suite.

    Args:
        inputs: Video files, frame folders, folders of either, globs, manifests, or uint8 RGB arrays
            (T, H, W, 3); one or many.
        suite: A registered suite, a TOML file, or a `Suite`.
        output: Folder for report.json, scores.csv, report.html and run.json; None writes nothing.
        metrics: Only these metrics of the suite (or other registered ones).
        prompts: A table of prompts to pair with the clips, or id -> prompt.
        reference: Real clips to compare with, for the distribution metrics.
        workers: Processes that score clips side by side; changes no number.
        device: Where networks run: auto, cpu, cuda, cuda:N or mps.
        precision: Arithmetic of networks, fp32 or bf16, where a feature's drift allows it; another
            precision is another protocol. None leaves it to the suite.
        allow_noncommercial: Use parameters whose licence forbids commercial use; metrics that need them
            fail otherwise. MIRABENCH_ALLOW_NONCOMMERCIAL=1 says the same.
        cache: Keep features for the next run: True for the user's cache folder, or a folder.
        fps: Frames a second of inputs that carry none (frame folders, arrays); 24 when absent.
        chunk_bytes: Pixels held at a time; changes no number.
        progress: Told after each clip.

    Returns:
        The report. A clip or metric that failed is in it with its reason.

    Raises:
        InputError: nothing to score, an unknown name, an unwritable output folder.
    """
    folder = Path(output) if output is not None else None
    if folder is not None:
        require_writable(folder)
    job = prepare(
        inputs, suite=suite, metrics=metrics, prompts=prompts, reference=reference,
        pictures=folder is not None, fps=fps, precision=precision,
    )  # fmt: skip
    options = Options(
        workers, cache_folder(cache), chunk_bytes, progress, device,
        allow_noncommercial or noncommercial_allowed(),
    )  # fmt: skip
    return run(job, folder, options)


def cache_folder(cache: bool | str | Path) -> Path | None:
    """The folder that a `cache` argument stands for."""
    if isinstance(cache, bool):
        return default_cache_folder() if cache else None
    return Path(cache)


def run(job: Job, folder: Path | None, options: Options) -> Report:
    """Carry out a prepared job, and write its folder if one is named."""
    started = time.time()
    samples = [*job.generated, *job.reference]
    results = _results(job, samples, options)
    generated, reference = results[: len(job.generated)], results[len(job.generated) :]
    report = _report(job, generated, reference)
    if folder is not None:
        page = render_page(report, _extras(job, generated))
        write_run(folder, report, page, _run_facts(started, options, results))
    return report


def _results(job: Job, samples: Sequence[Sample], options: Options) -> list[ClipResult]:
    threads = max(1, (os.cpu_count() or 1) // max(1, options.workers))
    plans = {"generated": job.plan, "reference": job.plan.for_reference()}
    tasks = [
        ClipTask(
            s, plans[s.role], options.cache, threads, options.chunk_bytes, job.fps, options.device,
            options.noncommercial,
        )
        for s in samples
    ]  # fmt: skip
    found: dict[int, ClipResult] = {}
    # closed at once when interrupted, so that no worker goes on behind our back
    with closing(run_all(score_clip, tasks, workers=options.workers, died=_died)) as finished:
        for position, result in finished:
            found[position] = result
            options.progress(len(found), len(tasks), result.sample_id)
            log.debug("%s: %d features computed", result.sample_id, result.computed)
    return [found[i] for i in range(len(tasks))]


def _died(task: ClipTask) -> ClipResult:
    return ClipResult(
        task.sample.id,
        error="the process that scored it was killed (out of memory?): try again with --workers 1",
    )


def _report(job: Job, generated: Sequence[ClipResult], reference: Sequence[ClipResult]) -> Report:
    videos = [_record(job, s, r) for s, r in zip(job.generated, generated, strict=True)]
    results = (*generated, *reference)
    decoders = sorted({r.info.decoder for r in results if r.info})
    weights = {name: use for r in results for name, use in r.weights.items()}
    protocols = {key: dict(what) for r in generated for key, what in r.protocols.items()}
    summaries: dict[str, MetricSummary] = {}
    for metric in job.plan.clip_metrics:
        summaries[metric.spec.name] = summarise_clips(metric, videos)
    for distance in job.plan.set_metrics:
        outcome = _compare(distance, job, generated, reference)
        protocol = ""
        if not isinstance(outcome, MetricError):
            digests = {name: use.sha256 for name, use in weights.items()}
            protocol, protocols_of_set = protocol_of(distance, decoders, digests)
            protocols[protocol] = protocols_of_set
        summaries[distance.spec.name] = summarise_set(distance.spec, outcome, len(videos), protocol)
    used = {p for s in summaries.values() for p in s.protocols}
    references = [_reference(s, r) for s, r in zip(job.reference, reference, strict=True)]
    return Report(
        suite=SuiteRecord(
            name=job.suite.name, version=job.suite.version, digest=job.suite.digest()
        ),
        partial=any(v.error or v.failures for v in videos)
        or any(r.error for r in references)
        or any(s.status == "failed" for s in summaries.values()),
        summary={c.name: summaries[c.name] for c in job.suite.metrics if c.name in summaries},
        skipped=dict(job.plan.skipped),
        videos=videos,
        reference=references,
        protocols={key: protocols[key] for key in sorted(used)},
        provenance=provenance(_settings(job, weights)),
    )


def _settings(job: Job, weights: Mapping[str, WeightUse]) -> dict[str, Any]:
    settings: dict[str, Any] = {"frame_rate_of_frame_folders": job.fps or 24.0}
    if weights:
        settings["weights"] = {name: asdict(weights[name]) for name in sorted(weights)}
    if generators := generator_facts(job.generated):
        settings["generator"] = generators
    return settings


def _record(job: Job, sample: Sample, result: ClipResult) -> VideoRecord:
    failures = dict(result.failures)
    record = video_record(
        sample.id,
        _path_of(sample.source),
        sample.prompt,
        info=result.info,
        error=result.error,
        health=result.health.flags,
        scores=result.scores,
        failures=failures,
    )
    if result.error:
        record.failures = {m.spec.name: result.error for m in job.plan.clip_metrics}
    return record


def _reference(sample: Sample, result: ClipResult) -> ReferenceRecord:
    return ReferenceRecord(
        id=sample.id,
        path=_path_of(sample.source),
        sha256=result.info.sha256 if result.info else None,
        error=result.error or None,
    )


def _path_of(source: Source) -> str:
    if isinstance(source, Path):
        return source.as_posix()
    return source.info.path if isinstance(source, Video) else "array"


def _compare(
    metric: SetMetric, job: Job, generated: Sequence[ClipResult], reference: Sequence[ClipResult]
) -> SetMeasured | MetricError:
    try:
        ours = _inputs(metric, job.generated, generated)
        theirs = _inputs(metric, job.reference, reference)
        if not ours or not theirs:
            _raise_what_is_missing(metric, (*generated, *reference))
        return metric.compare(ours, theirs)
    except Exception as error:  # the boundary: one distance must not lose the report
        return MetricError(reason_for(error))


def _raise_what_is_missing(metric: SetMetric, results: Sequence[ClipResult]) -> None:
    for extractor in (ref.resolve() for ref in metric.spec.needs.values()):
        for result in results:
            if extractor in result.missing:
                raise MetricError(result.missing[extractor])


def _inputs(
    metric: SetMetric, samples: Sequence[Sample], results: Sequence[ClipResult]
) -> list[ClipInputs]:
    needs = {key: ref.resolve() for key, ref in metric.spec.needs.items()}
    found = []
    for sample, result in zip(samples, results, strict=True):
        tables: dict[str, FeatureTable] = {
            k: result.kept[e] for k, e in needs.items() if e in result.kept
        }
        if result.info is not None and len(tables) == len(needs):
            found.append(ClipInputs(result.info, tables, sample.prompt, sample.id))
    return found


def _extras(job: Job, results: Sequence[ClipResult]) -> dict[str, ClipExtras]:
    strip = STRIP.resolve()
    extras = {}
    for sample, result in zip(job.generated, results, strict=True):
        curves: dict[str, Curve] = {
            n: s.curve for n, s in result.scores.items() if s.curve is not None
        }
        extras[sample.id] = ClipExtras(result.kept.get(strip), curves)
    return extras


def _run_facts(started: float, options: Options, results: Sequence[ClipResult]) -> dict[str, Any]:
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "workers": options.workers,
        "cache": str(options.cache) if options.cache else None,
        "features_computed": sum(r.computed for r in results),
        "features_from_cache": sum(r.cached for r in results),
        "host": host_facts(),
    }


def score(
    video: Inputs,
    metric: str,
    *,
    prompt: Prompt | str | None = None,
    device: str = "auto",
    allow_noncommercial: bool = False,
    cache: bool | str | Path = True,
    fps: float | None = None,
    **parameters: int | float | str | bool,
) -> Score:
    """Score one clip with one metric.

    Args:
        video: A file, a frame folder, or a uint8 RGB array (T, H, W, 3).
        metric: A registered metric of scope `clip`.
        prompt: For metrics that compare with text.
        device: Where networks run.
        allow_noncommercial: As in `evaluate`.
        cache: As in `evaluate`.
        fps: Frames a second of inputs that carry none.
        parameters: Of the metric.

    Raises:
        UnknownNameError: no such metric.
        VideoError: the video cannot be read.
        MetricError: the metric cannot be computed for this clip.
    """
    suite = Suite("single", 1, (MetricChoice(metric, parameters),))
    plan = make_plan(suite, with_prompts=True, with_reference=False, pictures=False)
    if not plan.clip_metrics:
        raise InputError(
            f"{metric!r} compares sets of clips: use mirabench.evaluate(..., reference=...)"
        )
    asked = Prompt("prompt", prompt) if isinstance(prompt, str) else prompt
    sample = collect([video])[0]
    task = ClipTask(
        Sample(sample.id, sample.source, asked or sample.prompt), plan, cache_folder(cache),
        threads=os.cpu_count() or 1, fps=fps, device=device,
        noncommercial=allow_noncommercial or noncommercial_allowed(),
    )  # fmt: skip
    result = score_clip(task)
    if result.error:
        raise VideoError(result.error)
    if metric in result.failures:
        raise MetricError(f"{sample.id}: {result.failures[metric].reason}")
    return result.scores[metric]
