"""Two or more runs, clip by clip, with the uncertainty of every difference."""

from mirabench.compare.build import compare
from mirabench.compare.model import Comparison, Contrast, Difference, Overall
from mirabench.compare.runs import Run, read_runs
from mirabench.compare.statistics import PairedDifference, holm, paired_difference

__all__ = [
    "Comparison",
    "Contrast",
    "Difference",
    "Overall",
    "PairedDifference",
    "Run",
    "compare",
    "holm",
    "paired_difference",
    "read_runs",
]
