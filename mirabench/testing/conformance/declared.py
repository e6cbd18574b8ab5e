"""Checks that need no numbers: what a metric says of itself, and how it is shipped."""

from __future__ import annotations

import dataclasses
import pickle
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, entry_points
from pathlib import Path
from typing import Any

from mirabench import registry
from mirabench.errors import MirabenchError, PluginError
from mirabench.features.api import weights_of
from mirabench.identity import parameters_of
from mirabench.metrics.api import (
    ClipFormula,
    ClipMetric,
    Metric,
    MetricSpec,
    SetFormula,
    SetMetric,
    code_of,
)
from mirabench.metrics.health import FLAGS
from mirabench.testing import degrade
from mirabench.testing.conformance.bench import Bench, require_here
from mirabench.testing.conformance.isolated_process import IsolatedProcess, IsolatedProcessError
from mirabench.testing.conformance.result import Found, failed, passed, skipped
from mirabench.weights import card

HEAVY = ("torch", "tensorflow", "jax")
"""What an import of a metric must not load."""


def check_spec(metric: Metric, bench: Bench) -> Found:
    """The spec is complete: name, version, summary, source, range, flags, degradation, scope."""
    del bench
    wrong = "; ".join(_wrong_in(metric.spec, metric))
    if wrong:
        return failed(f"{wrong}: complete the MetricSpec")
    return passed("name, version, summary, unit, range, source and scope are all there")


def _wrong_in(spec: MetricSpec, metric: Metric) -> Iterator[str]:
    low, high = spec.range
    unknown = sorted(set(spec.degenerate_when) - FLAGS.keys())
    by = spec.worsened_by[0] if spec.worsened_by else None
    problems = {
        f"the name {spec.name!r} is not a lower-case identifier": not re.fullmatch(
            r"[a-z][a-z0-9_]*", spec.name
        ),
        f"the version {spec.version!r} is not a whole number from 1": not (
            isinstance(spec.version, int) and spec.version >= 1
        ),
        "the summary is empty or longer than one line": not spec.summary.strip()
        or "\n" in spec.summary,
        "the source is empty": not spec.source.strip(),
        f"the range {spec.range} is not (low, high)": not low < high,
        f"{', '.join(unknown)} in degenerate_when is not a health flag": bool(unknown),
        f"worsened_by names {by!r}, which mirabench.testing.degrade lacks": by is not None
        and not callable(getattr(degrade, by, None)),
        f"scope {spec.scope!r} goes with {'compute' if spec.scope == 'clip' else 'compare'}()": (
            not isinstance(metric, ClipMetric if spec.scope == "clip" else SetMetric)
        ),
    }
    return (text for text, holds in problems.items() if holds)


def check_features(metric: Metric, bench: Bench) -> Found:
    """Every feature that the metric needs is registered, and takes the parameters asked for."""
    del bench
    if not metric.spec.needs:
        return failed("`needs` is empty: a metric without features can measure nothing")
    names = [ref.resolve().name for ref in metric.spec.needs.values()]
    return passed(f"{', '.join(dict.fromkeys(names))} resolve")


def check_parameters(metric: Metric, bench: Bench) -> Found:
    """The metric is a frozen dataclass of plain values, so that protocol ids hold its parameters."""
    del bench
    if isinstance(metric, ClipFormula | SetFormula):
        return passed("a formula without parameters")
    kind: Any = type(metric)
    settings = getattr(kind, "__dataclass_params__", None)
    if settings is None:
        return failed("the class is not a dataclass: protocol ids could not tell its parameters")
    if not settings.frozen:
        return failed("the dataclass is not frozen: write @dataclass(frozen=True)")
    try:
        parameters_of(metric, f"the metric {metric.spec.name!r}")
    except PluginError as error:
        return failed(str(error))
    fields = ", ".join(f.name for f in dataclasses.fields(kind))
    return passed(f"a frozen dataclass with {fields or 'no parameters'}")


def check_picklable(metric: Metric, bench: Bench) -> Found:
    """The metric survives a pickle: worker processes get it as one."""
    del bench
    try:
        again = pickle.loads(pickle.dumps(metric))
    except Exception as error:  # pickling runs a stranger's code
        return failed(f"it cannot be pickled ({error}): define the class at a module's top level")
    if hasattr(metric, "__dataclass_fields__") and again != metric:
        return failed("its pickle comes back as another metric: parameters are lost on the way")
    return passed("its pickle comes back equal")


