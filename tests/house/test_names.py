"""Names are the field's, and one name has one meaning in all packages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("mirabench", "leaderboard/miraboard", "models/miradata", "models/miradit")
FILES = [file for place in PLACES for file in sorted((ROOT / place).rglob("*.py"))]
VAGUE = {"copies", "elsewhere", "look", "looks", "settle", "span", "utils", "helpers", "misc"}


@cache
def parsed(file: Path) -> ast.Module:
    """A file's code; parsed once, for every test of this module."""
    return ast.parse(file.read_text(encoding="utf-8"))


def names_in(file: Path) -> Iterator[str]:
    """What a file is called, and the names that it gives away."""
    yield file.stem
    yield file.parent.name
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name.strip("_")
        elif isinstance(node, ast.arg):
            yield node.arg.strip("_")
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield (node.id if isinstance(node, ast.Name) else node.attr).strip("_")


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("place", PLACES)
def test_no_name_is_vague(place: str) -> None:
    found = {
        f"{named(file)}: {name}"
        for file in FILES
        if file.is_relative_to(ROOT / place)
        for name in names_in(file)
        if name in VAGUE
    }
    assert not found


@pytest.mark.parametrize("name", ["Outcome", "Session", "Row", "Source"])
def test_a_common_word_names_one_thing(name: str) -> None:
    homes = [named(file) for file in FILES if name in top_level_names(file)]
    assert len(homes) == 1, homes


def top_level_names(file: Path) -> set[str]:
    found = set()
    for node in parsed(file).body:
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found
