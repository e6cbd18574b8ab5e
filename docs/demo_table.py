"""The table of `make demo` in the README: `python docs/demo_table.py demo/report` writes it there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mirabench.report.model import MetricSummary, Report, load_report

README = Path(__file__).resolve().parent.parent / "README.md"
PLACE = re.compile(r"(?<=<!-- demo table begins -->\n).*?(?=<!-- demo table ends -->)", re.DOTALL)
SHOWN = (
    "warping_error",
    "flow_magnitude",
    "epipolar_agreement",
    "sharpness",
    "camera_motion_agreement",
)
"""One metric of each dimension that the demo can measure: it has no reference clips."""


def demo_table(report: Report) -> str:
    """Some rows of the printed table, in Markdown."""
    head = ("metric", "mean", "95 % interval", "n", "coverage", "unit", "note")
    rows = [row(name, report.summary[name]) for name in SHOWN]
    lines = (head, ("---",) * len(head), *rows)
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"\n{table}\n"


def row(name: str, summary: MetricSummary) -> tuple[str, ...]:
    """One metric."""
    low, high = summary.ci_low, summary.ci_high
    arrow = "↑" if summary.higher_is_better else "↓"
    return (
        f"`{name}` {arrow}",
        "none" if summary.mean is None else f"{summary.mean:.4g}",
        "needs 5 prompts" if low is None or high is None else f"{low:.4g} to {high:.4g}",
        str(summary.n),
        f"{summary.coverage:.0%}",
        summary.unit,
        f"{summary.degenerate} degenerate" if summary.degenerate else "",
    )


def shown() -> str:
    """The table that the README has."""
    found = PLACE.search(README.read_text(encoding="utf-8"))
    return found.group() if found else ""


def main() -> None:
    """Write the table of a report into the README."""
    table = demo_table(load_report(sys.argv[1]))
    text = PLACE.sub(lambda _: table, README.read_text(encoding="utf-8"))
    README.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
