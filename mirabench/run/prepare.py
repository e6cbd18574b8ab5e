"""What a run will score: clips found, prompts paired, the suite planned; computes nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mirabench.errors import InputError
from mirabench.inputs.prompts import Prompt, read_prompts
from mirabench.inputs.samples import Sample, collect, pairing_of, with_prompts
from mirabench.metrics.health import INTEGRITY, PULSE
from mirabench.run.plan import STRIP, Plan, make_plan
from mirabench.run.reference import ReferenceStatistics, is_statistics, load_statistics
from mirabench.suites.api import Suite, load_suite
from mirabench.video.frames import UInt8Array, Video

log = logging.getLogger(__name__)

Inputs = str | Path | UInt8Array | Video


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Everything that decides the numbers of a run."""

    suite: Suite
    plan: Plan
    generated: list[Sample]
    reference: list[Sample]
    fps: float | None = None
    statistics: ReferenceStatistics | None = None
    """The reference, where it is a file of what its clips gave; then `reference` is empty."""


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
        InputError: no clips, an unknown suite or metric, or reference statistics of other protocols.
        ManifestError: a manifest or prompt table that contradicts itself.
    """
    chosen = load_suite(suite)
    if precision is not None:
        chosen = chosen.at_precision(precision)
    if metrics is not None:
        chosen = chosen.only(metrics)
    generated = collect(as_list(inputs))
    if prompts is not None:
        table = prompts if isinstance(prompts, Mapping) else read_prompts(Path(prompts))
        pairing = pairing_of(generated, table)
        log.log(logging.INFO if pairing.complete else logging.WARNING, "%s", pairing.summary())
        generated = with_prompts(generated, table)
    statistics, others = _reference(reference)
    plan = make_plan(
        chosen,
        with_prompts=any(s.prompt for s in generated),
        with_reference=bool(others) or statistics is not None,
        pictures=pictures,
        too_few=_too_few(generated, others),
    )
    if statistics is not None:
        plan = _with_statistics(plan, statistics)
    if not plan.clip_metrics and not plan.set_metrics:
        raise InputError(
            f"nothing can be measured: {'; '.join(f'{n}: {w}' for n, w in plan.skipped)}"
        )
    return Job(chosen, plan, generated, others, fps, statistics)


def _too_few(generated: Sequence[Sample], others: Sequence[Sample]) -> str:
    """Why there is no distance between the sets; empty where none consists of one clip."""
    sides = {"generated": len(generated), "reference": len(others)}
    few = [side for side, count in sides.items() if count == 1]
    return f"needs at least two clips on each side: there is one {few[0]} clip" if few else ""


def _reference(
    reference: Inputs | Iterable[Inputs] | None,
) -> tuple[ReferenceStatistics | None, list[Sample]]:
    """Statistics from a file, or reference clips, or neither."""
    if reference is None:
        return None, []
    named = as_list(reference)
    of_files = [one for one in named if is_statistics(one)]
    if not of_files:
        return None, collect(named, role="reference")
    if len(named) > 1:
        raise InputError(
            f"{of_files[0]} is a whole reference: give it alone, or all reference clips"
        )
    return load_statistics(str(of_files[0])), []


def _with_statistics(plan: Plan, statistics: ReferenceStatistics) -> Plan:
    """The plan with the distances that the statistics allow."""
    statistics.require_same((*plan.clip_metrics, *plan.set_metrics))
    reasons = {m.spec.name: statistics.why_not(m) for m in plan.set_metrics}
    kept = tuple(m for m in plan.set_metrics if not reasons[m.spec.name])
    left_out = tuple((name, why) for name, why in reasons.items() if why)
    needs = [r for m in (*plan.clip_metrics, *kept) for r in m.spec.needs.values()]
    left = {r.resolve() for m in plan.set_metrics for r in m.spec.needs.values()}
    left -= {r.resolve() for r in (PULSE, INTEGRITY, STRIP, *needs)}
    extractors = tuple(e for e in plan.extractors if e not in left)
    return replace(
        plan, extractors=extractors, set_metrics=kept, skipped=(*plan.skipped, *left_out)
    )


def as_list(inputs: Inputs | Iterable[Inputs]) -> list[Inputs]:
    """One input or several, as several."""
    single = isinstance(inputs, str | Path) or hasattr(inputs, "dtype") or hasattr(inputs, "info")
    return [inputs] if single else list(inputs)  # type: ignore[list-item, arg-type]  # distinguished above
