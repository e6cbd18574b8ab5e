"""What stood behind the numbers: versions and settings for the report, times and host for `run.json`."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from mirabench.features.cache import library_versions
from mirabench.report.interval import CONFIDENCE, METHOD, RESAMPLES, SEED


def provenance(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Deterministic facts that a reader needs to trust or repeat the numbers."""
    return {
        "mirabench": version("mirabench"),
        "libraries": library_versions(),
        "interval": {
            "method": METHOD,
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "seed": SEED,
        },
        **settings,
    }


def host_facts() -> dict[str, Any]:
    """Where a run took place; belongs to `run.json`, never to the report."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
    }
