"""Reports written by hand: known scores, no video behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mirabench.metrics.api import ClipMetric
from mirabench.report.build import summarise_clips
from mirabench.report.model import MetricSummary, Report, ScoreRecord, SuiteRecord, VideoRecord
from mirabench.suites.api import MetricChoice


def clip(
    clip_id: str,
    prompt: str | None = None,
    *,
    text: str | None = None,
    degenerate: Sequence[str] = (),
    failed: Sequence[str] = (),
    protocol: str = "1",
    **scores: float,
) -> VideoRecord:
    """A clip with these scores; those named degenerate have a value that does not count."""
    return VideoRecord(
        id=clip_id,
        path=f"clips/{clip_id}.mp4",
        prompt_id=prompt,
        prompt=text if text is not None or prompt is None else f"text of {prompt}",
        sha256="0" * 64,
        scores={
            name: ScoreRecord(
                value=value,
                status="degenerate" if name in degenerate else "ok",
                protocol=f"{name}@{protocol}",
                why="frozen" if name in degenerate else "",
            )
            for name, value in scores.items()
        },
        failures=dict.fromkeys(failed, "it broke"),
    )


def report(
    videos: Sequence[VideoRecord],
    *,
    digest: str = "d" * 10,
    distances: Mapping[str, float] | None = None,
    protocols: Mapping[str, dict[str, Any]] | None = None,
) -> Report:
    """A report over clips, summarised as a run does; `distances` are metrics of scope `set`."""
    names = sorted({name for v in videos for name in (*v.scores, *v.failures)})
    summary = {name: summarise_clips(_metric(name), videos) for name in names}
    summary |= {name: _distance(value, len(videos)) for name, value in (distances or {}).items()}
    ids = {s.protocol for v in videos for s in v.scores.values()}
    return Report(
        suite=SuiteRecord(name="mine", version=1, digest=digest),
        partial=False,
        summary=summary,
        videos=list(videos),
        protocols={key: dict((protocols or {}).get(key, {})) for key in sorted(ids)},
        provenance={},
    )


def _metric(name: str) -> ClipMetric:
    found = MetricChoice(name).build()
    assert isinstance(found, ClipMetric)
    return found


def _distance(value: float, clips: int) -> MetricSummary:
    return MetricSummary(
        dimension="distribution similarity", unit="", higher_is_better=False, scope="set",
        summary="", mean=value, ci_low=value - 1, ci_high=value + 1, n=clips, coverage=1.0,
        clusters=clips, protocols=["distance@1"],
    )  # fmt: skip
