"""A plan: the fewest features that a suite's metrics need, each once. Pure, and printable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mirabench.errors import PluginError
from mirabench.features.api import AnyExtractor, FeatureRef, code_of, weights_of
from mirabench.identity import digest_of
from mirabench.metrics.api import ClipMetric, Metric, MetricSpec, SetFormula, SetMetric
from mirabench.metrics.health import INTEGRITY, PULSE
from mirabench.suites.api import Suite, metric_identity
from mirabench.weights import WeightCard, card

STRIP = FeatureRef.of("film_strip")


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be computed for every clip, and then over all of them."""

    suite: Suite
    extractors: tuple[AnyExtractor, ...]
    """Each feature once, however many metrics share it."""
    clip_metrics: tuple[ClipMetric, ...]
    set_metrics: tuple[SetMetric, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    """Metrics that this run cannot compute at all, and why."""

    def for_reference(self) -> Plan:
        """What a reference clip needs: no picture, and no metric that asks for a prompt."""
        scored = tuple(m for m in self.clip_metrics if not m.spec.needs_prompt)
        metrics = (*scored, *self.set_metrics)
        refs = [PULSE, INTEGRITY, *(ref for m in metrics for ref in m.spec.needs.values())]
        extractors = {ref.resolve(): None for ref in dict.fromkeys(refs)}
        return replace(self, extractors=tuple(extractors), clip_metrics=scored)

    def weight_cards(self) -> list[WeightCard]:
        """The weights (and the code) that its features need, each once."""
        names = [name for e in self.extractors for name in (*weights_of(e), *code_of(e))]
        return [card(name) for name in dict.fromkeys(names)]

    def specs(self) -> list[MetricSpec]:
        """Of all metrics, in the suite's order."""
        planned = {m.spec.name: m.spec for m in (*self.clip_metrics, *self.set_metrics)}
        return [planned[c.name] for c in self.suite.metrics if c.name in planned]


def make_plan(
    suite: Suite, *, with_prompts: bool, with_reference: bool, pictures: bool, too_few: str = ""
) -> Plan:
    """Resolve a suite into features and metrics.

    Args:
        suite: What to measure.
        with_prompts: Whether any clip has a prompt; metrics that need one are skipped otherwise.
        with_reference: Whether there are reference clips; set metrics are skipped otherwise.
        pictures: Whether film strips are wanted for a page.
        too_few: Why the clips are too few for a distance between two sets, which is skipped then; empty if not.

    Raises:
        UnknownNameError: a metric or feature is not registered.
        PluginError: a plugin breaks its protocol.
    """
    skipped: list[tuple[str, str]] = []
    clip_metrics: list[ClipMetric] = []
    set_metrics: list[SetMetric] = []
    for metric in suite.built():
        if metric.spec.needs_prompt and not with_prompts:
            skipped.append(
                (
                    metric.spec.name,
                    "no clip has a prompt: give a manifest with captions or --prompts",
                )
            )
        elif metric.spec.scope == "set" and not with_reference:
            skipped.append(
                (metric.spec.name, "there are no reference clips: give them with --reference")
            )
        elif too_few and _is_distance(metric):
            skipped.append((metric.spec.name, too_few))
        else:
            _sort_in(metric, clip_metrics, set_metrics)
    refs = [PULSE, INTEGRITY, *([STRIP] if pictures else [])]
    for planned in (*clip_metrics, *set_metrics):
        refs += planned.spec.needs.values()
    extractors = {ref.resolve(): None for ref in dict.fromkeys(refs)}
    return Plan(suite, tuple(extractors), tuple(clip_metrics), tuple(set_metrics), tuple(skipped))


def _is_distance(metric: Metric) -> bool:
    """Whether a metric needs at least two clips on each side; one of a plugin says so itself."""
    return isinstance(getattr(metric, "metric", metric), SetFormula)


def _sort_in(metric: Metric, clip_metrics: list[ClipMetric], set_metrics: list[SetMetric]) -> None:
    if metric.spec.scope == "clip" and isinstance(metric, ClipMetric):
        clip_metrics.append(metric)
    elif metric.spec.scope == "set" and isinstance(metric, SetMetric):
        set_metrics.append(metric)
    else:
        needed = "compute" if metric.spec.scope == "clip" else "compare"
        raise PluginError(
            f"the metric {metric.spec.name!r} has scope {metric.spec.scope!r} but no {needed}()"
        )


def protocol_of(
    metric: Metric, decoders: Sequence[str], weights: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """A metric's protocol id and what it stands for.

    The id changes with everything that may change the number by design: metric and feature versions,
    parameters, weights, resizing, the road from file to RGB, the algorithm library's major version.
    Exact library versions are in the report's provenance.

    Args:
        metric: The metric.
        decoders: Roads from file to RGB of the clips behind the number.
        weights: Card name -> sha256 of the weights in use.
    """
    description = metric_identity(metric) | {
        "decoder": sorted(set(decoders)),
        "opencv": opencv_major(),
    }
    cards = sorted({c for ref in metric.spec.needs.values() for c in weights_of(ref.resolve())})
    if cards:
        description["weights"] = {name: weights[name] for name in cards}
    return f"{metric.spec.name}@{metric.spec.version}:{digest_of(description, 10)}", description


def opencv_major() -> str:
    """The major version of the algorithm library, whichever package brings it."""
    for name in ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless"):
        try:
            return version(name).split(".")[0]
        except PackageNotFoundError:
            continue
    return "unknown"
