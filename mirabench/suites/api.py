"""A suite: metrics and their parameters under a name, a version and a digest."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mirabench import registry
from mirabench.errors import PluginError, SuiteError, UnknownNameError
from mirabench.features.api import Parameter, build, digest_of, feature_identity
from mirabench.metrics.api import Metric

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


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
            PluginError: the registered object is no metric.
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
                "metrics": [metric_identity(choice.build()) for choice in self.metrics],
            },
            length=16,
        )


def metric_identity(metric: Metric) -> dict[str, Any]:
    """Everything about a metric that may change a number, as plain JSON values."""
    parameters = {
        key: value
        for key in getattr(metric, "__dataclass_fields__", {})
        if isinstance(value := getattr(metric, key), int | float | str | bool | type(None))
    }
    return {
        "metric": metric.spec.name,
        "version": metric.spec.version,
        "parameters": parameters,
        "features": {k: feature_identity(r.resolve()) for k, r in metric.spec.needs.items()},
    }


def load_suite(name: str | Path | Suite) -> Suite:
    """A suite by registered name or from a TOML file.

    Raises:
        UnknownNameError: no such suite, with the nearest names.
        SuiteError: the file is no valid suite.
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
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SuiteError(f"cannot read the suite {path}: {error.strerror or error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"the suite {path} is not valid TOML: {error}") from error
    unknown = sorted(raw.keys() - {"name", "version", "description", "metrics"})
    missing = sorted({"name", "version", "metrics"} - raw.keys())
    if unknown or missing:
        wrong = f"an unknown key {unknown[0]!r}" if unknown else f"no key {missing[0]!r}"
        raise SuiteError(f"the suite {path} has {wrong}")
    return Suite(
        name=str(raw["name"]),
        version=int(raw["version"]),
        metrics=tuple(_choice(path, entry) for entry in raw["metrics"]),
        description=str(raw.get("description", "")),
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
