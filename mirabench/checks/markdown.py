"""Results as GitHub-flavoured Markdown, for the summary of a CI job."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mirabench.checks.result import RequirementResult
from mirabench.report.table import number

_SIGNS = {"passed": "✅ passed", "failed": "❌ failed", "error": "⚠️ error"}
HEAD = ("check", "value", "95 % interval", "n", "status", "verdict")


def markdown(by_file: Mapping[Path, Sequence[RequirementResult]]) -> str:
    """A table for each check file, then what keeps a check from passing.

    Args:
        by_file: Check file -> its results.
    """
    parts = []
    for path, results in by_file.items():
        passed = sum(o.passed for o in results)
        parts.append(f"### {escaped(str(path))}: {passed} of {len(results)} checks passed\n")
        parts.append(_table([row(o) for o in results]))
        parts += [_details(o) for o in results if not o.passed]
    return "\n".join(parts) + "\n"


def row(result: RequirementResult) -> tuple[str, ...]:
    """The cells of one result, in words."""
    found = result.finding
    cells = ("", "", "", "") if found is None else (
        f"{number(found.value)} {found.unit}".strip(), found.interval, str(found.n), found.status,
    )  # fmt: skip
    return (str(result.requirement), *cells, _SIGNS[result.verdict])


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    lines = [HEAD, ("---",) * len(HEAD), *(tuple(map(escaped, r)) for r in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _details(result: RequirementResult) -> str:
    facts = [("", p) for p in result.problems[1:]] + result.facts()
    listed = [f"  - {escaped(f'{name}: {text}' if name else text)}" for name, text in facts]
    return "\n".join([f"- **{escaped(result.problems[0])}**", *listed]) + "\n"


def escaped(text: str) -> str:
    r"""Text that Markdown and HTML take literally: names of files and prompts are strangers' text.

    Example:
        >>> escaped("a|b <i> _c_")
        'a\\|b &lt;i&gt; \\_c\\_'
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", plain).replace("\n", " ")
