"""Results as JUnit XML, which CI systems show as test by_file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from mirabench.checks.result import RequirementResult

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, in any escape; a file name may have one."""


def junit_xml(by_file: Mapping[Path, Sequence[RequirementResult]]) -> str:
    """One `testsuite` for each check file, one `testcase` for each check.

    Args:
        by_file: Check file -> its results.
    """
    root = ET.Element("testsuites", name="mirabench check")
    for path, results in by_file.items():
        verdicts = [result.verdict for result in results]
        suite = ET.SubElement(
            root, "testsuite", name=_clean(str(path)), tests=str(len(results)),
            failures=str(verdicts.count("failed")), errors=str(verdicts.count("error")), skipped="0",
        )  # fmt: skip
        for result in results:
            _add_case(suite, path, result)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ET.Element, path: Path, result: RequirementResult) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=_clean(path.name), name=_clean(str(result.requirement))
    )
    if result.finding is not None and result.finding.value is not None:
        properties = ET.SubElement(case, "properties")
        ET.SubElement(properties, "property", name="value", value=repr(result.finding.value))
    if not result.passed:
        kind = "failure" if result.verdict == "failed" else "error"
        problem = ET.SubElement(case, kind, message=_clean(result.problems[0]))
        problem.text = _clean(result.text())


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
