"""Metrics as checks: what a clip or a folder must reach, asserted in tests or listed in check files."""

from mirabench.checks.asserting import assert_metric

__all__ = ["assert_metric"]
