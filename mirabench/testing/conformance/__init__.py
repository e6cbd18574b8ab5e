"""The conformance kit: what every metric must hold, ours or a stranger's.

    from mirabench.testing import assert_conforms

    def test_jerk_conforms() -> None:
        assert_conforms(Jerk())

A check passes, fails, or is skipped with its reason: a number cannot be checked where weights are
absent, nor behaviour that the spec does not declare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext

from mirabench.errors import MirabenchError, reason_for
from mirabench.metrics.api import Metric
from mirabench.testing.conformance import declared, measured
from mirabench.testing.conformance.bench import Bench, Film, Measurement
from mirabench.testing.conformance.find import find_metrics
from mirabench.testing.conformance.result import CheckResult, Found, failed, skipped

__all__ = [
    "CHECKS",
    "Bench",
    "CheckResult",
    "Film",
    "Measurement",
    "assert_conforms",
    "check_metric",
    "find_metrics",
]

Check = Callable[[Metric, Bench], Found]

DECLARED: Mapping[str, Check] = {
    "spec": declared.check_spec,
    "features": declared.check_features,
    "parameters": declared.check_parameters,
    "picklable": declared.check_picklable,
    "light": declared.check_light,
    "licence": declared.check_licence,
    "docs": declared.check_docs,
}
"""Checks that need no number, and so no weights."""

MEASURED: Mapping[str, Check] = {
    "number": measured.check_number,
    "determinism": measured.check_determinism,
    "chunks": measured.check_chunks,
    "workers": measured.check_workers,
    "resolution": measured.check_resolution,
    "frame rate": measured.check_frame_rate,
    "degenerate": measured.check_degenerate,
    "merit": measured.check_merit,
    "range": measured.check_range,
    "direction": measured.check_direction,
    "prompt": measured.check_prompt,
    "curve": measured.check_curve,
    "inputs": measured.check_inputs,
    "network": measured.check_network,
    "memory": measured.check_memory,
}
"""Checks that run the metric on rendered clips."""

CHECKS: Mapping[str, Check] = {**DECLARED, **MEASURED}


def check_metric(metric: Metric, bench: Bench | None = None) -> list[CheckResult]:
    """Every check of `CHECKS` on a metric, in their order; takes some seconds. Never raises.

    Args:
        metric: An instance, with the parameters it is to be checked with.
        bench: Clips and features to share among several metrics; its own without.
    """
    with Bench() if bench is None else nullcontext(bench) as shared:
        return [
            CheckResult(_name(metric), name, found.verdict, found.text)
            for name, found in _all(metric, shared)
        ]


def assert_conforms(metric: Metric, bench: Bench | None = None) -> None:
    """Fail, naming each check that the metric does not pass; for a test of one's own package.

    Raises:
        AssertionError: at least one check fails.
    """
    bad = [r for r in check_metric(metric, bench) if r.verdict == "fail"]
    if bad:
        lines = "\n".join(f"  {r.check}: {r.text}" for r in bad)
        raise AssertionError(f"{_name(metric)} fails {len(bad)} checks:\n{lines}")


def _all(metric: Metric, bench: Bench) -> list[tuple[str, Found]]:
    found = {name: _safely(check, metric, bench) for name, check in DECLARED.items()}
    why = _why_not(metric, found)
    for name, check in MEASURED.items():
        found[name] = skipped(why) if why else _safely(check, metric, bench)
        if name == "number" and found[name].verdict == "skipped":
            why = found[name].text
    return list(found.items())


def _why_not(metric: Metric, found: Mapping[str, Found]) -> str:
    """Why nothing can be measured; empty when it can."""
    for name in ("spec", "features"):
        if found[name].verdict == "fail":
            return f"the check {name!r} fails, so nothing is measured"
    return declared.unavailable(metric)


def _safely(check: Check, metric: Metric, bench: Bench) -> Found:
    try:
        return check(metric, bench)
    except MirabenchError as error:
        return failed(str(error))
    except Exception as error:  # a stranger's code, at a place where nothing may be raised
        return failed(reason_for(error))


def _name(metric: Metric) -> str:
    spec = getattr(metric, "spec", None)
    return getattr(spec, "name", "") or type(metric).__name__
