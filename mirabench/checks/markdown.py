"""Outcomes as GitHub-flavoured Markdown, for the summary of a CI job."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mirabench.checks.outcome import Outcome
from mirabench.report.table import number

_SIGNS = {"passed": "✅ passed", "failed": "❌ failed", "error": "⚠️ error"}
HEAD = ("check", "value", "95 % interval", "n", "status", "verdict")


def markdown(results: Mapping[Path, Sequence[Outcome]]) -> str:
    """A table for each check file, then what keeps a check from passing.

    Args:
        results: Check file -> its outcomes.
    """
    parts = []
    for path, outcomes in results.items():
        passed = sum(o.passed for o in outcomes)
        parts.append(f"### {escaped(str(path))}: {passed} of {len(outcomes)} checks passed\n")
        parts.append(_table([row(o) for o in outcomes]))
        parts += [_details(o) for o in outcomes if not o.passed]
    return "\n".join(parts) + "\n"


def row(outcome: Outcome) -> tuple[str, ...]:
    """The cells of one outcome, in words."""
    found = outcome.finding
    cells = ("", "", "", "") if found is None else (
        f"{number(found.value)} {found.unit}".strip(), found.interval, str(found.n), found.status,
    )  # fmt: skip
    return (str(outcome.requirement), *cells, _SIGNS[outcome.verdict])


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    lines = [HEAD, ("---",) * len(HEAD), *(tuple(map(escaped, r)) for r in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _details(outcome: Outcome) -> str:
    facts = [("", p) for p in outcome.problems[1:]] + outcome.facts()
    listed = [f"  - {escaped(f'{name}: {text}' if name else text)}" for name, text in facts]
    return "\n".join([f"- **{escaped(outcome.problems[0])}**", *listed]) + "\n"


def escaped(text: str) -> str:
    r"""Text that Markdown and HTML take literally: names of files and prompts are strangers' text.

    Example:
        >>> escaped("a|b <i> _c_")
        'a\\|b &lt;i&gt; \\_c\\_'
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", plain).replace("\n", " ")
