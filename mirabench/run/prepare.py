"""What a run will score: clips found, prompts paired, the suite planned; computes nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mirabench.errors import InputError
from mirabench.inputs.prompts import Prompt, read_prompts
from mirabench.inputs.samples import Sample, collect, pairing_of, with_prompts
from mirabench.run.plan import Plan, make_plan
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
    return [inputs] if single else list(inputs)  # type: ignore[list-item, arg-type]  # distinguished above
