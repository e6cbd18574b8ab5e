"""Outcomes as JUnit XML, which CI systems show as test results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from mirabench.checks.outcome import Outcome

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, in any escape; a file name may have one."""


def junit_xml(results: Mapping[Path, Sequence[Outcome]]) -> str:
    """One `testsuite` for each check file, one `testcase` for each check.

    Args:
        results: Check file -> its outcomes.
    """
    root = ET.Element("testsuites", name="mirabench check")
    for path, outcomes in results.items():
        verdicts = [outcome.verdict for outcome in outcomes]
        suite = ET.SubElement(
            root, "testsuite", name=_clean(str(path)), tests=str(len(outcomes)),
            failures=str(verdicts.count("failed")), errors=str(verdicts.count("error")), skipped="0",
        )  # fmt: skip
        for outcome in outcomes:
            _add_case(suite, path, outcome)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ET.Element, path: Path, outcome: Outcome) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=_clean(path.name), name=_clean(str(outcome.requirement))
    )
    if outcome.finding is not None and outcome.finding.value is not None:
        properties = ET.SubElement(case, "properties")
        ET.SubElement(properties, "property", name="value", value=repr(outcome.finding.value))
    if not outcome.passed:
        kind = "failure" if outcome.verdict == "failed" else "error"
        problem = ET.SubElement(case, kind, message=_clean(outcome.problems[0]))
        problem.text = _clean(outcome.text())


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
