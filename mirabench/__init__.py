"""Scores for generated video that say how far to trust them.

report = mirabench.evaluate("clips/", suite="lite", output="report/")
score = mirabench.score("clip.mp4", "flow_magnitude")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mirabench.report.model import Report, load_report
    from mirabench.run.evaluate import evaluate, score
    from mirabench.suites.api import load_suite

__version__ = "0.1.0"
__all__ = ["Report", "__version__", "evaluate", "load_report", "load_suite", "score"]

_HOMES = {
    "Report": "mirabench.report.model",
    "evaluate": "mirabench.run.evaluate",
    "load_report": "mirabench.report.model",
    "load_suite": "mirabench.suites.api",
    "score": "mirabench.run.evaluate",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import mirabench` itself loads nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mirabench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
