"""No page of the docs holds a placeholder, or a table that claims figures and leaves them out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for place in ("docs/**/*.md", "changes/*.md", "prompts/*.md", "*.md", ".github/**/*.md")
    for path in ROOT.glob(place)
)
PLACEHOLDERS = re.compile(
    r"^[\s*_>.-]*[A-Z][A-Z_ ]{3,}[\s*_.:-]*$"  # a line that is one word in capitals: MEMORY, RESULTS HERE
    r"|\b(?:TODO|TBD|TBA|XXX|FIXME|WIP)\b|\?\?\?|<[A-Z][A-Z _]+>|\{\{[^}]*\}\}"
    r"|\blorem ipsum\b|\b(?:is|are|remains?) (?:still )?to be (?:measured|determined|added|filled in|written)\b"
    r"|\b(?:placeholder|coming soon|not yet measured|fill (?:this )?in)\b",
    re.MULTILINE,
)
FIGURE = re.compile(r"\d")


def prose(text: str) -> str:
    """The page without code, whose capitals are options and variables."""
    text = re.sub(r"^( *)(```|~~~).*?^\1\2", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`\n]*`", "`code`", text)
    return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)


def placeholders(text: str) -> list[str]:
    return [found.group().strip() for found in PLACEHOLDERS.finditer(prose(text))]


def tables(text: str) -> list[list[list[str]]]:
    """Each table's rows of cells, headings first."""
    found: list[list[list[str]]] = []
    inside = False
    for line in prose(text).splitlines():
        if line.lstrip().startswith("|"):
            if not inside:
                found.append([])
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            found[-1].append([cell.strip() for cell in cells])
        inside = line.lstrip().startswith("|")
    return found


def columns_without_figures(text: str) -> list[str]:
    """Headings of columns of figures in which every figure, or the last rows, are missing or dashes."""
    wrong = []
    for heading, *rows in tables(text):
        body = [row for row in rows if not all(set(cell) <= set("-: ") and cell for cell in row)]
        for at, title in enumerate(heading):
            cells = [row[at] if at < len(row) else "" for row in body]
            if claims_figures(title) and cells and not any(map(FIGURE.search, cells)):
                wrong.append(title)
        wrong += [" | ".join(row) for row in body if len(row) > 1 and not any(row[1:])]
    return wrong


def claims_figures(title: str) -> bool:
    """Whether a heading promises numbers."""
    units = (
        r"\b(?:s|ms|MB|MiB|GB|GiB|KiB|%|factor|seconds|TFLOP|core-hours|relative difference)\b|%"
    )
    return bool(re.search(units, title))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
class TestAPage:
    def test_holds_no_placeholder(self, page: Path) -> None:
        assert placeholders(page.read_text(encoding="utf-8")) == []

    def test_fills_every_table_of_figures(self, page: Path) -> None:
        assert columns_without_figures(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "### Memory\n\nMEMORY\n", "**RESULTS**\n", "TODO: measure", "Takes TBD seconds.",
        "This takes XXX s.", "Lorem ipsum dolor".lower(), "It is to be measured.", "It takes ??? s",
        "made by {{ tool }}", "<PUT NUMBER>", "Coming soon".lower(), "not yet measured",
    ],
)  # fmt: skip
def test_placeholders_are_seen(text: str) -> None:
    assert placeholders(text)


@pytest.mark.parametrize(
    "text",
    [
        "```sh\nMEMORY\n```\n", "Set `TODO` to 1.", "# API\n", "FVD and KVD", "Bring the CLI.",
        "<!-- facts MEMORY:begin -->", "| GPU |\n",
    ],
)  # fmt: skip
def test_other_capitals_are_not(text: str) -> None:
    assert not placeholders(text)


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        ("| what | s |\n| --- | --- |\n| all | |\n", ["s", "all | "]),
        ("| what | wall s | MB |\n|---|---|---|\n| all | 3 | - |\n", ["MB"]),
        ("| what | s |\n|---|---|\n| all | 3 |\n| one | |\n", ["one | "]),
        ("| what | s |\n|---|---|\n| all | 3 |\n", []),
        ("| what | why |\n|---|---|\n| all | yes |\n", []),
    ],
    ids=["empty", "dashes", "one row", "filled", "words"],
)
def test_tables_without_figures_are_seen(table: str, wrong: list[str]) -> None:
    assert columns_without_figures(table) == wrong
