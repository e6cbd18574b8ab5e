"""One word for one thing: the glossary's limits, and old phrases that no page, help or message uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("mirabench", "models", "leaderboard", "prompts")
PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "changes").glob("*.md")),
    *sorted((ROOT / "tests" / "golden").glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "prompts/README.md")),
]
MOST_TERMS = 40

INSTEAD = {
    r"\btwins?\b": "degraded copy",
    r"\bhonest\b": "clean",
    r"\bspoil\w*\b": "degrade, degraded",
    r"\bturned round\b": "negated",
    r"\bwhom maintainers\b": "contact for maintainers",
    r"\ba key twice\b": "duplicate key",
    r"\bkey\b.{0,20}\bstands (?:there )?twice\b": "duplicate key",
    r"\bnumbers? that counts?\b": "valid score",
    r"\bnetwork parameters\b": "weights",
    r"\b(?:missing|non-commercial|random|official|pretrained|float) parameters\b": "weights",
    r"\bgoes on where it\b|\bgo on where they\b": "resume",
    r"\ba run that was stopped\b": "resume an interrupted run",
    r"\beach n-th\b|\bevery nth\b": "every n-th",
    r"\b(?:less|more) is better\b": "lower is better, higher is better",
    r"\b(?:frames|px|diagonals|kilobits|clips) a second\b": "per second",
    r"\bone row a \w+\b": "one row per ...",
    r"\bat hand\b": "available",
    r"\bmeasured alike\b": "measured in the same way",
    r"\bcannot be run\b": "cannot run",
    r"\b(?:is|was) no (?:JSON|YAML|UTF-8|video|metric|report|dataclass)\b": "is not ...",
    r"\bwins over\b": "takes precedence over",
    r"\b(?:state-of-the-art|powerful|blazing|seamless|easy-to-use|cutting-edge)\b": "a fact",
}
"""Phrase -> what to write."""


def terms() -> list[str]:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    return re.findall(r"^\*\*(.+?)\*\* ", text, flags=re.MULTILINE)


class TestGlossary:
    def test_is_short(self) -> None:
        assert 20 <= len(terms()) <= MOST_TERMS

    def test_is_in_alphabetical_order_without_doubles(self) -> None:
        assert terms() == sorted(set(terms()), key=str.lower)

    def test_every_paragraph_defines_a_term(self) -> None:
        body = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").split("\n\n")[1:]
        assert len(body) == len(terms())


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Paragraphs of a page, in one line each, with the line where they begin; no code."""
    text = page.read_text(encoding="utf-8")
    blank = re.sub(
        r"^```.*?^```|<!--.*?-->|`[^`\n]*`",
        lambda found: "\n" * found.group().count("\n"),
        text,
        flags=re.DOTALL | re.MULTILINE,
    )
    line = 1
    for paragraph in blank.split("\n\n"):
        yield line, " ".join(paragraph.split())
        line += paragraph.count("\n") + 2


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Docstrings, help texts and messages of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, " ".join(node.value.split())


def found(places: Iterator[tuple[int, str]]) -> list[str]:
    return [
        f"line {line}: {match.group()!r}, write: {instead}"
        for line, text in places
        for pattern, instead in INSTEAD.items()
        for match in re.finditer(pattern, text, flags=re.IGNORECASE)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_keep_to_the_words(page: Path) -> None:
    assert found(prose(page)) == []


@pytest.mark.parametrize("package", SOURCES)
def test_docstrings_help_and_messages_keep_to_the_words(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    wrong = {p.relative_to(ROOT).as_posix(): found(strings(p)) for p in modules}
    assert {name: lines for name, lines in wrong.items() if lines} == {}


def test_old_words_are_found() -> None:
    assert found(iter([(3, "A run that was stopped goes on where it was.")])) == [
        "line 3: 'goes on where it', write: resume",
        "line 3: 'A run that was stopped', write: resume an interrupted run",
    ]
    assert found(iter([(1, "The report has no valid score; the twinned axis is fine.")])) == []
