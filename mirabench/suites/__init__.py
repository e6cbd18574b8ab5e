"""Which metrics, with which parameters: versioned protocols as TOML files."""

from pathlib import Path

from mirabench.suites.api import MetricChoice, Suite, load_suite

LITE = Path(__file__).with_name("lite.toml")
MIRABENCH = Path(__file__).with_name("mirabench.toml")
OFFICIAL = Path(__file__).with_name("mirabench_official.toml")

__all__ = ["LITE", "MIRABENCH", "OFFICIAL", "MetricChoice", "Suite", "load_suite"]
