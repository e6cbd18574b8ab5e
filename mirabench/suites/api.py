"""A suite: metrics and their parameters under a name, a version and a digest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mirabench import registry, toml
from mirabench.errors import PluginError, SuiteError, UnknownNameError
from mirabench.features.api import FeatureRef, Parameter, build, feature_identity
from mirabench.identity import canonical, digest_of, parameters_of
from mirabench.metrics.api import (
    ClipFormula,
    ClipInputs,
    Measured,
    Metric,
    MetricSpec,
    SetFormula,
    SetMeasured,
    code_of,
)

PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """One metric of a suite."""

    name: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def build(self) -> Metric:
        """The metric with these parameters.

        Raises:
            UnknownNameError: no metric of that name is registered.
            InputError: a parameter is not one of the metric's.
            PluginError: the registered object is not a metric.
        """
        metric = build(registry.METRICS, self.name, self.parameters)
        if not isinstance(metric, Metric):
            raise PluginError(f"the metric {self.name!r} has no `spec`: {metric!r}")
        return metric


@dataclass(frozen=True, slots=True)
class Suite:
    """A versioned protocol: what is measured, and how."""

    name: str
    version: int
    metrics: tuple[MetricChoice, ...]
    description: str = ""
    precision: str = "fp32"
    """Arithmetic of networks, for every feature whose drift allows it."""
    seed: int | None = None
    """Of every feature that draws at random; None leaves each at its own."""

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise SuiteError(
                f"unknown precision {self.precision!r}: known are {', '.join(PRECISIONS)}"
            )

    def built(self) -> list[Metric]:
        """Its metrics, in order.

        Raises:
            UnknownNameError: no metric of a name is registered.
            InputError: a parameter is not one of the metric's.
            PluginError: a registered object is not a metric.
        """
        built = [at_precision(choice.build(), self.precision) for choice in self.metrics]
        return built if self.seed is None else [at_seed(metric, self.seed) for metric in built]

    def at_precision(self, precision: str) -> Suite:
        """The same suite with another arithmetic of networks: fp32 or bf16.

        Raises:
            SuiteError: no such precision.
        """
        return replace(self, precision=precision)

    def at_seed(self, seed: int) -> Suite:
        """The same suite with another seed of what its features draw at random."""
        return replace(self, seed=seed)

    def only(self, names: Iterable[str]) -> Suite:
        """The suite with just these metrics; others that are registered may be named too.

        Raises:
            UnknownNameError: a name is neither in the suite nor registered.
        """
        chosen = {choice.name: choice for choice in self.metrics}
        known = set(registry.names(registry.METRICS)) | chosen.keys()
        wanted = list(dict.fromkeys(names))
        for name in wanted:
            if name not in known:
                raise UnknownNameError("metric", name, known)
        return replace(self, metrics=tuple(chosen.get(n, MetricChoice(n)) for n in wanted))

    def digest(self) -> str:
        """16 hex digits over everything that can change a number of this suite."""
        return digest_of(
            {
                "name": self.name,
                "version": self.version,
                "metrics": [metric_identity(metric) for metric in self.built()],
            },
            length=16,
        )


@dataclass(frozen=True, slots=True)
class _Altered:
    """A metric on features of another arithmetic or with another seed."""

    metric: Any
    spec: MetricSpec

    def compute(self, clip: ClipInputs) -> Measured:
        """As the metric does."""
        found: Measured = self.metric.compute(clip)
        return found

    def compare(
        self, generated: Sequence[ClipInputs], reference: Sequence[ClipInputs]
    ) -> SetMeasured:
        """As the metric does."""
        found: SetMeasured = self.metric.compare(generated, reference)
        return found


def at_precision(metric: Metric, precision: str) -> Metric:
    """The metric on features computed in another arithmetic, where they take it.

    A feature takes what its class lists in `precisions`: those whose drift from fp32 was measured to be
    under 0.1 % of the metric's range (docs/precision.md). The others stay as they are.
    """
    return _on(metric, lambda ref: _at_precision(ref, precision))


def at_seed(metric: Metric, seed: int) -> Metric:
    """The metric on features that draw at random with another seed; the others stay as they are."""
    return _on(metric, lambda ref: _at_seed(ref, seed))


def _on(metric: Metric, other: Callable[[FeatureRef], FeatureRef]) -> Metric:
    needs = {key: other(ref) for key, ref in metric.spec.needs.items()}
    if needs == dict(metric.spec.needs):
        return metric
    return _Altered(metric, replace(metric.spec, needs=needs))


def _at_precision(ref: FeatureRef, precision: str) -> FeatureRef:
    feature = ref.resolve()
    takes = precision in getattr(feature, "precisions", ())
    if not takes or getattr(feature, "precision", precision) == precision:
        return ref
    return FeatureRef.of(ref.name, **{**dict(ref.parameters), "precision": precision})


def _at_seed(ref: FeatureRef, seed: int) -> FeatureRef:
    if getattr(ref.resolve(), "seed", seed) == seed:
        return ref
    return FeatureRef.of(ref.name, **{**dict(ref.parameters), "seed": seed})


def unwrapped(metric: Metric) -> Metric:
    """The metric itself, where it stands on other features than its own."""
    while isinstance(metric, _Altered):
        metric = metric.metric
    return metric


def metric_identity(metric: Metric) -> dict[str, Any]:
    """Everything about a metric that may change a number, as plain JSON values.

    Raises:
        PluginError: a parameter has no form that an id could hold.
    """
    measured = unwrapped(metric)
    what = f"the metric {metric.spec.name!r}"
    return {
        "metric": metric.spec.name,
        "version": metric.spec.version,
        "parameters": _parameters(measured, what),
        "features": {k: feature_identity(r.resolve()) for k, r in metric.spec.needs.items()},
    }


def _parameters(metric: Metric, what: str) -> dict[str, Any]:
    if not isinstance(metric, ClipFormula | SetFormula):
        return parameters_of(metric, what, leave_out={"spec"})
    # our own rows were classes without parameters when their ids were published: their version tells
    if code_of(metric).__module__.startswith("mirabench.") or isinstance(metric, SetFormula):
        return {}
    arguments = canonical(metric.arguments, f"`arguments` of {what}")
    return {"arguments": arguments} if arguments else {}


def load_suite(name: str | Path | Suite) -> Suite:
    """A suite by registered name or from a TOML file.

    Raises:
        UnknownNameError: no such suite, with the nearest names.
        SuiteError: the file is not a valid suite.
    """
    if isinstance(name, Suite):
        return name
    path = Path(name)
    if path.suffix != ".toml":
        source = registry.load(registry.SUITES, str(name))
        if isinstance(source, Suite):
            return source
        path = Path(source)
    return _read(path)


def _read(path: Path) -> Suite:
    try:
        raw = toml.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SuiteError(f"cannot read the suite {path}: {error.strerror or error}") from error
    except toml.TOMLDecodeError as error:
        raise SuiteError(f"the suite {path} is not valid TOML: {error}") from error
    unknown = sorted(raw.keys() - {"name", "version", "description", "metrics", "precision"})
    missing = sorted({"name", "version", "metrics"} - raw.keys())
    if unknown or missing:
        wrong = f"an unknown key {unknown[0]!r}" if unknown else f"no key {missing[0]!r}"
        raise SuiteError(f"the suite {path} has {wrong}")
    return Suite(
        name=str(raw["name"]),
        version=int(raw["version"]),
        metrics=tuple(_choice(path, entry) for entry in raw["metrics"]),
        description=str(raw.get("description", "")),
        precision=str(raw.get("precision", "fp32")),
    )


def _choice(path: Path, entry: object) -> MetricChoice:
    if (
        not isinstance(entry, dict)
        or not entry.keys() <= {"name", "parameters"}
        or "name" not in entry
    ):
        raise SuiteError(
            f"the suite {path} has a metric that is not {{name, parameters}}: {entry!r}"
        )
    return MetricChoice(str(entry["name"]), dict(entry.get("parameters", {})))