def check_light(metric: Metric, bench: Bench) -> Found:
    """Importing the metric and its features loads no torch: only running a network may."""
    code = code_of(metric)
    if code.__module__ == "__main__" or "<locals>" in code.__qualname__:
        return skipped(f"{code.__qualname__} is not in a module that another process can import")
    try:
        heavy = _heavy_imports(bench.isolated, metric)
    except IsolatedProcessError as error:
        return failed(f"a fresh process cannot import and build it: {error}")
    if heavy:
        return failed(f"importing it loads {', '.join(heavy)}: import that inside open()")
    return passed("a fresh process lists it without torch")


def _heavy_imports(process: IsolatedProcess, metric: Metric) -> list[str]:
    if process.call(_loaded):  # an earlier metric ran a network there
        process.close()
    process.call(_resolve_features, metric)  # the pickle imports what the metric is made of
    return process.call(_loaded)


def _resolve_features(metric: Metric) -> None:
    for ref in metric.spec.needs.values():
        ref.resolve()


def _loaded() -> list[str]:
    return [heavy for heavy in HEAVY if heavy in sys.modules]


def check_licence(metric: Metric, bench: Bench) -> Found:
    """Weights have cards with licences, `non_commercial` follows them, a package names its own."""
    del bench
    names = [n for ref in metric.spec.needs.values() for n in weights_of(ref.resolve())]
    forbidding = [name for name in names if card(name).non_commercial]
    if forbidding and not metric.spec.non_commercial:
        return failed(f"the weights {forbidding[0]} are non-commercial: set non_commercial=True")
    unlicensed = [name for name in names if not card(name).licence]
    if unlicensed:
        return failed(f"the weight card {unlicensed[0]} names no licence")
    weights = f"{len(names)} weight cards have licences" if names else "no weights"
    package = _distribution(metric)
    if package is None:
        return passed(
            f"{weights}; the metric is in no installed package whose licence could be read"
        )
    if not _licence_of(package):
        return failed(
            f"the package {package.name} declares no licence: add `license` to its pyproject.toml"
        )
    return passed(f"{weights}; the package {package.name} is {_licence_of(package)}")


def _licence_of(package: Distribution) -> str:
    facts = package.metadata
    classifiers = [c for c in facts.get_all("Classifier") or [] if c.startswith("License ::")]
    stated = [x for name in ("License-Expression", "License") for x in facts.get_all(name) or []]
    found = next((text for text in [*stated, *classifiers] if text), "")
    return " ".join(found.split())[:60]


def _distribution(metric: Metric) -> Distribution | None:
    """The installed package that registers the metric."""
    for point in entry_points(group=registry.METRICS):
        module, _, name = point.value.partition(":")
        registered = name == type(metric).__qualname__ or point.name == metric.spec.name
        if module == code_of(metric).__module__ and registered:
            return point.dist
    return None


def check_docs(metric: Metric, bench: Bench) -> Found:
    """Somebody wrote down what it measures: a page of ours, or a README that names it."""
    del bench
    name = metric.spec.name
    package = _distribution(metric)
    if code_of(metric).__module__.startswith("mirabench."):
        return _page_of_ours(name)
    text = (package.read_text("METADATA") or "").partition("\n\n")[2] if package else ""
    if _named(name, text):
        return passed(f"its package description names {name}")
    for page in _pages_near(metric):
        if _named(name, _read(page)):
            return passed(f"{page.name} names {name}")
    return failed(
        f"no README or docs page names `{name}`: write what it measures, its formula, its range "
        "and when not to trust it"
    )


def _page_of_ours(name: str) -> Found:
    pages = Path(__file__).resolve().parents[3] / "docs" / "metrics"
    if not pages.is_dir():
        return skipped("the pages of our own metrics are in the repository, and this is an install")
    if any(f"<!-- facts {name}:begin -->" in _read(page) for page in pages.glob("*.md")):
        return passed("docs/metrics has its page")
    return failed(f"no page in docs/metrics holds its facts: write docs/metrics/{name}.md")


def _pages_near(metric: Metric) -> list[Path]:
    """READMEs and docs of the project in whose folder the module lies, if it lies in one."""
    file = getattr(sys.modules.get(code_of(metric).__module__), "__file__", None)
    folders = Path(file).resolve().parents[:4] if file else []
    root = next((f for f in folders if (f / "pyproject.toml").is_file()), None)
    if root is None:
        return []
    return [*root.glob("README*"), *(root / "docs").rglob("*.md")]


def _named(name: str, text: str) -> bool:
    """Whether a text speaks of it: as code, or in a heading; a name may be an everyday word too."""
    return re.search(rf"`{name}`|^#+ .*\b{name}\b", text, re.MULTILINE) is not None


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def unavailable(metric: Metric) -> str:
    """What this machine lacks for a number of the metric: weights or an extra; empty for nothing."""
    try:
        for ref in metric.spec.needs.values():
            require_here(ref.resolve())
    except MirabenchError as error:
        return str(error)
    return ""
